"""ISMN archives: what stations measured, from both layouts, zipped and unpacked."""

from pathlib import Path

import numpy as np
import pytest

from soilft.errors import FormatMismatch, MissingVariable
from soilft.grid import Region
from soilft.sources.ismn_stations import IsmnArchive
from soilft.store import zarr as store
from tests.support.ismn import DAYS, RISING, SOURCE, celsius, folder, only, readings, sensor, zipped

pytest.importorskip("ismn")


@pytest.mark.parametrize("pack", [folder, zipped])
@pytest.mark.parametrize("layout", ["header", "ceop"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_both_layouts_and_all_line_ends_give_the_same_temperatures(
    tmp_path: Path, pack: type, layout: str, newline: str
) -> None:
    found = only(pack(tmp_path, sensor(layout=layout, newline=newline)))
    # At 90 degrees east the overpasses were at 19:30 (AM) and 07:30 UTC (PM).
    assert celsius(found) == [[-0.05, -1.25], [2.35, 1.15]]
    assert found.values["freeze_thaw"][:, :, 0].tolist() == [[1, 1], [0, 0]]
    assert found.values["soil_temperature"].dtype == np.float32
    assert found.values["freeze_thaw"].dtype == np.uint8
    assert found.values["elevation"].tolist() == [4600.0]
    assert [s.id for s in found.stations] == ["CTP/N1"]
    assert found.set_aside == ()


def test_an_overpass_before_midnight_is_interpolated_into_the_next_day(tmp_path: Path) -> None:
    # At 30 degrees east 01:30 local is 23:30 UTC; the last one lies between the two days.
    grid = Region("east", "latlon-0.25", (29, 60, 31, 62)).grid
    path = folder(tmp_path, sensor(lon=30.0, lat=61.0))
    found = SOURCE.to_overpasses(path, DAYS, grid, {"AM": 1.5})
    assert celsius(found) == [[0.35], [2.75]]


def test_the_reading_after_the_last_day_is_used_when_there_is_one(tmp_path: Path) -> None:
    grid = Region("east", "latlon-0.25", (29, 60, 31, 62)).grid
    path = folder(tmp_path, sensor(lon=30.0, lat=61.0, lines=readings(RISING[:48])))
    found = SOURCE.to_overpasses(path, DAYS, grid, {"AM": 1.5})
    assert celsius(found)[0] == [0.35]
    assert np.isnan(found.values["soil_temperature"][1, 0, 0])
    assert found.values["freeze_thaw"][1, 0, 0] == 255


@pytest.mark.parametrize("layout", ["header", "ceop"])
@pytest.mark.parametrize("flag", ["M", "C01", "D01,D03", "U"])
def test_readings_that_are_not_flagged_good_are_missing(
    tmp_path: Path, layout: str, flag: str
) -> None:
    lines = [
        (time, 30.0 if 5 <= hour <= 9 else value, flag if 5 <= hour <= 9 else "G")
        for hour, (time, value, _) in enumerate(readings(RISING))
    ]
    found = only(folder(tmp_path, sensor(layout=layout, lines=lines)))
    assert found.values["freeze_thaw"][:, :, 0].tolist() == [[1, 255], [0, 0]]
    assert np.isnan(found.values["soil_temperature"][0, 1, 0])


def test_a_gap_of_three_hours_is_bridged_and_a_longer_one_is_not(tmp_path: Path) -> None:
    lines = [
        line
        for hour, line in enumerate(readings(RISING))
        if hour not in (7, 8) and hour not in (19, 20, 21)
    ]
    found = only(folder(tmp_path, sensor(lines=lines)))
    assert celsius(found)[0][1] == -1.25
    assert np.isnan(found.values["soil_temperature"][0, 0, 0])


def test_values_that_cannot_be_are_missing_even_where_flagged_good(tmp_path: Path) -> None:
    values = [-9999.0 if 5 <= hour <= 9 else v for hour, v in enumerate(RISING)]
    found = only(folder(tmp_path, sensor(lines=readings(values))))
    assert found.values["freeze_thaw"][:, :, 0].tolist() == [[1, 255], [0, 0]]


def test_sensors_within_the_depth_are_averaged_and_deeper_ones_left_out(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        sensor(depth=(0.0, 0.05), instrument="A", lines=readings([1.0] * 49)),
        sensor(depth=(0.05, 0.05), instrument="B", lines=readings([2.0] * 49)),
        sensor(depth=(0.05, 0.1), lines=readings([50.0] * 49)),
        sensor(depth=(0.1, 0.1), lines=readings([50.0] * 49)),
        sensor(depth=(-2.0, -2.0), variable="ta", lines=readings([50.0] * 49)),
        sensor(depth=(-0.1, 0.0), lines=readings([50.0] * 49)),
        sensor(variable="tsf", lines=readings([50.0] * 49)),
        sensor(variable="sm", lines=readings([0.2] * 49, "D01")),
    )
    found = only(path)
    assert celsius(found) == [[1.5, 1.5], [1.5, 1.5]]
    assert [len(names) for names in found.template.attributes["station_sensors"]] == [2]
    assert found.template.attributes["sensors_at_other_depths"] == 3
    assert celsius(only(path, IsmnArchive(depth_to=0.1)))[0][0] == pytest.approx(103 / 4, abs=1e-3)


def test_sensors_at_two_inches_are_near_the_surface_and_at_four_not(tmp_path: Path) -> None:
    path = folder(
        tmp_path,
        sensor("SCAN", "SCAN-1", depth=(0.0508, 0.0508), lines=readings([1.0] * 49)),
        sensor("SCAN", "SCAN-1", depth=(0.1016, 0.1016), lines=readings([50.0] * 49)),
    )
    found = only(path)
    assert celsius(found) == [[1.0, 1.0], [1.0, 1.0]]
    assert "0.050800" in found.template.attributes["station_sensors"][0][0]
    assert found.template.attributes["sensors_at_other_depths"] == 1


def test_stations_are_sorted_and_those_outside_are_counted(tmp_path: Path) -> None:
    path = zipped(
        tmp_path,
        sensor("MAQU", "CST-01", 102.13, 33.88),
        sensor("CTP", "N2", 92.99, 31.01, lines=readings([3.0] * 49)),
        sensor("CTP", "N1", 88.0, 34.0, lines=readings([-3.0] * 49)),
        sensor("ARM", "N1", -97.5, 36.6),
    )
    found = only(path)
    assert [s.id for s in found.stations] == ["CTP/N1", "CTP/N2"]
    assert found.outside == ("ARM/N1", "MAQU/CST-01")
    assert found.template.attributes["stations_outside_grid"] == 2
    coordinates = {c.name: c.values.tolist() for c in found.template.coordinates}
    assert coordinates["row"] == [0, 11]
    assert coordinates["column"] == [0, 19]
    assert coordinates["lon"] == [88.0, 92.99]
    assert coordinates["lat"] == [34.0, 31.01]
    assert found.values["freeze_thaw"][0].tolist() == [[1, 0], [1, 0]]


def test_only_the_networks_asked_for_are_read(tmp_path: Path) -> None:
    path = zipped(tmp_path, sensor("CTP"), sensor("NGARI"))
    assert [s.id for s in only(path, IsmnArchive(networks=("NGARI",))).stations] == ["NGARI/N1"]
    with pytest.raises(FormatMismatch, match=r"archive\.zip: expected .*MAQU, found CTP, NGARI"):
        only(path, IsmnArchive(networks=("MAQU",)))


def test_zip_and_folder_of_one_archive_give_the_same_store(tmp_path: Path) -> None:
    parts = (sensor(), sensor(station="N2", lat=33.0, layout="ceop", newline="\r"))
    urls = []
    for path in (folder(tmp_path, *parts), zipped(tmp_path, *parts)):
        found = only(path)
        url = str(tmp_path / f"{path.name}.zarr")
        store.create(url, found.template)
        store.write_region(url, found.values, {})
        urls.append(url)
    with store.open_cube(urls[0]) as one, store.open_cube(urls[1]) as two:
        assert one.identical(two)
        assert one.freeze_thaw.sizes == {"time": 2, "overpass": 2, "station": 2}
        assert one.attrs["station_ids"] == ["CTP/N1", "CTP/N2"]


def test_a_station_without_readings_in_the_period_is_missing_throughout(tmp_path: Path) -> None:
    path = folder(tmp_path, sensor(lines=readings(RISING, first="2014-05-01")))
    found = only(path)
    assert np.isnan(found.values["soil_temperature"]).all()
    assert (found.values["freeze_thaw"] == 255).all()


def test_a_station_with_no_good_reading_is_missing_throughout(tmp_path: Path) -> None:
    found = only(folder(tmp_path, sensor(lines=readings(RISING, "M"))))
    assert (found.values["freeze_thaw"] == 255).all()
    assert found.set_aside == ()


def test_series_gives_every_good_reading_in_kelvin_and_in_order(tmp_path: Path) -> None:
    lines = list(readings([1.0, 2.0, 3.0]))
    path = folder(
        tmp_path,
        sensor(instrument="A", lines=[lines[2], lines[0], (lines[1][0], 9.0, "C03")]),
        sensor(instrument="B", lines=[(lines[0][0], 4.0, "G")]),
    )
    found = SOURCE.series(path, "CTP/N1")
    assert found.dims == ("time",)
    assert found.attrs["units"] == "K"
    assert found.values.tolist() == [275.65, 276.15]
    assert [str(t)[:16] for t in found.time.values] == ["2016-01-01T00:00", "2016-01-01T02:00"]
    with pytest.raises(MissingVariable, match=r"CTP/N7.*found CTP/N1"):
        SOURCE.series(path, "CTP/N7")


def test_the_table_tells_places_and_files(tmp_path: Path) -> None:
    table = SOURCE.station_table(folder(tmp_path, sensor("B"), sensor("A", lon=-150.5)))
    assert [s.station.id for s in table.stations] == ["A/N1", "B/N1"]
    assert (table.stations[0].station.lon, table.stations[0].station.lat) == (-150.5, 32.1)
    assert [len(s.files) for s in table.stations] == [1, 1]


def test_nothing_is_printed_or_written_beside_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cwd").mkdir()
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    paths = (folder(tmp_path, sensor()), zipped(tmp_path, sensor()))
    before = sorted(tmp_path.rglob("*"))
    for path in paths:
        only(path)
    assert sorted(tmp_path.rglob("*")) == before
    assert capfd.readouterr() == ("", "")


def test_only_zip_files_are_granules() -> None:
    granule = SOURCE.granule("s3://bucket/ISMN_Tibet.ZIP")
    assert granule is not None
    assert granule.name == "ISMN_Tibet.ZIP"
    assert SOURCE.granule("s3://bucket/readme.txt") is None
