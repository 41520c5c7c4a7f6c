"""Terrain at a DEM's own scale: slope and aspect from a 3 x 3 window, spacing in metres.

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


def spacing(grid: Grid) -> tuple[Floats, float]:
    """Metres between cell centres: along each row, shape (rows, 1), and along columns."""
    if not grid.geographic:
        return np.full((grid.shape[0], 1), grid.width), grid.height
    metres = np.radians(1.0) * EARTH_RADIUS
    return metres * grid.width * np.cos(np.radians(grid.y))[:, None], metres * grid.height


def gradient(elevation: Floats, grid: Grid) -> tuple[Floats, Floats]:
    """Rise per metre towards the east and the north, by Horn's (1981, eq. 4) weighted differences.

    Parameters
    ----------
    elevation
        Metres, shape of ``grid``, NaN where unknown.

    Returns
    -------
    tuple of arrays
        float64, NaN where any cell of the 3 x 3 window is missing, so on the rim too.
    """
    dx, dy = spacing(grid)
    z = np.pad(np.asarray(elevation, "float64"), 1, constant_values=np.nan)
    east = z[:-2, 2:] + 2 * z[1:-1, 2:] + z[2:, 2:]
    west = z[:-2, :-2] + 2 * z[1:-1, :-2] + z[2:, :-2]
    north = z[:-2, :-2] + 2 * z[:-2, 1:-1] + z[:-2, 2:]
    south = z[2:, :-2] + 2 * z[2:, 1:-1] + z[2:, 2:]
    # The differences leave the middle out; a void there is a void nevertheless.
    known = np.where(np.isnan(z[1:-1, 1:-1]), np.nan, 1.0)
    return known * (east - west) / (8 * dx), known * (north - south) / (8 * dy)


def slope_aspect(elevation: Floats, grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Slope in degrees, and sine and cosine of the aspect.

    Aspect is the direction the slope faces (down), clockwise from north: its sine points east, its
    cosine north. Level ground faces nowhere: both are 0 there.
    """
    east, north = gradient(elevation, grid)
    steepness = np.hypot(east, north)
    level = steepness == 0
    with np.errstate(invalid="ignore"):
        sine = np.where(level, 0.0, -east / np.where(level, 1.0, steepness))
        cosine = np.where(level, 0.0, -north / np.where(level, 1.0, steepness))
    return np.degrees(np.arctan(steepness)), sine, cosine
