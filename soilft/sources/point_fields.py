"""Fields of the weather and the soil at points, from tables: a reanalysis as people hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np

from soilft.grid import Grid
from soilft.schema import Coordinate, Variable, counted, measured
from soilft.sources.gldas import UNITS
from soilft.sources.point_tables import Column, PointTable
from soilft.sources.protocol import Arrays, Granule, Role
from soilft.sources.station_cells import Stations
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
        rules and flags know air temperature and snow water: what is named as a field of GLDAS has
        its unit.
    """

    columns: tuple[Column, ...] = ()

    role: ClassVar[Role] = "reanalysis"
    product: ClassVar[str] = "point-fields"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "tables of points, as the region file describes them"
    platform: ClassVar[str] = ""
    instrument: ClassVar[str] = ""

    @property
    def read_columns(self) -> tuple[Column, ...]:
        """All of them."""
        return self.columns

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [column.name for column in self.columns]
        if not names or len(set(names)) < len(names):
            self.refuse("columns", "columns, of different names", ", ".join(names) or "none")
        for column in self.columns:
            found, known = stored_unit(column.unit), _known_unit(column.name)
            if known and found != known:
                self.refuse(f"unit of {column.name}", f"one of {known}", column.unit)

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

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """The stations of all tables of the day on the cells."""
        found = self.of_day(self.together(parts, day), day)
        stations = Stations(found["latitude"], found["longitude"], grid, self.within_km)
        out: Arrays = {}
        anything = np.full(len(found["station"]), np.nan)
        for column in self.columns:
            values = found[column.name]
            made = stations.on_cells(values)
            out[column.name] = made.mean.astype("float32")
            if self.cells == "mean":
                out[f"{column.name}_spread"] = made.spread.astype("float32")
            anything[np.isfinite(values)] = 1.0
        return {**out, COUNT: stations.on_cells(anything).count}


def _known_unit(name: str) -> str:
    """Unit of a field that rules and flags know by its name; empty of any other."""
    return next((unit for field, unit in UNITS.items() if name.startswith(f"{field}_")), "")
