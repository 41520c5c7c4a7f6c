"""Soil texture: sand, silt, clay, bulk density and organic carbon, and the water they hold."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from soilft.simulate.domain import Domain, Field
from soilft.simulate.noise import smooth
from soilft.simulate.parameters import number


def soil(domain: Domain, lat: Field, lon: Field) -> dict[str, Field]:
    """Properties of the topsoil at points.

    Shares by weight are a softmax of three noises, so that they are positive and sum to 100.

    Parameters
    ----------
    domain : Domain
        Seed.
    lat, lon : array
        Degrees, of one shape.

    Returns
    -------
    dict
        In the shape of ``lat``: ``sand``, ``silt``, ``clay`` (% of weight), ``bulk_density``
        (g cm-3, of the fine earth) and ``organic_carbon`` (g kg-1).
    """
    scale, spread = number("texture.scale"), number("texture.spread")
    weight = {
        part: number(f"texture.{part}")
        * np.exp(spread * smooth(domain, scale, lat, lon, "texture", part))
        for part in ("sand", "silt", "clay")
    }
    total = sum(weight.values())
    out: dict[str, Field] = {part: 100.0 * value / total for part, value in weight.items()}
    rich = number("texture.carbon_spread") * smooth(domain, scale, lat, lon, "texture", "carbon")
    carbon = np.clip(number("texture.carbon") * np.exp(rich), 1.0, 150.0)
    out["bulk_density"] = np.clip(
        number("texture.density")
        - number("texture.density_carbon") * np.sqrt(carbon)
        + number("texture.density_sand") * (out["sand"] - 45.0),
        0.6,
        1.75,
    )
    out["organic_carbon"] = carbon
    return out


@lru_cache(maxsize=4)
def cell_soil(domain: Domain) -> dict[str, Field]:
    """Properties at the centres of the cells, (lat, lon)."""
    return soil(domain, *domain.mesh)


@lru_cache(maxsize=4)
def held_water(domain: Domain) -> Field:
    """Soil water of 0-5 cm before any rain, m3 m-3, (lat, lon): clay and organic matter hold more.

    Linear in clay and in organic carbon, in the sense of Saxton and Rawls (2006).
    """
    here = cell_soil(domain)
    scale = number("soil.moisture_scale")
    wet = smooth(domain, scale, *domain.mesh, "moisture")
    return np.asarray(
        number("soil.moisture_mean")
        + number("soil.moisture_clay") * (here["clay"] - 20.0)
        + number("soil.moisture_carbon") * (here["organic_carbon"] - 20.0)
        + number("soil.moisture_sd") * wet
    )


@lru_cache(maxsize=4)
def bound_share(domain: Domain) -> Field:
    """Share of the soil water that stays liquid when frozen, (lat, lon): clay binds more."""
    clay = cell_soil(domain)["clay"]
    more = number("soil.unfrozen_clay") * (clay - 20.0)
    return np.asarray(np.clip(number("soil.unfrozen_share") + more, 0.03, 0.4))
