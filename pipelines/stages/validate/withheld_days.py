"""Withheld pixel-days of a run, predicted from each gap-filling level."""

from __future__ import annotations

import numpy as np

from pipelines import lineage
from pipelines.facts import TrainingTable
from pipelines.run import Run
from pipelines.work import Work
from soilft.radiometers.gaps import usable_levels
from soilft.scores.evidence import Evidence
from soilft.training.table import write_table
from soilft.trials import withheld_days
from soilft.trials.rules import Rules
from soilft.trials.withheld_days import WithheldDay


def withheld_table(work: Work, evidence: Evidence, rules: Rules) -> tuple[str, str] | None:
    """Make the table of withheld pixel-days; give its URL and digest, None where there are none."""
    run = work.run
    tasks = _tasks(run, evidence, rules)
    if not tasks:
        return None
    remedy = "Give workers more memory."
    parts = work.gather("withheld days", withheld_days.withheld_rows, tasks, remedy=remedy)
    rows = withheld_days.joined([part for part, _ in parts])
    if not len(rows):
        return None
    names = parts[0][1]
    about = {"simulated": str(run.is_simulated()).lower(), "levels": list(_levels(run))}
    url = run.places.withheld_table(lineage.table_key(run))
    nothing = np.zeros(len(rows), "uint8")
    return url, write_table(url, rows, nothing, names, run.radiometers(), about)


def _tasks(run: Run, evidence: Evidence, rules: Rules) -> dict[str, WithheldDay]:
    """A task for each day; none where no radiometer is, or nothing is to be withheld or tried."""
    tried, a_month = _levels(run), run.config.validation.masked_days
    if not tried or not a_month or not run.radiometers():
        return {}
    blocks = withheld_days.blocks_by_day(evidence.table, rules, a_month)
    return {
        f"withheld day {day}": WithheldDay(
            run.input_refs(),
            run.config.feature_set(),
            run.places.input(run.config.label.input),
            day,
            held_out,
            TrainingTable.of(evidence.record).block_degrees,
            tried,
        )
        for day, held_out in blocks.items()
    }


def _levels(run: Run) -> tuple[str, ...]:
    allowed = run.config.gap_filling.levels
    return usable_levels(allowed, with_normals=run.normals() is not None)
