"""MWRI L1: files of another kind, damaged ones and wrong names are refused by name."""

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
from soilft.sources.mwri import MwriL1
from tests.support.mwri import BT, DAY, GRID, PIXELS, SCANS, SOURCE, granule_of, lats, lons, written


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        (
            {"attributes": {"Satellite Name": "FY-3A"}},
            FormatMismatch,
            "expected FY-3B, found FY-3A",
        ),
        ({"attributes": {"Satellite Name": None}}, FormatMismatch, "expected FY-3B, found none"),
        ({"attributes": {"Sensor Name": "MWHS"}}, FormatMismatch, "expected MWRI, found MWHS"),
        ({"version": "025KM_MS"}, FormatMismatch, "expected 010KM_MS, found 025KM_MS"),
        ({"tb_name": "EV_BT"}, MissingVariable, "expected EARTH_OBSERVE_BT.*found /EV_BT, /Lat"),
        ({"places": ["Latitude"]}, MissingVariable, "expected Longitude, found"),
        (
            {"counts": np.zeros((SCANS, PIXELS, 10), "int16")},
            GridMismatch,
            r"expected \(10, scans, pixels\).*found \(120, 20, 10\), the channel last.*FY-3F and",
        ),
        ({"counts": np.zeros((9, SCANS, PIXELS), "int16")}, GridMismatch, r"found \(9, 120, 20\)"),
        ({"counts": np.zeros((SCANS, PIXELS), "int16")}, GridMismatch, r"found \(120, 20\)"),
        (
            {"lat": np.zeros((SCANS, PIXELS + 1))},
            GridMismatch,
            r"expected \(120, 20\), found \(120, 21\)",
        ),
        ({"lon": lons().T}, GridMismatch, r"expected \(120, 20\), found \(20, 120\)"),
        (
            {"lat": lats("D")},
            FormatMismatch,
            "expected latitude that rises, found 43.8 to 20.0 degrees.*other node",
        ),
        ({"node": "D", "lat": lats("A")}, FormatMismatch, "expected latitude that falls, found"),
    ],
)
def test_files_of_another_kind_are_refused(
    tmp_path: Path, changes: dict[str, Any], kind: type[InputError], words: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(kind, match=words) as error:
        SOURCE.read(path)
    assert path.name in str(error.value)


def test_several_swaths_in_one_file_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, groups=("S1/Data/", "S1/Geolocation/"))
    with h5py.File(path, "a") as file:
        file.copy("S1", "S2")
    with pytest.raises(FormatMismatch, match=f"{path.name}.*expected one {BT}, found /S1.*/S2"):
        SOURCE.read(path)


@pytest.mark.parametrize("keep", [100, 2000, -500])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableGranule, match=r"FY3B_MWRIA.*a whole NetCDF4/HDF5 file"):
        SOURCE.read(path)


def test_no_hdf5_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text("<html>login</html>")
    with pytest.raises(UnreadableGranule, match=r"FY3B_MWRIA.*a whole NetCDF4/HDF5 file"):
        SOURCE.read(path)


def test_damaged_data_are_named_where_they_are_read(tmp_path: Path) -> None:
    path = written(tmp_path)
    with h5py.File(path) as file:
        chunk = file[BT].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = b"\xff" * chunk.size
    path.write_bytes(content)
    with SOURCE.read(path) as dataset, pytest.raises(UnreadableGranule, match="FY3B_MWRIA"):
        SOURCE.place(dataset, granule_of(path), DAY, GRID)


def test_another_resolution_is_a_granule_that_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, version="025KM_MS")
    assert granule_of(path).version == "025KM_MS"


def test_a_name_that_is_not_the_products_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path).rename(tmp_path / "download.HDF")
    with pytest.raises(FormatMismatch, match=r"download\.HDF: expected FY3B/FY3D_MWRIA"):
        SOURCE.read(path)


@pytest.mark.parametrize(
    ("satellites", "words"),
    [
        ((), "some of FY3B, FY3C, FY3D"),
        (("FY3G",), r"some of FY3B.*found \['FY3G'\]"),
        (("FY3B", "FY3C"), "one local time.*found FY3B, FY3C.*averaged"),
    ],
)
def test_satellites_that_do_not_belong_together_are_refused(
    satellites: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        MwriL1(satellites)
