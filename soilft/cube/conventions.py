"""Georeferencing by the Zarr conventions ``proj`` and ``spatial``, both version 0.1.

A reader that knows no CF finds the CRS and the transform of all arrays of a group in the attributes
of the group. See https://github.com/zarr-conventions/proj and .../spatial.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from soilft.grid import Grid

REGISTER = "zarr_conventions"


def _convention(name: str, uuid: str, description: str) -> Mapping[str, str]:
    place = f"zarr-conventions/{name}"
    return MappingProxyType(
        {
            "schema_url": f"https://raw.githubusercontent.com/{place}/refs/tags/v0.1/schema.json",
            "spec_url": f"https://github.com/{place}/blob/v0.1/README.md",
            "uuid": uuid,
            "name": name,
            "description": description,
        }
    )


PROJ = _convention(
    "proj",
    "f17cb550-5864-4468-aeb7-f3180cfb622f",
    "Coordinate reference system information for geospatial data",
)
SPATIAL = _convention(
    "spatial",
    "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4",
    "Spatial coordinate information",
)


def group_attributes(grid: Grid) -> dict[str, Any]:
    """Attributes of a group whose arrays lie on a grid, with dimensions named ``y`` and ``x``.

    They speak for the arrays directly below the group, so each group of a cube carries its own.
    """
    transform = grid.affine
    bottom = grid.top - grid.height * grid.shape[0]
    right = grid.left + grid.width * grid.shape[1]
    return {
        REGISTER: [dict(PROJ), dict(SPATIAL)],
        "proj:code": grid.crs,
        "proj:wkt2": grid.wkt,
        "spatial:dimensions": ["y", "x"],
        "spatial:bbox": [grid.left, bottom, right, grid.top],
        "spatial:transform_type": "affine",
        "spatial:transform": [float(value) for value in transform[:6]],
        "spatial:shape": list(grid.shape),
        "spatial:registration": "pixel",
    }


def of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those attributes of a group that the conventions know, for another group on its grid."""
    names = ("zarr_conventions", "proj:", "spatial:")
    return {name: value for name, value in attributes.items() if name.startswith(names)}
