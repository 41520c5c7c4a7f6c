"""Fields of the weather and the soil at points, from tables: a reanalysis as people hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import xarray as xr

from soilft.days import number
from soilft.errors import ConfigError, FormatMismatch
from soilft.grid import Grid
from soilft.schema import Coordinate, Variable, counted, measured
from soilft.sources import point_tables
from soilft.sources.point_tables import Column, PointTable
from soilft.sources.protocol import Arrays, Granule, Role
from soilft.sources.station_cells import on_cells, require_touching
from soilft.sources.units import stored_unit

DIMS = ("time", "y", "x")
#: Of the standard deviation of a cell's stations: told, and no predictor.
SPREAD = "area: standard_deviation"
COUNT = "station_count"


@dataclass(frozen=True)
class PointFields(PointTable):
    """Daily means of columns of tables; see `PointTable` for how they are laid out.

    Parameters
    ----------
    columns
        What is read. Names such as ``Tair_f_inst_mean`` and ``SWE_inst_mean`` are those by which
        rules and flags know air temperature and snow water.
    """

    columns: tuple[Column, ...] = ()

    role: ClassVar[Role] = "reanalysis"
    product: ClassVar[str] = "point-fields"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "tables of points, as the region file describes them"
    platform: ClassVar[str] = ""
    instrument: ClassVar[str] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [column.name for column in self.columns]
        if not names or len(set(names)) < len(names) or COUNT in names:
            raise ConfigError(
                f"{self.product}: columns",
                expected=f"columns of different names, none of them {COUNT}",
                found=", ".join(names) or "none",
            )
        for column in self.columns:
            stored_unit(column.unit)

    @property
    def overpasses(self) -> tuple[str, ...]:
        """None: a day of a reanalysis."""
        return ()

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Each column and the spread of its stations, and how many stations (time, y, x)."""
        found = []
        for column in self.columns:
            unit = stored_unit(column.unit)
            found.append(measured(column.name, DIMS, unit, f"daily mean of {column.column}"))
            if self.cells == "mean":
                spread = f"standard deviation of the stations' {column.column}"
                found.append(
                    measured(f"{column.name}_spread", DIMS, unit, spread, cell_methods=SPREAD)
                )
        return (*found, counted(COUNT, DIMS, "stations with a value of any field"))

    def read(self, path: Path) -> xr.Dataset:
        """Open a table: daily means in units of the product, (day, station)."""
        return point_tables.daily(self.table(path, self.columns), self)

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """What a table says of a day: its stations, (station,), beside their coordinates."""
        require_touching(dataset, grid, self, granule.name)
        return stations_of(dataset, day)

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """The stations of all tables of the day on the cells."""
        together = stations_together(parts, day)
        counts, out = [], {}
        for column in self.columns:
            at = together["latitude"], together["longitude"]
            found = on_cells(together[column.name], *at, grid, self)
            out[column.name] = found.mean.astype("float32")
            if self.cells == "mean":
                out[f"{column.name}_spread"] = found.spread.astype("float32")
            counts.append(found.count)
        return {**out, COUNT: np.max(counts, axis=0)}


def stations_of(dataset: xr.Dataset, day: date) -> Arrays:
    """Stations of one day of a table by name of the variable; none where it has not the day."""
    rows = np.flatnonzero(dataset.day.values == number(day))
    found = {
        str(name): array.values[rows[0]] if len(rows) else array.values[:0].ravel()
        for name, array in dataset.data_vars.items()
    }
    for name in ("name", "latitude", "longitude"):
        found[name] = dataset[name].values if len(rows) else dataset[name].values[:0]
    return found


def stations_together(parts: Sequence[tuple[Granule, Arrays]], day: date) -> Arrays:
    """Stations of all tables of a day, in order of their names.

    Raises
    ------
    FormatMismatch
        Where two tables have values of one station.
    """
    owner = np.concatenate([np.full(len(a["name"]), k) for k, (_, a) in enumerate(parts)])
    found = {key: np.concatenate([a[key] for _, a in parts]) for key in parts[0][1]}
    order = np.argsort(found["name"].astype(str), kind="stable")
    names = found["name"][order].astype(str)
    twice = np.flatnonzero(names[1:] == names[:-1])
    if len(twice):
        one, other = (parts[owner[order[k]]][0].name for k in (twice[0], twice[0] + 1))
        raise FormatMismatch(
            other,
            expected=f"a station's {day} in one table",
            found=f"{names[twice[0]]} in {one}, too",
            remedy="Leave one of the tables out.",
        )
    return {key: values[order] for key, values in found.items()}
