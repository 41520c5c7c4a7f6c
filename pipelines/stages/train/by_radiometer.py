"""Forests by radiometer: the decision for or against them, on held-out years and blocks."""

from __future__ import annotations

from pipelines.run import Run
from pipelines.stages.train.inner_votes import inner_votes, rules
from pipelines.work import Work
from soilft.errors import ConfigError
from soilft.forest.grow import ForestSettings
from soilft.scores import by_radiometer
from soilft.scores.by_radiometer import Verdict
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


def tried(work: Work, table: Done, settings: ForestSettings) -> Verdict | None:
    """Compare a forest for each radiometer with one for all, on the same held-out rows.

    None where the region file does not ask.
    """
    run, section = work.run, work.run.config.validation
    if not run.config.forest.per_era:
        return None
    held = held_table(run.table_url(), table.content)
    radiometers = by_radiometer.radiometers_to_try(held)
    if not radiometers:
        return by_radiometer.UNTRIED
    (rows, one), (_, own) = (
        inner_votes(work, table, settings, rules(run, per_era=per_era), what, None)
        for per_era, what in ((False, "one forest"), (True, "forest by radiometer"))
    )
    draws = Draws(section.seed, section.replicates)
    return by_radiometer.verdict(held, radiometers, rows, one, own, draws)
