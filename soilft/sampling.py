"""Training rows, drawn by a hash of where and when they are: no chunking can change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft import store
from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.features import Block, FeatureSet
from soilft.features import block as compute_block
from soilft.grid import Grid
from soilft.inputs import InputRefs, block_bytes
from soilft.ledger import arrays_digest
from soilft.schema import FROZEN, OVERPASSES, THAWED, Coordinate, Template, Variable, flagged

SPLITS: Mapping[str, int] = MappingProxyType({"train": 0, "validation": 1, "test": 2})


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
    order
        uint64 (row,), the hash that decides who is drawn.
    """

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.uint8]
    day: npt.NDArray[np.int32]
    overpass: npt.NDArray[np.uint8]
    cell: npt.NDArray[np.int32]
    order: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[Any]) -> Table:
        """Some of the rows."""
        return Table(*(getattr(self, f.name)[rows] for f in fields(self)))


def hashes(
    seed: int, day: npt.NDArray[Any], overpass: npt.NDArray[Any], cell: npt.NDArray[Any]
) -> npt.NDArray[np.uint64]:
    """A pseudo-random uint64 for each (seed, day, overpass, cell).

    Three rounds of the finaliser of SplitMix64 (Steele et al. 2014): equal places give equal
    numbers whatever was drawn before them, which no random number stream does.
    """
    state = np.full(np.shape(cell), np.uint64(seed & 0xFFFFFFFFFFFFFFFF))
    for part in (day, overpass, cell):
        state = _mix(state ^ _mix(np.asarray(part, "int64").astype("uint64")))
    return state


def _mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def rows(
    block: Block,
    label: npt.NDArray[np.uint8],
    overpasses: npt.NDArray[np.uint8],
    span: DaySpan,
    *,
    seed: int,
    limit: int,
) -> Table:
    """Draw at most ``limit`` rows of a chunk: those with the smallest hashes.

    Parameters
    ----------
    block
        Predictors (day, overpass, y, x, feature).
    label
        Codes of the label (day, overpass, y, x); only thawed and frozen are drawn, so partially
        frozen and missing ones never become rows.
    overpasses
        Code of each overpass of the block.
    seed, limit
        Of the whole table: a row that is among the ``limit`` smallest of all chunks is among those
        of its own.
    """
    known = ((label == THAWED) | (label == FROZEN)) & block.usable
    d, o, y, x = np.nonzero(known)
    day, overpass = span.numbers[d], overpasses[o]
    cell = (y * label.shape[3] + x).astype("int32")
    order = hashes(seed, day, overpass, cell)
    drawn = np.sort(np.argsort(order, kind="stable")[:limit])
    d, o, y, x = d[drawn], o[drawn], y[drawn], x[drawn]
    return Table(
        block.values[d, o, y, x],
        label[d, o, y, x],
        day[drawn],
        overpass[drawn],
        cell[drawn],
        order[drawn],
    )


def merge(tables: Sequence[Table], limit: int) -> Table:
    """Keep the ``limit`` rows of smallest hash, in order of day, overpass and cell."""
    joined = Table(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(Table)))
    if len(joined) > limit:
        joined = joined.take(np.argsort(joined.order, kind="stable")[:limit])
    return joined.take(np.lexsort((joined.cell, joined.overpass, joined.day)))


def random_split(count: int, fractions: Sequence[float], seed: int) -> npt.NDArray[np.uint8]:
    """Codes of `SPLITS` for each row, in exact shares, at random.

    Neighbouring pixel-days fall on either side of such a split, which flatters every score made
    with it; it is here because the reference data set reports it.
    """
    edges = np.round(np.cumsum(fractions)[:-1] * count).astype(int)
    split = np.empty(count, "uint8")
    for code, part in enumerate(np.split(np.random.default_rng(seed).permutation(count), edges)):
        split[part] = code
    return split


def spatial_blocks(grid: Grid, degrees: float) -> npt.NDArray[np.int32]:
    """Number of the latitude-longitude square each cell's centre lies in, shape (y, x)."""
    lon, lat = grid.lonlat
    row = np.floor((90.0 - lat) / degrees).astype("int32")
    column = np.floor((lon + 180.0) / degrees).astype("int32")
    return np.asarray(row * int(np.ceil(360.0 / degrees)) + column, dtype="int32")


def write_table(url: str, table: Table, split: npt.NDArray[np.uint8], names: Sequence[str]) -> str:
    """Write a table to the store as one Zarr group; give the digest of its content."""
    arrays: dict[str, npt.NDArray[Any]] = {
        "features": table.features,
        "label": table.label,
        "day": table.day,
        "overpass": table.overpass,
        "cell": table.cell,
        "split": split,
    }
    count, width = table.features.shape
    template = Template(
        coordinates=(
            Coordinate("row", ("row",), np.arange(count, dtype="int64")),
            Coordinate("feature", ("feature",), np.arange(width, dtype="int32")),
        ),
        variables=(
            Variable("features", ("row", "feature"), "float32", float("nan")),
            flagged("label", ("row",), "freeze/thaw", {"thawed": THAWED, "frozen": FROZEN}),
            Variable("day", ("row",), "int32", -1, {"units": "days since 1970-01-01"}),
            Variable("overpass", ("row",), "uint8", 255),
            Variable("cell", ("row",), "int32", -1, {"long_name": "row-major index of the cell"}),
            flagged("split", ("row",), "random split", SPLITS),
        ),
        chunks={"row": max(1, min(count, 250_000))},
        attributes={"feature_names": list(names)},
    )
    store.create(url, template)
    store.write_region(url, arrays, {})
    return arrays_digest(arrays)


@dataclass(frozen=True)
class StoredTable:
    """A training table read back from the store."""

    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.uint8]
    split: npt.NDArray[np.uint8]
    cell: npt.NDArray[np.int32]
    names: tuple[str, ...]

    def rows_of(self, split: str) -> npt.NDArray[np.intp]:
        """Indices of the rows of one part of the random split."""
        return np.flatnonzero(self.split == SPLITS[split])


def read_table(url: str) -> StoredTable:
    """Read a training table."""
    group = store.open_raw(url)
    features, label, split, cell = (
        np.asarray(store.array(group, name)[...]) for name in ("features", "label", "split", "cell")
    )
    names = tuple(str(name) for name in group.attrs["feature_names"])  # type: ignore[union-attr]
    return StoredTable(features, label, split, cell, names)


def feature_names(url: str) -> tuple[str, ...]:
    """Names of the features of a training table, in order."""
    names = store.open_raw(url).attrs["feature_names"]
    return tuple(str(name) for name in names)  # type: ignore[union-attr]


@dataclass(frozen=True)
class SampleDays:
    """One task: draw the training rows of one chunk of days.

    Parameters
    ----------
    label_url
        Store of the label, with ``freeze_thaw`` (time, overpass, y, x).
    seed, limit
        Of the whole table.
    """

    inputs: InputRefs
    features: FeatureSet
    label_url: str
    span: DaySpan
    seed: int
    limit: int

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the block twice, while it is masked and drawn from."""
        return 2 * block_bytes(self.inputs, self.features, self.span)


def sample_days(task: SampleDays) -> tuple[Table, tuple[str, ...]]:
    """Draw rows of a chunk, and the names of their features. Runs on a worker."""
    block = compute_block(task.inputs.open(), task.features, task.span)
    group = store.open_raw(task.label_url)
    stored = np.asarray(store.array(group, "overpass")[...]).tolist()
    codes = [OVERPASSES[target.name] for target in task.features.targets]
    days = task.span.within(task.inputs.whole)
    label = np.asarray(store.array(group, "freeze_thaw")[days])
    label = label[:, [stored.index(code) for code in codes]]
    table = rows(
        block, label, np.array(codes, "uint8"), task.span, seed=task.seed, limit=task.limit
    )
    return table, block.names


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
