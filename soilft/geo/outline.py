"""Outline of a region: polygons of a GeoJSON file, and the cells that lie inside."""

from __future__ import annotations

import json
from typing import Any

from soilft.errors import ConfigError
from soilft.store import objects

# RFC 7946 knows no other; older files name them in a member of their own.
_PLAIN_CRS = ("CRS84", "EPSG::4326", "EPSG:4326")
_CONTAINERS = {"FeatureCollection": "features", "GeometryCollection": "geometries"}


def read_outline(url: str, key: str = "region.mask") -> str:
    """Polygons of a GeoJSON file (RFC 7946) as one WKT text, longitude before latitude.

    The same polygons give the same text, however many features and whatever properties they have.

    Parameters
    ----------
    key
        What the file is for, as errors name it.

    Raises
    ------
    ConfigError
        Where the file is not there, is no GeoJSON, or holds anything but valid polygons in degrees.
    """
    import shapely

    content = objects.read(url)
    if content is None:
        raise ConfigError(f"{key} {url}", expected="a GeoJSON file", found="none")
    try:
        geometries = _geometries(json.loads(content))
        # Heights, where there are any, are no part of an outline.
        shapes = [shapely.force_2d(shapely.from_geojson(json.dumps(g))) for g in geometries]
    except (UnicodeDecodeError, ValueError, TypeError, shapely.errors.GEOSException) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"{key} {url}", expected="GeoJSON polygons in degrees", found=first
        ) from error
    for shape in shapes:
        _require_polygon(shape, url, key)
    if not shapes:
        raise ConfigError(f"{key} {url}", expected="at least one polygon", found="none")
    return str(shapely.union_all(shapes).normalize().wkt)


def _geometries(value: Any) -> list[dict[str, Any]]:
    """Every geometry below a GeoJSON object, in order.

    Raises
    ------
    ValueError
        Where it is no GeoJSON object, or in another coordinate system.
    """
    if not isinstance(value, dict) or "type" not in value:
        raise ValueError("no GeoJSON object")
    kind, crs = value["type"], value.get("crs")
    if crs is not None and not _crs_name(crs).endswith(_PLAIN_CRS):
        raise ValueError(f"coordinates in {_crs_name(crs) or crs}")
    if kind == "Feature":
        # A feature may be of no place at all.
        return [] if value.get("geometry") is None else _geometries(value["geometry"])
    member = _CONTAINERS.get(kind, "coordinates")
    if member not in value:
        raise ValueError(f"{kind} without {member}")
    if kind in _CONTAINERS:
        return [g for part in value[member] for g in _geometries(part)]
    return [{"type": kind, "coordinates": value[member]}]


def _crs_name(crs: Any) -> str:
    properties = crs.get("properties") if isinstance(crs, dict) else None
    return str(properties.get("name", "")) if isinstance(properties, dict) else ""


def _require_polygon(shape: Any, url: str, key: str) -> None:
    import shapely

    expected = "polygons within -180..180 and -90..90 degrees"
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise ConfigError(f"{key} {url}", expected=expected, found=shape.geom_type)
    west, south, east, north = shape.bounds if not shape.is_empty else (0.0, 91.0, 0.0, 91.0)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        found = f"{west:g}..{east:g} and {south:g}..{north:g}"
        raise ConfigError(
            f"{key} {url}",
            expected=expected,
            found=found,
            remedy="Cut polygons across the antimeridian there (RFC 7946, section 3.1.9).",
        )
    if not shape.is_valid:
        raise ConfigError(
            f"{key} {url}",
            expected="polygons whose edges do not cross",
            found=str(shapely.is_valid_reason(shape)),
        )
