"""Freeze/thaw states from soil thermometers in tables: a label as people hold it.

A soil is frozen where its temperature is below the threshold. Thermometers near 0 degrees Celsius
tell little of the phase of the water: within the margin either side a state may be left missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.grid import Grid
from soilft.overpass import utc_hour
from soilft.schema import FROZEN, MISSING, THAWED, Coordinate, Variable, counted, measured
from soilft.sources.labels import DIMS, label_variables
from soilft.sources.point_fields import COUNT, SPREAD
from soilft.sources.point_tables import Column, PointTable
from soilft.sources.protocol import Arrays, Granule, Role
from soilft.sources.station_cells import Stations
from soilft.sources.stations import at_overpasses
from soilft.sources.units import stored_unit

NAME = "soil_temperature"
#: Degrees Celsius: a threshold beyond is of another unit.
MOST_THRESHOLD = 5.0

Floats = npt.NDArray[np.float64]


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

    @property
    def read_columns(self) -> tuple[Column, ...]:
        """The temperature alone."""
        return (Column(NAME, self.column, self.unit),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if stored_unit(self.unit) != "K":
            self.refuse("unit", "one of temperature", self.unit)
        depths = self.depth_from, self.depth_to
        if None in depths or not 0 <= (depths[0] or 0) <= (depths[1] or 0) < np.inf:
            self.refuse("depth_from and depth_to", "metres below ground", f"{depths}")
        if bool(self.depth) != bool(self.depth_unit):
            found = f"{self.depth or 'no column'} and {self.depth_unit or 'no unit'}"
            self.refuse("depth and depth_unit", "a column and its unit, or neither", found)
        if not (abs(self.threshold) <= MOST_THRESHOLD and 0 <= self.margin <= MOST_THRESHOLD):
            self.refuse(
                "threshold and margin",
                f"degrees Celsius of at most {MOST_THRESHOLD:g}, and kelvins either side",
                f"{self.threshold:g} and {self.margin:g}",
            )
        if not (0 <= self.morning < self.evening < 24):
            self.refuse(
                "morning and evening", "solar hours of a day", f"{self.morning}, {self.evening}"
            )
        if self.state == "overpasses" and self.step == "day":
            self.refuse("state", "daily for a table of days", self.state)

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

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """The stations of all tables of the day on the cells, and the state of each cell."""
        rows = self.together(parts, day)
        states = self._of_day(rows, day) if self.state == "daily" else self._at_hours(rows, day)
        names = ("freeze_thaw", "observation_time", NAME, f"{NAME}_spread", COUNT)
        found: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in names}
        for stations, values, hours in states:
            at = Stations(stations["latitude"], stations["longitude"], grid, self.within_km)
            soil = at.on_cells(values)
            hour = at.on_cells(np.where(np.isfinite(values), hours, np.nan)).mean
            kelvin = soil.mean.astype("float32")
            state = self._states(kelvin)
            time = np.where(state == MISSING, np.nan, hour).astype("float32")
            spread = soil.spread.astype("float32")
            for name, value in zip(names, (state, time, kelvin, spread, soil.count), strict=True):
                found[name].append(value)
        return {name: np.stack(values) for name, values in found.items()}

    def _of_day(self, rows: Arrays, day: date) -> list[tuple[Arrays, Floats, Floats]]:
        stations = self.of_day(rows, day)
        return [(stations, stations[NAME], stations["hour"])]

    def _at_hours(self, rows: Arrays, day: date) -> list[tuple[Arrays, Floats, Floats]]:
        """Stations, their temperatures and hours of the UTC day, of each overpass."""
        names, first, at = np.unique(rows["station"], return_index=True, return_inverse=True)
        stations = {key: rows[key][first] for key in ("latitude", "longitude")}
        hours = tuple(self.solar_hours.values())
        found = np.full((len(names), len(hours)), np.nan)
        for k, longitude in enumerate(stations["longitude"].tolist()):
            moments = rows["moment"][at == k].astype("datetime64[s]")
            values = rows[NAME][at == k]
            found[k] = at_overpasses(moments, values, longitude, DaySpan(day, day), hours)[0]
        utc = [utc_hour(hour, stations["longitude"]).astype("float64") for hour in hours]
        return [(stations, found[:, k], utc[k]) for k in range(len(hours))]

    def _states(self, kelvin: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        """Frozen below the threshold, missing within the margin."""
        off = kelvin.astype("float64") - (self.threshold + 273.15)
        # Stored temperatures have seven digits: what they hold apart is no difference.
        off = np.where(np.abs(off) < 1e-4, 0.0, off)
        states = np.where(off < 0, FROZEN, THAWED)
        return np.where(np.isnan(off) | (np.abs(off) < self.margin), MISSING, states).astype(
            "uint8"
        )
