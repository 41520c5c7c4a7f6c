"""A region across 180 degrees: one rectangle of cells, and what is said of it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import shapely

from soilft.cube.attributes import geospatial
from soilft.cube.surface import water_share
from soilft.errors import ConfigError
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.grid import PRESETS, Region, inside
from soilft.release import stac
from soilft.report.style import map_frame
from soilft.schema import grid_coordinates
from soilft.simulate import Archive
from soilft.simulate.domain import Domain
from tests.support.cubes import WEEK, template

BOUNDS = (178.0, 62.0, -177.0, 65.0)
ACROSS = Region("across", "latlon-0.25", BOUNDS)
POLAR = Region("across", "ease2-north-25km", BOUNDS)
HALVES = [
    Region("half", "latlon-0.25", (west, 62.0, east, 65.0))
    for west, east in ((178.0, 180.0), (-180.0, -177.0))
]


def side_by_side(of: Callable[[Region], np.ndarray]) -> np.ndarray:
    return np.concatenate([of(half) for half in HALVES], axis=-1)


def test_cells_in_degrees_run_on_past_180() -> None:
    assert ACROSS.grid.shape == (12, 20)
    assert ACROSS.grid.x[[0, 7, 8, 19]].tolist() == [178.125, 179.875, 180.125, 182.875]
    assert ACROSS.mask.all()
    np.testing.assert_array_equal(ACROSS.grid.x % 360, side_by_side(lambda h: h.grid.x) % 360)


def test_bounds_between_cells_are_snapped_outward_and_masked_on_both_sides() -> None:
    region = Region("between", "latlon-1.0", (178.6, 62.0, -177.6, 64.0))
    assert region.grid.x.tolist() == [178.5, 179.5, 180.5, 181.5, 182.5]
    assert region.mask[0].tolist() == [False, True, True, True, False]


def test_the_polar_grid_masks_the_sector_across_180() -> None:
    lon, lat = PRESETS["ease2-north-25km"].lonlat
    within = ((lon >= 178) | (lon <= -177)) & (lat >= 62) & (lat <= 65)
    assert POLAR.mask.sum() == within.sum() > 0
    assert (np.abs(POLAR.grid.lonlat[0][POLAR.mask]) >= 177).all()


@pytest.mark.parametrize("bounds", [(170, 62, -180, 64), (180, 62, -170, 64)])
def test_bounds_that_end_at_180_do_not_cross_it(bounds: tuple[float, float, float, float]) -> None:
    region = Region("beside", "latlon-0.25", bounds)
    assert not region.crosses
    assert np.abs(region.grid.x).max() < 180
    assert region.mask.all()
    assert Region("beside", "ease2-global-25km", bounds).mask.any()


def test_swapped_bounds_are_refused_with_both_readings() -> None:
    with pytest.raises(
        ConfigError, match=r"328 degrees from 105 eastward .*\(73, 26, 105, 40\) has 32 degrees"
    ):
        Region("swapped", "latlon-0.25", (105, 26, 73, 40))
    for west, east in ((180, -180), (180, 179)):
        with pytest.raises(ConfigError, match=r"region\.bounds: .*Are west and east swapped"):
            Region("around", "latlon-0.25", (west, 26, east, 40))
    assert Region("half a turn", "latlon-0.25", (90, 26, -90, 40)).grid.shape == (56, 720)
    assert Region("from 180 on", "latlon-0.25", (180, 26, -170, 40)).grid.shape == (56, 40)


@pytest.mark.parametrize("preset", ["ease2-global-25km", "ease2-global-36km"])
def test_a_grid_that_ends_at_180_is_refused_with_those_that_go_on(preset: str) -> None:
    words = f"one of latlon-0.25, latlon-1.0, ease2-north-25km, .* found {preset}"
    with pytest.raises(ConfigError, match=words):
        Region("across", preset, BOUNDS)


def test_an_outline_cut_at_180_holds_cells_on_both_sides() -> None:
    outline = (
        "MULTIPOLYGON (((179 62, 180 62, 180 65, 179 65, 179 62)), "
        "((-180 62, -179.5 62, -179.5 65, -180 65, -180 62)))"
    )
    region = Region("fjord", "latlon-0.25", BOUNDS, outline)
    assert region.grid.x[region.mask[0]].tolist() == [179.125 + 0.25 * n for n in range(6)]
    assert inside(outline, np.array([-179.75, 180.25, 181.0]), np.full(3, 63.0)).tolist() == [
        True,
        True,
        False,
    ]


def test_blocks_and_lakes_are_those_of_both_halves() -> None:
    np.testing.assert_array_equal(
        spatial_blocks(ACROSS.grid, 2.0), side_by_side(lambda h: spatial_blocks(h.grid, 2.0))
    )
    lakes = "POLYGON ((-179.95 63, -179 63, -179 64, -179.95 64, -179.95 63))"
    wet = water_share(ACROSS.grid, lakes)
    np.testing.assert_array_equal(wet, side_by_side(lambda h: water_share(h.grid, lakes)))
    assert wet.max() == 1


def test_the_axis_says_how_longitudes_are_found() -> None:
    x = next(c for c in grid_coordinates(ACROSS.grid) if c.name == "x")
    assert x.attributes["units"] == "degrees_east"
    assert "modulo 360" in x.attributes["comment"]
    there = x.values[np.argmin(np.abs(x.values - (-179) % 360))]
    assert there == pytest.approx(181, abs=0.125)
    for half in HALVES:
        x = next(c for c in grid_coordinates(half.grid) if c.name == "x")
        assert "comment" not in x.attributes


def test_the_extent_goes_from_west_to_east_across_180() -> None:
    found = geospatial(ACROSS)
    assert (found["geospatial_lon_min"], found["geospatial_lon_max"]) == (178.125, -177.125)
    shape = shapely.from_wkt(found["geospatial_bounds"])
    assert [part.bounds for part in shape.geoms] == [
        (62.0, 178.0, 65.0, 180.0),  # latitude first
        (62.0, -180.0, 65.0, -177.0),
    ]
    polar = geospatial(POLAR)
    # A polar rectangle reaches a little beyond the sector.
    assert 170 < polar["geospatial_lon_min"] < 178.5
    assert -177.5 < polar["geospatial_lon_max"] < -170
    assert shapely.from_wkt(polar["geospatial_bounds"]).geom_type == "Polygon"


@pytest.mark.parametrize("region", [ACROSS, POLAR], ids=["latlon", "polar"])
def test_the_box_of_the_collection_has_west_greater_than_east(region: Region) -> None:
    found = stac.collection(template(region, WEEK), WEEK, "v1.0")
    west, south, east, north = found["extent"]["spatial"]["bbox"][0]
    assert -180 < east < 0 < west < 180
    assert 50 < south < north < 70


def test_maps_of_the_report_have_the_coast_of_both_sides() -> None:
    grid = Region("chukotka", "latlon-1.0", (170, 60, -165, 72)).grid
    frame = map_frame(grid.x, grid.y)
    coast = np.concatenate(frame.coast)
    assert coast[:, 0].min() < 175
    assert coast[:, 0].max() > 190
    assert ((coast[:, 0] >= 170) & (coast[:, 0] <= 195)).all()


def test_the_simulated_domain_runs_on_past_180() -> None:
    day = date(2015, 1, 1)
    west = Archive(Path(), (-180.0, 62.0, -178.0, 64.0), day, day).domain
    assert west.bounds == (180.0, 62.0, 182.0, 64.0)
    domain = Domain(ACROSS.unwound, day, day)
    assert domain.lon[[0, -1]].tolist() == [176.625, 184.375]
    _, column, known = domain.cell(np.array([63.0, 63.0]), np.array([-179.0, 181.0]))
    assert known.all()
    assert column[0] == column[1]
    assert domain.eastward(np.array([-179.0, 179.0, 181.0])).tolist() == [181.0, 179.0, 181.0]
    with pytest.raises(ConfigError, match=r"region\.bounds.*up to 357 degrees on"):
        Archive(Path(), (178.0, 62.0, -177.0, 64.0), day, day)
