"""Masks of rasters and voids that nobody declared: missing in terrain and soil, never ground."""

from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from rasterio.enums import ColorInterp

from soilft.errors import FormatMismatch
from soilft.grid import Region
from soilft.ingest.archive import discover
from soilft.sources import Dem, Gmted2010, SoilGrids
from soilft.sources.files import open_granule
from soilft.sources.soilgrids import SLOTS
from tests.contract.dems import gmted
from tests.support.dem import SOURCE, WINDOW, geotiff, netcdf, placed
from tests.support.soilgrids import ONE_CELL, lattice, uniform
from tests.support.soilgrids import archive as soil_archive
from tests.support.soilgrids import placed as soil_placed

FORMS = ["internal", "beside", "alpha", "alpha of bytes"]
# The two western columns of the window have no data.
WEST = np.s_[:, :120]


def height(filler: float) -> np.ndarray:
    z = np.full((360, 360), 200, "int16")
    z[WEST] = filler
    return z


def masked(path: Path, form: str) -> Path:
    """Mask the west of a raster in one of the ways there are."""
    with rasterio.open(path) as opened:
        values, profile = opened.read(1), opened.profile
    mask = np.full(values.shape, 255, "uint8")
    mask[WEST] = 0
    if form.startswith("alpha"):
        dtype = "uint8" if form.endswith("bytes") else "int16"
        profile |= {"count": 2, "dtype": dtype}
        with rasterio.open(path, "w", **profile) as opened:
            opened.colorinterp = (ColorInterp.gray, ColorInterp.alpha)
            opened.write(values.astype(dtype), 1)
            opened.write(mask.astype(dtype), 2)
        return path
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=form == "internal"), rasterio.open(path, "r+") as r:
        r.write_mask(mask)
    assert path.with_name(f"{path.name}.msk").exists() == (form == "beside")
    return path


def assert_west_is_missing(found: dict[str, np.ndarray]) -> None:
    assert np.isnan(found["elevation"][:, :2]).all()
    np.testing.assert_array_equal(found["elevation"][:, 2:], 200)
    # A filler would be a cliff beside the ground.
    for name in ("slope", "elevation_std", "tpi"):
        assert np.isnan(found[name][:, :2]).all()
        np.testing.assert_allclose(found[name][:, 2:], 0, atol=1e-9)


@pytest.mark.parametrize("nodata", [None, 77])
@pytest.mark.parametrize("form", FORMS)
def test_ground_beneath_a_mask_is_missing(tmp_path: Path, form: str, nodata: float | None) -> None:
    path = masked(geotiff(tmp_path / "dem.tif", height(0), nodata=nodata), form)
    assert_west_is_missing(placed(path))


VOIDS = {
    "int16": (-999, -9999, -32767),
    "int32": (-999, -9999, -32767, -99999),
    "float32": (-999, -9999, -32767, -99999, -3.4028234663852886e38),
    "float64": (-999, -9999, -32767, -99999, -3.4028234663852886e38),
}


@pytest.mark.parametrize(
    ("dtype", "void"), [(t, void) for t, voids in VOIDS.items() for void in voids]
)
@pytest.mark.parametrize("nodata", [None, -1])
@pytest.mark.parametrize("where", [WEST, np.s_[::40, ::40]], ids=["west", "scattered"])
def test_a_void_that_is_not_declared_is_refused_by_name(
    tmp_path: Path, dtype: str, void: float, nodata: float | None, where: Any
) -> None:
    z = np.full((360, 360), 200, dtype)
    z[where] = void
    path = geotiff(tmp_path / "dem.tif", z, nodata=nodata)
    with pytest.raises(FormatMismatch, match=r"dem\.tif: .* found -.*Declare the void as nodata"):
        placed(path)


@pytest.mark.parametrize("void", [-32768, -9999, -999])
def test_a_declared_void_scattered_over_ground_leaves_it_as_it_is(
    tmp_path: Path, void: int
) -> None:
    z = np.full((360, 360), 200, "int16")
    z[::7, ::7] = void
    found = placed(geotiff(tmp_path / "dem.tif", z, nodata=None if void == -32768 else void))
    np.testing.assert_array_equal(found["elevation"], 200)
    np.testing.assert_allclose(found["elevation_std"], 0, atol=1e-9)


@pytest.mark.parametrize("depth", [-999, -9999])
def test_a_sea_floor_may_have_the_depth_of_a_filler(tmp_path: Path, depth: int) -> None:
    z = np.broadcast_to(depth + np.arange(360)[:, None] - 180, (360, 360)).astype("int16")
    assert (z == depth).any()
    found = placed(geotiff(tmp_path / "dem.tif", z))["elevation"]
    np.testing.assert_allclose(found[0], z[60:90].mean(), rtol=1e-5)
    np.testing.assert_allclose(found[-1], z[270:300].mean(), rtol=1e-5)


def test_a_void_of_netcdf_is_refused_by_name(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "dem.nc")
    with xr.open_dataset(path, engine="netcdf4") as opened:
        dataset = opened.load()
    dataset["z"] = dataset.z.where(dataset.lon > 88.5, -9999).assign_attrs(units="m")
    dataset.to_netcdf(path, engine="netcdf4")
    with pytest.raises(FormatMismatch, match=r"dem\.nc: .* found -9999\. Declare"):
        placed(path)


@pytest.mark.parametrize("form", FORMS[:3])
def test_a_product_of_land_has_no_ground_beneath_a_mask_either(tmp_path: Path, form: str) -> None:
    def flat(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return 0 * lon + 0 * lat + 200

    path = masked(gmted(tmp_path, 90, 30, flat), form)
    grid = Region("r", "latlon-0.25", (90, 40, 91, 41)).grid
    east = Region("r", "latlon-0.25", (110, 40, 111, 41)).grid
    source: Any = Gmted2010()
    for where, expected in ((grid, np.nan), (east, 200)):
        with source.read(path) as dataset:
            found = source.place([(source.granule(str(path)), dataset)], where)
        np.testing.assert_array_equal(found["elevation"], expected)


def test_three_bands_and_two_of_data_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=9, width=9, count=2, dtype="int16", crs="EPSG:4326",
        transform=Affine(1, 0, 0, 0, -1, 9), photometric="MINISBLACK",
    ) as opened:  # fmt: skip
        opened.write(np.zeros((2, 9, 9), "int16"))
        opened.colorinterp = (ColorInterp.gray, ColorInterp.undefined)
    with pytest.raises(FormatMismatch, match="expected one band, found 2"):
        SOURCE.read(path)


@pytest.mark.parametrize("place", ["beside the link", "where it leads", "on a server"])
def test_a_mask_beside_a_raster_comes_along(tmp_path: Path, place: str) -> None:
    (tmp_path / "disk").mkdir()
    path = masked(geotiff(tmp_path / "disk" / "real.tif", height(0)), "beside")
    url = tmp_path / "dem.tif"
    if place == "on a server":
        memory = fsspec.filesystem("memory")
        for end in ("", ".msk"):
            memory.pipe_file(f"/masks/dem.tif{end}", Path(f"{path}{end}").read_bytes())
        pattern = "memory://masks/*.tif"
    else:
        url.symlink_to(path)
        if place == "beside the link":
            Path(f"{path}.msk").rename(f"{url}.msk")
        pattern = str(url)
    (found,) = discover(Dem(), [pattern])
    with open_granule(Dem(), found.granule) as dataset:
        assert_west_is_missing(Dem().place([(found.granule, dataset)], WINDOW))


def test_another_mask_is_another_input(tmp_path: Path) -> None:
    path = geotiff(tmp_path / "dem.tif", height(0))
    (plain,) = discover(Dem(), [str(tmp_path / "*.tif")])
    Path(f"{path}.msk").write_bytes(b"1")
    (one,) = discover(Dem(), [str(tmp_path / "*.tif")])
    Path(f"{path}.msk").write_bytes(b"22")
    (other,) = discover(Dem(), [str(path)])
    assert len({plain.stamp, one.stamp, other.stamp}) == 3
    assert one.stamp.startswith(plain.stamp)


@pytest.mark.parametrize("void", [-9999, -32767, -1])
@pytest.mark.parametrize("slot", [SLOTS[0], SLOTS[-1]])
def test_soil_below_0_is_a_void(tmp_path: Path, slot: str, void: int) -> None:
    transform, shape = lattice((88.0, 32.0, 89.0, 33.0))
    layers = uniform(shape)
    (tmp_path / "whole").mkdir()
    expected = soil_placed(soil_archive(tmp_path / "whole", layers, transform), ONE_CELL)
    layers[slot][::3, ::3] = void
    found = soil_placed(soil_archive(tmp_path, layers, transform), ONE_CELL)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6)


def test_soil_of_more_than_there_can_be_is_refused_though_its_mean_were_plausible(
    tmp_path: Path,
) -> None:
    transform, shape = lattice((88.0, 32.0, 89.0, 33.0))
    layers = uniform(shape)
    layers["soc_5-15cm_mean"][::9, ::9] = 32767
    paths = soil_archive(tmp_path, layers, transform)
    with pytest.raises(FormatMismatch, match=r"soc_5-15cm_mean\.tif: .*found 3277\. Declare"):
        soil_placed(paths, ONE_CELL)


@pytest.mark.parametrize("form", ["internal", "beside", "alpha"])
def test_soil_beneath_a_mask_is_missing(tmp_path: Path, form: str) -> None:
    transform, shape = lattice((88.0, 32.0, 89.0, 33.0))
    paths = soil_archive(tmp_path, uniform(shape), transform)
    masked_path = next(path for path in paths if "clay_0-5cm" in path.name)
    with rasterio.open(masked_path) as opened:
        assert opened.width > 120
    masked(masked_path, form)
    source = SoilGrids()
    with source.read(masked_path) as dataset:
        values = dataset.clay.values
    assert np.isnan(values[WEST]).all()
    np.testing.assert_allclose(values[:, 120:], 20)
