"""Measurements that a scorecard is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soilft.scores import held_out_scores as scorecard
from soilft.scores.annual_errors import Layers
from soilft.scores.at_stations import AtStations
from soilft.scores.cube_counts import Totals
from soilft.scores.held_out_scores import Draws
from soilft.scores.predictions import HeldOut
from soilft.scores.reference_states import Columns
from soilft.store.ledger import Done
from soilft.training.table import StoredTable

# How the simulated truth is called among the references, and the experiments referred to by name.
TRUTH: Final = "truth"
HEADLINE: Final = "year_block"
SHUFFLED: Final = "shuffled_labels"

Pair = tuple[str, str]


@dataclass(frozen=True)
class Folds:
    """Held-out rows of one kind of experiment, fold by fold.

    Parameters
    ----------
    parts
        Of the folds that were made: at least one of the headline.
    features
        How many the forests were given.
    left_out
        Folds without rows of both classes to train on, by number from 0: the rows that they have.
    """

    parts: tuple[HeldOut, ...]
    features: int
    left_out: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RawRecord:
    """Measurements of the record without inter-calibration.

    Parameters
    ----------
    left_out
        Rows of the table that the raw record has not, or from another radiometer.
    pairs
        By radiometers trained on and tested on: predictions of the same rows by the raw and by the
        harmonised record, or why there are none.
    trend
        Of `soilft.scores.frozen_days.compared`.
    """

    left_out: int
    pairs: Mapping[Pair, tuple[HeldOut, HeldOut] | str]
    trend: Mapping[str, Any]

    def summary(self, table: StoredTable, draws: Draws) -> dict[str, Any]:
        """Sections ``transfer`` and ``trend`` of the scorecard."""
        rows = []
        for (one, other), found in self.pairs.items():
            entry: dict[str, Any] = {"trained": one, "judged": other}
            if isinstance(found, str):
                rows.append({**entry, "reason": found})
            else:
                rows.append({**entry, **scorecard.side_by_side(table, *found, draws)})
        return {"transfer": {"left_out": self.left_out, "pairs": rows}, "trend": dict(self.trend)}


@dataclass
class Evidence:
    """Everything that was measured, before it is put in words.

    Parameters
    ----------
    record
        Ledger record of the table.
    most
        How many rows of the table are tested on, None for all.
    columns
        Reference states of the rows of the table; see `soilft.scores.reference_states`.
    split
        State of every row by the published forest, (row,).
    folds
        By kind of experiment.
    transfer_experiments
        By the radiometers trained on and tested on: predictions, or why there are none.
    withheld
        Table of withheld pixel-days; see `soilft.trials.withheld_days`.
    frozen_steps
        Step in frozen days at each hand-over, None where nothing can tell.
    """

    table: StoredTable
    record: Done
    most: int | None = None
    columns: Columns = field(default_factory=dict)
    split: npt.NDArray[np.uint8] | None = None
    folds: dict[str, Folds] = field(default_factory=dict)
    transfer_experiments: dict[Pair, HeldOut | str] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    at_stations: AtStations | None = None
    annual: Layers | None = None
    withheld: StoredTable | None = None
    frozen_steps: list[dict[str, Any] | None] = field(default_factory=list)
    raw: RawRecord | None = None
