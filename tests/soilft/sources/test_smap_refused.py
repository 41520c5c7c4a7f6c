"""SMAP L3 freeze/thaw: other variables, codes, releases and damaged files are refused by name."""

from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from soilft.errors import FormatMismatch, InputError, MissingVariable, UnreadableGranule
from tests.support.smap import GLOBAL, NAME, SOURCE, arrays, one_place, placed, written

DAY = date(2016, 1, 15)


@pytest.mark.parametrize("name", ["freeze_thaw", "surface_flag", "retrieval_qual_flag"])
def test_a_missing_variable_is_named(tmp_path: Path, name: str) -> None:
    fields = arrays()
    del fields[name]
    with pytest.raises(MissingVariable, match=f"expected {name}, found .*latitude") as error:
        SOURCE.read(written(tmp_path, fields))
    assert NAME in str(error.value)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("freeze_thaw", "int16"), ("surface_flag", "uint32"), ("retrieval_qual_flag", "float32")],
)
def test_another_type_is_refused(tmp_path: Path, name: str, dtype: str) -> None:
    fields = arrays()
    fields[name] = fields[name].astype(dtype)
    attributes: dict[str, dict[str, Any]] = {name: {}}
    with pytest.raises(FormatMismatch, match=f"{name}: expected uint.*found {dtype}") as error:
        SOURCE.read(written(tmp_path, fields, attributes))
    assert NAME in str(error.value)


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"_FillValue": np.uint8(0)}, "no meanings, fill 0"),
        ({"flag_meanings": "frozen thawed"}, "frozen thawed, fill 254"),
    ],
)
def test_other_codes_are_refused(tmp_path: Path, attributes: dict[str, Any], found: str) -> None:
    path = written(tmp_path, arrays(), {"freeze_thaw": attributes})
    with pytest.raises(FormatMismatch, match=f"0 thawed, 1 frozen, fill 254, found {found}"):
        SOURCE.read(path)


def test_an_older_release_is_a_granule_that_is_refused(tmp_path: Path) -> None:
    name = "SMAP_L3_FT_P_20160115_R13080_001.h5"
    granule = SOURCE.granule(name)
    assert granule is not None
    assert granule.days == (DAY,)
    path = written(tmp_path, arrays(), name=name)
    with pytest.raises(FormatMismatch, match="R16000 or later, found R13080") as error:
        SOURCE.read(path)
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ({"CompositeReleaseID": "R13080"}, "CompositeReleaseID: expected R19240, found R13080"),
        ({"shortName": "SPL3SMP"}, "shortName: expected SPL3FTP, found SPL3SMP"),
    ],
)
def test_a_renamed_file_gives_itself_away(
    tmp_path: Path, identity: dict[str, str], words: str
) -> None:
    with pytest.raises(FormatMismatch, match=words):
        SOURCE.read(written(tmp_path, arrays(), identity=identity))


def test_a_file_that_says_the_same_as_its_name_is_read(tmp_path: Path) -> None:
    identity = {"CompositeReleaseID": "R19240", "shortName": "SPL3FTP"}
    with SOURCE.read(written(tmp_path, arrays(), identity=identity)) as dataset:
        assert set(dataset.data_vars) == {"freeze_thaw", "surface_flag", "retrieval_qual_flag"}


# The period that a file states, of NAME's day, 2016-01-15, and of others.
PERIODS = [
    ("2016-01-15T00:00:00.000Z", "2016-01-15T23:59:59.999Z", True),
    ("2016-01-14T17:26:40.123Z", "2016-01-16T01:01:00.000Z", True),
    ("2016-01-15T00:00:00", "2016-01-16T00:00:00", True),
    ("2016-01-14T00:00:00.000Z", "2016-01-15T00:00:00.000Z", False),
    ("2016-01-16T00:00:00.000Z", "2016-01-16T23:59:59.999Z", False),
    ("some day", "2016-01-15T23:59:59.999Z", False),
]


@pytest.mark.parametrize(("begin", "end", "fits"), PERIODS)
def test_the_period_of_a_file_is_held_against_its_name(
    tmp_path: Path, begin: str, end: str, fits: bool
) -> None:
    path = written(tmp_path, arrays())
    with h5py.File(path, "r+") as file:
        extent = file.require_group("Metadata/Extent")
        extent.attrs["rangeBeginningDateTime"] = np.bytes_(begin)
        extent.attrs["rangeEndingDateTime"] = np.bytes_(end)
    if fits:
        with SOURCE.read(path) as dataset:
            assert "freeze_thaw" in dataset
        return
    with pytest.raises(FormatMismatch, match=f"rangeBeginningDateTime: expected .*{begin}"):
        SOURCE.read(path)


@pytest.mark.parametrize("keep", [200, -1000])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = written(tmp_path, arrays())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableGranule) as error:
        SOURCE.read(path)
    assert isinstance(error.value, InputError)
    assert NAME in str(error.value)


def test_damaged_data_are_refused_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / NAME
    written(tmp_path, one_place(91, 31.5, 0, 1, 0))
    with h5py.File(path) as file:
        chunk = file[f"{GLOBAL}/freeze_thaw"].id
        places = [chunk.get_chunk_info(i) for i in range(chunk.get_num_chunks())]
    content = bytearray(path.read_bytes())
    for place in places:
        content[place.byte_offset : place.byte_offset + place.size] = b"\xff" * place.size
    path.write_bytes(content)
    with pytest.raises(UnreadableGranule) as error:
        placed(path)
    assert NAME in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "SMAP_L3_FT_P_E_20160115_R19240_001.h5",
        "SMAP_L3_SM_P_20160115_R19240_001.h5",
        "SMAP_L3_FT_P_20160230_R19240_001.h5",
        "SMAP_L3_FT_P_20160115_R19240_001.h5.iso.xml",
        "SMAP_L3_FT_P_20160115_R19240_001.qa",
    ],
)
def test_other_names_are_not_granules(name: str) -> None:
    assert SOURCE.granule(name) is None


def test_the_newest_release_and_counter_compare_as_newest() -> None:
    names = ["R16010_002", "R19240_001", "R19240_002"]
    granules = [SOURCE.granule(f"s3://a/SMAP_L3_FT_P_20160115_{name}.h5") for name in names]
    assert [granule.version for granule in granules if granule] == names
    assert len({(granule.days, granule.slot) for granule in granules if granule}) == 1
    assert names == sorted(names)
