"""SMAP of 9 km: the layout of 36 km on finer grids, and the flags that real files have."""

from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest

from soilft.errors import FormatMismatch, GridMismatch
from soilft.grid import Region
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources import SmapL3Ft, SmapL3FtE
from soilft.sources.smap import QUALITY
from soilft.testing import check_reader
from tests.contract import listing
from tests.contract.smap_enhanced import GROUP, cell, name, smap

DAY = date(2016, 1, 15)
SOURCE = SmapL3FtE()
WINDOW = Region("window", "latlon-0.25", (90, 31, 93, 33)).grid
CORNER = tuple(a - 8 for a in cell(90, 33))
SHAPE = (2, 45, 60)


def states() -> np.ndarray:
    """Frozen in the west, thawed in the east; in the evening thawed but for a small spot."""
    codes = np.zeros(SHAPE, "uint8")
    codes[0, :, : cell(91.5, 32)[1] - CORNER[1]] = 1
    row, column = cell(92.2, 32.2)
    codes[1, row - CORNER[0], column - CORNER[1]] = 1
    return codes


def wrong_files(folder: Path) -> dict[str, Path]:
    """One file of each thing that can be wrong."""
    made = {what: smap(folder / what, DAY, (CORNER, states())) for what in ("product", "flipped")}
    with h5py.File(made["product"], "r+") as file:
        file["Metadata/DatasetIdentification"].attrs["shortName"] = np.bytes_("SPL3FTP")
    with h5py.File(made["flipped"], "r+") as file:
        for field in file[GROUP]:
            file[f"{GROUP}/{field}"][:] = file[f"{GROUP}/{field}"][()][:, ::-1]
    made["fill"] = smap(folder / "fill", DAY)
    with h5py.File(made["fill"], "r+") as file:
        file[f"{GROUP}/freeze_thaw"].attrs["_FillValue"] = np.uint8(255)
    made["flags"] = smap(folder / "flags", DAY)
    with h5py.File(made["flags"], "r+") as file:
        flag = file[f"{GROUP}/retrieval_qual_flag"].attrs
        flag["flag_meanings"] = np.bytes_("good better best worse worst")
    return made


@pytest.mark.slow
def test_the_promises_of_a_reader_are_kept(tmp_path: Path) -> None:
    path = smap(tmp_path, DAY, (CORNER, states()))
    assert listing.differences(path, "smap_l3_ft_p_e") == []
    found = check_reader(SOURCE, [path], WINDOW, day=DAY, wrong=wrong_files(tmp_path))
    morning, evening = found["freeze_thaw"]
    np.testing.assert_array_equal(morning[:, WINDOW.x < 91.4], FROZEN)
    np.testing.assert_array_equal(morning[:, WINDOW.x > 91.6], THAWED)
    # A spot of 9 km is no majority of a cell of 25 km.
    np.testing.assert_array_equal(evening, THAWED)
    local = (found["observation_time"] + WINDOW.lonlat[0] / 15) % 24
    np.testing.assert_allclose(local[0], 6, atol=0.05)
    np.testing.assert_allclose(local[1], 18, atol=0.05)


def test_a_cell_of_9_km_is_where_the_transform_says(tmp_path: Path) -> None:
    codes = np.zeros(SHAPE, "uint8")
    row, column = cell(91.3, 31.7)
    codes[0, row - CORNER[0], column - CORNER[1]] = 1
    path = smap(tmp_path, DAY, (CORNER, codes))
    granule = SOURCE.granule(str(path))
    assert granule is not None
    around = SOURCE.grid.window(slice(row - 2, row + 3), slice(column - 2, column + 3))
    with SOURCE.read(path) as dataset:
        found = SOURCE.place(dataset, granule, DAY, around)["freeze_thaw"][0]
    assert (found == FROZEN).sum() == 1
    assert found[2, 2] == FROZEN
    assert abs(around.lonlat[0][2, 2] - 91.3) < 0.05
    assert abs(around.lonlat[1][2, 2] - 31.7) < 0.05


def test_the_polar_grid_of_9_km_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    source = SmapL3FtE("polar")
    alaska = Region("alaska", "ease2-north-25km", (-152, 64, -149, 66)).grid
    x, y = alaska.x[1], alaska.y[1]
    row, column = int((9e6 - y) // 9000), int((x + 9e6) // 9000)
    path = smap(tmp_path, DAY)
    codes = np.full((2, 2000, 2000), 254, "uint8")
    codes[:, row - 40 : row + 40, column - 40 : column + 40] = 0
    codes[0, row - 1 : row + 2, column - 1 : column + 2] = 1
    fields = {
        "freeze_thaw": codes,
        "surface_flag": np.full(codes.shape, 0xF000, "uint16"),
        "retrieval_qual_flag": np.zeros(codes.shape, "uint16"),
    }
    with h5py.File(path, "r+") as file:
        # The listing knows the other group alone; both have the same fields.
        for field, values in fields.items():
            polar = file.create_dataset(GROUP.replace("Global", "Polar") + f"/{field}", data=values)
            polar.attrs.update(file[f"{GROUP}/{field}"].attrs)
    granule = source.granule(str(path))
    assert granule is not None
    with source.read(path) as dataset:
        found = source.place(dataset, granule, DAY, alaska)["freeze_thaw"]
    assert found[0, 1, 1] == FROZEN
    assert (found[0] == FROZEN).sum() == 1
    np.testing.assert_array_equal(found[1], THAWED)


@pytest.mark.parametrize(("bit", "poor"), [(0, False), (1, True), (2, True), (3, True), (4, False)])
def test_the_quality_flags_of_real_files_are_understood(
    tmp_path: Path, bit: int, poor: bool
) -> None:
    path = smap(tmp_path, DAY, (CORNER, states()), quality=np.full(SHAPE, 1 << bit))
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        found = SOURCE.place(dataset, granule, DAY, WINDOW)
    marked = (found["label_quality"] & QUALITY["not_recommended"][0]) > 0
    assert (marked == poor).all()


def test_water_is_no_state_of_the_soil(tmp_path: Path) -> None:
    surface = np.full(SHAPE, 0xF000 | 1)
    path = smap(tmp_path, DAY, (CORNER, states()), surface=surface)
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        found = SOURCE.place(dataset, granule, DAY, WINDOW)
    assert (found["freeze_thaw"] == MISSING).all()


def test_the_two_sizes_of_cells_are_not_taken_for_each_other(tmp_path: Path) -> None:
    coarse = name(DAY).replace("_P_E_", "_P_")
    assert SmapL3Ft().granule(name(DAY)) is None
    assert SOURCE.granule(coarse) is None
    path = smap(tmp_path, DAY)
    with pytest.raises(FormatMismatch, match="SMAP_L3_FT_P_YYYYMMDD"):
        SmapL3Ft().read(path)
    renamed = path.rename(path.with_name(coarse))
    with pytest.raises(FormatMismatch, match="shortName: expected SPL3FTP, found SPL3FTP_E"):
        SmapL3Ft().read(renamed)
    with h5py.File(renamed, "r+") as file:
        del file["Metadata"]
    with pytest.raises(GridMismatch, match=r"cells of 36032\.2 m"):
        SmapL3Ft().read(renamed)
