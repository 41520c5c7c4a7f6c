"""Rows of a table of points: checked line by line, and kept for the days that ask for them."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import FormatMismatch
from soilft.sources.local_times import AS_STATED, seconds, zone
from soilft.sources.table_files import Lines, Table, columns_of, texts
from soilft.sources.units import converted, in_unit, limits, stored_unit

if TYPE_CHECKING:
    from soilft.sources.point_tables import Column, PointTable

Values = npt.NDArray[Any]

# What a process keeps of tables that it has read: a day after a day asks for them.
KEPT_BYTES = 2**27
_kept: dict[tuple[str, PointTable], xr.Dataset] = {}
_lock = Lock()


def read(path: Path, layout: PointTable) -> xr.Dataset:
    """Rows of a file; the same bytes are read once, wherever they lie.

    Raises
    ------
    InputError
        Where the file is not what the settings say.
    """
    with path.open("rb") as file:
        key = hashlib.file_digest(file, "sha256").hexdigest(), layout
    with _lock:
        found = _kept.pop(key, None)
    if found is None:
        found = _rows(path, layout)
    with _lock:
        _kept[key] = found
        while len(_kept) > 1 and sum(table.nbytes for table in _kept.values()) > KEPT_BYTES:
            del _kept[next(iter(_kept))]
    return found


def _rows(path: Path, layout: PointTable) -> xr.Dataset:
    wanted = [layout.time, layout.latitude, layout.longitude]
    wanted += [column.column for column in layout.read_columns]
    wanted += [column.column for column, _, _ in layout.chosen]
    wanted += [name for name in (layout.station, layout.flag) if name]
    table, lines = columns_of(path, list(dict.fromkeys(wanted)), layout.separator)
    if not len(lines):
        raise FormatMismatch(path.name, expected="rows of values", found="none")
    table, lines = _chosen(path, table, lines, layout)
    here = Lines(path, lines, frozenset(layout.missing))
    latitude = here.numbers(table[layout.latitude], layout.latitude, needed=True)
    longitude = here.numbers(table[layout.longitude], layout.longitude, needed=True)
    swapped = "Are latitude and longitude swapped?"
    here.within(latitude, -90.0, 90.0, layout.latitude, "degrees north", swapped)
    here.within(longitude, -180.0, 360.0, layout.longitude, "degrees east", swapped)
    longitude = np.where(longitude >= 180.0, longitude - 360.0, longitude)
    station = _stations(here, table, layout, latitude, longitude)
    moment, day = _times(here, table[layout.time], layout, longitude)
    values = {column.name: _values(here, table, column) for column in layout.read_columns}
    order = np.lexsort((moment, station))
    _require_once(here, station, moment, order, layout)
    columns = {"latitude": latitude, "longitude": longitude, "moment": moment, "day": day}
    return xr.Dataset(
        {
            name: ("row", column[order])
            for name, column in {"station": station, **columns, **values}.items()
        }
    )


def _chosen(path: Path, table: Table, lines: Values, layout: PointTable) -> tuple[Table, Values]:
    """Rows of the flags and of the depths that are asked for.

    Raises
    ------
    FormatMismatch
        Where there is none.
    """
    asked = []
    if layout.flag:
        asked.append(f"{layout.flag} of {' or '.join(layout.good)}")
        kept = np.isin(texts(table[layout.flag]).astype(str), layout.good)
        table, lines = {name: column[kept] for name, column in table.items()}, lines[kept]
    for column, low, high in layout.chosen:
        asked.append(f"{column.column} between {low:g} and {high:g} m")
        here = Lines(path, lines, frozenset(layout.missing))
        found = here.numbers(table[column.column], column.column, needed=True)
        found = converted(found, column.unit)
        kept = (found >= low - 1e-9) & (found <= high + 1e-9)
        table, lines = {name: item[kept] for name, item in table.items()}, lines[kept]
    if not len(lines):
        raise FormatMismatch(path.name, expected=f"rows with {' and '.join(asked)}", found="none")
    return table, lines


def _values(here: Lines, table: Table, column: Column) -> Values:
    found = here.numbers(table[column.column], column.column)
    low, high = (in_unit(limit, column.unit) for limit in limits(stored_unit(column.unit)))
    remedy = f"Is {column.unit} the unit? A code of missing values belongs to 'missing'."
    here.within(found, low, high, column.column, column.unit, remedy)
    return converted(found, column.unit)


def _stations(here: Lines, table: Table, layout: PointTable, lat: Values, lon: Values) -> Values:
    """Name of each row's station, which stays in one place."""
    if not layout.station:
        return np.array([f"{a:.6f} {b:.6f}" for a, b in zip(lat, lon, strict=True)])
    names = texts(table[layout.station]).astype(str)
    blank = np.flatnonzero(names == "")
    if len(blank):
        raise here.refused(int(blank[0]), layout.station, "a station's name", "nothing")
    unique, first, at = np.unique(names, return_index=True, return_inverse=True)
    moved = np.flatnonzero((lat != lat[first][at]) | (lon != lon[first][at]))
    if len(moved):
        row = int(moved[0])
        there = f"{lat[first][at[row]]:g}, {lon[first][at[row]]:g}"
        expected = f"{unique[at[row]]} at {there}, as before"
        raise here.refused(row, layout.station, expected, f"{lat[row]:g}, {lon[row]:g}")
    return names


def _times(here: Lines, column: Values, layout: PointTable, lon: Values) -> tuple[Values, Values]:
    """Seconds since 1970 in UTC, and the day that a row stands under: days since 1970."""
    written = [item.isoformat() if isinstance(item, date) else str(item) for item in column]
    found = [_parsed(here, row, text, layout) for row, text in enumerate(written)]
    of_meridian = np.rint(lon / 15.0).tolist()
    offset = zone(layout.time_zone, layout.product)
    moment = np.zeros(len(found), "int64")
    for row, (local, hours) in enumerate(zip(found, of_meridian, strict=True)):
        told = seconds(local, offset, hours)
        if told is None:
            raise here.refused(
                row,
                layout.time,
                f"a time that is once in {layout.time_zone}",
                f"{written[row]!r}, where the clock changes",
                "Give the table's offset, such as -07:00, or let its times state theirs.",
            )
        moment[row] = told
    if layout.step == "instant":
        return moment, moment // 86400
    days = [local.date().toordinal() for local in found]
    return moment, np.array(days, "int64") - date(1970, 1, 1).toordinal()


def _parsed(here: Lines, row: int, text: str, layout: PointTable) -> datetime:
    day, stated = layout.step == "day", layout.time_zone == AS_STATED
    try:
        local = datetime.fromisoformat(text.strip())
    except ValueError:
        expected = "a day such as 2020-01-31" if day else "a time such as 2020-01-31T06:00"
        raise here.refused(row, layout.time, expected, repr(text)) from None
    if (local.tzinfo is not None) != stated:
        expected = "a time that states its offset" if stated else "a time without an offset"
        raise here.refused(row, layout.time, expected, repr(text))
    if day and local.time() != datetime.min.time():
        raise here.refused(row, layout.time, "a day, without a time of the day", repr(text))
    return local.replace(hour=12) if day else local


def _require_once(
    here: Lines, station: Values, moment: Values, order: Values, layout: PointTable
) -> None:
    same = station[order][1:] == station[order][:-1]
    twice = np.flatnonzero(same & (moment[order][1:] == moment[order][:-1]))
    if len(twice):
        one, other = sorted(order[twice[0] : twice[0] + 2].tolist())
        what = "a day" if layout.step == "day" else "a moment"
        raise here.refused(
            other,
            layout.time,
            f"{what} of a station once",
            f"that of station {station[other]} in line {here.lines[one]}, too",
        )
