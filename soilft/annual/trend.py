"""Trend of yearly series, one or a pixel each: Theil-Sen slope, interval, Mann-Kendall test."""

from __future__ import annotations

from functools import lru_cache
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

VERSION = 1
LEAST_YEARS = 4
LEVEL = 0.95

Floats = npt.NDArray[np.float64]


def trend(years: npt.NDArray[Any], values: npt.NDArray[Any]) -> dict[str, Any]:
    """Slope of a yearly series with its 95 % interval, and whether it is a trend at all.

    Parameters
    ----------
    years
        Calendar years, (year,), each once, in any order; gaps are allowed.
    values
        One number a year, (year,); years without a finite one are left out.

    Returns
    -------
    dict
        JSON values: ``slope``, in the values' unit per year; ``interval``, ``[low, high]``;
        ``p_value``, all three as `pixel_trend` gives them; ``years``, how many have a value. With
        fewer than four, the first three are None and ``reason`` says so.
    """
    order = np.argsort(years)
    order = order[np.isfinite(values[order])]
    known = len(order)
    if known < LEAST_YEARS:
        have = "1 year has" if known == 1 else f"{known} years have"
        return {
            "slope": None,
            "interval": None,
            "p_value": None,
            "years": known,
            "reason": f"{have} a value, a trend needs {LEAST_YEARS}",
        }
    found = pixel_trend(years[order], values[order][:, None])
    slope, low, high, p_value = (float(found[k][0]) for k in ("slope", "low", "high", "p_value"))
    return {"slope": slope, "interval": [low, high], "p_value": p_value, "years": known}


def pixel_trend(years: npt.NDArray[Any], values: npt.NDArray[Any]) -> dict[str, Floats]:
    """Slope, 95 % interval and p-value of each pixel's series.

    Parameters
    ----------
    years
        Calendar years, ascending, (year,); gaps are allowed.
    values
        (year, cell); NaN is left out of its pixel's series.

    Returns
    -------
    dict
        Shape (cell,), NaN where fewer than four years are known: ``slope``, the median of all
        pairwise slopes (Theil 1950, Sen 1968); ``low`` and ``high`` (Sen 1968, eq. 2.6);
        ``p_value``, two-sided, of the Mann-Kendall test, exact where a series has no ties, else
        with the tied groups' variance taken off and a continuity correction (Kendall 1975).
        Years are taken for independent.
    """
    series = np.asarray(values, "float64")
    number = np.isfinite(series).sum(axis=0)
    pairs = number * (number - 1) // 2
    first, second = np.triu_indices(len(years), 1)
    rises = series[second] - series[first]
    score = np.nansum(np.sign(rises), axis=0)
    steps = np.asarray(years, "float64")[second] - np.asarray(years, "float64")[first]
    slopes = np.sort(rises / steps[:, None], axis=0)
    variance, tied = _variance(series, number)
    enough = number >= LEAST_YEARS
    slope = (_at(slopes, (pairs - 1) // 2) + _at(slopes, pairs // 2)) / 2
    low, high = _interval(slopes, pairs, variance)
    p_value = np.where(tied, _normal_p(score, variance), _exact_p(score, number))
    found = {"slope": slope, "low": low, "high": high, "p_value": p_value}
    return {name: np.where(enough, value, np.nan) for name, value in found.items()}


def _variance(series: Floats, number: npt.NDArray[Any]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Variance of the score, ties taken off, and whether there are any."""
    # A value that k years share is counted k times, so each counts 1 / k of its group.
    shared = (series[:, None] == series[None, :]).sum(axis=1).astype("float64")
    groups = np.where(shared > 0, _spread(shared) / np.maximum(shared, 1), 0).sum(axis=0)
    return (_spread(number.astype("float64")) - groups) / 18, (shared > 1).any(axis=0)


def _spread(n: Floats) -> Floats:
    return n * (n - 1) * (2 * n + 5)


def _at(ordered: Floats, index: npt.NDArray[Any]) -> Floats:
    if not len(ordered):
        return np.full(ordered.shape[1], np.nan)
    inside = np.clip(index, 0, len(ordered) - 1)
    return np.asarray(np.take_along_axis(ordered, inside[None], axis=0)[0])


def _interval(slopes: Floats, pairs: npt.NDArray[Any], variance: Floats) -> tuple[Floats, Floats]:
    from scipy.special import ndtri

    reach = float(ndtri((1 + LEVEL) / 2)) * np.sqrt(np.maximum(variance, 0))
    low = np.maximum(np.rint((pairs - reach) / 2).astype("int64") - 1, 0)
    high = np.minimum(np.rint((pairs + reach) / 2).astype("int64"), pairs - 1)
    return _at(slopes, low), _at(slopes, high)


def _normal_p(score: Floats, variance: Floats) -> Floats:
    from scipy.special import ndtr

    still = (score == 0) | (variance <= 0)
    z = (np.abs(score) - 1) / np.sqrt(np.where(still, 1, variance))
    return np.where(still, 1.0, 2 * ndtr(-z))


def _exact_p(score: Floats, number: npt.NDArray[Any]) -> Floats:
    found = np.full(score.shape, np.nan)
    for n in np.unique(number):
        if n >= LEAST_YEARS:
            here = number == n
            pairs = n * (n - 1) // 2
            fewer = (pairs - np.abs(score[here]).astype("int64")) // 2
            found[here] = exact_p_values(int(n))[fewer]
    return found


@lru_cache(maxsize=128)
def exact_p_values(n: int) -> Floats:
    """Two-sided p-value by the number of pairs that go against the majority, for n years.

    The number of orders with as many inversions or fewer (Kendall 1975), counted in integers.
    """
    counts = [1]
    for k in range(2, n + 1):
        grown = [0] * (len(counts) + k - 1)
        for i, count in enumerate(counts):
            for j in range(k):
                grown[i + j] += count
        counts = grown
    total, below, found = factorial(n), 0, []
    for count in counts[: (len(counts) - 1) // 2 + 1]:
        below += count
        found.append(min(1.0, 2 * below / total))
    return np.array(found)
