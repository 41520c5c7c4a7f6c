"""Sections of a region file: every key with its default and its bounds."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from soilft.cube.surface import Lakes, Surface
from soilft.days import DaySpan
from soilft.forest.grow import ForestSettings
from soilft.forest.search import Candidates
from soilft.geo.outline import read_outline
from soilft.predictors.features import GROUPS
from soilft.radiometers.gaps import FROM_NORMALS
from soilft.store.digest import digest

FillLevel = Literal["other_node", "neighbouring_days", "other_sensor", "climatology"]
_Places = TypeVar("_Places", str, str | tuple[str, ...])
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _day(value: Any) -> date:
    """A day as ISO 8601 writes it, and nothing that would have to be cut down to one."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    found = "" if isinstance(value, dict | list) else f", found {value}"
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            found += ", which does not exist"
    raise ValueError(f"expected a day such as 2015-10-31{found}")


def unchained(value: _Places) -> _Places:
    """Refuse ``::``, by which file systems are chained: what stands behind it would be cut off."""
    if "::" in "\n".join([value] if isinstance(value, str) else value):
        raise ValueError(
            "expected one path or URL, found ::, which chains several. Give it a name without ::"
        )
    return value


Day = Annotated[date, BeforeValidator(_day)]
#: A path or URL.
Location = Annotated[str, AfterValidator(unchained)]


class Section(BaseModel):
    """A part of a region file: unknown keys are errors, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RegionSection(Section):
    """Which cells: a preset grid and bounds in degrees.

    ``mask`` is a GeoJSON file of polygons in degrees: cells whose centre lies outside of them are
    outside of the region.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    grid: str
    bounds: tuple[float, float, float, float]
    mask: Location | None = None

    @cached_property
    def outline(self) -> str:
        """Polygons of the mask as WKT; empty without one."""
        return "" if self.mask is None else read_outline(self.mask)


class PeriodSection(Section):
    """First and last UTC day, both included."""

    start: Day
    end: Day

    @model_validator(mode="after")
    def _ordered(self) -> PeriodSection:
        if self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}")
        return self


class SimulationSection(Section):
    """A synthetic Earth in place of archives; everything made of it says SIMULATED.

    ``soilft demo`` writes native granules for the days of ``spans``; with ``direct``, ``soilft
    ingest`` writes the input stores from the same physics, without granules: of all days, or where
    it is ``between`` of the chunks of days that no span touches.

    ``noise`` scales the errors of labels and the noise of radiometers, 1 as the parameters have
    them. ``ground`` is a folder of integrated grounds that runs share; ``truth`` a pattern of the
    files of the truth, where they do not lie in the folder ``truth`` beside the label's.
    """

    seed: int = 0
    spans: tuple[PeriodSection, ...] = ()
    direct: bool | Literal["between"] = False
    noise: float = Field(1.0, ge=0, allow_inf_nan=False)
    # Places, which decide nothing of the product.
    ground: Location | None = Field(None, exclude=True)
    truth: Location | None = Field(None, exclude=True)

    @model_validator(mode="after")
    def _fits_the_way(self) -> SimulationSection:
        if not self.direct and (self.noise != 1 or self.ground is not None):
            raise ValueError("noise and ground: expected with direct: true, found without")
        if self.direct is True and self.truth is not None:
            raise ValueError(f"truth: expected only with granules, found {self.truth}")
        return self

    def days(self, period: DaySpan) -> list[date]:
        """Days to simulate: those of the spans, or all."""
        if not self.spans:
            return list(period)
        found = {day for span in self.spans for day in DaySpan(span.start, span.end)}
        return sorted(day for day in found if day in period)


class LabelSection(Section):
    """What the forest learns: an input, its overpasses, and the one that stands for the day."""

    input: str
    overpasses: tuple[Literal["AM", "PM", "daily"], ...]
    reference_overpass: Literal["AM", "PM", "daily"]

    @model_validator(mode="after")
    def _contains(self) -> LabelSection:
        if self.reference_overpass not in self.overpasses:
            raise ValueError(
                f"reference_overpass {self.reference_overpass} is not among {self.overpasses}"
            )
        return self


class FeatureSection(Section):
    """Which groups of predictors, and how many may be missing."""

    groups: tuple[str, ...] = tuple(GROUPS)
    max_missing: float = Field(0.5, ge=0, lt=1)


class HarmonizeSection(Section):
    """Inter-calibration of several radiometers into one record; none where not enabled.

    ``reference`` is the radiometer that the others are adjusted to, the first named where null. The
    first ``overlap_days`` on which two flew are fitted, so that new days change no fit. Whole
    blocks of ``block_degrees`` and ``block_days`` are left out, to choose the form and to test it.
    """

    enabled: bool = True
    reference: str | None = None
    overlap_days: int = Field(1461, ge=8)
    block_degrees: float = Field(1.0, gt=0)
    block_days: int = Field(5, ge=1)
    seed: int = 0


class GapSection(Section):
    """Filling of passes that no radiometer in operation saw, each with a flag of its level.

    ``levels`` are those allowed; the order is fixed: the other node of the day, the same node a day
    or two away, another radiometer, the normal of the day of the year. All but ``other_sensor``
    need normals, which are those of the first ``normal_days``, so that new days change none.
    """

    levels: tuple[FillLevel, ...] = (
        "other_node",
        "neighbouring_days",
        "other_sensor",
        "climatology",
    )
    normal_days: int = Field(1461, ge=1)

    @property
    def needs_normals(self) -> bool:
        """Whether any allowed level fills from what is normal."""
        return bool(FROM_NORMALS.intersection(self.levels))


class QualitySection(Section):
    """Snow water in kg m-2, spread of the elevation in m, and share of open water to flag from.

    ``lakes`` is a GeoJSON file of polygons in degrees, such as those of HydroLAKES; without one, no
    open water is known.
    """

    snow_water: float = Field(Surface.snow_water, gt=0)
    elevation_std: float = Field(Surface.elevation_std, gt=0)
    water_share: float = Field(Surface.water_share, gt=0, le=1)
    lakes: Location | None = None

    @cached_property
    def surface(self) -> Surface:
        """The section as a value of the science; reads the file of lakes."""
        lakes = None if self.lakes is None else Lakes.of(self.lakes)
        return Surface(self.snow_water, self.elevation_std, self.water_share, lakes)


class SamplingSection(Section):
    """The training table and its random split."""

    max_rows: int = Field(200_000, ge=100)
    seed: int = 0
    train: float = Field(0.70, gt=0)
    validation: float = Field(0.15, ge=0)
    test: float = Field(0.15, ge=0)

    @property
    def fractions(self) -> tuple[float, float, float]:
        """Shares of train, validation and test."""
        return (self.train, self.validation, self.test)

    @model_validator(mode="after")
    def _whole(self) -> SamplingSection:
        if abs(sum(self.fractions) - 1) > 1e-9:
            raise ValueError(f"train, validation and test add up to {sum(self.fractions)}, not 1")
        return self


class SearchSection(Section):
    """Points of a grid to choose the forest's settings from, on blocked folds of training rows.

    ``max_rows`` is what the search uses at most; the chosen forest grows on all training rows.
    """

    enabled: bool = False
    min_samples_leaf: tuple[Annotated[int, Field(ge=1)], ...] = Field((5, 20, 50), min_length=1)
    max_features: tuple[float | Literal["sqrt", "log2"], ...] = Field(("sqrt", 0.3), min_length=1)
    class_weight: tuple[Literal["balanced"] | None, ...] = Field((None, "balanced"), min_length=1)
    n_estimators: tuple[Annotated[int, Field(ge=1)], ...] = Field((50, 100), min_length=1)
    folds: int = Field(3, ge=2)
    max_rows: int = Field(30_000, ge=100)

    def candidates(self) -> Candidates:
        """The points of the grid."""
        return Candidates(
            self.min_samples_leaf, self.max_features, self.class_weight, self.n_estimators
        )


class ForestSection(Section):
    """scikit-learn's ExtraTreesClassifier, and how it is grown.

    ``group_size`` is how many trees a task grows. ``strata`` are parts of the training rows that
    trees grow on; ``auto`` takes no more than it needs for a task to fit a worker. ``per_era``
    tries a forest for each radiometer's rows, kept only where held-out years and blocks are met
    better by it.
    """

    n_estimators: int = Field(ForestSettings.n_estimators, ge=1)
    max_features: float | Literal["sqrt", "log2"] = ForestSettings.max_features
    min_samples_leaf: int = Field(ForestSettings.min_samples_leaf, ge=1)
    class_weight: Literal["balanced"] | None = ForestSettings.class_weight
    seed: int = ForestSettings.seed
    group_size: int = Field(10, ge=1)
    strata: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    per_era: bool = False
    search: SearchSection = SearchSection()

    def settings(self) -> ForestSettings:
        """What the forest is asked for where nothing is searched."""
        how = {"group_size", "strata", "per_era", "search"}
        return ForestSettings(**self.model_dump(exclude=how))

    def key(self) -> str:
        """Digest of what decides the forest; the group size does not."""
        return digest(self.model_dump(mode="json", exclude={"group_size"}))


class ValidationSection(Section):
    """Cross-validation of the record: years and blocks held out together, and controls.

    ``block_degrees`` null takes blocks no smaller than the predictors' correlation range.
    ``splits`` are held out alone as well, to score known places and known years. On
    ``masked_days`` of each month, observed pixel-days are withheld and filled by each level.
    Where radiometers are inter-calibrated, the trend of the record without it is estimated from
    ``trend_cells`` cells at most.
    """

    folds: int = Field(10, ge=2)
    inner_folds: int = Field(3, ge=2)
    block_degrees: float | None = Field(None, gt=0)
    rows_per_fit: int = Field(100_000, ge=100)
    trees_per_fit: int = Field(50, ge=1)
    level: float = Field(0.9, gt=0.5, lt=1)
    splits: tuple[Literal["year", "block"], ...] = ("year", "block")
    replicates: int = Field(1000, ge=100)
    trend_cells: int = Field(500, ge=1)
    masked_days: int = Field(8, ge=0)
    ablations: bool = True
    negative_control: bool = True
    seed: int = 0


class AnnualSection(Section):
    """Annual layers: when a freezing year begins, and how their ranges are drawn.

    A year with fewer known days than the share ``least_known`` is missing. ``draws`` years are
    drawn for the ranges, which hold ``level`` of them. The day-to-day correlation of errors is
    estimated from the labels of the first ``correlation_days``, so that past years do not change as
    the record grows.
    """

    start_month: int = Field(8, ge=1, le=12)
    least_known: float = Field(0.5, gt=0, le=1)
    draws: int = Field(200, ge=20)
    level: float = Field(0.9, gt=0.5, lt=1)
    correlation_days: int = Field(1461, ge=2)
    seed: int = Field(0, ge=0)

    def key(self) -> str:
        """Digest of what decides the layers."""
        return digest(self.model_dump(mode="json"))


class ChunkSection(Section):
    """Days a task: of an input chunk and of a published shard."""

    ingest_days: int = Field(30, ge=1)
    predict_days: int = Field(30, ge=1)
