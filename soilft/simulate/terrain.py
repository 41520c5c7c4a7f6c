"""Terrain of the synthetic Earth: a plateau, a lowland, relief at several scales, and no sea."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from soilft.simulate.domain import CELL, Domain, Field
from soilft.simulate.noise import smooth
from soilft.simulate.parameters import number, numbers


def elevation(domain: Domain, lat: Field, lon: Field) -> Field:
    """Elevation at points, m, never below 0."""
    centre, width = numbers("terrain.plateau_centre"), numbers("terrain.plateau_half_width")
    away = ((lon - centre[0]) / width[0]) ** 4 + ((lat - centre[1]) / width[1]) ** 4
    high = number("terrain.lowland") + number("terrain.plateau") * np.exp(-away)
    relief = zip(numbers("terrain.relief"), numbers("terrain.relief_scale"), strict=True)
    for height, scale in relief:
        high = high + height * smooth(domain, scale, lat, lon, "terrain", scale)
    return np.maximum(high, 0.0)


@lru_cache(maxsize=4)
def _fine(domain: Domain) -> Field:
    """Elevation of 5 x 5 points of each cell, m, (lat, 5, lon, 5)."""
    part = (np.arange(5) - 2) * CELL / 5
    lat = (domain.lat[:, None] + part).ravel()
    lon = (domain.lon[:, None] + part).ravel()
    fine = elevation(domain, *np.meshgrid(lat, lon, indexing="ij"))
    return fine.reshape(domain.lat.size, 5, domain.lon.size, 5)


@lru_cache(maxsize=4)
def cell_elevation(domain: Domain) -> Field:
    """Mean elevation of the 0.25-degree cells, m, (lat, lon)."""
    return np.asarray(_fine(domain).mean(axis=(1, 3)))


@lru_cache(maxsize=4)
def cell_relief(domain: Domain) -> Field:
    """Standard deviation of the elevation inside the cells, m, (lat, lon)."""
    return np.asarray(_fine(domain).std(axis=(1, 3)))
