"""Annual layers of a daily freeze/thaw state: frozen days, onsets and cycles, pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import day_of, number
from soilft.errors import ConfigError
from soilft.schema import FROZEN, THAWED

LAYERS = ("frozen_days", "freeze_onset", "thaw_onset", "cycles")
MORE_LAYERS = ("first_frozen_day", "last_frozen_day", "longest_spell")
YEAR_START = (8, 1)
RUN = 5
LEAST_KNOWN = 0.5

Layer = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int16]


def annual(
    states: npt.NDArray[Any],
    days: npt.NDArray[Any],
    *,
    year_start: tuple[int, int] = YEAR_START,
    run: int = RUN,
    least_known: float = LEAST_KNOWN,
) -> dict[str, npt.NDArray[Any]]:
    """Annual layers of each freezing year that lies wholly on the axis.

    A freezing year begins in summer, so that it holds one whole winter, and is named by the
    calendar year in which it begins. Days count from 1, its first day. Only days known to be
    thawed or frozen count; a day of any other code belongs to no class.

    Parameters
    ----------
    states
        Codes of one overpass, or of the daily state, (day, y, x).
    days
        Days since 1970-01-01, (day,), without gaps.
    year_start
        Month and day on which a freezing year begins: 1 August in the northern hemisphere.
    run
        Consecutive days known to be frozen that make a frozen spell; a missing day ends it.
    least_known
        Share of the year's days that must be known; below it all four layers are NaN.

    Returns
    -------
    dict
        ``years``, int32 (year,), and float32 (year, y, x), NaN where undefined:

        ``frozen_days``
            Days: days classified frozen in a year, as in the FT-ESDR (Kim et al. 2017, Earth
            Syst. Sci. Data 9, 133); for missing days, defined here: frozen days / known days x
            days of the year, as if missing days were frozen as often as known ones.
        ``freeze_onset``
            Day of the freezing year on which the first frozen spell begins; NaN without one.
            Defined here. A spell that began before the year has onset 1. Missing days make
            freeze onset late and thaw onset early; a pixel seen two days in three may never show a
            spell.
        ``thaw_onset``
            Day of the freezing year after the last day of the last frozen spell; NaN without one,
            or where it lasts to the end of the year. Defined here.
        ``cycles``
            Transitions from thawed to frozen between one known day of the year and the next known
            day, however many missing days lie between. Defined here.
        ``known``
            Share of the year's days that are known, everywhere.

    Raises
    ------
    ConfigError
        Where the axis has gaps or another length than ``states``, or a setting is out of range.
    """
    _require(states, days, year_start, run, least_known)
    years = whole_years(days, year_start)
    shape = len(years), *states.shape[1:]
    found = {name: np.full(shape, np.nan, "float32") for name in (*LAYERS, "known")}
    for i, span in enumerate(years.values()):
        layers = of_year(states[span], run=run, least_known=least_known)
        for name in (*LAYERS, "known"):
            found[name][i] = layers[name]
    return {"years": np.array(list(years), "int32"), **found}


def errors(
    ours: Mapping[str, npt.NDArray[Any]], reference: Mapping[str, npt.NDArray[Any]]
) -> dict[str, dict[str, Any]]:
    """Bias and mean absolute error of each layer, where both know it.

    Parameters
    ----------
    ours, reference
        As from `annual`, of the same years and pixels.

    Returns
    -------
    dict
        By layer that both have: ``bias``, the mean of ours minus reference, and
        ``mean_absolute_error``, in the layer's unit, None where no pixel and year is known to
        both; ``rows``, how many are.

    Raises
    ------
    ConfigError
        Where the shapes differ.
    """
    found = {}
    for name in LAYERS:
        if name not in ours or name not in reference:
            continue
        one, other = ours[name], reference[name]
        if one.shape != other.shape:
            raise ConfigError(
                f"annual layer {name}",
                expected=f"the reference's (year, y, x) {other.shape}",
                found=f"{one.shape}",
            )
        gap = one.astype("float64") - other
        gap = gap[np.isfinite(gap)]
        found[name] = {
            "bias": float(gap.mean()) if len(gap) else None,
            "mean_absolute_error": float(np.abs(gap).mean()) if len(gap) else None,
            "rows": len(gap),
        }
    return found


def _require(
    states: npt.NDArray[Any],
    days: npt.NDArray[Any],
    year_start: tuple[int, int],
    run: int,
    least_known: float,
) -> None:
    if len(days) != len(states) or (np.diff(days) != 1).any():
        raise ConfigError(
            "annual layers",
            expected=f"one day after the other for {len(states)} days of states",
            found=f"{len(days)} days, {int((np.diff(days) != 1).sum())} gaps",
        )
    try:
        date(2001, *year_start)
    except ValueError:
        raise ConfigError(
            "year_start", expected="month and day of every year", found=str(year_start)
        ) from None
    if run < 1:
        raise ConfigError("run", expected="at least 1 day", found=str(run))
    if not 0 < least_known <= 1:
        raise ConfigError(
            "least_known", expected="a share above 0, up to 1", found=f"{least_known}"
        )


def whole_years(days: npt.NDArray[Any], year_start: tuple[int, int]) -> dict[int, slice]:
    """Where each freezing year lies on the axis, by its name; those cut short are left out."""
    if not len(days):
        return {}
    first, last = int(days[0]), int(days[-1])
    found = {}
    for year in range(day_of(first).year, day_of(last).year + 1):
        begin, end = (number(date(y, *year_start)) for y in (year, year + 1))
        if first <= begin and end <= last + 1:
            found[year] = slice(begin - first, end - first)
    return found


def of_year(
    states: npt.NDArray[Any], *, run: int = RUN, least_known: float = LEAST_KNOWN
) -> dict[str, Layer]:
    """All layers of one freezing year, as `annual` defines them, and three more.

    Parameters
    ----------
    states
        Codes of the days of the year, (day, ...); days of any other code are not known.

    Returns
    -------
    dict
        float32 (...), NaN where undefined: those of `annual`, ``known``, and

        ``first_frozen_day``, ``last_frozen_day``
            First and last day of the freezing year known to be frozen, however short the frost;
            NaN without one. Defined here.
        ``longest_spell``
            Days of the longest run of days known to be frozen, 0 without one: as the longest
            spell of ETCCDI's spell durations (Zhang et al. 2011, WIREs Clim. Change 2, 851),
            within the year. A missing day ends it, so gaps make it short.
    """
    frozen_days = (states == FROZEN).sum(axis=0)
    known_days = frozen_days + (states == THAWED).sum(axis=0)
    seen = _walk(states, run)
    days = len(states)
    known = known_days / days
    enough = known >= least_known
    layers = {
        "frozen_days": frozen_days * days / np.maximum(known_days, 1),
        "freeze_onset": np.where(seen.onset > 0, seen.onset, np.nan),
        "thaw_onset": np.where(
            (seen.after > 0) & (seen.after < days), seen.after + np.float32(1), np.nan
        ),
        "cycles": seen.cycles,
        "first_frozen_day": np.where(seen.first > 0, seen.first, np.nan),
        "last_frozen_day": np.where(seen.last > 0, seen.last, np.nan),
        "longest_spell": seen.longest,
    }
    masked = {name: np.where(enough, layer, np.nan) for name, layer in layers.items()}
    return {name: layer.astype("float32") for name, layer in {**masked, "known": known}.items()}


@dataclass(frozen=True)
class _Seen:
    """What one walk over the days sees: days from 1, 0 where there is none.

    Parameters
    ----------
    onset, after
        First day of the first frozen spell, and last day of the last.
    first, last
        First and last frozen day.
    cycles, longest
        Transitions to frozen, and days of the longest run.
    """

    onset: Counts
    after: Counts
    first: Counts
    last: Counts
    cycles: Counts
    longest: Counts


def _walk(states: npt.NDArray[Any], run: int) -> _Seen:
    shape = states.shape[1:]
    onset, after, first, last, cycles, longest, length = (
        np.zeros(shape, "int16") for _ in range(7)
    )
    was_thawed = np.zeros(shape, "bool")
    for day, state in enumerate(states, start=1):
        frozen = state == FROZEN
        cycles += frozen & was_thawed
        was_thawed = np.where(frozen, False, was_thawed | (state == THAWED))
        length = (length + np.int16(1)) * frozen
        np.maximum(longest, length, out=longest)
        np.copyto(last, day, where=frozen)
        np.copyto(first, day, where=frozen & (first == 0))
        np.copyto(onset, day - run + 1, where=(length == run) & (onset == 0))
        np.copyto(after, day, where=length >= run)
    return _Seen(onset, after, first, last, cycles, longest)
