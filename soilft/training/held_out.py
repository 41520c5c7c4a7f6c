"""Held-out rows: test folds at random, by spatial block and year, by radiometer.

A random split flatters: neighbouring pixel-days share weather, ground and the label's own errors.
The honest folds hold out a year and a group of spatial blocks at once and train on neither
(Roberts et al. 2017, Ecography 40, 913: blocking in space and in time).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.draws import Rows, dealt
from soilft.errors import ConfigError

SPLITS: Mapping[str, int] = MappingProxyType({"train": 0, "validation": 1, "test": 2})
#: Days of the longest record that is one winter: there is no other to hold out.
ONE_WINTER = 366


@dataclass(frozen=True)
class Fold:
    """Indices of the rows to train on, and of those held out; both ascending."""

    train: Rows
    test: Rows


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


def year_block_folds(
    year: npt.NDArray[Any], block: npt.NDArray[Any], folds: int, seed: int
) -> list[Fold]:
    """Folds that hold out a group of years and a group of blocks, and train on neither.

    Parameters
    ----------
    year, block
        Of each row, shape (row,).
    folds
        How many. Where there are fewer years or blocks, their groups come round again; where all
        rows are of one year, blocks alone are held out, and years alone where all are of one block.

    Returns
    -------
    list of Fold
        No row is held out twice; rows of a held-out year outside the held-out blocks, and of the
        blocks outside the year, are neither trained on nor tested on.

    Raises
    ------
    ConfigError
        Where there is neither a second year nor a second block.
    """
    years, blocks = dealt(year, folds, seed), dealt(block, folds, seed + 1)
    of_years, of_blocks = (int(groups.max(initial=0)) + 1 for groups in (years, blocks))
    if of_years == of_blocks == 1:
        raise ConfigError(
            "validation",
            expected="rows of at least two years or two spatial blocks",
            found=f"one of each in {len(block)} rows",
            remedy="Use a larger region, a longer period or smaller blocks.",
        )
    found = []
    for fold in range(min(folds, max(of_years, of_blocks))):
        in_year, in_block = years == fold % of_years, blocks == fold % of_blocks
        test = (in_year if of_years > 1 else True) & (in_block if of_blocks > 1 else True)
        train = ~(in_year & (of_years > 1)) & ~(in_block & (of_blocks > 1))
        found.append(Fold(np.flatnonzero(train), np.flatnonzero(test)))
    return found


def held_out_together(year: npt.NDArray[Any], block: npt.NDArray[Any]) -> str:
    """What `year_block_folds` holds out: years and blocks, or those that there are several of.

    Examples
    --------
    >>> held_out_together(np.array([2013, 2014]), np.array([7, 7]))
    'years'
    """
    several = {"years": len(np.unique(year)) > 1, "blocks": len(np.unique(block)) > 1}
    return " and ".join(name for name, there in several.items() if there)


def group_folds(values: npt.NDArray[Any], folds: int, seed: int) -> list[Fold]:
    """Folds that hold out a group of years alone, or a group of spatial blocks alone.

    Parameters
    ----------
    values
        Year or block of each row, shape (row,).
    folds
        How many; no more than there are distinct values.

    Returns
    -------
    list of Fold
        Every row is held out once; none where all rows are of one value.
    """
    group = dealt(values, folds, seed)
    count = int(group.max(initial=0)) + 1
    if count < 2:
        return []
    return [Fold(np.flatnonzero(group != g), np.flatnonzero(group == g)) for g in range(count)]


def radiometer_pairs(radiometer: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Pairs of radiometers to train on and to test on, in order of their codes."""
    codes = [int(code) for code in np.unique(radiometer) if code != 255]
    return [(one, other) for one in codes for other in codes if one != other]
