"""Simulated reanalysis: a land-surface model, smooth, biased, poorest where it is frozen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from soilft.simulate.domain import Domain, Field
from soilft.simulate.emission import cover
from soilft.simulate.noise import daily, lasting
from soilft.simulate.parameters import number
from soilft.simulate.soil import FREEZING, State, liquid_share
from soilft.simulate.terrain import cell_elevation
from soilft.simulate.weather import between
from soilft.simulate.world import World

INSTANT = (
    "Tair_f_inst",
    "AvgSurfT_inst",
    "SoilTMP0_10cm_inst",
    "SoilTMP10_40cm_inst",
    "SoilMoi0_10cm_inst",
    "SoilMoi10_40cm_inst",
    "SWE_inst",
    "SnowDepth_inst",
    "Albedo_inst",
    "Wind_f_inst",
    "Psurf_f_inst",
    "Qair_f_inst",
)
"""Variables at the time stamp."""
AVERAGE = (
    "SWdown_f_tavg",
    "LWdown_f_tavg",
    "Rainf_f_tavg",
    "Rainf_tavg",
    "Snowf_tavg",
    "Swnet_tavg",
    "Lwnet_tavg",
)
"""Variables of the three hours before the time stamp."""
NAMES = INSTANT + AVERAGE
STAMPS = range(0, 24, 3)
STEFAN = 5.670e-8
"""Stefan-Boltzmann constant, W m-2 K-4."""


@lru_cache(maxsize=2)
def _lasting(domain: Domain) -> Field:
    """Error of a place that lasts, K, (lat, lon)."""
    far = lasting(domain, number("gldas.lasting_scale"), "gldas lasting")
    return np.asarray(number("gldas.bias") + number("gldas.lasting_sd") * far)


@lru_cache(maxsize=16)
def _passing(domain: Domain, day: int) -> Field:
    """Error at 12 UTC of a day that passes, K, (lat, lon)."""
    scale, memory = number("gldas.daily_scale"), number("gldas.daily_memory")
    return number("gldas.daily_sd") * daily(domain, scale, memory, day, "gldas daily")


@lru_cache(maxsize=16)
def _snow_error(domain: Domain, day: int) -> Field:
    """Factor on the snow of a day, (lat, lon)."""
    noise = daily(domain, 2.0, 20.0, day, "gldas snow")
    return np.asarray(np.exp(number("gldas.snow_spread") * noise))


def blur(field: Field) -> Field:
    """Smooth a field as the model's coarse forcing would."""
    blurred: Field = gaussian_filter(field, number("gldas.smoothing"), mode="nearest")
    return blurred


def _error(domain: Domain, now: State, hours: float) -> tuple[Field, Field]:
    """Error of the soil's and of the air's temperature before smoothing, K."""
    passing = between(lambda day: _passing(domain, day), 12.0, 24.0, np.asarray(hours))
    plain = _lasting(domain) + passing
    frozen = 1 - liquid_share(now.top)
    soil = plain * (1 + (number("gldas.frozen_gain") - 1) * frozen)
    soil = soil + number("gldas.frozen_bias") * frozen
    return np.asarray(soil), np.asarray(number("gldas.air_share") * plain)


def _instant(world: World, hours: float) -> dict[str, Field]:
    """The variables at a time, before smoothing."""
    domain, at = world.domain, np.asarray(hours)
    now = world.at(at)
    soil, air = _error(domain, now, hours)
    share = number("gldas.deep_share")
    water = number("gldas.moisture_gain") * now.water
    factor = between(lambda day: _snow_error(domain, day), 12.0, 24.0, at)
    snow = now.snow * factor
    white = 1 - np.exp(-snow / number("gldas.snow_masks"))
    pressure = 101325.0 * np.exp(-cell_elevation(domain) / number("gldas.scale_height"))
    celsius = now.air - FREEZING
    damp = number("gldas.humid_dry") + number("gldas.humid_cloud") * world.air.cover(at)
    vapour = damp * 610.78 * 10 ** (7.5 * celsius / (celsius + 237.3))
    still = daily(domain, 3.0, 1.0, int(np.floor(hours / 24)), "wind")
    green = np.minimum(cover(domain).vegetation, 0.6)
    return {
        "Tair_f_inst": now.air + air,
        "AvgSurfT_inst": now.skin + air,
        "SoilTMP0_10cm_inst": (1 - share) * now.top + share * now.deep + soil,
        "SoilTMP10_40cm_inst": now.deep + soil,
        "SoilMoi0_10cm_inst": 100.0 * water,
        "SoilMoi10_40cm_inst": 300.0 * np.sqrt(number("gldas.deep_moisture") * water),
        "SWE_inst": snow,
        "SnowDepth_inst": snow / number("snow.density"),
        "Albedo_inst": 100 * (0.26 - 0.12 * green) * (1 - white) + 62.0 * white,
        "Wind_f_inst": number("gldas.wind") * np.exp(0.4 * still),
        "Psurf_f_inst": pressure,
        "Qair_f_inst": 0.622 * vapour / (pressure - 0.378 * vapour),
    }


def _average(world: World, hours: float) -> dict[str, Field]:
    """The variables of the three hours before a time, before smoothing."""
    domain, air = world.domain, world.air
    past = [hours - 2.5, hours - 1.5, hours - 0.5]
    middle = np.asarray(hours - 1.5)
    light = sum(air.sunlight(hour) for hour in past) / 3
    sky = air.sky(float(middle))
    falls = air.wet(float(middle)) / 86400.0
    warm = air.air(middle) + _error(domain, world.at(middle), float(middle))[1]
    share = np.clip((warm - number("snow.rain_above")) / 2 + 0.5, 0.0, 1.0)
    skin = air.skin(middle)
    return {
        "SWdown_f_tavg": np.asarray(light),
        "LWdown_f_tavg": sky,
        "Rainf_f_tavg": falls,
        "Rainf_tavg": falls * share,
        "Snowf_tavg": falls * (1 - share),
        "Swnet_tavg": np.asarray(0.79 * light),
        "Lwnet_tavg": sky - 0.97 * STEFAN * skin**4,
    }


def _raw(world: World, hours: float, names: Iterable[str]) -> dict[str, Field]:
    wanted = tuple(names)
    made: dict[str, Field] = {}
    if set(wanted) & set(INSTANT):
        made |= _instant(world, hours)
    if set(wanted) & set(AVERAGE):
        made |= _average(world, hours)
    return {name: made[name] for name in wanted}


def fields(
    world: World, day: date, stamp_hour: int, names: Iterable[str] = NAMES
) -> dict[str, Field]:
    """Values of the model's variables at a time stamp, (lat, lon), in the units of GLDAS.

    ``_inst`` is at the stamp, ``_tavg`` the mean of the 3 hours before it.

    Parameters
    ----------
    world : World
        What the model tries to follow.
    day : date
        UTC day of the stamp.
    stamp_hour : int
        UTC hour of the stamp, 0 to 24.
    names : iterable of str
        Those wanted of ``NAMES``.

    Raises
    ------
    KeyError
        If the model has no such variable.
    """
    raw = _raw(world, world.domain.hours(day) + stamp_hour, names)
    return {name: blur(field) for name, field in raw.items()}


def daily_means(world: World, day: date, names: Iterable[str] = NAMES) -> dict[str, Field]:
    """Mean of the eight time stamps that belong to a UTC day, (lat, lon).

    For ``_inst`` those of 00 to 21 UTC; for ``_tavg``, which look back, 03 to 24 UTC. Smoothing is
    linear, so the mean is smoothed once.

    Parameters
    ----------
    world, day, names
        As for :func:`fields`.
    """
    wanted, begin = tuple(names), world.domain.hours(day)
    total: dict[str, Field] = {}
    for ending, late in (("_inst", 0), ("_tavg", 3)):
        part = [name for name in wanted if name.endswith(ending)]
        for stamp in STAMPS if part else ():
            for name, field in _raw(world, begin + stamp + late, part).items():
                total[name] = field + total[name] if name in total else field
    return {name: blur(total[name] / len(STAMPS)) for name in wanted}
