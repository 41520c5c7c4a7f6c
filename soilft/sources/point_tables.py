"""Tables of points as people hold them: a row a place and time, CSV or Parquet.

What a table does not say itself (names of its columns, units, the time zone) the region file says;
what neither says is refused. A value that cannot be, a row that stands there twice or a file that
ends in a row refuses the file by its name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import ConfigError, FormatMismatch
from soilft.sources.local_times import AS_STATED, seconds, zone
from soilft.sources.protocol import Granule
from soilft.sources.table_files import Lines, columns_of, texts
from soilft.sources.units import converted, in_unit, limits, stored_unit

Values = npt.NDArray[Any]

# Files whose values are kept in memory: a day after a day asks for all of them.
_KEPT = 512
_FIELDS = {
    "{year}": r"(?P<year>\d{4})",
    "{month}": r"(?P<month>\d{2})",
    "{day}": r"(?P<day>\d{2})",
    "*": r"[^/]*",
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name
        Of the variable that is made of it.
    column
        Its name in the table.
    unit
        Of its values, as in `soilft.sources.units`.
    """

    name: str
    column: str
    unit: str


@dataclass(frozen=True)
class PointTable:
    """What the tables of both products have in common.

    Parameters
    ----------
    name
        Of the files, without a folder: ``{year}``, ``{month}`` and ``{day}`` stand for what a file
        is of, ``*`` for anything. A name without ``{year}`` needs ``first`` and ``last``.
    first, last
        Days that a file can have whose name tells none; both null otherwise.
    time, latitude, longitude
        Names of the columns: ISO 8601, degrees north, degrees east.
    station
        Column of the station's name; empty where its coordinates tell it.
    step
        ``"day"``: a row is of a calendar day; ``"instant"``: of a moment.
    time_zone
        Of the times: ``"UTC"``, an offset such as ``"-07:00"``, a name such as
        ``"America/Denver"``, or as `local_times` has them. There is no default.
    separator
        Between the columns of a CSV file. Numbers have a decimal point.
    missing
        Texts and numbers that stand for a value that is not there.
    flag, good
        Column of a flag, and its values that are kept: other rows are left out.
    least_hours
        Hours of a day with a value, without which a day of moments is missing.
    cells
        ``"mean"``: of the stations in a cell; ``"nearest"``: each cell has the value of the nearest
        station within ``within_km`` of its centre.
    """

    name: str = ""
    first: date | None = None
    last: date | None = None
    time: str = "time"
    latitude: str = "latitude"
    longitude: str = "longitude"
    station: str = ""
    step: Literal["day", "instant"] = "day"
    time_zone: str = ""
    separator: str = ","
    missing: tuple[str, ...] = ("", "NA", "NaN", "nan")
    flag: str = ""
    good: tuple[str, ...] = ()
    least_hours: int = 18
    cells: Literal["mean", "nearest"] = "mean"
    within_km: float = 0.0

    product: ClassVar[str]

    @property
    def chosen(self) -> tuple[tuple[Column, float, float], ...]:
        """Columns by which rows are chosen, with the least and greatest value that is kept."""
        return ()

    def __post_init__(self) -> None:
        said = f"{self.product}: "
        if not self.name or "/" in self.name:
            raise ConfigError(
                f"{said}name",
                expected="a name of files such as weather_{year}.csv",
                found=self.name or "none",
            )
        if ("{year}" in self.name) == (self.first is not None) or (
            (self.first is None) != (self.last is None)
        ):
            raise ConfigError(
                f"{said}first and last",
                expected="the days that a file can have, where its name has no {year}, and there "
                "alone",
                found=f"{self.first} and {self.last} for {self.name}",
            )
        zone(self.time_zone, said)
        if bool(self.flag) != bool(self.good):
            raise ConfigError(
                f"{said}flag and good",
                expected="a column, and the values of it that are kept",
                found=f"{self.flag or 'no column'} and {', '.join(self.good) or 'no value'}",
            )
        if not 1 <= self.least_hours <= 24:
            raise ConfigError(f"{said}least_hours", expected="1 to 24", found=str(self.least_hours))
        if (self.cells == "nearest") != (self.within_km > 0):
            raise ConfigError(
                f"{said}within_km",
                expected="kilometres with cells: nearest, and there alone",
                found=f"{self.within_km:g} with cells: {self.cells}",
            )

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of these tables."""
        file = url.rpartition("/")[2]
        pattern = re.escape(self.name)
        for field, text in _FIELDS.items():
            pattern = pattern.replace(re.escape(field), text, 1 if "{" in field else -1)
        match = re.fullmatch(pattern, file)
        if match is None:
            return None
        days = self._days(match.groupdict())
        return Granule(days, file, "1", url) if days else None

    def _days(self, named: dict[str, str]) -> tuple[date, ...]:
        """Days that a file can have by what its name tells, and those that a time zone adds."""
        first, last = self.first, self.last
        if first is None or last is None:
            try:
                first = date(
                    int(named["year"]), int(named.get("month", 1)), int(named.get("day", 1))
                )
            except ValueError:
                return ()
            if "day" in named:
                last = first
            elif "month" in named:
                last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(1)
            else:
                last = date(first.year, 12, 31)
        if self.step == "instant" and self.time_zone != "UTC":
            first, last = first - timedelta(days=1), last + timedelta(days=1)
        return tuple(first + timedelta(days=k) for k in range((last - first).days + 1))

    def table(self, path: Path, columns: Sequence[Column]) -> Rows:
        """Rows of a file, checked; kept in memory for the days that will ask for it again.

        Raises
        ------
        InputError
            Where the file is not what the settings say.
        """
        told = path.stat()
        return _rows(path, told.st_size, told.st_mtime_ns, self, tuple(columns))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table, each of a station at a time.

    Parameters
    ----------
    stations
        Identifier, latitude and longitude of each station, in order of the identifiers.
    station
        Number of its station, (row,).
    moment
        UTC, datetime64[s]; of a calendar day its noon, (row,).
    day
        Days since 1970-01-01 that the row stands under, (row,).
    values
        By name of the variable, in units of the product, NaN where missing, (row,).
    """

    stations: tuple[tuple[str, float, float], ...]
    station: Values
    moment: Values
    day: Values
    values: dict[str, Values]


@lru_cache(maxsize=_KEPT)
def _rows(
    path: Path,
    size: int,  # noqa: ARG001 - another file of the same name is another
    modified: int,  # noqa: ARG001
    layout: PointTable,
    columns: tuple[Column, ...],
) -> Rows:
    wanted = [layout.time, layout.latitude, layout.longitude, *(c.column for c in columns)]
    wanted += [column.column for column, _, _ in layout.chosen]
    wanted += [name for name in (layout.station, layout.flag) if name]
    table, lines = columns_of(path, list(dict.fromkeys(wanted)), layout.separator)
    if layout.flag:
        good = np.isin(texts(table[layout.flag]).astype(str), layout.good)
        table, lines = {name: column[good] for name, column in table.items()}, lines[good]
    for column, low, high in layout.chosen:
        reading = Lines(path, lines, frozenset(layout.missing))
        found = reading.numbers(table[column.column], column.column, needed=True)
        found = converted(found, column.unit)
        kept = (found >= low - 1e-9) & (found <= high + 1e-9)
        table, lines = {name: item[kept] for name, item in table.items()}, lines[kept]
    if not len(lines):
        raise FormatMismatch(
            path.name,
            expected="rows of the flag, and of the depth, that are asked for",
            found="none",
        )
    place = Lines(path, lines, frozenset(layout.missing))
    latitude = place.numbers(table[layout.latitude], layout.latitude, needed=True)
    longitude = place.numbers(table[layout.longitude], layout.longitude, needed=True)
    swapped = "Are latitude and longitude swapped?"
    place.within(latitude, -90.0, 90.0, layout.latitude, "degrees north", swapped)
    place.within(longitude, -180.0, 360.0, layout.longitude, "degrees east", swapped)
    station, stations = _stations(place, table, layout, latitude, longitude)
    moment, day = _times(place, table[layout.time], layout, longitude)
    _require_once(place, station, moment, stations, layout.step)
    values = {}
    for column in columns:
        found = place.numbers(table[column.column], column.column)
        unit = stored_unit(column.unit)
        low, high = (in_unit(limit, column.unit) for limit in limits(unit))
        text = f"Is {column.unit} the unit? A code of missing values belongs to 'missing'."
        place.within(found, low, high, column.column, column.unit, text)
        values[column.name] = converted(found, column.unit)
    return Rows(stations, station, moment, day, values)


def _stations(
    place: Lines, table: dict[str, Values], layout: PointTable, lat: Values, lon: Values
) -> tuple[Values, tuple[tuple[str, float, float], ...]]:
    """Number of each row's station, and the stations: one place each."""
    names = (
        texts(table[layout.station])
        if layout.station
        else np.array([f"{a:.6f} {b:.6f}" for a, b in zip(lat, lon, strict=True)], object)
    )
    unique, first, station = np.unique(names.astype(str), return_index=True, return_inverse=True)
    moved = np.flatnonzero((lat != lat[first][station]) | (lon != lon[first][station]))
    if len(moved):
        row, name = int(moved[0]), unique[station[moved[0]]]
        there = f"{lat[first][station[row]]:g}, {lon[first][station[row]]:g}"
        raise place.refused(
            row, layout.station, f"{name} at {there}, as before", f"{lat[row]:g}, {lon[row]:g}"
        )
    stations = zip(unique.tolist(), lat[first].tolist(), lon[first].tolist(), strict=True)
    return station, tuple(stations)


def _times(place: Lines, column: Values, layout: PointTable, lon: Values) -> tuple[Values, Values]:
    """Moment in UTC, and the day that it stands under."""
    texts = [item.isoformat() if isinstance(item, date) else str(item) for item in column]
    found = [_parsed(place, row, text, layout) for row, text in enumerate(texts)]
    hours = np.rint(((lon + 180.0) % 360.0 - 180.0) / 15.0)
    offset = zone(layout.time_zone, "")
    moments = np.array(
        [seconds(moment, offset, hour) for moment, hour in zip(found, hours.tolist(), strict=True)],
        "int64",
    )
    if layout.step == "day":
        named = [(moment.date() - date(1970, 1, 1)).days for moment in found]
        return moments.astype("datetime64[s]"), np.array(named, "int64")
    return moments.astype("datetime64[s]"), moments // 86400


def _parsed(place: Lines, row: int, text: str, layout: PointTable) -> datetime:
    day, stated = layout.step == "day", layout.time_zone == AS_STATED
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        expected = "a day such as 2020-01-31" if day else "a time such as 2020-01-31T06:00"
        raise place.refused(row, layout.time, expected, repr(text)) from None
    if (moment.tzinfo is not None) != (stated and not day):
        expected = "a time that states its offset" if stated else "a time without an offset"
        raise place.refused(row, layout.time, expected, repr(text))
    if day:
        if moment.time() != datetime.min.time():
            raise place.refused(row, layout.time, "a day, without a time of the day", repr(text))
        return moment.replace(hour=12)
    return moment


def _require_once(
    place: Lines,
    station: Values,
    moment: Values,
    stations: Sequence[tuple[str, float, float]],
    step: str,
) -> None:
    order = np.lexsort((moment, station))
    same = (np.diff(station[order]) == 0) & (np.diff(moment[order]).astype("int64") == 0)
    if same.any():
        one, other = sorted(order[np.flatnonzero(same)[0] :][:2].tolist())
        raise place.refused(
            other,
            f"{stations[station[other]][0]}",
            f"a {step} of a station once",
            f"{str(moment[other])[: 10 if step == 'day' else 16]} in line {place.lines[one]}, too",
        )


def daily(rows: Rows, layout: PointTable) -> xr.Dataset:
    """Means of each station's days, (day, station), with the hours that have a value.

    Returns
    -------
    xarray.Dataset
        The variables of the rows, float64, NaN where missing; ``hour`` of the observation since
        00:00 UTC of the day; coordinates ``day`` (days since 1970), ``latitude``, ``longitude`` and
        ``name`` of the station.
    """
    days, at = np.unique(rows.day, return_inverse=True)
    shape = (len(days), len(rows.stations))
    cell = at * shape[1] + rows.station
    hour = (rows.moment - rows.day.astype("datetime64[D]")).astype("int64") / 3600
    found: dict[str, Any] = {}
    for name, values in rows.values.items():
        known = np.isfinite(values)
        found[name] = _mean(values, known, cell, shape)
        if layout.step == "instant":
            slots = np.unique(cell[known] * 24 + hour[known].astype(int)) // 24
            hours = np.bincount(slots, minlength=shape[0] * shape[1]).reshape(shape)
            found[name][hours < layout.least_hours] = np.nan
    found["hour"] = _mean(hour, np.ones(len(hour), bool), cell, shape)
    names, latitude, longitude = zip(*rows.stations, strict=True)
    return xr.Dataset(
        {name: (("day", "station"), values) for name, values in found.items()},
        {
            "day": days,
            "name": ("station", np.array(names, object)),
            "latitude": ("station", np.array(latitude)),
            "longitude": ("station", np.array(longitude)),
        },
    )


def _mean(values: Values, known: Values, cell: Values, shape: tuple[int, int]) -> Values:
    size = shape[0] * shape[1]
    total = np.bincount(cell[known], weights=values[known], minlength=size)
    count = np.bincount(cell[known], minlength=size)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan)).reshape(shape)
