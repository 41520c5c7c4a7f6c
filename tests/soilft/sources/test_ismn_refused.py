"""ISMN archives: damaged files are set aside, and what is no archive of the region is refused."""

import errno
import sys
import zipfile
from pathlib import Path

import pytest

from soilft.errors import (
    ConfigError,
    FormatMismatch,
    GridMismatch,
    MissingVariable,
    UnreadableGranule,
)
from soilft.sources import ismn_archive
from tests.support.ismn import RISING, celsius, folder, only, readings, sensor, zipped

pytest.importorskip("ismn")


def test_a_damaged_file_is_set_aside_and_the_other_stations_go_on(tmp_path: Path) -> None:
    broken = sensor(station="N2")
    name = next(name for name in broken if name.endswith(".stm"))
    for content in (b"", b"\x00\x01\x02", b"one line", broken[name].replace(b" -1.5 ", b" abc ")):
        found = only(zipped(tmp_path, sensor(), {**broken, name: content}))
        assert [s.id for s in found.stations] == ["CTP/N1"]
        assert [(item.granule, item.code) for item in found.set_aside] == [
            (name, "unreadable-granule")
        ]
        assert name in found.set_aside[0].reason
        assert "Traceback" not in found.set_aside[0].reason
        assert "\n" not in found.set_aside[0].reason


def test_a_damaged_member_of_a_zip_is_set_aside(tmp_path: Path) -> None:
    path = zipped(tmp_path, sensor(), sensor(station="N2"))
    with zipfile.ZipFile(path) as archive:
        info = next(i for i in archive.infolist() if "/N2/" in i.filename and "_ts_" in i.filename)
    content = bytearray(path.read_bytes())
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))
    found = only(path)
    assert [s.id for s in found.stations] == ["CTP/N1"]
    assert [item.granule for item in found.set_aside] == [info.filename]


def test_a_member_that_unpacks_to_more_than_a_sensor_measures_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = sensor(station="N2")
    name = next(name for name in large if name.endswith(".stm"))
    most = max(len(content) for content in sensor().values())
    monkeypatch.setattr(ismn_archive, "MAX_SENSOR_BYTES", most)
    found = only(zipped(tmp_path, sensor(), {**large, name: large[name] + b"0" * most}))
    assert [s.id for s in found.stations] == ["CTP/N1"]
    assert [item.granule for item in found.set_aside] == [name]
    assert f"at most {most} bytes when unpacked" in found.set_aside[0].reason


def test_a_disk_that_does_not_answer_sets_no_sensor_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder(tmp_path, sensor())

    def unanswered(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("ismn.filehandlers.DataFile.read_data", unanswered)
    with pytest.raises(OSError, match="Input/output error"):
        only(path)


def test_a_station_goes_on_with_its_sound_sensors(tmp_path: Path) -> None:
    broken = sensor(instrument="B")
    name = next(name for name in broken if name.endswith(".stm"))
    found = only(folder(tmp_path, sensor(instrument="A"), {name: b"nonsense"}))
    assert celsius(found)[0] == [-0.05, -1.25]
    assert [item.granule for item in found.set_aside] == [name]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (sensor(station="N2", lines=readings([v + 273.15 for v in RISING])), "-60..60"),
        (sensor(station="N2", header_depth=(0.2, 0.2)), "0.2-0.2 m"),
        (sensor(station="N2", lat=123.0), "latitude 123"),
    ],
)
def test_a_file_that_contradicts_itself_is_set_aside(
    tmp_path: Path, odd: dict[str, bytes], reason: str
) -> None:
    found = only(folder(tmp_path, sensor(), odd))
    assert [s.id for s in found.stations] == ["CTP/N1"]
    assert [item.code for item in found.set_aside] == ["format-mismatch"]
    assert reason in found.set_aside[0].reason


def test_a_file_without_quality_flags_is_set_aside(tmp_path: Path) -> None:
    bare = sensor(station="N2")
    name = next(name for name in bare if name.endswith(".stm"))
    found = only(folder(tmp_path, sensor(), {name: bare[name].replace(b" G M", b"")}))
    assert [s.id for s in found.stations] == ["CTP/N1"]
    assert [item.granule for item in found.set_aside] == [name]


def test_a_sensor_at_another_place_than_its_station_is_set_aside(tmp_path: Path) -> None:
    path = folder(tmp_path, sensor(instrument="A"), sensor(instrument="B", lon=91.0))
    found = only(path)
    assert [s.lon for s in found.stations] == [90.0]
    assert "longitude 91" in found.set_aside[0].reason


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stations.zip"
    with pytest.raises(UnreadableGranule, match=r"stations\.zip: expected a whole zip.*nothing"):
        only(path)
    path.write_text("not a zip")
    with pytest.raises(UnreadableGranule, match=r"stations\.zip: expected a whole zip.*no whole"):
        only(path)


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, sensor())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UnreadableGranule, match=r"archive\.zip: expected a whole zip file"):
        only(path)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatMismatch, match=r"archive: expected .*NETWORK/STATION.*none \.stm"):
        only(folder(tmp_path, {"a/b.nc": b"x"}))


def test_an_archive_within_a_folder_is_refused_with_what_lies_there(tmp_path: Path) -> None:
    nested = {f"unpacked/{name}": content for name, content in sensor().items()}
    with pytest.raises(FormatMismatch, match=r"1 \.stm files elsewhere, such as unpacked/CTP/N1"):
        only(folder(tmp_path, nested))


def test_an_archive_without_soil_temperature_near_the_surface_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, sensor(variable="sm"), sensor(depth=(0.1, 0.1)))
    with pytest.raises(
        MissingVariable,
        match=r"soil temperature \(ts\) at 0-0\.05 m, found 2 sens.* from 0\.1-0\.1 m down",
    ):
        only(path)


def test_an_archive_of_another_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GridMismatch, match=r"station in the region, found 1 within longitude 10"):
        only(folder(tmp_path, sensor(lon=10.0)))


def test_an_archive_of_damaged_files_only_is_refused(tmp_path: Path) -> None:
    name = next(name for name in sensor() if name.endswith(".stm"))
    with pytest.raises(UnreadableGranule, match=r"archive: expected a readable.*1 damaged files"):
        only(folder(tmp_path, {name: b"nonsense"}))


def test_without_the_package_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ismn.base", None)
    with pytest.raises(ConfigError, match=r"pip install 'soilft\[stations\]'"):
        only(folder(tmp_path, sensor()))
