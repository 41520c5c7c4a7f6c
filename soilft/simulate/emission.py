"""Brightness temperature of soil, vegetation and snow; the air is taken as transparent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from soilft.simulate.domain import Domain, Field
from soilft.simulate.noise import smooth
from soilft.simulate.parameters import number, numbers
from soilft.simulate.soil import FREEZING, State, liquid_share

Complex: TypeAlias = NDArray[np.complexfloating[Any, Any]]

BANDS = ("10", "18", "23", "36", "89")
"""Bands in the order of the parameter lists."""


@dataclass(frozen=True, eq=False)
class Cover:
    """What lies still on the ground, (lat, lon): roughness h and optical depth at 18.7 GHz."""

    rough: Field
    vegetation: Field


@lru_cache(maxsize=4)
def cover(domain: Domain) -> Cover:
    """Roughness and vegetation of a domain."""
    lat, lon = domain.mesh
    scale = number("emission.clutter_scale")
    rough = smooth(domain, scale, lat, lon, "roughness") * number("emission.roughness_sd")
    green = smooth(domain, scale, lat, lon, "vegetation") * number("emission.vegetation_sd")
    return Cover(
        np.clip(number("emission.roughness") + rough, 0.02, 0.6),
        np.clip(number("emission.vegetation") + green, 0.01, 0.6),
    )


def water_permittivity(frequency: float, temperature: Field) -> Complex:
    """Complex permittivity of fresh water: Debye terms of Klein and Swift (1977).

    Parameters
    ----------
    frequency : float
        GHz.
    temperature : array
        K; taken as at least 263.15, below which the terms do not hold.
    """
    t = np.clip(temperature - FREEZING, -10.0, 40.0)
    static = 87.134 - 0.1949 * t - 0.01276 * t**2 + 0.0002491 * t**3
    relax = 1.768e-11 - 6.086e-13 * t + 1.104e-14 * t**2 - 8.111e-17 * t**3
    turn = 2 * np.pi * frequency * 1e9 * relax
    return np.asarray(4.9 + (static - 4.9) / (1 - 1j * turn))


def soil_permittivity(frequency: float, temperature: Field, water: Field) -> Complex:
    """Complex permittivity of soil, part of its water ice: power-law mixing (Dobson 1985).

    Parameters
    ----------
    frequency : float
        GHz.
    temperature : array
        Of 0-5 cm, K.
    water : array
        Water and ice, m3 m-3.
    """
    power, solid = number("emission.mixing_power"), number("emission.solid_share")
    bound = number("soil.unfrozen_share")
    liquid = water * (bound + (1 - bound) * liquid_share(temperature))
    ice = water - liquid
    fluid = water_permittivity(frequency, temperature) ** power
    mixed = (
        1.0
        + solid * (number("emission.solid_permittivity") ** power - 1)
        + ice * (number("emission.ice_permittivity") ** power - 1)
        + liquid * (fluid - 1)
    )
    return np.asarray(mixed ** (1 / power))


def fresnel(permittivity: Complex) -> tuple[Field, Field]:
    """Power reflectivity of a smooth surface, horizontal and vertical, at the incidence angle."""
    angle = np.deg2rad(number("emission.incidence"))
    up = float(np.cos(angle))
    root = np.sqrt(permittivity - np.sin(angle) ** 2)
    level = np.abs((up - root) / (up + root)) ** 2
    upright = np.abs((permittivity * up - root) / (permittivity * up + root)) ** 2
    return np.asarray(level), np.asarray(upright)


def brightness(ground: State, still: Cover, band: str) -> tuple[Field, Field]:
    """Brightness temperature without instrument noise, horizontal and vertical, K, (lat, lon).

    Fresnel reflectivity roughened by the Q-h model (Wang and Choudhury 1981), darkened when
    frozen (England 1974), seen through vegetation (tau-omega, Mo et al. 1982) and through snow
    that scatters more at higher frequency.

    Parameters
    ----------
    ground : State
        The ground at the overpass.
    still : Cover
        Roughness and vegetation.
    band : str
        One of ``BANDS``.
    """
    place = BANDS.index(band)
    frequency = numbers("emission.frequency")[place]
    ratio = frequency / 36.5
    frozen = 1 - liquid_share(ground.top)
    low, skin = numbers("emission.frozen_depth_share")[place] * frozen, ground.skin
    share = numbers("emission.skin_share")[place] * np.exp(
        -ground.snow / number("emission.snow_hides")
    )
    warm = (1 - share - low) * ground.top + share * skin + low * ground.deep
    level, upright = fresnel(soil_permittivity(frequency, ground.top, ground.water))
    mix, damp = number("emission.polarisation_mixing"), np.exp(-still.rough)
    dark = number("emission.frozen_scattering") * ratio ** number(
        "emission.frozen_scattering_power"
    )
    slant = 1 / float(np.cos(np.deg2rad(number("emission.incidence"))))
    depth = still.vegetation * (frequency / 18.7) ** number("emission.vegetation_power")
    through = np.exp(-depth * slant)
    haze = number("emission.snow_extinction") * ratio ** number("emission.snow_power")
    clear = np.exp(-haze * ground.snow * slant)
    out = []
    for near, far in ((level, upright), (upright, level)):
        mirror = ((1 - mix) * near + mix * far) * damp
        emits = (1 - mirror) * (1 - dark * frozen)
        leaf = (1 - number("emission.vegetation_albedo")) * (1 - through)
        seen = emits * warm * through + leaf * skin * (1 + (1 - emits) * through)
        pack = (1 - number("emission.snow_albedo")) * (1 - clear) * np.minimum(skin, FREEZING)
        out.append(seen * clear + pack)
    return out[0], out[1]
