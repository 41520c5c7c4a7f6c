"""Freeze/thaw states from soil thermometers in tables: a label as people hold it.

A soil is frozen where its temperature is below the threshold. Thermometers near 0 degrees Celsius
tell little of the phase of the water: within the margin either side a state may be left missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import DaySpan, day_of, number
from soilft.errors import ConfigError
from soilft.grid import Grid
from soilft.overpass import utc_hour
from soilft.schema import FROZEN, MISSING, THAWED, Coordinate, Variable, counted, measured
from soilft.sources import point_tables
from soilft.sources.labels import DIMS, label_variables
from soilft.sources.point_fields import COUNT, SPREAD, stations_of, stations_together
from soilft.sources.point_tables import Column, PointTable, Rows
from soilft.sources.protocol import Arrays, Granule, Role
from soilft.sources.station_cells import on_cells, require_touching
from soilft.sources.stations import MAX_GAP_HOURS, at_overpasses
from soilft.sources.units import converted

NAME = "soil_temperature"


@dataclass(frozen=True)
class PointSoilTemperature(PointTable):
    """States of the soil at stations; see `PointTable` for how the tables are laid out.

    Parameters
    ----------
    column, unit
        Of the temperature.
    depth, depth_unit
        Column of the depth below ground, and its unit; both empty where all rows are of one depth.
    depth_from, depth_to
        Metres: rows between are read. Of a table without the column, the depth that it is of.
    threshold, margin
        Degrees Celsius below which the soil is frozen, and kelvins either side of it within which
        the state is left missing.
    state
        ``"daily"``: of the day's mean; ``"overpasses"``: at ``morning`` and ``evening``, local
        solar hours, of a table of moments.
    """

    column: str = ""
    unit: str = ""
    depth: str = ""
    depth_unit: Literal["", "m", "cm"] = ""
    depth_from: float | None = None
    depth_to: float | None = None
    threshold: float = 0.0
    margin: float = 0.0
    state: Literal["daily", "overpasses"] = "daily"
    morning: float = 6.0
    evening: float = 18.0

    role: ClassVar[Role] = "label"
    product: ClassVar[str] = "point-soil-temperature"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "soil thermometers in tables, as the region file describes them"
    platform: ClassVar[str] = "stations"
    instrument: ClassVar[str] = "soil thermometers"

    def __post_init__(self) -> None:
        super().__post_init__()
        converted(0.0, self.unit)
        if self.depth_from is None or self.depth_to is None or self.depth_from > self.depth_to:
            raise ConfigError(
                f"{self.product}: depth_from and depth_to",
                expected="metres below ground, the upper first",
                found=f"{self.depth_from} and {self.depth_to}",
            )
        if bool(self.depth) != bool(self.depth_unit):
            raise ConfigError(
                f"{self.product}: depth and depth_unit",
                expected="a column and its unit, or neither",
                found=f"{self.depth or 'no column'} and {self.depth_unit or 'no unit'}",
            )
        if self.margin < 0:
            raise ConfigError(
                f"{self.product}: margin", expected="0 or more", found=str(self.margin)
            )
        if self.state == "overpasses" and self.step == "day":
            raise ConfigError(
                f"{self.product}: state",
                expected="daily for a table of days",
                found=self.state,
            )

    @property
    def chosen(self) -> tuple[tuple[Column, float, float], ...]:
        """Rows of the depth that is asked for, where the table tells it."""
        if not self.depth or self.depth_from is None or self.depth_to is None:
            return ()
        return ((Column("depth", self.depth, self.depth_unit), self.depth_from, self.depth_to),)

    @property
    def solar_hours(self) -> Mapping[str, float]:
        """Local solar hours of the states, none of the day's."""
        return {} if self.state == "daily" else {"AM": self.morning, "PM": self.evening}

    @property
    def overpasses(self) -> tuple[str, ...]:
        """The day, or its morning and evening."""
        return ("daily",) if self.state == "daily" else ("AM", "PM")

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """State, time, temperature, its spread, and number of stations (time, overpass, y, x)."""
        depth = f"{self.depth_from:g} to {self.depth_to:g} m below ground"
        return (
            *label_variables(f"soil temperature below {self.threshold:g} degrees Celsius, {depth}"),
            measured(NAME, DIMS, "K", f"mean of the stations' soil temperature, {depth}"),
            measured(
                f"{NAME}_spread",
                DIMS,
                "K",
                "standard deviation of the stations' soil temperature",
                cell_methods=SPREAD,
            ),
            counted(COUNT, DIMS, "stations with a temperature"),
        )

    def read(self, path: Path) -> xr.Dataset:
        """Open a table: temperatures in K of each state, (day, station)."""
        rows = self.table(path, [Column(NAME, self.column, self.unit)])
        found = point_tables.daily(rows, self)
        if self.state == "daily":
            return found.rename({NAME: f"{NAME}_daily", "hour": "hour_daily"})
        at = _at_overpasses(rows, found, tuple(self.solar_hours.values()))
        hours = {
            name: utc_hour(hour, found.longitude.values) for name, hour in self.solar_hours.items()
        }
        found = found.drop_vars([NAME, "hour"])
        for k, name in enumerate(self.overpasses):
            found[f"{NAME}_{name}"] = (("day", "station"), at[..., k].astype("float64"))
            found[f"hour_{name}"] = ("station", hours[name].astype("float64"))
            found[f"hour_{name}"] = found[f"hour_{name}"].broadcast_like(found[f"{NAME}_{name}"])
        return found

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """What a table says of a day: its stations, (station,), beside their coordinates."""
        require_touching(dataset, grid, self, granule.name)
        return stations_of(dataset, day)

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """The stations of all tables of the day on the cells, and the state of each cell."""
        together = stations_together(parts, day)
        at = together["latitude"], together["longitude"]
        names = ("freeze_thaw", "observation_time", NAME, f"{NAME}_spread", COUNT)
        found: dict[str, list[npt.NDArray[np.generic]]] = {name: [] for name in names}
        for overpass in self.overpasses:
            values = together[f"{NAME}_{overpass}"]
            hours = np.where(np.isfinite(values), together[f"hour_{overpass}"], np.nan)
            soil, hour = (on_cells(v, *at, grid, self) for v in (values, hours))
            kelvin = soil.mean.astype("float32")
            states = self._states(kelvin)
            time = np.where(states == MISSING, np.nan, hour.mean).astype("float32")
            spread = soil.spread.astype("float32")
            for name, value in zip(names, (states, time, kelvin, spread, soil.count), strict=True):
                found[name].append(value)
        return {name: np.stack(values) for name, values in found.items()}

    def _states(self, kelvin: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Frozen below the threshold, missing within the margin."""
        off = kelvin.astype("float64") - (self.threshold + 273.15)
        # Stored temperatures have seven digits: what they hold apart is no difference.
        off = np.where(np.abs(off) < 1e-4, 0.0, off)
        states = np.where(off < 0, FROZEN, THAWED)
        return np.where(np.isnan(off) | (np.abs(off) < self.margin), MISSING, states).astype(
            "uint8"
        )


def _at_overpasses(
    rows: Rows, found: xr.Dataset, hours: Sequence[float]
) -> npt.NDArray[np.float32]:
    """Temperatures of each station at local solar hours of each day, (day, station, hour)."""
    days = found.day.values
    out = np.full((len(days), len(rows.stations), len(hours)), np.nan, "float32")
    span = DaySpan(day_of(int(days[0])), day_of(int(days[-1])))
    inside = days - number(span.first)
    for k, (_, _, longitude) in enumerate(rows.stations):
        mine = np.flatnonzero(rows.station == k)
        mine = mine[np.argsort(rows.moment[mine], kind="stable")]
        at = at_overpasses(
            rows.moment[mine],
            rows.values[NAME][mine],
            longitude,
            span,
            hours,
            max_gap_hours=MAX_GAP_HOURS,
        )
        out[:, k] = at[inside]
    return out
