"""Tables of points as people hold them: a row a place and time, CSV or Parquet.

What a table does not say itself (names of its columns, units, the time zone) the region file says;
what neither says is refused. A value that cannot be, a row that stands there twice or a file that
ends in a row refuses the file by its name.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from soilft.errors import (
    ConfigError,
    FormatMismatch,
    GridMismatch,
    MissingVariable,
    UnreadableGranule,
)
from soilft.grid import Grid
from soilft.sources.protocol import Granule
from soilft.sources.stations import cells
from soilft.sources.units import converted, in_unit, limits, stored_unit

Values = npt.NDArray[Any]

#: A time zone of each place's own: the hour of its meridian, without summer time.
OF_THE_MERIDIAN = "of the meridian"
#: A time zone that each time states itself, such as 2020-01-01T06:00-07:00.
AS_STATED = "as stated"
PARQUET = (".parquet", ".pq")
# Files whose values are kept in memory: a day after a day asks for all of them.
_KEPT = 512
_EARTH_KM = 6371.0
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)")
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
        ``"America/Denver"``, `OF_THE_MERIDIAN`, or `AS_STATED`. There is no default.
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
        _zone(self.time_zone, said)
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
    size: int,
    modified: int,  # noqa: ARG001 - another file of the same name is another
    layout: PointTable,
    columns: tuple[Column, ...],
) -> Rows:
    if not size:
        raise UnreadableGranule(path.name, expected="a table", found="an empty file")
    wanted = [layout.time, layout.latitude, layout.longitude, *(c.column for c in columns)]
    wanted += [column.column for column, _, _ in layout.chosen]
    wanted += [name for name in (layout.station, layout.flag) if name]
    read = _parquet if path.suffix.lower() in PARQUET else _csv
    table, lines = read(path, list(dict.fromkeys(wanted)), layout.separator)
    if layout.flag:
        good = np.isin(_texts(table[layout.flag]).astype(str), layout.good)
        table, lines = {name: column[good] for name, column in table.items()}, lines[good]
    for column, low, high in layout.chosen:
        reading = _Reading(path, lines, frozenset(layout.missing))
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
    place = _Reading(path, lines, frozenset(layout.missing))
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


def _csv(path: Path, wanted: list[str], separator: str) -> tuple[dict[str, Values], Values]:
    """Columns of a CSV file as texts, and the number of each row's line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableGranule(
            path.name, expected="a table in UTF-8", found=f"{error.reason} at byte {error.start}"
        ) from error
    if not text.endswith(("\n", "\r")):
        raise UnreadableGranule(
            path.name,
            expected="a line end after the last row",
            found=f"{text[-20:]!r}",
            remedy="The file is cut off. Where it is whole, add the line end.",
        )
    reader = csv.reader(text.splitlines(), delimiter=separator, strict=True)
    lines, rows = [], []
    try:
        header = [name.strip() for name in next(reader)]
        for row in reader:
            if row:
                lines.append(reader.line_num)
                rows.append(row)
    except (csv.Error, StopIteration) as error:
        found = str(error) or "no header"
        raise UnreadableGranule(path.name, expected="a CSV table", found=found) from error
    _require_columns(path, wanted, header)
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise FormatMismatch(
                f"{path.name}: line {line}",
                expected=f"{len(header)} columns separated by {separator!r}",
                found=str(len(row)),
                remedy="Decimal commas, or another separator? Numbers have a decimal point.",
            )
    at = {name: header.index(name) for name in wanted}
    table = {name: np.array([row[k].strip() for row in rows], object) for name, k in at.items()}
    return table, np.array(lines, int)


def _parquet(path: Path, wanted: list[str], _: str) -> tuple[dict[str, Values], Values]:
    """Columns of a Parquet file, and the number of each row."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names
        _require_columns(path, wanted, names)
        frame = pd.read_parquet(path, columns=wanted)
    except (OSError, pa.ArrowException) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UnreadableGranule(path.name, expected="a whole Parquet file", found=first) from error
    return {name: frame[name].to_numpy() for name in wanted}, np.arange(1, len(frame) + 1)


def _require_columns(path: Path, wanted: Collection[str], header: Sequence[str]) -> None:
    absent = [name for name in wanted if name not in header]
    twice = sorted({name for name in wanted if header.count(name) > 1})
    if absent or twice:
        raise MissingVariable(
            path.name,
            expected=f"the columns {', '.join(wanted)}, each once",
            found=f"{', '.join(header) or 'none'}",
            remedy="Name the columns and the separator as the table has them.",
        )


def _texts(column: Values) -> Values:
    return np.array([str(item).strip() for item in column], object)


@dataclass(frozen=True)
class _Reading:
    """A table that is being read: messages name the file and the line."""

    path: Path
    lines: Values
    missing: frozenset[str]

    def refused(self, row: int, column: str, expected: str, found: str, remedy: str = "") -> Any:
        return FormatMismatch(
            f"{self.path.name}: line {self.lines[row]}: {column}",
            expected=expected,
            found=found,
            remedy=remedy,
        )

    def numbers(self, column: Values, name: str, *, needed: bool = False) -> Values:
        """Numbers of a column, NaN where missing."""
        if column.dtype == object:
            texts = [str(item).strip() for item in column]
            gone = np.array([text in self.missing for text in texts], bool)
            found = np.full(len(texts), np.nan)
            for row in np.flatnonzero(~gone).tolist():
                found[row] = self._number(texts[row], row, name)
        else:
            found = np.asarray(column, "float64")
            codes = [float(text) for text in self.missing if _is_number(text)]
            found = np.where(np.isin(found, codes), np.nan, found)
        if needed and not np.isfinite(found).all():
            first = int(np.flatnonzero(~np.isfinite(found))[0])
            raise self.refused(first, name, "a number", str(column[first]) or "nothing")
        return found

    def _number(self, text: str, row: int, name: str) -> float:
        if not _is_number(text):
            remedy = "A decimal comma? Numbers have a decimal point." if "," in text else ""
            raise self.refused(row, name, "a number with a decimal point", repr(text), remedy)
        return float(text)

    def within(
        self, values: Values, low: float, high: float, name: str, unit: str, remedy: str
    ) -> None:
        """Refuse values that cannot be."""
        beyond = np.flatnonzero((values < low) | (values > high) | np.isinf(values))
        if len(beyond):
            found = f"{values[beyond[0]]:g}, and {len(beyond) - 1} more beyond these"
            raise self.refused(int(beyond[0]), name, f"{low:g} to {high:g} {unit}", found, remedy)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _stations(
    place: _Reading, table: dict[str, Values], layout: PointTable, lat: Values, lon: Values
) -> tuple[Values, tuple[tuple[str, float, float], ...]]:
    """Number of each row's station, and the stations: one place each."""
    names = (
        _texts(table[layout.station])
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


def _times(
    place: _Reading, column: Values, layout: PointTable, lon: Values
) -> tuple[Values, Values]:
    """Moment in UTC, and the day that it stands under."""
    texts = [item.isoformat() if isinstance(item, date) else str(item) for item in column]
    found = [_parsed(place, row, text, layout) for row, text in enumerate(texts)]
    hours = np.rint(((lon + 180.0) % 360.0 - 180.0) / 15.0)
    offset = _zone(layout.time_zone, "")
    moments = np.array(
        [
            _seconds(moment, offset, hour)
            for moment, hour in zip(found, hours.tolist(), strict=True)
        ],
        "int64",
    )
    if layout.step == "day":
        named = [(moment.date() - date(1970, 1, 1)).days for moment in found]
        return moments.astype("datetime64[s]"), np.array(named, "int64")
    return moments.astype("datetime64[s]"), moments // 86400


def _parsed(place: _Reading, row: int, text: str, layout: PointTable) -> datetime:
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


def _seconds(moment: datetime, offset: Callable[[datetime, float], timedelta], hours: float) -> int:
    if moment.tzinfo is not None:
        return int(moment.timestamp())
    return int((moment.replace(tzinfo=UTC) - offset(moment, hours)).timestamp())


def _zone(text: str, said: str) -> Callable[[datetime, float], timedelta]:
    """What is to be taken from a local time, by the time and the hours of the meridian.

    Raises
    ------
    ConfigError
        Where there is no such time zone, or none is given.
    """
    match = _OFFSET.fullmatch(text)
    if text in ("UTC", AS_STATED):
        return lambda _, __: timedelta()
    if text == OF_THE_MERIDIAN:
        return lambda _, hours: timedelta(hours=hours)
    if match:
        sign = -1 if match["sign"] == "-" else 1
        fixed = sign * timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        return lambda _, __: fixed
    try:
        zone = ZoneInfo(text) if text else None
    except (ZoneInfoNotFoundError, ValueError):
        zone = None
    if zone is None:
        raise ConfigError(
            f"{said}time_zone",
            expected=f"UTC, an offset such as -07:00, a name such as America/Denver, "
            f"'{OF_THE_MERIDIAN}' or '{AS_STATED}'",
            found=text or "none",
            remedy="Say in which time zone the table's times are: nothing is guessed.",
        )
    return lambda moment, _: zone.utcoffset(moment) or timedelta()


def _require_once(
    place: _Reading,
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


@dataclass(frozen=True)
class OnCells:
    """Values of stations brought onto cells.

    Parameters
    ----------
    mean, spread
        Mean of the stations, and their standard deviation, NaN where fewer than two, (y, x).
    count
        Stations with a value, (y, x).
    """

    mean: Values
    spread: Values
    count: Values


def on_cells(values: Values, lat: Values, lon: Values, grid: Grid, layout: PointTable) -> OnCells:
    """Stations of one day on a grid, as the settings say; stations in a fixed order.

    Parameters
    ----------
    values
        NaN where missing, (station,).
    """
    known = np.isfinite(values)
    values, lat, lon = values[known], lat[known], lon[known]
    if layout.cells == "nearest":
        return _nearest(values, lat, lon, grid, layout.within_km)
    row, column = cells(grid, lon, lat)
    inside = row >= 0
    at = row[inside].astype(int) * grid.shape[1] + column[inside]
    size = grid.shape[0] * grid.shape[1]
    count = np.bincount(at, minlength=size)
    some = np.maximum(count, 1)
    mean = np.bincount(at, weights=values[inside], minlength=size) / some
    off = (values[inside] - mean[at]) ** 2
    spread = np.sqrt(np.bincount(at, weights=off, minlength=size) / some)
    return OnCells(
        np.where(count > 0, mean, np.nan).reshape(grid.shape),
        np.where(count > 1, spread, np.nan).reshape(grid.shape),
        np.minimum(count, 254).astype("uint8").reshape(grid.shape),
    )


def _nearest(values: Values, lat: Values, lon: Values, grid: Grid, within_km: float) -> OnCells:
    east, north = (np.ravel(axis) for axis in grid.lonlat)
    mean = np.full(east.shape, np.nan)
    if len(values):
        far = _kilometres(lat[:, None], lon[:, None], north, east)
        # The first of those that are equally near: stations come in a fixed order.
        at = far.argmin(axis=0)
        near = far[at, np.arange(len(at))] <= within_km
        mean = np.where(near, values[at], np.nan)
    count = np.isfinite(mean).astype("uint8").reshape(grid.shape)
    return OnCells(mean.reshape(grid.shape), np.full(grid.shape, np.nan), count)


def _kilometres(lat: Values, lon: Values, other_lat: Values, other_lon: Values) -> Values:
    """Distance on a sphere, by the haversine formula."""
    a, b, c, d = (np.radians(v) for v in (lat, lon, other_lat, other_lon))
    half = np.sin((a - c) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((b - d) / 2) ** 2
    return np.asarray(2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def require_touching(dataset: xr.Dataset, grid: Grid, layout: PointTable, name: str) -> None:
    """Refuse a table of which no station speaks of a cell.

    Raises
    ------
    GridMismatch
        Saying where its stations lie.
    """
    lat, lon = dataset.latitude.values, dataset.longitude.values
    ones = np.ones(len(lat))
    if on_cells(ones, lat, lon, grid, layout).count.any():
        return
    # A latitude beyond 90 degrees would have been refused.
    mirrored = np.abs(lon) <= 90
    other = on_cells(ones[mirrored], lon[mirrored], lat[mirrored], grid, layout).count.any()
    raise GridMismatch(
        name,
        expected="a station in the region",
        found=f"{len(lat)} at {lat.min():g}..{lat.max():g} N, {lon.min():g}..{lon.max():g} E",
        remedy="Latitude and longitude are swapped: name the columns the other way round."
        if other
        else "Correct the region's bounds, or leave the table out.",
    )
