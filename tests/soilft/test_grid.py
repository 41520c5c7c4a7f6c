"""Where cells are, held against the numbers of the products' own descriptions."""

import json
import pickle

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.errors import ConfigError
from soilft.grid import PRESETS, Grid, Region
from soilft.rows import RowSpan

EARTH_AREA = 510_065_621_724_000.0  # m2, WGS 84


def test_quarter_degree_grid_starts_at_the_north_west_corner() -> None:
    grid = PRESETS["latlon-0.25"]
    assert grid.shape == (720, 1440)
    assert (grid.x[0], grid.x[-1], grid.y[0], grid.y[-1]) == (-179.875, 179.875, 89.875, -89.875)
    assert grid.geographic


def test_one_degree_grid_holds_whole_quarter_degree_cells() -> None:
    grid, fine = PRESETS["latlon-1.0"], PRESETS["latlon-0.25"]
    assert (grid.crs, grid.shape) == ("EPSG:4326", (180, 360))
    assert (grid.x[0], grid.x[-1], grid.y[0], grid.y[-1]) == (-179.5, 179.5, 89.5, -89.5)
    np.testing.assert_allclose(fine.x.reshape(360, 4).mean(axis=1), grid.x)
    np.testing.assert_allclose(fine.y.reshape(180, 4).mean(axis=1), grid.y)


def test_cetb_rows_are_rows_of_the_25_km_global_grid() -> None:
    # CETB files hold the rows between about 67 degrees north and south of the same grid.
    grid = PRESETS["ease2-global-25km"]
    assert grid.crs == "EPSG:6933"
    assert grid.width == grid.height == 25025.26
    assert grid.x[0] == pytest.approx(-17355017.81, abs=0.01)
    rows = np.flatnonzero(np.abs(grid.y - 6744307.57) < 0.01)
    assert rows.tolist() == [22]
    assert grid.shape[0] - 2 * 22 == 540
    assert grid.shape[1] == 1388
    assert -grid.y[-1 - 22] == pytest.approx(6744307.57, abs=0.01)


def test_36_km_global_grid_has_the_transform_of_smap() -> None:
    grid = PRESETS["ease2-global-36km"]
    assert grid.shape == (406, 964)
    assert grid.affine.to_gdal() == (
        -17367530.4451615,
        36032.22084058,
        0.0,
        7314540.8306386,
        0.0,
        -36032.22084058,
    )


def test_25_km_north_grid_has_the_transform_of_smos() -> None:
    grid = PRESETS["ease2-north-25km"]
    assert (grid.crs, grid.shape) == ("EPSG:6931", (720, 720))
    assert grid.affine == Affine(25000.0, 0, -9000000.0, 0, -25000.0, 9000000.0)
    lon, lat = grid.lonlat
    # Row 0 is the side of the 180 degree meridian; Greenwich points down.
    assert lat[359, 359] == pytest.approx(89.8417, abs=1e-3)
    assert abs(lon[0, 360]) > 179.8
    assert abs(lon[719, 360]) < 0.2


@pytest.mark.parametrize("preset", list(PRESETS))
def test_north_is_up(preset: str) -> None:
    grid = PRESETS[preset]
    assert (np.diff(grid.y) < 0).all()
    assert (np.diff(grid.x) > 0).all()
    assert grid.affine.e < 0


@pytest.mark.parametrize("preset", ["ease2-global-25km", "ease2-global-36km"])
def test_equal_area_presets_cover_the_earth(preset: str) -> None:
    grid = PRESETS[preset]
    covered = grid.width * grid.height * grid.shape[0] * grid.shape[1]
    assert covered == pytest.approx(EARTH_AREA, rel=5e-3)


def test_centres_come_back_through_the_projection() -> None:
    grid = PRESETS["ease2-north-25km"].window(slice(200, 260), slice(400, 480))
    lon, lat = grid.lonlat
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6931", always_xy=True).transform(lon, lat)
    np.testing.assert_allclose(x, np.broadcast_to(grid.x, grid.shape), atol=1e-3)
    np.testing.assert_allclose(y, np.broadcast_to(grid.y[:, None], grid.shape), atol=1e-3)


def test_window_leaves_cells_where_they_are() -> None:
    whole = PRESETS["ease2-global-25km"]
    part = whole.window(slice(100, 120), slice(700, 710))
    np.testing.assert_allclose(part.x, whole.x[700:710])
    np.testing.assert_allclose(part.y, whole.y[100:120])


@pytest.mark.parametrize("preset", ["latlon-0.25", "ease2-north-25km"])
def test_every_third_cell_stays_where_it_is(preset: str) -> None:
    grid = PRESETS[preset].window(slice(100, 150), slice(200, 231))
    few = grid.window(slice(1, None, 3), slice(2, 20, 3))
    assert few.shape == (17, 6)
    np.testing.assert_allclose(few.x, grid.x[2:20:3], rtol=1e-12)
    np.testing.assert_allclose(few.y, grid.y[1::3], rtol=1e-12)
    assert few.width == 3 * grid.width


def test_region_snaps_outward_to_whole_cells() -> None:
    grid = Region("between", "latlon-0.25", (73.1, 26.1, 104.9, 39.9)).grid
    assert (grid.left, grid.top, grid.shape) == (73.0, 40.0, (56, 128))


def test_region_on_cell_edges_takes_no_neighbour() -> None:
    region = Region("plateau", "latlon-0.25", (73, 26, 105, 40))
    assert (region.grid.left, region.grid.top, region.grid.shape) == (73.0, 40.0, (56, 128))
    assert region.mask.all()


@pytest.mark.parametrize("preset", list(PRESETS))
@pytest.mark.parametrize(
    "bounds", [(73, 26, 105, 40), (-168, 58, -141, 71), (-180, 50, 180, 90), (100, 60, 180, 75)]
)
def test_region_holds_every_cell_of_the_preset_with_its_centre_in_the_bounds(
    preset: str, bounds: tuple[float, float, float, float]
) -> None:
    region = Region("any", preset, bounds)
    lon, lat = PRESETS[preset].lonlat
    west, south, east, north = bounds
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    assert region.mask.sum() == inside.sum()
    assert region.mask.any(axis=1).sum() == inside.any(axis=1).sum()


def test_mask_of_alaska_on_the_north_grid_follows_meridians_and_parallels() -> None:
    region = Region("alaska", "ease2-north-25km", (-168, 58, -141, 71))
    lon, lat = region.grid.lonlat
    inside = (lon >= -168) & (lon <= -141) & (lat >= 58) & (lat <= 71)
    np.testing.assert_array_equal(region.mask, inside)
    # Area between the parallels on the sphere of equal area, in cells of 625 km2.
    cells = 6371.0072**2 * np.radians(27) * (np.sin(np.radians(71)) - np.sin(np.radians(58))) / 625
    assert region.mask.sum() == pytest.approx(cells, rel=0.01)
    # The bounding rectangle of a sector is larger than the sector.
    assert region.mask.mean() < 0.65


@pytest.mark.parametrize("preset", ["ease2-north-25km", "ease2-global-36km"])
@pytest.mark.parametrize(
    "bounds", [(73, 26, 105, 40), (-168, 58, -141, 71), (-180, 80, 180, 90), (100, 60, 180, 75)]
)
def test_overlapping_window_holds_every_corner_of_the_other_grid(
    preset: str, bounds: tuple[float, float, float, float]
) -> None:
    grid = Region("any", preset, bounds).grid
    source = PRESETS["latlon-0.25"]
    rows, columns = source.overlapping(grid)
    window = source.window(rows, columns)
    edge_x = grid.left + grid.width * np.arange(grid.shape[1] + 1)
    edge_y = grid.top - grid.height * np.arange(grid.shape[0] + 1)
    x, y = np.meshgrid(edge_x, edge_y)
    lon, lat = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    slack = 1e-6
    shown = np.isfinite(lon) & np.isfinite(lat)
    assert lat[shown].max() <= window.top + slack
    assert lat[shown].min() >= window.top - window.height * window.shape[0] - slack
    assert lon[shown].min() >= window.left - slack
    assert lon[shown].max() <= window.left + window.width * window.shape[1] + slack


def test_window_around_the_antimeridian_holds_both_of_its_sides() -> None:
    grid = Region("pole", "ease2-north-25km", (-180, 86, 180, 90)).grid
    rows, columns = PRESETS["latlon-0.25"].overlapping(grid)
    assert columns == slice(0, 1440)
    assert rows.start == 0


def test_margin_stops_at_the_rim_of_the_grid() -> None:
    grid = PRESETS["latlon-0.25"]
    corner = grid.window(slice(0, 4), slice(0, 4))
    assert grid.overlapping(corner, margin=3) == (slice(0, 7), slice(0, 7))


def test_grids_apart_are_refused() -> None:
    plateau = Region("plateau", "latlon-0.25", (73, 26, 105, 40)).grid
    alaska = Region("alaska", "latlon-0.25", (-168, 58, -141, 71)).grid
    with pytest.raises(ValueError, match="outside the grid"):
        plateau.overlapping(alaska)


def test_pickled_grid_carries_no_cached_coordinates() -> None:
    grid = Grid("EPSG:6933", -17367530.44, 7e6, 25025.26, 25025.26, (500, 1388))
    before = len(pickle.dumps(grid))
    assert grid.lonlat[0].shape == grid.shape
    assert len(grid.x) == 1388
    after = pickle.dumps(grid)
    assert len(after) == before < 1000
    assert pickle.loads(after) == grid


def test_pickled_region_carries_no_cached_mask() -> None:
    region = Region("alaska", "ease2-north-25km", (-168, 58, -141, 71))
    mask = region.mask
    content = pickle.dumps(region)
    assert len(content) < 1000
    np.testing.assert_array_equal(pickle.loads(content).mask, mask)


def test_grid_mapping_gives_the_crs_and_transform_back() -> None:
    grid = PRESETS["ease2-north-25km"]
    mapping = grid.cf_grid_mapping
    assert mapping["grid_mapping_name"] == "lambert_azimuthal_equal_area"
    assert pyproj.CRS.from_wkt(mapping["crs_wkt"]) == pyproj.CRS.from_epsg(6931)
    assert mapping["GeoTransform"] == "-9000000 25000 0 9000000 0 -25000"


@given(
    west=st.floats(-180, 179),
    width=st.floats(0.5, 40),
    south=st.floats(-85, 80),
    height=st.floats(0.5, 9),
)
@settings(max_examples=60, deadline=None)
def test_any_bounds_lie_within_their_region(
    west: float, width: float, south: float, height: float
) -> None:
    east, north = min(west + width, 180.0), south + height
    grid = Region("any", "latlon-0.25", (west, south, east, north)).grid
    slack = 1e-6
    assert grid.left <= west + slack
    assert grid.left + grid.width > west - slack
    assert grid.left + grid.width * grid.shape[1] >= east - slack
    assert grid.top >= north - slack
    assert grid.top - grid.height < north + slack
    assert grid.top - grid.height * grid.shape[0] <= south + slack


def test_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"latlon-0\.25.*found 'utm-45'"):
        Region("plateau", "utm-45", (73, 26, 105, 40))


@pytest.mark.parametrize(
    "bounds", [(105, 26, 73, 40), (73, 40, 105, 26), (-190, 0, 10, 10), (170, 50, 190, 60)]
)
def test_bounds_that_are_no_rectangle_are_refused(
    bounds: tuple[float, float, float, float],
) -> None:
    with pytest.raises(ConfigError, match=r"region\.bounds.*antimeridian"):
        Region("any", "latlon-0.25", bounds)


def test_bounds_beyond_the_preset_are_refused() -> None:
    with pytest.raises(ConfigError, match="an overlap with the grid ease2-global-25km"):
        _ = Region("pole", "ease2-global-25km", (0, 87, 10, 89)).grid


@pytest.mark.parametrize(("width", "height"), [(-1.0, 1.0), (1.0, 0.0)])
def test_south_up_and_empty_cells_are_refused(width: float, height: float) -> None:
    with pytest.raises(ValueError, match="north is up"):
        Grid("EPSG:4326", 0.0, 0.0, width, height, (2, 2))


def test_grid_without_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one cell"):
        Grid("EPSG:4326", 0.0, 0.0, 1.0, 1.0, (0, 2))


def test_bands_of_rows_are_cut_by_height_or_by_number_and_are_written_as_tuples() -> None:
    whole = RowSpan(2, 9)
    assert whole.every(3) == [(2, 5), (5, 8), (8, 9)]
    assert whole.cut(3) == [(2, 4), (4, 7), (7, 9)]
    assert [band.height for band in whole.cut(20)] == [1] * 7
    assert (whole.slice, str(whole)) == (slice(2, 9), "2..8")
    assert json.dumps(whole) == "[2, 9]"
