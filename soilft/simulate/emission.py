"""Brightness temperature at the top of the air: soil, vegetation, snow, open water, vapour."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from soilft.simulate.domain import Domain, Field
from soilft.simulate.noise import daily, lasting
from soilft.simulate.parameters import number, numbers
from soilft.simulate.soil import FREEZING, State, liquid_share
from soilft.simulate.terrain import cell_relief
from soilft.simulate.texture import bound_share, cell_soil
from soilft.simulate.weather import season
from soilft.simulate.world import World

Complex: TypeAlias = NDArray[np.complexfloating[Any, Any]]

BANDS = ("06", "10", "18", "23", "36", "89")
"""Bands in the order of the parameter lists."""
QUARTZ = 2.65
"""Density of soil minerals, g cm-3."""


@dataclass(frozen=True, eq=False)
class Cover:
    """What lies still on the ground, (lat, lon).

    Attributes
    ----------
    rough : array
        Roughness h of exp(-h).
    vegetation : array
        Optical depth at 18.7 GHz in summer, nadir.
    water : array
        Share of open water.
    mixing : array
        Polarization mixing Q, larger in steep cells, whose slopes face every way.
    solid : array
        Share of the soil's volume that is mineral.
    bound : array
        Share of soil water that never freezes.
    """

    rough: Field
    vegetation: Field
    water: Field
    mixing: Field
    solid: Field
    bound: Field


@lru_cache(maxsize=4)
def cover(domain: Domain) -> Cover:
    """Roughness, vegetation, open water and soil of a domain."""
    scale = number("emission.clutter_scale")
    rough = lasting(domain, scale, "roughness") * number("emission.roughness_sd")
    green = lasting(domain, scale, "vegetation") * number("emission.vegetation_spread")
    wide = lasting(domain, 4 * scale, "wide vegetation") * number("emission.vegetation_spread")
    lakes = lasting(domain, number("water.scale"), "lakes") - number("water.above")
    relief = cell_relief(domain) / number("emission.relief")
    mixing = number("emission.polarisation_mixing") + 0.2 * (1 - np.exp(-relief))
    return Cover(
        np.clip(number("emission.roughness") + rough, 0.02, 0.8),
        np.clip(number("emission.vegetation") * np.exp(green + wide), 0.01, 1.2),
        np.clip(number("water.growth") * lakes, 0.0, 0.8),
        np.asarray(mixing),
        np.asarray(cell_soil(domain)["bulk_density"] / QUARTZ),
        bound_share(domain),
    )


@lru_cache(maxsize=8)
def _greenness(domain: Domain, day: int) -> Field:
    return daily(domain, 4.0, 40.0, day, "greenness")


def foliage(world: World, hours: Field) -> Field:
    """Optical depth of the vegetation at 18.7 GHz, nadir: a season that differs by year."""
    domain = world.domain
    turn = 0.5 + 0.5 * season(domain, hours, number("emission.greenest_day"))
    bare = number("emission.winter_share")
    day = int(np.floor(np.mean(hours) / 24.0))
    good = 1 + number("emission.green_sd") * _greenness(domain, day)
    return np.asarray(
        cover(domain).vegetation * (bare + (1 - bare) * turn**2 * np.clip(good, 0.3, 2.0))
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


def soil_permittivity(
    frequency: float, temperature: Field, water: Field, solid: Field, bound: Field
) -> Complex:
    """Complex permittivity of soil, part of its water ice: power-law mixing (Dobson 1985).

    Parameters
    ----------
    frequency : float
        GHz.
    temperature : array
        Of 0-5 cm, K.
    water : array
        Water and ice, m3 m-3.
    solid : array
        Mineral, m3 m-3.
    bound : array
        Share of the water that stays liquid however cold.
    """
    power = number("emission.mixing_power")
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


def fresnel(permittivity: Complex, incidence: float) -> tuple[Field, Field]:
    """Power reflectivity of a smooth surface, horizontal and vertical, at an angle in degrees."""
    angle = np.deg2rad(incidence)
    up = float(np.cos(angle))
    root = np.sqrt(permittivity - np.sin(angle) ** 2)
    level = np.abs((up - root) / (up + root)) ** 2
    upright = np.abs((permittivity * up - root) / (permittivity * up + root)) ** 2
    return np.asarray(level), np.asarray(upright)


@lru_cache(maxsize=8)
def _patina(domain: Domain, day: int) -> tuple[Field, Field]:
    """Emissivity at V of no layer on a day, common to all frequencies, and turning the spectrum."""
    scale, memory = number("emission.patina_scale"), number("emission.patina_memory")
    common, tilt = (
        number("emission.patina_sd") * lasting(domain, scale, name)
        + number("emission.patina_passing_sd") * daily(domain, scale, memory, day, name)
        for name in ("patina", "patina tilt")
    )
    return common, tilt


@dataclass(frozen=True, eq=False)
class Scene:
    """What the bands of one pass have in common, beside the ground, (lat, lon).

    Attributes
    ----------
    foliage : array
        Optical depth of the vegetation at 18.7 GHz, nadir.
    cloud : array
        Cloud cover above that which is seen through, 0 to 1.
    vapour : array
        Precipitable water, kg m-2.
    patina : tuple of array
        Emissivity of no layer: common to all frequencies, and turning the spectrum.
    """

    foliage: Field
    cloud: Field
    vapour: Field
    patina: tuple[Field, Field]


def scene(world: World, hours: Field) -> Scene:
    """The vegetation, the air and the surface at hours since the domain's first 00 UTC."""
    return Scene(
        foliage(world, hours),
        np.maximum(world.air.cover(hours) - number("air.cloud_above"), 0.0),
        world.air.vapour(hours),
        _patina(world.domain, int(np.floor(np.mean(hours) / 24.0))),
    )


def surface(around: Scene, frequency: float) -> Field:
    """Emissivity at V that the layers do not explain, (lat, lon); H has half as much again.

    Stones, crusts, litter and salt of a place, and dew, frost and wetness that come and go: one
    pattern common to all frequencies (GHz), and one that turns the spectrum about 18.7 GHz.
    """
    common, tilt = around.patina
    return np.asarray(common + 0.8 * np.log(frequency / 18.7) * tilt)


def _open_water(
    temperature: Field, frequency: float, incidence: float
) -> tuple[tuple[Field, Field], Field]:
    """Emissivity of open water, H and V, part of it ice-covered, and its temperature, K."""
    free = np.clip((temperature - FREEZING) / number("water.ice_width") + 0.5, 0.0, 1.0)
    liquid = fresnel(water_permittivity(frequency, temperature), incidence)
    ice = numbers("water.ice_emissivity")
    pair = [free * (1 - one) + (1 - free) * hard for one, hard in zip(liquid, ice, strict=True)]
    return (pair[0], pair[1]), np.minimum(temperature, FREEZING + 25.0)


def _air(around: Scene, ground: State, place: int) -> tuple[Field, Field]:
    """Transmissivity of the air along the slant and its temperature, K."""
    depth = (
        numbers("air.dry")[place]
        + numbers("air.vapour")[place] * around.vapour
        + numbers("air.cloud")[place] * around.cloud
    )
    slant = 1 / float(np.cos(np.deg2rad(55.0)))
    return np.exp(-depth * slant), ground.air - number("air.colder")


def brightness(
    domain: Domain, ground: State, around: Scene, band: str, incidence: float
) -> tuple[Field, Field]:
    """Brightness temperature without instrument error, horizontal and vertical, K, (lat, lon).

    Fresnel reflectivity roughened by the Q-h model (Wang and Choudhury 1981), darkened when
    frozen (England 1975), seen through vegetation (tau-omega, Mo et al. 1982) and through snow
    that scatters more at higher frequency and when old; open water in part of the cell; vapour
    and cloud above. Zero order: no multiple scattering.

    Parameters
    ----------
    domain : Domain
        Cells and soil.
    ground : State
        The ground at the overpass.
    around : Scene
        What is on it and above it then.
    band : str
        One of ``BANDS``.
    incidence : float
        Degrees.
    """
    still = cover(domain)
    place = BANDS.index(band)
    frequency = numbers("emission.frequency")[place]
    ratio = frequency / 36.5
    slant = 1 / float(np.cos(np.deg2rad(incidence)))
    frozen = 1 - liquid_share(ground.top)
    low = numbers("emission.frozen_depth_share")[place] * frozen
    share = numbers("emission.skin_share")[place] * np.exp(
        -ground.snow / number("emission.snow_hides")
    )
    warm = (1 - share - low) * ground.top + share * ground.skin + low * ground.deep
    mirrors = fresnel(
        soil_permittivity(frequency, ground.top, ground.water, still.solid, still.bound), incidence
    )
    damp = np.exp(-still.rough)
    dark = number("emission.frozen_scattering") * ratio ** number(
        "emission.frozen_scattering_power"
    )
    depth = around.foliage * (frequency / 18.7) ** number("emission.vegetation_power")
    through = np.exp(-depth * slant)
    patch = 1 - np.exp(-ground.snow / number("emission.snow_patch"))
    grain = 1 + np.minimum(ground.age / number("emission.grain_time"), 2.0)
    haze = number("emission.snow_extinction") * ratio ** number("emission.snow_power") * grain
    clear = np.exp(-haze * ground.snow / np.maximum(patch, 1e-3) * slant)
    lake, lake_warm = _open_water(ground.lake, frequency, incidence)
    clean, sky = _air(around, ground, place)
    patina = surface(around, frequency)
    out = []
    for pol in (0, 1):
        mirror = ((1 - still.mixing) * mirrors[pol] + still.mixing * mirrors[1 - pol]) * damp
        emits = np.clip((1 - mirror) * (1 - dark * frozen) + (1.5, 1.0)[pol] * patina, 0.4, 1.0)
        leaf = (1 - number("emission.vegetation_albedo")) * (1 - through)
        land = emits * warm * through + leaf * ground.skin * (1 + (1 - emits) * through)
        pack = (1 - number("emission.snow_albedo")) * (1 - clear)
        snowy = land * clear + pack * np.minimum(ground.skin, FREEZING)
        land = (1 - patch) * land + patch * snowy
        both = (1 - still.water) * land + still.water * lake[pol] * lake_warm
        back = 1 - np.clip(both / np.maximum(warm, 200.0), 0.0, 1.0)
        out.append(both * clean + sky * (1 - clean) * (1 + back * clean))
    return out[0], out[1]
