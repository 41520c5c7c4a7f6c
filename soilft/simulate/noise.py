"""Smooth seeded noise: coarse random grids read between their nodes, any day without the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from soilft.simulate.domain import MARGIN, Domain, Field

Places: TypeAlias = NDArray[np.intp]

SPREAD = 0.479
"""Standard deviation of a bicubic B-spline of white nodes of standard deviation 1."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """Coarse nodes over a domain, and the cubic B-spline weights that read them at its cells.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of nodes.
    row, col : array
        First of the four nodes of each row (lat,) and column (lon,) of cells.
    row_weight, col_weight : array
        Weights of the four, (4, lat) and (4, lon).
    """

    shape: tuple[int, int]
    row: Places
    col: Places
    row_weight: Field
    col_weight: Field

    def read(self, nodes: Field) -> Field:
        """Values at the cells, (lat, lon): the sum runs in one fixed order."""
        part = sum(self.row_weight[k][:, None] * nodes[self.row + k] for k in range(4))
        out: Field = sum(self.col_weight[k] * part[:, self.col + k] for k in range(4))
        return out


def _shape(domain: Domain, scale: float) -> tuple[int, int]:
    west, south, east, north = domain.bounds
    high = int((north - south + 2 * MARGIN) / scale) + 6
    return high, int((east - west + 2 * MARGIN) * _narrow(domain) / scale) + 6


def _narrow(domain: Domain) -> float:
    return float(np.cos(np.deg2rad((domain.bounds[1] + domain.bounds[3]) / 2)))


def _position(domain: Domain, scale: float, lat: Field, lon: Field) -> tuple[Field, Field]:
    row = (lat - (domain.bounds[1] - MARGIN)) / scale + 2
    return row, (lon - (domain.bounds[0] - MARGIN)) * _narrow(domain) / scale + 2


def _weights(position: Field) -> tuple[Places, Field]:
    first = np.floor(position).astype(np.intp)
    t = position - first
    weights = [
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    ]
    return first - 1, np.stack(weights).astype(np.float32)


@lru_cache(maxsize=64)
def lattice(domain: Domain, scale: float) -> Lattice:
    """The nodes of a domain at a distance of ``scale`` degrees of latitude."""
    row, col = _position(domain, scale, domain.lat, domain.lon)
    first_row, row_weight = _weights(row)
    first_col, col_weight = _weights(col)
    return Lattice(_shape(domain, scale), first_row, first_col, row_weight, col_weight)


def smooth(domain: Domain, scale: float, lat: Field, lon: Field, *labels: object) -> Field:
    """Lasting noise at points, of mean about 0 and standard deviation about 1.

    Parameters
    ----------
    domain : Domain
        Gives the seed and the corner of the coarse grid.
    scale : float
        Distance of the coarse nodes, degrees of latitude.
    lat, lon : array
        Where to read the noise, degrees, same shape.
    *labels : object
        Name of the random stream.

    Returns
    -------
    array
        Noise in the shape of ``lat``.
    """
    nodes = domain.stream("noise", *labels).standard_normal(_shape(domain, scale))
    place = _position(domain, scale, lat, lon)
    read: Field = map_coordinates(nodes, place, order=3, prefilter=False, mode="nearest")
    return read / SPREAD


def lasting(domain: Domain, scale: float, *labels: object) -> Field:
    """The noise of :func:`smooth` at the cells of the domain, (lat, lon), float32."""
    nodes = domain.stream("noise", *labels).standard_normal(_shape(domain, scale))
    return lattice(domain, scale).read(nodes.astype(np.float32)) / np.float32(SPREAD)


@lru_cache(maxsize=8192)
def _fresh(domain: Domain, scale: float, day: int, labels: tuple[object, ...]) -> Field:
    shape = _shape(domain, scale)
    return domain.stream("noise", *labels, day).standard_normal(shape, dtype=np.float32)


def daily(domain: Domain, scale: float, memory: float, day: int, *labels: object) -> Field:
    """Noise of a day that remembers the days before: their fresh noise, fading exponentially.

    Reaches back five e-folding times, so that every day can be had without all the others.

    Parameters
    ----------
    domain : Domain
        Seed and cells.
    scale : float
        Spatial scale, degrees of latitude.
    memory : float
        e-folding time, days.
    day : int
        Day number from the first day of the domain.
    *labels : object
        Name of the random stream.

    Returns
    -------
    array
        Standard deviation about 1, (lat, lon), float32.
    """
    fade = np.exp(-np.arange(int(5 * memory) + 1) / memory)
    fade = (fade / np.sqrt(np.sum(fade**2)) / SPREAD).astype(np.float32)
    nodes = np.zeros(_shape(domain, scale), dtype=np.float32)
    for back, share in enumerate(fade):
        nodes = nodes + share * _fresh(domain, scale, day - back, labels)
    return lattice(domain, scale).read(nodes)
