"""The configuration of a run: one YAML file a region, every key checked and named in errors.

Secrets are no part of it: stores take credentials from the environment or a profile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from cluster import ClusterSpec
from pipelines.products import Input
from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.features import GROUPS, FeatureSet
from soilft.forest.grow import ForestSettings
from soilft.forest.search import Candidates
from soilft.grid import Region
from soilft.ledger import digest
from soilft.sources import DailySource, IsmnArchive, StaticSource
from soilft.sources.smos import LOCAL_SOLAR_HOUR
from soilft.window import Target

REGIONS = Path(__file__).parent / "regions"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RegionSection(_Section):
    """Which cells: a preset grid and bounds in degrees."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    grid: str
    bounds: tuple[float, float, float, float]


class PeriodSection(_Section):
    """First and last UTC day, both included."""

    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> PeriodSection:
        if self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}")
        return self


class SimulationSection(_Section):
    """A synthetic Earth in place of archives; everything made of it says SIMULATED.

    ``soilft demo`` writes native granules for the days of ``spans``; with ``direct``, ``soilft
    ingest`` writes the input stores from the same physics, without granules.

    ``noise`` scales the errors of labels and the noise of radiometers, 1 as the parameters have
    them. ``ground`` is a folder of integrated grounds that runs share; ``truth`` a pattern of the
    files of the truth, where they do not lie in the folder ``truth`` beside the label's.
    """

    seed: int = 0
    spans: tuple[PeriodSection, ...] = ()
    direct: bool = False
    noise: float = Field(1.0, ge=0, allow_inf_nan=False)
    # Places, which decide nothing of the product.
    ground: str | None = Field(None, exclude=True)
    truth: str | None = Field(None, exclude=True)

    @model_validator(mode="after")
    def _fits_the_way(self) -> SimulationSection:
        if not self.direct and (self.noise != 1 or self.ground is not None):
            raise ValueError("noise and ground: expected with direct: true, found without")
        if self.direct and self.truth is not None:
            raise ValueError(f"truth: expected only with granules, found {self.truth}")
        return self

    def days(self, period: DaySpan) -> list[date]:
        """Days to simulate: those of the spans, or all."""
        if not self.spans:
            return list(period)
        found = {day for span in self.spans for day in DaySpan(span.start, span.end)}
        return sorted(day for day in found if day in period)


class LabelSection(_Section):
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


class FeatureSection(_Section):
    """Which groups of predictors, and how many may be missing."""

    groups: tuple[str, ...] = tuple(GROUPS)
    max_missing: float = Field(0.5, ge=0, lt=1)


class SamplingSection(_Section):
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


class SearchSection(_Section):
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


class ForestSection(_Section):
    """scikit-learn's ExtraTreesClassifier, and how it is grown.

    ``group_size`` is how many trees a task grows. ``strata`` are parts of the training rows that
    trees grow on; ``auto`` takes no more than it needs for a task to fit a worker. ``per_era``
    tries a forest for each radiometer's rows, kept only where held-out years and blocks are met
    better by it.
    """

    n_estimators: int = Field(100, ge=1)
    max_features: float | Literal["sqrt", "log2"] = "sqrt"
    min_samples_leaf: int = Field(20, ge=1)
    class_weight: Literal["balanced"] | None = None
    seed: int = 0
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


class ValidationSection(_Section):
    """How the record is judged: years and blocks held out together, and controls.

    ``block_degrees`` null takes blocks no smaller than the predictors' correlation range.
    ``splits`` are held out alone as well, for what a known place or a known year is worth.
    """

    folds: int = Field(10, ge=2)
    inner_folds: int = Field(3, ge=2)
    block_degrees: float | None = Field(None, gt=0)
    rows_per_fit: int = Field(100_000, ge=100)
    trees_per_fit: int = Field(50, ge=1)
    level: float = Field(0.9, gt=0.5, lt=1)
    splits: tuple[Literal["year", "block"], ...] = ("year", "block")
    replicates: int = Field(1000, ge=100)
    ablations: bool = True
    negative_control: bool = True
    seed: int = 0


class ChunkSection(_Section):
    """Days a task: of an input chunk and of a published shard."""

    ingest_days: int = Field(30, ge=1)
    predict_days: int = Field(30, ge=1)


class ClusterSection(_Section):
    """Where it runs; see `cluster.ClusterSpec`."""

    kind: str = "local"
    workers: int = Field(2, ge=1)
    memory: str = "3GiB"
    address: str | None = None
    dashboard: bool = True

    def spec(self) -> ClusterSpec:
        """The cluster as its package describes it."""
        return ClusterSpec(**self.model_dump())


class Config(_Section):
    """Everything a run is told. `load` reads it from YAML."""

    title: str
    region: RegionSection
    period: PeriodSection
    store: str
    inputs: dict[str, Input]
    label: LabelSection
    features: FeatureSection = FeatureSection()
    sampling: SamplingSection = SamplingSection()
    forest: ForestSection = ForestSection()
    validation: ValidationSection = ValidationSection()
    chunks: ChunkSection = ChunkSection()
    cluster: ClusterSection = ClusterSection()
    simulation: SimulationSection | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        label = self.inputs.get(self.label.input)
        if label is None or label.source().role != "label":
            labels = [n for n, i in self.inputs.items() if i.source().role == "label"]
            raise ValueError(
                f"label.input: expected one of the inputs that are labels ({', '.join(labels)}), "
                f"found {self.label.input}"
            )
        roles = [i.source().role for i in self.inputs.values()]
        for role in ("reanalysis", "station"):
            if roles.count(role) > 1:
                raise ValueError(f"inputs: expected at most one of the kind {role}")
        for name, item in self.inputs.items():
            if not item.patterns and not self.is_direct:
                raise ValueError(f"inputs.{name}.granules: expected a path or URL, found none")
        known = cast("DailySource", label.source()).overpasses
        for overpass in self.label.overpasses:
            if overpass not in known:
                raise ValueError(
                    f"label.overpasses: {label.product} has {', '.join(known)}, found {overpass}"
                )
        self.to_region()
        self.feature_set()
        return self

    def to_region(self) -> Region:
        """The region as a value of the science."""
        return Region(self.region.name, self.region.grid, self.region.bounds)

    @property
    def days(self) -> DaySpan:
        """All days of the period."""
        return DaySpan(self.period.start, self.period.end)

    def daily_sources(self) -> dict[str, DailySource]:
        """Sources with days, by name of the input."""
        sources = {name: item.source() for name, item in self.inputs.items()}
        daily = ("tb", "reanalysis", "label")
        return {n: cast("DailySource", s) for n, s in sources.items() if s.role in daily}

    def static_sources(self) -> dict[str, StaticSource]:
        """Sources without time, by name of the input."""
        sources = {name: item.source() for name, item in self.inputs.items()}
        return {n: cast("StaticSource", s) for n, s in sources.items() if s.role == "static"}

    def station_sources(self) -> dict[str, IsmnArchive]:
        """Archives of stations, by name of the input."""
        sources = {name: item.source() for name, item in self.inputs.items()}
        return {n: s for n, s in sources.items() if isinstance(s, IsmnArchive)}

    @property
    def is_direct(self) -> bool:
        """Whether the input stores are simulated without granules."""
        return self.simulation is not None and self.simulation.direct

    def feature_set(self) -> FeatureSet:
        """Groups and overpasses to describe."""
        targets = tuple(Target(name, LOCAL_SOLAR_HOUR.get(name)) for name in self.label.overpasses)
        return FeatureSet(self.features.groups, targets, self.features.max_missing)

    def digest(self) -> str:
        """Digest of what decides the product; where it runs and lies does not."""
        value = self.model_dump(mode="json", exclude={"store", "cluster", "chunks"})
        for item in value["inputs"].values():
            del item["granules"]
        if not self.is_direct:
            del value["simulation"]  # the granules tell
        del value["forest"]["group_size"]
        return digest(value)


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a region file.

    ``${NAME}`` in a string is replaced by the environment variable; relative granule patterns and
    stores are taken from the folder the command is run in.

    Parameters
    ----------
    overrides
        Top-level keys that replace the file's, such as ``{"store": "s3://bucket/prefix"}``.

    Raises
    ------
    ConfigError
        Naming the file and each key that is wrong, what was expected and what was found.
    """
    if not path.exists():
        shipped = ", ".join(sorted(p.stem for p in REGIONS.glob("*.yaml")))
        raise ConfigError(
            str(path),
            expected="a YAML file",
            found="no file",
            remedy=f"Shipped with soilft, by name alone: {shipped}.",
        )
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError(str(path), expected="YAML", found=str(error)) from error
    if not isinstance(text, dict):
        raise ConfigError(str(path), expected="keys and values", found=type(text).__name__)
    try:
        return Config.model_validate(_expanded({**text, **(overrides or {})}, path, ""))
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {_problem(item)}"
            for item in error.errors()
        )
        raise ConfigError(str(path), found=problems) from error


def shipped(name: str) -> Path:
    """Path of a region file: a path as given, or the name of one that ships with soilft."""
    candidate = REGIONS / f"{name}.yaml"
    return candidate if candidate.exists() else Path(name)


def region_files() -> Sequence[Path]:
    """The region files that ship with soilft."""
    return sorted(REGIONS.glob("*.yaml"))


def as_written(path: Path) -> dict[str, Any]:
    """A region file as it stands, nothing checked or replaced."""
    value: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return value


def _problem(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return f"unknown key (value {item['input']!r})"
    if item["type"] == "missing":
        return "missing key"
    message = str(item["msg"]).removeprefix("Value error, ")
    return message if "found" in message else f"{message}, found {item['input']!r}"


def _expanded(value: Any, path: Path, key: str) -> Any:
    """Replace ``${NAME}`` in all strings below."""
    if isinstance(value, dict):
        return {k: _expanded(v, path, f"{key}.{k}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, path, key) for v in value]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(
                f"{path}: {key}", expected=f"the environment variable {match[1]}", found="not set"
            )
        return found

    return _VARIABLE.sub(replaced, value)
