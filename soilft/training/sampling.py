"""Sampling of the training rows, by a hash of where and when they are.

Rows are stratified by class, season, spatial block and radiometer in proportion to all candidates,
so that scores of the table are scores of the region and period, with less chance in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.draws import hashes
from soilft.errors import ConfigError, ModelError
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.predictors.features import FeatureSet, Predictors, compute
from soilft.predictors.stores import InputRefs, predictor_bytes
from soilft.schema import FROZEN, MISSING, OVERPASSES, PARTIAL, THAWED
from soilft.store import zarr as store

Counts = Mapping[int, int]


@dataclass(frozen=True)
class Table:
    """Rows of predictors and labels.

    Parameters
    ----------
    features
        float32 (row, feature), NaN where missing.
    label
        uint8 (row,), 0 thawed and 1 frozen.
    day
        int32 (row,), days since 1970-01-01.
    overpass
        uint8 (row,), codes of `soilft.schema.OVERPASSES`.
    cell
        int32 (row,), row-major index of the pixel on the region's grid.
    block
        int32 (row,), number of the spatial block.
    radiometer
        uint8 (row,), number of the radiometer that saw the pixel, 255 where none did.
    level
        uint8 (row,), level of gap filling, see `soilft.radiometers.gaps.LEVELS`; 255 where there
        is no brightness temperature.
    order
        uint64 (row,), the hash that decides who is drawn.
    """

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.uint8]
    day: npt.NDArray[np.int32]
    overpass: npt.NDArray[np.uint8]
    cell: npt.NDArray[np.int32]
    block: npt.NDArray[np.int32]
    radiometer: npt.NDArray[np.uint8]
    level: npt.NDArray[np.uint8]
    order: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[Any]) -> Table:
        """Some of the rows."""
        return Table(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True)
class Drawn:
    """Rows of some chunks, and what they were drawn from.

    Parameters
    ----------
    strata
        Candidates of each stratum: rows that could have been drawn.
    labels
        Pixel-days by what became of them: ``thawed``, ``frozen``, ``partially_frozen`` and
        ``low_quality`` (left out), ``without_predictors`` (known, but too few predictors).
    """

    table: Table
    strata: Counts
    labels: Mapping[str, int] = field(default_factory=dict)


def seasons(day: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Meteorological season of each day since 1970-01-01: 0 winter, 1 spring, 2 summer, 3 autumn.

    Of the northern hemisphere: December to February is winter.
    """
    month = np.asarray(day, "datetime64[D]").astype("datetime64[M]").astype("int64") % 12
    return np.asarray((month + 1) % 12 // 3, "intp")


def strata(
    label: npt.NDArray[Any],
    day: npt.NDArray[Any],
    block: npt.NDArray[Any],
    radiometer: npt.NDArray[Any],
) -> npt.NDArray[np.int64]:
    """Number of the stratum of each row: class, season, spatial block and radiometer."""
    within = (np.asarray(label, "int64") * 4 + seasons(day)) * 256 + radiometer
    return np.asarray((within << 32) + block)


def rows(
    predictors: Predictors,
    label: npt.NDArray[np.uint8],
    overpasses: npt.NDArray[np.uint8],
    span: DaySpan,
    *,
    blocks: npt.NDArray[np.int32],
    seed: int,
    limit: int,
    doubtful: npt.NDArray[np.bool_] | None = None,
) -> Drawn:
    """Draw at most twice ``limit`` rows of a chunk: those with the smallest hashes.

    Parameters
    ----------
    block
        Predictors (day, overpass, y, x, feature).
    label
        Codes of the label (day, overpass, y, x); only thawed and frozen are drawn, so partially
        frozen and missing ones never become rows.
    overpasses
        Code of each overpass of the block.
    blocks
        Number of the spatial block of each cell, (y, x).
    seed, limit
        Of the whole table: a row that is among the smallest of all chunks is among those of its
        own. Twice the limit leaves `stratified` enough to choose from.
    doubtful
        Labels of low quality, (day, overpass, y, x): none of them is drawn.
    """
    certain = np.ones(label.shape, bool) if doubtful is None else ~doubtful
    known = ((label == THAWED) | (label == FROZEN)) & certain
    d, o, y, x = np.nonzero(known & predictors.usable)
    day, overpass = span.numbers[d], overpasses[o]
    cell = (y * label.shape[3] + x).astype("int32")
    order = hashes(seed, day, overpass, cell)
    state, radiometer, place = label[d, o, y, x], predictors.radiometer[d, o, y, x], blocks[y, x]
    names, counts = np.unique(strata(state, day, place, radiometer), return_counts=True)
    drawn = np.sort(np.argsort(order, kind="stable")[: 2 * limit])
    at = d[drawn], o[drawn], y[drawn], x[drawn]
    table = Table(
        predictors.values[at],
        state[drawn],
        day[drawn],
        overpass[drawn],
        cell[drawn],
        place[drawn],
        radiometer[drawn],
        predictors.level[at],
        order[drawn],
    )
    fates = {
        "thawed": int((state == THAWED).sum()),
        "frozen": int((state == FROZEN).sum()),
        "partially_frozen": int((label == PARTIAL).sum()),
        "low_quality": int(((label != MISSING) & ~certain).sum()),
        "without_predictors": int((known & ~predictors.usable).sum()),
    }
    return Drawn(table, dict(zip(names.tolist(), counts.tolist(), strict=True)), fates)


def merge(parts: Sequence[Drawn], limit: int) -> Drawn:
    """Join chunks: twice ``limit`` rows of smallest hash, in order of day, overpass and cell."""
    tables = [part.table for part in parts]
    joined = Table(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(Table)))
    if len(joined) > 2 * limit:
        joined = joined.take(np.argsort(joined.order, kind="stable")[: 2 * limit])
    joined = joined.take(np.lexsort((joined.cell, joined.overpass, joined.day)))
    return Drawn(joined, _added([p.strata for p in parts]), _added([p.labels for p in parts]))


def _added(counts: Sequence[Mapping[Any, int]]) -> dict[Any, int]:
    total: dict[Any, int] = {}
    for part in counts:
        for name, count in part.items():
            total[name] = total.get(name, 0) + count
    return total


class DrawnRows:
    """Rows drawn from the chunks so far, in any order: a bounded number, however many come.

    Parameters
    ----------
    limit
        Rows of the whole table. Above four times as many, those that cannot be among them go.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.parts: list[Drawn] = []
        self.names: tuple[str, ...] = ()

    def add(self, drawn: Drawn, names: tuple[str, ...]) -> None:
        """Add the rows of a chunk, and the names of their features.

        Raises
        ------
        ModelError
            Where the features are not those of the chunks before.
        """
        if self.parts and names != self.names:
            raise ModelError("rows of a chunk", expected=f"features {self.names}", found=f"{names}")
        self.parts.append(drawn)
        self.names = names
        if sum(len(part.table) for part in self.parts) > 4 * self.limit:
            self.parts = [self.merged()]

    def merged(self) -> Drawn:
        """All of them as one; see `merge`."""
        return merge(self.parts, self.limit)


def stratified(drawn: Drawn, limit: int) -> Table:
    """Keep ``limit`` rows, of each stratum its share of all candidates.

    Shares are whole numbers by largest remainder; within a stratum the smallest hashes count.
    Where chance left a small stratum short of its share, the smallest hashes of all fill up.
    """
    table = drawn.table
    if len(table) <= limit:
        return table
    names = np.array(sorted(drawn.strata), "int64")
    exact = np.array([drawn.strata[int(n)] for n in names], "float64")
    exact *= limit / exact.sum()
    quota = np.floor(exact).astype("int64")
    rest = np.argsort(-(exact - quota), kind="stable")[: limit - int(quota.sum())]
    quota[rest] += 1
    at = np.searchsorted(names, strata(table.label, table.day, table.block, table.radiometer))
    by_hash = np.argsort(table.order, kind="stable")
    grouped = by_hash[np.argsort(at[by_hash], kind="stable")]
    sizes = np.bincount(at, minlength=len(names))
    rank = np.arange(len(table)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = np.zeros(len(table), bool)
    kept[grouped[rank < quota[at[grouped]]]] = True
    spare = by_hash[~kept[by_hash]]
    kept[spare[: limit - int(kept.sum())]] = True
    return table.take(np.flatnonzero(kept))


@dataclass(frozen=True)
class SampleDays:
    """One task: draw the training rows of one chunk of days.

    Parameters
    ----------
    label_url
        Store of the label, with ``freeze_thaw`` (time, overpass, y, x); where it has
        ``label_quality``, a label with any bit set is doubtful.
    block_degrees
        Side of a spatial block.
    seed, limit
        Of the whole table.
    """

    inputs: InputRefs
    features: FeatureSet
    label_url: str
    span: DaySpan
    block_degrees: float
    seed: int
    limit: int

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the block twice, while it is masked and drawn from."""
        return 2 * predictor_bytes(self.inputs, self.features, self.span)


def sample_days(task: SampleDays) -> tuple[Drawn, tuple[str, ...]]:
    """Draw rows of a chunk, and the names of their features. Runs on a worker."""
    predictors = compute(task.inputs.open(), task.features, task.span)
    codes = [OVERPASSES[target.name] for target in task.features.targets]
    label, doubtful = labels(task.label_url, codes, task.span.within(task.inputs.whole))
    drawn = rows(
        predictors,
        label,
        np.array(codes, "uint8"),
        task.span,
        blocks=spatial_blocks(task.inputs.region.grid, task.block_degrees),
        seed=task.seed,
        limit=task.limit,
        doubtful=doubtful,
    )
    return drawn, predictors.names


def labels(
    url: str, overpasses: Sequence[int], days: slice
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_] | None]:
    """Read the label of some overpasses and days; where its store says so, which are doubtful.

    Returns
    -------
    label : array
        Codes, uint8 (day, overpass, y, x).
    doubtful : array or None
        Whether any bit of the label's quality is set; None where it has none.
    """
    group = store.open_raw(url)
    stored = np.asarray(store.array(group, "overpass")[...]).tolist()
    at = [stored.index(code) for code in overpasses]
    label = np.asarray(store.array(group, "freeze_thaw")[days])[:, at]
    if "label_quality" not in group:
        return label, None
    quality = np.asarray(store.array(group, "label_quality")[days])[:, at]
    return label, (quality != 0) & (quality != MISSING)


def require_both_classes(table: Table) -> None:
    """Refuse a table that cannot teach the difference.

    Raises
    ------
    ConfigError
        Where there are no rows, or all are of one class.
    """
    frozen = int((table.label == FROZEN).sum())
    if not 0 < frozen < len(table):
        raise ConfigError(
            "training table",
            expected="rows of both classes",
            found=f"{len(table) - frozen} thawed and {frozen} frozen rows",
            remedy="Does the label cover the region and period, where the predictors do?",
        )
