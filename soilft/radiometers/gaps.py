"""Gap filling of missed overpasses, level by level, each value flagged.

The order is fixed: the other node of the day, the same node a day or two away, another radiometer,
the normal of the day of the year. The first two carry an anomaly over to the pass that is missing.
Nothing is filled on a day on which no radiometer was in operation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.overpass import utc_hour
from soilft.radiometers.normals import Normals
from soilft.radiometers.record import Overpasses
from soilft.schema import MISSING

VERSION = 1
# CF flag_values of ``gap_fill_level``.
LEVELS: Mapping[str, int] = MappingProxyType(
    {
        "observed": 0,
        "other_node": 1,
        "neighbouring_days": 2,
        "other_sensor": 3,
        "climatology": 4,
    }
)
FILLS = tuple(LEVELS)[1:]
# Levels that need the normals.
FROM_NORMALS = frozenset({"other_node", "neighbouring_days", "climatology"})
# Days before and after a missing pass that it may be filled from.
NEIGHBOUR_DAYS = 2

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Hidden:
    """Withheld passes of one day, to measure how well a level replaces them.

    Parameters
    ----------
    level
        Name of the level: all that comes before it in the order is withheld.
    number
        Day since 1970-01-01.
    """

    level: str
    number: int


@dataclass(frozen=True)
class Gaps:
    """How the gaps of a record are filled.

    Parameters
    ----------
    levels
        Names from `FILLS` that are allowed; their order has no meaning.
    operating
        Number of the radiometer in operation on each day of the period, 255 where none was,
        uint8 (day,).
    normals
        Needed by all levels but ``other_sensor``; without them those stay empty.
    hidden
        What is withheld first.
    """

    levels: tuple[str, ...]
    operating: npt.NDArray[np.uint8]
    normals: Normals | None = None
    hidden: Hidden | None = None

    @property
    def reach(self) -> int:
        """Days around a day that its values may be filled from."""
        return NEIGHBOUR_DAYS if "neighbouring_days" in self.levels else 0

    def window(self, rows: slice, columns: slice) -> Gaps:
        """The same for some rows and columns of the grid."""
        normals = self.normals
        return replace(self, normals=None if normals is None else normals.window(rows, columns))

    def with_channels(self, codes: Sequence[int]) -> Gaps:
        """The same with some channels alone."""
        normals = self.normals
        return replace(self, normals=None if normals is None else normals.with_channels(codes))


def usable_levels(allowed: Collection[str], *, with_normals: bool) -> tuple[str, ...]:
    """Levels of filling that are allowed and possible, in their fixed order.

    Parameters
    ----------
    allowed
        Names from `FILLS`.
    with_normals
        Whether there are normals of brightness temperature; levels that need them are left out
        where there are none.

    Examples
    --------
    >>> usable_levels(["other_sensor", "other_node"], with_normals=False)
    ('other_sensor',)
    """
    possible = FILLS if with_normals else [name for name in FILLS if name not in FROM_NORMALS]
    return tuple(name for name in possible if name in allowed)


def filled(
    first: Overpasses,
    others: Overpasses,
    gaps: Gaps,
    numbers: npt.NDArray[Any],
    operating: npt.NDArray[np.uint8],
    able: npt.NDArray[np.bool_],
    longitude: Floats,
) -> Overpasses:
    """Fill what the radiometer in operation did not see.

    Parameters
    ----------
    first
        What the radiometer in operation saw, the days with `Gaps.reach` days around those wanted.
    others
        What other radiometers saw on the same days.
    numbers, operating
        Days since 1970-01-01 and the number of the radiometer in operation, (day,).
    able
        Whether each radiometer has a channel at a node, (radiometer, node, channel): the normal
        fills no channel that the radiometer in operation lacks.
    longitude
        Degrees east, (y, x), for the hour of a pass that nobody saw.

    Returns
    -------
    Overpasses
        With the level of each pass; where nothing is allowed or known it stays missing. No value of
        a pass comes from another level than its flag says.
    """
    seen = first.level != MISSING
    tb, observed = first.tb.copy(), first.observed.copy()
    radiometer, level = first.radiometer.copy(), first.level.copy()
    normals, days_on = gaps.normals, operating != MISSING
    anomaly = None if normals is None else _anomalies(first, normals, numbers)
    for n, code in enumerate(first.overpasses):
        for name in FILLS:
            if name not in gaps.levels:
                continue
            gap = (level[:, n] == MISSING) & days_on[:, None, None]
            if not gap.any():
                break
            hours: Floats = np.full((), np.nan, "float32")
            if name == "other_sensor":
                values, source, hours = (
                    others.tb[:, n],
                    others.radiometer[:, n],
                    others.observed[:, n],
                )
            elif normals is None or anomaly is None:
                continue
            else:
                hours = utc_hour(float(normals.hour[normals.overpasses.index(code)]), longitude)
                if name == "climatology":
                    values = _normal(first, normals, n, numbers)
                    known = able[np.where(days_on, operating, 0), n]
                    values[~known] = np.nan
                    source = np.full(gap.shape, MISSING, "uint8")
                else:
                    values, source = _carried(first, anomaly, normals, n, numbers, seen, name)
            new = gap & np.isfinite(values).any(axis=1)
            tb[:, n] = np.where(new[:, None], values, tb[:, n])
            observed[:, n] = np.where(new, hours, observed[:, n])
            radiometer[:, n] = np.where(new, source, radiometer[:, n])
            level[:, n][new] = LEVELS[name]
    return replace(first, tb=tb, observed=observed, radiometer=radiometer, level=level)


def _normal(overpasses: Overpasses, normals: Normals, n: int, numbers: npt.NDArray[Any]) -> Floats:
    code = overpasses.overpasses[n]
    parts = [normals.expected(code, channel, numbers) for channel in overpasses.channels]
    return np.stack(parts, axis=1)


def _anomalies(overpasses: Overpasses, normals: Normals, numbers: npt.NDArray[Any]) -> Floats:
    found = np.empty(overpasses.tb.shape, "float32")
    for n, code in enumerate(overpasses.overpasses):
        for c, channel in enumerate(overpasses.channels):
            found[:, n, c] = overpasses.tb[:, n, c] - normals.expected(code, channel, numbers)
    return found


def _carried(
    overpasses: Overpasses,
    anomaly: Floats,
    normals: Normals,
    n: int,
    numbers: npt.NDArray[Any],
    seen: npt.NDArray[np.bool_],
    name: str,
) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """The normal, and a share of another pass's anomaly."""
    code = overpasses.overpasses[n]
    values = np.empty((len(numbers), *overpasses.tb.shape[2:]), "float32")
    for c, channel in enumerate(overpasses.channels):
        values[:, c] = normals.expected(code, channel, numbers)
    if name == "other_node":
        told, source = from_other_node(anomaly, overpasses.radiometer, seen, n)
        share = _shares(overpasses, normals, "other_node", code)
        return values + share * told, source
    near, near_source = from_days(anomaly[:, n], overpasses.radiometer[:, n], 1)
    far, far_source = from_days(anomaly[:, n], overpasses.radiometer[:, n], 2)
    told_near = _shares(overpasses, normals, "one_day", code) * near
    told_far = _shares(overpasses, normals, "two_days", code) * far
    # All channels of a pass are filled from the same days.
    here = np.isfinite(told_near).any(axis=1)
    values += np.where(here[:, None], told_near, told_far)
    return values, np.where(here, near_source, far_source)


def _shares(overpasses: Overpasses, normals: Normals, way: str, code: int) -> Floats:
    shares = [normals.share(way, code, channel) for channel in overpasses.channels]
    return np.array(shares, "float32")[:, None, None]


def from_other_node(
    anomaly: Floats,
    radiometer: npt.NDArray[np.uint8],
    seen: npt.NDArray[np.bool_],
    n: int,
) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Anomalies of the day's other node: of several, the first that was observed.

    Parameters
    ----------
    anomaly
        K, (day, node, channel, y, x).
    radiometer, seen
        (day, node, y, x).
    n
        Number of the node that is missing.

    Returns
    -------
    told : array
        float32 K, (day, channel, y, x), NaN where no other node was seen.
    source : array
        uint8 (day, y, x).
    """
    told = np.full_like(anomaly[:, n], np.nan)
    source = np.full(radiometer[:, n].shape, MISSING, "uint8")
    for other in range(anomaly.shape[1]):
        if other != n:
            new = seen[:, other] & (source == MISSING)
            told = np.where(new[:, None], anomaly[:, other], told)
            source = np.where(new, radiometer[:, other], source)
    return told, source


def from_days(
    anomaly: Floats, radiometer: npt.NDArray[np.uint8], away: int
) -> tuple[Floats, npt.NDArray[np.uint8]]:
    """Anomalies of one node some days before and after: their mean, or the one there is.

    Parameters
    ----------
    anomaly
        K, (day, channel, y, x).
    radiometer
        (day, y, x).
    away
        Days.

    Returns
    -------
    told : array
        float32 K, (day, channel, y, x), NaN where neither day is known.
    source : array
        uint8 (day, y, x): the radiometer of the day before, else of the day after.
    """
    before, after = np.full_like(anomaly, np.nan), np.full_like(anomaly, np.nan)
    first, last = np.full_like(radiometer, MISSING), np.full_like(radiometer, MISSING)
    before[away:], after[:-away] = anomaly[:-away], anomaly[away:]
    first[away:], last[:-away] = radiometer[:-away], radiometer[away:]
    told = np.where(np.isnan(before), after, before)
    both = np.isfinite(before) & np.isfinite(after)
    told = np.where(both, np.float32(0.5) * (before + after), told)
    return told, np.where(first == MISSING, last, first)
