"""Held-out votes of training rows: fold by fold, their years and blocks kept from the forest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from distributed import Client

from pipelines.events import Emit
from pipelines.run import Run
from pipelines.work import Outcomes, collect
from soilft.forest.grow import ForestSettings
from soilft.store.ledger import Record
from soilft.trials.inner_folds import InnerFold, run_inner
from soilft.trials.rules import Rules

# Folds of years and blocks within the training rows.
FOLDS = 5


def rules(run: Run, *, per_era: bool = False) -> Rules:
    """How forests for judging are grown, from the region file."""
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
    run: Run,
    client: Client,
    emit: Emit,
    outcomes: Outcomes,
    table: Record,
    settings: ForestSettings,
    how: Rules,
    what: str,
    most: int | None,
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]] | None:
    """Rows held out in one of the folds, and the votes for them; None where a fold failed.

    Parameters
    ----------
    outcomes
        Takes the folds that failed.
    what
        Name of the work, for events and failures.
    most
        Rows of the table to know of, all where None; the numbers given are within them.
    """
    url, content = run.table_url(), table.content
    tasks = {
        f"{what} fold {fold}": InnerFold(url, content, settings, how, "train", FOLDS, fold, most)
        for fold in range(FOLDS)
    }
    found: dict[str, Any] = {}
    part = Outcomes(what)
    collect(client, run_inner, tasks, found.__setitem__, part, emit)
    if part.failed:
        outcomes.failed |= part.failed
        return None
    rows, votes = (np.concatenate(part) for part in zip(*(found[u] for u in tasks), strict=True))
    return rows, votes
