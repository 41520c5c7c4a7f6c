"""Random strata of the training rows: parts of a table that no worker could hold as a whole.

Random patches (Louppe & Geurts 2012, ECML PKDD, "Ensembles on random patches") without the drawing
of features, which each node of an extremely randomised tree does anyway. A row's stratum is a hash
of its day, overpass and pixel, so every stratum is drawn across the whole period and region, and is
the same wherever it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from soilft.draws import hashes
from soilft.errors import ConfigError
from soilft.store import zarr as store
from soilft.training.held_out import SPLITS
from soilft.training.table import ROWS_A_CHUNK

Pick = Callable[[zarr.Group, slice], npt.NDArray[np.bool_]]

# Another stream of hashes than the one that drew the table.
_STREAM = 0x9D2C5680
# Memory that training takes, in times of the rows: as read, those for training, scikit-learn's
# copy, and the trees. A row is its float32 features and eight columns of bookkeeping.
_COPIES, _VALUE_BYTES, _BOOKKEEPING = 4, 4, 8
# Rows of a part of a table below which nothing is learnt from it.
LEAST_ROWS = 1000


def of_rows(
    seed: int,
    day: npt.NDArray[Any],
    overpass: npt.NDArray[Any],
    cell: npt.NDArray[Any],
    count: int,
) -> npt.NDArray[np.intp]:
    """Number of the stratum of each row, 0 to ``count`` - 1, shape (row,)."""
    number = hashes(seed ^ _STREAM, day, overpass, cell) % np.uint64(count)
    return np.asarray(number, "intp")


def trees(total: int, count: int) -> list[range]:
    """Numbers of the trees of each stratum, as even as can be.

    Raises
    ------
    ConfigError
        Where there are more strata than trees: rows of some would teach nothing.
    """
    if count > total:
        raise ConfigError(
            "forest.strata",
            expected=f"at most one stratum a tree, {total}",
            found=str(count),
            remedy="Make forest.n_estimators larger, or sampling.max_rows smaller.",
        )
    return [range(i * total // count, (i + 1) * total // count) for i in range(count)]


def of_tree(tree: int, total: int, count: int) -> int:
    """Number of the stratum that a tree grows on; the inverse of `trees`."""
    return ((tree + 1) * count - 1) // total


def peak_bytes(rows: int, features: int, count: int = 1) -> int:
    """Memory of a task that trains on a table, or on one of ``count`` strata of it."""
    if count == 1:
        return _COPIES * rows * _row_bytes(features)
    return part_bytes(rows // count + 1, features)


def fewest(rows: int, features: int, memory: int | None, most: int) -> int:
    """Number of strata of a table for one of them to fit a task: a power of 2, at most ``most``.

    Doubled until it does, so that a worker of slightly less memory grows the same forest.

    Parameters
    ----------
    memory
        Bytes that a task may take; None where there is no limit.

    Returns
    -------
    int
        The largest power of 2 where not even one of these strata fits.
    """
    count = 1
    while memory is not None and peak_bytes(rows, features, count) > memory and 2 * count <= most:
        count *= 2
    return count


def most_parts(rows: int) -> int:
    """Into how many parts a table may be cut for a forest to learn from one of them."""
    return max(1, rows // LEAST_ROWS)


def part_bytes(rows: int, features: int) -> int:
    """Memory of a task that trains on some rows, which it reads by chunks of the table."""
    return (_COPIES * rows + 2 * ROWS_A_CHUNK) * _row_bytes(features)


def _row_bytes(features: int) -> int:
    return _VALUE_BYTES * (features + _BOOKKEEPING)


def require_both_classes(label: npt.NDArray[np.uint8], number: int, count: int) -> None:
    """Refuse a stratum that cannot teach the difference.

    Raises
    ------
    ConfigError
        Where it has no rows, or all are of one class.
    """
    classes = len(np.unique(label))
    if classes < 2:
        raise ConfigError(
            "forest.strata",
            expected=f"rows of both classes in each of {count} strata",
            found=f"{len(label)} rows of {classes} class in stratum {number}",
            remedy="Use fewer strata.",
        )


def read(
    url: str, number: int, count: int, seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Training rows of one stratum, read chunk by chunk: the whole table is never held.

    Returns
    -------
    features : float32 (row, feature)
    label : uint8 (row,)
    """
    return _gather(url, lambda group, part: _strata(group, part, count, seed) == number)


def read_rows(
    url: str, rows: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Some rows of a stored table, read chunk by chunk.

    Parameters
    ----------
    rows
        Their numbers, ascending.
    """

    def pick(group: zarr.Group, part: slice) -> npt.NDArray[np.bool_]:  # noqa: ARG001
        inside = rows[np.searchsorted(rows, part.start) : np.searchsorted(rows, part.stop)]
        chosen = np.zeros(part.stop - part.start, bool)
        chosen[inside - part.start] = True
        return chosen

    return _gather(url, pick)


def read_columns(url: str, *names: str) -> list[npt.NDArray[Any]]:
    """Whole columns of a stored table, such as ``label`` and ``block``, without its features."""
    group = store.open_raw(url)
    return [np.asarray(store.array(group, name)[...]) for name in names]


def sizes(url: str, count: int, seed: int) -> list[int]:
    """Training rows of each stratum of a stored table."""
    group = store.open_raw(url)
    total = np.zeros(count, "int64")
    for part in _parts(group):
        found = _strata(group, part, count, seed)
        total += np.bincount(found[found >= 0], minlength=count)
    return [int(size) for size in total]


def _strata(group: zarr.Group, part: slice, count: int, seed: int) -> npt.NDArray[np.intp]:
    """Number of the stratum of some rows, -1 for rows that are not for training."""
    split, day, overpass, cell = (
        np.asarray(store.array(group, name)[part]) for name in ("split", "day", "overpass", "cell")
    )
    return np.where(split == SPLITS["train"], of_rows(seed, day, overpass, cell, count), -1)


def _parts(group: zarr.Group) -> Iterator[slice]:
    features = store.array(group, "features")
    step = features.chunks[0]
    for start in range(0, features.shape[0], step):
        yield slice(start, min(start + step, features.shape[0]))


def _gather(url: str, pick: Pick) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    group = store.open_raw(url)
    features, label = store.array(group, "features"), store.array(group, "label")
    kept: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
    for part in _parts(group):
        chosen = pick(group, part)
        if chosen.any():
            kept.append((np.asarray(features[part])[chosen], np.asarray(label[part])[chosen]))
    if not kept:
        return np.empty((0, features.shape[1]), "float32"), np.empty(0, "uint8")
    return np.concatenate([a for a, _ in kept]), np.concatenate([b for _, b in kept])
