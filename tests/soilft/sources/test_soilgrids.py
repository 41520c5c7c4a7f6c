"""SoilGrids: small layers of the true form, held against every pixel carried over one by one."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from soilft.grid import Grid, Region
from soilft.sources import soil
from soilft.sources.soilgrids import SLOTS
from tests.support.soilgrids import (
    FORWARD,
    GRIDS,
    HOMOLOSINE_WKT,
    IGH,
    ONE_CELL,
    SOURCE,
    VOID,
    archive,
    lattice,
    one,
    placed,
    ragged,
    uniform,
)


def pixel_by_pixel(
    upper: np.ndarray, lower: np.ndarray, transform: Affine, grid: Grid, divisor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean over every target cell and the share of its pixels that are known."""
    rows, columns = np.indices(upper.shape)
    x, y = transform.c + 250 * (columns + 0.5), transform.f - 250 * (rows + 0.5)
    tx, ty = pyproj.Transformer.from_crs(IGH, grid.crs, always_xy=True).transform(x, y)
    cell = (
        np.floor((grid.top - ty) / grid.height).astype(int),
        np.floor((tx - grid.left) / grid.width).astype(int),
    )
    inside = (cell[0] >= 0) & (cell[1] >= 0)
    inside &= (cell[0] < grid.shape[0]) & (cell[1] < grid.shape[1])
    known = inside & (upper != VOID) & (lower != VOID)
    value = (upper.astype(float) * 5 + lower.astype(float) * 5) / 10 / divisor
    total, count, pixels = (np.zeros(grid.shape) for _ in range(3))
    np.add.at(total, (cell[0][known], cell[1][known]), value[known])
    np.add.at(count, (cell[0][known], cell[1][known]), 1)
    np.add.at(pixels, (cell[0][inside], cell[1][inside]), 1)
    return total / np.maximum(count, 1), count / pixels


@pytest.mark.parametrize("preset", GRIDS)
def test_each_cell_is_the_mean_of_its_pixels_up_to_a_coast(tmp_path: Path, preset: str) -> None:
    grid = GRIDS[preset]
    lon, lat = grid.lonlat
    transform, shape = lattice((lon.min() - 0.4, lat.min() - 0.4, lon.max() + 0.4, lat.max() + 0.4))
    layers = ragged(shape)
    found = placed(archive(tmp_path, layers, transform), grid)
    codes = {
        "sand": ("sand", 10), "silt": ("silt", 10), "clay": ("clay", 10),
        "bulk_density": ("bdod", 100), "organic_carbon": ("soc", 10),
    }  # fmt: skip
    assert set(found) == set(codes) == {v.name for v in SOURCE.variables}
    for name, (code, divisor) in codes.items():
        upper, lower = (layers[f"{code}_{depth}_mean"] for depth in ("0-5cm", "5-15cm"))
        expected, share = pixel_by_pixel(upper, lower, transform, grid, divisor)
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(np.isnan(found[name]), share < 0.5)
        assert 0.05 < (share < 0.5).mean() < 0.9
        assert ((share > 0) & (share < 1)).any()
        np.testing.assert_allclose(
            found[name][share >= 0.5], expected[share >= 0.5], rtol=1e-6, err_msg=name
        )


def test_blocks_of_any_size_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = GRIDS["ease2-north-25km"]
    transform, shape = lattice((87, 31, 90, 34))
    paths = archive(tmp_path, ragged(shape), transform, tiled=True, blockxsize=64, blockysize=64)
    whole = placed(paths, grid)
    monkeypatch.setattr(soil, "CELLS_AT_ONCE", 60_000)
    parts = placed(paths, grid)
    for name, values in whole.items():
        assert np.isfinite(values).any()
        assert values.tobytes() == parts[name].tobytes()


def test_units_are_those_declared_and_depths_weigh_alike(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    found = placed(archive(tmp_path, uniform(shape), transform), ONE_CELL)
    expected = {
        "sand": 45.0, "silt": 34.0, "clay": 21.0, "bulk_density": 1.3, "organic_carbon": 20.0
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6)


@pytest.mark.parametrize(
    ("bounds", "preset"),
    [
        ((-41.0, 71.5, -39.0, 72.5), "ease2-north-25km"),
        ((-41.0, 71.5, -39.0, 72.5), "latlon-0.25"),
        ((178.5, 66.0, 180.0, 67.0), "ease2-north-25km"),
        ((-180.0, 66.0, -178.5, 67.0), "latlon-0.25"),
    ],
    ids=["Greenland", "Greenland-latlon", "antimeridian", "antimeridian-latlon"],
)
def test_cuts_of_the_projection_leave_no_gap_and_count_nothing_twice(
    tmp_path: Path, bounds: tuple[float, float, float, float], preset: str
) -> None:
    """Longitude becomes sand: a cell that took pixels of another place would have another mean."""
    grid = Region("cut", preset, bounds).grid
    lon, lat = grid.lonlat[0] % 360, grid.lonlat[1]
    west, east = lon.min() - 1, lon.max() + 1
    top, bottom = (
        np.round(FORWARD.transform(0, edge)[1] / 250) * 250
        for edge in (lat.max() + 0.4, lat.min() - 0.4)
    )
    transform = Affine(250, 0, -20_037_500, 0, -250, top)
    shape = (int((top - bottom) / 250), 160_300)
    back = pyproj.Transformer.from_crs(IGH, "EPSG:4326", always_xy=True)
    with ExitStack() as stack:
        paths = [tmp_path / f"{slot}.tif" for slot in SLOTS]
        files = [
            stack.enter_context(
                rasterio.open(
                    path, "w", driver="GTiff", height=shape[0], width=shape[1], count=1,
                    dtype="int16", crs=HOMOLOSINE_WKT, transform=transform, nodata=VOID,
                    sparse_ok=True, tiled=True,
                )
            )
            for path in paths
        ]  # fmt: skip
        y = top - 250 * (np.arange(shape[0]) + 0.5)
        for first in range(0, shape[1], 2048):
            x = transform.c + 250 * (np.arange(first, min(first + 2048, shape[1])) + 0.5)
            if not near(
                back.transform(*np.meshgrid(x[::50], y[::50]))[0], west - 1, east + 1
            ).any():
                continue
            longitude = back.transform(*np.meshgrid(x, y))[0]
            known = near(longitude, west, east)
            longitude = np.where(known, longitude, 0) % 360
            sand = np.round((longitude - west) / (east - west) * 900)
            mapped = {"sand": sand, "silt": 1000 - sand, "clay": 0, "bdod": 130, "soc": 20}
            for file, slot in zip(files, SLOTS, strict=True):
                values = np.where(known, mapped[slot.split("_")[0]], VOID).astype("int16")
                file.write(values, 1, window=Window(first, 0, len(x), shape[0]))
    found = placed(paths, grid)["sand"]
    assert np.isfinite(found).all()
    # A fifth of a cell: the mean longitude of a cell's pixels is about that of its centre.
    width = 0.25 if preset == "latlon-0.25" else 0.7
    np.testing.assert_allclose(
        found, (lon - west) / (east - west) * 90, atol=width / 5 / (east - west) * 90
    )


def near(longitude: np.ndarray, west: float, east: float) -> np.ndarray:
    """Whether places lie between two meridians, counted from 0 to 360; not, where they are none."""
    turned = np.where(np.isfinite(longitude), longitude, -720.0)
    return (turned > -720) & (turned % 360 > west) & (turned % 360 < east)


def test_native_cells_are_each_given_to_one_target_cell_only() -> None:
    from soilft.geo.regrid import overlap_of_parts
    from soilft.geo.tiles import tiles

    native = Grid(IGH, -20_037_500, 7_800_000, 250.0, 250.0, (4000, 160_300))
    grid = Region("cut", "ease2-north-25km", (-41.0, 71.5, -39.0, 72.5)).grid
    for around, part in tiles(native, grid, 2**21, lambda _: True):
        counts = np.diff(overlap_of_parts(around, part, interrupted=True).matrix.indptr)
        # Cells of 25 km in an equal-area projection hold 100 x 100 of 250 m, to within the
        # difference of a sphere and an ellipsoid.
        np.testing.assert_allclose(counts, 10_000, rtol=0.012)


def test_all_missing_is_missing(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    layers = {slot: np.full(shape, VOID, "int16") for slot in SLOTS}
    for values in placed(archive(tmp_path, layers, transform), ONE_CELL).values():
        assert np.isnan(values).all()


def test_names_tell_the_layer() -> None:
    granule = SOURCE.granule("s3://soil/sand_0-5cm_mean.tif")
    assert granule is not None
    assert (granule.slot, granule.days, granule.version) == ("sand_0-5cm_mean", (), "")
    assert SOURCE.granule("/soil/clay_5-15cm_mean.vrt") is not None
    for other in ("sand_15-30cm_mean.tif", "sand_0-5cm_Q0.5.tif", "phh2o_0-5cm_mean.tif", "x.tif"):
        assert SOURCE.granule(f"/soil/{other}") is None


def test_a_simulated_file_says_so(tmp_path: Path) -> None:
    path = one(tmp_path)
    with rasterio.open(path, "r+") as raster:
        raster.update_tags(SIMULATED="true")
    with SOURCE.read(path) as dataset:
        assert dataset.attrs["simulated"] == "true"


def test_the_declared_memory_does_not_grow_with_the_files() -> None:
    assert SOURCE.peak_bytes([10] * 10, ONE_CELL) == SOURCE.peak_bytes([5 * 10**9] * 10, ONE_CELL)
    assert SOURCE.peak_bytes([], ONE_CELL) < 400 * 2**20
