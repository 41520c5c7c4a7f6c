"""Figures of the record, as SVG markup: its inputs, hand-overs and annual layers.

All functions need the extra ``viz`` (matplotlib), loaded when a figure is drawn, and raise
`ModuleNotFoundError` without it. With ``simulated`` the title says SIMULATED first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from soilft.ingest.availability import Availability
from soilft.report.style import (
    BLUE,
    GREEN,
    INK,
    RED,
    availability_chart,
    new_figure,
    styled,
    svg_markup,
)


def of_card(card: Mapping[str, Any]) -> dict[str, str]:
    """Every figure of the record that a scorecard has something to show in, by name."""
    simulated = bool(card["simulated"])
    drawn: dict[str, str] = {}
    if card["annual"] and card["annual"]["layers"]:
        layers = card["annual"]["layers"]
        series = {layer["name"]: layer["series"] for layer in layers}
        drawn["annual"] = annual(layers[0]["years"], series, simulated=simulated)
    if card["harmonization"] is not None:
        changes = card["harmonization"]["hand_overs"]
        if any(change["steps"] for change in changes):
            drawn["hand_over"] = hand_overs(changes, simulated=simulated)
    return drawn


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


def hand_overs(changes: Sequence[Mapping[str, Any]], *, simulated: bool = False) -> str:
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
            axis.axvspan(-margin, margin, color=GREEN, alpha=0.25, linewidth=0)
            axis.axvline(0, color=INK, linewidth=0.8)
            names = [f"{step['channel']} {step['node']}" for step in change["steps"]]
            for kind, label, colour, shift in (
                ("raw", "as they are", RED, 0.18),
                ("harmonized", "harmonised", BLUE, -0.18),
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
            axis.plot(
                list(years), np.array(values, "float64"), color=BLUE, marker="o", markersize=4
            )
            axis.set_title(name.replace("_", " "), fontsize="small", loc="left")
            if len(years) > 1:
                axis.xaxis.get_major_locator().set_params(integer=True)
            else:
                axis.set_xticks(list(years))
        for axis in axes[len(series) :]:
            axis.set_visible(False)
        return svg_markup(figure, "Annual layers, mean over the region", simulated=simulated)
