"""Periods of operation of the radiometers, their hand-overs and their days in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.schema import MISSING

# Days without data after which a radiometer counts as gone.
LONGEST_OUTAGE = 30
# Days on which both must have flown for one to be fitted to the other.
LEAST_DAYS = 8

Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Link:
    """A radiometer that is fitted to another, and the days on which both flew."""

    one: str
    other: str
    days: Numbers


@dataclass(frozen=True)
class HandOver:
    """The record passes from one radiometer to the next: ``day`` is the first of the next."""

    before: str
    after: str
    day: int


def links(
    days: Mapping[str, Numbers], reference: str, most: int | None = None
) -> tuple[list[Link], list[str]]:
    """How every radiometer is brought to the reference: at once, or through one that was before.

    Parameters
    ----------
    days
        Days since 1970-01-01 with data by radiometer, ascending.
    reference
        What all are fitted to.
    most
        First days of an overlap that count, so that new days change no fit; all where None.

    Returns
    -------
    links : list of Link
        In the order they are to be fitted; of several ways, the one with more days in common.
    unreached : list of str
        Radiometers without a way.
    """
    reached, found = [reference], []
    left = [name for name in days if name != reference]
    while left:
        # Those that meet the reference itself come first: fewer errors are handed on.
        options = [
            (reached.index(other) > 0, -len(common), name, other, common)
            for name in left
            for other in reached
            if len(common := np.intersect1d(days[name], days[other])) >= LEAST_DAYS
        ]
        if not options:
            break
        _, _, name, other, common = min(options, key=lambda option: option[:4])
        found.append(Link(name, other, common[:most].astype("int32")))
        reached.append(name)
        left.remove(name)
    return found, left


def flying(days: Numbers, numbers: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """On which days a radiometer was in operation: outages of up to 30 days are bridged, (day,)."""
    if not len(days):
        return np.zeros(len(numbers), bool)
    before = np.searchsorted(days, numbers, side="right") - 1
    after = np.searchsorted(days, numbers, side="left")
    inside = (before >= 0) & (after < len(days))
    gap = days[np.minimum(after, len(days) - 1)] - days[np.maximum(before, 0)]
    return np.asarray(inside & (gap <= LONGEST_OUTAGE + 1))


def near(days: Numbers, numbers: npt.NDArray[Any], most: int) -> npt.NDArray[np.bool_]:
    """On which days there are data no more than some days before or after, (day,)."""
    if not len(days):
        return np.zeros(len(numbers), bool)
    after = np.searchsorted(days, numbers, side="left")
    later = np.abs(days[np.minimum(after, len(days) - 1)] - numbers)
    earlier = np.abs(numbers - days[np.maximum(after - 1, 0)])
    return np.asarray(np.minimum(later, earlier) <= most)


def operating(
    days: Mapping[str, Numbers],
    preferred: Sequence[str],
    numbers: npt.NDArray[Any],
    within: int | None = None,
) -> npt.NDArray[np.uint8]:
    """Number of the first radiometer in operation, by preference, on each day.

    Parameters
    ----------
    days
        Days since 1970-01-01 with data by radiometer, ascending; one without counts as gone.
    preferred
        Names in order; their place is their number.
    numbers
        Days asked for, (day,).
    within
        One that has no data so many days before and after counts as gone; after an outage of more
        than 30 days alone where None.

    Returns
    -------
    array
        uint8 (day,), 255 where none was in operation.
    """
    leading = np.full(len(numbers), MISSING, "uint8")
    for number, name in reversed(list(enumerate(preferred))):
        here = flying(days[name], numbers)
        if within is not None:
            here &= near(days[name], numbers, within)
        leading[here] = number
    return leading


def spells(operating: npt.NDArray[np.uint8]) -> tuple[tuple[int, int], ...]:
    """First day and number of each unbroken time of one radiometer in operation, in order.

    Examples
    --------
    >>> spells(np.array([0, 0, 255, 1], "uint8"))
    ((0, 0), (2, 255), (3, 1))
    """
    first = np.flatnonzero(np.diff(operating.astype("int16"), prepend=-1))
    return tuple((int(day), int(operating[day])) for day in first)


def spelt_out(found: Sequence[tuple[int, int]], days: int) -> npt.NDArray[np.uint8]:
    """Number of the radiometer in operation on each of some days, from `spells`; uint8 (day,)."""
    first = np.array([day for day, _ in found], "int64")
    number = np.array([number for _, number in found], "uint8")
    return np.repeat(number, np.diff(first, append=days))


def hand_overs(days: Mapping[str, Numbers], preferred: Sequence[str]) -> list[HandOver]:
    """Where the first radiometer in operation, by preference, changes from one day to the next."""
    every = np.unique(np.concatenate([days[name] for name in preferred]))
    leading = operating(days, preferred, every)
    changes = np.flatnonzero(leading[1:] != leading[:-1]) + 1
    return [
        HandOver(preferred[leading[at - 1]], preferred[leading[at]], int(every[at]))
        for at in changes
        if MISSING not in (leading[at - 1], leading[at])
    ]
