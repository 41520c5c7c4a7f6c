"""Size of spatial blocks: no less than the correlation length of the predictors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.grid import Grid
from soilft.predictors.features import FeatureSet, compute
from soilft.predictors.stores import InputRefs, predictor_bytes

# Days and cells that the correlation range is estimated from, at most.
RANGE_DAYS, RANGE_CELLS = 24, 400
# Spatial blocks are no smaller than this, and their side is a multiple of half a degree.
LEAST_DEGREES, _STEPS = 1.0, 2
EARTH_RADIUS_KM = 6371.0
KM_A_DEGREE = 2 * np.pi * EARTH_RADIUS_KM / 360
# Pairs of cells are drawn at random, this many, and sorted by distance into this many bins.
_PAIRS, _BINS = 20_000, 24

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class SampleField:
    """One task: values of every predictor on one day, at some cells.

    Parameters
    ----------
    cells
        Row-major indices of the cells to look at.
    """

    inputs: InputRefs
    features: FeatureSet
    day: int
    cells: tuple[int, ...]

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most."""
        return predictor_bytes(
            self.inputs, self.features, DaySpan(day_of(self.day), day_of(self.day))
        )


def sample_field(task: SampleField) -> tuple[tuple[str, ...], Floats]:
    """Names and values of the predictors, (cell, feature), at the first overpass."""
    day = day_of(task.day)
    found = compute(task.inputs.open(), task.features, DaySpan(day, day))
    return found.names, found.values[0, 0].reshape(-1, len(found.names))[list(task.cells)]


def correlogram(
    values: Floats, lon: Floats, lat: Floats, seed: int
) -> tuple[Floats, npt.NDArray[np.float64]]:
    """Correlation of anomalies by distance.

    An anomaly is a value less its cell's mean over the days and less its day's mean over the
    cells: what lasts, and the season of the region, say nothing of how far one day's weather
    reaches.

    Parameters
    ----------
    values
        Shape (day, cell, feature), NaN where missing.
    lon, lat
        Of the cells, degrees, shape (cell,).

    Returns
    -------
    distance : array
        Middle of each bin of distance, km.
    correlation : array
        Shape (feature, bin), NaN where there are too few pairs.
    """
    first, second = _pairs(len(lon), seed)
    distance = _distance(lon[first], lat[first], lon[second], lat[second])
    edges = np.linspace(0, np.quantile(distance, 0.9), _BINS + 1)
    at = np.digitize(distance, edges) - 1
    anomalies = _without_means(_without_means(values, 0), 1)
    found = np.full((values.shape[2], _BINS), np.nan)
    for f in range(values.shape[2]):
        one = anomalies[:, first, f]
        other = anomalies[:, second, f]
        both = np.isfinite(one) & np.isfinite(other)
        variance, whole = (_variance(array[..., f]) for array in (anomalies, values))
        if not variance > 1e-6 * whole:
            continue  # the same on every day, or in every cell
        product = np.where(both, one * other, 0.0).sum(axis=0)
        count = both.sum(axis=0)
        for b in range(_BINS):
            here = at == b
            if count[here].sum() >= 100:
                found[f, b] = product[here].sum() / count[here].sum() / variance
    return (edges[:-1] + edges[1:]) / 2, found


def reach(distance: Floats, correlation: Floats) -> npt.NDArray[np.float64]:
    """Distance in km at which each feature's correlation first falls below 1/e.

    The e-folding distance of an exponential model of the correlation (Wackernagel 2003,
    Multivariate Geostatistics); NaN where it never does, or nothing is known.
    """
    found = np.full(len(correlation), np.nan)
    for f, row in enumerate(correlation):
        known = np.isfinite(row)
        below = known & (row < np.exp(-1))
        if below.any():
            b = int(np.argmax(below))
            before = np.flatnonzero(known[:b])
            if not len(before):
                found[f] = distance[b]
                continue
            a = int(before[-1])
            share = (row[a] - np.exp(-1)) / (row[a] - row[b])
            found[f] = distance[a] + share * (distance[b] - distance[a])
    return found


def range_of(
    fields: Sequence[tuple[tuple[str, ...], Floats]],
    grid: Grid,
    cells: npt.NDArray[np.intp],
    seed: int,
) -> Mapping[str, Any]:
    """The range of the predictors, from their values on some days; see `summary`.

    Parameters
    ----------
    fields
        Of each day what `sample_field` gives; without any, no range is known.
    cells
        Row-major indices of the cells of the values on the grid, (cell,).
    """
    if not fields:
        return summary((), np.empty(0))
    lon, lat = (axis.ravel()[cells] for axis in grid.lonlat)
    values = np.stack([values for _, values in fields])
    return summary(fields[0][0], reach(*correlogram(values, lon, lat, seed)))


def summary(names: tuple[str, ...], kilometres: Floats) -> Mapping[str, Any]:
    """The range of the predictors: the farthest any of them reaches, in km and in degrees."""
    known = np.isfinite(kilometres)
    far = float(kilometres[known].max()) if known.any() else None
    return {
        "kilometres": None if far is None else round(far, 1),
        "degrees": None if far is None else round(far / KM_A_DEGREE, 2),
        "features": {
            n: round(float(k), 1) for n, k in zip(names, kilometres, strict=True) if k > 0
        },
    }


def cells_drawn(mask: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.intp]:
    """Row-major indices of the cells to look at: drawn at random within the region, ascending.

    Parameters
    ----------
    mask
        Cells of the region, (y, x).
    """
    inside = np.flatnonzero(mask.ravel())
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(inside, min(RANGE_CELLS, len(inside)), replace=False))


def days_drawn(known: Sequence[int]) -> list[int]:
    """Days to look at: spread evenly over those on which the label has anything, in their order.

    None of fewer than two: an anomaly is a value less its cell's mean over the days.
    """
    if len(known) < 2:
        return []
    at = np.linspace(0, len(known) - 1, min(RANGE_DAYS, len(known))).round().astype(int)
    return [int(known[i]) for i in np.unique(at)]


def block_degrees(found: float | None, configured: float | None = None) -> float:
    """Side of spatial blocks: as configured, or no smaller than the predictors' range; degrees.

    Rounded up to half a degree: a small change of the estimate is no other set of blocks.

    Parameters
    ----------
    found
        Range of the predictors, degrees; None where it is not known.
    configured
        Side that was asked for, degrees; None where it is to follow from the range.
    """
    if configured is not None:
        return float(configured)
    return max(LEAST_DEGREES, math.ceil(_STEPS * (found or 0)) / _STEPS)


def _variance(values: Floats) -> float:
    known = values[np.isfinite(values)].astype("float64")
    return float(known.var()) if len(known) else 0.0


def _without_means(values: Floats, axis: int) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis=axis, keepdims=True)
    total = np.where(known, values, 0.0).sum(axis=axis, keepdims=True, dtype="float64")
    return np.asarray(values - total / np.maximum(count, 1))


def _pairs(cells: int, seed: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, cells, (2, _PAIRS))
    different = first != second
    return first[different], second[different]


def _distance(lon1: Floats, lat1: Floats, lon2: Floats, lat2: Floats) -> Floats:
    """Great-circle distance, km, by the haversine formula."""
    a, b = np.radians(lat1), np.radians(lat2)
    half = np.sin((b - a) / 2) ** 2 + np.cos(a) * np.cos(b) * (
        np.sin(np.radians(lon2 - lon1) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half)))
