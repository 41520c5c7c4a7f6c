"""Every reader keeps the promises of `soilft.testing`, on files that it did not write."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from soilft.grid import Region
from soilft.schema import FROZEN, MISSING
from soilft.simulate import native_gldas, native_smap, write_static
from soilft.sources import PRODUCTS, EsaCciFlag, GldasNoah3h, SmapL3Ft, SoilGrids
from soilft.testing import check_reader
from tests.contract import amsr2_tenth, cetb, dems, ft_esdr, listing, smap_enhanced, soils
from tests.contract.esa_cci import SHAPE, esa_cci
from tests.contract.fixtures import LATER_DAY, archive
from tests.contract.test_readings import grid, source
from tests.contract.unknowns import SMAP_QUALITY, UNKNOWNS, Unknown

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


@pytest.mark.slow
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


def kelvin(corner: tuple[int, int], shape: tuple[int, int] = (60, 60)) -> Any:
    return corner, np.full(shape, 250.0)


def plane(lon: Any, lat: Any) -> Any:
    return 4000 + 100 * (lon - 90) + 0 * lat


def tiles(write: Callable[..., Path], folder: Path) -> list[Path]:
    return [write(folder, lon, 31, plane) for lon in (90, 91)]


def cetb_day(folder: Path, sensor: str, version: int) -> list[Path]:
    minutes = np.full((60, 60), 600)
    seen = kelvin((85, 1015))
    return [
        cetb.cetb(folder, sensor, LATER_DAY, node=n, version=version, kelvin=seen, minutes=minutes)
        for n in "AD"
    ]


def smap_day(folder: Path) -> list[Path]:
    row, column = smap_enhanced.cell(89.5, 33.5)
    states = ((row, column), np.ones((2, 45, 60), "uint8"))
    return [smap_enhanced.smap(folder, LATER_DAY, states)]


WRITTEN: Mapping[str, Callable[[Path], list[Path]]] = {
    "amsr2-cetb-25km": lambda folder: cetb_day(folder, "AMSR2", 1),
    "amsre-cetb-25km": lambda folder: cetb_day(folder, "AMSRE", 2),
    "amsr2-l3-10km": lambda folder: [
        amsr2_tenth.amsr2_tenth(folder, LATER_DAY, kelvin=kelvin(amsr2_tenth.corner(89, 35)))
    ],
    "china-soil-bnu": lambda folder: soils.layered(folder, "china_soil"),
    "dem-copernicus-glo30": lambda folder: tiles(dems.glo30, folder),
    "dem-copernicus-glo90": lambda folder: tiles(dems.glo90, folder),
    "dem-gmted2010": lambda folder: [dems.gmted(folder, 90, 30, plane)],
    "dem-srtm": lambda folder: tiles(dems.srtm, folder),
    "ft-esdr-25km": lambda folder: [ft_esdr.ft_esdr(folder, LATER_DAY, o) for o in ("AM", "PM")],
    "gsde": lambda folder: soils.layered(folder, "gsde"),
    "hwsd-2.0": lambda folder: list(soils.hwsd(folder)),
    "smap-l3-ft-9km": smap_day,
}
"""Files of a day, or of a static product, written from listings alone."""
OF_THEIR_OWN: Mapping[str, Callable[[Path], None]] = {
    "esa-cci-sm-flag": test_the_flag_of_esa_cci_keeps_its_promises,
    "gldas-noah-025-3h": test_gldas_keeps_its_promises,
    "smap-l3-ft-36km": test_smap_keeps_its_promises,
    "soilgrids-2.0": test_soilgrids_keeps_its_promises,
}


@pytest.mark.slow
@pytest.mark.parametrize("product", WRITTEN)
def test_readers_keep_their_promises_on_files_of_their_listings(
    product: str, tmp_path: Path
) -> None:
    reader = source(product)
    day = None if reader.role == "static" else LATER_DAY
    window = Region("window", "latlon-0.25", (90.25, 31.25, 91.25, 31.75)).grid
    check_reader(reader, WRITTEN[product](tmp_path), window, day=day)


def test_every_product_is_held_against_its_promises_here() -> None:
    held = [*FACTS, *WRITTEN, *OF_THEIR_OWN]
    # Stations are points: their archive has a protocol of its own.
    assert sorted(held) == sorted(p for p, made in PRODUCTS.items() if made.role != "station")
