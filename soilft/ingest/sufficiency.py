"""Sufficiency of inputs: usable days of those that they could have, and share of the land known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.geo.land import on_land
from soilft.grid import Region
from soilft.sources.missions import possible
from soilft.sources.protocol import DailySource, StaticSource

# Share of the days that an input could have below which it is told of. A satellite with a narrow
# swath does not pass a small region every day: SMOS and SMAP see one on two days of three or so.
LOW_SHARE = 0.5

Days = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class UsableDays:
    """What an input has on the days of a period, and could have; all bool (day,).

    Parameters
    ----------
    expected
        Days that were ingested, and on which its product could have granules.
    usable
        Days on which any cell has a value.
    delivered
        Days of which granules were read.
    """

    expected: Days
    usable: Days
    delivered: Days

    @property
    def share(self) -> float:
        """Share of the days that it could have; 1 where it could have none."""
        return float(self.usable[self.expected].mean()) if self.expected.any() else 1.0


def usable_days(
    source: DailySource,
    days: DaySpan,
    known: Days,
    granules: npt.NDArray[Any],
    coverage: npt.NDArray[Any],
) -> UsableDays:
    """Hold what was ingested against the days that a product can have.

    Parameters
    ----------
    known
        Days that were ingested, bool (day,).
    granules, coverage
        Usable granules of each day, and share of the cells with a value, (day,).
    """
    usable = coverage > 0
    # A mission that began earlier, or went on longer, than is known of it had these days, too.
    return UsableDays(known & (possible(source, days) | usable), usable, granules > 0)


@dataclass(frozen=True)
class KnownCells:
    """Of how many cells a static input tells.

    Parameters
    ----------
    known, cells
        Cells that it tells of, and how many there are.
    land
        Whether they are cells of land; all cells of the region where no land is known in it.
    """

    known: int
    cells: int
    land: bool

    @property
    def share(self) -> float:
        """Share of the cells that are known."""
        return self.known / self.cells


def known_cells(
    source: StaticSource, values: Mapping[str, npt.NDArray[Any]], region: Region
) -> KnownCells:
    """Land cells of a region for which a static input has all its variables.

    Of the sea a soil map has nothing and a terrain may have nothing, so cells of land alone count,
    by the outline of `soilft.geo.land`. What a source only takes for granted, such as the sea in
    place of absent tiles, counts as unknown on land.

    Parameters
    ----------
    values
        Variables of the source on the region's grid, (y, x), NaN where missing.
    """
    there = np.logical_and.reduce([np.isfinite(values[v.name]) for v in source.variables])
    land = region.mask & on_land(*region.grid.lonlat)
    if not land.any():
        return KnownCells(int(there[region.mask].sum()), int(region.mask.sum()), land=False)
    assumed = getattr(source, "assumed", None)
    if assumed is not None:
        there &= ~assumed(values)
    return KnownCells(int(there[land].sum()), int(land.sum()), land=True)
