"""Figures of the cube's states: maps a season apart, and all days of the pixel in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.report import figures
from soilft.schema import FROZEN, MISSING, OVERPASSES
from soilft.store import zarr as store

# Maps of example days.
_EXAMPLES = 4


def examples(known: npt.NDArray[Any]) -> list[int]:
    """Places of the days to be drawn: of each quarter of the days the one with most known pixels.

    Parameters
    ----------
    known
        Pixels with a state on each day, (day,).
    """
    parts = np.array_split(np.arange(len(known)), min(_EXAMPLES, len(known)))
    return [int(part[np.argmax(known[part])]) for part in parts]


def draw(
    cube_url: str,
    label_url: str,
    overpass: str,
    days: DaySpan,
    chunks: Sequence[DaySpan],
    lon: npt.NDArray[Any],
    lat: npt.NDArray[Any],
    *,
    simulated: bool,
) -> dict[str, str]:
    """Figures ``example_days`` and ``pixel_decade``; none where the cube has no state.

    Parameters
    ----------
    overpass
        Whose label is drawn beside the pixel's states.
    chunks
        Days that are read together.
    lon, lat
        Cell centres, degrees, each (y, x).
    """
    group = store.open_raw(cube_url)
    state = store.array(group, "freeze_thaw_state")
    known = np.concatenate(
        [(np.asarray(state[chunk.within(days)]) <= FROZEN).sum(axis=(1, 2)) for chunk in chunks]
    )
    if not known.any():
        return {}
    maps = [(str(day_of(int(days.numbers[at]))), np.asarray(state[at])) for at in examples(known)]
    y, x = (size // 2 for size in state.shape[1:])
    percent = np.asarray(store.array(group, "frozen_probability")[:, y, x])
    label = store.open_raw(label_url)
    codes = np.asarray(store.array(label, "overpass")[...]).tolist()
    seen = store.array(label, "freeze_thaw")[:, codes.index(OVERPASSES[overpass]), y, x]
    return {
        "example_days": figures.example_days(maps, lon, lat, simulated=simulated),
        "pixel_decade": figures.pixel_decade(
            days.numbers,
            np.where(percent == MISSING, np.nan, percent / 100),
            np.asarray(state[:, y, x]),
            np.asarray(seen),
            None,
            f"{lat[y, x]:.2f} N, {lon[y, x]:.2f} E",
            simulated=simulated,
        ),
    }
