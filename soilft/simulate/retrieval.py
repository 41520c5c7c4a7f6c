"""Simulated freeze/thaw labels of two L-band satellites, with errors of their own.

Neither label is the truth with white noise: errors cluster in space and last for days, SMOS lags
behind the ground, both are ruled by a reanalysis air temperature far from 0 degC, and SMAP is
least sure where the soil is dry.

The domain's ``noise`` scales ``lasting_sd``, ``passing_sd``, ``white_sd`` and ``error_base`` of
both satellites, on the same draws; no more than half of the labels fail in patches. It leaves
their shift, their lag, the width of SMOS's partial state and the air temperature that rules them
(``smos.air_sd``) alone: those are biases, or weather.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from soilft.simulate.domain import Domain, Field, Mask
from soilft.simulate.emission import cover, foliage
from soilft.simulate.noise import daily, lasting
from soilft.simulate.overpass import observed, seen_at
from soilft.simulate.parameters import number
from soilft.simulate.soil import FREEZING, State
from soilft.simulate.terrain import cell_relief
from soilft.simulate.world import World

SENSORS = ("smos", "smap")
THAWED, FROZEN, PARTIAL = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Label:
    """One node of one satellite's freeze/thaw state on one UTC day; all (lat, lon).

    Attributes
    ----------
    state : array of uint8
        0 thawed, 1 frozen, 2 partially frozen (SMOS only), at every cell, seen or not.
    hours : array
        Time of the pass, hours since the domain's first 00 UTC.
    seen : array of bool
        Cells within the swaths.
    trust : array
        Trust in the label, 0 to 1: small near the melting point.
    snow, mountains, dense_vegetation, precipitation, model_frozen : array of bool
        Conditions of the surface, as a retrieval's ancillary data know them.
    water : array
        Share of open water.
    """

    state: NDArray[np.uint8]
    hours: Field
    seen: Mask
    trust: Field
    snow: Mask
    mountains: Mask
    dense_vegetation: Mask
    precipitation: Mask
    model_frozen: Mask
    water: Field


@lru_cache(maxsize=4)
def _lasting(domain: Domain, sensor: str) -> Field:
    return lasting(domain, number(f"{sensor}.error_scale"), sensor, "lasting")


def proxy(domain: Domain, ground: State, sensor: str, node: str, day: date) -> Field:
    """Temperature that a retrieval would call freezing at 273.15 K, K, (lat, lon).

    The soil's temperature, partly that of the days before, with errors: lasting ones of the
    place, passing ones with the weather, and noise of the pass.
    """
    slow = number(f"{sensor}.slow_share")
    felt = (1 - slow) * ground.top + slow * ground.slow
    scale, number_of = number(f"{sensor}.error_scale"), domain.number(day)
    still = _lasting(domain, sensor)
    passing = daily(domain, scale, number(f"{sensor}.error_memory"), number_of, sensor, "passing")
    white = domain.stream(sensor, day, node).standard_normal(felt.shape, dtype=np.float32)
    # dry soil changes its permittivity little when it freezes
    dry = np.clip(number(f"{sensor}.dry") / np.maximum(ground.water, 0.02), 0.8, 2.0)
    relief = 1 + cell_relief(domain) / number("emission.relief") * number(f"{sensor}.relief_gain")
    error = (
        number(f"{sensor}.lasting_sd") * still
        + number(f"{sensor}.passing_sd") * passing
        + number(f"{sensor}.white_sd") * white
    )
    error = domain.noise * error
    return np.asarray(felt + number(f"{sensor}.shift") + error * dry * relief)


def label(world: World, sensor: str, node: str, day: date) -> Label:
    """A satellite's freeze/thaw state of a UTC day; whether or not it then existed.

    Parameters
    ----------
    world : World
        What there is to see; it must know the day and the one after.
    sensor : {"smos", "smap"}
        Satellite.
    node : {"ascending", "descending"}
        Direction of flight: SMOS ascends at 06, SMAP at 18 local solar time.
    day : date
        UTC day.
    """
    domain = world.domain
    hours = seen_at(domain, sensor, node, day)
    ground = world.at(hours)
    felt = proxy(domain, ground, sensor, node, day)
    frozen = felt < FREEZING
    # patches of plain failure: interference, a wrong reference
    patch = daily(domain, 0.6, 2.0, domain.number(day), sensor, node, "patch")
    wrong_share = min(domain.noise * number(f"{sensor}.error_base"), 0.5)
    frozen ^= patch > ndtri(1 - wrong_share)
    mean = world.air.daily_mean(hours)
    wrong = daily(domain, 3.0, 5.0, domain.number(day), sensor, "air") * number("smos.air_sd")
    frozen &= mean + wrong < FREEZING + number(f"{sensor}.thaw_above")
    frozen |= mean + wrong < FREEZING - number(f"{sensor}.freeze_below")
    state = np.where(frozen, FROZEN, THAWED).astype(np.uint8)
    if sensor == "smos":
        near = np.abs(felt - FREEZING) < number("smos.partial_half_width")
        state = np.where(near, PARTIAL, state).astype(np.uint8)
    water = cover(domain).water
    return Label(
        state=state,
        hours=hours,
        seen=observed(sensor, node, day, *domain.mesh),
        trust=np.asarray(1 - np.exp(-np.abs(felt - FREEZING) / 3.0)),
        snow=ground.snow > number("retrieval.snow"),
        mountains=cell_relief(domain) > number("retrieval.mountains"),
        dense_vegetation=foliage(world, hours) > number("retrieval.dense"),
        precipitation=world.air.wet(domain.hours(day)) > number("retrieval.wet"),
        model_frozen=mean + wrong < FREEZING,
        water=water,
    )
