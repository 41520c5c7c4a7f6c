"""Run of a region file: its configuration, its store, and what the store knows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.config.region_file import Config
from soilft import __version__
from soilft.days import DaySpan
from soilft.forest.artefact import ModelRef
from soilft.predictors.features import VERSION as FEATURES_VERSION
from soilft.predictors.normals_fit import VERSION as NORMALS_VERSION
from soilft.predictors.normals_fit import first_days
from soilft.predictors.stores import GapRefs, InputRefs
from soilft.predictors.window import HALO_DAYS, REACH_DAYS
from soilft.radiometers import eras
from soilft.radiometers.eras import Numbers
from soilft.radiometers.fit import VERSION as HARMONIZE_VERSION
from soilft.radiometers.gaps import NEIGHBOUR_DAYS
from soilft.radiometers.gaps import VERSION as GAPS_VERSION
from soilft.store import objects
from soilft.store.digest import digest
from soilft.store.ledger import Ledger, Record, SetAside


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
    transfers: Record | None = None
    normals: Record | None = None


@dataclass(frozen=True)
class Run:
    """One region file on one store: where everything lies and what is keyed by what.

    Parameters
    ----------
    pins
        What is kept as it was released; None where everything is of the inputs as they are.
    """

    config: Config
    pins: Pins | None = None

    @property
    def store(self) -> str:
        """URL of the store."""
        return self.config.store.rstrip("/")

    @cached_property
    def ledger(self) -> Ledger:
        """What is done, every record of the long stages read in one go."""
        ledger = Ledger(self.store)
        for stage in ("ingest", "harmonize", "predict", "annual"):
            ledger.recall(stage)
        return ledger

    def url(self, *parts: str) -> str:
        """URL of something below the store."""
        return objects.join(self.store, *parts)

    def input_url(self, name: str) -> str:
        """Store of a source with days."""
        return self.url("inputs", f"{name}.zarr")

    @property
    def static_url(self) -> str:
        """Store of all sources without time."""
        return self.url("inputs", "static.zarr")

    @property
    def simulation_folder(self) -> str:
        """Native files and integrated ground of a synthetic Earth without an archive."""
        return self.url("simulation")

    @property
    def availability_url(self) -> str:
        """Table of days and sources."""
        return self.url("inputs", "availability.json")

    @property
    def stations_url(self) -> str:
        """Store of the stations."""
        return self.url("inputs", "stations.zarr")

    @property
    def truth_url(self) -> str:
        """State and temperature of a simulated ground, for judging alone."""
        return self.url("inputs", "truth.zarr")

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

    def harmonization_key(self) -> str:
        """Key of the inter-calibration coefficients."""
        names = self.radiometers()
        contents = [
            (unit, record.content)
            for unit, record in self.input_records()
            if unit.split("/")[0] in names
        ]
        return digest(
            __version__,
            HARMONIZE_VERSION,
            names,
            self.config.harmonize.model_dump(mode="json"),
            repr(self.config.to_region()),
            str(self.config.days),
            contents,
        )

    def harmonization(self) -> Record | None:
        """The record of the transfers of today's inputs; None where there is none, or no need."""
        if not self.harmonizes:
            return None
        if self.pins is not None:
            return self.pins.transfers
        record = self.ledger.get("harmonize", "transfers")
        return record if record is not None and record.key == self.harmonization_key() else None

    def days_with_data(self) -> dict[str, Numbers]:
        """Days since 1970-01-01 on which each radiometer has any pixel so far, by name."""
        found: dict[str, Numbers] = {}
        for name in self.radiometers():
            days: list[int] = []
            for span in self.ingest_spans():
                record = self.ledger.get("ingest", f"{name}/{span.first}")
                if record is not None:
                    covered = zip(span.numbers, record.facts["coverage"], strict=True)
                    days += [int(day) for day, share in covered if share > 0]
            found[name] = np.array(days, "int32")
        return found

    def operating(self) -> npt.NDArray[np.uint8]:
        """Number of the radiometer in operation on each day, 255 where none was, (day,).

        One that cannot be inter-calibrated counts as none, and so does one that gave nothing in
        the days that a gap may be filled from.
        """
        record = self.harmonization()
        lost = () if record is None else record.facts["unreached"]
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
        return first_days(self.config.days, self.config.gap_filling.normal_days)

    def normals_key(self) -> str:
        """What the normals depend on."""
        names, harmonized = self.radiometers(), self.harmonization()
        span = self.normal_span()
        contents = [
            (unit, record.content)
            for unit, record in self.input_records(span)
            if unit.split("/")[0] in names
        ]
        return digest(
            __version__,
            NORMALS_VERSION,
            names,
            repr(self.config.to_region()),
            str(span),
            contents,
            None if harmonized is None else harmonized.content,
            self.operating()[: len(span)].tobytes().hex(),
        )

    def normals(self) -> Record | None:
        """The record of the normals of today's inputs; None where there is none, or no need."""
        if not self.needs_normals:
            return None
        if self.pins is not None:
            return self.pins.normals
        record = self.ledger.get("harmonize", "normals")
        return record if record is not None and record.key == self.normals_key() else None

    def gap_refs(self) -> GapRefs | None:
        """How gaps are filled; None where there are no radiometers."""
        if not self.radiometers():
            return None
        record = self.normals()
        return GapRefs(
            self.config.gap_filling.levels,
            eras.spells(self.operating()),
            None if record is None else self.url(*record.facts["url"].split("/")),
        )

    def filling_key(self, within: DaySpan | None = None) -> str:
        """What the filling of gaps depends on, on some days."""
        if not self.radiometers():
            return ""
        record = self.normals()
        rows = (within or self.config.days).within(self.config.days)
        return digest(
            GAPS_VERSION,
            sorted(self.config.gap_filling.levels),
            None if record is None else record.content,
            self.operating()[rows].tobytes().hex(),
        )

    def input_refs(self) -> InputRefs:
        """Predictor stores by role."""
        record = self.harmonization()
        sources = self.config.daily_sources()
        daily = {source.role: self.input_url(name) for name, source in sources.items()}
        return InputRefs(
            self.config.to_region(),
            self.config.days,
            # The first radiometer of the region file is preferred where several saw a pixel.
            tb=tuple(self.input_url(name) for name in self.radiometers()),
            reanalysis=daily.get("reanalysis"),
            static=self.static_url if self.config.static_sources() else None,
            transfers=None if record is None else self.url(*record.facts["used_url"].split("/")),
            gaps=self.gap_refs(),
        )

    def input_records(self, within: DaySpan | None = None) -> list[tuple[str, Record]]:
        """Ledger records of ingested chunks, those that touch some days, in a fixed order."""
        found = []
        for name in self.config.daily_sources():
            for span in self.ingest_spans():
                if within is None or not (span.last < within.first or within.last < span.first):
                    unit = f"{name}/{span.first}"
                    record = self.ledger.get("ingest", unit)
                    if record is not None:
                        found.append((unit, record))
        for name in self.config.static_sources():
            record = self.ledger.get("ingest", f"{name}/static")
            if record is not None:
                found.append((f"{name}/static", record))
        return found

    def station_records(self) -> list[Record]:
        """Ledger records of the archives of stations; no prediction depends on them."""
        units = [f"{name}/stations" for name in self.config.station_sources()]
        found = [self.ledger.get("ingest", unit) for unit in units]
        return [record for record in found if record is not None]

    def is_simulated(self) -> bool:
        """Whether any input says of itself that it was simulated."""
        return any(record.facts["simulated"] for _, record in self.input_records())

    def newest_input_day(self) -> str:
        """ISO date of the newest day with data, or of the period's end where there is none."""
        days = [str(record.facts.get("newest_day", "")) for _, record in self.input_records()]
        return max(days, default="") or str(self.config.days.last)

    def set_aside(self) -> list[SetAside]:
        """Every granule that is left out at present."""
        records = [record for _, record in self.input_records()] + self.station_records()
        return [item for record in records for item in record.set_aside]

    def table_key(self) -> str:
        """What the training table depends on."""
        contents = [(unit, record.content) for unit, record in self.input_records()]
        harmonized = self.harmonization()
        config = self.config
        return digest(
            __version__,
            FEATURES_VERSION,
            repr(config.feature_set()),
            repr(config.to_region()),
            str(config.days),
            config.label.model_dump(mode="json"),
            config.sampling.model_dump(mode="json"),
            config.validation.block_degrees,
            config.validation.seed,
            contents,
            None if harmonized is None else harmonized.content,
            self.filling_key(),
        )

    def table_url(self) -> str:
        """The training table of today's inputs."""
        return self.url("training", self.table_key()[:16], "table.zarr")

    def forest_key(self, table_content: str) -> str:
        """What the forest and its uncertainty depend on."""
        section = self.config.validation
        judged = (section.rows_per_fit, section.trees_per_fit, section.level, section.seed)
        return digest(__version__, table_content, self.config.forest.key(), judged)

    def model(self) -> ModelRef | None:
        """The forest trained on today's inputs, or the one pinned; None where there is none yet."""
        if self.pins is not None:
            return self.pins.model
        table = self.ledger.get("train", "table")
        forest = self.ledger.get("train", "forest")
        if table is None or table.key != self.table_key():
            return None
        if forest is None or forest.key != self.forest_key(table.content):
            return None
        return ModelRef(self.url("models", forest.content), forest.content)

    def run_id(self, model: ModelRef) -> str:
        """Names the staging of what this model makes of this configuration."""
        return digest(model.digest, self.config.digest(), self.config.chunks.predict_days)[:16]

    def staging_url(self, model: ModelRef) -> str:
        """The staging cube."""
        return self.url("runs", self.run_id(model), "cube.zarr")

    def report_url(self, model: ModelRef) -> str:
        """Scorecard and report of a model."""
        return self.url("runs", self.run_id(model), "report")

    @property
    def annual_name(self) -> str:
        """Names annual layers by their settings."""
        return self.config.annual.key()[:16]

    def annual_url(self, model: ModelRef) -> str:
        """The annual layers of the staging cube."""
        return self.url("runs", self.run_id(model), "annual", f"{self.annual_name}.zarr")

    def quicklooks_url(self, model: ModelRef) -> str:
        """Pictures of the annual layers."""
        return self.url("runs", self.run_id(model), "quicklooks")

    def predict_unit(self, model: ModelRef, span: DaySpan) -> str:
        """Ledger unit of a predicted chunk."""
        return f"{self.run_id(model)}/{span.first}"

    def predict_key(self, model: ModelRef, span: DaySpan) -> str:
        """What a predicted chunk depends on: the model, and the inputs of its days and near them.

        What lasts is looked up in the days before; what is matched and filled, on either side.
        """
        before = span.widened(REACH_DAYS, self.config.days)
        after = span.widened(HALO_DAYS + NEIGHBOUR_DAYS, self.config.days)
        wide = DaySpan(before.first, after.last)
        contents = [(unit, record.content) for unit, record in self.input_records(wide)]
        return digest(
            __version__,
            FEATURES_VERSION,
            self.run_id(model),
            str(span),
            self.config.digest(),
            contents,
            self.filling_key(wide),
        )

    def method(self, model: ModelRef) -> dict[str, Any]:
        """Everything but days that decides the published values, as JSON values."""
        transfers, normals = self.harmonization(), self.normals()
        return {
            "config": self.config.digest(),
            "model": model.digest,
            "features": FEATURES_VERSION,
            "gaps": GAPS_VERSION,
            "inputs": [source.references for _, source in sorted(self._sources().items())],
            "transfers": None if transfers is None else _kept(transfers),
            "normals": None if normals is None else _kept(normals),
        }

    def references(self) -> Sequence[str]:
        """Citations of the inputs, in the order of their names."""
        sources = self._sources()
        given = self.config.metadata.inputs
        return [given.get(name, sources[name].references) for name in sorted(sources)]

    def _sources(self) -> dict[str, Any]:
        return {**self.config.daily_sources(), **self.config.static_sources()}


def _kept(record: Record) -> dict[str, Any]:
    """What must be known of a record to use again what it speaks of."""
    facts = {k: record.facts[k] for k in ("url", "used_url", "unreached") if k in record.facts}
    return {"content": record.content, "facts": facts}
