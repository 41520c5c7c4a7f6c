"""A run across 180 degrees, from the simulated ground to the release."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.support.command import soilft
from tests.support.small_run import region_file

pytestmark = pytest.mark.slow

BOUNDS = [179.25, 64.0, -179.25, 65.5]
X = [179.375, 179.625, 179.875, 180.125, 180.375, 180.625]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("across")
    path = region_file(
        folder,
        folder / "none",
        region={"name": "across", "grid": "latlon-0.25", "bounds": BOUNDS},
        period={"start": date(2015, 10, 1), "end": date(2015, 10, 12)},
        simulation={"seed": 3, "direct": True},
        inputs={
            "amsr2": {"product": "amsr2-l3-25km", "bands": ["18", "36"]},
            "gldas": {"product": "gldas-noah-025-3h"},
            "terrain": {"product": "dem"},
            "smos": {"product": "smos-l3-ft"},
        },
    )
    soilft("run", path, "--quiet")
    return folder / "store"


def test_inputs_hold_values_on_both_sides(store: Path) -> None:
    for name, variable in (
        ("amsr2", "tb"),
        ("gldas", "AvgSurfT_inst_mean"),
        ("smos", "freeze_thaw"),
        ("static", "elevation"),
    ):
        found = xr.open_zarr(store / "inputs" / f"{name}.zarr")
        assert found.x.values.tolist() == X
        for side in (slice(None, 180), slice(180, None)):
            assert float(found[variable].sel(x=side).notnull().mean()) > 0.5, (name, side)


def test_the_release_is_one_rectangle_that_runs_on_past_180(store: Path) -> None:
    release = store / "releases" / "v1.0"
    cube = xr.open_zarr(release / "cube.zarr")
    assert cube.x.values.tolist() == X
    assert cube.attrs["geospatial_lon_min"] == X[0]
    assert cube.attrs["geospatial_lon_max"] == X[-1] - 360
    west_of_it = cube.freeze_thaw_state.sel(x=-179.9 % 360, method="nearest")
    assert float(west_of_it.x) == 180.125
    for column in np.moveaxis(cube.freeze_thaw_state.values, -1, 0):
        assert np.isfinite(column).any()
    said = json.loads((release / "collection.json").read_text())
    assert said["extent"]["spatial"]["bbox"] == [[179.375, 64.125, -179.375, 65.375]]
    assert said["cube:dimensions"]["x"]["extent"] == [X[0], X[-1]]
