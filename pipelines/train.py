"""Stage 2: draw the training table, grow the forest on the cluster, keep it as an artefact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distributed import Client

from pipelines.events import Emit, silent
from pipelines.outcomes import Outcomes, check_memory, collect
from pipelines.run import Run
from pipelines.sample import make_table
from soilft import objects
from soilft.errors import StoreError
from soilft.forest.artefact import ModelRef, save
from soilft.forest.grow import GrowTrees, assemble, grow_trees
from soilft.ledger import Record
from soilft.splits import SPLITS
from soilft.table import feature_names

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

STAGE = "train"


def train(run: Run, client: Client, emit: Emit = silent) -> Outcomes:
    """Make the table and the forest of today's inputs, unless they are there."""
    outcomes = Outcomes(STAGE)
    record = make_table(run, client, emit, outcomes)
    if run.model() is not None:
        outcomes.skipped += 1
    elif record is not None:
        _grow_forest(run, client, emit, outcomes, record)
    return outcomes


def _grow_forest(run: Run, client: Client, emit: Emit, outcomes: Outcomes, table: Record) -> None:
    settings = run.config.forest.settings()
    groups: dict[str, ExtraTreesClassifier] = {}
    tasks: dict[str, Any] = {
        f"trees {trees.start}..{trees.stop - 1}": GrowTrees(
            run.table_url(), table.content, settings, trees
        )
        for trees in settings.groups(run.config.forest.group_size)
    }
    check_table_fits(run, client, STAGE, table)
    trees = Outcomes("forest")
    collect(client, grow_trees, tasks, groups.__setitem__, trees, emit)
    if trees.failed:
        outcomes.failed |= trees.failed
        return
    forest = assemble(settings, [groups[unit] for unit in tasks])
    reference = save(
        run.store,
        forest,
        feature_names(run.table_url()),
        settings,
        {
            "title": run.config.title,
            "simulated": run.is_simulated(),
            "label": run.config.label.input,
            "training_rows": int(table.facts["rows"]),
            "table_digest": table.content,
            "split": dict(zip(SPLITS, run.config.sampling.fractions, strict=True)),
        },
    )
    run.ledger.put(STAGE, "forest", Record(run.forest_key(table.content), reference.digest))
    outcomes.done += 1


def check_table_fits(run: Run, client: Client, stage: str, table: Record) -> None:
    """Hold the memory of a task that trains on the whole table against the smallest worker.

    The table as read, its rows for training, scikit-learn's copy, and what the trees take: four
    times the table, eight columns of bookkeeping included.

    Raises
    ------
    TaskTooLarge
        Where it does not fit.
    """
    width = len(feature_names(run.table_url())) + 8
    peak = 4 * int(table.facts["rows"]) * width * 4
    check_memory(client, stage, peak, "Make sampling.max_rows smaller.")


def require_model(run: Run) -> ModelRef:
    """The model of today's inputs.

    Raises
    ------
    StoreError
        Where there is none: the stages before have not run, or the inputs have changed since.
    """
    model = run.model()
    if model is None or not objects.exists(objects.join(model.url, "card.json")):
        raise StoreError(
            run.store,
            expected="a forest trained on the inputs as they are",
            found="none",
            remedy="Run the stage train first.",
        )
    return model
