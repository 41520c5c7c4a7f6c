"""Withheld pixel-days of a run, predicted from each gap-filling level."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines import lineage
from pipelines.facts import TrainingTable
from pipelines.run import Run
from pipelines.work import Work
from soilft.radiometers.gaps import FILLS, FROM_NORMALS
from soilft.training.table import StoredTable, write_table
from soilft.trials import withheld_days
from soilft.trials.experiments import folds_of
from soilft.trials.rules import Rules
from soilft.trials.withheld_days import WithheldDay


def levels(run: Run) -> tuple[str, ...]:
    """Levels that the record is filled by, in their order."""
    allowed = run.config.gap_filling.levels
    able = run.normals() is not None
    return tuple(n for n in FILLS if n in allowed and (able or n not in FROM_NORMALS))


def withheld_table(work: Work, table: StoredTable, rules: Rules) -> tuple[str, str] | None:
    """Make the table of withheld pixel-days; give its URL and digest, None where there are none."""
    run = work.run
    tried, a_month = levels(run), run.config.validation.masked_days
    if not tried or not a_month or not run.radiometers():
        return None
    degrees = _table(run).block_degrees
    held = np.unique(np.concatenate([f.test for f in folds_of(table, "year_block", rules)]))
    tasks = {
        f"withheld day {day}": WithheldDay(
            run.input_refs(),
            run.config.feature_set(),
            run.places.input(run.config.label.input),
            int(day),
            tuple(np.unique(table.block[held][table.year[held] == _year(day)]).tolist()),
            degrees,
            tried,
        )
        for day in withheld_days.days_to_withhold(table.day[held], a_month)
    }
    if not tasks:
        return None
    remedy = "Give workers more memory."
    parts = work.gather("withheld days", withheld_days.withheld_rows, tasks, remedy=remedy)
    rows = withheld_days.joined([part for part, _ in parts])
    if not len(rows):
        return None
    names = parts[0][1]
    about = {"simulated": str(run.is_simulated()).lower(), "levels": list(tried)}
    url = run.places.withheld_table(lineage.table_key(run))
    nothing = np.zeros(len(rows), "uint8")
    return url, write_table(url, rows, nothing, names, run.radiometers(), about)


def _table(run: Run) -> TrainingTable:
    record = run.ledger.get("train", "table")
    if record is None:
        raise RuntimeError("a model without a table")
    return TrainingTable.of(record)


def _year(day: Any) -> int:
    return int(np.datetime64(int(day), "D").astype("datetime64[Y]").astype("int64")) + 1970
