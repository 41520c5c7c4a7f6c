"""Terrain at a DEM's own scale: slope, aspect and position from a 3 x 3 window, in metres.

The spacing along a parallel shrinks with latitude, so a gradient on a geographic DEM is taken with
each row's own spacing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.grid import Grid

# Authalic radius of WGS 84, m: spheres of this radius have the ellipsoid's area.
EARTH_RADIUS = 6_371_007.2
Floats = npt.NDArray[Any]


def spacing(grid: Grid, rows: Floats | None = None) -> tuple[Floats, float]:
    """Metres between cell centres: along each row, shape (rows, 1), and along columns.

    Parameters
    ----------
    rows
        Which rows of the grid's lattice, all of the grid where None. A row's spacing is the same to
        the last digit whichever others are asked for.
    """
    rows = np.arange(grid.shape[0]) if rows is None else rows
    if not grid.geographic:
        return np.full((len(rows), 1), grid.width), grid.height
    metres = np.radians(1.0) * EARTH_RADIUS
    latitude = grid.top - grid.height * (rows + 0.5)
    return metres * grid.width * np.cos(np.radians(latitude))[:, None], metres * grid.height


def gradient(elevation: Floats, grid: Grid, rows: Floats | None = None) -> tuple[Floats, Floats]:
    """Rise per metre towards the east and the north, by Horn's (1981, eq. 4) weighted differences.

    Parameters
    ----------
    elevation
        Metres (y, x), NaN where unknown.
    grid, rows
        As for `spacing`.

    Returns
    -------
    tuple of arrays
        float64, NaN where any cell of the 3 x 3 window is missing, so on the rim too.
    """
    dx, dy = spacing(grid, rows)
    z = np.pad(np.asarray(elevation, "float64"), 1, constant_values=np.nan)
    east = z[:-2, 2:] + 2 * z[1:-1, 2:] + z[2:, 2:]
    west = z[:-2, :-2] + 2 * z[1:-1, :-2] + z[2:, :-2]
    north = z[:-2, :-2] + 2 * z[:-2, 1:-1] + z[:-2, 2:]
    south = z[2:, :-2] + 2 * z[2:, 1:-1] + z[2:, 2:]
    # The differences leave the middle out; a void there is a void nevertheless.
    known = np.where(np.isnan(z[1:-1, 1:-1]), np.nan, 1.0)
    return known * (east - west) / (8 * dx), known * (north - south) / (8 * dy)


def slope_aspect(
    elevation: Floats, grid: Grid, rows: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Slope in degrees, and sine and cosine of the aspect; arguments as for `gradient`.

    Aspect is the direction the slope faces (down), clockwise from north: its sine points east, its
    cosine north. Level ground faces nowhere: both are 0 there.
    """
    east, north = gradient(elevation, grid, rows)
    steepness = np.hypot(east, north)
    level = steepness == 0
    with np.errstate(invalid="ignore"):
        sine = np.where(level, 0.0, -east / np.where(level, 1.0, steepness))
        cosine = np.where(level, 0.0, -north / np.where(level, 1.0, steepness))
    return np.degrees(np.arctan(steepness)), sine, cosine


def topographic_position(elevation: Floats) -> Floats:
    """Topographic position index: elevation minus the mean of the eight neighbours.

    Positive on ridges, negative in valleys, about zero on plains and on even slopes (Weiss 2001,
    Topographic position and landforms analysis; Wilson et al. 2007,
    doi:10.1080/01490410701295962, section on BPI; of the smallest neighbourhood).

    Parameters
    ----------
    elevation
        Metres (y, x), NaN where unknown.

    Returns
    -------
    array
        float64 in metres, NaN where any cell of the 3 x 3 window is missing, so on the rim too.
    """
    z = np.pad(np.asarray(elevation, "float64"), 1, constant_values=np.nan)
    neighbours = z[:-2, :-2] + z[:-2, 1:-1]
    for rows, columns in ((0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
        neighbours += z[rows : rows + elevation.shape[0], columns : columns + elevation.shape[1]]
    return np.asarray(z[1:-1, 1:-1] - neighbours / 8)
