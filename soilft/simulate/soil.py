"""Ground: two layers of soil with a zero curtain, snow and moisture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from soilft.simulate.domain import Domain, Field
from soilft.simulate.noise import smooth
from soilft.simulate.parameters import number, numbers
from soilft.simulate.weather import SPIN_UP, Weather, between, day_numbers, weather

FREEZING = 273.15
"""Melting point of ice, K."""
STEP = 3.0
"""Time step of the soil, hours."""


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
    outside = heat - np.sign(heat) * latent / 2
    return FREEZING + np.where(np.abs(inside) < half, inside, outside)


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
    """

    air: Field
    skin: Field
    top: Field
    deep: Field
    water: Field
    snow: Field


@dataclass(frozen=True, eq=False)
class History:
    """The ground of a domain over its whole time.

    Attributes
    ----------
    air : Weather
        The air above.
    top, deep : array
        Temperature of 0-5 cm and 10-40 cm, K, (3-hour step, lat, lon).
    water : array
        Water and ice in 0-5 cm, m3 m-3, (day, lat, lon), at 12 UTC.
    snow : array
        Snow water equivalent, kg m-2, (day, lat, lon), at 12 UTC.
    """

    air: Weather
    top: Field
    deep: Field
    water: Field
    snow: Field

    def at(self, hours: Field) -> State:
        """The ground at hours since the domain's first 00 UTC: one, or one for each cell."""
        hours = np.asarray(hours)
        first, noon = -24.0 * SPIN_UP, 12.0 - 24.0 * SPIN_UP
        return State(
            air=self.air.air(hours),
            skin=self.air.skin(hours),
            top=between(self.top, first, STEP, hours),
            deep=between(self.deep, first, STEP, hours),
            water=between(self.water, noon, 24.0, hours),
            snow=between(self.snow, noon, 24.0, hours),
        )


def _stores(air: Weather) -> tuple[Field, Field]:
    """Snow, kg m-2, and soil water, m3 m-3, of each day: bucket models with a daily step.

    Snow melts by degree days (Hock 2003); soil water follows an antecedent precipitation index.
    """
    domain = air.domain
    snow = np.zeros(air.wet.shape)
    index = np.zeros(air.wet.shape)
    keep = float(np.exp(-1.0 / number("soil.moisture_memory")))
    for place, day in enumerate(day_numbers(domain)):
        warm = air.daily_mean(np.asarray(24.0 * day + 12))
        falls = air.wet[place]
        cold = warm < number("snow.rain_above")
        melt = number("snow.melt") * np.maximum(warm - FREEZING, 0.0)
        before = snow[place - 1] if place else np.zeros(falls.shape)
        left = before + np.where(cold, falls, 0.0)
        melted = np.minimum(left, melt)
        snow[place] = np.maximum(left - melted - number("snow.sublimation"), 0.0)
        wet = index[place - 1] if place else np.zeros(falls.shape)
        # what falls or melts on frozen ground runs off: the index rests
        gain = np.where(cold, 0.0, falls) + melted
        index[place] = np.where(cold, wet, keep * wet + gain)
    lat, lon = domain.mesh
    base = number("soil.moisture_mean") + number("soil.moisture_sd") * smooth(
        domain, number("soil.moisture_scale"), lat, lon, "moisture"
    )
    low, high = numbers("soil.moisture_range")
    water = np.clip(base + number("soil.moisture_gain") * index, low, high)
    return snow.astype(np.float32), water.astype(np.float32)


@lru_cache(maxsize=2)
def history(domain: Domain) -> History:
    """The ground of a domain; kept, for it is the same for every day.

    The 0-5 cm layer relaxes to the skin (slower under snow) and to the layer below; latent heat
    holds it at the melting point while its water freezes (zero curtain). The layer below relaxes
    to the upper. Explicit steps of 3 hours.
    """
    air = weather(domain)
    snow, water = _stores(air)
    days = day_numbers(domain)
    steps = len(days) * int(24 / STEP)
    dt = STEP / 24.0
    top = np.empty((steps, *air.normal.shape), dtype=np.float32)
    deep = np.empty_like(top)
    now = air.daily_mean(np.asarray(24.0 * days[0])) + number("soil.skin_offset")
    below = now.copy()
    old = number("soil.latent") * water[0]
    heat = heat_of(now, old)
    deeper = number("snow.density") * number("snow.insulating_depth")
    for step in range(steps):
        place = int(step * dt)
        latent = number("soil.latent") * water[place]
        # water gained or lost brings no heat of its own: the temperature stays
        if step % 8 == 0:
            heat, old = heat + (latent - old) * (liquid_share(now) - 0.5), latent
        now = temperature_of(heat, latent)
        top[step], deep[step] = now, below
        skin = air.skin(np.asarray(24.0 * days[0] + step * STEP + STEP / 2))
        slow = number("soil.surface_time") * (1 + snow[place] / deeper)
        flow = (skin - now) / slow + (below - now) / number("soil.exchange_time")
        below = below + dt * (now - below) / number("soil.deep_time")
        heat = heat + dt * flow
    return History(air, top, deep, water, snow)
