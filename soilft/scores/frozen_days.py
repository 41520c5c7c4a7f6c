"""Frozen days a year of several records on the same pixel-days, and the trend of each.

Days that are not known must not count as thawed, nor may their number change with the years: each
month stands for its days by the share that is frozen of those that are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.annual.trend import trend
from soilft.schema import FROZEN, MISSING

# Known days that every month of a year must have.
LEAST_DAYS = 5

States = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


def by_year(state: States, days: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], Floats]:
    """Frozen days of each calendar year: share of the known days of a month, times its days.

    Parameters
    ----------
    state
        Codes (day, cell), 255 where nothing is known.
    days
        Days since 1970-01-01, ascending, (day,).

    Returns
    -------
    years : array
        Calendar years that have any day, (year,).
    frozen : array
        Days (year, cell), NaN where a month has fewer than five known days.
    """
    month = days.astype("datetime64[D]").astype("datetime64[M]")
    months, starts = np.unique(month, return_index=True)
    known = np.add.reduceat(state != MISSING, starts, axis=0, dtype="int64")
    frozen = np.add.reduceat(state == FROZEN, starts, axis=0, dtype="int64")
    length = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    share = np.where(known >= LEAST_DAYS, frozen / np.maximum(known, 1), np.nan)
    amount = share * length.astype("int64")[:, None]
    year = months.astype("datetime64[Y]").astype("int64") + 1970
    years, first, count = np.unique(year, return_index=True, return_counts=True)
    total = np.add.reduceat(amount, first, axis=0)
    total[count < 12] = np.nan
    return years, total


def compared(states: Mapping[str, States], days: npt.NDArray[Any]) -> dict[str, Any]:
    """Yearly series and trends of records on the pixel-days that all of them know, as JSON values.

    The regional mean is over the same cells in every year: those that count in each of the years
    in which at least half as many count as in the fullest.

    Parameters
    ----------
    states
        Codes (day, cell) by record, 255 where nothing is known.
    days
        Days since 1970-01-01, ascending, (day,).

    Returns
    -------
    dict
        ``years``; ``cells`` that the means are over; ``pixel_days`` that all know; ``records``,
        each with ``record``, ``series`` in days a year and ``trend`` of
        `soilft.annual.trend.trend`. Without any year ``records`` is empty and ``reason``
        says so.
    """
    known = np.logical_and.reduce([state <= FROZEN for state in states.values()])
    found = {name: by_year(np.where(known, state, MISSING), days) for name, state in states.items()}
    years, frozen = next(iter(found.values()))
    counts = np.isfinite(frozen)
    fullness = counts.sum(axis=1)
    used = (fullness > 0) & (2 * fullness >= fullness.max(initial=0))
    cells = counts[used].all(axis=0)
    said: dict[str, Any] = {
        "least_days_a_month": LEAST_DAYS,
        "pixel_days": int(known.sum()),
        "years": years[used].tolist(),
        "cells": int(cells.sum()) if used.any() else 0,
        "records": [],
    }
    if not said["cells"]:
        return {**said, "reason": "no cell is known in every month of the years"}
    for name, (_, each) in found.items():
        series = each[used][:, cells].mean(axis=1)
        said["records"].append(
            {"record": name, "series": series.tolist(), "trend": trend(years[used], series)}
        )
    return said
