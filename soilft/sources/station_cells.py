"""Stations of a day brought onto cells, by their mean or by the nearest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import GridMismatch
from soilft.grid import Grid
from soilft.sources.point_tables import PointTable
from soilft.sources.stations import cells

Values = npt.NDArray[Any]

_EARTH_KM = 6371.0


@dataclass(frozen=True)
class OnCells:
    """Values of stations brought onto cells.

    Parameters
    ----------
    mean, spread
        Mean of the stations, and their standard deviation, NaN where fewer than two, (y, x).
    count
        Stations with a value, (y, x).
    """

    mean: Values
    spread: Values
    count: Values


def on_cells(values: Values, lat: Values, lon: Values, grid: Grid, layout: PointTable) -> OnCells:
    """Stations of one day on a grid, as the settings say; stations in a fixed order.

    Parameters
    ----------
    values
        NaN where missing, (station,).
    """
    known = np.isfinite(values)
    values, lat, lon = values[known], lat[known], lon[known]
    if layout.cells == "nearest":
        return _nearest(values, lat, lon, grid, layout.within_km)
    row, column = cells(grid, lon, lat)
    inside = row >= 0
    at = row[inside].astype(int) * grid.shape[1] + column[inside]
    size = grid.shape[0] * grid.shape[1]
    count = np.bincount(at, minlength=size)
    some = np.maximum(count, 1)
    mean = np.bincount(at, weights=values[inside], minlength=size) / some
    off = (values[inside] - mean[at]) ** 2
    spread = np.sqrt(np.bincount(at, weights=off, minlength=size) / some)
    return OnCells(
        np.where(count > 0, mean, np.nan).reshape(grid.shape),
        np.where(count > 1, spread, np.nan).reshape(grid.shape),
        np.minimum(count, 254).astype("uint8").reshape(grid.shape),
    )


def _nearest(values: Values, lat: Values, lon: Values, grid: Grid, within_km: float) -> OnCells:
    east, north = (np.ravel(axis) for axis in grid.lonlat)
    mean = np.full(east.shape, np.nan)
    if len(values):
        far = _kilometres(lat[:, None], lon[:, None], north, east)
        # The first of those that are equally near: stations come in a fixed order.
        at = far.argmin(axis=0)
        near = far[at, np.arange(len(at))] <= within_km
        mean = np.where(near, values[at], np.nan)
    count = np.isfinite(mean).astype("uint8").reshape(grid.shape)
    return OnCells(mean.reshape(grid.shape), np.full(grid.shape, np.nan), count)


def _kilometres(lat: Values, lon: Values, other_lat: Values, other_lon: Values) -> Values:
    """Distance on a sphere, by the haversine formula."""
    a, b, c, d = (np.radians(v) for v in (lat, lon, other_lat, other_lon))
    half = np.sin((a - c) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((b - d) / 2) ** 2
    return np.asarray(2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def require_touching(dataset: xr.Dataset, grid: Grid, layout: PointTable, name: str) -> None:
    """Refuse a table of which no station speaks of a cell.

    Raises
    ------
    GridMismatch
        Saying where its stations lie.
    """
    lat, lon = dataset.latitude.values, dataset.longitude.values
    ones = np.ones(len(lat))
    if on_cells(ones, lat, lon, grid, layout).count.any():
        return
    # A latitude beyond 90 degrees would have been refused.
    mirrored = np.abs(lon) <= 90
    other = on_cells(ones[mirrored], lon[mirrored], lat[mirrored], grid, layout).count.any()
    raise GridMismatch(
        name,
        expected="a station in the region",
        found=f"{len(lat)} at {lat.min():g}..{lat.max():g} N, {lon.min():g}..{lon.max():g} E",
        remedy="Latitude and longitude are swapped: name the columns the other way round."
        if other
        else "Correct the region's bounds, or leave the table out.",
    )
