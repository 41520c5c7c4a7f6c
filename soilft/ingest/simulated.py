"""Input stores of a synthetic Earth without granules: the same physics, straight onto the grid.

For decades, where writing and reading native files would take most of the time. What differs from
the way through granules: no file formats, no rounding to their counts, no swath geometry within a
cell, and labels on the region's grid instead of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from soilft.channels import CODES
from soilft.days import DaySpan
from soilft.geo.regrid import Overlap, overlap
from soilft.grid import Grid
from soilft.ingest.archive import Found
from soilft.ingest.granules import Ingested, empty_days, facts_of_days, template_for
from soilft.ingest.truth import NODES, SATELLITES, TruthSource, on_grid
from soilft.overpass import utc_hour
from soilft.schema import MISSING
from soilft.simulate import (
    Archive,
    eras,
    history,
    parameters,
    radiometer,
    reanalysis,
    retrieval,
    stations,
    truth,
    write_static,
    write_stations,
)
from soilft.simulate.domain import CELL, Domain
from soilft.simulate.world import AROUND, VERSION, World
from soilft.sources.protocol import DailySource
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest, digest, spelled

# Which instrument of the synthetic Earth gives a product.
SENSORS: Mapping[str, str] = {
    "amsr2-l3-25km": "amsr2",
    "amsre-l3-25km": "amsr-e",
    "amsre-nsidc-0302-25km": "amsr-e",
    "fy3-mwri-l1": "mwri",
    "gldas-noah-025-3h": "gldas",
    **SATELLITES,
}
# The node that passes in the morning (1:30 of the radiometers, 6:00 of the label satellites).
_NODES: Mapping[str, Mapping[str, str]] = {
    **{s: {"AM": "descending", "PM": "ascending"} for s in ("amsr-e", "mwri", "amsr2")},
    **NODES,
}
Fields: TypeAlias = list[tuple[str, npt.NDArray[Any]]]
# Known on every day, without the noise of an instrument.
_ALWAYS = ("gldas-noah-025-3h", TruthSource.product)
# Fields of the cells that a process keeps: of the weather of 256 days, of the place, and in work.
_KEPT_FIELDS = 3 * 256 + 200
_FIELDS_A_DAY = 14
# Frequency in GHz of the synthetic Earth's bands.
BANDS: Mapping[str, str] = {
    "06": "6.9",
    "10": "10.65",
    "18": "18.7",
    "23": "23.8",
    "36": "36.5",
    "89": "89.0",
}


def is_scaled(source: DailySource, noise: float) -> bool:
    """Whether a scale of the noise changes what is simulated of a source.

    Neither a reanalysis nor the truth has the noise of an instrument.
    """
    return noise != 1 and source.product not in _ALWAYS


@dataclass(frozen=True)
class SimulatedGround:
    """One task: the ground of the whole period, from which every day begins."""

    archive: Archive

    def __call__(self) -> Ingested:
        """Integrate it. Runs on a worker."""
        history.prepare(self.archive)
        return Ingested("", {"simulated": True}, ())

    @property
    def is_there(self) -> bool:
        """Whether the ground is integrated, by this run or by another that shares it."""
        return history.prepared(self.archive)

    @property
    def key(self) -> str:
        """Digest of what the ground depends on."""
        return digest(VERSION, parameters.digest(), spelled(self.archive.domain))

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: kept weather, and some days of a few dozen fields."""
        return 4 * _KEPT_FIELDS * self.archive.domain.lat.size * self.archive.domain.lon.size

    @property
    def files(self) -> tuple[Found, ...]:
        """No files."""
        return ()


@dataclass(frozen=True)
class SimulatedFiles(SimulatedGround):
    """One task: terrain and soil as native files."""

    def __call__(self) -> Ingested:
        """Write them. Runs on a worker."""
        written = write_static(self.archive)
        return Ingested("", {"simulated": True, "files": len(written)}, ())

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: a few fields at the scale of the files."""
        return super().peak_bytes + 2**28


@dataclass(frozen=True)
class SimulatedStations(SimulatedGround):
    """One task: stations as native files; the ground must be there.

    Parameters
    ----------
    days
        UTC days on which they report.
    """

    days: tuple[date, ...]

    def __call__(self) -> Ingested:
        """Write them. Runs on a worker."""
        written = write_stations(self.archive, self.days)
        return Ingested("", {"simulated": True, "files": len(written)}, ())

    @property
    def key(self) -> str:
        """Digest of what the files depend on."""
        return digest(super().key, [str(day) for day in self.days])

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the hours of all stations, as numbers and as text."""
        hours = 24 * len(self.days)
        return 8 * hours * len(stations.stations(self.archive.domain)) + 200 * hours + 2**28


@dataclass(frozen=True)
class SimulatedDays:
    """One task: all variables of one product for one chunk of days, simulated.

    Parameters
    ----------
    url
        The source's store, its template made.
    archive
        Its ground integrated.
    days
        Days of the chunk that are simulated; the others stay missing.
    """

    url: str
    source: DailySource
    grid: Grid
    whole: DaySpan
    span: DaySpan
    archive: Archive
    days: tuple[date, ...]

    def __call__(self) -> Ingested:
        """Simulate and write the days. Runs on a worker."""
        return simulate_days(self)

    @property
    def domain(self) -> Domain:
        """Cells, period and seed."""
        return self.archive.domain

    @property
    def files(self) -> tuple[Found, ...]:
        """No files."""
        return ()

    @property
    def key(self) -> str:
        """Digest of everything that this chunk's bytes depend on."""
        changed: dict[str, Any] = {}
        if is_scaled(self.source, self.archive.noise):
            changed["noise"] = self.archive.noise
        if self.days != tuple(self.span):
            changed["days"] = [str(day) for day in self.days]
        return digest(
            SimulatedGround(self.archive).key,
            spelled(self.source),
            spelled(self.grid),
            str(self.span),
            *([changed] if changed else []),
        )

    @property
    def sensor(self) -> str | None:
        """Instrument whose noise and working days decide; None for a reanalysis and the truth."""
        return None if self.source.product in _ALWAYS else SENSORS[self.source.product]

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the chunk, its encoding, two worlds and the weather."""
        template = template_for(self.source, self.grid, self.span, len(self.span))
        cells = self.domain.lat.size * self.domain.lon.size
        worlds = 2 * _FIELDS_A_DAY * (history.SPAN + 2 * AROUND)
        return 2 * template.decoded_bytes + 4 * cells * (worlds + _KEPT_FIELDS)


def simulate_days(task: SimulatedDays) -> Ingested:
    """Simulate and write one chunk of days. Runs on a worker."""
    template = template_for(task.source, task.grid, task.span, len(task.span))
    values = empty_days(template)
    sensor = task.sensor
    simulate = _truth if isinstance(task.source, TruthSource) else _DAYS[task.source.role]
    weights = overlap(cells_of(task.domain), task.grid)
    seen = [day for day in task.days if sensor is None or eras.operating(sensor, day)]
    for world, days in history.worlds(task.archive, seen):
        for day in days:
            rows = DaySpan(day, day).within(task.span)
            for name, value in simulate(world, task, day, weights):
                values[name][rows] = value
    store.write_region(task.url, values, {"time": task.span.within(task.whole)})
    facts = facts_of_days(task.source, task.span, values)
    none = {"granules": [0] * len(task.span), "simulated": True}
    return Ingested(arrays_digest(values), facts | none, ())


def cells_of(domain: Domain) -> Grid:
    """The domain's cells as a grid, north up."""
    return Grid(
        "EPSG:4326",
        float(domain.lon[0]) - CELL / 2,
        float(domain.lat[-1]) + CELL / 2,
        CELL,
        CELL,
        (domain.lat.size, domain.lon.size),
    )


def _north_up(field: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Row 0 of the synthetic Earth is the south.
    return field[::-1]


def _utc_hours(task: SimulatedDays, world: World, day: date, hours: npt.NDArray[Any]) -> Any:
    """Hours of the UTC day at which each cell of the region is passed.

    Taken from the pass's local solar hour, not averaged: late and early hours meet in one cell
    where the UTC day turns.
    """
    domain = world.domain
    local = (hours[0, 0] - domain.hours(day) + domain.lon[0] / 15.0) % 24.0
    return utc_hour(float(local), task.grid.lonlat[0])


def _radiometer(world: World, task: SimulatedDays, day: date, weights: Overlap) -> Fields:
    sensor, source = SENSORS[task.source.product], task.source
    bands = {CODES[f"{frequency}{p}"]: (band, p) for band, frequency in BANDS.items() for p in "VH"}
    channels = [bands[int(code)] for code in source.coordinates[0].values]
    wanted = tuple(dict.fromkeys(band for band, _ in channels))
    tb, hours = [], []
    for node in source.overpasses:
        passed = radiometer.observe(world, sensor, _NODES[sensor][node], day, bands=wanted)
        fields = np.stack([passed.tb[channel] for channel in channels])
        kelvin = weights.mean(np.where(passed.seen, fields, np.nan)[:, ::-1])
        seen = np.isfinite(kelvin).any(axis=0)
        tb.append(kelvin)
        hours.append(np.where(seen, _utc_hours(task, world, day, passed.hours), np.nan))
    return [("tb", np.stack(tb)), ("observation_time", np.stack(hours).astype("float32"))]


def _label(world: World, task: SimulatedDays, day: date, weights: Overlap) -> Fields:
    sensor = SENSORS[task.source.product]
    states, hours = [], []
    for node in task.source.overpasses:
        label = retrieval.label(world, sensor, _NODES[sensor][node], day)
        state = np.where(label.seen, label.state, MISSING).astype("uint8")
        states.append(weights.majority(_north_up(state), missing=MISSING))
        hours.append(_utc_hours(task, world, day, label.hours))
    state = np.stack(states)
    time = np.where(state != MISSING, np.stack(hours), np.nan).astype("float32")
    return [("freeze_thaw", state), ("observation_time", time)]


def _reanalysis(world: World, task: SimulatedDays, day: date, weights: Overlap) -> Fields:
    names = [v.name.removesuffix("_mean") for v in task.source.variables if v.dtype == "float32"]
    means = reanalysis.daily_means(world, day, names)
    found = [(f"{name}_mean", weights.mean(_north_up(means[name]))) for name in names]
    for count, instant in (("instant_count", True), ("interval_count", False)):
        read = any(name.endswith("_inst") is instant for name in names)
        found.append((count, np.array(8 if read else 0, "uint8")))
    return found


def _truth(world: World, task: SimulatedDays, day: date, weights: Overlap) -> Fields:
    source = cast("TruthSource", task.source)
    passes = [NODES[source.satellite][overpass] for overpass in source.overpasses]
    states, temperatures = [], []
    for node in passes:
        _, top, frozen = truth.at_pass(world, source.satellite, node, day)
        state, kelvin = on_grid(frozen, top.astype("float32"), weights)
        states.append(state)
        temperatures.append(kelvin)
    return [("freeze_thaw", np.stack(states)), ("soil_temperature", np.stack(temperatures))]


_DAYS: Mapping[str, Callable[[World, SimulatedDays, date, Overlap], Fields]] = {
    "tb": _radiometer,
    "label": _label,
    "reanalysis": _reanalysis,
}
