"""Tables of points as people hold them: a row a place and time, CSV or Parquet.

What a table does not say itself (names of its columns, units, the time zone) the region file says;
what neither says is refused. A value that cannot be, a row that stands there twice or a file that
ends in a row refuses the file by its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import number
from soilft.errors import ConfigError, FormatMismatch
from soilft.grid import Grid
from soilft.sources import point_rows
from soilft.sources.local_times import AS_STATED, zone
from soilft.sources.protocol import Arrays, Granule
from soilft.sources.station_cells import require_touching
from soilft.sources.stations import MAX_GAP_HOURS
from soilft.store.digest import UNSPELLED

Values = npt.NDArray[Any]

# Hours around a day whose readings tell of its first and last.
REACH_HOURS = MAX_GAP_HOURS
# Hours from a reading within which an hour of the day is known.
_KNOWN_HOURS = MAX_GAP_HOURS / 2
_FIELDS: Mapping[str, str] = MappingProxyType(
    {"{year}": r"(?P<year>\d{4})", "{month}": r"(?P<month>\d{2})", "{day}": r"(?P<day>\d{2})"}
)
# Names of axes and of what stands beside the values; a spread is named after its column.
_TAKEN = frozenset(
    ("time", "overpass", "y", "x", "crs", "row", "station", "moment", "day", "hour", "latitude")
) | {"longitude", "time_bnds", "station_count", "freeze_thaw", "observation_time"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?<!_spread)")


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
        Texts and numbers that stand for a value that is not there, beside nothing at all.
    flag, good
        Column of a flag, and its values that are kept: other rows are left out.
    least_hours
        Hours of a day that lie within an hour and a half of a value, without which a day of moments
        is missing: of a table of every third hour all 24 do.
    cells
        ``"mean"``: of the stations in a cell; ``"nearest"``: each cell has the value of the nearest
        station within ``within_km`` of its centre.
    """

    # Which files there are decides no value of one.
    name: str = field(default="", metadata=UNSPELLED)
    first: date | None = field(default=None, metadata=UNSPELLED)
    last: date | None = field(default=None, metadata=UNSPELLED)
    time: str = "time"
    latitude: str = "latitude"
    longitude: str = "longitude"
    station: str = ""
    step: Literal["day", "instant"] = "day"
    time_zone: str = ""
    separator: str = ","
    missing: tuple[str, ...] = ("NA", "NaN", "nan")
    flag: str = ""
    good: tuple[str, ...] = ()
    least_hours: int = 18
    cells: Literal["mean", "nearest"] = "mean"
    within_km: float = 0.0

    product: ClassVar[str]

    @property
    def read_columns(self) -> tuple[Column, ...]:
        """Columns of values that are read."""
        raise NotImplementedError

    @property
    def chosen(self) -> tuple[tuple[Column, float, float], ...]:
        """Columns by which rows are chosen, with the least and greatest value that is kept."""
        return ()

    def __post_init__(self) -> None:
        fields = re.findall(r"\{\w*\}", self.name)
        known = set(fields) <= set(_FIELDS) and len(set(fields)) == len(fields)
        if not self.name or "/" in self.name or not known or fields == ["{year}", "{day}"]:
            self.refuse(
                "name", "a name of files such as weather_{year}{month}.csv", self.name or "none"
            )
        told = ("{year}" in fields, self.first is not None, self.last is not None)
        in_order = not self.first or not self.last or self.first <= self.last
        if told not in ((True, False, False), (False, True, True)) or not in_order:
            self.refuse(
                "first and last",
                "the days that a file can have, where its name has no {year}, and there alone",
                f"{self.first} and {self.last} for {self.name}",
            )
        zone(self.time_zone, self.product)
        if self.time_zone == AS_STATED and self.step == "day":
            self.refuse("time_zone", "one of the table's: a day states none", self.time_zone)
        if len(self.separator) != 1 or self.separator in "\r\n\"'":
            self.refuse("separator", "one character", repr(self.separator))
        if bool(self.flag) != bool(self.good):
            found = f"{self.flag or 'no column'} and {', '.join(self.good) or 'no value'}"
            self.refuse("flag and good", "a column, and the values of it that are kept", found)
        if not 1 <= self.least_hours <= 24:
            self.refuse("least_hours", "1 to 24", str(self.least_hours))
        if not math.isfinite(self.within_km) or (self.cells == "nearest") != (self.within_km > 0):
            found = f"{self.within_km:g} with cells: {self.cells}"
            self.refuse("within_km", "kilometres with cells: nearest, and there alone", found)
        for column in self.read_columns:
            if not _NAME.fullmatch(column.name) or column.name in _TAKEN:
                self.refuse("columns", "names of letters and digits that no axis has", column.name)

    def refuse(self, setting: str, expected: str, found: str) -> None:
        """Raise the error of a setting.

        Raises
        ------
        ConfigError
            Always.
        """
        raise ConfigError(f"{self.product}: {setting}", expected=expected, found=found)

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of these tables.

        Files of one name in several folders are several tables: a folder may be a station's.
        """
        pattern = re.escape(self.name).replace(re.escape("*"), r"[^/]*")
        for name, text in _FIELDS.items():
            pattern = pattern.replace(re.escape(name), text)
        match = re.fullmatch(pattern, url.rpartition("/")[2])
        days = None if match is None else self._days(match.groupdict())
        return Granule(days, url, "1", url) if days else None

    def _days(self, named: Mapping[str, str]) -> tuple[date, ...]:
        """Days that a file can have by what its name tells, and those that a time zone adds."""
        first, last = self.first, self.last
        try:
            if first is None or last is None:
                month, day = named.get("month"), named.get("day")
                first = date(int(named["year"]), int(month or 1), int(day or 1))
                last = first if day else _end_of(first, month=bool(month))
            if self.step == "instant":
                first, last = first - timedelta(days=1), last + timedelta(days=1)
        except (ValueError, OverflowError):
            return ()
        return tuple(first + timedelta(days=k) for k in range((last - first).days + 1))

    def read(self, path: Path) -> xr.Dataset:
        """Open a table: its rows in units of the product, in order of station and moment, (row,).

        Raises
        ------
        InputError
            Where the file is not what the settings say.
        """
        return point_rows.read(path, self)

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """What a table says of a day: its rows of it, and of moments those just around it.

        Raises
        ------
        FormatMismatch
            Where the table has a day that its name, or the region file, does not give it.
        GridMismatch
            Where none of its stations speaks of a cell.
        """
        days = dataset.day.values
        for extreme in (days.min(), days.max()):
            if not number(granule.days[0]) <= extreme <= number(granule.days[-1]):
                raise FormatMismatch(
                    granule.name,
                    expected=f"days of {granule.days[0]} to {granule.days[-1]}",
                    found=str(np.datetime64(int(extreme), "D")),
                    remedy="Was the file renamed? Its name, or first and last, tell its days.",
                )
        require_touching(dataset, grid, granule.name, self.cells, self.within_km)
        if self.step == "day":
            of_day = np.flatnonzero(days == number(day))
        else:
            hours = dataset.moment.values / 3600 - 24 * number(day)
            of_day = np.flatnonzero((hours >= -REACH_HOURS) & (hours < 24 + REACH_HOURS))
        return {str(name): array.values[of_day] for name, array in dataset.variables.items()}

    def together(self, parts: Sequence[tuple[Granule, Arrays]], day: date) -> Arrays:
        """Rows of all tables of a day, in order of station and moment.

        Raises
        ------
        FormatMismatch
            Where two tables have a station at the same moment, or at two places.
        """
        owner = np.concatenate([np.full(len(a["moment"]), k) for k, (_, a) in enumerate(parts)])
        found = {key: np.concatenate([a[key] for _, a in parts]) for key in parts[0][1]}
        order = np.lexsort((owner, found["moment"], found["station"]))
        found, owner = {key: values[order] for key, values in found.items()}, owner[order]
        same = found["station"][1:] == found["station"][:-1]
        twice = same & (found["moment"][1:] == found["moment"][:-1])
        moved = same & (found["latitude"][1:] != found["latitude"][:-1])
        moved |= same & (found["longitude"][1:] != found["longitude"][:-1])
        for wrong, expected in ((twice, f"a station's {day} once"), (moved, "a station in place")):
            if wrong.any():
                at = int(np.flatnonzero(wrong)[0])
                one, other = (parts[owner[k]][0] for k in (at, at + 1))
                raise FormatMismatch(
                    other.url,
                    expected=f"{expected}, in all tables",
                    found=f"{found['station'][at]} in {one.url}, too",
                    remedy="Leave one of the tables out.",
                )
        return found

    def of_day(self, rows: Arrays, day: date) -> Arrays:
        """Stations of a day from its rows: coordinates, means, and the hour of observation.

        Returns
        -------
        dict of array
            ``station``, ``latitude``, ``longitude``, ``hour`` since 00:00 UTC and the columns,
            NaN where missing, (station,).
        """
        hours = rows["moment"] / 3600 - 24 * number(day)
        inside = (hours >= 0) & (hours < 24) if self.step == "instant" else hours == hours
        rows = {key: values[inside] for key, values in rows.items()}
        hours = hours[inside]
        names, first, at = np.unique(rows["station"], return_index=True, return_inverse=True)
        found: Arrays = {key: rows[key][first] for key in ("latitude", "longitude")}
        found |= {"station": names, "hour": _mean(hours, at, len(names))}
        for column in self.read_columns:
            values = rows[column.name]
            known = np.isfinite(values)
            mean = _mean(values[known], at[known], len(names))
            if self.step == "instant":
                told = _hours_told(hours[known], at[known], len(names))
                mean[told < self.least_hours] = np.nan
            found[column.name] = mean
        return found


def _end_of(first: date, *, month: bool) -> date:
    if not month:
        return date(first.year, 12, 31)
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _mean(values: Values, station: Values, stations: int) -> Values:
    total = np.bincount(station, weights=values, minlength=stations)
    count = np.bincount(station, minlength=stations)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _hours_told(hours: Values, station: Values, stations: int) -> Values:
    """Hours of the day whose middle lies near a value, of each station."""
    told = np.zeros((stations, 24), bool)
    for hour in range(24):
        told[station[np.abs(hours - (hour + 0.5)) <= _KNOWN_HOURS], hour] = True
    return np.asarray(told.sum(axis=1))
