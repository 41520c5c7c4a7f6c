"""Overpasses of a satellite: the hour at which it sees a cell, and the days on which it does."""

from __future__ import annotations

from datetime import date

import numpy as np

from soilft.simulate.domain import Domain, Field, Mask
from soilft.simulate.parameters import number

DEGREE = 111.195
"""Length of a degree of a great circle, km."""


def utc_hour(local: float, lon: Field) -> Field:
    """UTC hour of day (0 <= h < 24) of a local solar hour.

    Local solar time is UTC + longitude / 15, so the pass seen at UTC hour ``h`` of day d is the
    one whose UTC time lies in d; its local date may be the day before or after.

    Parameters
    ----------
    local : float
        Local solar hour of the pass.
    lon : array
        Longitude, degrees.
    """
    return np.asarray(np.mod(local - lon / 15.0, 24.0))


def seen_at(domain: Domain, sensor: str, node: str, day: date) -> Field:
    """Hours since the domain's first 00 UTC at which each cell is passed, (lat, lon).

    Parameters
    ----------
    domain : Domain
        Cells.
    sensor : {"amsr-e", "amsr2", "mwri", "smos", "smap"}
        Section of the parameters.
    node : {"ascending", "descending"}
        Direction of flight.
    day : date
        UTC day of the daily file.
    """
    return domain.hours(day) + utc_hour(number(f"{sensor}.{node}"), domain.mesh[1])


def spacing(sensor: str) -> float:
    """Degrees of longitude between neighbouring orbits."""
    return 360.0 / number(f"{sensor}.orbits_a_day")


def _drift(sensor: str, node: str, lat: Field) -> Field:
    """Longitude of a track at a latitude, degrees east of its crossing of the equator.

    Great circle of the orbit's inclination (spherical triangle), less the turn of the Earth.
    """
    tilt = np.deg2rad(number(f"{sensor}.inclination"))
    reach = np.sin(np.deg2rad(lat)) / np.sin(tilt)
    along = np.arcsin(np.clip(reach, -1.0, 1.0))
    across = np.arctan2(np.cos(tilt) * np.sin(along), np.cos(along))
    east = np.rad2deg(across) - spacing(sensor) * along / (2 * np.pi)
    return np.asarray(east if node == "ascending" else -east)


def crossing(sensor: str, node: str, day: date) -> float:
    """Longitude of one of the day's crossings of the equator, degrees, 0 to the spacing."""
    start = 0.0 if node == "ascending" else 0.31
    turn = start + day.toordinal() * (number(f"{sensor}.orbits_a_day") % 1.0)
    return spacing(sensor) * float(np.mod(turn, 1.0))


def track(sensor: str, node: str, day: date, lat: Field) -> Field:
    """Longitude under the satellite at latitudes, degrees, modulo the spacing of the orbits.

    Every further orbit of the day lies a multiple of :func:`spacing` away.
    """
    return crossing(sensor, node, day) + _drift(sensor, node, lat)


def observed(sensor: str, node: str, day: date, lat: Field, lon: Field) -> Mask:
    """Cells inside the swaths of a day: stripes of a fixed width in km that move each day.

    Seen from pole to equator the stripes keep their width while the orbits draw together, so the
    covered share grows with latitude. Takes the arguments of :func:`seen_at`, with the latitude
    and longitude in degrees.
    """
    apart = spacing(sensor)
    away = np.mod(lon - track(sensor, node, day, lat) + apart / 2, apart) - apart / 2
    along = np.cos(np.deg2rad(number(f"{sensor}.inclination"))) / np.cos(np.deg2rad(lat))
    upright = np.sqrt(np.clip(1 - along**2, 0.0, 1.0))
    across = np.abs(away) * DEGREE * np.cos(np.deg2rad(lat)) * upright
    return np.asarray(across < number(f"{sensor}.swath") / 2)
