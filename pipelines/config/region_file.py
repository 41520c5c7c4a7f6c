"""Configuration of a run: one YAML file a region, every key checked and named in errors.

Secrets are no part of it: stores take credentials from the environment or a profile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, ValidationError, model_validator

from cluster.spec import SECRET
from pipelines.config.as_written import AsWritten, Place, read
from pipelines.config.cluster import ClusterSection
from pipelines.config.products import AnyInput, TimedInput
from pipelines.config.publication import MetadataSection, PublicationSection
from pipelines.config.sections import (
    AnnualSection,
    ChunkSection,
    FeatureSection,
    ForestSection,
    GapSection,
    HarmonizeSection,
    LabelSection,
    Location,
    PeriodSection,
    QualitySection,
    RegionSection,
    SamplingSection,
    Section,
    SimulationSection,
    ValidationSection,
)
from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.grid import Region
from soilft.predictors.features import FeatureSet
from soilft.predictors.window import Target
from soilft.sources.labels import LOCAL_SOLAR_HOUR
from soilft.store import credentials
from soilft.store.digest import digest

if TYPE_CHECKING:
    from soilft.sources import DailySource, IsmnArchive, StaticSource

REGIONS = Path(__file__).parents[1] / "regions"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
Checked = TypeVar("Checked", bound=BaseModel)


class Config(Section):
    """Everything a run is told. `load` reads it from YAML."""

    title: str
    region: RegionSection
    period: PeriodSection
    store: Location
    inputs: dict[str, AnyInput]
    label: LabelSection
    harmonize: HarmonizeSection = HarmonizeSection()
    gap_filling: GapSection = GapSection()
    features: FeatureSection = FeatureSection()
    quality: QualitySection = QualitySection()
    sampling: SamplingSection = SamplingSection()
    forest: ForestSection = ForestSection()
    validation: ValidationSection = ValidationSection()
    annual: AnnualSection = AnnualSection()
    metadata: MetadataSection = MetadataSection()
    publication: PublicationSection = PublicationSection()
    chunks: ChunkSection = ChunkSection()
    cluster: ClusterSection = ClusterSection()
    simulation: SimulationSection | None = None

    @model_validator(mode="after")
    def _label_is_one(self) -> Config:
        label = self.inputs.get(self.label.input)
        if label is None or label.source().role != "label":
            labels = [n for n, i in self.inputs.items() if i.source().role == "label"]
            raise ValueError(
                f"label.input: expected one of the inputs that are labels ({', '.join(labels)}), "
                f"found {self.label.input}"
            )
        if isinstance(label, TimedInput) and label.may_be_absent:
            raise ValueError(
                f"inputs.{self.label.input}.may_be_absent: expected false, for it is the label "
                "that is learnt, found true"
            )
        known = cast("DailySource", label.source()).overpasses
        for overpass in self.label.overpasses:
            if overpass not in known:
                raise ValueError(
                    f"label.overpasses: {label.product} has {', '.join(known)}, found {overpass}"
                )
        return self

    @model_validator(mode="after")
    def _inputs_agree(self) -> Config:
        for role in ("reanalysis", "station"):
            names = [name for name, item in self.inputs.items() if item.source().role == role]
            if len(names) > 1:
                raise ValueError(
                    f"inputs: expected at most one of the kind {role}, found {', '.join(names)}"
                )
        given: set[str] = set()
        for name, source in self.static_sources().items():
            mine = {variable.name for variable in source.variables}
            if given & mine:
                raise ValueError(
                    f"inputs.{name}: expected variables that no other static input has, found "
                    f"{', '.join(sorted(given & mine))}"
                )
            given |= mine
        for name, item in self.inputs.items():
            if not item.patterns and not self.is_direct:
                raise ValueError(f"inputs.{name}.granules: expected a path or URL, found none")
        for name in self.metadata.inputs:
            if name not in self.inputs:
                raise ValueError(
                    f"metadata.inputs: expected names of inputs ({', '.join(self.inputs)}), "
                    f"found {name}"
                )
        return self

    @model_validator(mode="after")
    def _reference_is_a_radiometer(self) -> Config:
        reference = self.harmonize.reference
        radiometers = [n for n, i in self.inputs.items() if i.source().role == "tb"]
        if reference is not None and reference not in radiometers:
            raise ValueError(
                f"harmonize.reference: expected a radiometer among the inputs "
                f"({', '.join(radiometers) or 'there is none'}), found {reference}"
            )
        return self

    @model_validator(mode="after")
    def _values_can_be_made(self) -> Config:
        if not self.to_region().mask.any():
            raise ValueError(
                "region.mask: expected polygons around the centre of a cell, found none"
            )
        self.feature_set()
        self.quality.surface  # noqa: B018  a file of lakes that is none is said at once
        return self

    def to_region(self) -> Region:
        """The region as a value of the science."""
        section = self.region
        return Region(section.name, section.grid, section.bounds, section.outline)

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
        return {n: cast("IsmnArchive", s) for n, s in sources.items() if s.role == "station"}

    @property
    def is_direct(self) -> bool:
        """Whether the input stores are simulated without granules."""
        return self.simulation is not None and self.simulation.direct is True

    @property
    def solar_hours(self) -> Mapping[str, float]:
        """Local solar hour of the label's overpasses, by name."""
        source = self.inputs[self.label.input].source()
        return getattr(source, "solar_hours", LOCAL_SOLAR_HOUR)

    def feature_set(self) -> FeatureSet:
        """Groups and overpasses to describe."""
        targets = tuple(Target(name, self.solar_hours.get(name)) for name in self.label.overpasses)
        return FeatureSet(self.features.groups, targets, self.features.max_missing)

    def digest(self) -> str:
        """Digest of what decides the daily values.

        Where it runs and lies, who made it, and its last day, do not.
        """
        elsewhere = {"store", "cluster", "chunks", "metadata", "publication", "annual", "inputs"}
        value = self.model_dump(mode="json", exclude=elsewhere)
        del value["period"]["end"]
        value["inputs"] = {name: item.digested() for name, item in self.inputs.items()}
        value["region"]["mask"] = self.region.outline
        lakes = self.quality.surface.lakes
        value["quality"]["lakes"] = None if lakes is None else lakes.content
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
        Naming the file and each key that is wrong, what was expected and what was found; of
        credentials, which belong in the environment or a profile, nothing of what was found.
    """
    if not path.is_file():
        shipped = ", ".join(sorted(p.stem for p in REGIONS.glob("*.yaml")))
        raise ConfigError(
            str(path),
            expected="a YAML file",
            found="no file",
            remedy=f"Shipped with soilft, by name alone: {shipped}.",
        )
    return checked(path, read(path), overrides or {}, Config)


def checked(
    path: Path,
    written: AsWritten,
    given: Mapping[str, Any],
    kind: type[Checked],
    keys: Collection[str] | None = None,
) -> Checked:
    """A region file, or what a model asks of it; as `load`.

    Parameters
    ----------
    given
        Top-level keys that replace the file's.
    kind
        The model.
    keys
        Top-level keys to look at, or all of them.
    """
    # What replaces the file's stands on none of its lines.
    own = {place: line for place, line in written.lines.items() if not given.keys() & {*place[:1]}}
    asked = {k: v for k, v in {**written.values, **given}.items() if keys is None or k in keys}
    written = AsWritten(path, asked, own)
    values = _expanded(written.values, written, ())
    _refuse_credentials(values, written, ())
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(_problem(item, written) for item in error.errors())
        raise ConfigError(f"{path}: {problems}") from error
    except ConfigError as error:
        # What the science refuses names its key, and knows of no file.
        raise ConfigError(f"{path}: {_by_key(str(error), written)}") from error


def shipped(name: str) -> Path:
    """Path of a region file: a path as given, or the name of one that ships with soilft."""
    candidate = REGIONS / f"{name}.yaml"
    return candidate if candidate.exists() else Path(name)


def region_files() -> Sequence[Path]:
    """The region files that ship with soilft."""
    return sorted(REGIONS.glob("*.yaml"))


def as_written(path: Path) -> dict[str, Any]:
    """A region file as it stands, nothing checked or replaced."""
    return read(path).values


def _problem(item: Any, written: AsWritten) -> str:
    message, found = str(item["msg"]).removeprefix("Value error, "), item["input"]
    if not item["loc"]:  # what sections must agree on
        return _by_key(message, written)
    if item["type"] == "extra_forbidden":
        hidden = isinstance(found, dict | list) or SECRET.search(str(item["loc"][-1]))
        message = "unknown key" if hidden else f"unknown key (value {found!r})"
    elif item["type"] == "missing":
        message = "missing key"
    elif item["type"] == "string_type" and isinstance(found, int | float):
        message = f"expected text, found the number {found}. Write it in quotes"
    # A whole section is not shown: it is long, and may hold what the environment gave.
    elif "found" not in message and not isinstance(found, dict | list | BaseModel):
        message += f", found {found if isinstance(found, date) else repr(found)}"
    return f"{written.at(item['loc'])}: {message}"


def _refuse_credentials(value: Any, written: AsWritten, place: Place) -> None:
    """Refuse text with a password, a key or a signature in it before any message shows values."""
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_credentials(item, written, (*place, key))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            _refuse_credentials(item, written, (*place, i))
    elif isinstance(value, str):
        credentials.refuse_in(value, f"{written.path}: {written.at(place)}")


def _by_key(message: str, written: AsWritten) -> str:
    """Put the line before a message that begins with its key."""
    key, _, rest = message.partition(": ")
    return f"{written.at(tuple(key.split('.')))}: {rest}"


def _expanded(value: Any, written: AsWritten, place: Place) -> Any:
    """Replace ``${NAME}`` in all strings below."""
    if isinstance(value, dict):
        return {k: _expanded(v, written, (*place, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, written, (*place, i)) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(
                f"{written.path}: {written.at(place)}",
                expected=f"the environment variable {match[1]}",
                found="not set",
                remedy=f"Set it: export {match[1]}=...",
            )
        return found

    return _VARIABLE.sub(replaced, value)
