"""AMSR-E L3 of JAXA: what is its own, beside the layout that it shares with AMSR2."""

import pickle
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from soilft.errors import (
    ConfigError,
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid, Region
from soilft.sources.amsr2 import Amsr2L3
from soilft.sources.amsre import AmsrEL3

DAY = date(2011, 1, 2)
NAME = "{prefix}_20110102_01D_EQM{node}_L3SGT{band}{cells}A{version}.h5"
SOURCE = AmsrEL3(("18",))
WINDOW = Region("window", "latlon-0.25", (90, 30, 92, 31)).grid


def named(**parts: str) -> str:
    """A file name; parts that are not given are those of the product."""
    usual = {"prefix": "P1AME", "node": "D", "band": "18", "cells": "L", "version": "4400400"}
    return NAME.format(**(usual | parts))


def written(folder: Path, counts: np.ndarray | None = None, **changes: Any) -> Path:
    """Write a granule as JAXA lays out AMSR2, of which AMSR-E is said to be the like."""
    path = folder / str(changes.get("name", named()))
    if counts is None:
        counts = np.full((720, 1440), 25000, "uint16")
    with h5py.File(path, "w") as file:
        for attribute, usual in (("PlatformShortName", b"AQUA"), ("SensorShortName", b"AMSR-E")):
            if changes.get(attribute, usual) is not None:
                file.attrs[attribute] = [changes.get(attribute, usual)]
        for polarization in changes.get("polarizations", "HV"):
            field = file.create_dataset(
                f"Brightness Temperature ({polarization})",
                data=counts,
                dtype=changes.get("dtype", "uint16"),
                compression="gzip",
            )
            field.attrs["SCALE FACTOR"] = np.array([changes.get("scale", 0.0099999998)], "float32")
            field.attrs["UNIT"] = changes.get("unit", b"K")
    return path


def placed(path: Path, grid: Grid) -> np.ndarray:
    granule = SOURCE.granule(str(path))
    assert granule is not None
    with SOURCE.read(path) as dataset:
        return SOURCE.place(dataset, granule, DAY, grid)["tb"]


@pytest.mark.parametrize(
    "prefix", ["P1AME", "PM1AME", "AQAME", "AQ1AME", "AQ1AMR", "AQAMSR", "AQAMSRE", "AMSRE"]
)
def test_any_plausible_prefix_is_taken(tmp_path: Path, prefix: str) -> None:
    granule = SOURCE.granule("https://host/2011/01/" + named(prefix=prefix))
    assert granule is not None
    assert (granule.days, granule.slot, granule.version) == ((DAY,), "D18", "4400400")
    found = placed(written(tmp_path, name=named(prefix=prefix)), WINDOW)
    np.testing.assert_allclose(found, 250, rtol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        named(prefix="GW1AM2"),
        named(prefix="GGWAM3"),
        named(band="36"),
        named().replace("_01D_", "_01M_"),
        named().replace("EQM", "PNM"),
        named().replace("20110102", "20110230"),
        "A" + named(prefix="GW1XAME"),
    ],
)
def test_other_names_are_no_granules(name: str) -> None:
    assert SOURCE.granule(name) is None


def test_a_file_of_one_sensor_named_like_the_other_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, SensorShortName=b"AMSR2", PlatformShortName=b"GCOM-W1")
    with pytest.raises(FormatMismatch, match="expected AMSR-E, found AMSR2") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)
    path = written(tmp_path, name=named(prefix="GW1AM2", version="2220220"))
    with pytest.raises(FormatMismatch, match="expected AMSR2, found AMSR-E") as error:
        Amsr2L3(("18",)).read(path)
    assert path.name in str(error.value)


@pytest.mark.parametrize(
    "said",
    [
        {"PlatformShortName": None},
        {"PlatformShortName": b"Aqua"},
        {"PlatformShortName": b"EOS-PM1"},
        {"SensorShortName": b"AMSRE"},
    ],
)
def test_the_sensor_may_be_spelt_in_any_known_way(tmp_path: Path, said: dict[str, Any]) -> None:
    np.testing.assert_allclose(placed(written(tmp_path, **said), WINDOW), 250, rtol=1e-6)


@pytest.mark.parametrize("version", ["4400400", "8800800"])
def test_versions_in_hdf5_are_read(tmp_path: Path, version: str) -> None:
    path = written(tmp_path, name=named(version=version))
    np.testing.assert_allclose(placed(path, WINDOW), 250, rtol=1e-6)


@pytest.mark.parametrize("version", ["3300300", "5500500"])
def test_other_versions_are_granules_but_are_refused(tmp_path: Path, version: str) -> None:
    path = written(tmp_path, name=named(version=version))
    assert SOURCE.granule(str(path)) is not None
    with pytest.raises(FormatMismatch, match="version: expected 4 or 8 as its first") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)
    assert error.value.found == version


@pytest.mark.parametrize(
    ("bounds", "first_column"),
    [((0, 80, 2, 81), 0), ((90, 30, 92, 31), 360), ((-2, 10, 0, 11), 1432)],
)
def test_row_0_is_north_and_column_0_at_greenwich(
    tmp_path: Path, bounds: tuple[float, float, float, float], first_column: int
) -> None:
    counts = 10_000 + 20 * np.arange(1440)[None] + 2 * np.arange(720)[:, None]
    found = placed(
        written(tmp_path, counts.astype("uint16")), Region("window", "latlon-0.25", bounds).grid
    )
    row = round((90 - bounds[3]) * 4)
    expected = counts[row : row + 4, first_column : first_column + 8] * 0.01
    np.testing.assert_allclose(found[0], expected, rtol=1e-6)


def test_signed_numbers_are_read_as_those_of_amsr2_are(tmp_path: Path) -> None:
    counts = np.full((720, 1440), 25000, "int16")
    counts[236, 360:364] = [-32768, -2, -1, 0]
    found = placed(written(tmp_path, counts, dtype="int16"), WINDOW)[1, 0]
    np.testing.assert_allclose(found, [*[np.nan] * 4, 250, 250, 250, 250], rtol=1e-6)


def test_a_file_without_any_observation_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, np.full((720, 1440), 65534, "uint16"))
    granule = SOURCE.granule(str(path))
    assert granule is not None
    part = {"tb": placed(path, WINDOW)}
    found = SOURCE.combine([(granule, part)], DAY, WINDOW)
    assert np.isnan(found["tb"]).all()
    assert np.isnan(found["observation_time"]).all()


def test_a_day_has_the_layout_of_amsr2(tmp_path: Path) -> None:
    source, other = AmsrEL3(("06", "18")), Amsr2L3(("06", "18"))
    assert source.channels == other.channels == ("6.9V", "6.9H", "18.7V", "18.7H")
    assert repr(source.variables) == repr(other.variables)
    assert repr(source.coordinates) == repr(other.coordinates)
    path = written(tmp_path, name=named(node="A", band="06"))
    granule = source.granule(str(path))
    assert granule is not None
    with source.read(path) as dataset:
        part = source.place(dataset, granule, DAY, WINDOW)
    found = source.combine([(granule, part)], DAY, WINDOW)
    assert {name: (array.dtype, array.shape) for name, array in found.items()} == {
        "tb": (np.dtype("float32"), (2, 4, *WINDOW.shape)),
        "observation_time": (np.dtype("float32"), (2, *WINDOW.shape)),
    }
    np.testing.assert_allclose(
        found["tb"][:, :, 0, 0], [[np.nan] * 4, [250, 250, np.nan, np.nan]], rtol=1e-6
    )
    # 13:30 local solar time at 90.125 degrees east; nothing at night.
    np.testing.assert_allclose(found["observation_time"][1, 0, 0], 7.5 - 0.125 / 15, rtol=1e-6)
    assert np.isnan(found["observation_time"][0]).all()


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"SensorShortName": None}, FormatMismatch, "expected AMSR-E, found none"),
        ({"PlatformShortName": b"ADEOS-II"}, FormatMismatch, "Aqua.*found ADEOS-II"),
        ({"scale": 0.1}, FormatMismatch, r"SCALE FACTOR 0\.01.*found uint16 with .* 0\.1 "),
        ({"unit": b"mK"}, FormatMismatch, "UNIT K.*found .* UNIT mK"),
        ({"dtype": "int32"}, FormatMismatch, "expected uint16.*found int32"),
        ({"polarizations": "V"}, MissingVariable, r"expected Brightness Temperature \(H\)"),
        ({"name": named(cells="H")}, GridMismatch, "expected .*letter L.*found letter H"),
    ],
)
def test_files_of_another_kind_are_refused(
    tmp_path: Path, changes: dict[str, Any], kind: type[InputError], words: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(kind, match=words) as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


@pytest.mark.parametrize("shape", [(1800, 3600), (1440, 720)])
def test_other_cells_and_transposed_ones_are_refused(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    path = written(tmp_path, np.full(shape, 25000, "uint16"))
    with pytest.raises(GridMismatch, match=r"expected \(720, 1440\)") as error:
        SOURCE.read(path)
    assert path.name in str(error.value)
    assert error.value.found == str(shape)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UnreadableGranule, match=r"P1AME.*expected a whole .*HDF5 file, found"):
        SOURCE.read(path)


def test_the_second_channel_near_7_ghz_is_not_of_this_sensor() -> None:
    with pytest.raises(ConfigError, match=r"AMSR-E bands: expected some of 06, 10.*found \['07'\]"):
        AmsrEL3(("07", "10"))


def test_a_source_travels_to_workers() -> None:
    assert pickle.loads(pickle.dumps(SOURCE)) == SOURCE
    assert repr(SOURCE) == "AmsrEL3(bands=('18',))"
