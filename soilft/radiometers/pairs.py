"""Pairs of observations by two radiometers, of one pixel and pass, and sums over them.

Worked in bands of rows and blocks of days that depend on the grid and the period alone, and added
up in one order: neither the chunks of a store nor the number of workers changes a bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import DaySpan, day_of
from soilft.draws import dealt
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.grid import Grid
from soilft.radiometers.intercalibration import (
    PIXEL_TERMS,
    TERMS,
    Axes,
    Transfer,
    polarization,
    seasonal,
    warmth,
)
from soilft.radiometers.intercalibration_fit import PairSums, PixelSums, RegionalSums
from soilft.rows import RowSpan
from soilft.store import zarr as store

# A pass of one radiometer and that of the other are one, when they lie no farther apart.
MOST_HOURS = 1.0
FIT, CHOOSE, TEST = 0, 1, 2
ROLES: Mapping[str, int] = {"fit": FIT, "choose": CHOOSE, "test": TEST}
# A quarter of the blocks chooses the form, a quarter tests it.
_QUARTERS = 4
_CELLS_A_BAND = 2048
_DAYS_AT_ONCE = 30

Codes = npt.NDArray[np.uint8]


def roles_of_days(numbers: npt.NDArray[Any], block_days: int, seed: int) -> Codes:
    """What a fit may know of each day: whole blocks of days are dealt out at random.

    Parameters
    ----------
    numbers
        Days since 1970-01-01 with both radiometers, ascending.
    block_days
        Days of a block; fewer where there would be less than eight blocks.
    """
    length = max(1, min(block_days, len(numbers) // (2 * _QUARTERS)))
    return _roles(np.arange(len(numbers)) // length, seed)


def roles_of_pixels(grid: Grid, degrees: float, seed: int) -> Codes:
    """What a fit may know of each pixel, (y, x): whole spatial blocks are dealt out at random."""
    blocks = spatial_blocks(grid, degrees)
    return _roles(blocks.ravel(), seed + 1).reshape(blocks.shape)


def _roles(block: npt.NDArray[Any], seed: int) -> Codes:
    quarter = dealt(block, _QUARTERS, seed)
    return np.select([quarter == 0, quarter == 1], [TEST, CHOOSE], FIT).astype("uint8")


def bands(grid: Grid) -> list[RowSpan]:
    """Rows of the grid, a few at a time."""
    rows = max(1, _CELLS_A_BAND // grid.shape[1])
    return RowSpan(0, grid.shape[0]).every(rows)


@dataclass(frozen=True)
class Pairing:
    """Two radiometers and the days on which both flew.

    Parameters
    ----------
    one, other
        Stores; the first is to be inter-calibrated to the other.
    onto
        Inter-calibration of the other to a third, applied first.
    days
        Days since 1970-01-01 with both, ascending.
    """

    one: str
    other: str
    whole: DaySpan
    days: npt.NDArray[np.int32]
    onto: Transfer | None = None

    def axes(self) -> Axes:
        """Codes of the overpasses and channels that both have."""
        one, other = (store.open_cube(url) for url in (self.one, self.other))
        return _common(one, other, "overpass"), _common(one, other, "channel")


def _common(one: xr.Dataset, other: xr.Dataset, axis: str) -> tuple[int, ...]:
    both = {int(code) for code in one[axis].values} & {int(code) for code in other[axis].values}
    return tuple(sorted(both))


def pairs(pairing: Pairing, band: RowSpan) -> Iterator[tuple[npt.NDArray[np.intp], Any, Any]]:
    """Pairs of some rows of the grid, some days at a time.

    Yields
    ------
    at : array
        Which of the pairing's days, (day,).
    one, other : array
        float32 K, (day, overpass, channel, y, x) on the common axes; both NaN where either did not
        see the pixel, or they saw it more than an hour apart.
    """
    overpasses, channels = pairing.axes()
    first, other_first = (_Opened(url, band) for url in (pairing.one, pairing.other))
    start = pairing.whole.numbers[0]
    blocks = (pairing.days - start) // _DAYS_AT_ONCE
    for block in np.unique(blocks):
        at = np.flatnonzero(blocks == block)
        index = pairing.days[at] - start
        one, when = first.read(index, overpasses, channels)
        other, then = other_first.read(index, overpasses, channels, pairing.onto)
        apart = ~(np.abs(when - then) <= MOST_HOURS)
        missing = apart[:, :, None] | np.isnan(one) | np.isnan(other)
        one[missing], other[missing] = np.nan, np.nan
        yield at, one, other


class _Opened:
    """One radiometer's store, some rows of it."""

    def __init__(self, url: str, band: RowSpan) -> None:
        self.band = band.slice
        self.opened = store.open_cube(url)

    def read(
        self,
        index: npt.NDArray[Any],
        overpasses: Sequence[int],
        channels: Sequence[int],
        onto: Transfer | None = None,
    ) -> tuple[Any, Any]:
        """Brightness temperatures (day, overpass, channel, y, x) and hours of some days."""
        span = slice(int(index[0]), int(index[-1]) + 1)
        part = self.opened.isel(time=span, y=self.band)
        days = index - index[0]
        tb = part["tb"].values[days]
        if onto is not None:
            numbers = part["time"].values.astype("datetime64[D]").astype("int64")[days]
            columns = slice(0, self.opened.sizes["x"])
            tb = onto.window(self.band, columns).apply(tb, numbers)
        passes = [part["overpass"].values.tolist().index(code) for code in overpasses]
        places = [part["channel"].values.tolist().index(code) for code in channels]
        return tb[:, passes][:, :, places], part["observation_time"].values[days][:, passes]


@dataclass(frozen=True)
class SumBand:
    """One task: sums over the pairs of some rows of the grid.

    Parameters
    ----------
    day_role, pixel_role
        Codes of `ROLES`, (day,) and (y, x) of the whole grid.
    """

    pairing: Pairing
    band: RowSpan
    day_role: Codes
    pixel_role: Codes

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: a block of days as read, and the sums of its pixels."""
        cells: int = self.band.height * self.pixel_role.shape[1]
        overpasses, channels = (len(axis) for axis in self.pairing.axes())
        width: int = self.pixel_role.size // cells + 1
        a_day = 4 * 14 * 2 * cells * (width + 4)
        sums = 8 * len(ROLES) * (len(TERMS) + 1) * (len(TERMS) + 1)
        return _DAYS_AT_ONCE * a_day + overpasses * channels * cells * (sums + 8 * 12)


@dataclass(frozen=True)
class BandSums:
    """What a band's pairs add up to, on common axes.

    Parameters
    ----------
    outer, cross, square, low, high
        As in `RegionalSums`, by role, with a leading axis of rows.
    pixel
        By the role of the day.
    """

    outer: Mapping[str, Any]
    cross: Mapping[str, Any]
    square: Mapping[str, Any]
    low: Any
    high: Any
    pixel: Mapping[str, PixelSums]


def sum_band(task: SumBand) -> BandSums:
    """Add up the pairs of a band. Runs on a worker."""
    overpasses, channels = task.pairing.axes()
    rows, columns = task.band.height, task.pixel_role.shape[1]
    where = (len(overpasses), len(channels))
    count = len(TERMS)
    outer = np.zeros((len(ROLES), *where, count, count, rows, columns))
    cross = np.zeros((len(ROLES), *where, count, rows, columns))
    square = np.zeros((len(ROLES), *where, rows, columns))
    low, high = np.full(where, np.inf), np.full(where, -np.inf)
    for at, one, other in pairs(task.pairing, task.band):
        turn = seasonal(task.pairing.days[at])[:, :, None, None]
        role = task.day_role[at]
        poles = [polarization(one, channels, c) for c in range(len(channels))]
        for o, c in np.ndindex(*where):
            pole = poles[c][:, o]
            seen = np.isfinite(one[:, o, c]) & np.isfinite(pole)
            if not seen.any():
                continue
            low[o, c] = min(low[o, c], float(one[:, o, c][seen].min()))
            high[o, c] = max(high[o, c], float(one[:, o, c][seen].max()))
            t = np.where(seen, warmth(one[:, o, c]), 0.0)
            d = np.where(seen, other[:, o, c].astype("float64") - one[:, o, c], 0.0)
            pole = np.where(seen, pole, 0.0)
            terms = [seen.astype("float64"), t, t * t, pole, *(seen * part for part in turn)]
            for r in np.unique(role):
                days = role == r
                mine = [term[days] for term in terms]
                for i in range(count):
                    cross[r, o, c, i] += (mine[i] * d[days]).sum(axis=0)
                    for j in range(i + 1):
                        outer[r, o, c, i, j] += (mine[i] * mine[j]).sum(axis=0)
                square[r, o, c] += (d[days] ** 2).sum(axis=0)
    for i in range(count):
        for j in range(i):
            outer[:, :, :, j, i] = outer[:, :, :, i, j]
    return _by_role(task, outer, cross, square, low, high)


def _by_role(task: SumBand, outer: Any, cross: Any, square: Any, low: Any, high: Any) -> BandSums:
    place = task.pixel_role[task.band.slice]
    found: dict[str, dict[str, Any]] = {"outer": {}, "cross": {}, "square": {}}
    chosen = {name: (code, place == code) for name, code in ROLES.items()}
    chosen["days"] = (TEST, place == FIT)
    for name, values in (("outer", outer), ("cross", cross), ("square", square)):
        for role, (code, here) in chosen.items():
            found[name][role] = np.moveaxis((values[code] * here).sum(axis=-1), -1, 0)
        every = values.sum(axis=0).sum(axis=-1)
        found[name]["all"] = np.moveaxis(every, -1, 0)
    own = len(PIXEL_TERMS)
    pixel = {
        name: PixelSums(outer[code][:, :, :own], cross[code][:, :, :own])
        for name, code in ROLES.items()
    }
    return BandSums(found["outer"], found["cross"], found["square"], low, high, pixel)


def joined(parts: Sequence[BandSums], pairing: Pairing, pixel_role: Codes) -> PairSums:
    """The sums of all bands, from north to south."""
    low = np.minimum.reduce([part.low for part in parts])
    high = np.maximum.reduce([part.high for part in parts])

    def total(name: str, role: str) -> Any:
        return np.concatenate([getattr(part, name)[role] for part in parts]).sum(axis=0)

    regional = {
        role: RegionalSums(
            total("outer", role), total("cross", role), total("square", role), low, high
        )
        for role in (*ROLES, "days", "all")
    }
    pixel = {
        role: PixelSums(
            *(
                np.concatenate([getattr(part.pixel[role], name) for part in parts], axis=-2)
                for name in ("outer", "cross")
            )
        )
        for role in ROLES
    }
    months = {day_of(int(n)).month for n in pairing.days}
    overpasses, channels = pairing.axes()
    return PairSums(regional, pixel, overpasses, channels, pixel_role == FIT, len(months))
