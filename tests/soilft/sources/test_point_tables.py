"""Tables of points: what they are read to, and what refuses them by name."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from soilft.errors import ConfigError, InputError
from soilft.grid import Region
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources.point_tables import Column
from soilft.testing import check_reader
from tests.support.points import DAY, GRID, HEADER, ROWS, fields, of_day, soil, written


def test_fields_are_means_of_the_stations_of_a_cell_with_their_count_and_spread(
    tmp_path: Path,
) -> None:
    wrong = {
        "unit": written(tmp_path / "unit", HEADER + "2011-01-02,68.93,-150.27,-20.5,-0.2\n"),
        "decimal comma": written(tmp_path / "comma", HEADER + '2011-01-02,68.93,-150.27,"2,5",1\n'),
    }
    found = check_reader(fields(), [written(tmp_path)], GRID, day=DAY, wrong=wrong)
    assert found["Tair_f_inst_mean"][0, 0] == np.float32(252.5)
    assert found["Tair_f_inst_mean_spread"][0, 0] == 1.0
    assert found["Tair_f_inst_mean"][1, 3] == np.float32(255.5)
    assert np.isnan(found["Tair_f_inst_mean_spread"][1, 3])
    assert found["station_count"].tolist() == [[2, 0, 0, 0], [0, 0, 0, 1]]


def test_states_are_those_of_the_mean_temperature_of_a_cell(tmp_path: Path) -> None:
    found = check_reader(soil(), [written(tmp_path)], GRID, day=DAY)
    assert found["freeze_thaw"][0].tolist() == [
        [THAWED, MISSING, MISSING, MISSING],
        [MISSING] * 4,
    ]
    np.testing.assert_allclose(found["soil_temperature"][0, 0, 0], 273.45, rtol=1e-6)
    np.testing.assert_allclose(found["soil_temperature_spread"][0, 0, 0], 0.5, rtol=1e-6)
    assert found["observation_time"][0, 0, 0] == 12.0
    earlier = of_day(soil(), tmp_path / "north_2011.csv", day=date(2011, 1, 1))
    assert earlier["freeze_thaw"][0, 0, 0] == FROZEN


@pytest.mark.parametrize(
    ("threshold", "margin", "expected"),
    [(0.0, 0.0, THAWED), (0.0, 0.5, MISSING), (0.31, 0.0, FROZEN), (0.3, 0.0, THAWED)],
)
def test_threshold_and_margin_are_settings(
    threshold: float, margin: float, expected: int, tmp_path: Path
) -> None:
    found = of_day(soil(threshold=threshold, margin=margin), written(tmp_path))
    assert found["freeze_thaw"][0, 0, 0] == expected


def test_a_cell_may_have_the_nearest_station_within_a_distance(tmp_path: Path) -> None:
    reader = fields(cells="nearest", within_km=15.0)
    found = of_day(reader, written(tmp_path))
    # Cells centred on 68.875 N; the station in the west of the row is 6 and 12 km from two.
    assert found["Tair_f_inst_mean"][0].tolist()[:2] == [251.5, 251.5]
    assert np.isnan(found["Tair_f_inst_mean"][0, 2])
    assert found["station_count"][0].tolist()[:3] == [1, 1, 0]


def test_one_file_a_station_is_read_as_one_table_is(tmp_path: Path) -> None:
    together = of_day(fields(), written(tmp_path / "one"))
    lines = ROWS.splitlines(keepends=True)
    paths = [
        written(tmp_path, HEADER + "".join(some), f"north_{k}.csv")
        for k, some in enumerate((lines[:2], lines[2:4], lines[4:]))
    ]
    reader = fields(name="north_*.csv", first=date(2011, 1, 1), last=date(2011, 12, 31))
    for order in (paths, paths[::-1]):
        for name, expected in together.items():
            np.testing.assert_array_equal(of_day(reader, *order)[name], expected)
    written(tmp_path, HEADER + lines[0] + lines[1], "north_9.csv")
    with pytest.raises(InputError, match=r"north_9\.csv: .* once, in all tables.*north_0\.csv"):
        of_day(reader, paths[0], tmp_path / "north_9.csv")


def test_parquet_has_what_csv_has(tmp_path: Path) -> None:
    path = written(tmp_path)
    frame = pd.read_csv(path)
    frame.to_parquet(tmp_path / "north_2011.parquet")
    frame["day"] = pd.to_datetime(frame["day"])
    frame.to_parquet(tmp_path / "days_2011.parquet")
    expected = of_day(fields(), path)
    for name in ("north_{year}.parquet", "days_{year}.parquet"):
        found = of_day(fields(name=name), tmp_path / name.replace("{year}", "2011"))
        for variable in expected:
            np.testing.assert_array_equal(found[variable], expected[variable])


BAD = {
    "a unit": ("2011-01-02,68.93,-150.27,-20.5,1\n", r"line 2: air_K.*170 to 370 K.*-20\.5.*unit"),
    "a code": ("2011-01-02,68.93,-150.27,-9999,1\n", r"line 2: air_K.*missing"),
    "swapped": ("2011-01-02,-150.27,68.93,250,1\n", r"lat: expected -90 to 90.*swapped"),
    "a comma": ('2011-01-02,68.93,-150.27,"250,5",1\n', r"air_K.*'250,5'.*decimal comma"),
    "columns": ("2011-01-02,68.93,-150.27,250,5,1\n", r"line 2: expected 5 columns.*found 6"),
    "no day": ("02.01.2011,68.93,-150.27,250,1\n", r"line 2: day: expected a day.*02\.01\.2011"),
    "an hour": ("2011-01-02T06:00,68.93,-150.27,250,1\n", r"day, without a time of the day"),
    "an offset": ("2011-01-02T00:00Z,68.93,-150.27,250,1\n", r"without an offset"),
    "no place": ("2011-01-02,,-150.27,250,1\n", r"line 2: lat: expected a number.*nothing"),
    "twice": (
        (
            "2011-01-02,68.93,-150.27,250,1\n2011-01-03,68.93,-150.27,250,1\n"
            "2011-01-02,68.93,-150.27,251,1\n"
        ),
        r"line 4: day: expected a day of a station once.*68\.93.*in line 2, too",
    ),
    "cut off": ("2011-01-02,68.93,-150.27,250,1\n2011-01-03,68.93,-15", r"a line end.*cut off"),
    "elsewhere": ("2011-01-02,28.93,-150.27,250,1\n", r"a station in the region.*28\.93"),
    "infinite": ("2011-01-02,68.93,-150.27,inf,1\n", r"line 2: air_K.*inf"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_is_refused_by_file_line_and_column(what: str, tmp_path: Path) -> None:
    rows, text = BAD[what]
    with pytest.raises(InputError, match=r"north_2011.csv.*" + text):
        of_day(fields(), written(tmp_path, HEADER + rows))


def test_places_that_would_be_swapped_the_other_way_are_told(tmp_path: Path) -> None:
    grid = Region("asia", "latlon-0.25", (80.0, 30.0, 81.0, 31.0)).grid
    path = written(tmp_path, HEADER + "2011-01-02,80.5,30.5,250,1\n")
    reader = fields()
    granule = reader.granule(str(path))
    assert granule is not None
    with pytest.raises(InputError, match="Latitude and longitude are swapped"):
        reader.place(reader.read(path), granule, DAY, grid)


def test_another_separator_is_told_by_the_columns(tmp_path: Path) -> None:
    path = written(tmp_path, (HEADER + ROWS).replace(",", ";"))
    with pytest.raises(InputError, match=r"north_2011.csv.*the columns day.*day;lat"):
        of_day(fields(), path)
    assert of_day(fields(separator=";"), path)["station_count"].sum() == 3


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"time_zone": ""}, "time_zone.*found none.*nothing is guessed"),
        ({"time_zone": "Mars/Base"}, "time_zone.*found Mars/Base"),
        ({"name": ""}, "name.*found none"),
        ({"name": "a.csv"}, "first and last"),
        ({"first": date(2011, 1, 1)}, "first and last"),
        ({"flag": "qc"}, "flag and good"),
        ({"within_km": 5.0}, "within_km"),
        ({"cells": "nearest"}, "within_km"),
        ({"least_hours": 0}, "least_hours"),
        ({"columns": ()}, "columns"),
        ({"columns": (Column("a", "b", "furlong"),)}, "unit.*furlong"),
    ],
)
def test_settings_that_say_too_little_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        fields(**settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"depth_from": None}, "depth_from and depth_to"),
        ({"depth": "depth"}, "depth and depth_unit"),
        ({"unit": ""}, "unit"),
        ({"margin": -1.0}, "margin"),
        ({"state": "overpasses"}, "daily for a table of days"),
    ],
)
def test_settings_of_the_soil_that_say_too_little_are_refused(
    settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        soil(**settings)


def hourly(days: int, **columns: Any) -> pd.DataFrame:
    """Moments of one station, an hour apart, local standard time."""
    time = pd.date_range("2011-01-01", periods=24 * days, freq="h").strftime("%Y-%m-%dT%H:%M")
    place = {"lat": 68.93, "lon": -150.27}
    return pd.DataFrame({"day": time, **place, **columns})


@pytest.mark.parametrize("zone", ["-10:00", "of the meridian", "Pacific/Honolulu"])
def test_moments_are_of_the_utc_day_and_too_few_hours_are_none(zone: str, tmp_path: Path) -> None:
    """Midnight in the time zone is 10:00 UTC: days one and four have 14 and 10 hours."""
    frame = hourly(3, air_K=250.0 + np.arange(72))
    path = written(tmp_path, frame.to_csv(index=False))
    reader = fields(step="instant", time_zone=zone)
    found = [
        of_day(reader, path, day=date(2011, 1, day))["Tair_f_inst_mean"][0, 0]
        for day in (1, 2, 3, 4)
    ]
    hours = np.arange(24.0)
    assert np.isnan(found[0])
    assert found[1:3] == [250 + 14 + hours.mean(), 250 + 38 + hours.mean()]
    assert np.isnan(found[3])
    fewer = fields(step="instant", time_zone=zone, least_hours=10)
    assert of_day(fewer, path, day=date(2011, 1, 4))["Tair_f_inst_mean"][0, 0] == 250 + 66.5
    granule = reader.granule("north_2011.csv")
    assert granule is not None
    assert (granule.days[0], granule.days[-1]) == (date(2010, 12, 31), date(2012, 1, 1))


def test_a_state_at_the_overpass_is_between_the_hours_around_it(tmp_path: Path) -> None:
    frame = hourly(3, soil_degC=np.sin(np.arange(72) / 24 * 2 * np.pi))
    frame["day"] = frame["day"] + "-10:00"
    reader = soil(step="instant", time_zone="as stated", state="overpasses")
    found = check_reader(reader, [written(tmp_path, frame.to_csv(index=False))], GRID, day=DAY)
    # 18:00 solar time at 150.27 W is 04:01 UTC, 18:01 of the day before there; 06:00 is 16:01.
    assert found["freeze_thaw"][:, 0, 0].tolist() == [THAWED, FROZEN]
    np.testing.assert_allclose(found["observation_time"][:, 0, 0], [16.018, 4.018], atol=1e-3)
    np.testing.assert_allclose(found["soil_temperature"][:, 0, 0], [274.15, 272.15], atol=1e-3)


def test_rows_of_another_depth_and_of_a_bad_flag_are_left_out(tmp_path: Path) -> None:
    text = (
        "day,lat,lon,depth,qc,soil_degC\n"
        "2011-01-02,68.93,-150.27,5,G,-1\n"
        "2011-01-02,68.93,-150.27,20,G,4\n"
        "2011-01-02,68.95,-150.27,5,B,9\n"
    )
    chosen = {"depth": "depth", "depth_unit": "cm", "flag": "qc", "good": ("G",)}
    found = of_day(soil(**chosen), written(tmp_path, text))
    assert found["soil_temperature"][0, 0, 0] == np.float32(272.15)
    assert found["station_count"].sum() == 1
    with pytest.raises(InputError, match=r"north_2011\.csv: line 3: day: .*once.*68\.93"):
        of_day(soil(**{**chosen, "depth_to": 0.3}), tmp_path / "north_2011.csv")
    with pytest.raises(InputError, match=r"north_2011\.csv.*depth"):
        of_day(soil(**{**chosen, "depth_from": 1.0, "depth_to": 2.0}), tmp_path / "north_2011.csv")


def test_a_station_that_moves_within_a_table_is_refused(tmp_path: Path) -> None:
    text = "day,lat,lon,air_K,id\n2011-01-01,68.93,-150.27,250,a\n2011-01-02,68.94,-150.27,250,a\n"
    with pytest.raises(InputError, match=r"line 3: id: expected a at 68\.93.*68\.94"):
        of_day(fields(station="id"), written(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "file", "first", "last"),
    [
        ("w_{year}.csv", "w_2012.csv", date(2012, 1, 1), date(2012, 12, 31)),
        ("w{year}-{month}_*.csv", "w2012-02_x.csv", date(2012, 2, 1), date(2012, 2, 29)),
        ("{year}{month}{day}.csv", "20120229.csv", date(2012, 2, 29), date(2012, 2, 29)),
        ("w_{year}{month}.csv", "w_201213.csv", None, None),
        ("w_{year}.csv", "w_2012.csv.part", None, None),
    ],
)
def test_days_of_a_file_are_told_by_its_name(
    name: str, file: str, first: date | None, last: date | None
) -> None:
    granule = fields(name=name).granule(f"s3://bucket/x/{file}")
    found = (None, None) if granule is None else (granule.days[0], granule.days[-1])
    assert found == (first, last)
