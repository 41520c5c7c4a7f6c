"""Times of native files, decoded whatever their units, and held against the files' names."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import FormatMismatch

_DAY = 86400.0
_SECONDS = {
    "day": _DAY,
    "d": _DAY,
    "hour": 3600.0,
    "hr": 3600.0,
    "h": 3600.0,
    "minute": 60.0,
    "min": 60.0,
    "second": 1.0,
    "sec": 1.0,
    "s": 1.0,
    "millisecond": 1e-3,
    "microsecond": 1e-6,
    "nanosecond": 1e-9,
}
# Years of four digits: what stands before is of the Julian calendar to some programs.
_UNITS = re.compile(
    r"\s*(?P<unit>[a-z]+?)s?\s+since\s+(?P<date>\d{4}-\d\d?-\d\d?)"
    r"(?:[T ]\s*(?P<time>\d\d?:\d\d?(?::\d\d?(?:\.\d*)?)?))?\s*(?:UTC|GMT|Z|[+-]?0+:?0*)?\s*",
    re.IGNORECASE,
)
_CALENDARS = ("standard", "gregorian", "proleptic_gregorian")


def days_since_1970(array: xr.DataArray, path: Path) -> npt.NDArray[np.float64]:
    """Times of a variable that was opened undecoded, by its units; fills are NaN.

    The same moments may be written in any unit since any epoch: programs that cut or rewrite a
    file choose their own.

    Parameters
    ----------
    array
        Numbers, with the attribute ``units``, such as ``"minutes since 2000-01-01 03:00:00"``.

    Returns
    -------
    numpy.ndarray
        Days since 1970-01-01 00:00 UTC, in the array's shape.

    Raises
    ------
    FormatMismatch
        Where the units are not of time since a moment of the calendar that is in use.
    """
    unit, epoch = _units(array, path)
    stored = np.asarray(array.values)
    days = np.asarray(epoch + stored.astype("float64") * (unit / _DAY))
    for key in ("_FillValue", "missing_value"):
        if key in array.attrs:
            days = np.where(stored == np.ravel(array.attrs[key])[0], np.nan, days)
    return days


def require_units(array: xr.DataArray, path: Path) -> None:
    """Check that `days_since_1970` will understand a variable, without its values.

    Raises
    ------
    FormatMismatch
        As `days_since_1970`.
    """
    _units(array, path)


def require_time(dataset: xr.Dataset, named: float, path: Path, *, slack: float) -> None:
    """Hold the one time of a file against its name, where the file has a variable ``time``.

    Parameters
    ----------
    dataset
        Opened undecoded.
    named
        What the name says, days since 1970-01-01 00:00 UTC.
    slack
        Days; any time that is nearer is that of the name.

    Raises
    ------
    FormatMismatch
        Where the file is of another time, or of several: it was renamed.
    """
    if "time" not in dataset.variables:
        return
    found = np.ravel(days_since_1970(dataset["time"], path))
    if found.size == 1 and abs(found[0] - named) < slack:
        return
    raise FormatMismatch(
        f"{path.name}: time",
        expected=f"{_text(named)} UTC, as named",
        found=", ".join(map(_text, found[:3])) or "none",
        remedy="Was the file renamed? Give it the name of its own time.",
    )


def _units(array: xr.DataArray, path: Path) -> tuple[float, float]:
    """Seconds of a unit, and the epoch in days since 1970."""
    said = str(array.attrs.get("units", "none"))
    calendar = str(array.attrs.get("calendar", "standard")).lower()
    match = _UNITS.fullmatch(said)
    seconds = _SECONDS.get(match["unit"].lower()) if match else None
    if match and seconds and calendar in _CALENDARS:
        whole, _, fraction = f"{match['date']} {match['time'] or ''}".partition(".")
        try:
            epoch = datetime(*map(int, re.findall(r"\d+", whole)), tzinfo=UTC)  # type: ignore[misc,arg-type]
        except ValueError:
            pass
        else:
            return seconds, (epoch.timestamp() + float(f"0.{fraction or 0}")) / _DAY
    raise FormatMismatch(
        f"{path.name}: units of {array.name}",
        expected="a unit of time since a date, such as 'days since 1970-01-01 00:00:00'",
        found=f"{said!r}, calendar {calendar}",
    )


def _text(days: float) -> str:
    if not np.isfinite(days):
        return "no time"
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(days=float(days))
    except OverflowError:
        return f"day {days:g} since 1970-01-01"
    return f"{moment:%Y-%m-%d %H:%M}"
