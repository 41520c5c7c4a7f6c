"""Names of units, and facts that stages leave each other in the ledger, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from soilft.days import DaySpan
from soilft.store.ledger import Facts


@dataclass(frozen=True)
class InputUnit:
    """Name of an ingested unit: an input, and what of it.

    Parameters
    ----------
    part
        First day of a chunk of days; ``static`` or ``stations`` for what has none.
    """

    source: str
    part: str

    @classmethod
    def of_days(cls, source: str, span: DaySpan) -> InputUnit:
        """A chunk of days of an input."""
        return cls(source, str(span.first))

    @classmethod
    def of_static(cls, source: str) -> InputUnit:
        """All fields of an input without time."""
        return cls(source, "static")

    @classmethod
    def of_stations(cls, source: str) -> InputUnit:
        """All stations of an input."""
        return cls(source, "stations")

    @property
    def is_static(self) -> bool:
        """Whether it is of an input without time."""
        return self.part == "static"

    def __str__(self) -> str:
        return f"{self.source}/{self.part}"


@dataclass(frozen=True)
class IngestedUnit(Facts):
    """Facts of an ingested unit: whether its files say of themselves that they were simulated."""

    simulated: bool


@dataclass(frozen=True)
class IngestedDays(IngestedUnit):
    """Facts of a chunk of days of an input, or of all days of stations.

    Parameters
    ----------
    coverage
        Share of cells, or of stations, with a value on each day; empty where nothing could be read.
    granules
        Files, or stations, that each day was made from.
    last
        ISO date of the last day.
    newest_day
        ISO date of the newest day with data; empty where there is none.
    """

    coverage: Sequence[float] = ()
    granules: Sequence[int] = ()
    last: str = ""
    newest_day: str = ""

    def days_with_data(self, span: DaySpan) -> list[int]:
        """Those of its days, since 1970-01-01, on which anything has a value; ascending."""
        covered = zip(span.numbers, self.coverage, strict=True)
        return [int(day) for day, share in covered if share > 0]


@dataclass(frozen=True)
class Harmonized(Facts):
    """Facts of the transfers between radiometers.

    Parameters
    ----------
    used_url, tested_url
        Paths below the store: of the transfers for the record, and of those that do not know the
        pairs left out for testing.
    unreached
        Radiometers that cannot be inter-calibrated to the reference.
    links, hand_overs
        What was fitted to what, and the steps where one hands over to the next, as the report
        tells them.
    """

    used_url: str
    unreached: Sequence[str]
    tested_url: str = ""
    reference: str = ""
    links: Sequence[Mapping[str, Any]] = ()
    hand_overs: Sequence[Mapping[str, Any]] = ()

    @property
    def kept(self) -> dict[str, Any]:
        """What a release says of them, for an update to use them again."""
        return {"used_url": self.used_url, "unreached": list(self.unreached)}

    @property
    def told(self) -> dict[str, Any]:
        """What the scorecard tells of them."""
        return {name: value for name, value in self.to_json().items() if not name.endswith("_url")}


@dataclass(frozen=True)
class NormalsFitted(Facts):
    """Facts of the normals that gaps are filled from: a path below the store, and their days."""

    url: str
    days: int = 0

    @property
    def kept(self) -> dict[str, Any]:
        """What a release says of them, for an update to use them again."""
        return {"url": self.url}


@dataclass(frozen=True)
class Blocks(Facts):
    """Facts of the spatial blocks: their side in degrees, and the range it was taken from."""

    block_degrees: float
    block_degrees_configured: bool = False
    correlation_range: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingTable(Blocks):
    """Facts of the training table.

    Parameters
    ----------
    rows, frozen
        Rows, and those of them that are frozen.
    candidates, strata
        Pixel-days they were drawn from, and the strata of these.
    labels
        Counts of labels by what became of them.
    """

    rows: int = 0
    frozen: int = 0
    candidates: int = 0
    strata: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ForestSearch(Facts):
    """Facts of the search for a forest's settings.

    Parameters
    ----------
    chosen, best
        Settings that were taken, and those of the highest accuracy.
    why
        Why the one and not the other, as a sentence.
    points
        Every candidate with its scores.
    seconds
        What each candidate took.
    rows, folds
        Rows and folds that they were tried on.
    """

    chosen: Mapping[str, Any]
    best: Mapping[str, Any]
    why: str
    points: Sequence[Mapping[str, Any]]
    seconds: Sequence[float] = ()
    rows: int = 0
    folds: int = 0

    @property
    def told(self) -> dict[str, Any]:
        """What a model's card tells of it: the same on every machine."""
        return {"chosen": self.chosen, "best": self.best, "why": self.why, "points": self.points}


@dataclass(frozen=True)
class ForestGrown(Facts):
    """Facts of the forest: a digest of the settings that the region file asked for."""

    asked: str = ""


@dataclass(frozen=True)
class RawTable(Facts):
    """Facts of the predictors of radiometers as they are: rows, and those without any."""

    rows: int
    left_out: int


@dataclass(frozen=True)
class PredictedDays(Facts):
    """Facts of a predicted chunk: pixel-days by state, and a digest of the values of each day."""

    days: Sequence[str]
    thawed: int = 0
    frozen: int = 0
    missing: int = 0


@dataclass(frozen=True)
class Scored(Facts):
    """Facts of a scorecard: the forest's skill, of `soilft.scores.skill`.

    None where its held-out rows have no interval, and in records of release 0.3.0.
    """

    skill: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ErrorCorrelation(Facts):
    """Facts of the day-to-day correlation of errors, of `soilft.annual.day_correlation`.

    Parameters
    ----------
    weights
        Of the mixture that gives the correlations; None where too few labelled days tell it.
    lags, correlations, pairs
        Lags in days, the correlation at each, and the pairs that it was estimated from.
    scales
        Decay in days of each part of the mixture, None where it does not decay.
    """

    weights: Sequence[float] | None
    lags: Sequence[int] = ()
    correlations: Sequence[float | None] = ()
    pairs: Sequence[int] = ()
    scales: Sequence[float | None] = ()


@dataclass(frozen=True)
class Pictures(Facts):
    """Facts of the pictures of the annual layers: their names, or why they are left out."""

    pictures: Sequence[str]
    left_out: str = ""


@dataclass(frozen=True)
class Card(Facts):
    """What stages ask of a model's ``card.json``.

    Parameters
    ----------
    features
        Names of the predictors.
    uncertainty
        Calibration and conformal sets; None where none could be fitted.
    settings
        Of the forest, as it was grown.
    eras_with_a_forest
        Numbers of the radiometers with a forest of their own.
    """

    features: Sequence[str]
    uncertainty: Mapping[str, Any] | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    eras_with_a_forest: Sequence[int] = ()

    @property
    def calibrated(self) -> bool:
        """Whether its probabilities are calibrated."""
        return self.uncertainty is not None

    @property
    def set_level(self) -> float | None:
        """Level of its conformal sets; None where there are none."""
        sets = (self.uncertainty or {}).get("conformal")
        return None if sets is None else float(sets["level"])
