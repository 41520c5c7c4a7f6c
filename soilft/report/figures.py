"""Figures of the report: numbers in, SVG markup or a PNG data URI out, the same bytes each time.

All functions need the extra ``viz`` (matplotlib), loaded when a figure is drawn, and raise
`ModuleNotFoundError` without it. Charts are SVG whose ink is the page's text colour; maps are PNG.
With ``simulated`` the title says SIMULATED first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from soilft.ingest.availability import Availability
from soilft.report.style import (
    FROZEN_COLOUR,
    INK,
    MISSING_COLOUR,
    THAWED_COLOUR,
    availability_chart,
    map_frame,
    new_figure,
    png_uri,
    state_colours,
    state_patches,
    styled,
    svg_markup,
)
from soilft.schema import FROZEN, THAWED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[Any]
Rows = Sequence[Mapping[str, Any]]

# Okabe & Ito (2008), as in `soilft.report.style`.
_BLUE, _RED, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "#8A8F94"
_SCORES = (
    ("overall_accuracy", "overall accuracy", _BLUE, "-", "o"),
    ("recall_thawed", "recall thawed", THAWED_COLOUR, "--", "s"),
    ("recall_frozen", "recall frozen", FROZEN_COLOUR, "--", "D"),
    ("majority_share", "majority class alone", _GREY, ":", ""),
)


def confusion(scores: Mapping[str, Any], title: str, *, simulated: bool = False) -> str:
    """Confusion matrix: counts, and the share of each reference class, as SVG.

    Parameters
    ----------
    scores
        With ``confusion``, counts [[tt, tf], [ft, ff]], rows the reference.
    """
    counts = np.asarray(scores["confusion"], "float64")
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with new_figure(4.2, 3.6) as figure:
        axis = figure.subplots()
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            axis.text(
                column,
                row,
                f"{count:,.0f}\n{share[row, column]:.1%}",
                ha="center",
                va="center",
                color="#ffffff" if share[row, column] > 0.55 else "#000000",
            )
        axis.set_xticks([0, 1], ["thawed", "frozen"])
        axis.set_yticks([0, 1], ["thawed", "frozen"], rotation=90, va="center")
        axis.set(xlabel="predicted", ylabel="reference")
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        return svg_markup(figure, title, simulated=simulated)


def reliability(bins: Rows, *, simulated: bool = False) -> str:
    """Observed share of frozen against the predicted probability, as SVG.

    Parameters
    ----------
    bins
        With ``predicted`` and ``observed``, shares, and ``rows``.
    """
    predicted, observed, rows = (_column(bins, name) for name in ("predicted", "observed", "rows"))
    with new_figure(4.2, 4.0) as figure:
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], color=_GREY, linestyle=":", label="perfect")
        axis.plot(predicted, observed, color=_BLUE, linewidth=1)
        largest = float(np.nanmax(rows, initial=1.0))
        axis.scatter(predicted, observed, s=12 + 48 * rows / largest, color=_BLUE, label="bins")
        axis.set(
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
            xlabel="predicted probability of frozen",
            ylabel="observed share of frozen",
        )
        axis.set_aspect("equal")
        axis.legend(loc="upper left")
        return svg_markup(figure, "Reliability of the probabilities", simulated=simulated)


def monthly(by_month: Rows, *, simulated: bool = False) -> str:
    """Overall accuracy and recalls by month, as SVG.

    Parameters
    ----------
    by_month
        Scores with ``key``, the month's number as text.
    """
    month = np.array([int(row["key"]) for row in by_month])
    with new_figure(7.0, 3.4) as figure:
        axis = figure.subplots()
        for name, label, colour, line, marker in _SCORES:
            shares = 100 * _column(by_month, name)
            axis.plot(month, shares, color=colour, linestyle=line, marker=marker, label=label)
        axis.set_xticks(range(1, 13), list("JFMAMJJASOND"))
        axis.set(xlim=(0.5, 12.5), xlabel="month", ylabel="%")
        _legend_beside(axis)
        return svg_markup(figure, "Scores by month", simulated=simulated)


def importance(groups: Rows, *, simulated: bool = False) -> str:
    """Loss of accuracy when a group of predictors is permuted, largest on top, as SVG.

    Parameters
    ----------
    groups
        With ``group``, ``drop`` (a share), and ``interval`` [low, high] or ``folds``, the drop in
        each fold, where known.
    """
    ordered = sorted(groups, key=lambda row: _number(row["drop"]))
    at = np.arange(len(ordered))
    with new_figure(7.0, 1.2 + 0.3 * len(ordered)) as figure:
        axis = figure.subplots()
        axis.barh(at, 100 * _column(ordered, "drop"), color=_BLUE, height=0.65)
        for y, row in enumerate(ordered):
            if row.get("interval"):
                axis.plot(100 * _floats(row["interval"]), [y, y], color=INK, linewidth=1.5)
            folds = 100 * _floats(row.get("folds") or [])
            axis.plot(folds, np.full(len(folds), y), ".", color=INK, markersize=4)
        axis.axvline(0, color=INK, linewidth=0.8)
        axis.set_yticks(at, [str(row["group"]) for row in ordered])
        axis.set_xlabel("loss of overall accuracy, percentage points")
        return svg_markup(figure, "Importance of groups of predictors", simulated=simulated)


def differences(baselines: Rows, *, simulated: bool = False) -> str:
    """Overall accuracy of the forest minus that of each baseline, with its interval, as SVG.

    Parameters
    ----------
    baselines
        Entries with ``title``, ``is_satellite_label`` and ``difference``; those without a
        difference are left out.
    """
    shown = [row for row in baselines if row.get("difference")][::-1]
    with new_figure(8.0, 1.3 + 0.38 * len(shown)) as figure:
        axis = figure.subplots()
        axis.axvline(0, color=INK, linewidth=0.8)
        for y, row in enumerate(shown):
            middle = 100 * _number(row["difference"]["overall_accuracy"])
            colour = _RED if row.get("is_satellite_label") else _BLUE
            interval = 100 * _floats(row["difference"].get("interval") or [])
            axis.plot(interval, np.full(len(interval), y), color=colour, linewidth=2)
            face = "none" if row.get("is_satellite_label") else colour
            axis.plot(middle, y, "o", color=colour, markerfacecolor=face)
        axis.set_yticks(range(len(shown)), [str(row["title"]) for row in shown])
        axis.set(
            ylim=(-0.6, max(len(shown), 1) - 0.4),
            xlabel="overall accuracy, forest minus baseline, percentage points\n"
            "(hollow: a satellite label itself)",
        )
        return svg_markup(figure, "The forest beside its baselines", simulated=simulated)


def noise(points: Rows, *, simulated: bool = False) -> str:
    """Accuracy at several scales of label and sensor noise, beside the label ceiling, as SVG.

    Parameters
    ----------
    points
        With ``scale``, ``overall_accuracy``, and where known ``interval``, ``ceiling`` (label
        against truth) and ``against_truth``.
    """
    ordered = sorted(points, key=lambda row: float(row["scale"]))
    scale = _column(ordered, "scale")
    with new_figure(7.0, 3.4) as figure:
        axis = figure.subplots()
        for name, label, colour, line, marker in (
            ("overall_accuracy", "forest against label", _BLUE, "-", "o"),
            ("against_truth", "forest against truth", _GREEN, "--", "s"),
            ("ceiling", "label against truth", _GREY, ":", "D"),
        ):
            shares = 100 * _column(ordered, name)
            if not np.isfinite(shares).any():
                continue
            axis.plot(scale, shares, color=colour, linestyle=line, marker=marker, label=label)
        for x, row in zip(scale, ordered, strict=True):
            interval = 100 * _floats(row.get("interval") or [])
            axis.plot(np.full(len(interval), x), interval, color=_BLUE, linewidth=3, alpha=0.5)
        axis.set_xticks(scale, [f"{x:g}x" for x in scale])
        axis.set(xlabel="label and sensor noise", ylabel="overall accuracy, %")
        _legend_beside(axis)
        return svg_markup(figure, "Scores at other noise", simulated=simulated)


def annual(
    years: Sequence[int], series: Mapping[str, Sequence[Any]], *, simulated: bool = False
) -> str:
    """Regional mean of each annual layer by year, a panel each, as SVG.

    Parameters
    ----------
    years
        Calendar years.
    series
        Name of the layer and its value in each year, None or NaN where unknown.
    """
    columns = min(2, max(len(series), 1))
    rows = max(-(-len(series) // columns), 1)
    with new_figure(4.2 * columns, 0.5 + 2.0 * rows) as figure:
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, (name, values) in zip(axes, series.items(), strict=False):
            axis.plot(list(years), _floats(values), color=_BLUE, marker="o", markersize=4)
            axis.set_title(name.replace("_", " "), fontsize="small", loc="left")
            axis.xaxis.get_major_locator().set_params(integer=True)
        for axis in axes[len(series) :]:
            axis.set_visible(False)
        return svg_markup(figure, "Annual layers, mean over the region", simulated=simulated)


def hand_overs(changes: Rows, *, simulated: bool = False) -> str:
    """Steps of brightness temperature, before and after, with 90 % intervals and margin, as SVG.

    Parameters
    ----------
    changes
        With ``before``, ``after``, ``day``, ``margin`` in K and ``steps``, as
        `soilft.radiometers.equivalence.described` gives them; those without steps are left out.
    """
    shown = [change for change in changes if change["steps"]]
    columns = max(len(shown), 1)
    rows = max((len(change["steps"]) for change in shown), default=1)
    with new_figure(1.2 + 4.2 * columns, 1.6 + 0.24 * rows) as figure:
        panels = figure.subplots(1, columns, squeeze=False)[0]
        for axis, change in zip(panels, shown, strict=False):
            margin = float(change["margin"])
            axis.axvspan(-margin, margin, color=_GREEN, alpha=0.25, linewidth=0)
            axis.axvline(0, color=INK, linewidth=0.8)
            names = [f"{step['channel']} {step['node']}" for step in change["steps"]]
            for kind, label, colour, shift in (
                ("raw", "as they are", _RED, 0.18),
                ("harmonized", "harmonised", _BLUE, -0.18),
            ):
                values = np.array([step[kind] for step in change["steps"]], "float64")
                y = np.arange(len(values)) + shift
                axis.hlines(y, values[:, 1], values[:, 2], color=colour, linewidth=2)
                axis.plot(values[:, 0], y, "o", color=colour, markersize=3.5, label=label)
            axis.set_yticks(range(len(names)), names, fontsize="small")
            axis.set(
                ylim=(len(names) - 0.4, -0.6),
                xlabel=f"step, K; shaded: ±{margin:g} K",
                title=f"{change['before']} to {change['after']}\n{change['day']}",
            )
        if shown:
            panels[0].legend(fontsize="small")
        return svg_markup(figure, "Hand-over between radiometers", simulated=simulated)


def availability(table: Availability | Mapping[str, Any], *, simulated: bool = False) -> str:
    """Share of the region's cells with data, by source and day, as SVG.

    Parameters
    ----------
    table
        The table, or what its `Availability.to_json` gave.
    """
    if not isinstance(table, Availability):
        table = Availability.from_json(table)
    with styled():
        figure = availability_chart(table, "")
        return svg_markup(figure, "Availability of the inputs", simulated=simulated)


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
                _legend_beside(axis, state_patches())
        axes[-1].set_xlabel("day of year")
        return svg_markup(figure, f"All days of a pixel, {title}", simulated=simulated)


def accuracy_map(lon: Floats, lat: Floats, accuracy: Floats, *, simulated: bool = False) -> str:
    """Share of right days of each pixel with the coast, as a PNG data URI.

    Parameters
    ----------
    lon, lat
        Cell centres, degrees, (x,) and (y,) or both (y, x).
    accuracy
        Shares, (y, x), NaN where unknown.
    """
    frame = map_frame(lon, lat)
    values = 100 * np.asarray(accuracy, "float64")
    lowest = np.floor(min(float(np.nanmin(values, initial=99.0)), 99.0))
    with new_figure(*frame.size(1)) as figure:
        axis = figure.subplots()
        shown = frame.draw(axis, values, cmap="cividis", vmin=lowest, vmax=100)
        figure.colorbar(shown, ax=axis, label="right days, %", shrink=0.8)
        return png_uri(figure, "Accuracy of each pixel", simulated=simulated)


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
        As in `accuracy_map`.
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


def _column(rows: Rows, name: str) -> Floats:
    return _floats([row.get(name) for row in rows])


def _floats(values: Sequence[Any]) -> Floats:
    """Numbers with None as NaN."""
    return np.array([_number(value) for value in values], "float64")


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _states(codes: npt.NDArray[Any]) -> Floats:
    """0 and 1, and NaN for all other codes."""
    return np.where((codes == THAWED) | (codes == FROZEN), codes, np.nan)


def _legend_beside(axis: Axes, handles: list[Any] | None = None) -> None:
    place: dict[str, Any] = {"bbox_to_anchor": (1.0, 0.5), "fontsize": "small"}
    if handles is not None:
        place["handles"] = handles
    if handles or axis.get_legend_handles_labels()[1]:
        axis.legend(loc="center left", **place)
