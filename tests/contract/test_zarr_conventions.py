"""The attributes that say where the cells are, before the validator of the Zarr conventions."""

import json
from pathlib import Path

import numpy as np
import pyproj
import pytest
import zarr_cm

from soilft.cube import conventions as zarr_conventions
from tests.support.cubes import SMALL, make


@pytest.mark.parametrize("kind", SMALL)
def test_the_published_validator_accepts_the_group_as_written(kind: str, tmp_path: Path) -> None:
    make(tmp_path / "cube.zarr", kind)
    root = json.loads((tmp_path / "cube.zarr" / "zarr.json").read_text())
    zarr_cm.proj.validate_group_metadata(root)
    zarr_cm.spatial.validate_group_metadata(root)
    # Version 0.1 of both, by the address of its schema.
    found = zarr_cm.detect_revisions(root["attributes"])
    assert found == {"proj": "r3", "spatial": "r3"}
    declared = root["attributes"]["zarr_conventions"]
    assert declared == [dict(zarr_cm.proj.r3.CMO), dict(zarr_cm.spatial.r3.CMO)]


@pytest.mark.parametrize("kind", SMALL)
def test_transform_bbox_and_crs_are_those_of_the_coordinates(kind: str) -> None:
    grid = SMALL[kind].grid
    attributes = zarr_conventions.group_attributes(grid)
    a, b, c, d, e, f = attributes["spatial:transform"]

    def at(column: float, row: float) -> tuple[float, float]:
        return a * column + b * row + c, d * column + e * row + f

    rows, columns = attributes["spatial:shape"]
    first, last = at(0.5, 0.5), at(columns - 0.5, rows - 0.5)
    np.testing.assert_allclose(first, (grid.x[0], grid.y[0]))
    np.testing.assert_allclose(last, (grid.x[-1], grid.y[-1]))
    west, south, east, north = attributes["spatial:bbox"]
    np.testing.assert_allclose((west, north), at(0, 0))
    np.testing.assert_allclose((east, south), at(columns, rows))
    code, wkt = attributes["proj:code"], attributes["proj:wkt2"]
    assert pyproj.CRS(code) == pyproj.CRS(wkt)
