"""Soil temperature of stations at the overpasses, and the grid cells that the stations stand in.

Stations are never gridded: each keeps its own series, and ``row`` and ``column`` say which cell of
the region it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import DaySpan
from soilft.grid import Grid
from soilft.overpass import utc_hour
from soilft.projections import transformer
from soilft.schema import (
    FROZEN,
    MISSING,
    THAWED,
    Coordinate,
    Template,
    Variable,
    flagged,
    measured,
    overpass_coordinate,
    time_coordinates,
)
from soilft.store.ledger import SetAside

FREEZING_POINT = 273.15
MAX_GAP_HOURS = 3.0
DIMS = ("time", "overpass", "station")

# A microcell, as in `Grid.covering`: an edge that rounding has moved is still that edge.
_SLACK = 1e-6


@dataclass(frozen=True)
class Station:
    """One station: longitude and latitude in degrees, elevation in metres (NaN where unknown)."""

    network: str
    name: str
    lon: float
    lat: float
    elevation: float

    @property
    def id(self) -> str:
        """``NETWORK/STATION``: names are unique within their network only."""
        return f"{self.network}/{self.name}"


def cells(
    grid: Grid, lon: npt.ArrayLike, lat: npt.ArrayLike
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Row and column of the cell around each point, -1 for both outside of the grid.

    A cell owns its northern and western edges, so that a point on an edge lies in one cell only.

    Parameters
    ----------
    lon, lat
        Degrees, shape (points,); longitudes of -180..180 and of 0..360 are the same places.

    Returns
    -------
    tuple of numpy.ndarray
        Row and column, int32, shape (points,).
    """
    lon, lat = np.atleast_1d(np.asarray(lon, "float64")), np.atleast_1d(np.asarray(lat, "float64"))
    if grid.geographic:
        # Counted from the grid's own western edge: a grid may lie across the antimeridian.
        east, y = (lon - grid.left) % 360.0, lat
        east = np.where(east > 360.0 - _SLACK * grid.width, 0.0, east)
    else:
        x, y = transformer("EPSG:4326", grid.crs).transform((lon + 180.0) % 360.0 - 180.0, lat)
        east = np.asarray(x) - grid.left
    row = _index((grid.top - np.asarray(y)) / grid.height, grid.shape[0])
    column = _index(east / grid.width, grid.shape[1])
    outside = (row < 0) | (column < 0)
    row[outside] = column[outside] = -1
    return row, column


def _index(cells_from_edge: npt.NDArray[Any], size: int) -> npt.NDArray[np.int32]:
    # What the projection cannot show is infinite, and no index.
    known = np.where(np.isfinite(cells_from_edge), cells_from_edge, -1.0)
    index = np.floor(known + _SLACK)
    return np.where((index >= 0) & (index < size), index, -1).astype("int32")


def at_overpasses(
    times: npt.NDArray[np.datetime64],
    temperature: npt.NDArray[Any],
    lon: float,
    days: DaySpan,
    local_solar_hours: Sequence[float],
    *,
    max_gap_hours: float = MAX_GAP_HOURS,
) -> npt.NDArray[np.float32]:
    """Temperature at each overpass of each UTC day, between the readings before and after it.

    Parameters
    ----------
    times
        UTC, strictly increasing, shape (readings,).
    temperature
        K, NaN where missing, shape (readings,).
    lon
        Degrees east: it turns local solar hours into hours of the UTC day.
    days
        UTC days to give.
    local_solar_hours
        Local solar time of each overpass.
    max_gap_hours
        Valid readings further apart are not connected; one at the very time of the overpass
        counts by itself.

    Returns
    -------
    numpy.ndarray
        K, float32, shape (days, overpasses), NaN where no valid readings lie around the overpass.

    Raises
    ------
    ValueError
        Where times do not increase.
    """
    stamps = np.asarray(times, "datetime64[ms]").astype("int64")
    if (np.diff(stamps) <= 0).any():
        raise ValueError("readings are not in order of time, or two are of the same time")
    values = np.asarray(temperature, "float64")
    valid = np.isfinite(values)
    stamps, values = stamps[valid], values[valid]
    wanted = _overpass_times(lon, days, local_solar_hours).astype("datetime64[ms]").astype("int64")
    if not len(stamps):
        return np.full(wanted.shape, np.nan, "float32")
    after = np.searchsorted(stamps, wanted, side="left")
    before = np.searchsorted(stamps, wanted, side="right") - 1
    between = (before >= 0) & (after < len(stamps))
    before, after = np.where(between, before, 0), np.where(between, after, 0)
    gap = stamps[after] - stamps[before]
    share = (wanted - stamps[before]) / np.maximum(gap, 1)
    found = values[before] + share * (values[after] - values[before])
    usable = between & (gap <= max_gap_hours * 3_600_000)
    return np.where(usable, found, np.nan).astype("float32")


def _overpass_times(
    lon: float, days: DaySpan, local_solar_hours: Sequence[float]
) -> npt.NDArray[np.datetime64]:
    """UTC time of each overpass, to the second, shape (days, overpasses)."""
    hours = np.array([utc_hour(hour, np.asarray(lon)) for hour in local_solar_hours], "float64")
    seconds = np.rint(hours * 3600).astype("timedelta64[s]")
    midnights = days.numbers.astype("datetime64[D]").astype("datetime64[s]")
    return np.asarray(midnights[:, None] + seconds[None, :])


def state(
    temperature: npt.NDArray[Any], threshold: float = FREEZING_POINT
) -> npt.NDArray[np.uint8]:
    """Frozen (1) below a threshold in K, thawed (0) from it on, 255 where there is no temperature.

    A reading of just 0 degC is thawed, as ISMN's own flag D01 has it. Both sides are compared as
    float32, as stored, so that rounding does not freeze it.
    """
    kelvin = np.asarray(temperature, "float32")
    classes = np.where(kelvin < np.float32(threshold), FROZEN, THAWED)
    return np.where(np.isfinite(kelvin), classes, MISSING).astype("uint8")


VARIABLES: tuple[Variable, ...] = (
    measured(
        "soil_temperature",
        DIMS,
        "K",
        "soil temperature of the station at the overpass",
        standard_name="soil_temperature",
    ),
    flagged(
        "freeze_thaw",
        DIMS,
        "freeze/thaw state of the soil at the station",
        {"thawed": THAWED, "frozen": FROZEN},
    ),
    # No coordinate: it may be missing.
    measured("elevation", ("station",), "m", "elevation of the station"),
)


def template(
    stations: Sequence[Station],
    grid: Grid,
    days: DaySpan,
    overpasses: Mapping[str, float],
    *,
    chunk_days: int = 366,
    attributes: Mapping[str, Any] | None = None,
) -> Template:
    """Structure of ``inputs/stations.zarr``: `VARIABLES`, all stations in every chunk of days.

    Parameters
    ----------
    stations
        In the order of the station dimension; their ids are the attribute ``station_ids``.
    grid
        Grid of ``row`` and ``column``.
    overpasses
        Local solar hour by name of overpass.
    chunk_days
        Days in a chunk, whatever the period, so that the period can grow.
    attributes
        Further attributes of the store.
    """
    lon = np.array([station.lon for station in stations], "float64")
    lat = np.array([station.lat for station in stations], "float64")
    row, column = cells(grid, lon, lat)
    return Template(
        coordinates=(
            *time_coordinates(days),
            overpass_coordinate(tuple(overpasses)),
            _along("station", np.arange(len(stations), dtype="int32"), "number of the station"),
            _along("lon", lon, "longitude", standard_name="longitude", units="degrees_east"),
            _along("lat", lat, "latitude", standard_name="latitude", units="degrees_north"),
            _along("row", row, "row of the station's cell, -1 outside of the grid"),
            _along("column", column, "column of the station's cell, -1 outside of the grid"),
        ),
        variables=VARIABLES,
        chunks={"time": chunk_days},
        attributes={
            **(attributes or {}),
            "station_ids": [station.id for station in stations],
            "local_solar_hours": dict(overpasses),
        },
    )


@dataclass(frozen=True)
class StationValues:
    """What ``inputs/stations.zarr`` is made of.

    Parameters
    ----------
    template
        Structure of the store, for `store.create`.
    values
        Every variable of the template, whole, for `store.write_region`.
    stations
        Along the station dimension.
    outside
        Ids of stations outside of the grid.
    set_aside
        Files left out, with reasons.
    """

    template: Template
    values: dict[str, npt.NDArray[Any]]
    stations: tuple[Station, ...]
    outside: tuple[str, ...] = ()
    set_aside: tuple[SetAside, ...] = ()


def station_values(
    readings: Mapping[Station, xr.DataArray],
    grid: Grid,
    days: DaySpan,
    overpasses: Mapping[str, float],
    *,
    max_gap_hours: float = MAX_GAP_HOURS,
    threshold: float = FREEZING_POINT,
    attributes: Mapping[str, Any] | None = None,
) -> StationValues:
    """Temperature and state of at least one station at the overpasses of some days.

    Parameters
    ----------
    readings
        Temperature (time) by station, K, in order of UTC time; the order of stations is kept.
    grid, days, overpasses, attributes
        As for `template`.
    max_gap_hours
        As for `at_overpasses`.
    threshold
        As for `state`.
    """
    temperature = np.stack(
        [
            at_overpasses(
                series["time"].values,
                series.values,
                station.lon,
                days,
                tuple(overpasses.values()),
                max_gap_hours=max_gap_hours,
            )
            for station, series in readings.items()
        ],
        axis=-1,
    )
    stations = tuple(readings)
    parameters = {"max_gap_hours": max_gap_hours, "frozen_below_K": threshold}
    return StationValues(
        template(stations, grid, days, overpasses, attributes={**(attributes or {}), **parameters}),
        {
            "soil_temperature": temperature,
            "freeze_thaw": state(temperature, threshold),
            "elevation": np.array([station.elevation for station in stations], "float32"),
        },
        stations,
    )


def _along(name: str, values: npt.NDArray[Any], long_name: str, **attributes: str) -> Coordinate:
    return Coordinate(name, ("station",), values, {"long_name": long_name, **attributes})
