"""DEMs in tiles and blocks: however they are cut, the same bytes."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from rasterio.windows import Window

from soilft.errors import GridMismatch
from soilft.grid import Region
from soilft.sources import dem, raster
from tests.support.dem import SOURCE, THIRTY_SECONDS, WINDOW, geotiff, netcdf, placed, relief


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


def test_every_tile_is_a_granule_of_its_own() -> None:
    granules = [SOURCE.granule(f"s3://dem/{name}") for name in ("N30E090.tif", "N30E091.TIF")]
    assert [g.slot for g in granules if g] == ["N30E090.tif", "N30E091.TIF"]
    assert SOURCE.granule("s3://dem/readme.txt") is None
