"""Checks of a cube before it is published: recent days, possible states, skill of its forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.errors import ReleaseRefused
from soilft.release.changes import STATE
from soilft.schema import MISSING, THAWED
from soilft.scores.skill import Skill
from soilft.store import zarr as store

# Daily mean of the uppermost soil layer of the reanalysis.
TEMPERATURE = "SoilTMP0_10cm_inst_mean"
_DAYS_AT_ONCE = 60
#: What is said of a forest without a skill to be held against the limit.
UNKNOWN = (
    "Nothing tells whether the forest beats the majority class: soilft validate has not judged it, "
    "or its held-out rows lie in one year of one block."
)


@dataclass(frozen=True)
class Limits:
    """What is let through.

    Parameters
    ----------
    max_age
        Days that the newest known day may lie before the end of the period.
    recent_days
        Days up to the newest known one that are looked at one by one.
    max_missing
        Share of the cells that the record knows at all which may be missing on such a day. Days
        on which nothing at all is known pass: there was no observation.
    cold_kelvin, cold_days
        No pixel may be thawed on so many days in a row on which its soil is colder than this.
    max_impossible
        Share of the known pixels for which that may nevertheless be so.
    min_skill
        Gain of the forest over the majority class, on held-out rows, that the whole of its 95 %
        interval must exceed.
    """

    max_age: int = 31
    recent_days: int = 10
    max_missing: float = 0.95
    cold_kelvin: float = 253.15
    cold_days: int = 14
    max_impossible: float = 0.0
    min_skill: float = 0.0


def check(
    cube: str, days: DaySpan, spans: Sequence[DaySpan], reanalysis: str | None, limits: Limits
) -> dict[str, Any]:
    """Look at a staged cube, and refuse what should not be published.

    Parameters
    ----------
    cube
        URL of the staged cube.
    spans
        Days that are not yet part of a release.
    reanalysis
        URL of the store with the soil's temperature in K; None where the region has none.

    Returns
    -------
    dict
        What was found, as JSON values.

    Raises
    ------
    ReleaseRefused
        Naming every limit that is not kept.
    """
    state = store.array(store.open_raw(cube), STATE)
    known_by_day, ever = _known(state, len(days))
    counts = np.flatnonzero(known_by_day)
    newest = days.numbers[counts[-1]] if len(counts) else None
    age = None if newest is None else int(days.numbers[-1] - newest)
    recent = [] if newest is None else _recent(known_by_day, int(counts[-1]), ever, days, limits)
    impossible = _impossible(state, days, spans, reanalysis, limits)
    found: dict[str, Any] = {
        "newest_known_day": None if newest is None else str(day_of(int(newest))),
        "days_before_end": age,
        "missing_of_recent_days": dict(recent),
        "known_pixels": ever,
        "impossible_pixels": impossible,
    }
    problems = []
    if age is None or age > limits.max_age:
        problems.append(
            f"the newest known day is {found['newest_known_day']}, more than {limits.max_age} days "
            f"before {days.last}"
        )
    problems += [
        f"{share:.3f} of the cells are missing on {day}, more than {limits.max_missing}"
        for day, share in recent
        if limits.max_missing < share < 1
    ]
    if impossible is not None and impossible > limits.max_impossible * ever:
        problems.append(
            f"{impossible} of {ever} pixels are thawed on {limits.cold_days} days in a row with "
            f"soil below {limits.cold_kelvin} K"
        )
    if problems:
        raise ReleaseRefused(
            cube,
            expected="a cube within the limits of the section publication",
            found="; ".join(problems),
            remedy="Readers keep the release they have. Mend the inputs, or change the limits.",
        )
    return found


def require_skill(
    report: str, skill: Skill | None, limits: Limits, *, released: bool
) -> dict[str, Any]:
    """Look at what held-out rows say of a forest, and refuse one that is no better than a constant.

    Parameters
    ----------
    report
        URL of its report.
    skill
        Its gain over the majority class; None where it was not judged, or has no interval.
    released
        Whether the store has a release: its updates go on, with a caution.

    Returns
    -------
    dict
        ``skill``, as JSON values, and ``cautions``, sentences to be told.

    Raises
    ------
    ReleaseRefused
        Where the interval of the gain reaches ``min_skill`` or lies below it, and nothing was
        released yet.
    """
    if skill is None:
        return {"skill": None, "cautions": [UNKNOWN]}
    cautions = [skill.caution] if skill.caution else []
    if not skill.exceeds(limits.min_skill):
        expected = f"a gain over the majority class above publication.min_skill, {limits.min_skill}"
        if not released:
            raise ReleaseRefused(
                report,
                expected=expected,
                found=str(skill),
                remedy="Nothing is published. Mend the inputs, or make publication.min_skill "
                "lower: then it is published with a caution.",
            )
        cautions.append(f"{report}: expected {expected}, found {skill}. The store has a release.")
    return {"skill": skill.to_json(), "cautions": cautions}


def _known(state: Any, days: int) -> tuple[npt.NDArray[np.int64], int]:
    """Known cells of each day, (day,), and cells known on any."""
    counts = np.zeros(days, "int64")
    ever = np.zeros(state.shape[1:], bool)
    for start in range(0, days, _DAYS_AT_ONCE):
        known = np.asarray(state[start : start + _DAYS_AT_ONCE]) != MISSING
        counts[start : start + len(known)] = known.sum(axis=(1, 2))
        ever |= known.any(axis=0)
    return counts, int(ever.sum())


def _recent(
    known: npt.NDArray[np.int64], newest: int, ever: int, days: DaySpan, limits: Limits
) -> list[tuple[str, float]]:
    rows = range(max(newest + 1 - limits.recent_days, 0), newest + 1)
    numbers = days.numbers
    return [(str(day_of(int(numbers[row]))), round(1 - int(known[row]) / ever, 4)) for row in rows]


def _impossible(
    state: Any, days: DaySpan, spans: Sequence[DaySpan], reanalysis: str | None, limits: Limits
) -> int | None:
    """Pixels that are thawed for too long in soil too cold; None without a temperature."""
    if reanalysis is None:
        return None
    group = store.open_raw(reanalysis)
    if TEMPERATURE not in group:
        return None
    kelvin = store.array(group, TEMPERATURE)
    found = np.zeros(state.shape[1:], bool)
    for span in spans:
        rows = span.widened(limits.cold_days, days).within(days)
        run = np.zeros(state.shape[1:], "int64")
        for start in range(rows.start, rows.stop, _DAYS_AT_ONCE):
            part = slice(start, min(start + _DAYS_AT_ONCE, rows.stop))
            cold = np.asarray(kelvin[part]) < limits.cold_kelvin
            for both in (np.asarray(state[part]) == THAWED) & cold:
                run = np.where(both, run + 1, 0)
                found |= run >= limits.cold_days
    return int(found.sum())
