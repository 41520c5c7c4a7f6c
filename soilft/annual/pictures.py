"""Quick looks at annual layers as PNG: maps of means and trend, and the regional series.

Needs the extra ``viz`` (matplotlib), loaded when asked for. The same layers give the same bytes.
"""

from __future__ import annotations

from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.annual.layers import LEAST_YEARS_KNOWN
from soilft.annual.trend import LEAST_YEARS, trend
from soilft.grid import Grid
from soilft.report.style import INK, MISSING_COLOUR, MapFrame, map_frame, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Pixels whose Mann-Kendall p-value is not below it are hatched.
SIGNIFICANT = 0.05
_DPI = 110
_LINE = "#0072B2"  # Okabe & Ito (2008)

Floats = npt.NDArray[Any]


def pictures(annual: xr.Dataset, grid: Grid) -> dict[str, bytes]:
    """All quick looks of a store of annual layers, PNG by name.

    Parameters
    ----------
    annual
        As `soilft.store.zarr.open_cube` opens it.
    grid
        Its grid.

    Raises
    ------
    ModuleNotFoundError
        Where matplotlib is not installed: ``pip install 'soilft[viz]'``.
    """
    frame = map_frame(*((grid.x, grid.y) if grid.geographic else grid.lonlat))
    years = annual.year.values
    first, last = (f"{year}/{(year + 1) % 100:02d}" for year in (years[0], years[-1]))
    period = f"{first} to {last}" if len(years) > 1 else first
    said = f"mean of {len(years)} freezing years, {period}"
    if len(years) == 1:
        said = f"{first} alone; a mean needs 2 freezing years"
    return {
        "mean_frozen_days": _mean(annual, frame, "frozen_days", "Frozen days a year", said),
        "mean_freeze_onset": _mean(annual, frame, "freeze_onset", "Freeze onset", said),
        "mean_thaw_onset": _mean(annual, frame, "thaw_onset", "Thaw onset", said),
        "trend_frozen_days": _trend(annual, frame, period),
        "regional_frozen_days": _series(annual, grid),
    }


def _mean(annual: xr.Dataset, frame: MapFrame, layer: str, name: str, said: str) -> bytes:
    values = annual[f"{layer}_mean"].values
    width, height = frame.size(1)
    onset = layer.endswith("onset")
    with new_figure(width, height + 0.4) as figure:
        axis = figure.subplots()
        # Dark is much frost; onsets run the other way round.
        shown = frame.draw(axis, values, cmap="cividis" if onset else "cividis_r")
        begins = annual.attrs["freezing_year_begins_in_month"]
        unit = f"day of the freezing year (1 is the first of month {begins})"
        figure.colorbar(shown, ax=axis, shrink=0.7, label=unit if onset else "days")
        return _png(figure, axis, f"{name}, {said}", values, "mean", annual)


def _trend(annual: xr.Dataset, frame: MapFrame, period: str) -> bytes:
    from matplotlib.colors import ListedColormap

    slope = annual.frozen_days_trend.values
    p_value = annual.frozen_days_trend_p_value.values
    largest = float(np.nanmax(np.abs(slope))) if np.isfinite(slope).any() else 1.0
    width, height = frame.size(1)
    with new_figure(width, height + 0.4) as figure:
        axis = figure.subplots()
        largest = max(largest, 0.02)
        shown = frame.draw(axis, slope, cmap="PuOr", vmin=-largest, vmax=largest)
        unsure = np.isfinite(slope) & ~(p_value < SIGNIFICANT)
        if unsure.any():
            axis.pcolor(
                frame.x,
                frame.y,
                np.ma.masked_where(~unsure | ~frame.known, np.zeros(slope.shape)),
                cmap=ListedColormap([(0.0, 0.0, 0.0, 0.0)]),
                hatch="////",
                edgecolor=INK,
                linewidth=0,
            )
        figure.colorbar(shown, ax=axis, shrink=0.7, label="days a year, a year")
        title = f"Trend of frozen days, {period}"
        if np.isfinite(slope).any():
            title += f"; hatched: p is not below {SIGNIFICANT:g}"
        return _png(figure, axis, title, slope, "trend", annual)


def regional(annual: xr.Dataset, grid: Grid) -> dict[str, Any]:
    """Regional means of frozen days over the pixels known in every year, weighed by area.

    Returns
    -------
    dict
        ``years``; ``mean``; ``low``, ``middle`` and ``high``, means of the pixels' quantiles: as if
        all pixels erred together, which no correlation between them can exceed (quantiles of
        comonotonic variables add up, Dhaene et al. 2002, Insur. Math. Econ. 31, 3); ``pixels``.
        Each NaN without such pixels; the quantiles also where there are no ranges.
    """
    days = annual.frozen_days.values
    ranges = annual.frozen_days_range.values
    whole = np.isfinite(days).all(axis=0)
    weight = np.cos(np.radians(grid.lonlat[1])) if grid.geographic else np.ones(grid.shape)
    weight = np.where(whole, weight, 0)

    def mean(values: Floats) -> Floats:
        total = weight.sum() if whole.any() else np.nan
        return np.asarray(np.where(whole, values * weight, 0).sum(axis=(-2, -1)) / total)

    low, middle, high = mean(ranges)
    return {
        "years": annual.year.values,
        "mean": mean(days),
        "low": low,
        "middle": middle,
        "high": high,
        "pixels": int(whole.sum()),
    }


def _series(annual: xr.Dataset, grid: Grid) -> bytes:
    found = regional(annual, grid)
    with new_figure(8.0, 3.8) as figure:
        axis = figure.subplots()
        x = found["years"]
        level = float(annual["quantile"].values[2] - annual["quantile"].values[0])
        axis.fill_between(
            x, found["low"], found["high"], color=_LINE, alpha=0.25, linewidth=0,
            label=f"{level:.0%} range, as if all pixels erred together",
        )  # fmt: skip
        axis.vlines(x, found["low"], found["high"], color=_LINE, linewidth=1)
        axis.plot(x, found["middle"], color=_LINE, linewidth=1, linestyle=":", label="its median")
        axis.plot(x, found["mean"], color=INK, marker="o", markersize=4, label="of the daily state")
        axis.set_xticks(x, [f"{y}/{(y + 1) % 100:02d}" for y in x], fontsize="small")
        axis.set(xlabel="freezing year", ylabel="days")
        axis.legend(fontsize="small")
        title = f"Frozen days a year, mean of {found['pixels']} pixels"
        fit = trend(x, found["mean"])
        if fit["slope"] is not None:
            low, high = fit["interval"]
            title += f"; {fit['slope']:+.2f} ({low:+.2f} to {high:+.2f}) days a year"
        elif fit["years"]:
            title += f"; a trend needs {LEAST_YEARS} years"
        return _png(figure, axis, title, found["mean"], "series", annual)


def needs(annual: xr.Dataset) -> dict[str, str]:
    """What a picture of a ``mean``, a ``trend`` and the ``series`` of years says if it is empty."""
    years, share = annual.sizes["year"], annual.attrs["least_known_share"]
    known = f"{share:.0%} of its days known"
    least = ceil(LEAST_YEARS_KNOWN * years)
    return {
        "mean": f"a mean needs {least} freezing years of {years},\neach with {known}",
        "trend": f"a trend needs {LEAST_YEARS} freezing years,\nthe cube has {years}",
        "series": f"no pixel is known in every year:\neach needs {known}",
    }


def _png(
    figure: Figure, axis: Axes, title: str, values: Floats, kind: str, annual: xr.Dataset
) -> bytes:
    """The picture without dates or versions; where it shows nothing it says what it needs."""
    if not np.isfinite(values).any():
        axis.text(
            0.5, 0.5, needs(annual)[kind], transform=axis.transAxes,
            ha="center", va="center", backgroundcolor=MISSING_COLOUR,
        )  # fmt: skip
    if annual.attrs.get("simulated") == "true":
        title = f"SIMULATED: {title}"
    figure.suptitle(title, fontsize="medium")
    held = BytesIO()
    nothing = {"Software": None, "Creation Time": None}
    figure.savefig(held, format="png", dpi=_DPI, facecolor="white", metadata=nothing)
    return held.getvalue()
