"""Smooth seeded noise: coarse random grids read between their nodes."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from soilft.simulate.domain import MARGIN, Domain, Field


def smooth(domain: Domain, scale: float, lat: Field, lon: Field, *labels: object) -> Field:
    """Noise of mean about 0 and standard deviation about 1.

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
    west, south, east, north = domain.bounds
    narrow = float(np.cos(np.deg2rad((south + north) / 2)))
    shape = (
        int((north - south + 2 * MARGIN) / scale) + 6,
        int((east - west + 2 * MARGIN) * narrow / scale) + 6,
    )
    nodes = domain.stream("noise", *labels).standard_normal(shape)
    row = (lat - (south - MARGIN)) / scale + 2
    col = (lon - (west - MARGIN)) * narrow / scale + 2
    read: Field = map_coordinates(nodes, [row, col], order=3, prefilter=False, mode="nearest")
    # a cubic B-spline of white nodes has variance near (0.479 ** 2): scale back to one
    return read / 0.479


def daily(domain: Domain, scale: float, memory: float, days: range, *labels: object) -> Field:
    """Noise that also remembers: first-order autoregressive over days.

    Parameters
    ----------
    domain : Domain
        Seed and cells.
    scale : float
        Spatial scale, degrees of latitude.
    memory : float
        e-folding time, days.
    days : range
        Day numbers from the first day of the domain.
    *labels : object
        Name of the random stream.

    Returns
    -------
    array
        Standard deviation about 1, (day, lat, lon).
    """
    keep = float(np.exp(-1.0 / memory))
    lat, lon = domain.mesh
    out = np.empty((len(days), *lat.shape))
    for place, day in enumerate(days):
        fresh = smooth(domain, scale, lat, lon, *labels, day)
        out[place] = fresh if place == 0 else keep * out[place - 1] + np.sqrt(1 - keep**2) * fresh
    return out
