"""Inner folds of a forest's training rows, for its calibration and its conformal sets.

Neither ever uses a row that it is evaluated on, nor any row of that row's year or spatial block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soilft.draws import at_most
from soilft.forest.grow import ForestSettings
from soilft.scores.predictions import Floats, Rows
from soilft.training.held_out import Fold, year_block_folds
from soilft.training.table import StoredTable, held_table
from soilft.trials.rules import Rules, grown
from soilft.uncertainty.calibration import Calibration, choose
from soilft.uncertainty.conformal import Conformal
from soilft.uncertainty.conformal import fit as fit_sets

#: Folds of years and blocks within the training rows that a forest's calibration is fitted on.
FOLDS = 5


@dataclass(frozen=True)
class InnerFold:
    """One task: votes of one fold within some rows, for calibration and conformal sets.

    Parameters
    ----------
    split
        Part of the random split that the folds are cut from, or None for all rows.
    folds
        How many; ``fold`` is one of them.
    most
        Rows of the table to know of, all where None.
    """

    table_url: str
    table_content: str
    settings: ForestSettings
    rules: Rules
    split: str | None
    folds: int
    fold: int
    most: int | None = None


def run_inner(task: InnerFold) -> tuple[Rows, Floats]:
    """Rows held out in one inner fold, and the votes for them. Runs on a worker."""
    table = held_table(task.table_url, task.table_content, task.most)
    within = np.arange(len(table)) if task.split is None else table.rows_of(task.split)
    inner = inner_folds(table, within, task.folds, task.rules.seed)
    if task.fold >= len(inner):
        return np.empty(0, np.intp), np.empty(0)
    settings = task.rules.forest(task.settings)
    return inner_votes(
        table, inner[task.fold], within, settings, task.rules, table.features, table.label
    )


def inner_folds(table: StoredTable, within: Rows, folds: int, seed: int) -> list[Fold]:
    """Folds within some rows; none where they are of one year and one block."""
    year, block = table.year[within], table.block[within]
    if len(np.unique(year)) < 2 and len(np.unique(block)) < 2:
        return []
    return year_block_folds(year, block, folds, seed + 1)


def inner_votes(
    table: StoredTable,
    fold: Fold,
    within: Rows,
    settings: ForestSettings,
    rules: Rules,
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
) -> tuple[Rows, Floats]:
    """Rows that one fold within some rows holds out, and the votes for them."""
    train = at_most(within[fold.train], rules.rows_per_fit, rules.seed)
    test = at_most(within[fold.test], rules.rows_per_fit, rules.seed)
    if len(np.unique(label[train])) < 2:
        return np.empty(0, np.intp), np.empty(0)  # a forest of one class says nothing
    forests = grown(settings, rules, table, features, label, train)
    return test, forests.votes(features[test], table.radiometer[test])


def measures(
    table: StoredTable, rows: Rows, raw: Floats, label: npt.NDArray[np.uint8], rules: Rules
) -> tuple[Calibration, Conformal]:
    """Calibration and conformal sets from votes for held-out rows.

    The calibration is chosen on whole clusters of year and block. The sets are made on the votes
    themselves: a calibration is monotone, so it would change no set but by ties.
    """
    calibration, _ = choose(raw, label, table.clusters(rows), rules.seed)
    return calibration, fit_sets(raw, label, rules.level)
