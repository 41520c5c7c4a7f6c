"""When a satellite sees a cell, and whether it sees it that day."""

from __future__ import annotations

from datetime import date

import numpy as np

from soilft.simulate.domain import Domain, Field, Mask
from soilft.simulate.parameters import number


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
    sensor : {"amsr2", "smos"}
        Section of the parameters.
    node : {"ascending", "descending"}
        Direction of flight.
    day : date
        UTC day of the daily file.
    """
    return domain.hours(day) + utc_hour(number(f"{sensor}.{node}"), domain.mesh[1])


def observed(sensor: str, node: str, day: date, lat: Field, lon: Field) -> Mask:
    """Cells inside the swaths of a day: slanted stripes that move each day.

    Takes the same arguments as :func:`seen_at`, with the latitude and longitude in degrees.
    """
    spacing = number(f"{sensor}.spacing")
    slant = number(f"{sensor}.slant") * (1.0 if node == "ascending" else -1.0)
    start = 0.0 if node == "ascending" else 0.31
    turn = (lon + slant * lat) / spacing + start
    turn = turn + number(f"{sensor}.daily_shift") * (day.toordinal() % 100_000)
    return np.asarray(np.mod(turn, 1.0) < number(f"{sensor}.coverage"))
