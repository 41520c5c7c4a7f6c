"""Figures of the cube's states: maps a season apart, and all days of the pixel in the middle.

All functions that draw need the extra ``viz`` (matplotlib), loaded then, and raise
`ModuleNotFoundError` without it. With ``simulated`` the title says SIMULATED first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.projections import principal
from soilft.report.style import (
    MISSING_COLOUR,
    legend_beside,
    map_frame,
    new_figure,
    png_uri,
    state_colours,
    state_patches,
    svg_markup,
)
from soilft.schema import FROZEN, MISSING, OVERPASSES, THAWED
from soilft.store import zarr as store

Floats = npt.NDArray[Any]

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
        "example_days": example_days(maps, lon, lat, simulated=simulated),
        "pixel_decade": pixel_decade(
            days.numbers,
            np.where(percent == MISSING, np.nan, percent / 100),
            np.asarray(state[:, y, x]),
            np.asarray(seen),
            None,
            f"{lat[y, x]:.2f} N, {principal(lon[y, x]):.2f} E",
            simulated=simulated,
        ),
    }


def example_days(
    days: Sequence[tuple[str, npt.NDArray[Any]]],
    lon: Floats,
    lat: Floats,
    *,
    simulated: bool = False,
) -> str:
    """Maps of the state on some days, as a PNG data URI.

    Parameters
    ----------
    days
        Title and codes (y, x) of each day; any code but 0 and 1 is shown as missing.
    lon, lat
        Cell centres, degrees, (x,) and (y,) or both (y, x).
    """
    frame = map_frame(lon, lat)
    columns = min(2, max(len(days), 1))
    rows = max(-(-len(days) // columns), 1)
    width, height = frame.size(columns)
    with new_figure(width, height * rows) as figure:
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, (title, state) in zip(axes, days, strict=False):
            frame.draw(axis, _states(state), cmap=state_colours(), vmin=0, vmax=1)
            axis.set_title(title)
        for axis in axes[len(days) :]:
            axis.set_visible(False)
        figure.legend(handles=state_patches(), loc="outside lower center", ncols=3)
        return png_uri(figure, "Example days", simulated=simulated)


def pixel_decade(
    days: npt.NDArray[Any],
    probability: Floats,
    state: npt.NDArray[Any],
    label: npt.NDArray[Any],
    truth: npt.NDArray[Any] | None,
    title: str,
    *,
    simulated: bool = False,
) -> str:
    """All days of one pixel as calendars, a row for each year, as SVG.

    Parameters
    ----------
    days
        Days since 1970-01-01, (day,).
    probability
        Of frozen, 0 to 1, NaN where missing, (day,).
    state, label, truth
        Codes, (day,); any code but 0 and 1 is shown as missing.
    """
    date = np.asarray(days, "int64").astype("datetime64[D]")
    year = date.astype("datetime64[Y]")
    day_of_year = (date - year.astype("datetime64[D]")).astype("int64")
    number = year.astype("int64") + 1970
    first, last = int(number.min()), int(number.max())
    panels = [("probability of frozen", np.asarray(probability, "float64"), "cividis_r")]
    for name, codes in (("state", state), ("label", label), ("truth", truth)):
        if codes is not None:
            panels.append((name, _states(codes), ""))
    with new_figure(9.0, 0.9 + len(panels) * (0.55 + 0.13 * (last - first + 1))) as figure:
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False).ravel()
        for axis, (name, values, colours) in zip(axes, panels, strict=True):
            calendar = np.full((last - first + 1, 366), np.nan)
            calendar[number - first, day_of_year] = values
            axis.set_facecolor(MISSING_COLOUR)
            shown = axis.pcolormesh(
                np.arange(367) + 0.5,
                np.arange(first, last + 2) - 0.5,
                np.ma.masked_invalid(calendar),
                cmap=colours or state_colours(),
                vmin=0,
                vmax=1,
                rasterized=True,
            )
            axis.invert_yaxis()
            axis.yaxis.get_major_locator().set_params(integer=True)
            axis.set_title(name, fontsize="small", loc="left")
            if colours:
                figure.colorbar(shown, ax=axis, aspect=8)
            elif axis is axes[1]:
                legend_beside(axis, state_patches())
        axes[-1].set_xlabel("day of year")
        return svg_markup(figure, f"All days of a pixel, {title}", simulated=simulated)


def _states(codes: npt.NDArray[Any]) -> Floats:
    """0 and 1, and NaN for all other codes."""
    return np.where((codes == THAWED) | (codes == FROZEN), codes, np.nan)
