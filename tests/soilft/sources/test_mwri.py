"""MWRI L1: layouts, times, scale and refusals, against swaths written here with h5py."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
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
from soilft.sources.mwri import MwriL1
from soilft.sources.protocol import Granule

DAY = date(2012, 1, 31)
START = datetime(2012, 1, 31, 6, 10, tzinfo=UTC)
SOURCE = MwriL1(("FY3B", "FY3D"))
SCANS, PIXELS, STEP = 120, 20, timedelta(seconds=20)
GRID = Region("plateau", "latlon-0.25", (80, 28, 92, 36)).grid
BT = "EARTH_OBSERVE_BT_10_to_89GHz"
NOON, MIDNIGHT = (datetime(2000, 1, 1, hour, tzinfo=UTC) for hour in (12, 0))
Times = list[datetime]


def lats(node: str) -> np.ndarray:
    along = np.linspace(20, 43.8, SCANS) if node == "A" else np.linspace(43.8, 20, SCANS)
    return np.repeat(along[:, None] + 0.01, PIXELS, axis=1).astype("float32")


def lons() -> np.ndarray:
    return np.repeat(np.linspace(79.99, 93.99, PIXELS)[None], SCANS, axis=0).astype("float32")


def kelvins() -> np.ndarray:
    """Ten channels that differ by 5 K, rising by 0.1 K a scan and 0.5 K a pixel."""
    channel, scan, pixel = np.ogrid[:10, :SCANS, :PIXELS]
    return 200 + 5.0 * channel + 0.1 * scan + 0.5 * pixel


def counts(kelvin: np.ndarray) -> np.ndarray:
    return np.round((kelvin - 327.68) / 0.01).astype("int16")


def milliseconds(times: Times, epoch: datetime) -> tuple[np.ndarray, np.ndarray]:
    since = [time - epoch for time in times]
    days = np.array([s.days for s in since], "int32")
    clock = [(s - timedelta(days=s.days)).total_seconds() * 1000 for s in since]
    return days, np.array(clock)


def counters(epoch: datetime) -> Callable[[Times], dict[str, np.ndarray]]:
    def tables(times: Times) -> dict[str, np.ndarray]:
        days, clock = milliseconds(times, epoch)
        # The second column is the deviation of the time.
        return {"Scan_Daycnt": days, "Scan_Mscnt": np.stack([clock, 0 * clock + 3], axis=1)}

    return tables


def one_table(*columns: Callable[[datetime], float]) -> Callable[[Times], dict[str, np.ndarray]]:
    def tables(times: Times) -> dict[str, np.ndarray]:
        rows = [[column(time) for column in columns] for time in times]
        return {"Scan_Time_and_Period": np.array(rows, "float64")}

    return tables


def period(_: datetime) -> float:
    return 1.8


def seconds_of_day(time: datetime) -> float:
    return (time - time.replace(hour=0, minute=0, second=0)).total_seconds()


def written(folder: Path, **changes: Any) -> Path:
    """Write a granule: FY-3B in the root, FY-3C and FY-3D in groups, or as the changes say."""
    satellite, node = changes.get("satellite", "FY3B"), changes.get("node", "A")
    start: datetime = changes.get("start", START)
    times: Times = [start + i * STEP for i in range(SCANS)]
    in_root = satellite == "FY3B"
    groups = changes.get("groups", ("", "") if in_root else ("Calibration/", "Geolocation/"))
    by_default = one_table(lambda t: (t - NOON).total_seconds(), period)
    make_times = changes.get("times", by_default if in_root else counters(NOON))
    named = changes.get("named", start)
    version = changes.get("version", "010KM_MS")
    path = folder / f"{satellite}_MWRI{node}_GBAL_L1_{named:%Y%m%d_%H%M}_{version}.HDF"
    attributes = {
        "Satellite Name": f"FY-{satellite[2:]}",
        "Sensor Name": "Microwave Radiation Imager",
        "Observing Beginning Date": f"{times[0]:%Y-%m-%d}",
        "Observing Beginning Time": f"{times[0]:%H:%M:%S.%f}"[:-3],
        "Observing Ending Date": f"{times[-1]:%Y-%m-%d}",
        "Observing Ending Time": f"{times[-1]:%H:%M:%S.%f}"[:-3],
    } | changes.get("attributes", {})
    scale = {"Slope": np.float32([0.01]), "Intercept": np.float32([327.68])}
    scale |= changes.get("scale", {})
    with h5py.File(path, "w") as file:
        for name, text in attributes.items():
            if text is not None:
                file.attrs[name] = np.bytes_(text)
        tb = changes.get("counts", counts(kelvins()))
        item = file.create_dataset(
            groups[0] + changes.get("tb_name", BT), data=tb, compression="gzip"
        )
        item.attrs.update({k: v for k, v in scale.items() if v is not None})
        for name, values in make_times(times).items():
            file[groups[0] + name] = values
        places = {
            "Latitude": changes.get("lat", lats(node)),
            "Longitude": changes.get("lon", lons()),
        }
        for name in changes.get("places", places):
            item = file.create_dataset(groups[1] + name, data=places[name], compression="gzip")
            item.attrs["FillValue"] = np.float32([65535])
    return path


def granule_of(path: Path, source: MwriL1 = SOURCE) -> Granule:
    granule = source.granule(str(path))
    assert granule is not None
    return granule


def placed(path: Path, grid: Grid = GRID, day: date = DAY, source: MwriL1 = SOURCE) -> Any:
    granule = granule_of(path, source)
    with source.read(path) as dataset:
        return granule, source.place(dataset, granule, day, grid)


def combined(*paths: Path, grid: Grid = GRID, day: date = DAY) -> dict[str, np.ndarray]:
    return SOURCE.combine([placed(path, grid, day) for path in paths], day, grid)


def expected_means(
    node: str, grid: Grid, kelvin: np.ndarray, scans: slice = slice(None)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means, hours of the day (scan 0 at 06:10) and counts, pixel by pixel."""
    lat, lon = lats(node)[scans].astype("float64"), lons()[scans].astype("float64")
    row = np.floor((grid.top - lat) / grid.height).astype(int)
    column = np.floor((lon - grid.left) / grid.width).astype(int)
    here = (row >= 0) & (row < grid.shape[0]) & (column >= 0) & (column < grid.shape[1])
    at = row[here], column[here]
    total, time, count = np.zeros((10, *grid.shape)), np.zeros(grid.shape), np.zeros(grid.shape)
    hours = 6 + 10 / 60 + np.arange(SCANS)[scans, None] * 20 / 3600 + np.zeros((1, PIXELS))
    np.add.at(count, at, 1)
    np.add.at(time, at, hours[here])
    for channel in range(10):
        np.add.at(total[channel], at, kelvin[channel, scans][here])
    with np.errstate(invalid="ignore"):
        return total / count, time / count, count


@pytest.mark.parametrize("node", ["A", "D"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"satellite": "FY3D"},
        {"satellite": "FY3D", "groups": ("Data/", "Data/")},
        {"groups": ("Data/", "Data/")},
        {"satellite": "FY3D", "groups": ("Calibration/", "Geolocation/")},
    ],
    ids=["root", "groups", "early groups", "3B in groups", "named groups"],
)
def test_pixels_are_averaged_in_either_layout(
    tmp_path: Path, node: str, changes: dict[str, Any]
) -> None:
    found = combined(written(tmp_path, node=node, **changes))
    tb, hours, count = expected_means(node, GRID, kelvins())
    here = int(node == "A")
    np.testing.assert_allclose(found["tb"][here], tb, atol=0.006)
    np.testing.assert_allclose(found["observation_time"][here], hours, rtol=1e-6)
    np.testing.assert_array_equal(found["count"][here], np.where(count > 0, count, 255))
    assert count.max() > 1
    assert np.isnan(found["tb"][1 - here]).all()
    assert (found["count"][1 - here] == 255).all()


def test_known_pixels_lie_where_they_should(tmp_path: Path) -> None:
    """One warm pixel of 300 K at 30.01 N, 85 E in 36.5V, channel 6, of an ascending pass."""
    kelvin = np.full((10, SCANS, PIXELS), 220.0)
    lat, lon = lats("A"), lons()
    scan, pixel = 50, 7
    kelvin[6, scan, pixel] = 300
    found = combined(written(tmp_path, counts=counts(kelvin)))
    row = int((GRID.top - lat[scan, pixel]) // 0.25)
    column = int((lon[scan, pixel] - GRID.left) // 0.25)
    warm = np.argwhere(found["tb"] > 225)
    assert warm.tolist() == [[1, 6, row, column]]
    assert found["tb"].shape == (2, 10, *GRID.shape)
    assert found["tb"].dtype == np.dtype("float32")
    assert SOURCE.channels[6:8] == ("36.5V", "36.5H")


def test_layout_of_the_store() -> None:
    assert [(v.name, v.dtype, v.dims) for v in SOURCE.variables] == [
        ("tb", "float32", ("time", "overpass", "channel", "y", "x")),
        ("observation_time", "float32", ("time", "overpass", "y", "x")),
        ("count", "uint8", ("time", "overpass", "y", "x")),
    ]
    assert SOURCE.overpasses == ("AM", "PM")
    assert SOURCE.coordinates[0].values.tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]


def test_both_nodes_and_several_granules_make_one_day_in_any_order(tmp_path: Path) -> None:
    later = START + timedelta(minutes=101)
    paths = [
        written(tmp_path, counts=counts(kelvins() + 0.37)),
        written(tmp_path, counts=counts(kelvins() + 20), start=later),
        written(tmp_path, counts=counts(kelvins() + 40), start=later + timedelta(minutes=101)),
        written(tmp_path, node="D"),
    ]
    parts = [placed(path) for path in paths]
    found = SOURCE.combine(parts, DAY, GRID)
    for order in (parts[::-1], parts[1:] + parts[:1]):
        for name, values in SOURCE.combine(order, DAY, GRID).items():
            assert values.tobytes() == found[name].tobytes()
    tb, hours, count = expected_means("A", GRID, kelvins())
    np.testing.assert_allclose(found["tb"][1], tb + 60.37 / 3, atol=0.006)
    np.testing.assert_allclose(found["observation_time"][1], hours + 101 / 60, rtol=1e-6)
    np.testing.assert_array_equal(found["count"][1], np.where(count > 0, 3 * count, 255))
    np.testing.assert_allclose(found["tb"][0], expected_means("D", GRID, kelvins())[0], atol=0.006)


def test_the_count_stops_at_254(tmp_path: Path) -> None:
    one_cell = Grid("EPSG:4326", 80.0, 36.0, 12.0, 8.0, (1, 1))
    found = combined(written(tmp_path), grid=one_cell)
    _, _, count = expected_means("A", one_cell, kelvins())
    assert count.item() > 254
    assert found["count"][:, 0, 0].tolist() == [255, 254]


class TestMidnight:
    start = datetime(2012, 1, 31, 23, 40, tzinfo=UTC)

    def test_each_day_gets_its_own_scans(self, tmp_path: Path) -> None:
        path = written(tmp_path, start=self.start)
        assert granule_of(path).days == (DAY, date(2012, 2, 1))
        first, second = (combined(path, day=day) for day in (DAY, date(2012, 2, 1)))
        for found, scans in ((first, slice(0, 60)), (second, slice(60, None))):
            tb, hours, count = expected_means("A", GRID, kelvins(), scans)
            hours += 17.5 - (24 if scans.start else 0)
            np.testing.assert_allclose(found["tb"][1], tb, atol=0.006)
            np.testing.assert_allclose(found["observation_time"][1], hours, rtol=1e-6, atol=1e-5)
            np.testing.assert_array_equal(found["count"][1], np.where(count > 0, count, 255))
            assert count.any()

    @pytest.mark.parametrize(("hour", "days"), [(0, 1), (12, 1), (21, 1), (22, 2), (23, 2)])
    def test_late_granules_reach_the_next_day(self, hour: int, days: int) -> None:
        granule = SOURCE.granule(f"s3://a/FY3B_MWRID_GBAL_L1_20120131_{hour:02}59_010KM_MS.HDF")
        assert granule is not None
        assert granule.days == (DAY, date(2012, 2, 1))[:days]

    def test_a_granule_that_ends_before_midnight_gives_the_next_day_nothing(
        self, tmp_path: Path
    ) -> None:
        path = written(tmp_path, start=datetime(2012, 1, 31, 22, 5, tzinfo=UTC))
        found = combined(path, day=date(2012, 2, 1))
        assert np.isnan(found["tb"]).all()
        assert np.isnan(found["observation_time"]).all()
        assert (found["count"] == 255).all()

    @pytest.mark.parametrize("epoch", [NOON, MIDNIGHT])
    def test_counters_that_turn_over_in_the_granule(self, tmp_path: Path, epoch: datetime) -> None:
        """Counted from noon, the day turns at noon; counted from midnight, at midnight."""
        start = self.start if epoch is MIDNIGHT else START.replace(hour=11, minute=40)
        path = written(tmp_path, satellite="FY3D", start=start, times=counters(epoch))
        with SOURCE.read(path) as dataset:
            seconds = dataset["time"].values
        np.testing.assert_allclose(seconds, start.timestamp() + 20 * np.arange(SCANS))


READINGS = {
    "counted from noon": counters(NOON),
    "counted from midnight": counters(MIDNIGHT),
    "without a column of deviations": lambda times: {
        "Scan_Daycnt": milliseconds(times, NOON)[0][:, None],
        "Scan_Mscnt": milliseconds(times, NOON)[1],
    },
    "seconds since noon": one_table(lambda t: (t - NOON).total_seconds(), period),
    "seconds since midnight": one_table(lambda t: (t - MIDNIGHT).total_seconds(), period),
    "milliseconds": one_table(lambda t: (t - MIDNIGHT).total_seconds() * 1000, period),
    "days and milliseconds from noon": one_table(
        lambda t: (t - NOON).days,
        lambda t: (t - NOON).total_seconds() % 86400 * 1000,
        period,
    ),
    "days and milliseconds": one_table(
        lambda t: (t - MIDNIGHT).days, lambda t: seconds_of_day(t) * 1000, period
    ),
    "days and seconds": one_table(lambda t: (t - MIDNIGHT).days, seconds_of_day, period),
    "days with a fraction": one_table(lambda t: (t - NOON).total_seconds() / 86400, period),
    "seconds of the day": one_table(seconds_of_day, period),
    "milliseconds of the day": one_table(lambda t: seconds_of_day(t) * 1000),
    "hours of the day": one_table(lambda t: seconds_of_day(t) / 3600, period),
    "a calendar": one_table(
        *(lambda t, part=p: getattr(t, part) for p in ("year", "month", "day", "hour", "minute")),
        lambda t: t.second,
        period,
    ),
    "a table with a row a column": lambda times: {
        "Scan_Time_and_Period": np.array([[seconds_of_day(t), 1.8] for t in times]).T
    },
    "fields": lambda times: {
        "Scan_Time_and_Period": np.array(
            [(seconds_of_day(t), 1.8) for t in times], [("time", "f8"), ("period", "f4")]
        )
    },
    "no table": lambda _: {},
}


@pytest.mark.parametrize("start", [START, datetime(2012, 1, 31, 23, 40, tzinfo=UTC)])
@pytest.mark.parametrize("reading", READINGS)
def test_of_the_readings_of_the_time_the_one_that_fits_is_taken(
    tmp_path: Path, reading: str, start: datetime
) -> None:
    path = written(tmp_path, times=READINGS[reading], start=start)
    with SOURCE.read(path) as dataset:
        seconds = dataset["time"].values
    np.testing.assert_allclose(seconds, start.timestamp() + 20 * np.arange(SCANS), atol=0.01)


class TestTimes:
    def test_that_fit_no_reading_are_refused(self, tmp_path: Path) -> None:
        def six_hours_late(times: Times) -> dict[str, np.ndarray]:
            return counters(NOON)([time + timedelta(hours=6) for time in times])

        path = written(tmp_path, satellite="FY3D", times=six_hours_late)
        words = (
            r"FY3D_MWRIA.*expected 2012-01-31 06:10:00 to 2012-01-31 06:49:40.*since 2000-01-01 "
            r"12:00.*since 2000-01-01 00:00, found Scan_Daycnt from \[4413\.0\]"
        )
        with pytest.raises(FormatMismatch, match=words):
            SOURCE.read(path)

    def test_of_an_unknown_table_are_refused(self, tmp_path: Path) -> None:
        path = written(tmp_path, times=one_table(lambda t: 7.0 + t.minute, period))
        with pytest.raises(
            FormatMismatch, match=r"found Scan_Time_and_Period from \[17\.0, 1\.8\]"
        ):
            SOURCE.read(path)

    def test_of_another_number_of_scans_are_refused(self, tmp_path: Path) -> None:
        path = written(tmp_path, times=lambda _: {"Scan_Time_and_Period": np.zeros((7, 2))})
        with pytest.raises(GridMismatch, match=r"MWRIA.*expected 120 scans, found \(7, 2\)"):
            SOURCE.read(path)

    def test_that_are_missing_leave_their_scans_out(self, tmp_path: Path) -> None:
        def with_gaps(times: Times) -> dict[str, np.ndarray]:
            tables = counters(NOON)(times)
            tables["Scan_Daycnt"][40:45] = -999
            tables["Scan_Mscnt"][45:50] = [65535000.0 * 10, 0]
            return tables

        path = written(tmp_path, satellite="FY3D", times=with_gaps)
        with SOURCE.read(path) as dataset:
            missing = np.flatnonzero(np.isnan(dataset["time"].values))
        assert missing.tolist() == list(range(40, 50))
        gaps = kelvins()
        gaps[:, 40:50] = np.nan
        expected = expected_means("A", GRID, np.where(np.isnan(gaps), 0, 1.0))[0][0] > 0
        assert (np.isfinite(combined(path)["tb"][1, 0]) == expected).all()

    def test_that_are_all_missing_are_taken_from_beginning_and_end(self, tmp_path: Path) -> None:
        path = written(
            tmp_path,
            times=lambda _: {
                "Scan_Daycnt": np.full(SCANS, 65535, "uint16"),
                "Scan_Mscnt": np.full(SCANS, -999.0),
            },
        )
        with SOURCE.read(path) as dataset:
            assert dataset["time"].values[[0, -1]].tolist() == [
                START.timestamp(),
                START.timestamp() + 20 * (SCANS - 1),
            ]

    def test_without_any_of_the_variables_and_attributes_are_refused(self, tmp_path: Path) -> None:
        attributes = dict.fromkeys(("Observing Ending Date", "Observing Ending Time"))
        path = written(tmp_path, times=lambda _: {}, attributes=attributes)
        with pytest.raises(MissingVariable, match=r"MWRIA.*expected Scan_Daycnt.*found no time"):
            SOURCE.read(path)

    @pytest.mark.parametrize("epoch", [NOON, MIDNIGHT])
    def test_are_held_against_the_name_where_no_attribute_tells(
        self, tmp_path: Path, epoch: datetime
    ) -> None:
        names = [f"Observing {w} {p}" for w in ("Beginning", "Ending") for p in ("Date", "Time")]
        path = written(tmp_path, attributes=dict.fromkeys(names), times=counters(epoch))
        with SOURCE.read(path) as dataset:
            assert dataset["time"].values[0] == START.timestamp()

    def test_of_another_day_than_the_name_are_refused(self, tmp_path: Path) -> None:
        path = written(tmp_path, named=START + timedelta(days=1))
        words = "20120201.*expected 2012-02-01 06:10.*found 2012-01-31 06:10:00.*renamed"
        with pytest.raises(FormatMismatch, match=words):
            SOURCE.read(path)

    @pytest.mark.parametrize(
        ("attributes", "words"),
        [
            (
                {"Observing Ending Date": "2012-02-03"},
                "at most three hours.*found 2012-01-31 06:10",
            ),
            ({"Observing Beginning Date": "31 Jan"}, "a date and a time.*found 31 Jan 06:10:00"),
            ({"Observing Beginning Time": "99:10:00"}, "a date and a time.*found 2012-01-31 99:10"),
        ],
    )
    def test_that_the_file_states_wrongly_are_refused(
        self, tmp_path: Path, attributes: dict[str, str], words: str
    ) -> None:
        with pytest.raises(FormatMismatch, match=f"FY3B_MWRIA.*expected {words}"):
            SOURCE.read(written(tmp_path, attributes=attributes))

    def test_may_be_stated_in_other_words(self, tmp_path: Path) -> None:
        attributes = {
            "Observing Beginning Date": None,
            "Observing_Beginning_Date": "20120131",
            "Observing Beginning Time": "06:10:00",
        }
        with SOURCE.read(written(tmp_path, attributes=attributes)) as dataset:
            assert dataset["time"].values[0] == START.timestamp()


class TestScale:
    def test_may_be_one_a_channel(self, tmp_path: Path) -> None:
        slope = np.linspace(0.01, 0.019, 10)
        intercept = np.linspace(300, 309, 10)
        numbers = np.round((kelvins() - intercept[:, None, None]) / slope[:, None, None])
        scale = {"Slope": slope, "Intercept": intercept}
        path = written(tmp_path, counts=numbers.astype("int16"), scale=scale)
        with SOURCE.read(path) as dataset:
            np.testing.assert_allclose(dataset["tb"].values, kelvins(), atol=0.01)
            one = dataset["tb"].isel(channel=3, scan=slice(5, 9), pixel=4).values
            some = dataset["tb"].isel(channel=slice(2, 9, 3)).values
        np.testing.assert_allclose(one, kelvins()[3, 5:9, 4], atol=0.01)
        np.testing.assert_allclose(some, kelvins()[2:9:3], atol=0.01)

    def test_of_slope_0_is_slope_1(self, tmp_path: Path) -> None:
        scale = {"Slope": np.float32([0]), "Intercept": np.float32([0])}
        path = written(tmp_path, counts=kelvins().astype("int16"), scale=scale)
        with SOURCE.read(path) as dataset:
            np.testing.assert_array_equal(dataset["tb"].values, np.floor(kelvins()))

    @pytest.mark.parametrize(
        "scale",
        [
            {"Slope": None},
            {"Intercept": None},
            {"Slope": np.float32([10])},
            {"Slope": np.float32([-0.01])},
            {"Slope": np.float32([np.nan])},
            {"Intercept": np.float32([0])},
            {"Slope": np.full(4, 0.01)},
            {"Slope": "one hundredth"},
        ],
        ids=str,
    )
    def test_that_makes_no_kelvins_is_refused(self, tmp_path: Path, scale: dict[str, Any]) -> None:
        words = (
            r"FY3B_MWRIA.*expected int16 with Slope 0\.01 and Intercept 327\.68.*found int16 with"
        )
        with pytest.raises(FormatMismatch, match=words):
            SOURCE.read(written(tmp_path, scale=scale))

    @pytest.mark.parametrize("dtype", ["uint16", "float32", "int32"])
    def test_of_another_type_is_refused(self, tmp_path: Path, dtype: str) -> None:
        path = written(tmp_path, counts=np.full((10, SCANS, PIXELS), 100, dtype))
        with pytest.raises(FormatMismatch, match=f"expected int16.*found {dtype} with Slope"):
            SOURCE.read(path)


class TestMissing:
    def test_codes_and_impossible_values_do_not_count(self, tmp_path: Path) -> None:
        stored = counts(kelvins())
        stored[:, 50, 7] = -999
        # Hundredths of a kelvin inside and outside of 50 and 400 K.
        stored[:4, 50, 8] = [-27767, -27769, 7231, 7233]
        with SOURCE.read(written(tmp_path, counts=stored)) as dataset:
            tb = dataset["tb"].values
        assert np.isnan(tb[:, 50, 7]).all()
        np.testing.assert_allclose(tb[:4, 50, 8], [50.01, np.nan, 399.99, np.nan], rtol=1e-6)
        assert np.isnan(tb).sum() == 12

    @pytest.mark.parametrize(
        ("name", "value"),
        [("lat", 65535), ("lon", 65535), ("lat", 90.5), ("lon", -180.5), ("lat", np.nan)],
    )
    def test_places_do_not_count(self, tmp_path: Path, name: str, value: float) -> None:
        places = {"lat": lats("A"), "lon": lons()}
        places[name][40:80] = value
        path = written(tmp_path, **places)
        with SOURCE.read(path) as dataset:
            assert np.isnan(dataset[name].values[40:80]).all()
            assert np.isfinite(dataset[name].values[:40]).all()
        hand = expected_means("A", GRID, kelvins(), slice(0, 40))[2]
        hand += expected_means("A", GRID, kelvins(), slice(80, None))[2]
        np.testing.assert_array_equal(combined(path)["count"][1], np.where(hand > 0, hand, 255))

    @pytest.mark.parametrize("what", ["counts", "lat", "lon", "both"])
    def test_everywhere_is_missing_and_no_error(self, tmp_path: Path, what: str) -> None:
        nothing = {
            "counts": np.full((10, SCANS, PIXELS), -999, "int16"),
            "lat": np.full((SCANS, PIXELS), 65535, "float32"),
            "lon": np.full((SCANS, PIXELS), 65535, "float32"),
        }
        changes = {k: v for k, v in nothing.items() if what in (k, "both")}
        found = combined(written(tmp_path, **changes))
        assert np.isnan(found["tb"]).all()
        assert np.isnan(found["observation_time"]).all()
        assert (found["count"] == 255).all()

    def test_one_channel_leaves_the_others(self, tmp_path: Path) -> None:
        stored = counts(kelvins())
        stored[8] = -999
        found = combined(written(tmp_path, counts=stored))
        tb, _, count = expected_means("A", GRID, kelvins())
        assert np.isnan(found["tb"][1, 8]).all()
        np.testing.assert_allclose(found["tb"][1, 9], tb[9], atol=0.006)
        np.testing.assert_array_equal(found["count"][1], np.where(count > 0, count, 255))

    def test_where_the_orbit_does_not_pass(self, tmp_path: Path) -> None:
        elsewhere = Region("alaska", "latlon-0.25", (-160, 60, -150, 65)).grid
        found = combined(written(tmp_path), grid=elsewhere)
        assert np.isnan(found["tb"]).all()


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


def test_values_are_read_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, tuple[int, ...]]] = []
    original = h5py.Dataset.__getitem__

    def watched(self: h5py.Dataset, *args: Any, **kwargs: Any) -> Any:
        values = original(self, *args, **kwargs)
        read.append((str(self.name), np.shape(values)))
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", watched)
    path = written(tmp_path)
    granule = granule_of(path)
    read.clear()
    with SOURCE.read(path) as dataset:
        assert f"/{BT}" not in dict(read)
        assert (SCANS, PIXELS) not in dict(read).values()
        SOURCE.place(dataset, granule, DAY, GRID)
    # 28 to 36 degrees north, and a cell around, are 43 of 120 scans.
    (shape,) = [shape for name, shape in read if name == f"/{BT}"]
    assert shape == (10, 43, PIXELS)


def test_a_closed_granule_leaves_no_file_open(tmp_path: Path) -> None:
    path = written(tmp_path)
    with SOURCE.read(path):
        pass
    broken = written(tmp_path, node="D", lat=lats("A"))
    with pytest.raises(FormatMismatch):
        SOURCE.read(broken)
    for closed in (path, broken):
        with h5py.File(closed, "r+"):
            pass


def test_attributes_say_whether_a_file_was_simulated(tmp_path: Path) -> None:
    path = written(tmp_path, attributes={"simulated": "true"})
    with SOURCE.read(path) as dataset:
        assert dataset.attrs["simulated"] == "true"
        assert dataset["tb"].dims == ("channel", "scan", "pixel")
        assert dataset["tb"].attrs["units"] == "K"


def test_names_tell_satellite_node_and_minute() -> None:
    granule = SOURCE.granule("s3://archive/2012/FY3D_MWRID_GBAL_L1_20120131_0607_010KM_MS.hdf")
    assert granule is not None
    assert (granule.slot, granule.version, granule.days) == ("FY3DD0607", "010KM_MS", (DAY,))
    for name in (
        "FY3C_MWRID_GBAL_L1_20120131_0607_010KM_MS.HDF",
        "FY3G_MWRID_GBAL_L1_20120131_0607_010KM_MS.HDF",
        "FY3D_MWRIX_GBAL_L1_20120131_0607_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L1_20120132_0607_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L1_20120131_2460_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L2_20120131_0607_010KM_MS.HDF",
        "FY3D_MWRID_GBAL_L1_20120131_0607_010KM_MS.HDF.part",
    ):
        assert SOURCE.granule(name) is None


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


def test_fy3c_passes_in_the_forenoon_when_descending(tmp_path: Path) -> None:
    source = MwriL1(("FY3C",))
    path = written(tmp_path, satellite="FY3C", node="D")
    granule, part = placed(path, source=source)
    found = source.combine([(granule, part)], DAY, GRID)
    assert np.isfinite(found["tb"][0]).any()
    assert np.isnan(found["tb"][1]).all()
