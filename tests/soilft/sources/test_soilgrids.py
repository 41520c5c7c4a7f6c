"""SoilGrids: small layers of the true form, held against every pixel carried over one by one."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from soilft.errors import (
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid, Region
from soilft.sources import soil, soilgrids
from soilft.sources.soilgrids import SLOTS, SoilGrids

SOURCE = SoilGrids()
IGH = "+proj=igh +datum=WGS84 +units=m +no_defs"
# As ISRIC's files name it.
HOMOLOSINE_WKT = (
    'PROJCS["Homolosine",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,'
    '298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
    'PROJECTION["Interrupted_Goode_Homolosine"],UNIT["Meter",1]]'
)
VOID = -32768
PLATEAU = (88.0, 32.0, 89.0, 33.0)
GRIDS = {
    preset: Region("window", preset, PLATEAU).grid for preset in ("latlon-0.25", "ease2-north-25km")
}
ONE_CELL = Region("window", "latlon-0.25", (88.25, 32.5, 88.5, 32.75)).grid
FORWARD = pyproj.Transformer.from_crs("EPSG:4326", IGH, always_xy=True)


def lattice(bounds: tuple[float, float, float, float]) -> tuple[Affine, tuple[int, int]]:
    """Cells of 250 m around bounds in degrees, with a few to spare."""
    west, south, east, north = bounds
    lon, lat = np.meshgrid(np.linspace(west, east, 41), np.linspace(south, north, 41))
    x, y = FORWARD.transform(lon, lat)
    left, top = (np.floor(x.min() / 250) - 8) * 250, (np.ceil(y.max() / 250) + 8) * 250
    shape = (int((top - y.min()) / 250) + 9, int((x.max() - left) / 250) + 9)
    return Affine(250, 0, left, 0, -250, top), shape


def shifted(transform: Affine, columns: float, rows: float) -> Affine:
    a, b, c, d, e, f = transform[:6]
    return Affine(a, b, c + columns * a, d, e, f + rows * e)


def write(
    path: Path,
    values: np.ndarray,
    transform: Affine,
    *,
    crs: str | None = HOMOLOSINE_WKT,
    nodata: float | None = VOID,
    units: str | None = None,
    scale: float = 1.0,
    offset: float = 0.0,
    **profile: Any,
) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1,
        dtype=values.dtype, crs=crs, transform=transform, nodata=nodata, **profile,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
        if units:
            raster.units = (units,)
        if scale != 1 or offset != 0:
            raster.scales, raster.offsets = (scale,), (offset,)
    return path


# Mapped values of the upper and the lower layer.
PLAIN = {
    "sand": (500, 400), "silt": (300, 380), "clay": (200, 220), "bdod": (120, 140), "soc": (310, 90)
}  # fmt: skip


def uniform(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    return {
        f"{code}_{depth}_mean": np.full(shape, value, "int16")
        for code, pair in PLAIN.items()
        for depth, value in zip(("0-5cm", "5-15cm"), pair, strict=True)
    }


def ragged(shape: tuple[int, int], seed: int = 0) -> dict[str, np.ndarray]:
    """Random soil, with nothing beyond a coast, and holes in single layers."""
    rng = np.random.default_rng(seed)
    sand, clay = rng.integers(100, 500, (2, 2, *shape))
    layers = {}
    rows, columns = np.indices(shape)
    sea = columns - 0.3 * rows + 9 * np.sin(rows / 7) > 0.55 * shape[1]
    for i, depth in enumerate(("0-5cm", "5-15cm")):
        parts = {
            "sand": sand[i],
            "clay": clay[i],
            "silt": 1000 - sand[i] - clay[i],
            "bdod": rng.integers(80, 170, shape),
            "soc": rng.integers(10, 900, shape),
        }
        for code, values in parts.items():
            layer = values.astype("int16")
            layer[sea] = VOID
            layers[f"{code}_{depth}_mean"] = layer
    layers["soc_5-15cm_mean"][rng.random(shape) < 0.2] = VOID
    return layers


def archive(
    folder: Path, layers: Mapping[str, np.ndarray], transform: Affine, **profile: Any
) -> list[Path]:
    return [
        write(folder / f"{slot}.tif", values, transform, **profile)
        for slot, values in layers.items()
    ]


def placed(paths: list[Path], grid: Grid) -> dict[str, np.ndarray]:
    with ExitStack() as stack:
        tiles = []
        for path in paths:
            granule = SOURCE.granule(str(path))
            assert granule is not None
            tiles.append((granule, stack.enter_context(SOURCE.read(path))))
        return SOURCE.place(tiles, grid)


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


def test_a_folder_of_tiles_with_its_vrt_reads_as_the_whole(tmp_path: Path) -> None:
    transform, shape = lattice((87.5, 31.5, 89.5, 33.5))
    layers = ragged(shape)
    (tmp_path / "whole").mkdir()
    whole = archive(tmp_path / "whole", layers, transform)
    vrts = [mosaic_vrt(tmp_path, slot, values, transform) for slot, values in layers.items()]
    grid = GRIDS["latlon-0.25"]
    expected, found = placed(whole, grid), placed(vrts, grid)
    for name, values in expected.items():
        assert values.tobytes() == found[name].tobytes()


def mosaic_vrt(
    folder: Path, slot: str, values: np.ndarray, transform: Affine, *, replaced: str = ""
) -> Path:
    """A VRT of two tiles below its folder, as ISRIC's: ``replaced`` stands for one file name."""
    (folder / slot / "tileSG-1").mkdir(parents=True, exist_ok=True)
    half = values.shape[1] // 2
    sources = ""
    for i, (first, last) in enumerate(((0, half), (half, values.shape[1]))):
        name = f"{slot}/tileSG-1/tileSG-1_{i}.tif"
        write(folder / name, values[:, first:last], shifted(transform, first, 0))
        rectangle = f'xSize="{last - first}" ySize="{values.shape[0]}"'
        sources += f"""
    <ComplexSource>
      <SourceFilename relativeToVRT="1">{replaced if i and replaced else name}</SourceFilename>
      <SourceBand>1</SourceBand>
      <SrcRect xOff="0" yOff="0" {rectangle} />
      <DstRect xOff="{first}" yOff="0" {rectangle} />
      <NODATA>{VOID}</NODATA>
    </ComplexSource>"""
    size = f'rasterXSize="{values.shape[1]}" rasterYSize="{values.shape[0]}"'
    numbers = ", ".join(f"{value:.1f}" for value in transform.to_gdal())
    path = folder / f"{slot}.vrt"
    path.write_text(f"""<VRTDataset {size}>
  <SRS>{HOMOLOSINE_WKT}</SRS>
  <GeoTransform>{numbers}</GeoTransform>
  <VRTRasterBand dataType="Int16" band="1">
    <NoDataValue>{VOID}</NoDataValue>{sources}
  </VRTRasterBand>
</VRTDataset>
""")
    return path


def small_vrt(folder: Path, replaced: str = "") -> Path:
    values = np.full((60, 60), 500, "int16")
    return mosaic_vrt(
        folder, SLOTS[0], values, Affine(250, 0, 8e6, 0, -250, 4e6), replaced=replaced
    )


def refusal(path: Path, kind: type[InputError], words: str) -> None:
    with pytest.raises(kind, match=words) as error, SOURCE.read(path):
        pass
    assert path.name in str(error.value)
    assert error.value.expected
    assert error.value.found


@pytest.mark.parametrize(
    "reference",
    [
        "/vsicurl/https://example.org/sand.tif",
        "https://example.org/sand.tif",
        "/etc/passwd",
        "../elsewhere.tif",
        "NETCDF:soil.nc:sand.tif",
        "other.vrt",
        "./ok/../../up.tif",
    ],
)
def test_a_vrt_that_refers_outside_its_folder_is_refused(tmp_path: Path, reference: str) -> None:
    folder = tmp_path / "soil"
    folder.mkdir()
    refusal(small_vrt(folder, reference), FormatMismatch, "relative to the VRT")


def test_a_vrt_tile_that_links_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "soil"
    folder.mkdir()
    outside = write(
        tmp_path / "out.tif", np.zeros((60, 30), "int16"), Affine(250, 0, 8e6, 0, -250, 4e6)
    )
    path = small_vrt(folder, "link.tif")
    (folder / "link.tif").symlink_to(outside)
    refusal(path, FormatMismatch, "relative to the VRT")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('relativeToVRT="1"', 'relativeToVRT="0"', "relative to the VRT"),
        ('<VRTRasterBand dataType="Int16" band="1">',
         '<VRTRasterBand dataType="Int16" band="1" subClass="VRTDerivedRasterBand">', "Derived"),
        ("<NODATA>", "<ScaleRatio>10</ScaleRatio><NODATA>", "ScaleRatio"),
        ("<VRTDataset ", "<!DOCTYPE x [<!ENTITY e 'e'>]><VRTDataset ", "document type"),
        (f"<NoDataValue>{VOID}</NoDataValue>", "", "nodata"),
    ],
)  # fmt: skip
def test_a_vrt_that_does_more_than_place_tiles_is_refused(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = small_vrt(tmp_path)
    path.write_text(path.read_text().replace(old, new))
    refusal(path, FormatMismatch, words)


def test_a_vrt_whose_tile_is_another_vrt_in_disguise_is_refused(tmp_path: Path) -> None:
    path = small_vrt(tmp_path, "disguised.tif")
    (tmp_path / "disguised.tif").write_text("<VRTDataset/>")
    refusal(path, FormatMismatch, "expected a GeoTIFF")


def test_a_vrt_without_its_tiles_says_what_to_do(tmp_path: Path) -> None:
    path = small_vrt(tmp_path)
    alone = tmp_path / "scratch"
    alone.mkdir()
    copy = alone / path.name
    copy.write_bytes(path.read_bytes())
    refusal(copy, UnreadableGranule, "local folder that holds its tiles")


@pytest.mark.parametrize("content", [b"<VRTDataset", b"<html></html>"])
def test_a_damaged_vrt_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / f"{SLOTS[0]}.vrt"
    path.write_bytes(content)
    refusal(path, UnreadableGranule, "a VRT|a whole VRT")


def test_a_geotiff_that_is_a_vrt_is_refused(tmp_path: Path) -> None:
    path = tmp_path / f"{SLOTS[0]}.tif"
    path.write_bytes(small_vrt(tmp_path).read_bytes())
    refusal(path, UnreadableGranule, "a whole GeoTIFF")


def one(folder: Path, slot: str = SLOTS[0], value: int = 500, **options: Any) -> Path:
    dtype = options.pop("dtype", "int16")
    transform = options.pop("transform", Affine(250, 0, 8e6, 0, -250, 4e6))
    values = np.full((60, 80), value, dtype)
    return write(folder / f"{slot}.tif", values, transform, **options)


def test_a_file_without_crs_is_taken_as_the_products(tmp_path: Path) -> None:
    with SOURCE.read(one(tmp_path, crs=None)) as dataset:
        assert dataset.attrs["grid"] == Grid(soilgrids.HOMOLOSINE, 8e6, 4e6, 250, 250, (60, 80))
        assert dataset.sand.attrs["units"] == "%"
        assert float(dataset.sand[3, 4]) == 50.0


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32645", "+proj=igh_o +datum=WGS84"])
def test_another_crs_is_refused(tmp_path: Path, crs: str) -> None:
    refusal(one(tmp_path, crs=crs), GridMismatch, "Interrupted Goode Homolosine")


def test_other_cells_are_refused(tmp_path: Path) -> None:
    path = one(tmp_path, transform=Affine(1000, 0, 8e6, 0, -1000, 4e6))
    refusal(path, GridMismatch, "cells of 250 m")


def test_a_flipped_file_is_refused(tmp_path: Path) -> None:
    path = one(tmp_path, transform=Affine(250, 0, 8e6, 0, 250, 4e6))
    refusal(path, GridMismatch, "north-up")


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int32"])
def test_another_type_is_refused(tmp_path: Path, dtype: str) -> None:
    path = one(tmp_path, value=100, dtype=dtype, nodata=None)
    refusal(path, FormatMismatch, f"expected int16, found {dtype}")


def test_another_nodata_is_refused(tmp_path: Path) -> None:
    refusal(one(tmp_path, nodata=0), FormatMismatch, "expected -32768, found 0")


@pytest.mark.parametrize(("scale", "offset"), [(0.01, 0.0), (1.0, 5.0)])
def test_a_scale_that_contradicts_is_refused(tmp_path: Path, scale: float, offset: float) -> None:
    refusal(one(tmp_path, scale=scale, offset=offset), FormatMismatch, "scale and offset")


def test_a_scale_that_agrees_is_accepted(tmp_path: Path) -> None:
    with SOURCE.read(one(tmp_path, scale=0.1)) as dataset:
        assert float(dataset.sand[0, 0]) == 50.0


def test_units_that_contradict_are_refused_and_others_accepted(tmp_path: Path) -> None:
    refusal(one(tmp_path, units="%"), FormatMismatch, "expected 'g/kg', found '%'")
    with SOURCE.read(one(tmp_path, SLOTS[6], units="cg/cm³")) as dataset:
        assert float(dataset.bulk_density[0, 0]) == 5.0


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 900, (60, 80)).astype("int16")
    path = write(tmp_path / f"{SLOTS[0]}.tif", values, Affine(250, 0, 8e6, 0, -250, 4e6))
    path.write_bytes(path.read_bytes()[:-500])
    refusal(path, UnreadableGranule, "a whole GeoTIFF")


def test_damage_within_a_file_is_refused_when_it_is_read(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    paths = archive(tmp_path, ragged(shape), transform, compress="deflate")
    content = bytearray(paths[0].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    paths[0].write_bytes(content)
    with pytest.raises(UnreadableGranule, match=paths[0].name):
        placed(paths, ONE_CELL)


@pytest.mark.parametrize("slot", ["silt_5-15cm_mean", "soc_0-5cm_mean"])
def test_a_missing_layer_is_named(tmp_path: Path, slot: str) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    layers = uniform(shape)
    del layers[slot]
    with pytest.raises(MissingVariable, match=rf"expected {slot}\.tif, found bdod_0-5cm"):
        placed(archive(tmp_path, layers, transform), ONE_CELL)


@pytest.mark.parametrize(
    ("slot", "factor", "words"),
    [
        ("sand_0-5cm_mean", 0.1, r"sand \+ silt \+ clay of 100 %"),
        ("bdod_0-5cm_mean", 10, "bulk_density of 0.05..2.65"),
        ("soc_5-15cm_mean", 300, "organic_carbon of 0..1000"),
    ],
)
def test_values_in_other_units_are_refused(
    tmp_path: Path, slot: str, factor: float, words: str
) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    layers = uniform(shape)
    layers[slot] = (layers[slot] * factor).astype("int16")
    with pytest.raises(FormatMismatch, match=words) as error:
        placed(archive(tmp_path, layers, transform), ONE_CELL)
    assert "0-5cm_mean.tif" in str(error.value)


def test_layers_on_different_lattices_are_refused(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    layers = uniform(shape)
    paths = archive(tmp_path, layers, transform)
    write(paths[3], layers["silt_5-15cm_mean"], shifted(transform, 0.4, 0))
    with pytest.raises(GridMismatch, match=r"silt_5-15cm_mean\.tif beside bdod_0-5cm_mean\.tif"):
        placed(paths, ONE_CELL)


def test_a_layer_elsewhere_is_refused(tmp_path: Path) -> None:
    transform, shape = lattice((88.2, 32.4, 88.6, 32.8))
    elsewhere = Region("west", "latlon-0.25", (-110.0, 40.0, -109.0, 41.0)).grid
    with pytest.raises(GridMismatch, match="covers some of the region"):
        placed(archive(tmp_path, uniform(shape), transform), elsewhere)


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
