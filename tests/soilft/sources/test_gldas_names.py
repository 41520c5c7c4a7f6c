"""GLDAS under the names and in the forms that its providers and users give it."""

import shutil
from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from soilft.errors import FormatMismatch
from soilft.grid import Region
from soilft.ingest.archive import discover
from soilft.sources import GldasNoah3h
from soilft.store import objects

FINAL = "GLDAS_NOAH025_3H.A20160101.0300.021.nc4"
EARLY = "GLDAS_NOAH025_3H_EP.A20160101.0300.021.nc4"
CROPPED = "GLDAS_NOAH025_3H.A20150101.0000.021.nc4"
SOIL = "SoilMoi0_10cm_inst"
SOURCE = GldasNoah3h((SOIL,))
DAY = date(2016, 1, 1)
PLATEAU = Region("plateau", "latlon-0.25", (73, 26, 105, 40)).grid
FORMS = [
    FINAL,
    "GLDAS_NOAH025_3H.A20160101.0300.021.nc4.SUB.nc4",
    "GLDAS_NOAH025_3H.A20160101.0300.021_subsetted.nc4",
    "GLDAS_NOAH025_3H.A20160101.0300.021.nc",
    "GLDAS_NOAH025_3H.A20160101.0300.021.nc4.nc",
    "GLDAS_NOAH025_3H.A20160101.0300.021.nc4.nc4",
    "GLDAS_NOAH025_3H.A20160101.0300.021.nc4.dap.nc4",
    "GLDAS_NOAH025_3H.2.1:GLDAS_NOAH025_3H.A20160101.0300.021.nc4.dap.nc4",
    "GLDAS_NOAH025_3H.2.1%3AGLDAS_NOAH025_3H.A20160101.0300.021.dap.nc4",
]


@pytest.mark.parametrize("name", FORMS)
def test_a_granule_is_known_by_every_name_that_it_is_given(name: str) -> None:
    granule = SOURCE.granule(f"/archive/2016/001/{name}")
    assert granule is not None
    assert (granule.days, granule.slot, granule.version) == ((DAY,), "20160101.0300", "021")


@pytest.mark.parametrize("name", [f"{FINAL}.part", f"{FINAL}.xml", f"{FINAL}.dap", f"{FINAL}.md5"])
def test_what_lies_beside_a_granule_is_none(name: str) -> None:
    assert SOURCE.granule(name) is None


def test_the_early_product_gives_way_to_the_final_one_and_stands_in_for_it(tmp_path: Path) -> None:
    pattern = objects.join(str(tmp_path), "*.nc4")
    (tmp_path / EARLY).touch()
    [found] = discover(SOURCE, [pattern])
    assert (found.granule.name, found.granule.version) == (EARLY, "(early) 021")
    (tmp_path / FINAL).touch()
    [found] = discover(SOURCE, [pattern])
    assert [found.granule.name, *(one.granule.name for one in found.older)] == [FINAL, EARLY]


def test_another_version_of_the_early_product_is_refused(tmp_path: Path) -> None:
    path = tmp_path / EARLY.replace(".021.", ".020.")
    path.touch()
    with pytest.raises(FormatMismatch, match="expected 021, found 020"):
        SOURCE.read(path)


def placed(path: Path) -> np.ndarray:
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        found: np.ndarray = SOURCE.place(dataset, granule, granule.days[-1], PLATEAU)[SOIL]
    return found


@pytest.mark.samples
@pytest.mark.parametrize("form", ["decoded", "squeezed", "other epoch", "netcdf 3", "no time"])
def test_a_rewritten_granule_gives_the_same_values(
    samples: Path, tmp_path: Path, form: str
) -> None:
    real = samples / "gldas/cropped" / CROPPED
    path = tmp_path / CROPPED.replace(".nc4", ".nc")
    with xr.open_dataset(real) as dataset:
        cut = dataset[[SOIL]].sel(lat=slice(20, 45), lon=slice(70, 110)).load()
    if form == "squeezed":
        cut = cut.isel(time=0)
        cut.encoding.clear()
    if form == "other epoch":
        cut.time.encoding.clear()
    if form == "no time":
        cut = cut.drop_vars("time")
    cut.to_netcdf(path, format="NETCDF3_CLASSIC" if form == "netcdf 3" else None)
    np.testing.assert_array_equal(placed(path), placed(real))


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (CROPPED.replace("20150101", "20150103"), "2015-01-03 00:00"),
        (CROPPED.replace("20150101", "20141231"), "2014-12-31 00:00"),
        (CROPPED.replace("0000", "0300"), "2015-01-01 03:00"),
        (CROPPED.replace("20150101.0000", "20141231.2100"), "2014-12-31 21:00"),
    ],
)
def test_a_misnamed_granule_is_refused(
    samples: Path, tmp_path: Path, name: str, expected: str
) -> None:
    path = Path(shutil.copy(samples / "gldas/cropped" / CROPPED, tmp_path / name))
    words = f"{name}: time: expected {expected} UTC, as named, found 2015-01-01 00:00"
    with pytest.raises(FormatMismatch, match=words):
        SOURCE.read(path)


@pytest.mark.samples
def test_every_real_granule_is_of_its_name(samples: Path) -> None:
    for path in sorted((samples / "gldas").glob("*.nc4")):
        with SOURCE.read(path) as dataset:
            assert SOIL in dataset
        with h5py.File(path) as file:
            assert file["time"].attrs["begin_time"].decode()[:4] == path.name.split(".")[2]
