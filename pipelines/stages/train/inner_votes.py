"""Held-out votes of training rows: fold by fold, their years and blocks kept from the forest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.run import Run
from pipelines.work import Work
from soilft.forest.grow import ForestSettings
from soilft.store.ledger import Done
from soilft.trials.inner_folds import FOLDS, InnerFold, run_inner
from soilft.trials.rules import Rules


def rules(run: Run, *, per_era: bool = False) -> Rules:
    """How forests of cross-validation are grown, from the region file."""
    section = run.config.validation
    return Rules(
        section.folds,
        section.inner_folds,
        section.rows_per_fit,
        section.trees_per_fit,
        section.level,
        section.seed,
        per_era,
    )


def inner_votes(
    work: Work,
    table: Done,
    settings: ForestSettings,
    how: Rules,
    what: str,
    most: int | None,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Rows held out in one of the folds, and the votes for them.

    Parameters
    ----------
    what
        Name of the work, for events and failures.
    most
        Rows of the table to know of, all where None; the numbers given are within them.
    """
    url, content = work.run.table_url(), table.content
    tasks = {
        f"{what} fold {fold}": InnerFold(url, content, settings, how, "train", FOLDS, fold, most)
        for fold in range(FOLDS)
    }
    parts = work.gather(what, run_inner, tasks)
    rows, votes = (np.concatenate(part) for part in zip(*parts, strict=True))
    return rows, votes
