"""Figure of the hand-overs between radiometers: each channel's step, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from soilft.report.style import INK, new_figure, svg_markup

# Okabe & Ito (2008), as in `soilft.report.style`.
_KINDS = (("raw", "as they are", "#D55E00", 0.18), ("harmonized", "harmonised", "#0072B2", -0.18))


def hand_overs(changes: Sequence[Mapping[str, Any]], *, simulated: bool = False) -> str:
    """Steps of brightness temperature with 90 % intervals beside the margin, as SVG.

    Parameters
    ----------
    changes
        With ``before``, ``after``, ``day``, ``margin`` in K and ``steps``, as
        `soilft.radiometers.equivalence.described` gives them; those without steps are left out.
    """
    shown = [change for change in changes if change["steps"]]
    rows = max((len(change["steps"]) for change in shown), default=1)
    with new_figure(1.2 + 4.2 * max(len(shown), 1), 1.6 + 0.24 * rows) as figure:
        panels = figure.subplots(1, max(len(shown), 1), squeeze=False)[0]
        for axis, change in zip(panels, shown, strict=False):
            margin = float(change["margin"])
            axis.axvspan(-margin, margin, color="#009E73", alpha=0.25, linewidth=0)
            axis.axvline(0, color=INK, linewidth=0.8)
            names = [f"{step['channel']} {step['node']}" for step in change["steps"]]
            for kind, label, colour, shift in _KINDS:
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
