"""Coordinate reference systems: ways from one to another, and once around in longitude."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj
from odc.geo.geom import BoundingBox

# Of projections whose x grows evenly with longitude and does not depend on latitude.
_CYLINDRICAL = (
    "Lambert Cylindrical Equal Area",
    "Equidistant Cylindrical",
    "Popular Visualisation Pseudo Mercator",
    "Mercator",
)


@lru_cache(maxsize=64)
def crs_of(code: str) -> pyproj.CRS:
    """CRS of an authority code or a WKT."""
    return pyproj.CRS.from_user_input(code)


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> pyproj.Transformer:
    """Coordinate transformer in (x, y) order, whatever axis order the authority gives."""
    return pyproj.Transformer.from_crs(crs_of(source), crs_of(target), always_xy=True)


def box_around(x: npt.NDArray[Any], y: npt.NDArray[Any], source: str, target: str) -> BoundingBox:
    """Smallest box of one CRS around points of another; points it cannot show are left out.

    Raises
    ------
    ValueError
        Where it can show none.
    """
    tx, ty = (np.asarray(t) for t in transformer(source, target).transform(x.ravel(), y.ravel()))
    known = np.isfinite(tx) & np.isfinite(ty)
    if not known.any():
        raise ValueError(f"nothing of it can be shown in {target}")
    tx, ty = tx[known], ty[known]
    return BoundingBox(
        float(tx.min()), float(ty.min()), float(tx.max()), float(ty.max()), crs=target
    )


@lru_cache(maxsize=64)
def circumference(crs: str) -> float | None:
    """How far along x a place is met again, CRS units; None where x does not go round.

    Examples
    --------
    >>> circumference("EPSG:4326"), round(circumference("EPSG:6933")), circumference("EPSG:6931")
    (360.0, 34735061, None)
    """
    known = crs_of(crs)
    if known.is_geographic:
        return 360.0
    operation = known.coordinate_operation
    if operation is None or not operation.method_name.startswith(_CYLINDRICAL):
        return None
    x, _ = transformer("EPSG:4326", crs).transform(np.arange(0.0, 361.0, 90.0), np.zeros(5))
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
