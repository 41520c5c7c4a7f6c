"""Gridding of swaths: each pixel counts wholly in the cell that its centre lies in.

This is bucket averaging. What is kept of a granule are sums and counts of the cells it touched, so
that several granules add up to the mean of all their pixels. A cell smaller than the spacing of the
pixels may stay empty.

pyresample finds the bucket of each pixel. The sums are taken here, for its own go through one
running sum over all buckets: there, a cell's last digits depend on the pixels of the others, and a
granule on a hemisphere takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt

from soilft.grid import Grid
from soilft.projections import transformer

Floats = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Buckets:
    """Sums over swath pixels, of the cells that have any.

    Parameters
    ----------
    cell
        Flat indices on the grid, rising, int32, shape (cell,).
    total
        Sums of valid values, float64, shape (channel, cell), the unit of the values.
    valid
        How many values that were, int32, shape (channel, cell).
    hours
        Sums of the pixels' times of observation, float64, shape (cell,), hours.
    pixels
        How many pixels have a value in any channel, int32, shape (cell,).
    """

    cell: npt.NDArray[np.int32]
    total: npt.NDArray[np.float64]
    valid: npt.NDArray[np.int32]
    hours: npt.NDArray[np.float64]
    pixels: npt.NDArray[np.int32]


def near(lon: Floats, lat: Floats, grid: Grid) -> npt.NDArray[np.bool_]:
    """Which pixels may lie on a grid; cheap, and never leaves out one that does.

    Parameters
    ----------
    lon, lat
        Degrees, any shape, NaN where missing.
    """
    south, north, west, span = _surroundings(grid)
    inside = (lat >= south) & (lat <= north) & (np.mod(lon - west, 360.0) <= span)
    return np.asarray(inside)


@lru_cache(maxsize=64)
def _surroundings(grid: Grid) -> tuple[float, float, float, float]:
    """South, north, west in degrees and the span eastward, a cell wider than the grid's corners."""
    x, y = np.meshgrid(
        grid.left + grid.width * np.arange(grid.shape[1] + 1),
        grid.top - grid.height * np.arange(grid.shape[0] + 1),
    )
    lon, lat = (np.asarray(a) for a in transformer(grid.crs, "EPSG:4326").transform(x, y))
    lon, lat = (np.where(np.isfinite(a), a, np.nan) for a in (lon, lat))
    # Between corners an edge bends, and a pole may lie inside a cell: a cell more holds both.
    rim = max(float(np.nanmax(np.abs(np.diff(lat, axis=axis)))) for axis in (0, 1))
    steps = (np.diff(lon, axis=axis) for axis in (0, 1))
    side = max(float(np.nanmax(np.abs((step + 180) % 360 - 180))) for step in steps)
    around = np.unique(lon[np.isfinite(lon)] % 360)
    gaps = np.diff(np.append(around, around[0] + 360))
    widest = int(np.argmax(gaps))
    west = float(around[(widest + 1) % len(around)]) - side
    span = 360 - float(gaps[widest]) + 2 * side
    return float(np.nanmin(lat)) - rim, float(np.nanmax(lat)) + rim, west, min(span, 360.0)


def gather(lon: Floats, lat: Floats, values: Floats, hours: Floats, grid: Grid) -> Buckets:
    """Sum swath pixels cell by cell.

    Parameters
    ----------
    lon, lat
        Centres of pixels, degrees, shape (pixel,), NaN where missing.
    values
        Shape (channel, pixel), NaN where missing.
    hours
        Time of observation, hours, shape (pixel,), NaN where missing.

    Returns
    -------
    Buckets
        Of pixels with a place, a time and at least one value.
    """
    known = np.isfinite(values).any(axis=0) & np.isfinite(hours) & near(lon, lat, grid)
    bucket = _buckets(np.asarray(lon[known], "float64"), np.asarray(lat[known], "float64"), grid)
    known[known] = bucket >= 0
    cell, index = np.unique(bucket[bucket >= 0], return_inverse=True)
    chosen = np.asarray(values[:, known], "float64")
    valid = np.isfinite(chosen)
    size = len(cell)

    def summed(weights: Floats) -> Floats:
        return np.bincount(index, weights, size)

    total = np.empty((len(chosen), size))
    counts = np.empty((len(chosen), size), "int32")
    for i in range(len(chosen)):
        total[i] = summed(np.where(valid[i], chosen[i], 0.0))
        counts[i] = summed(valid[i])
    return Buckets(
        cell.astype("int32"),
        total,
        counts,
        summed(np.asarray(hours[known], "float64")),
        np.bincount(index, minlength=size).astype("int32"),
    )


def _buckets(lon: Floats, lat: Floats, grid: Grid) -> npt.NDArray[np.int64]:
    """Flat index of the cell that each pixel lies in, negative outside."""
    if not lon.size:
        return np.empty(0, "int64")
    # Here, and not above: what only names this module need not have pyresample.
    from pyresample.bucket import BucketResampler
    from pyresample.geometry import AreaDefinition

    left, right = grid.left, grid.left + grid.width * grid.shape[1]
    if grid.geographic:
        # A grid may reach beyond 180 degrees, and PROJ wraps longitudes there: count both from
        # the grid's middle.
        middle = (left + right) / 2
        left, right = left - middle, right - middle
        lon = np.mod(lon - middle + 180, 360) - 180
    area = AreaDefinition(  # type: ignore[no-untyped-call]
        "grid",
        "the grid",
        "grid",
        grid.crs,
        grid.shape[1],
        grid.shape[0],
        (left, grid.top - grid.height * grid.shape[0], right, grid.top),
    )
    pixels = [
        da.from_array(a, chunks=-1, name=False)  # type: ignore[no-untyped-call]
        for a in (lon, lat)
    ]
    # The opposite pole of a projection has no place, and lies outside.
    with np.errstate(invalid="ignore"):
        resampler = BucketResampler(area, *pixels)  # type: ignore[no-untyped-call]
        lazy: Any = resampler.idxs
        index = lazy.compute(scheduler="synchronous")
    return np.asarray(index, "int64")


def passing_together(
    parts: Sequence[Buckets], grid: Grid, within_hours: float = 6.0
) -> list[Buckets]:
    """Leave out of each cell what was observed at another time of the day than most of it.

    A UTC day can hold a pass of its first minutes and one of its last. Of each cell that granule
    counts which has the most pixels there (of equal ones the first), and those near it in time.

    Parameters
    ----------
    within_hours
        Longest difference of the mean times of two granules in one cell.
    """
    most = np.zeros(grid.shape[0] * grid.shape[1], "int32")
    when = np.full(most.shape, np.nan)
    means = [part.hours / part.pixels for part in parts]
    for part, mean in zip(parts, means, strict=True):
        more = part.pixels > most[part.cell]
        most[part.cell[more]] = part.pixels[more]
        when[part.cell[more]] = mean[more]
    kept = []
    for part, mean in zip(parts, means, strict=True):
        near_it = np.abs(mean - when[part.cell]) <= within_hours
        kept.append(
            Buckets(
                part.cell[near_it],
                part.total[:, near_it],
                part.valid[:, near_it],
                part.hours[near_it],
                part.pixels[near_it],
            )
        )
    return kept


def averaged(parts: Sequence[Buckets], channels: int, grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Mean of all pixels of several granules, each pixel with equal weight.

    The order of the parts is that of the sums: give them in one order.

    Parameters
    ----------
    channels
        How many channels each part has.

    Returns
    -------
    mean : array
        float32, shape (channel, y, x), NaN where no pixel had a value.
    hours : array
        Mean time of observation of the pixels, float32, shape (y, x), NaN where there is none.
    pixels : array
        How many pixels there were, int64, shape (y, x).
    """
    cells = grid.shape[0] * grid.shape[1]
    mean = np.empty((channels, cells), "float32")
    for i in range(channels):  # one at a time: a hemisphere's sums of all take more than its means
        total, valid = np.zeros(cells), np.zeros(cells, "int64")
        for part in parts:
            total[part.cell] += part.total[i]
            valid[part.cell] += part.valid[i]
        mean[i] = _divided(total, valid)
    hours, pixels = np.zeros(cells), np.zeros(cells, "int64")
    for part in parts:
        hours[part.cell] += part.hours
        pixels[part.cell] += part.pixels
    time = _divided(hours, pixels)
    return mean.reshape(-1, *grid.shape), time.reshape(grid.shape), pixels.reshape(grid.shape)


def _divided(total: Floats, count: Floats) -> Floats:
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.asarray(mean, "float32")
