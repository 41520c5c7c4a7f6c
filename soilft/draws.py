"""Random draws by hash: of a seed and of what is drawn, never of chunks or workers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]


def dealt(values: npt.NDArray[Any], groups: int, seed: int) -> npt.NDArray[np.intp]:
    """Deal distinct values out to groups at random, evenly; the group of each row.

    Parameters
    ----------
    values
        Such as the year or the block of each row, shape (row,).
    groups
        How many; no more than there are distinct values are used.
    """
    distinct, at = np.unique(values, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(distinct))
    group = np.empty(len(distinct), np.intp)
    group[order] = np.arange(len(distinct)) % max(1, min(groups, len(distinct)))
    return np.asarray(group[at])


def at_most(rows: Rows, limit: int, seed: int) -> Rows:
    """A random part of the rows, all where they are no more than the limit; ascending."""
    if len(rows) <= limit:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, limit, replace=False))


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
