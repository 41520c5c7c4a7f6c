"""Stations of a day brought onto cells, by their mean or by the nearest."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.spatial import KDTree

from soilft.errors import GridMismatch
from soilft.grid import Grid
from soilft.sources.stations import cells

Values = npt.NDArray[Any]

_EARTH_KM = 6371.0


@dataclass(frozen=True)
class OnCells:
    """Values of stations on cells.

    Parameters
    ----------
    mean, spread
        Mean of the stations, and their standard deviation, NaN where fewer than two, (y, x).
    count
        Stations with a value, 254 at most, (y, x).
    """

    mean: Values
    spread: Values
    count: Values


@dataclass(frozen=True)
class Stations:
    """Stations in a fixed order, to be brought onto the cells of a grid.

    Parameters
    ----------
    latitude, longitude
        Degrees, (station,).
    within_km
        How far a station speaks; 0 for its own cell, of whose stations the mean is taken.
    """

    latitude: Values
    longitude: Values
    grid: Grid
    within_km: float
    _nearest: dict[bytes, tuple[Values, Values]] = field(default_factory=dict)

    def on_cells(self, values: Values) -> OnCells:
        """Values of the stations, NaN where missing, (station,), on the cells."""
        known = np.isfinite(values)
        if self.within_km > 0:
            mean = np.full(self.grid.shape, np.nan)
            if known.any():
                at, near = self._near(known)
                mean = np.where(near, values[known][at], np.nan).reshape(self.grid.shape)
            none = np.full(self.grid.shape, np.nan)
            return OnCells(mean, none, np.isfinite(mean).astype("uint8"))
        row, column = cells(self.grid, self.longitude[known], self.latitude[known])
        values, inside = values[known], row >= 0
        at = row[inside].astype(int) * self.grid.shape[1] + column[inside]
        size = self.grid.shape[0] * self.grid.shape[1]
        count = np.bincount(at, minlength=size)
        some = np.maximum(count, 1)
        mean = np.bincount(at, weights=values[inside], minlength=size) / some
        off = (values[inside] - mean[at]) ** 2
        spread = np.sqrt(np.bincount(at, weights=off, minlength=size) / some)
        return OnCells(
            np.where(count > 0, mean, np.nan).reshape(self.grid.shape),
            np.where(count > 1, spread, np.nan).reshape(self.grid.shape),
            np.minimum(count, 254).astype("uint8").reshape(self.grid.shape),
        )

    def _near(self, known: npt.NDArray[np.bool_]) -> tuple[Values, Values]:
        """Number of the station next to each cell among those known, and whether it is near."""
        key = known.tobytes()
        if key not in self._nearest:
            tree = KDTree(_points(self.latitude[known], self.longitude[known]))
            chord, at = tree.query(_centres(self.grid))
            self._nearest[key] = at, chord <= _chord(self.within_km)
        return self._nearest[key]


def require_touching(dataset: xr.Dataset, grid: Grid, name: str, how: str, km: float) -> None:
    """Refuse a table of which no station speaks of a cell.

    Parameters
    ----------
    dataset
        With ``latitude`` and ``longitude``.
    name
        Of the file.
    how, km
        As ``cells`` and ``within_km`` of the table.

    Raises
    ------
    GridMismatch
        Saying where its stations lie.
    """
    places = np.stack([dataset.latitude.values, dataset.longitude.values])
    lat, lon = np.unique(places, axis=1)
    if _touches(lat, lon, grid, km if how == "nearest" else 0.0):
        return
    turned = np.abs(lon) <= 90
    swapped = _touches(lon[turned], lat[turned], grid, km if how == "nearest" else 0.0)
    raise GridMismatch(
        name,
        expected="a station in the region",
        found=f"{len(lat)} at {lat.min():g}..{lat.max():g} N, {lon.min():g}..{lon.max():g} E",
        remedy="Latitude and longitude are swapped: name the columns the other way round."
        if swapped
        else "Correct the region's bounds, or leave the table out.",
    )


def _touches(lat: Values, lon: Values, grid: Grid, km: float) -> bool:
    if km <= 0:
        return bool((cells(grid, lon, lat)[0] >= 0).any())
    chord, _ = _tree_of(grid).query(_points(lat, lon))
    return bool((chord <= _chord(km)).any())


@lru_cache(maxsize=2)
def _tree_of(grid: Grid) -> KDTree:
    return KDTree(_centres(grid))


@lru_cache(maxsize=2)
def _centres(grid: Grid) -> Values:
    lon, lat = (np.ravel(axis) for axis in grid.lonlat)
    # Cells that the projection cannot show are far from every station.
    return np.nan_to_num(_points(lat, lon), nan=1e3)


def _points(lat: Values, lon: Values) -> Values:
    """Points on the unit sphere, (place, 3)."""
    a, b = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)], axis=-1)


def _chord(km: float) -> float:
    """Chord of the unit sphere that spans a distance along the Earth's surface."""
    return float(2 * np.sin(min(km / _EARTH_KM, np.pi) / 2))
