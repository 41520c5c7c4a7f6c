"""Run of a region file: one configuration on one store, and what the store has of it today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines import lineage
from pipelines.config.region_file import Config
from pipelines.facts import Card, Harmonized, IngestedDays, IngestedUnit, InputUnit, NormalsFitted
from pipelines.places import Places
from soilft.days import DaySpan
from soilft.errors import ModelError
from soilft.forest.artefact import ModelRef, card_of, require_whole
from soilft.predictors.stores import InputRefs
from soilft.radiometers import eras
from soilft.radiometers.eras import Numbers
from soilft.radiometers.gaps import NEIGHBOUR_DAYS
from soilft.radiometers.opened import GapRefs
from soilft.store.ledger import Done, Ledger, SetAside


@dataclass(frozen=True)
class Pins:
    """What an update keeps as it was released, however the inputs have changed since.

    Parameters
    ----------
    model
        The forest.
    transfers, normals
        Records of the inter-calibration and of the normals that gaps are filled from.
    """

    model: ModelRef
    transfers: Done | None = None
    normals: Done | None = None


@dataclass(frozen=True)
class Run:
    """One region file on one store: what is configured, and what the store has of it.

    Parameters
    ----------
    pins
        What is kept as it was released; None where everything is of the inputs as they are.
    retry_set_aside
        Whether granules that were set aside are looked at again, though their files are the same.
    """

    config: Config
    pins: Pins | None = None
    retry_set_aside: bool = False

    @property
    def store(self) -> str:
        """URL of the store."""
        return self.config.store.rstrip("/")

    @property
    def places(self) -> Places:
        """Where everything lies below the store."""
        return Places(self.store)

    @cached_property
    def ledger(self) -> Ledger:
        """What is done, every record of the long stages read in one go."""
        ledger = Ledger(self.store)
        for stage in ("ingest", "harmonize", "predict", "annual", "stores"):
            ledger.recall(stage)
        return ledger

    def ingest_spans(self) -> list[DaySpan]:
        """Days of each input chunk."""
        return self.config.days.chunks(self.config.chunks.ingest_days)

    def predict_spans(self) -> list[DaySpan]:
        """Days of each published shard."""
        return self.config.days.chunks(self.config.chunks.predict_days)

    def radiometers(self) -> tuple[str, ...]:
        """Names of the inputs with brightness temperatures, the preferred one first."""
        return tuple(n for n, s in self.config.daily_sources().items() if s.role == "tb")

    @property
    def harmonizes(self) -> bool:
        """Whether several radiometers are inter-calibrated into one record."""
        return self.config.harmonize.enabled and len(self.radiometers()) > 1

    def reference_radiometer(self) -> str:
        """The radiometer that the others are inter-calibrated to."""
        return self.config.harmonize.reference or self.radiometers()[0]

    def harmonization(self) -> Done | None:
        """The record of the transfers of today's inputs; None where there is none, or no need."""
        if not self.harmonizes:
            return None
        if self.pins is not None:
            return self.pins.transfers
        record = self.ledger.get("harmonize", "transfers")
        return record if record is not None and record.key == lineage.transfers_key(self) else None

    def days_with_data(self) -> dict[str, Numbers]:
        """Days since 1970-01-01 on which each radiometer has any pixel so far, by name."""
        return {name: np.array(self.days_of(name), "int32") for name in self.radiometers()}

    def days_of(self, name: str) -> list[int]:
        """Days since 1970-01-01 on which an input has any pixel so far, ascending."""
        days: list[int] = []
        for span in self.ingest_spans():
            record = self.ledger.get("ingest", str(InputUnit.of_days(name, span)))
            if record is not None:
                days += IngestedDays.of(record).days_with_data(span)
        return days

    def operating(self) -> npt.NDArray[np.uint8]:
        """Number of the radiometer in operation on each day, 255 where none was, (day,).

        One that cannot be inter-calibrated counts as none, and so does one that gave nothing in
        the days that a gap may be filled from.
        """
        record = self.harmonization()
        lost = () if record is None else Harmonized.of(record).unreached
        days = self.days_with_data()
        days |= {name: np.empty(0, "int32") for name in lost}
        numbers = self.config.days.numbers
        return eras.operating(days, self.radiometers(), numbers, within=NEIGHBOUR_DAYS)

    @property
    def needs_normals(self) -> bool:
        """Whether gaps are filled from what is normal."""
        return bool(self.radiometers()) and self.config.gap_filling.needs_normals

    def normal_span(self) -> DaySpan:
        """Days that the normals know."""
        return self.config.days.first_days(self.config.gap_filling.normal_days)

    def normals(self) -> Done | None:
        """The record of the normals of today's inputs; None where there is none, or no need."""
        if not self.needs_normals:
            return None
        if self.pins is not None:
            return self.pins.normals
        record = self.ledger.get("harmonize", "normals")
        return record if record is not None and record.key == lineage.normals_key(self) else None

    def gap_refs(self) -> GapRefs | None:
        """How gaps are filled; None where there are no radiometers."""
        if not self.radiometers():
            return None
        record = self.normals()
        return GapRefs(
            self.config.gap_filling.levels,
            eras.spells(self.operating()),
            None if record is None else self.places.url(NormalsFitted.of(record).url),
        )

    def input_refs(self) -> InputRefs:
        """Predictor stores by role."""
        record = self.harmonization()
        sources = self.config.daily_sources()
        daily = {source.role: self.places.input(name) for name, source in sources.items()}
        return InputRefs(
            self.config.to_region(),
            self.config.days,
            # The first radiometer of the region file is preferred where several saw a pixel.
            tb=tuple(self.places.input(name) for name in self.radiometers()),
            reanalysis=daily.get("reanalysis"),
            static=self.places.static if self.config.static_sources() else None,
            transfers=None if record is None else self.places.url(Harmonized.of(record).used_url),
            gaps=self.gap_refs(),
        )

    def input_records(self, within: DaySpan | None = None) -> list[tuple[InputUnit, Done]]:
        """Ledger records of ingested units, those that touch some days, in a fixed order."""
        spans = [s for s in self.ingest_spans() if within is None or s.touches(within)]
        units = [InputUnit.of_days(name, s) for name in self.config.daily_sources() for s in spans]
        units += [InputUnit.of_static(name) for name in self.config.static_sources()]
        records = [(unit, self.ledger.get("ingest", str(unit))) for unit in units]
        return [(unit, record) for unit, record in records if record is not None]

    def station_records(self) -> list[Done]:
        """Ledger records of the archives of stations; no prediction depends on them."""
        units = [InputUnit.of_stations(name) for name in self.config.station_sources()]
        found = [self.ledger.get("ingest", str(unit)) for unit in units]
        return [record for record in found if record is not None]

    def is_simulated(self) -> bool:
        """Whether any input says of itself that it was simulated."""
        return any(IngestedUnit.of(record).simulated for _, record in self.input_records())

    def newest_input_day(self) -> str:
        """ISO date of the newest day with data, or of the period's end where there is none."""
        days = [IngestedDays.of(record).newest_day for _, record in self.input_records()]
        return max(days, default="") or str(self.config.days.last)

    def set_aside(self) -> list[SetAside]:
        """Every granule that is left out at present."""
        records = [record for _, record in self.input_records()] + self.station_records()
        return [item for record in records for item in record.set_aside]

    def table_url(self) -> str:
        """The training table of today's inputs."""
        return self.places.table(lineage.table_key(self))

    def model(self) -> ModelRef | None:
        """The forest trained on today's inputs, or the one pinned; None where there is none yet."""
        if self.pins is not None:
            return self.pins.model
        table = self.ledger.get("train", "table")
        forest = self.ledger.get("train", "forest")
        if table is None or table.key != lineage.table_key(self):
            return None
        if forest is None or forest.key != lineage.forest_key(self, table.content):
            return None
        return ModelRef(self.places.model(forest.content), forest.content)

    def card(self, model: ModelRef) -> Card:
        """Card of a model, read once.

        Raises
        ------
        ModelError
            Where it is not as it was written.
        """
        if model not in self._cards:
            self._cards[model] = Card.from_json(card_of(model))
        return self._cards[model]

    def is_whole(self, model: ModelRef) -> bool:
        """Whether a model is as it was written; one that is is read once."""
        if model not in self._whole:
            try:
                require_whole(model)
            except ModelError:
                return False
            self._whole.add(model)
        return True

    @cached_property
    def _whole(self) -> set[ModelRef]:
        return set()

    @cached_property
    def _cards(self) -> dict[ModelRef, Card]:
        return {}

    def staging_url(self, model: ModelRef) -> str:
        """The staging cube."""
        return self.places.staging(lineage.run_id(self, model))

    def report_url(self, model: ModelRef) -> str:
        """Scorecard and report of a model."""
        return self.places.report(lineage.run_id(self, model))

    @property
    def annual_name(self) -> str:
        """Names annual layers by their settings and by what their chunks carry.

        Layers of 0.3.0, whose chunks carry no checksum, are of another name and stay as they are.
        """
        return f"{self.config.annual.key()[:16]}-crc32c"

    def annual_url(self, model: ModelRef) -> str:
        """The annual layers of the staging cube."""
        return self.places.annual(lineage.run_id(self, model), self.annual_name)

    def quicklooks_url(self, model: ModelRef) -> str:
        """Pictures of the annual layers."""
        return self.places.quicklooks(lineage.run_id(self, model), self.annual_name)

    def references(self) -> Sequence[str]:
        """Citations of the inputs that have data, in the order of their names."""
        sources, empty = self.sources(), self.without_data()
        given = self.config.metadata.inputs
        return [
            given.get(name, sources[name].references)
            for name in sorted(sources)
            if name not in empty
        ]

    def without_data(self) -> set[str]:
        """Inputs with days of which nothing has a value on any day so far, by name."""
        known = {u.source for u, r in self.input_records() if IngestedDays.of(r).newest_day}
        return self.config.daily_sources().keys() - known

    def sources(self) -> dict[str, Any]:
        """Sources that predictors and labels come from, by name of the input."""
        return {**self.config.daily_sources(), **self.config.static_sources()}
