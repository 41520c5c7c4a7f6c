"""Simulated radiometer: the true brightness temperature through its footprint and its errors.

The error of a channel varies with season, brightness temperature, land cover, relief, time of day
and, slowly, with place and time: no table of slopes and intercepts undoes it. Of all this, the
domain's ``noise`` scales the radiometric noise (``<sensor>.noise``) alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from soilft.simulate.domain import Domain, Field, Mask
from soilft.simulate.emission import BANDS, brightness, cover, scene
from soilft.simulate.noise import daily
from soilft.simulate.overpass import observed, seen_at
from soilft.simulate.parameters import number, numbers
from soilft.simulate.terrain import cell_relief
from soilft.simulate.weather import season
from soilft.simulate.world import World

SENSORS = ("amsr-e", "mwri", "amsr2")
NODES = ("ascending", "descending")
POLARIZATIONS = ("H", "V")
CELL_KM = 25.0
"""Side of a cell, km, in which footprints are measured."""


@dataclass(frozen=True, eq=False)
class Observation:
    """One node of one radiometer on one UTC day.

    Attributes
    ----------
    tb : dict
        Brightness temperature by (band, "H" or "V"), K, (lat, lon), at every cell, seen or not.
    hours : array
        Time of the pass, hours since the domain's first 00 UTC, (lat, lon).
    seen : array of bool
        Cells within the swaths, (lat, lon).
    """

    tb: dict[tuple[str, str], Field]
    hours: Field
    seen: Mask


def bands(sensor: str) -> tuple[str, ...]:
    """Bands of a radiometer: MWRI has no 6.9 GHz."""
    return BANDS[1:] if sensor == "mwri" else BANDS


@lru_cache(maxsize=2)
def _place(domain: Domain) -> tuple[Field, Field]:
    """Vegetation and relief of the cells, each about their mean, bounded, (lat, lon)."""
    land = cover(domain).vegetation / number("emission.vegetation") - 1
    relief = cell_relief(domain) / number("emission.relief") - 1
    return np.tanh(land), np.tanh(relief)


@lru_cache(maxsize=16)
def _level(domain: Domain, sensor: str, band: str, day: int) -> Field:
    """Slow drift of a band, the same for both nodes, standard deviation 1, (lat, lon)."""
    return daily(domain, 3.0, 60.0, day, "bias", sensor, band)


def bias(domain: Domain, sensor: str, node: str, day: date, band: str, tb: Field) -> Field:
    """Error of a channel pair that is no noise, H and V, K, (2, lat, lon).

    Parameters
    ----------
    domain : Domain
        Cells.
    sensor, node, day, band
        Which pass and band.
    tb : array
        True brightness temperature, H and V, K, (2, lat, lon).
    """
    place, part = BANDS.index(band), f"{sensor}.bias_"
    hours = np.asarray(domain.hours(day) + 12.0)
    turn = season(domain, hours, number(part + "season_day"))
    # instruments whose hot load sees the sun err with the season of the orbit too
    half = 2 * season(domain, hours, 20.0) ** 2 - 1
    up = 0.5 if node == "ascending" else -0.5
    land, relief = _place(domain)
    level = _level(domain, sensor, band, domain.number(day))
    common = (
        number(part + "season") * (turn + 0.4 * half)
        + up * number(part + "node")
        + number(part + "land") * land
        + number(part + "relief") * relief
        + number(part + "drift") * level
    )
    out = []
    for letter, field in zip(POLARIZATIONS, tb, strict=True):
        away = field - 260.0
        out.append(
            numbers(f"{part}{letter.lower()}")[place]
            + numbers(part + "gain")[place] * away
            + number(part + "bend") * (away / 30.0) ** 2
            + common
        )
    return np.stack(out)


def observe(
    world: World, sensor: str, node: str, day: date, bands: Iterable[str] | None = None
) -> Observation:
    """What a radiometer reports of a day, its errors in; whether or not it then existed.

    Parameters
    ----------
    world : World
        What there is to see; it must know the day and the one after.
    sensor : {"amsr-e", "mwri", "amsr2"}
        Instrument.
    node : {"ascending", "descending"}
        Direction of flight.
    day : date
        UTC day.
    bands : iterable of str, optional
        Those wanted of :func:`bands`; all by default. A band is the same whichever others are
        asked for.

    Raises
    ------
    ValueError
        If the sensor has no such band, or the world does not know the day.
    """
    wanted = _bands(sensor) if bands is None else tuple(bands)
    if not set(wanted) <= set(_bands(sensor)):
        raise ValueError(f"{sensor} has the bands {_bands(sensor)}, not all of {wanted}")
    return _observe(world, sensor, node, day, wanted)


_bands = bands


@lru_cache(maxsize=4)
def _observe(
    world: World, sensor: str, node: str, day: date, wanted: tuple[str, ...]
) -> Observation:
    domain = world.domain
    hours = seen_at(domain, sensor, node, day)
    ground, around = world.at(hours), scene(world, hours)
    tb: dict[tuple[str, str], Field] = {}
    for band in wanted:
        place = BANDS.index(band)
        wide = numbers(f"{sensor}.footprint")[place] / 2.355 / CELL_KM
        pair = np.stack(brightness(domain, ground, around, band, number(f"{sensor}.incidence")))
        pair = gaussian_filter(pair, (0, wide, wide), mode="nearest")
        pair = pair + bias(domain, sensor, node, day, band, pair)
        random = domain.stream(sensor, day, node, band)
        noise = random.standard_normal(pair.shape, dtype=np.float32)
        noisy = pair + domain.noise * numbers(f"{sensor}.noise")[place] * noise
        for letter, field in zip(POLARIZATIONS, noisy, strict=True):
            tb[band, letter] = field
    seen = observed(sensor, node, day, *domain.mesh)
    # kept for the next caller: nobody may write into it
    for field in (*tb.values(), hours, seen):
        field.setflags(write=False)
    return Observation(tb, hours, seen)
