"""Longitudes, which come round after 360 degrees, and the way round along the x axis of a CRS."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

# Of projections whose x grows evenly with longitude and does not depend on latitude.
_CYLINDRICAL = (
    "Lambert Cylindrical Equal Area",
    "Equidistant Cylindrical",
    "Popular Visualisation Pseudo Mercator",
    "Mercator",
)


@lru_cache(maxsize=64)
def circumference(crs: str) -> float | None:
    """How far along x a place is met again, CRS units; None where x does not go round.

    Examples
    --------
    >>> circumference("EPSG:4326"), round(circumference("EPSG:6933")), circumference("EPSG:6931")
    (360.0, 34735061, None)
    """
    known = pyproj.CRS.from_user_input(crs)
    if known.is_geographic:
        return 360.0
    operation = known.coordinate_operation
    if operation is None or not operation.method_name.startswith(_CYLINDRICAL):
        return None
    there = pyproj.Transformer.from_crs("EPSG:4326", known, always_xy=True)
    x, _ = there.transform(np.arange(0.0, 361.0, 90.0), np.zeros(5))
    # The cut lies within one quarter, or at its end.
    return 4 * float(np.median(np.diff(x)))


def principal(longitude: npt.ArrayLike) -> npt.NDArray[Any]:
    """Longitudes within -180..180, degrees, in the shape they came in; those within stay as given.

    Examples
    --------
    >>> principal([179.875, 180.0, 180.125, 361.0, -181.0]).tolist()
    [179.875, 180.0, -179.875, 1.0, 179.0]
    """
    given = np.asarray(longitude, "float64")
    turns = np.where(np.abs(given) > 180, np.round(given / 360), 0.0)
    return np.asarray(given - 360.0 * turns)
