"""Trial of a forest for each radiometer against one for all, on the same held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.forest.by_radiometer import radiometers_to_grow
from soilft.scores import bootstrap
from soilft.scores.held_out_scores import Draws
from soilft.scores.predictions import Rows
from soilft.training.held_out import held_out_together
from soilft.training.table import StoredTable


@dataclass(frozen=True)
class Verdict:
    """Whether forests by radiometer are kept.

    Parameters
    ----------
    why
        In words.
    radiometers
        Names of those that got a forest in the trial, by number; empty where there was none.
    difference
        Of the accuracies; see `soilft.scores.bootstrap.difference`.
    """

    kept: bool
    why: str
    radiometers: Mapping[int, str] = field(default_factory=dict)
    difference: Mapping[str, Any] = field(default_factory=dict)

    @property
    def to_grow(self) -> tuple[int, ...]:
        """Numbers of the radiometers that get a forest."""
        return tuple(self.radiometers) if self.kept else ()

    def to_json(self) -> dict[str, Any]:
        """JSON value, for the model's card."""
        found: dict[str, Any] = {"kept": self.kept, "why": self.why}
        if not self.radiometers:
            return found
        names = {str(number): name for number, name in self.radiometers.items()}
        return {"radiometers": names, **found, "difference": self.difference}


UNTRIED = Verdict(False, "There are not two radiometers with rows of both classes.")


def radiometers_to_try(table: StoredTable) -> dict[int, str]:
    """Names of the radiometers that can get a forest, by number; see `UNTRIED` where none can."""
    train = table.rows_of("train")
    numbers = radiometers_to_grow(table.label[train], table.radiometer[train])
    return {number: table.radiometers[number] for number in numbers}


def verdict(
    table: StoredTable,
    radiometers: Mapping[int, str],
    rows: Rows,
    one: npt.NDArray[np.float64],
    own: npt.NDArray[np.float64],
    draws: Draws,
) -> Verdict:
    """Whether forests by radiometer are kept: where they are right more often, beyond chance.

    Kept where the whole interval of the difference of the accuracies is above 0.

    Parameters
    ----------
    radiometers
        As `radiometers_to_try` gave them.
    rows
        Numbers of the held-out rows in the table.
    one, own
        Votes for them of the one forest and of those by radiometer, shape (row,).
    """
    gain = bootstrap.difference(
        table.clusters(rows),
        table.label[rows],
        (own > 0.5).astype("uint8"),
        (one > 0.5).astype("uint8"),
        seed=draws.seed,
        replicates=draws.replicates,
    )
    interval = gain["interval"]
    kept = interval is not None and interval[0] > 0
    words = "no interval" if interval is None else f"95 % {interval[0]:+.4f} to {interval[1]:+.4f}"
    within = table.rows_of("train")
    what = held_out_together(table.year[within], table.block[within])
    why = (
        f"On {gain['rows']} rows of held-out {what} a forest for each radiometer is "
        f"right more often by {gain['overall_accuracy']:+.4f} ({words}): "
        + ("kept, for the whole interval is above 0." if kept else "one forest for all is kept.")
    )
    return Verdict(kept, why, radiometers, gain)
