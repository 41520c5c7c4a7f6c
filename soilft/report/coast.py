"""Coastline for maps, from a file shipped with the package."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.geo.land import rings

Line = npt.NDArray[np.float64]


def outline(bounds: tuple[float, float, float, float]) -> list[Line]:
    """Coast lines within a box, from Natural Earth 1:110m (public domain).

    Parameters
    ----------
    bounds
        ``(west, south, east, north)`` in degrees; longitudes beyond 180 or -180 are the same land
        another turn round.

    Returns
    -------
    list of array
        Lines (vertex, 2), longitude then latitude in degrees, each wholly inside the box. The cuts
        of the source along the antimeridian and at the south pole are no coast and are left out.

    Raises
    ------
    ValueError
        Where west is not below east, or south not below north.

    Examples
    --------
    >>> len(outline((40.0, 30.0, 60.0, 50.0))) > 0
    True
    """
    import shapely

    west, south, east, north = bounds
    if not (west < east and south < north):
        raise ValueError(f"bounds are (west, south, east, north) in degrees, not {bounds}")
    found: list[Line] = []
    for turn in (-360.0, 0.0, 360.0):
        if west - turn > 180.0 or east - turn < -180.0:
            continue
        box = shapely.box(west - turn, south, east - turn, north)
        parts = shapely.get_parts(shapely.intersection(_coast(), box))
        lines = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
        lines &= ~shapely.is_empty(parts)
        found += [shapely.get_coordinates(line) + np.array([turn, 0]) for line in parts[lines]]
    return found


@lru_cache(maxsize=1)
def _coast() -> npt.NDArray[Any]:
    """Lines as geometries, (line,)."""
    import shapely

    lines = (line for ring in rings() for line in _without_cuts(ring))
    return np.array([shapely.LineString(line) for line in lines])


def _without_cuts(ring: Line) -> list[Line]:
    """A closed ring as the lines that are left once edges of the world's rectangle are gone."""
    meridian, pole = np.abs(ring[:, 0]) >= 180.0, ring[:, 1] <= -90.0
    cut = (meridian[:-1] & meridian[1:]) | (pole[:-1] & pole[1:])
    ends = [-1, *np.flatnonzero(cut).tolist(), len(cut)]
    parts = [ring[a + 1 : b + 1] for a, b in pairwise(ends)]
    return [part for part in parts if len(part) > 1]
