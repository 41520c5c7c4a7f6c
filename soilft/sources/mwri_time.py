"""Scan times of MWRI L1 granules: the reading of their stamps that fits the file.

FY-3C and FY-3D files count days and milliseconds (``Scan_Daycnt``, ``Scan_Mscnt``); whether from
noon or from midnight of 2000-01-01 is not certain. FY-3B files have one table
(``Scan_Time_and_Period``) whose columns no document at hand describes. Every reading is tried
against the beginning and the end of observation that the file states, half an orbit of about 50
minutes: of readings 12 hours apart, at most one fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.errors import FormatMismatch, MissingVariable

Floats = npt.NDArray[np.float64]

DAY = 86_400.0
EPOCHS: Mapping[str, float] = {
    "2000-01-01 12:00": datetime(2000, 1, 1, 12, tzinfo=UTC).timestamp(),
    "2000-01-01 00:00": datetime(2000, 1, 1, tzinfo=UTC).timestamp(),
}
# Half an orbit is about 50 minutes; more than this is no granule.
LONGEST = 3 * 3600.0
# How far the name's minute may be from the beginning that the file states.
NAME_SLACK = 3600.0
# How far scans may lie outside the stated period.
SCAN_SLACK = 300.0
# Share of scans with a time that must lie in the period; others have a damaged time.
FITTING = 0.9
# How much faster or slower scans may follow each other than the period says, for some are lost.
_PACE = 2.0
# Days since 2000 that a satellite of this series can have counted.
_DAYS = (1000, 20_000)


@dataclass(frozen=True)
class Period:
    """When a granule was observed, seconds since 1970-01-01 UTC.

    Parameters
    ----------
    end
        None where the file does not state it.
    """

    begin: float
    end: float | None

    @property
    def latest(self) -> float:
        """When it ended at the latest."""
        return self.begin + LONGEST if self.end is None else self.end

    def __str__(self) -> str:
        texts = (datetime.fromtimestamp(t, UTC) for t in (self.begin, self.latest))
        return " to ".join(f"{text:%Y-%m-%d %H:%M:%S}" for text in texts)


def stated_period(attributes: Mapping[str, str], named: datetime, name: str) -> Period:
    """Period that a file states, held against its name; from the name where it states none.

    Parameters
    ----------
    attributes
        Text of root attributes by name, with blanks between words.
    named
        UTC time in the file's name.
    name
        The file's name.

    Raises
    ------
    FormatMismatch
        Where an attribute is no date and time, or name and attributes do not agree.
    """
    begin = _moment(attributes, "Observing Beginning", name)
    end = _moment(attributes, "Observing Ending", name)
    if begin is None:
        return Period(named.timestamp() - SCAN_SLACK, None)
    if abs(begin - named.timestamp()) > NAME_SLACK:
        raise FormatMismatch(
            f"{name}: Observing Beginning Date and Time",
            expected=f"{named:%Y-%m-%d %H:%M} as in the name, within an hour",
            found=f"{datetime.fromtimestamp(begin, UTC):%Y-%m-%d %H:%M:%S}",
            remedy="Was the file renamed?",
        )
    if end is not None and not 0 < end - begin <= LONGEST:
        raise FormatMismatch(
            f"{name}: Observing Ending Date and Time",
            expected="at most three hours after the beginning",
            found=str(Period(begin, end)),
        )
    return Period(begin, end)


_CALENDAR = re.compile(r"(\d{4})\D?(\d\d)\D?(\d\d)$")
_CLOCK = re.compile(r"(\d\d)\D?(\d\d)\D?(\d\d)(\.\d*)?Z?$")


def _moment(attributes: Mapping[str, str], what: str, name: str) -> float | None:
    """Seconds since 1970 of a pair of attributes, None where one of them is not there."""
    texts = [attributes.get(f"{what} {part}") for part in ("Date", "Time")]
    if texts[0] is None or texts[1] is None:
        return None
    calendar, clock = _CALENDAR.match(texts[0]), _CLOCK.match(texts[1])
    try:
        if calendar and clock:
            whole = (int(n) for n in (*calendar.groups(), *clock.groups()[:3]))
            seconds = datetime(*whole, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]
            return seconds + float(f"0{clock[4] or '.0'}")
    except ValueError:
        pass
    raise FormatMismatch(
        f"{name}: {what} Date and Time",
        expected="a date and a time of day, such as 2012-01-31 and 23:59:59.999",
        found=f"{texts[0]} {texts[1]}",
    )


def from_counters(days: Floats, milliseconds: Floats) -> Iterator[tuple[str, Floats]]:
    """Readings of a count of days and of milliseconds of the day, seconds since 1970."""
    counted = (days >= _DAYS[0]) & (days <= _DAYS[1])
    counted &= (milliseconds >= 0) & (milliseconds <= 1000 * (DAY + 2))
    since = np.where(counted, DAY * days + milliseconds / 1000, np.nan)
    for epoch, start in EPOCHS.items():
        yield f"days and milliseconds since {epoch}", start + since


def from_columns(columns: Floats, period: Period) -> Iterator[tuple[str, Floats]]:
    """Readings of a table that begins with the time, seconds since 1970.

    Parameters
    ----------
    columns
        Shape (scan, column).
    """
    first = columns[:, 0]
    if columns.shape[1] > 1:
        yield from from_counters(first, columns[:, 1])
        for text, times in from_counters(first, 1000 * columns[:, 1]):
            yield text.replace("milliseconds", "seconds"), times
    for unit, seconds in {"seconds": 1.0, "milliseconds": 1e-3, "days": DAY}.items():
        since = np.where(first > 0, seconds * first, np.nan)
        for epoch, start in EPOCHS.items():
            yield f"{unit} since {epoch}", start + since
    midnight = DAY * np.floor(period.begin / DAY)
    for unit, seconds in {"seconds": 1.0, "milliseconds": 1e-3, "hours": 3600.0}.items():
        clock = np.where((first >= 0) & (seconds * first <= DAY + 2), seconds * first, np.nan)
        past = midnight + clock < period.begin - DAY / 2
        yield f"{unit} of the UTC day", midnight + clock + DAY * past
    if columns.shape[1] >= 6:
        yield "year, month, day, hour, minute and second", _calendar(columns)


def _calendar(columns: Floats) -> Floats:
    year, month, day, hour, minute, second = columns[:, :6].T
    limits = ((year, 2000, 2100), (month, 1, 12), (day, 1, 31), (hour, 0, 23), (minute, 0, 59))
    known = np.all([(part >= low) & (part <= high) for part, low, high in limits], axis=0)
    months = np.where(known, 12 * (year - 1970) + month - 1, 0).astype("int64")
    start = months.astype("datetime64[M]").astype("datetime64[s]").astype("float64")
    times = start + DAY * (day - 1) + 3600 * hour + 60 * minute + second
    return np.where(known, times, np.nan)


def table(values: npt.NDArray[Any], scans: int) -> Floats | None:
    """Columns of a scan-wise array, shape (scan, column); None where it is not one a scan."""
    if values.dtype.names:
        fields = [values[name].reshape(len(values), -1) for name in values.dtype.names]
        values = np.concatenate(fields, axis=1)
    columns = np.asarray(values, "float64")
    if columns.ndim == 1:
        columns = columns[:, None]
    if columns.ndim != 2 or scans not in columns.shape:
        return None
    return columns if columns.shape[0] == scans else columns.T


def fitting(
    readings: Sequence[tuple[str, Floats]], period: Period, name: str, found: str
) -> Floats | None:
    """First reading that agrees with the stated period; times outside of it are missing.

    Parameters
    ----------
    name, found
        The file, and what it holds, for the message.

    Returns
    -------
    array or None
        Seconds since 1970, shape (scan,), NaN where missing; None where no reading has a time.

    Raises
    ------
    FormatMismatch
        Where there are times, and no reading of them fits.
    """
    any_time = False
    for _, times in readings:
        known = np.isfinite(times)
        if not known.any():
            continue
        any_time = True
        inside = (times >= period.begin - SCAN_SLACK) & (times <= period.latest + SCAN_SLACK)
        if inside[known].mean() >= FITTING and _goes_on(np.where(inside, times, np.nan), period):
            return np.where(inside, times, np.nan)
    if not any_time:
        return None
    raise FormatMismatch(
        f"{name}: times of scans",
        expected=f"{period}, as {'; '.join(text for text, _ in readings)}",
        found=found,
    )


def _goes_on(times: Floats, period: Period) -> bool:
    """Whether time passes from scan to scan about as fast as the stated period says.

    Shortly after midnight small numbers of any meaning are seconds of the day that fit.
    """
    scan = np.flatnonzero(np.isfinite(times))
    if len(scan) < 2:
        return True
    passed = times[scan[-1]] - times[scan[0]]
    if period.end is None:
        return bool(passed > 0)
    expected = (period.end - period.begin) * (scan[-1] - scan[0]) / max(len(times) - 1, 1)
    return bool(expected / _PACE <= passed <= expected * _PACE)


def evenly(period: Period, scans: int, name: str) -> Floats:
    """Times of scans from beginning to end, where the file does not give them one by one.

    Raises
    ------
    MissingVariable
        Where the file does not state both.
    """
    if period.end is None:
        raise MissingVariable(
            name,
            expected="Scan_Daycnt and Scan_Mscnt, Scan_Time_and_Period, or the attributes "
            "Observing Beginning and Ending Date and Time",
            found="no time of any scan",
        )
    return np.linspace(period.begin, period.end, scans)
