"""Bits of the surface: where the inputs say snow, water or steep relief, and nowhere else."""

import json
import pickle
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft.cube.surface import Lakes, Surface, water_share
from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.grid import Region
from soilft.predictors.features import QUALITY
from soilft.predictors.window import Inputs
from soilft.schema import masked

WHOLE = DaySpan(date(2016, 1, 1), date(2016, 1, 6))
GRID = Region("r", "latlon-1.0", (90, 30, 93, 32)).grid
# A lake over the western half of the first cell and a tenth of the one east of it.
LAKE = {
    "type": "MultiPolygon",
    "coordinates": [
        [[[90, 31], [90.5, 31], [90.5, 32], [90, 32], [90, 31]]],
        [[[91, 31], [91.1, 31], [91.1, 32], [91, 32], [91, 31]]],
    ],
}
SNOW, WATER, RELIEF = (QUALITY[name] for name in ("snow", "open_water", "steep_relief"))


@pytest.fixture
def inputs() -> Inputs:
    snow = np.zeros((len(WHOLE), *GRID.shape), "float32")
    snow[2, 0, 0], snow[3, 0, 0], snow[3, 1, 1], snow[4] = 9.99, 10, 80, np.nan
    relief = np.array([[10, 299, 300], [np.nan, 800, 0]], "float32")
    return Inputs(
        GRID,
        WHOLE,
        reanalysis=xr.Dataset({"SWE_inst_mean": (("time", "y", "x"), snow)}),
        static=xr.Dataset({"elevation_std": (("y", "x"), relief)}),
    )


@pytest.fixture
def lakes(tmp_path: Path) -> Lakes:
    path = tmp_path / "lakes.geojson"
    path.write_text(json.dumps(LAKE))
    return Lakes.of(str(path))


def test_each_bit_is_set_from_its_limit_on_and_on_no_other_day_or_cell(
    inputs: Inputs, lakes: Lakes
) -> None:
    found = Surface(lakes=lakes, water_share=0.2).flags(inputs, WHOLE)
    ever = np.zeros(GRID.shape, "uint16")
    ever[0, 2] = ever[1, 1] = RELIEF
    ever[0, 0] |= WATER
    expected = np.broadcast_to(ever, found.shape).copy()
    expected[3, 0, 0] |= SNOW
    expected[3, 1, 1] |= SNOW
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == "uint16"


def test_the_flags_of_some_days_are_those_of_the_whole(inputs: Inputs, lakes: Lakes) -> None:
    surface = Surface(lakes=lakes)
    parts = [surface.flags(inputs, span) for span in WHOLE.chunks(4)]
    assert np.concatenate(parts).tobytes() == surface.flags(inputs, WHOLE).tobytes()


def test_a_limit_that_is_lower_flags_more(inputs: Inputs, lakes: Lakes) -> None:
    few = Surface(lakes=lakes, water_share=0.2).flags(inputs, WHOLE)
    many = Surface(5.0, 200.0, 0.1, lakes).flags(inputs, WHOLE)
    for bit in (SNOW, WATER, RELIEF):
        assert ((many & bit) > 0).sum() > ((few & bit) > 0).sum()
    assert (many & few == few).all()


def test_without_an_input_its_bit_is_never_set(inputs: Inputs) -> None:
    bare = replace(inputs, reanalysis=None, static=None)
    assert not Surface().flags(bare, WHOLE).any()
    dry = replace(inputs, reanalysis=xr.Dataset(), static=xr.Dataset())
    assert not Surface().flags(dry, WHOLE).any()


def test_shares_of_water_follow_the_polygons_on_a_projected_grid_too() -> None:
    grid = Region("n", "ease2-north-25km", (88, 33, 92, 35)).grid
    lon, lat = grid.lonlat
    east = "POLYGON ((90.1 20, 120 20, 120 50, 90.1 50, 90.1 20))"
    share = water_share(grid, east)
    clear = np.abs(lon - 90.1) > 0.3
    np.testing.assert_array_equal(share[clear], (lon > 90.1)[clear])
    assert ((share > 0) & (share < 1)).any()
    # The cell's area is shared out: what is wet of it is dry of the other half.
    west = water_share(grid, east.replace("120", "60"))
    np.testing.assert_allclose(share + west, 1, atol=1e-6)
    assert lat.shape == share.shape


def test_lakes_travel_as_a_name_and_other_polygons_are_refused(lakes: Lakes) -> None:
    assert len(pickle.dumps(Surface(lakes=lakes))) < 500
    assert "POLYGON" in lakes.polygons()
    Path(lakes.url).write_text(json.dumps({**LAKE, "coordinates": LAKE["coordinates"][:1]}))
    with pytest.raises(ConfigError, match=r"quality\.lakes .*held when the run began"):
        lakes.polygons()
    Path(lakes.url).unlink()
    with pytest.raises(ConfigError, match=r"quality\.lakes .*expected a GeoJSON file"):
        lakes.polygons()


def test_seven_bits_are_a_byte_and_more_are_two() -> None:
    assert masked("few", ("y",), "few", {"a": 1, "b": 64}).dtype == "uint8"
    many = masked("many", ("y",), "many", {"a": 1, "b": 512})
    assert (many.dtype, many.fill, many.cf_attributes["_FillValue"]) == ("uint16", 65535, 65535)
