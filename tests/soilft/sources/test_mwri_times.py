"""MWRI L1: of the readings of the time of a scan, the one that fits, and scans beyond midnight."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from soilft.errors import FormatMismatch, GridMismatch, MissingVariable
from tests.support.mwri import (
    DAY,
    GRID,
    MIDNIGHT,
    NOON,
    SCANS,
    SOURCE,
    START,
    Times,
    combined,
    counters,
    expected_means,
    granule_of,
    kelvins,
    milliseconds,
    one_table,
    period,
    written,
)


def seconds_of_day(time: datetime) -> float:
    return (time - time.replace(hour=0, minute=0, second=0)).total_seconds()


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
