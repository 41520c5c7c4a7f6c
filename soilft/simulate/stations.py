"""Simulated stations: points whose soil temperature is not quite that of their cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from soilft.simulate.domain import Domain, Field
from soilft.simulate.parameters import number
from soilft.simulate.soil import FREEZING
from soilft.simulate.terrain import cell_elevation, elevation
from soilft.simulate.world import World

BOX = 2.5
"""Side of the boxes that hold one station each, degrees."""
NETWORK = "SIMULATED"


@dataclass(frozen=True)
class Station:
    """A place where soil temperature is measured.

    Attributes
    ----------
    name, network : str
        Its names.
    lon, lat : float
        Degrees.
    elevation : float
        m.
    row, col : int
        Its cell, from the south and from the west.
    offset : float
        How much warmer it lies than its cell, K.
    swing : float
        Its anomalies from the smoothed course over those of its cell.
    """

    name: str
    network: str
    lon: float
    lat: float
    elevation: float
    row: int
    col: int
    offset: float
    swing: float


@lru_cache(maxsize=4)
def stations(domain: Domain) -> tuple[Station, ...]:
    """The stations within the bounds of a domain, one in each box of 2.5 degrees."""
    west, south, east, north = domain.bounds
    random = domain.stream("stations")
    high, wide = (max(1, round(side / BOX)) for side in (north - south, east - west))
    out = []
    for place in range(high * wide):
        up, across, cold, swing = random.random(4)
        lat = south + (north - south) * (place // wide + 0.1 + 0.8 * up) / high
        lon = west + (east - west) * (place % wide + 0.1 + 0.8 * across) / wide
        here = np.array([lat]), np.array([lon])
        row, col, _ = (int(part[0]) for part in domain.cell(*here))
        height = float(elevation(domain, *here)[0])
        # valleys are where stations stand: only part of the height above the cell counts
        above = np.clip(height - cell_elevation(domain)[row, col], -200.0, 200.0)
        offset = number("stations.offset_sd") * 3.46 * (cold - 0.5)
        offset -= 0.5 * number("climate.lapse_rate") * float(above)
        spread = number("stations.swing_spread")
        out.append(
            Station(
                name=f"SIM{place + 1:03d}",
                network=NETWORK,
                lon=round(float(lon), 5),
                lat=round(float(lat), 5),
                elevation=round(height, 1),
                row=row,
                col=col,
                offset=float(offset),
                swing=float(1 + spread * (2 * swing - 1)),
            )
        )
    return tuple(out)


def soil_temperature(world: World, station: Station, hours: Field) -> Field:
    """Measured temperature of 0-5 cm, degC, (time,).

    The same hour gives the same value, whichever others are asked for with it.

    Parameters
    ----------
    world : World
        What there is to measure.
    station : Station
        Where.
    hours : array
        (time,), since the domain's first 00 UTC.
    """
    hours = np.asarray(hours, dtype=float)
    top, slow = world.series(station.row, station.col, hours)
    noise = np.empty(hours.shape)
    days = np.floor(hours / 24).astype(int)
    for day in np.unique(days):
        # 1440 minutes: a value for each
        fresh = world.domain.stream("station", station.name, int(day)).standard_normal(1440)
        here = days == day
        minute = np.clip(((hours[here] - 24.0 * day) * 60).astype(int), 0, 1439)
        noise[here] = fresh[minute]
    felt = slow + station.swing * (top - slow) + station.offset
    return np.asarray(felt - FREEZING + number("stations.noise") * noise)
