"""Forests by radiometer: the decision for or against them, on held-out years and blocks."""

from __future__ import annotations

from typing import Any

from pipelines.run import Run
from pipelines.stages.train.inner_votes import inner_votes, rules
from pipelines.work import Work
from soilft.errors import ConfigError
from soilft.forest.by_radiometer import radiometers_to_grow
from soilft.forest.grow import ForestSettings
from soilft.scores import by_radiometer
from soilft.scores.held_out_scores import Draws
from soilft.store.ledger import Done
from soilft.training.table import held_table


def require_whole_table(run: Run, strata: int) -> None:
    """Refuse forests by radiometer over strata, before the first tree has grown.

    Raises
    ------
    ConfigError
        Where the rows are dealt out to strata: a radiometer's rows would be dealt out once more.
    """
    if run.config.forest.per_era and strata > 1:
        raise ConfigError(
            "forest.per_era",
            expected="a training table that fits a worker",
            found=f"{strata} strata",
            remedy="Make sampling.max_rows smaller, or give workers more memory.",
        )


def tried(work: Work, table: Done, settings: ForestSettings) -> dict[str, Any] | None:
    """Compare a forest for each radiometer with one for all, on the same held-out rows.

    Returns
    -------
    dict or None
        For the model's card: ``kept``, ``why``, ``radiometers`` that got a forest, by number, and
        the ``difference`` of the accuracies with its interval. None where the region file does not
        ask.
    """
    run = work.run
    if not run.config.forest.per_era:
        return None
    held = held_table(run.table_url(), table.content)
    train = held.rows_of("train")
    numbers = radiometers_to_grow(held.label[train], held.radiometer[train])
    if not numbers:
        return {"kept": False, "why": "There are not two radiometers with rows of both classes."}
    said: dict[str, Any] = {"radiometers": {str(n): held.radiometers[n] for n in numbers}}
    votes = []
    for per_era, what in ((False, "one forest"), (True, "forest by radiometer")):
        how = rules(run, per_era=per_era)
        votes.append(inner_votes(work, table, settings, how, what, None))
    (rows, one), (_, own) = votes
    section = run.config.validation
    draws = Draws(section.seed, section.replicates)
    return {**said, **by_radiometer.verdict(held, rows, one, own, draws)}
