"""Differences of a new cube from the one before it, by year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.errors import DamagedCube
from soilft.release.shards import ROOT
from soilft.schema import MISSING
from soilft.store import objects
from soilft.store import zarr as store

STATE = "freeze_thaw_state"


def compared(before: str, after: str, spans: Sequence[DaySpan]) -> dict[str, Any]:
    """Pixel-days whose state differs between two cubes.

    Parameters
    ----------
    before, after
        URLs of cubes on one grid.
    spans
        Days of ``after`` to look at; all others are known to be the same.

    Returns
    -------
    dict
        ``days_added`` that only the later cube has on its axis; of the days that both have,
        ``pixel_days`` known in either, ``changed``, those whose state differs or that one of the
        cubes does not know, their ``share`` of the former, and the same three ``by_year``. Years
        without a change are left out of it. Where the grids differ, or the earlier cube is damaged,
        only ``reason``.
    """
    damaged = {"reason": "the cube before is damaged: soilft verify names the objects"}
    if not objects.exists(objects.join(before, ROOT)):
        return damaged
    try:
        with store.damage_named(before):
            return _compared(before, after, spans) or damaged
    except DamagedCube:
        return damaged


def _compared(before: str, after: str, spans: Sequence[DaySpan]) -> dict[str, Any]:
    """As `compared`; nothing where an axis of the earlier cube has lost its values."""
    old, new = store.open_raw(before), store.open_raw(after)
    states = store.array(old, STATE), store.array(new, STATE)
    if not all(_is_axis(np.asarray(store.array(old, name)[...])) for name in ("time", "y", "x")):
        return {}
    if states[0].shape[1:] != states[1].shape[1:] or not _same_cells(old, new):
        return {"reason": "the cube before has another grid"}
    days = [np.asarray(store.array(group, "time")[...]).astype("int64") for group in (old, new)]
    first_old, first_new = int(days[0][0]), int(days[1][0])
    known: dict[int, int] = {}
    changed: dict[int, int] = {}
    for span in spans:
        numbers = span.numbers
        both = numbers[np.isin(numbers, days[0])]
        for year, held in _by_year(both).items():
            one = _rows(states[0], held, first_old)
            other = _rows(states[1], held, first_new)
            known[year] = known.get(year, 0) + int(((one != MISSING) | (other != MISSING)).sum())
            changed[year] = changed.get(year, 0) + int((one != other).sum())
    total, different = sum(known.values()), sum(changed.values())
    return {
        "days_added": int((~np.isin(days[1], days[0])).sum()),
        "pixel_days": total,
        "changed": different,
        "share": _share(different, total),
        "by_year": [
            {
                "year": year,
                "pixel_days": known[year],
                "changed": changed[year],
                "share": _share(changed[year], known[year]),
            }
            for year in sorted(known)
            if changed[year]
        ],
    }


def text(changed: Mapping[str, Any]) -> list[str]:
    """Sentences about a comparison."""
    if "reason" in changed:
        return [f"changes since {changed['since']}: not compared, {changed['reason']}"]
    lines = [
        (
            f"changes since {changed['since']}: {changed['days_added']} days added, "
            f"{changed['changed']:,} of {changed['pixel_days']:,} pixel-days looked at have "
            f"another state ({100 * changed['share']:.2f} %)"
        )
    ]
    lines += [
        f"  {year['year']}: {year['changed']:,} pixel-days ({100 * year['share']:.2f} %)"
        for year in changed["by_year"]
    ]
    return lines


def _is_axis(values: npt.NDArray[Any]) -> bool:
    """Whether values differ from each to the next in one direction."""
    steps = np.sign(np.diff(values.astype("float64")))
    return bool((steps == 1).all() or (steps == -1).all())


def _same_cells(old: Any, new: Any) -> bool:
    return all(
        np.array_equal(np.asarray(store.array(old, axis)[...]), store.array(new, axis)[...])
        for axis in "yx"
    )


def _by_year(numbers: npt.NDArray[Any]) -> dict[int, npt.NDArray[Any]]:
    years = np.array([day_of(int(number)).year for number in numbers], "int64")
    return {int(year): numbers[years == year] for year in np.unique(years)}


def _rows(states: Any, numbers: npt.NDArray[Any], first: int) -> npt.NDArray[np.uint8]:
    """States of consecutive days."""
    start = int(numbers[0]) - first
    return np.asarray(states[start : start + len(numbers)])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
