"""Confusion counts of the predicted cube against labels, truth and stations, by chunk of days.

Counts, not rows, leave a task: two by two by cluster of year and block, so that a whole decade is
scored and its interval drawn without holding it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.grid import Region
from soilft.schema import FROZEN, MISSING, overpass_place
from soilft.store import zarr as store

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CompareDays:
    """One task: compare a chunk of the staging cube with other states.

    Parameters
    ----------
    overpasses
        Names, in the order of the cube's axis.
    references
        Stores with ``freeze_thaw`` (time, overpass, y, x) by name; a pixel-day with any bit of
        ``label_quality`` is left out, where a store has them.
    stations
        Rows and columns of the cells with stations, (station,) each.
    """

    cube_url: str
    region: Region
    whole: DaySpan
    span: DaySpan
    overpasses: tuple[str, ...]
    references: tuple[tuple[str, str], ...]
    block_degrees: float
    stations: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most."""
        rows, columns = self.region.grid.shape
        return 8 * len(self.span) * len(self.overpasses) * rows * columns


@dataclass(frozen=True)
class Comparison:
    """What a chunk of days came to.

    Parameters
    ----------
    counts
        By (reference, overpass, month): int64 (cluster, 2, 2), rows the reference, for the numbers
        of ``clusters``.
    clusters
        Year and block of each cluster, as one number.
    right, known
        Pixel-days that agree and that both know, by reference, (y, x).
    at_stations
        Predicted state, (day, overpass, station).
    """

    counts: Mapping[tuple[str, str, int], Counts]
    clusters: npt.NDArray[np.int64]
    right: Mapping[str, npt.NDArray[np.int32]]
    known: Mapping[str, npt.NDArray[np.int32]]
    at_stations: npt.NDArray[np.uint8]


def compare(task: CompareDays) -> Comparison:
    """Compare one chunk of days. Runs on a worker."""
    days = task.span.within(task.whole)
    predicted = _predicted(task, days)
    dates = [day_of(int(n)) for n in task.span.numbers]
    month = np.array([day.month for day in dates])
    year = np.array([day.year for day in dates], "int64")
    place = spatial_blocks(task.region.grid, task.block_degrees)
    cluster = (year[:, None, None] << 32) + place
    clusters, at = np.unique(cluster, return_inverse=True)
    at = at.reshape(cluster.shape)
    counts: dict[tuple[str, str, int], Counts] = {}
    right: dict[str, npt.NDArray[np.int32]] = {}
    known: dict[str, npt.NDArray[np.int32]] = {}
    for name, url in task.references:
        reference = _reference(url, task.overpasses, days)
        for o, overpass in enumerate(task.overpasses):
            if reference[o] is None:
                continue
            ours, theirs = predicted[:, o], reference[o]
            both = (ours <= FROZEN) & (theirs <= FROZEN)
            agree = both & (ours == theirs)
            right[name] = right.get(name, 0) + agree.sum(axis=0, dtype="int32")
            known[name] = known.get(name, 0) + both.sum(axis=0, dtype="int32")
            code = at * 4 + theirs.astype("int64") * 2 + ours
            for m in np.unique(month):
                here = both & (month == m)[:, None, None]
                table = np.bincount(code[here], minlength=4 * len(clusters))
                counts[name, overpass, int(m)] = table.reshape(-1, 2, 2)
    rows, columns = task.stations
    at_stations = predicted[:, :, list(rows), list(columns)]
    return Comparison(counts, clusters, right, known, at_stations)


def _predicted(task: CompareDays, days: slice) -> npt.NDArray[np.uint8]:
    group = store.open_raw(task.cube_url)
    if "overpass_state" in group:
        return np.asarray(store.array(group, "overpass_state")[days])
    return np.asarray(store.array(group, "freeze_thaw_state")[days])[:, None]


def _reference(url: str, overpasses: Sequence[str], days: slice) -> list[Any]:
    group = store.open_raw(url)
    stored = np.asarray(store.array(group, "overpass")[...]).tolist()
    state = np.asarray(store.array(group, "freeze_thaw")[days])
    if "label_quality" in group:
        quality = np.asarray(store.array(group, "label_quality")[days])
        state = np.where((quality != 0) & (quality != MISSING), MISSING, state)
    places = [overpass_place(name, stored) for name in overpasses]
    return [None if at is None else state[:, at] for at in places]


@dataclass
class Totals:
    """Comparisons of all chunks, added up in any order to the same numbers."""

    counts: dict[tuple[str, str, int], dict[int, Counts]] = field(default_factory=dict)
    right: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)
    known: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)
    at_stations: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)

    def add(self, unit: str, part: Comparison) -> None:
        """Add a chunk."""
        for key, counts in part.counts.items():
            of_key = self.counts.setdefault(key, {})
            for cluster, table in zip(part.clusters.tolist(), counts, strict=True):
                of_key[cluster] = of_key.get(cluster, 0) + table
        for total, mine in ((self.right, part.right), (self.known, part.known)):
            for name, values in mine.items():
                total[name] = total.get(name, 0) + values
        self.at_stations[unit] = part.at_stations

    def share_right(self, *references: str) -> npt.NDArray[np.float64] | None:
        """Share of right pixel-days, (y, x), by the first of some references that is compared with.

        NaN in cells that it never knows; None where the cube is compared with none of them.
        """
        name = next((name for name in references if name in self.known), None)
        if name is None:
            return None
        known, right = self.known[name], self.right[name]
        return np.where(known > 0, right / np.maximum(known, 1), np.nan)

    def of(self, reference: str, overpasses: Sequence[str]) -> Counts:
        """Counts of a reference at some overpasses, (cluster, 2, 2), clusters ascending."""
        whole: dict[int, Counts] = {}
        for (name, overpass, _), parts in self.counts.items():
            if name == reference and overpass in overpasses:
                for cluster, table in parts.items():
                    whole[cluster] = whole.get(cluster, 0) + table
        tables = [whole[cluster] for cluster in sorted(whole)]
        return np.array([t for t in tables if t.sum()], "int64").reshape(-1, 2, 2)

    def by_month(self, reference: str, overpasses: Sequence[str]) -> dict[int, Counts]:
        """Counts of a reference by month, (2, 2) each."""
        whole: dict[int, Counts] = {}
        for (name, overpass, month), parts in self.counts.items():
            if name == reference and overpass in overpasses:
                for table in parts.values():
                    whole[month] = whole.get(month, 0) + table
        return {month: whole[month] for month in sorted(whole) if whole[month].sum()}
