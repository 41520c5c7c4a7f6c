"""DEMs: GeoTIFF and NetCDF, real ones and small ones written here."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine

from soilft.errors import (
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid, Region
from soilft.sources import Dem

SOURCE = Dem()
WINDOW = Region("window", "latlon-0.25", (88, 32, 90, 34)).grid


def placed(path: Path, grid: Grid, source: Dem = SOURCE) -> dict[str, np.ndarray]:
    with source.read(path) as dataset:
        return source.place(dataset, grid)


@pytest.mark.samples
def test_etopo_elevation_is_the_area_mean_of_its_own_cells(samples: Path) -> None:
    path = samples / "dem" / "etopo20_global_20arcmin.nc"
    # One degree of the file is three by three cells, two to an edge cut in halves.
    grid = Grid("EPSG:4326", 80.0, 36.0, 1.0, 1.0, (4, 6))
    found = placed(path, grid)["elevation"]
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
    found = placed(path, grid)
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
    found = placed(path, grid)
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


def geotiff(
    path: Path, z: np.ndarray, *, crs: str | None = "EPSG:4326", nodata=None, **tags: str
) -> Path:
    transform = Affine(1 / 120, 0, 87.5, 0, -1 / 120, 34.5)
    with rasterio.open(
        path, "w", driver="GTiff", height=z.shape[0], width=z.shape[1], count=1,
        dtype=z.dtype, crs=crs, transform=transform, nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(z, 1)
        raster.update_tags(**tags)
    return path


def test_a_slope_of_known_steepness_keeps_it(tmp_path: Path) -> None:
    # 30 arc-seconds are 926.6 m: a rise of 80 m a row to the north faces south.
    z = np.repeat((80 * np.arange(360)[::-1])[:, None], 360, axis=1).astype("int16")
    found = placed(geotiff(tmp_path / "dem.tif", z), WINDOW)
    np.testing.assert_allclose(found["slope"], np.degrees(np.arctan(80 / 926.6)), rtol=1e-3)
    np.testing.assert_allclose(found["aspect_sin"], 0, atol=1e-6)
    np.testing.assert_allclose(found["aspect_cos"], -1, atol=1e-6)
    # 30 steps of 80 m: standard deviation of a uniform ladder.
    np.testing.assert_allclose(found["elevation_std"], 80 * np.sqrt((30**2 - 1) / 12), rtol=1e-3)


@pytest.mark.parametrize("declared", [None, -9999], ids=["undeclared", "declared"])
def test_voids_are_missing(tmp_path: Path, declared: int | None) -> None:
    z = np.full((360, 360), 4000, "int16")
    void = -32768 if declared is None else declared
    z[60:90, 60:90] = void  # the first cell of the window
    z[60:70, 90:120] = void  # a third of the second
    found = placed(geotiff(tmp_path / "dem.tif", z, nodata=declared), WINDOW)
    assert np.isnan(found["elevation"][0, 0])
    assert found["elevation"][0, 1] == 4000
    assert np.isfinite(found["elevation"]).sum() == WINDOW.shape[0] * WINDOW.shape[1] - 1


def test_a_simulated_dem_says_so(tmp_path: Path) -> None:
    path = geotiff(tmp_path / "dem.tif", np.zeros((360, 360), "int16"), SIMULATED="true")
    with SOURCE.read(path) as dataset:
        assert dataset.attrs["simulated"] == "true"


def netcdf(
    path: Path, *, south_first: bool = True, units: str = "m", lon_from: float = 85.0
) -> Path:
    lat = np.arange(30.025, 36, 0.05)
    lon = np.arange(lon_from + 0.025, lon_from + 8, 0.05)
    lat = lat if south_first else lat[::-1]
    z = (1000 * lat[:, None] + 10 * lon[None]).astype("float32")
    dataset = xr.Dataset({"z": (("lat", "lon"), z, {"units": units})}, {"lat": lat, "lon": lon})
    dataset.to_netcdf(path, engine="netcdf4")
    return path


@pytest.mark.parametrize("south_first", [True, False])
def test_netcdf_of_either_orientation_is_turned_north_up(tmp_path: Path, south_first: bool) -> None:
    found = placed(netcdf(tmp_path / "dem.nc", south_first=south_first), WINDOW)["elevation"]
    lon, lat = WINDOW.lonlat
    np.testing.assert_allclose(found, 1000 * lat + 10 * lon, atol=1.0)


def test_longitudes_beyond_180_are_the_western_ones(tmp_path: Path) -> None:
    grid = Region("west", "latlon-0.25", (-152, 32, -150, 34)).grid
    found = placed(netcdf(tmp_path / "dem.nc", lon_from=206.0), grid)["elevation"]
    lon, lat = grid.lonlat
    np.testing.assert_allclose(found, 1000 * lat + 10 * (lon + 360), atol=1.0)


def test_a_dem_elsewhere_is_refused(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "dem.nc")
    with pytest.raises(GridMismatch, match=r"dem\.nc.*covers some of the region"):
        placed(path, Region("west", "latlon-0.25", (-152, 32, -150, 34)).grid)


def refusal(path: Path, kind: type[InputError], words: str, source: Dem = SOURCE) -> None:
    with pytest.raises(kind, match=words) as error:
        source.read(path)
    assert path.name in str(error.value)
    assert error.value.expected
    assert error.value.found


def test_wrong_units_are_refused(tmp_path: Path) -> None:
    refusal(netcdf(tmp_path / "dem.nc", units="feet"), FormatMismatch, "found 'feet'")


def test_a_missing_variable_is_refused(tmp_path: Path) -> None:
    refusal(netcdf(tmp_path / "dem.nc"), MissingVariable, "expected elev", Dem("elev"))


def test_three_dimensions_and_turned_axes_are_refused(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "dem.nc")
    with xr.open_dataset(path, engine="netcdf4") as opened:
        dataset = opened.load()
    deep, turned = tmp_path / "deep.nc", tmp_path / "turned.nc"
    dataset.expand_dims("level").to_netcdf(deep, engine="netcdf4")
    dataset.transpose("lon", "lat").to_netcdf(turned, engine="netcdf4")
    refusal(deep, FormatMismatch, "two dimensions")
    refusal(turned, FormatMismatch, r"\(latitude, longitude\)")


def test_uneven_axes_are_refused(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "dem.nc")
    with xr.open_dataset(path, engine="netcdf4") as opened:
        gap = opened.isel(lon=[*range(20), *range(30, 60)]).load()
    uneven = tmp_path / "uneven.nc"
    gap.to_netcdf(uneven, engine="netcdf4")
    refusal(uneven, GridMismatch, "evenly spaced")


def test_a_geotiff_without_a_crs_is_refused(tmp_path: Path) -> None:
    path = geotiff(tmp_path / "dem.tif", np.zeros((360, 360), "int16"), crs=None)
    refusal(path, GridMismatch, "a CRS")


@pytest.mark.parametrize("suffix", ["tif", "nc"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    z = np.random.default_rng(0).integers(0, 5000, (360, 360)).astype("int16")
    path = tmp_path / f"dem.{suffix}"
    if suffix == "tif":
        geotiff(path, z)
    else:
        netcdf(path)
    path.write_bytes(path.read_bytes()[: 9000 if suffix == "tif" else 1500])
    refusal(path, UnreadableGranule, "a whole")


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
    source = Dem()
    with source.read(path) as dataset:
        found = source.place(dataset, grid)
    expected = 1000 + 10 * np.floor(grid.y)[:, None] + 5 + np.floor(grid.x) + 0.5
    np.testing.assert_allclose(found["elevation"], expected, rtol=1e-6)
    assert np.isfinite(found["slope"]).all()
