"""DEMs: GeoTIFF and NetCDF, real ones and small ones written here."""

from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pyproj
import pytest
import rasterio
import xarray as xr
from affine import Affine
from rasterio.windows import Window

from soilft.errors import (
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import PRESETS, Grid, Region
from soilft.sources import Dem, dem, raster

SOURCE = Dem()
WINDOW = Region("window", "latlon-0.25", (88, 32, 90, 34)).grid


def placed(*paths: Path, grid: Grid = WINDOW, source: Dem = SOURCE) -> dict[str, np.ndarray]:
    """What is placed of files, opened as a task opens them: all at once."""
    with ExitStack() as stack:
        tiles = []
        for path in paths:
            granule = source.granule(str(path))
            assert granule is not None
            tiles.append((granule, stack.enter_context(source.read(path))))
        return source.place(tiles, grid)


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


THIRTY_SECONDS = Affine(1 / 120, 0, 87.5, 0, -1 / 120, 34.5)


def geotiff(
    path: Path,
    z: np.ndarray,
    *,
    crs: str | None = "EPSG:4326",
    nodata: float | None = None,
    transform: Affine = THIRTY_SECONDS,
    **tags: str,
) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", height=z.shape[0], width=z.shape[1], count=1,
        dtype=z.dtype, crs=crs, transform=transform, nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(z, 1)
        raster.update_tags(**tags)
    return path


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


def netcdf(
    path: Path, *, south_first: bool = True, units: str = "m", lon_from: float = 85.0
) -> Path:
    lat = np.arange(30.025, 36, 0.05)
    lon = np.arange(lon_from + 0.025, lon_from + 8, 0.05)
    lat = lat if south_first else lat[::-1]
    z = (100 * lat[:, None] + 10 * lon[None]).astype("float32")
    dataset = xr.Dataset({"z": (("lat", "lon"), z, {"units": units})}, {"lat": lat, "lon": lon})
    dataset.to_netcdf(path, engine="netcdf4")
    return path


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


def test_a_dem_elsewhere_is_refused(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "dem.nc")
    with pytest.raises(GridMismatch, match=r"dem\.nc.*covers some of the region"):
        placed(path, grid=Region("west", "latlon-0.25", (-152, 32, -150, 34)).grid)


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
    found = placed(path, grid=grid)
    expected = 1000 + 10 * np.floor(grid.y)[:, None] + 5 + np.floor(grid.x) + 0.5
    np.testing.assert_allclose(found["elevation"], expected, rtol=1e-6)
    assert np.isfinite(found["slope"]).all()


def relief(shape: tuple[int, int] = (360, 360), seed: int = 0) -> np.ndarray:
    """Rough land of whole metres with a few voids."""
    rng = np.random.default_rng(seed)
    z = 4000 + 300 * rng.standard_normal(shape).cumsum(axis=1) / 10
    z = np.clip(z, -400, 8800).astype("int16")
    z[rng.random(shape) < 0.01] = -32768
    return z


def piece(folder: Path, name: str, z: np.ndarray, rows: slice, columns: slice) -> Path:
    """A tile cut out of the cells that `THIRTY_SECONDS` begins."""
    a, _, left, _, e, top = THIRTY_SECONDS[:6]
    corner = Affine(a, 0, left + a * columns.start, 0, e, top + e * rows.start)
    return geotiff(folder / name, z[rows, columns], transform=corner)


def same_bytes(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(found) == set(expected) == {v.name for v in SOURCE.variables}
    for name, values in expected.items():
        assert np.isfinite(values).any()
        assert found[name].dtype == np.float32
        assert found[name].tobytes() == values.tobytes(), name


@pytest.mark.samples
@pytest.mark.parametrize("preset", ["latlon-0.25", "ease2-north-25km"])
@pytest.mark.parametrize("names", ["abcd", "dcba"])
def test_a_real_dem_cut_into_four_tiles_gives_the_same_bytes(
    samples: Path, tmp_path: Path, preset: str, names: str
) -> None:
    path = samples / "dem" / "himalaya_srtm30_wgs84.tif"
    # Beyond the file on one side, where cells are missing.
    grid = Region("window", preset, (84, 26, 95, 29)).grid
    windows = [
        Window(column, row, width, height)
        for row, height in ((0, 433), (433, 444))
        for column, width in ((0, 1001), (1001, 874))
    ]
    tiles = []
    with rasterio.open(path) as opened:
        a, _, left, _, e, top = opened.transform[:6]
        for name, window in zip(names, windows, strict=True):
            profile = {
                **opened.profile,
                "height": window.height,
                "width": window.width,
                "transform": Affine(
                    a, 0, left + a * window.col_off, 0, e, top + e * window.row_off
                ),
            }
            profile.pop("blockxsize")
            tiles.append(tmp_path / f"{name}.tif")
            with rasterio.open(tiles[-1], "w", **profile) as tile:
                tile.write(opened.read(1, window=window), 1)
    expected = placed(path, grid=grid)
    same_bytes(placed(*tiles, grid=grid), expected)
    assert np.isnan(expected["elevation"]).any()


@pytest.mark.parametrize("preset", ["latlon-0.25", "ease2-north-25km", "ease2-global-36km"])
def test_blocks_of_any_size_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    grid = Region("window", preset, (88, 32, 90, 34)).grid
    path = geotiff(tmp_path / "dem.tif", relief())
    whole = placed(path, grid=grid)
    for cells in (8000, 20_000, 70_000):
        monkeypatch.setattr(dem, "CELLS_AT_ONCE", cells)
        same_bytes(placed(path, grid=grid), whole)


def test_blocks_of_a_coarse_dem_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Region("window", "ease2-north-25km", (86, 31, 92, 35)).grid
    path = netcdf(tmp_path / "dem.nc")
    whole = placed(path, grid=grid)
    monkeypatch.setattr(dem, "POLYGONS_AT_ONCE", 400)
    same_bytes(placed(path, grid=grid), whole)


def test_order_of_tiles_and_shared_edges_change_nothing(tmp_path: Path) -> None:
    z = relief()
    whole = placed(geotiff(tmp_path / "whole.tif", z))
    # As SRTM's: neighbours share a row or column.
    tiles = [
        piece(tmp_path, f"tile{r}{c}.tif", z, rows, columns)
        for r, rows in enumerate((slice(0, 181), slice(180, 360)))
        for c, columns in enumerate((slice(0, 151), slice(150, 360)))
    ]
    same_bytes(placed(*tiles), whole)
    same_bytes(placed(*reversed(tiles)), whole)


def test_of_overlapping_tiles_the_first_by_name_wins_where_it_is_known(tmp_path: Path) -> None:
    low, high = np.full((360, 360), 100, "int16"), np.full((360, 360), 200, "int16")
    low[60:90, 60:90] = -32768
    a, b = geotiff(tmp_path / "a.tif", low), geotiff(tmp_path / "b.tif", high)
    found = placed(b, a)["elevation"]
    assert found[0, 0] == 200
    assert (found.ravel()[1:] == 100).all()


def test_a_gap_between_tiles_is_missing(tmp_path: Path) -> None:
    z = relief()
    tiles = [
        piece(tmp_path, "a.tif", z, slice(0, 360), slice(0, 120)),
        piece(tmp_path, "b.tif", z, slice(0, 360), slice(150, 360)),
    ]
    found = placed(*tiles)
    whole = placed(geotiff(tmp_path / "whole.tif", z))
    for name, values in found.items():
        assert np.isnan(values[:, 2]).all()
        others = np.delete(values, (1, 2, 3), axis=1)
        np.testing.assert_array_equal(others, np.delete(whole[name], (1, 2, 3), axis=1))


def test_slopes_run_on_across_a_border_of_tiles(tmp_path: Path) -> None:
    # A cliff of 300 m just at the border: seen only with the cells of both tiles.
    z = np.full((360, 360), 1000, "int16")
    z[:, 150:] = 1300
    tiles = [
        piece(tmp_path, "a.tif", z, slice(0, 360), slice(0, 150)),
        piece(tmp_path, "b.tif", z, slice(0, 360), slice(150, 360)),
    ]
    slope = placed(*tiles)["slope"]
    rise = 300 / (2 * 926.6 * np.cos(np.radians(WINDOW.y)))
    # One column of 30 on either side.
    for column in (2, 3):
        np.testing.assert_allclose(slope[:, column], np.degrees(np.arctan(rise)) / 30, rtol=2e-3)
    assert (np.delete(slope, (2, 3), axis=1) == 0).all()


def test_netcdf_tiles_make_one_dem(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "whole.nc")
    with xr.open_dataset(path, engine="netcdf4") as opened:
        dataset = opened.load()
    parts = [tmp_path / "a.nc", tmp_path / "b.nc"]
    dataset.isel(lon=slice(0, 71)).to_netcdf(parts[0], engine="netcdf4")
    dataset.isel(lon=slice(71, None)).to_netcdf(parts[1], engine="netcdf4")
    found, expected = placed(*parts), placed(path)
    for name, values in expected.items():
        # The step of an axis is known to the last digit but one.
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(1 / 120, 0, 87.5 + 0.3 / 120, 0, -1 / 120, 34.5), "EPSG:4326"),
        (Affine(1 / 120, 0, 87.5, 0, -1 / 120, 34.5 - 0.5 / 120), "EPSG:4326"),
        (Affine(1 / 60, 0, 87.5, 0, -1 / 60, 34.5), "EPSG:4326"),
        (Affine(1 / 120, 0, 87.5, 0, -1 / 120, 34.5), "EPSG:4269"),
    ],
    ids=["between columns", "between rows", "other cells", "other datum"],
)
def test_tiles_that_do_not_fit_together_are_refused(
    tmp_path: Path, transform: Affine, crs: str
) -> None:
    a = geotiff(tmp_path / "a.tif", relief())
    b = geotiff(tmp_path / "b.tif", relief(), transform=transform, crs=crs)
    with pytest.raises(GridMismatch, match=r"b\.tif beside a\.tif: expected cells") as error:
        placed(b, a)
    assert error.value.found


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


def test_a_geotiff_is_read_by_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = geotiff(tmp_path / "dem.tif", relief())
    read: list[Window] = []
    take = rasterio.io.DatasetReader.read

    class Counting:
        def __init__(self, raster: rasterio.io.DatasetReader) -> None:
            self._raster = raster

        def __getattr__(self, name: str) -> object:
            return getattr(self._raster, name)

        def read(self, band: int, window: Window) -> np.ndarray:
            read.append(window)
            return take(self._raster, band, window=window)

    opened = raster._open
    monkeypatch.setattr(raster, "_open", lambda *given: Counting(opened(*given)))
    granule = SOURCE.granule(str(path))
    with SOURCE.read(path) as dataset:
        assert not read
        SOURCE.place([(granule, dataset)], WINDOW.window(slice(0, 1), slice(0, 1)))
    assert [(w.height, w.width) for w in read] == [(32, 32)]
    assert (read[0].row_off, read[0].col_off) == (59, 59)


def test_the_declared_memory_does_not_grow_with_the_files() -> None:
    few, many = (SOURCE.peak_bytes([3_000_000] * n, WINDOW) for n in (1, 448))
    assert few == many
    assert few < 700 * 2**20


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"units": ("ft",)}, "expected 'm', found 'ft'"),
        ({"scales": (0.1,)}, "scale 0.1, offset 0"),
        ({"offsets": (100.0,)}, "scale 1, offset 100"),
    ],
)
def test_a_geotiff_in_other_units_is_refused(
    tmp_path: Path, option: dict[str, tuple[object]], words: str
) -> None:
    path = geotiff(tmp_path / "dem.tif", relief())
    with rasterio.open(path, "r+") as opened:
        for name, value in option.items():
            setattr(opened, name, value)
    refusal(path, FormatMismatch, words)


def test_a_flipped_geotiff_is_refused(tmp_path: Path) -> None:
    path = geotiff(
        tmp_path / "dem.tif", relief(), transform=Affine(1 / 120, 0, 87.5, 0, 1 / 120, 31.5)
    )
    refusal(path, GridMismatch, "north-up")


def test_coordinates_in_feet_are_refused(tmp_path: Path) -> None:
    path = geotiff(
        tmp_path / "dem.tif", relief(), crs="EPSG:2263", transform=Affine(99, 0, 9e5, 0, -99, 2e5)
    )
    refusal(path, GridMismatch, "degrees or metres")


def test_a_picture_is_no_dem(tmp_path: Path) -> None:
    path = tmp_path / "hillshade.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=9, width=9, count=3, dtype="uint8", crs="EPSG:4326",
        transform=THIRTY_SECONDS,
    ) as opened:  # fmt: skip
        opened.write(np.zeros((3, 9, 9), "uint8"))
    refusal(path, FormatMismatch, "expected one band, found 3")


def test_blocks_too_large_to_be_read_in_parts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raster, "MAX_BLOCK_BYTES", 1000)
    refusal(geotiff(tmp_path / "dem.tif", relief()), FormatMismatch, "TILED=YES")
    path = tmp_path / "dem.nc"
    with xr.open_dataset(netcdf(path), engine="netcdf4") as opened:
        dataset = opened.load()
    dataset.to_netcdf(path, engine="netcdf4", encoding={"z": {"zlib": True}})
    monkeypatch.setattr(dem, "MAX_CHUNK_BYTES", 1000)
    refusal(path, FormatMismatch, "nccopy")


@pytest.mark.parametrize("value", [29_029, -3.4e38])
def test_heights_that_cannot_be_metres_are_refused(tmp_path: Path, value: float) -> None:
    z = relief().astype("float32")
    z[200, 200] = value
    with pytest.raises(FormatMismatch, match=r"dem\.tif: expected elevations of -12000..9500 m"):
        placed(geotiff(tmp_path / "dem.tif", z))


def test_a_dem_too_fine_for_its_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dem, "CELLS_AT_ONCE", 800)
    with pytest.raises(GridMismatch, match=r"dem\.tif.*found 900 cells for one of the grid"):
        placed(geotiff(tmp_path / "dem.tif", relief()))


def test_every_tile_is_a_granule_of_its_own() -> None:
    granules = [SOURCE.granule(f"s3://dem/{name}") for name in ("N30E090.tif", "N30E091.TIF")]
    assert [g.slot for g in granules if g] == ["N30E090.tif", "N30E091.TIF"]
    assert SOURCE.granule("s3://dem/readme.txt") is None
