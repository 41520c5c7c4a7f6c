"""Figures of scores, as SVG markup or a PNG data URI.

All functions need the extra ``viz`` (matplotlib), loaded when a figure is drawn, and raise
`ModuleNotFoundError` without it. With ``simulated`` the title says SIMULATED first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.report.experiments import HEADLINE, held_out
from soilft.report.style import (
    BLUE,
    FROZEN_COLOUR,
    GREEN,
    GREY,
    INK,
    RED,
    THAWED_COLOUR,
    legend_beside,
    map_frame,
    new_figure,
    png_uri,
    svg_markup,
)

Floats = npt.NDArray[Any]
Rows = Sequence[Mapping[str, Any]]

_SCORES = (
    ("overall_accuracy", "overall accuracy", BLUE, "-", "o"),
    ("recall_thawed", "recall thawed", THAWED_COLOUR, "--", "s"),
    ("recall_frozen", "recall frozen", FROZEN_COLOUR, "--", "D"),
    ("majority_share", "majority class alone", GREY, ":", ""),
)


def of_card(card: Mapping[str, Any]) -> dict[str, str]:
    """Every figure of scores that a scorecard has something to show in, by name."""
    simulated = bool(card["simulated"])
    headline = card["experiments"][HEADLINE]
    drawn: dict[str, str] = {}
    if headline["scores"] is not None:
        drawn["confusion"] = confusion(
            headline["scores"], held_out(headline).replace(", ", ",\n"), simulated=simulated
        )
        bins = headline["probability"]["reliability"]
        drawn["reliability"] = reliability(bins, simulated=simulated)
        drawn["monthly"] = monthly(headline["by"]["month"], simulated=simulated)
    if card["importance"]:
        drawn["importance"] = importance(card["importance"], simulated=simulated)
    if card["baselines"]:
        drawn["differences"] = differences(card["baselines"], simulated=simulated)
    return drawn


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
        axis.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfect")
        axis.plot(predicted, observed, color=BLUE, linewidth=1)
        largest = float(np.nanmax(rows, initial=1.0))
        axis.scatter(predicted, observed, s=12 + 48 * rows / largest, color=BLUE, label="bins")
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
        legend_beside(axis)
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
        axis.barh(at, 100 * _column(ordered, "drop"), color=BLUE, height=0.65)
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
            colour = RED if row.get("is_satellite_label") else BLUE
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
            ("overall_accuracy", "forest against label", BLUE, "-", "o"),
            ("against_truth", "forest against truth", GREEN, "--", "s"),
            ("ceiling", "label against truth", GREY, ":", "D"),
        ):
            shares = 100 * _column(ordered, name)
            if not np.isfinite(shares).any():
                continue
            axis.plot(scale, shares, color=colour, linestyle=line, marker=marker, label=label)
        for x, row in zip(scale, ordered, strict=True):
            interval = 100 * _floats(row.get("interval") or [])
            axis.plot(np.full(len(interval), x), interval, color=BLUE, linewidth=3, alpha=0.5)
        axis.set_xticks(scale, [f"{x:g}x" for x in scale])
        axis.set(xlabel="label and sensor noise", ylabel="overall accuracy, %")
        legend_beside(axis)
        return svg_markup(figure, "Scores at other noise", simulated=simulated)


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


def _column(rows: Rows, name: str) -> Floats:
    return _floats([row.get(name) for row in rows])


def _floats(values: Sequence[Any]) -> Floats:
    """Numbers with None as NaN."""
    return np.array([_number(value) for value in values], "float64")


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
