"""DEMs: other units, axes and references, and damaged files, are refused by name."""

from pathlib import Path

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
from soilft.grid import Region
from soilft.sources import Dem, dem, raster
from tests.support.dem import SOURCE, THIRTY_SECONDS, geotiff, netcdf, placed, relief


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
