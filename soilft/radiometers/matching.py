"""Matching of observations to states: the nearest in time, within half a day.

A state belongs to an overpass, and satellites pass at other hours than the one it was labelled at.
At 90 degrees east the night pass of a UTC day is later than that day's evening, so the day number
alone would pair a morning state with the night after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[Any]
WITHIN_HOURS = 12.0


def nearest(
    values: Floats,
    observed: Floats,
    target: Floats,
    days: slice,
    *,
    shift_days: int = 0,
    rank: npt.NDArray[np.uint8] | None = None,
) -> Floats:
    """Values observed nearest to a target time, from the day before to the day after.

    Parameters
    ----------
    values
        Shape (day, channel, y, x), with days before and after those asked for.
    observed
        Hours since 00:00 UTC of their day, shape (day, y, x), NaN where nothing was observed.
    target
        Hours since 00:00 UTC of the day asked for, shape (y, x).
    days
        Range on the first axis that is asked for.
    shift_days
        Look for the observation this many days earlier (negative) or later.
    rank
        Of observations within reach, one of the lowest rank is taken, uint8 (day, y, x); all have
        the same where None.

    Returns
    -------
    array
        float32, shape (asked day, channel, y, x); NaN where nothing lies within 12 hours of the
        target, or the array ends.
    """
    count = days.stop - days.start
    best = np.full((count, *target.shape), np.inf, "float64")
    result = np.full((count, *values.shape[1:]), np.nan, "float32")
    for offset in (-1, 0, 1):
        start = days.start + shift_days + offset
        rows = np.arange(start, start + count)
        inside = (rows >= 0) & (rows < len(values))
        picked = np.clip(rows, 0, len(values) - 1)
        distance = np.abs(observed[picked] + 24.0 * offset - target)
        distance[~inside] = np.inf
        distance[~(distance <= WITHIN_HOURS)] = np.inf
        if rank is not None:
            distance += 24.0 * rank[picked]
        nearer = distance < best
        best = np.where(nearer, distance, best)
        result = np.where(nearer[:, None], values[picked], result)
    return result
