"""Trend of a yearly series: the Theil-Sen slope and the Mann-Kendall test."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LEAST_YEARS = 4
LEVEL = 0.95


def trend(years: npt.NDArray[Any], values: npt.NDArray[Any]) -> dict[str, Any]:
    """Slope of a yearly series with its 95 % interval, and whether it is a trend at all.

    Parameters
    ----------
    years
        Calendar years, (year,), each once, in any order; gaps are allowed.
    values
        One number a year, (year,); years of NaN are left out.

    Returns
    -------
    dict
        ``slope``, the median of all pairwise slopes, in the values' unit per year (Theil 1950, Sen
        1968); ``interval``, its 95 % interval ``[low, high]`` (Sen 1968, eq. 2.6); ``p_value``,
        two-sided, of `mann_kendall`; ``years``, how many have a value. With fewer than four, the
        first three are None and ``reason`` says so.
    """
    from scipy import stats

    known = np.isfinite(values)
    year, value = years[known].astype("float64"), values[known].astype("float64")
    if len(year) < LEAST_YEARS:
        return {
            "slope": None,
            "interval": None,
            "p_value": None,
            "years": len(year),
            "reason": f"{len(year)} years have a value, a trend needs {LEAST_YEARS}",
        }
    found = stats.theilslopes(value, year, alpha=LEVEL)
    return {
        "slope": float(found.slope),
        "interval": [float(found.low_slope), float(found.high_slope)],
        "p_value": mann_kendall(year, value),
        "years": len(year),
    }


def mann_kendall(years: npt.NDArray[Any], values: npt.NDArray[Any]) -> float:
    """Two-sided p-value of the Mann-Kendall test against no trend (Mann 1945, Kendall 1975).

    Exact where all values differ: Kendall's tau of the values with the years (`scipy.stats`). With
    ties, the normal approximation with the tied groups' variance taken off and a continuity
    correction (Kendall 1975). Years are taken for independent; where one is like the next,
    the p-value is too small.

    Parameters
    ----------
    years, values
        Shape (year,), each year once, no NaN.
    """
    from scipy import stats

    groups = np.unique(values, return_counts=True)[1].astype("float64")
    if (groups == 1).all():
        return float(stats.kendalltau(years, values, method="exact").pvalue)
    ordered = values[np.argsort(years)]
    rises = np.sign(np.subtract.outer(ordered, ordered))
    score = float(np.tril(rises).sum())
    variance = (_spread(float(len(values))) - _spread(groups).sum()) / 18
    if score == 0 or variance == 0:
        return 1.0
    return float(2 * stats.norm.sf((abs(score) - 1) / np.sqrt(variance)))


def _spread(n: Any) -> Any:
    return n * (n - 1) * (2 * n + 5)
