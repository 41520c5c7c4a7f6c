"""Withheld overpasses, to measure how well each gap-filling level replaces them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.radiometers.gaps import LEVELS, NEIGHBOUR_DAYS, Hidden
from soilft.radiometers.matching import WITHIN_HOURS
from soilft.radiometers.record import Overpasses

Floats = npt.NDArray[Any]


def hide(
    first: Overpasses, others: Overpasses, hidden: Hidden, hours: Floats, day: int, node: int
) -> tuple[Overpasses, Overpasses]:
    """Withhold what comes before a level in the order, around the passes of one day.

    Parameters
    ----------
    first, others
        See `soilft.radiometers.record.layered`.
    hours
        Hours since 00:00 UTC of the day of the state that is described, (y, x).
    day
        Place of that day on the axis of days.
    node
        Number of the node that is named like the state's overpass. Its pass is withheld; from
        ``neighbouring_days`` on those of all nodes are, from ``other_sensor`` on also of two days
        around, and for ``climatology`` those of other radiometers as well.
    """
    code = LEVELS[hidden.level]
    matched = np.stack(
        [_matched(first.observed[:, n], hours, day) for n in range(_nodes(first))], 1
    )
    gone = np.zeros_like(matched)
    if code <= LEVELS["other_node"]:
        gone[:, node] = matched[:, node]
        return first.without(gone), others
    own = matched[:, node]
    if code >= LEVELS["other_sensor"]:
        own = _around(own)
    gone = matched | own[:, None]
    if code < LEVELS["climatology"]:
        return first.without(gone), others
    theirs = [_matched(others.observed[:, n], hours, day) for n in range(_nodes(others))]
    return first.without(gone), others.without(gone | np.stack(theirs, axis=1))


def _nodes(overpasses: Overpasses) -> int:
    return len(overpasses.overpasses)


def _matched(observed: Floats, hours: Floats, day: int) -> npt.NDArray[np.bool_]:
    """Passes that a state may be described by: those within half a day of it."""
    found = np.zeros(observed.shape, bool)
    for offset in (-1, 0, 1):
        if 0 <= day + offset < len(observed):
            apart = np.abs(observed[day + offset] + 24.0 * offset - hours)
            found[day + offset] = apart <= WITHIN_HOURS
    return found


def _around(days: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    wide = days.copy()
    for away in range(1, NEIGHBOUR_DAYS + 1):
        wide[away:] |= days[:-away]
        wide[:-away] |= days[away:]
    return wide
