"""Odd tables of points: seams between files, clocks, Parquet of other programs, settings."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.config.products import input_model
from soilft.errors import ConfigError, InputError
from soilft.grid import Region
from soilft.ingest.granules import daily_coverage
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.sources import PointFields, point_rows
from soilft.sources.point_tables import Column
from soilft.store.digest import spelled
from tests.support.points import DAY, HEADER, ROWS, fields, of_day, soil, written

NEW_YEAR = date(2012, 1, 1)


def hourly(first: str, hours: int, **columns: Any) -> str:
    """A table of one station, an hour apart."""
    time = pd.date_range(first, periods=hours, freq="h").strftime("%Y-%m-%dT%H:%M")
    frame = pd.DataFrame({"day": time, "lat": 68.93, "lon": -150.27, **columns})
    return frame.to_csv(index=False)


def test_a_utc_day_may_lie_in_two_files(tmp_path: Path) -> None:
    """Of local years: New Year of UTC began ten hours before the second file does."""
    before = written(tmp_path, hourly("2011-12-30", 48, air_K=250.0, soil_degC=-1.0))
    after = written(
        tmp_path, hourly("2012-01-01", 48, air_K=260.0, soil_degC=1.0), "north_2012.csv"
    )
    settings = {"step": "instant", "time_zone": "-10:00"}
    found = of_day(fields(**settings), before, after, day=NEW_YEAR)
    expected = (10 * 250 + 14 * 260) / 24
    np.testing.assert_allclose(found["Tair_f_inst_mean"][0, 0], expected, rtol=1e-6)
    states = of_day(soil(**settings, state="overpasses"), before, after, day=NEW_YEAR)
    # 18:00 solar time is 04:01 UTC of the first file, 06:00 is 16:01 of the second.
    assert states["freeze_thaw"][:, 0, 0].tolist() == [THAWED, FROZEN]
    midnight = soil(**settings, state="overpasses", morning=0.0, evening=12.0)
    assert of_day(midnight, before, after, day=NEW_YEAR)["freeze_thaw"][0, 0, 0] != MISSING


def test_a_station_may_go_on_in_another_file(tmp_path: Path) -> None:
    lines = ROWS.splitlines(keepends=True)
    one = written(tmp_path, HEADER + lines[0] + lines[1] + lines[2], "north_1.csv")
    other = written(tmp_path, HEADER + lines[3] + lines[4], "north_2.csv")
    reader = fields(name="north_*.csv", first=date(2011, 1, 1), last=date(2011, 12, 31))
    whole = of_day(fields(), written(tmp_path))
    for name, values in of_day(reader, one, other).items():
        np.testing.assert_array_equal(values, whole[name])
    moved = written(tmp_path, HEADER.replace("day", "id,day") + "a,2011-01-02,68.9,-150.2,250,1\n")
    there = HEADER.replace("day", "id,day") + "a,2011-01-03,68.8,-150.2,250,1\n"
    named = fields(station="id", name="*.csv", first=date(2011, 1, 1), last=date(2011, 1, 9))
    elsewhere = written(tmp_path, there.replace("01-03", "01-02"), "north_3.csv")
    with pytest.raises(InputError, match=r"north_3\.csv.*a in .*north_2011\.csv, too"):
        of_day(named, moved, elsewhere)


def test_the_same_bytes_are_parsed_once_wherever_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    rows = point_rows._rows
    monkeypatch.setattr(point_rows, "_rows", lambda *a: parsed.append(a[0]) or rows(*a))
    monkeypatch.setattr(point_rows, "_kept", {})
    for folder in ("a", "b"):
        of_day(fields(), written(tmp_path / folder))
    assert len(parsed) == 1
    of_day(fields(), written(tmp_path / "a", HEADER + ROWS.replace("250.5", "251.0")))
    of_day(fields(missing=("x",)), tmp_path / "b/north_2011.csv")
    assert len(parsed) == 3
    monkeypatch.setattr(point_rows, "KEPT_BYTES", 1)
    of_day(soil(), tmp_path / "b/north_2011.csv")
    assert len(point_rows._kept) == 1


def test_one_station_on_a_large_grid_is_a_day_with_data() -> None:
    values = np.full((1, 1, 300, 300), MISSING, "uint8")
    values[0, 0, 7, 7] = FROZEN
    variable = soil().variables[0]
    assert daily_coverage(variable, values) == [1e-4]
    assert daily_coverage(variable, np.full_like(values, MISSING)) == [0.0]


def test_days_that_a_file_cannot_have_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, name="north_2010.csv")
    with pytest.raises(InputError, match=r"north_2010\.csv.*2010-01-01 to 2010-12-31.*2011-01-0"):
        of_day(fields(), path, day=date(2010, 12, 31))


def test_files_of_one_name_in_two_folders_are_two_tables() -> None:
    one, other = (fields().granule(f"s3://b/{site}/north_2011.csv") for site in "ab")
    assert one is not None
    assert other is not None
    assert (one.days, one.slot) != (other.days, other.slot)
    assert one.name == other.name


@pytest.mark.parametrize("time", ["2011-03-13T02:30", "2011-11-06T01:30"], ids=["never", "twice"])
def test_a_time_at_which_the_clock_changes_is_refused(time: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"{HEADER}{time},68.93,-150.27,250,1\n")
    reader = fields(step="instant", time_zone="America/Denver")
    with pytest.raises(InputError, match=r"once in America/Denver.*clock changes"):
        of_day(reader, path, day=date.fromisoformat(time[:10]))


def test_hours_between_values_are_told_by_those_around(tmp_path: Path) -> None:
    """Every third hour is enough; every eighth is not."""
    for step, known in ((3, True), (8, False)):
        lines = hourly("2011-01-02", 24, air_K=250.0, soil_degC=1.0).splitlines(keepends=True)
        path = written(tmp_path, lines[0] + "".join(lines[1::step]))
        found = of_day(fields(step="instant", time_zone="UTC"), path)
        assert np.isfinite(found["Tair_f_inst_mean"][0, 0]) == known


def parquet(folder: Path, **changes: Any) -> Path:
    frame = pd.read_csv(written(folder)).assign(**changes)
    path = folder / "north_2011.parquet"
    frame.to_parquet(path)
    return path


def test_parquet_as_other_programs_write_it(tmp_path: Path) -> None:
    expected = of_day(fields(), written(tmp_path))
    reader = fields(name="north_{year}.parquet", station="id", flag="qc", good=("0",))
    frame = pd.read_csv(tmp_path / "north_2011.csv")
    air = [Decimal(str(value)) for value in frame["air_K"]]
    qc = pd.array([0, 0, 0, 0, None], "Int64")
    path = parquet(tmp_path, id=[1, 1, 2, 2, 3], air_K=air, qc=qc)
    found = of_day(reader, path)
    assert found["Tair_f_inst_mean"][0, 0] == expected["Tair_f_inst_mean"][0, 0]
    assert np.isnan(found["Tair_f_inst_mean"][1, 3])
    frame.set_index("day").to_parquet(path)
    for name, values in of_day(fields(name="north_{year}.parquet"), path).items():
        np.testing.assert_array_equal(values, expected[name])
    for wrong in (pd.to_timedelta(frame["air_K"], "s"), pd.to_datetime(frame["day"])):
        with pytest.raises(InputError, match=r"north_2011\.parquet: air_K: expected numbers"):
            of_day(fields(name="north_{year}.parquet"), parquet(tmp_path, air_K=wrong))


def test_csv_as_other_programs_write_it(tmp_path: Path) -> None:
    expected = of_day(fields(), written(tmp_path))
    content = HEADER + ROWS
    for text in (
        content.replace("\n", "\r\n"),
        "\ufeff" + content,
        content.replace("-0.2", '"-0\n"').replace('"-0\n"', "-0.2"),
        HEADER + "".join(ROWS.splitlines(keepends=True)[::-1]),
        content.replace("-150.27", "209.73"),
    ):
        (tmp_path / "north_2011.csv").write_bytes(text.encode())
        for name, values in of_day(fields(), tmp_path / "north_2011.csv").items():
            np.testing.assert_array_equal(values, expected[name])


def test_one_place_written_two_ways_is_one_station(tmp_path: Path) -> None:
    rows = "2011-01-02,68.93,-150.27,250,1\n2011-01-02,68.93,209.73,251,1\n"
    with pytest.raises(InputError, match="a day of a station once"):
        of_day(fields(), written(tmp_path, HEADER + rows))


def test_a_station_without_a_name_and_a_table_without_rows_are_refused(tmp_path: Path) -> None:
    header = HEADER.replace("day", "id,day")
    with pytest.raises(InputError, match="line 2: id: expected a station's name, found nothing"):
        of_day(fields(station="id"), written(tmp_path, header + ",2011-01-02,68.9,-150.2,250,1\n"))
    with pytest.raises(InputError, match="rows of values, found none"):
        of_day(fields(), written(tmp_path, HEADER))
    with pytest.raises(InputError, match="rows with soil_degC of 9, found none"):
        of_day(fields(flag="soil_degC", good=("9",)), written(tmp_path))


def test_codes_of_missing_values_are_numbers_or_texts(tmp_path: Path) -> None:
    rows = ROWS.replace("251.5", "-9999.0").replace("253.5", "").replace("255.5", "NA")
    found = of_day(fields(missing=("-9999", "NA")), written(tmp_path, HEADER + rows))
    assert not np.isfinite(found["Tair_f_inst_mean"]).any()
    assert found["station_count"].sum() == 0
    with pytest.raises(InputError, match="'NAN'"):
        of_day(fields(), written(tmp_path, HEADER + ROWS.replace("251.5", "NAN")))


def test_stations_are_counted_that_have_any_of_the_fields(tmp_path: Path) -> None:
    rows = "2011-01-02,68.93,-150.27,250,\n2011-01-02,68.95,-150.29,,1\n"
    both = (Column("a", "air_K", "K"), Column("b", "soil_degC", "degC"))
    found = of_day(fields(columns=both), written(tmp_path, HEADER + rows))
    assert found["station_count"][0, 0] == 2
    assert np.isnan(found["a_spread"][0, 0])


@pytest.mark.parametrize("preset", ["ease2-north-25km", "latlon-0.25"])
def test_the_nearest_station_of_a_large_grid(preset: str, tmp_path: Path) -> None:
    grid = Region("north", preset, (-156.0, 66.0, -145.0, 71.0)).grid
    reader = fields(cells="nearest", within_km=30.0)
    path = written(tmp_path)
    granule = reader.granule(str(path))
    assert granule is not None
    part = reader.place(reader.read(path), granule, DAY, grid)
    found = reader.combine([(granule, part)], DAY, grid)["Tair_f_inst_mean"]
    lon, lat = grid.lonlat
    distance = np.hypot((lon + 149.60) * np.cos(np.radians(lat)), lat - 68.63) * 111.2
    assert (found[distance < 10] == np.float32(255.5)).all()
    assert np.isnan(found[distance > 90]).all()
    assert 0 < np.isfinite(found).sum() < found.size


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"time_zone": "America"}, "time_zone"),
    ({"time_zone": "localtime"}, "time_zone"),
    ({"time_zone": "+99:99"}, "time_zone"),
    ({"time_zone": "as stated"}, "a day states none"),
    ({"separator": "tab"}, "separator"),
    ({"separator": ""}, "separator"),
    ({"name": "n_{year}_{day}.csv"}, "name"),
    ({"name": "n_{year}_{year}.csv"}, "name"),
    ({"name": "n_{doy}.csv"}, "name"),
    ({"name": "n.csv", "first": date(2012, 1, 1), "last": date(2011, 1, 1)}, "first and last"),
    ({"within_km": float("nan")}, "within_km"),
    ({"columns": (Column("hour", "air_K", "K"),)}, "columns"),
    ({"columns": (Column("a_spread", "air_K", "K"),)}, "columns"),
    ({"columns": (Column("a b", "air_K", "K"),)}, "columns"),
    ({"columns": (Column("Tair_f_inst_mean", "air_K", "mm"),)}, "unit of Tair_f_inst_mean"),
    ({"columns": (Column("SWE_inst_mean", "air_K", "cm"),)}, "unit of SWE_inst_mean"),
]


@pytest.mark.parametrize(("settings", "text"), SETTINGS)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=f"point-fields: {text}|{text}"):
        fields(**settings)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"unit": "mm"}, "unit"),
        ({"threshold": 273.15}, "threshold"),
        ({"margin": float("nan")}, "threshold and margin"),
        ({"depth_from": float("nan")}, "depth_from"),
        ({"morning": 30.0}, "morning"),
    ],
)
def test_settings_of_the_soil_that_mean_nothing_are_refused(
    settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        soil(**settings)


def test_a_name_of_no_year_is_of_no_table() -> None:
    reader = fields(step="instant", time_zone="UTC")
    assert reader.granule("north_0001.csv") is None
    assert reader.granule("north_9999.csv") is None


def test_which_files_there_are_is_in_no_key() -> None:
    one = fields(name="north.csv", first=date(2011, 1, 1), last=date(2011, 12, 31))
    other = replace(one, last=date(2012, 12, 31))
    assert spelled(one) == spelled(other)
    inputs = [
        input_model("point-fields")(
            product="point-fields", **{**vars(it), "columns": one.columns}
        ).digested()
        for it in (one, other)
    ]
    assert inputs[0] == inputs[1]
    assert spelled(one) != spelled(replace(one, separator=";"))
    assert isinstance(one, PointFields)
