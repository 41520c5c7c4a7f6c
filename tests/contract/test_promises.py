"""Every reader keeps the promises of `soilft.testing`, on files that it did not write."""

from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest

from soilft.schema import FROZEN, MISSING
from soilft.simulate import native_gldas, native_smap, write_static
from soilft.sources import PRODUCTS, EsaCciFlag, GldasNoah3h, SmapL3Ft, SoilGrids
from soilft.testing import check_reader
from tests.contract import listing
from tests.contract.esa_cci import SHAPE, esa_cci
from tests.contract.fixtures import LATER_DAY, SMAP_QUALITY, UNKNOWNS, Unknown, archive
from tests.contract.test_readings import grid, source

# Of each product the fact that its whole file shows best; the grid lies around the archive.
FACTS = {
    "amsre-l3-25km": "type of the counts",
    "amsr2-l3-25km": "type of the counts",
    "amsre-nsidc-0302-25km": "packed or plain",
    "fy3-mwri-l1": "time of the scans of FY-3B",
    "smos-l3-ft": "codes of the classes of version 3",
    "dem": "type and void",
}


@pytest.mark.parametrize("product", FACTS)
def test_readers_keep_their_promises(product: str, tmp_path: Path) -> None:
    [unknown] = [u for u in UNKNOWNS if (u.product, u.fact) == (product, FACTS[product])]
    check(unknown, tmp_path)


def check(unknown: Unknown, folder: Path) -> None:
    """Hold a reader against one file of either reading and of none."""
    reader = source(unknown.product, **unknown.options)
    wrong = {unknown.fact: unknown.neither(folder / "neither")}
    for place, write in enumerate((unknown.one, unknown.other)):
        path = write(folder / str(place))
        granule = reader.granule(str(path))
        assert granule is not None
        day = granule.days[0] if reader.role != "static" else None
        check_reader(reader, [path], grid(), day=day, wrong=wrong)


def test_smap_keeps_its_promises(tmp_path: Path) -> None:
    day = date(2015, 10, 30)  # it passes over the archive
    layout = native_smap.Layout(quality_meanings=SMAP_QUALITY)
    right, other = (
        native_smap.write(archive(tmp_path / name, day), day, layout=layout)[0]
        for name in ("right", "other")
    )
    with h5py.File(other, "r+") as file:
        file["Metadata/DatasetIdentification"].attrs["shortName"] = np.bytes_("SPL3FTA")
    check_reader(SmapL3Ft(), [right], grid(), day=day, wrong={"product": other})


def test_gldas_keeps_its_promises(tmp_path: Path) -> None:
    names = ("Tair_f_inst", "SWdown_f_tavg")
    paths = native_gldas.write(archive(tmp_path, LATER_DAY), LATER_DAY, names=names)
    mine = [p for p in paths if f"A{LATER_DAY:%Y%m%d}" in p.name]
    found = check_reader(GldasNoah3h(names, min_granules=7), mine, grid(), day=LATER_DAY)
    assert np.isfinite(found["Tair_f_inst_mean"]).any()


def test_soilgrids_keeps_its_promises(tmp_path: Path) -> None:
    write_static(archive(tmp_path, LATER_DAY))
    found = check_reader(SoilGrids(), sorted((tmp_path / "soilgrids").glob("*.tif")), grid())
    assert np.isfinite(found["sand"]).any()


def test_the_flag_of_esa_cci_keeps_its_promises(tmp_path: Path) -> None:
    day = date(2016, 1, 15)
    flag = np.ones(SHAPE)
    flag[:, : SHAPE[1] // 2 + 4 * 92] = 127
    path = esa_cci(tmp_path, day, flag)
    assert listing.differences(path, "esa_cci_flag") == []
    moved = esa_cci(tmp_path / "moved", day, flag)
    with h5py.File(moved, "r+") as file:
        file["lat"][:] = file["lat"][()][::-1]
    found = check_reader(
        EsaCciFlag(), [path], grid(), day=day, stored={"flag": flag}, wrong={"flipped": moved}
    )["freeze_thaw"][0]
    assert (found[:, grid().x < 92] == MISSING).all()
    assert (found[:, grid().x > 92] == FROZEN).all()


@pytest.mark.samples
def test_a_real_granule_of_esa_cci_is_as_listed_and_keeps_the_promises(samples: Path) -> None:
    [path] = (samples / "esa_cci_sm").glob("*.nc")
    assert listing.differences(path, "esa_cci_flag") == []
    check_reader(EsaCciFlag(), [path], grid(), day=date(2016, 1, 1))


def test_no_product_is_without_a_listing_and_a_test_of_its_promises() -> None:
    here = Path(__file__).parents[1]
    texts = [p.read_text() for p in here.rglob("test_*.py")]
    checked = "\n".join(text for text in texts if "check_reader(" in text)
    for product, made in PRODUCTS.items():
        if made.role != "station":
            assert made.__name__ in checked or product in checked, product
