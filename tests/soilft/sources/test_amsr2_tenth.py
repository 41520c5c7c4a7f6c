"""AMSR2 of 0.1 degree: the same reader on finer cells, averaged by area."""

from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pytest

from soilft.errors import GridMismatch
from soilft.grid import Region
from soilft.sources import Amsr2L3, Amsr2L3Tenth
from soilft.testing import check_reader
from tests.contract import listing
from tests.contract.amsr2_tenth import amsr2_tenth, corner, name

DAY = date(2016, 1, 1)
SOURCE = Amsr2L3Tenth(("18", "36"))
WINDOW = Region("window", "latlon-0.25", (90, 30, 91, 31)).grid
FIRST = corner(89.5, 31.5)


def ramp() -> np.ndarray:
    """200 K and 1 K a cell of 0.1 degree eastward, 2 K southward, from 89.5 E, 31.5 N."""
    return 200 + np.arange(20)[None, :] + 2.0 * np.arange(20)[:, None]


def wrong_files(folder: Path) -> dict[str, Path]:
    """One file of each thing that can be wrong."""
    kelvin = (FIRST, ramp())
    sensor = amsr2_tenth(folder / "sensor", DAY, kelvin=kelvin, SensorShortName="AMSR-E")
    node = amsr2_tenth(folder / "node", DAY, kelvin=kelvin, OrbitDirection="Ascending")
    day = amsr2_tenth(folder / "day", DAY, GranuleID=name(date(2016, 1, 2), "36", "D")[:-3])
    units = amsr2_tenth(folder / "units", DAY)
    cells = amsr2_tenth(folder / "cells", DAY)
    with h5py.File(units, "r+") as file:
        file["Brightness Temperature (V)"].attrs["UNIT"] = np.bytes_("degC")
    with h5py.File(cells, "r+") as file:
        del file["Brightness Temperature (V)"]
        file["Brightness Temperature (V)"] = np.zeros((720, 1440), "uint16")
    return {"sensor": sensor, "node": node, "day": day, "units": units, "cells": cells}


def test_the_promises_of_a_reader_are_kept(tmp_path: Path) -> None:
    night = amsr2_tenth(tmp_path, DAY, kelvin=(FIRST, ramp()))
    noon = amsr2_tenth(tmp_path, DAY, "18", "A", kelvin=(FIRST, ramp() + 50))
    assert listing.differences(night, "amsr2_l3_tenth") == []
    found = check_reader(SOURCE, [night, noon], WINDOW, day=DAY, wrong=wrong_files(tmp_path))
    tb = found["tb"]
    # Means over 0.25 degree of lines in longitude and in latitude, nearly linear in area.
    x = 200 + (WINDOW.x - 89.5) / 0.1 - 0.5
    expected = x[None] + 2 * ((31.5 - WINDOW.y) / 0.1 - 0.5)[:, None]
    np.testing.assert_allclose(tb[0, 2], expected, atol=0.65)
    np.testing.assert_allclose(tb[0, 2].mean(), expected.mean(), atol=0.02)
    np.testing.assert_allclose(tb[0, 3], tb[0, 2] - 20, atol=1e-3)
    np.testing.assert_allclose(tb[1, 0], tb[0, 2] + 50, atol=1e-3)
    assert np.isnan(tb[1, 2:]).all()
    assert repr(SOURCE.variables) == repr(Amsr2L3(("18", "36")).variables)


def test_a_cell_is_missing_where_less_than_half_of_it_was_seen(tmp_path: Path) -> None:
    field = ramp()
    field[:, 6:] = np.nan  # east of 90.1
    found = SOURCE.read(amsr2_tenth(tmp_path, DAY, kelvin=(FIRST, field)))
    granule = SOURCE.granule(name(DAY, "36", "D"))
    assert granule is not None
    with found:
        tb = SOURCE.place(found, granule, DAY, WINDOW)["tb"][0]
    assert np.isnan(tb).all()
    field = ramp()
    field[:, 7:] = np.nan  # east of 90.2
    (tmp_path / "more").mkdir()
    with SOURCE.read(amsr2_tenth(tmp_path / "more", DAY, kelvin=(FIRST, field))) as dataset:
        tb = SOURCE.place(dataset, granule, DAY, WINDOW)["tb"][0]
    assert np.isfinite(tb[:, 0]).all()
    assert np.isnan(tb[:, 1:]).all()


def test_the_two_sizes_of_cells_are_not_taken_for_each_other(tmp_path: Path) -> None:
    path = amsr2_tenth(tmp_path, DAY)
    with pytest.raises(GridMismatch, match=r"cells of 0\.25 degrees \(letter L"):
        Amsr2L3(("36",)).read(path)
    coarse = path.rename(path.with_name(path.name.replace("HA", "LA")))
    with pytest.raises(GridMismatch, match=r"cells of 0\.1 degrees \(letter H"):
        SOURCE.read(coarse)
