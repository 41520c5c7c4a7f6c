"""Stage train: the training table, the forest grown on the cluster, the model artefact."""

from __future__ import annotations

from typing import Any

from pipelines import lineage
from pipelines.facts import ForestGrown, TrainingTable
from pipelines.outcomes import DAMAGED
from pipelines.run import Run
from pipelines.stages.ingest.sufficiency import require_sufficient
from pipelines.stages.train import by_radiometer, forest
from pipelines.stages.train.inner_votes import rules
from pipelines.stages.train.table import make_table
from pipelines.stages.train.uncertainty import fit_uncertainty
from pipelines.work import Work, stage
from soilft.errors import StoreError
from soilft.forest import strata
from soilft.forest.artefact import ModelRef, save
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import discard_groups
from soilft.store.ledger import Done
from soilft.training.held_out import SPLITS
from soilft.training.table import feature_names

STAGE = "train"


@stage(STAGE)
def train(work: Work) -> None:
    """Make the table and the forest of today's inputs, unless they are there.

    Raises
    ------
    AbsentInput
        Where an input lacks so much that nothing may be trained on what is there.
    """
    require_sufficient(work.run)
    table = make_table(work)
    known = _known(work.run)
    if known is not None and work.run.is_whole(known):
        work.outcomes.skipped += 1
    else:
        if known is not None:
            work.outcomes.cautions.append(f"{known.url}: {DAMAGED}, and grown again")
        _grow_forest(work, table)
        work.outcomes.done += 1


def _grow_forest(work: Work, table: Done) -> None:
    run = work.run
    settings, choice = forest.settings_for(work, table)
    count = forest.strata_for(run, work.client, table, settings)
    by_radiometer.require_whole_table(run, count)
    whole = forest.grow(work, table, settings, count)
    verdict = by_radiometer.tried(work, table, settings)
    numbers = () if verdict is None else verdict.to_grow
    own = {number: forest.grow(work, table, settings, 1, number) for number in numbers}
    how = rules(run, per_era=bool(own))
    measures, reason = fit_uncertainty(work, table, whole, settings, how)
    about = {
        **_about(run, table),
        "strata": count,
        "rows_per_stratum": strata.sizes(run.table_url(), count, settings.seed),
        "search": choice,
        "per_era": None if verdict is None else verdict.to_json(),
        "measures": reason,
    }
    names = feature_names(run.table_url())
    model = save(run.store, Forests(whole, own), names, settings, about, measures)
    facts = ForestGrown(run.config.forest.key()).to_json()
    run.ledger.put(
        STAGE, "forest", Done(lineage.forest_key(run, table.content), model.digest, facts)
    )
    for radiometer in (None, *own):
        discard_groups(forest.checkpoint_folder(run, table, settings, count, radiometer))


def _about(run: Run, table: Done) -> dict[str, Any]:
    """What a model's card says of the run and its training rows."""
    return {
        "title": run.config.title,
        "simulated": run.is_simulated(),
        "label": run.config.label.input,
        "training_rows": TrainingTable.of(table).rows,
        "table_digest": table.content,
        "split": dict(zip(SPLITS, run.config.sampling.fractions, strict=True)),
    }


def _known(run: Run) -> ModelRef | None:
    """The model of today's inputs, grown as the region file asks; None where there is none."""
    if run.pins is not None:
        return run.pins.model
    record = run.ledger.get(STAGE, "forest")
    if record is None or ForestGrown.of(record).asked != run.config.forest.key():
        return None
    return run.model()


def require_model(run: Run) -> ModelRef:
    """The model of today's inputs.

    Raises
    ------
    StoreError
        Where there is none: the stages before have not run, or the inputs have changed since.
    """
    model = _known(run)
    if model is None or not run.is_whole(model):
        raise StoreError(
            run.store if model is None else model.url,
            expected="a forest trained on the inputs as they are",
            found="none" if model is None else "one that was changed or lost since",
            remedy="Run the stage train first.",
        )
    return model
