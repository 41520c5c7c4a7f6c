"""Files that a pattern matches and a product does not know are counted and named."""

import json
import os
from pathlib import Path

import pytest

from soilft.errors import NoGranules
from soilft.ingest.archive import search
from soilft.sources import Amsr2L3
from tests.soilft.ingest.test_granules import Numbers


def test_a_file_that_is_passed_over_is_counted_and_named(archive: Path) -> None:
    (archive / "readme.txt").unlink()
    (archive / "number_20150102_A_subset.json").write_text(json.dumps(1.0))
    (archive / "number_20150104_B_v10.json").write_text(json.dumps(1.0))
    found = search(Numbers(), [f"{archive}/*"])
    assert found.unknown == ("number_20150102_A_subset.json", "number_20150104_B_v10.json")
    (said,) = found.cautions
    assert said == (
        "2 of 5 files not recognised, such as number_20150102_A_subset.json: expected names such "
        "as number_20150101_A_v10.json"
    )


def test_what_the_settings_leave_out_is_no_stranger(tmp_path: Path) -> None:
    for band in ("06", "36", "77"):
        (tmp_path / f"GW1AM2_20140930_01D_EQMA_L3SGT{band}LA2220220.h5").touch()
    found = search(Amsr2L3(bands=("36",)), [f"{tmp_path}/*"])
    assert found.left_out == ("GW1AM2_20140930_01D_EQMA_L3SGT06LA2220220.h5",)
    assert found.unknown == ("GW1AM2_20140930_01D_EQMA_L3SGT77LA2220220.h5",)
    assert "1 of 3 files are of what the input leaves out, such as GW1AM2" in found.cautions[1]


def test_versions_that_others_displace_are_counted_and_named(archive: Path) -> None:
    (archive / "readme.txt").unlink()
    for version in ("v09", "v11"):
        (archive / f"number_20150101_A_{version}.json").write_text(json.dumps(5.0))
    (said,) = search(Numbers(), [f"{archive}/*"]).cautions
    assert said == (
        "2 of 5 files are not read, for others are of the same day and slot, such as "
        "number_20150101_A_v10.json for number_20150101_A_v11.json"
    )
    (archive / "again").mkdir()
    (archive / "again/number_20150103_A_v10.json").write_text(json.dumps(5.0))
    (said,) = search(Numbers(), [f"{archive}/*03*", f"{archive}/again/*"]).cautions
    # Of two files of one name the place is said.
    assert said.endswith(
        f"such as {archive}/again/number_20150103_A_v10.json for "
        f"{archive}/number_20150103_A_v10.json"
    )


def test_what_one_pattern_passes_over_another_may_take(archive: Path) -> None:
    found = search(Numbers(), [f"{archive}/*", f"{archive}/*.json"])
    assert found.unknown == ("readme.txt",)
    assert search(Numbers(), [f"{archive}/*.json"]).cautions == []


@pytest.mark.parametrize(
    "name",
    [
        "number_20150101_A_v10.json.aux.xml",
        "number_20150101_A_v10.json.md5",
        "number_20150101_A_v10.xml",
        "SIMULATED.txt",
    ],
)
def test_a_companion_of_a_granule_is_no_file_passed_over(archive: Path, name: str) -> None:
    (archive / "readme.txt").unlink()
    (archive / name).touch()
    assert search(Numbers(), [f"{archive}/*"]).cautions == []


@pytest.mark.parametrize("name", ["number_20150101_A_v10.json.bz2", "number_20150101_A_v10.nc"])
def test_a_packed_or_another_granule_is_no_companion(archive: Path, name: str) -> None:
    (archive / "readme.txt").unlink()
    (archive / name).touch()
    assert search(Numbers(), [f"{archive}/*"]).unknown == (name,)


def test_a_folder_that_may_not_be_listed_is_named_and_hides_no_other(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive / "readme.txt").unlink()
    (archive / "lost+found").mkdir()
    whole = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: "lost+found" not in str(path) and whole(path, mode)
    )
    found = search(Numbers(), [f"{archive.parent}/**/*.json"])
    assert len(found.found) == 3
    assert found.unknown == ("lost+found",)


def test_where_none_is_known_one_is_named(archive: Path) -> None:
    with pytest.raises(NoGranules, match=r"1 files, none named like one, such as readme\.txt"):
        search(Numbers(), [f"{archive}/*.txt"])
