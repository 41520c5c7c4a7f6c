"""DEMs: elevation, spread, slope and position, of real files and of small ones."""

from pathlib import Path

import h5py
import numpy as np
import pyproj
import pytest
import rasterio
import xarray as xr
from affine import Affine

from soilft.grid import PRESETS, Grid, Region
from tests.support.dem import SOURCE, WINDOW, geotiff, netcdf, placed


@pytest.mark.samples
def test_etopo_elevation_is_the_area_mean_of_its_own_cells(samples: Path) -> None:
    path = samples / "dem" / "etopo20_global_20arcmin.nc"
    # One degree of the file is three by three cells, two to an edge cut in halves.
    grid = Grid("EPSG:4326", 80.0, 36.0, 1.0, 1.0, (4, 6))
    found = placed(path, grid=grid)["elevation"]
    with h5py.File(path) as file:
        lat, lon, z = file["lat"][:], file["lon"][:], file["z"][:]
    for r in range(4):
        for c in range(6):
            north, west = 36.0 - r, 80.0 + c
            rows = np.clip(
                np.minimum(lat + 1 / 6, north) - np.maximum(lat - 1 / 6, north - 1), 0, None
            )
            columns = np.clip(
                np.minimum(lon + 1 / 6, west + 1) - np.maximum(lon - 1 / 6, west), 0, None
            )
            weight = (rows * np.cos(np.radians(lat)))[:, None] * columns[None]
            expected = (weight * z).sum() / weight.sum()
            assert found[r, c] == pytest.approx(expected, abs=2.0)
    assert found.min() > 1000


@pytest.mark.samples
@pytest.mark.parametrize("preset", ["latlon-0.25", "ease2-north-25km"])
def test_etopo_reaches_alaska_although_its_longitudes_start_at_20_east(
    samples: Path, preset: str
) -> None:
    path = samples / "dem" / "etopo20_global_20arcmin.nc"
    grid = Region("alaska", preset, (-156, 62, -146, 66)).grid
    found = placed(path, grid=grid)
    assert np.isfinite(found["elevation"]).all()
    with h5py.File(path) as file:
        lat, lon, z = file["lat"][:], file["lon"][:], file["z"][:]
    # Denali's cell and its surroundings are the highest of the region.
    row, column = np.unravel_index(found["elevation"].argmax(), grid.shape)
    longitude, latitude = (a[row, column] for a in grid.lonlat)
    assert (longitude, latitude) == (pytest.approx(-151, abs=1), pytest.approx(63, abs=0.6))
    inside = (lat > 62) & (lat < 66)
    columns = (lon > 360 - 156) & (lon < 360 - 146)
    assert found["elevation"].mean() == pytest.approx(z[np.ix_(inside, columns)].mean(), rel=0.2)


@pytest.mark.samples
def test_himalaya_geotiff_gives_its_own_means_and_spread(samples: Path) -> None:
    path = samples / "dem" / "himalaya_srtm30_wgs84.tif"
    grid = Region("window", "latlon-0.25", (84, 27, 87, 29)).grid
    found = placed(path, grid=grid)
    with rasterio.open(path) as raster:
        z, transform = raster.read(1).astype("float64"), raster.transform
    for r, c in ((0, 0), (3, 7), (7, 11)):
        west, north = grid.left + 0.25 * c, grid.top - 0.25 * r
        first = round((west - transform.c) / transform.a)
        top = round((north - transform.f) / transform.e)
        part = z[top : top + 30, first : first + 30]
        assert found["elevation"][r, c] == pytest.approx(part.mean(), abs=20)
        assert found["elevation_std"][r, c] == pytest.approx(part.std(), rel=0.05)
    assert found["slope"].max() < 45
    assert found["slope"].max() > 10
    assert (np.hypot(found["aspect_sin"], found["aspect_cos"]) <= 1 + 1e-6).all()


def test_a_slope_of_known_steepness_keeps_it(tmp_path: Path) -> None:
    # 30 arc-seconds are 926.6 m: a rise of 20 m a row to the north faces south.
    z = np.repeat((20 * np.arange(360)[::-1])[:, None], 360, axis=1).astype("int16")
    found = placed(geotiff(tmp_path / "dem.tif", z))
    np.testing.assert_allclose(found["slope"], np.degrees(np.arctan(20 / 926.6)), rtol=1e-3)
    np.testing.assert_allclose(found["aspect_sin"], 0, atol=1e-6)
    np.testing.assert_allclose(found["aspect_cos"], -1, atol=1e-6)
    # 30 steps of 20 m: standard deviation of a uniform ladder.
    np.testing.assert_allclose(found["elevation_std"], 20 * np.sqrt((30**2 - 1) / 12), rtol=1e-3)


@pytest.mark.parametrize("declared", [None, -9999], ids=["undeclared", "declared"])
def test_voids_are_missing(tmp_path: Path, declared: int | None) -> None:
    z = np.full((360, 360), 4000, "int16")
    void = -32768 if declared is None else declared
    z[60:90, 60:90] = void  # the first cell of the window
    z[60:70, 90:120] = void  # a third of the second
    found = placed(geotiff(tmp_path / "dem.tif", z, nodata=declared))
    assert np.isnan(found["elevation"][0, 0])
    assert found["elevation"][0, 1] == 4000
    assert np.isfinite(found["elevation"]).sum() == WINDOW.shape[0] * WINDOW.shape[1] - 1


def test_a_simulated_dem_says_so(tmp_path: Path) -> None:
    path = geotiff(tmp_path / "dem.tif", np.zeros((360, 360), "int16"), SIMULATED="true")
    with SOURCE.read(path) as dataset:
        assert dataset.attrs["simulated"] == "true"


@pytest.mark.parametrize("south_first", [True, False])
def test_netcdf_of_either_orientation_is_turned_north_up(tmp_path: Path, south_first: bool) -> None:
    found = placed(netcdf(tmp_path / "dem.nc", south_first=south_first))["elevation"]
    lon, lat = WINDOW.lonlat
    np.testing.assert_allclose(found, 100 * lat + 10 * lon, atol=1.0)


def test_longitudes_beyond_180_are_the_western_ones(tmp_path: Path) -> None:
    grid = Region("west", "latlon-0.25", (-152, 32, -150, 34)).grid
    found = placed(netcdf(tmp_path / "dem.nc", lon_from=206.0), grid=grid)["elevation"]
    lon, lat = grid.lonlat
    np.testing.assert_allclose(found, 100 * lat + 10 * (lon + 360), atol=1.0)


def test_region_across_the_seam_of_a_global_file_is_covered_on_both_sides(tmp_path: Path) -> None:
    """A file from 20 to 380 degrees east has its seam in central Africa."""
    lon = 20.5 + np.arange(361.0)  # the first column stands again at the end
    lat = -89.5 + np.arange(180.0)
    height = np.broadcast_to(1000 + 10 * lat[:, None] + (lon % 360), (180, 361))
    path = tmp_path / "global.nc"
    xr.Dataset(
        {"z": (("lat", "lon"), height.astype("float32"), {"units": "m"})},
        {"lat": lat, "lon": lon},
    ).to_netcdf(path, engine="netcdf4")
    grid = Region("seam", "latlon-0.25", (18, -2, 22, 2)).grid
    found = placed(path, grid=grid)
    expected = 1000 + 10 * np.floor(grid.y)[:, None] + 5 + np.floor(grid.x) + 0.5
    np.testing.assert_allclose(found["elevation"], expected, rtol=1e-6)
    assert np.isfinite(found["slope"]).all()


def test_position_is_the_spread_of_ridges_and_furrows(tmp_path: Path) -> None:
    # Every second column 40 m higher: a cell differs by 40 m from six of its eight neighbours.
    z = np.where(np.arange(360) % 2, 1040, 1000) * np.ones((360, 1))
    found = placed(geotiff(tmp_path / "dem.tif", z.astype("int16")))
    np.testing.assert_allclose(found["tpi"], 40 * 6 / 8, rtol=1e-6)
    np.testing.assert_allclose(found["elevation_std"], 20, rtol=1e-6)


def test_level_ground_has_no_spread_at_any_height(tmp_path: Path) -> None:
    found = placed(geotiff(tmp_path / "dem.tif", np.full((360, 360), 5123, "int16")))
    np.testing.assert_allclose(found["elevation_std"], 0, atol=1e-9)
    np.testing.assert_array_equal(found["tpi"], 0)


@pytest.mark.parametrize("whole_circle", [True, False], ids=["global", "regional"])
def test_region_on_both_sides_of_the_antimeridian_is_covered(
    tmp_path: Path, whole_circle: bool
) -> None:
    lon = -180 + 0.05 + 0.1 * np.arange(3600)
    lat = 60.05 + 0.1 * np.arange(100)
    if not whole_circle:  # Pacific longitudes, as a region's file would have them
        lon = 170.05 + 0.1 * np.arange(200)
    z = 100 * lat[:, None] + 10 * np.abs((lon % 360) - 180)
    path = tmp_path / "dem.nc"
    xr.Dataset(
        {"z": (("lat", "lon"), z.astype("float32"), {"units": "m"})}, {"lat": lat, "lon": lon}
    ).to_netcdf(path, engine="netcdf4")
    north = PRESETS["ease2-north-25km"]
    # Beringia: x about 0 is the antimeridian, y towards the top of the grid.
    x, y = pyproj.Transformer.from_crs("EPSG:4326", north.crs, always_xy=True).transform(180, 66)
    row, column = int((north.top - y) / north.height), int((x - north.left) / north.width)
    grid = north.window(slice(row - 4, row + 4), slice(column - 4, column + 4))
    found = placed(path, grid=grid)
    lon, lat = grid.lonlat
    assert (lon > 179).any()
    assert (lon < -179).any()
    expected = 100 * lat + 10 * np.abs(lon % 360 - 180)
    np.testing.assert_allclose(found["elevation"], expected, atol=2.0)
    assert np.isfinite(found["slope"]).all()


def test_a_projected_dem_is_placed_by_its_own_coordinates(tmp_path: Path) -> None:
    to_utm = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32645", always_xy=True)
    left, top = to_utm.transform(87.8, 34.3)
    transform = Affine(500, 0, round(left, -3) - 10_000, 0, -500, round(top, -3))
    shape = (600, 520)
    x = transform.c + 500 * (np.arange(shape[1]) + 0.5)
    y = transform.f - 500 * (np.arange(shape[0]) + 0.5)
    lon, lat = to_utm.transform(*np.meshgrid(x, y), direction="INVERSE")
    z = (1000 + 300 * (lon - 87) + 200 * (lat - 31)).astype("float32")
    path = geotiff(tmp_path / "dem.tif", z, crs="EPSG:32645", transform=transform)
    found = placed(path)
    lon, lat = WINDOW.lonlat
    np.testing.assert_allclose(
        found["elevation"], 1000 + 300 * (lon - 87) + 200 * (lat - 31), atol=1.5
    )
    # 300 m in a degree of longitude, 200 m in one of latitude.
    east, north = 300 / (111_320 * np.cos(np.radians(lat))), 200 / 111_000
    np.testing.assert_allclose(
        found["slope"], np.degrees(np.arctan(np.hypot(east, north))), rtol=0.01
    )


def test_all_void_is_missing(tmp_path: Path) -> None:
    found = placed(geotiff(tmp_path / "dem.tif", np.full((360, 360), -32768, "int16")))
    assert all(np.isnan(values).all() for values in found.values())
