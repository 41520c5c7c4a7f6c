"""Scores of each gap-filling level, on observed pixel-days that were withheld."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.radiometers.gaps import FILLS, LEVELS
from soilft.schema import OVERPASSES
from soilft.scores import bootstrap, metrics
from soilft.scores.held_out_scores import Draws
from soilft.training.table import StoredTable

# Channels whose brightness temperature is compared with what was seen.
COMPARED = ("18.7H", "36.5V")

Floats = npt.NDArray[Any]
Rows = npt.NDArray[np.intp]


def by_level(
    table: StoredTable, judged: Sequence[tuple[Rows, Floats]], draws: Draws
) -> list[dict[str, Any]]:
    """How well the record does by each level, beside the same pixel-days as they were seen.

    Parameters
    ----------
    table
        Rows of known pixel-days, by level, see `soilft.trials.withheld_days`.
    judged
        Of each fold, the rows whose year and block it held out, and the probabilities it gives.

    Returns
    -------
    list of dict
        Of each level with rows: scores against the label, those of the same pixel-days as seen, the
        difference of the overall accuracies with its interval (filled less seen), root mean squared
        error of the brightness temperatures of the overpass's own node in K, and all of it by
        month.
    """
    rows = np.concatenate([part[0] for part in judged]) if judged else np.empty(0, np.intp)
    values = np.concatenate([part[1] for part in judged]) if judged else np.empty(0)
    state = (values > 0.5).astype("uint8")
    # What a row is about: the same for the day as seen and for each level.
    about = (table.day[rows].astype("int64") * 4 + table.overpass[rows]) << 32
    about += table.cell[rows]
    level = table.level[rows]
    seen = np.flatnonzero(level == 0)
    seen = seen[np.argsort(about[seen], kind="stable")]
    found = []
    for name in FILLS:
        mine = np.flatnonzero(level == LEVELS[name])
        if not len(mine):
            continue
        place = np.searchsorted(about[seen], about[mine])
        same = seen[np.minimum(place, len(seen) - 1)] if len(seen) else mine
        if not len(seen) or (about[same] != about[mine]).any():
            raise RuntimeError("a filled pixel-day without the same as seen")
        label = table.label[rows[mine]]
        months = table.month[rows[mine]]
        entry = _scored(table, rows, state, mine, same)
        entry["level"] = name
        entry["difference"] = bootstrap.difference(
            table.clusters(rows[mine]),
            label,
            state[mine],
            state[same],
            seed=draws.seed,
            replicates=draws.replicates,
        )
        entry["by_month"] = [
            {
                "key": f"{month:02d}",
                **_scored(table, rows, state, mine[months == month], same[months == month]),
            }
            for month in np.unique(months)
        ]
        found.append(entry)
    return found


def _scored(
    table: StoredTable, rows: Rows, state: npt.NDArray[np.uint8], filled: Rows, seen: Rows
) -> dict[str, Any]:
    label = table.label[rows[filled]]
    return {
        **metrics.scores(label, state[filled]),
        "seen_overall_accuracy": float(np.mean(state[seen] == label)),
        "kelvin": _errors(table, rows[filled], rows[seen]),
    }


def _errors(table: StoredTable, filled: Rows, seen: Rows) -> dict[str, float | None]:
    """Root mean squared error of the own node's brightness temperatures, K."""
    found: dict[str, float | None] = {}
    for channel in COMPARED:
        squares = []
        for node, code in OVERPASSES.items():
            column = f"tb_{channel}_{node}"
            if column in table.names:
                here = table.overpass[filled] == code
                values = table.features[:, table.names.index(column)].astype("float64")
                apart = values[filled[here]] - values[seen[here]]
                squares.append(apart[np.isfinite(apart)] ** 2)
        every = np.concatenate(squares) if squares else np.empty(0)
        found[channel] = float(np.sqrt(every.mean())) if len(every) else None
    return found
