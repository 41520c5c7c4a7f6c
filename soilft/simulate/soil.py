"""Ground of the synthetic Earth: two layers with a zero curtain, snow, moisture and lakes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from soilft.simulate.domain import Domain, Field
from soilft.simulate.parameters import number, numbers
from soilft.simulate.texture import bound_share, held_water
from soilft.simulate.weather import Weather

FREEZING = 273.15
"""Melting point of ice, K."""
STEP = 3.0
"""Time step of the soil, hours."""
STEPS = 8
"""Steps of a day."""
SPIN_UP = 60
"""Days simulated before any is used."""


def liquid_share(temperature: Field) -> Field:
    """Share of the freezable water that is liquid, 0..1, of a cell at a mean temperature, K."""
    half = number("soil.freezing_half_width")
    return np.asarray(np.clip((temperature - FREEZING + half) / (2 * half), 0.0, 1.0))


def heat_of(temperature: Field, latent: Field) -> Field:
    """Heat content over heat capacity, K, 0 in the middle of freezing.

    ``E = (T - 273.15) + L (share - 1/2)``, L the latent heat over the heat capacity, K.
    """
    return temperature - FREEZING + latent * (liquid_share(temperature) - 0.5)


def temperature_of(heat: Field, latent: Field) -> Field:
    """Temperature, K, of a heat content, K: the inverse of :func:`heat_of`."""
    half = number("soil.freezing_half_width")
    inside = heat / (1 + latent / (2 * half))
    outside = heat - np.copysign(latent / 2, heat)
    return np.asarray(FREEZING + np.where(np.abs(inside) < half, inside, outside))


@dataclass(frozen=True, eq=False)
class State:
    """The ground at one instant, or at each cell's own instant; all (lat, lon).

    Attributes
    ----------
    air, skin, top, deep : array
        Temperature of the air, the surface, 0-5 cm and 10-40 cm of soil, K.
    water : array
        Water and ice in 0-5 cm, m3 m-3.
    snow : array
        Snow water equivalent, kg m-2.
    age : array
        Mean age of the snow, days: old snow has coarse grains.
    lake : array
        Temperature of open water, K.
    slow : array
        0-5 cm temperature, smoothed over the days before, K.
    """

    air: Field
    skin: Field
    top: Field
    deep: Field
    water: Field
    snow: Field
    age: Field
    lake: Field
    slow: Field


@dataclass(frozen=True, eq=False)
class Ground:
    """All that the ground carries from one day into the next, at 00 UTC, (lat, lon), float32.

    Attributes
    ----------
    heat : array
        Heat content of 0-5 cm over its heat capacity, K.
    top, deep : array
        Temperature of 0-5 cm and of 10-40 cm, K.
    latent : array
        Latent heat of the water in 0-5 cm over the heat capacity, K.
    snow, age : array
        Snow water equivalent, kg m-2, and the snow's mean age, days.
    index : array
        Antecedent precipitation, kg m-2.
    lake, slow : array
        Temperature of open water and the smoothed temperature of 0-5 cm, K.
    """

    heat: Field
    top: Field
    deep: Field
    latent: Field
    snow: Field
    age: Field
    index: Field
    lake: Field
    slow: Field

    def arrays(self) -> dict[str, Field]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, eq=False)
class Day:
    """The ground of one UTC day.

    Attributes
    ----------
    top : array
        Temperature of 0-5 cm, K, every 3 hours from 00 UTC, (8, lat, lon).
    deep, water, snow, age, lake, slow : array
        As in :class:`State`, at 12 UTC, (lat, lon).
    """

    top: Field
    deep: Field
    water: Field
    snow: Field
    age: Field
    lake: Field
    slow: Field


@lru_cache(maxsize=4)
def _soaked(domain: Domain) -> Field:
    return held_water(domain).astype(np.float32)


@lru_cache(maxsize=4)
def _bound(domain: Domain) -> Field:
    return bound_share(domain).astype(np.float32)


def _water(domain: Domain, index: Field) -> Field:
    low, high = numbers("soil.moisture_range")
    return np.clip(_soaked(domain) + number("soil.moisture_gain") * index, low, high)


def begin(air: Weather, day: int) -> Ground:
    """The ground at 00 UTC of a day number, in balance with the air: where the spin-up starts."""
    now = (air.daily_mean(np.asarray(24.0 * day)) + number("soil.skin_offset")).astype(np.float32)
    none = np.zeros_like(now)
    latent = number("soil.latent") * _water(air.domain, none) * (1 - _bound(air.domain))
    return Ground(heat_of(now, latent), now, now, latent, none, none, none, now, now)


def _stores(ground: Ground, air: Weather, day: int) -> tuple[Field, Field, Field]:
    """Snow, kg m-2, its age, days, and the precipitation index after a day.

    Snow melts by degree days (Hock 2003); soil water follows an antecedent precipitation index.
    """
    warm = air.daily_mean(np.asarray(24.0 * day + 12))
    falls = air.wet(24.0 * day)
    cold = warm < number("snow.rain_above")
    fresh = np.where(cold, falls, 0.0)
    left = ground.snow + fresh
    melted = np.minimum(left, number("snow.melt") * np.maximum(warm - FREEZING, 0.0))
    snow = np.maximum(left - melted - number("snow.sublimation"), 0.0)
    age = np.where(snow > 0, (ground.age + 1) * ground.snow / np.maximum(left, 1e-6), 0.0)
    keep = float(np.exp(-1.0 / number("soil.moisture_memory")))
    # what falls or melts on frozen ground runs off: the index rests
    gain = np.where(cold, 0.0, falls) + melted
    index = np.where(cold, ground.index, keep * ground.index + gain)
    return snow.astype(np.float32), age.astype(np.float32), index.astype(np.float32)


def advance(ground: Ground, air: Weather, day: int) -> tuple[Ground, Day]:
    """Carry the ground through one UTC day, in explicit steps of 3 hours.

    The 0-5 cm layer relaxes to the skin (slower under snow) and to the layer below; latent heat
    holds it at the melting point while its water freezes (zero curtain). The layer below relaxes
    to the upper. Open water follows the air slowly.

    Parameters
    ----------
    ground : Ground
        At 00 UTC.
    air : Weather
        The air above.
    day : int
        Day number from the first of the domain.

    Returns
    -------
    ground : Ground
        At 00 UTC of the next day.
    day : Day
        What went on between.
    """
    snow, age, index = _stores(ground, air, day)
    water = _water(air.domain, index)
    latent = number("soil.latent") * water * (1 - _bound(air.domain))
    now, below = ground.top, ground.deep
    # water gained or lost brings no heat of its own: the temperature stays
    heat = ground.heat + (latent - ground.latent) * (liquid_share(now) - 0.5)
    hides = number("snow.density") * number("snow.insulating_depth")
    slow = number("soil.surface_time") * (1 + snow / hides)
    dt = STEP / 24.0
    tops, deep, mean = [], below, np.zeros_like(now)
    for step in range(STEPS):
        tops.append(now)
        if step == STEPS // 2:
            deep = below
        skin = air.skin(np.asarray(24.0 * day + (step + 0.5) * STEP))
        mean = mean + skin / np.float32(STEPS)
        flow = (skin - now) / slow + (below - now) / number("soil.exchange_time")
        below = (below + dt * (now - below) / number("soil.deep_time")).astype(np.float32)
        heat = (heat + dt * flow).astype(np.float32)
        now = temperature_of(heat, latent).astype(np.float32)
    top = np.stack(tops)
    lake = ground.lake + (mean - ground.lake) / number("water.memory")
    smoothed = ground.slow + (top.mean(axis=0) - ground.slow) / number("soil.slow_memory")
    held = Day(top, deep, water, snow, age, lake.astype(np.float32), smoothed.astype(np.float32))
    later = Ground(heat, now, below, latent, snow, age, index, held.lake, held.slow)
    return later, held
