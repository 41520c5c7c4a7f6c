"""Stage train, forest: its settings chosen, its trees grown by group and kept as such."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from dask.delayed import delayed
from distributed import Client

from pipelines import lineage
from pipelines.events import Event
from pipelines.facts import ForestSearch, TrainingTable
from pipelines.outcomes import check_memory, task_memory
from pipelines.plan import single
from pipelines.run import Run
from pipelines.work import Work
from soilft.forest import search, strata
from soilft.forest.grow import ForestSettings, GrowTrees, assemble, grow_trees, kept_group
from soilft.store.digest import digest
from soilft.store.ledger import Done
from soilft.training.table import feature_names

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

STAGE = "train"


def settings_for(work: Work, table: Done) -> tuple[ForestSettings, Mapping[str, Any] | None]:
    """Settings of the forest, and how they were chosen; None where they are as configured.

    The search is done once for a table and a grid; its measured seconds stay in the ledger.
    """
    run = work.run
    section, settings = run.config.forest.search, run.config.forest.settings()
    if not section.enabled:
        return settings, None
    key = lineage.search_key(table, settings, section.model_dump(mode="json"))
    planned = single(run.ledger, STAGE, "search", key)
    found = ForestSearch.of(work.once(planned, partial(_search, work), counted=False))
    return ForestSettings(**found.chosen, seed=settings.seed), found.told


def _search(work: Work, key: str) -> Done:
    run = work.run
    section, settings, url = run.config.forest.search, run.config.forest.settings(), run.table_url()
    rows, folds = search.rows_and_folds(url, section.max_rows, section.folds, settings.seed)
    needed = strata.part_bytes(len(rows), len(feature_names(url)))
    check_memory(work.client, "search", needed, "Make forest.search.max_rows smaller.")
    work.emit(Event("search", 0, 1))
    part = delayed(strata.read_rows, pure=True)(url, rows)

    def on_cluster(graph: Any, keys: Any, **_: Any) -> Any:
        return work.client.get(graph, keys)  # type: ignore[no-untyped-call]

    choice = search.search(
        settings, section.candidates(), part[0], part[1], folds, scheduler=on_cluster
    )
    choice = replace(choice, held_out=search.held_out(url, rows))
    work.emit(Event("search", 1, 1))
    seconds = [round(point.seconds, 6) for point in choice.points]
    facts = ForestSearch(**choice.to_dict(), seconds=seconds, rows=len(rows), folds=len(folds))
    return Done(key, digest(choice.to_dict()), facts.to_json())


def strata_for(run: Run, client: Client, table: Done, settings: ForestSettings) -> int:
    """How many strata the training rows are dealt out to; 1 where the table fits every worker.

    Raises
    ------
    TaskTooLarge
        Where it does not fit as configured, or not even with a stratum for each tree.
    """
    configured = run.config.forest.strata
    remedy = "Make sampling.max_rows smaller, or give workers more memory."
    if configured == "auto":
        return _parts_that_fit(run, client, STAGE, table, settings.n_estimators, remedy)
    if configured == 1:
        remedy = "Set forest.strata to auto, or make sampling.max_rows smaller."
    check_memory(client, STAGE, strata.peak_bytes(*_size(run, table), configured), remedy)
    return configured


def rows_that_fit(run: Run, client: Client, stage: str, table: Done) -> int | None:
    """How many rows of the table a task can learn from at once; None where all of them fit.

    Raises
    ------
    TaskTooLarge
        Where not even the fewest that teach anything fit.
    """
    rows = TrainingTable.of(table).rows
    remedy = "Give workers more memory."
    parts = _parts_that_fit(run, client, stage, table, strata.most_parts(rows), remedy)
    return None if parts == 1 else rows // parts


def _parts_that_fit(
    run: Run, client: Client, stage: str, table: Done, most: int, remedy: str
) -> int:
    rows, features = _size(run, table)
    count = strata.fewest(rows, features, task_memory(client), most)
    check_memory(client, stage, strata.peak_bytes(rows, features, count), remedy)
    return count


def _size(run: Run, table: Done) -> tuple[int, int]:
    """Rows and features of the table."""
    return TrainingTable.of(table).rows, len(feature_names(run.table_url()))


def grow(
    work: Work, table: Done, settings: ForestSettings, count: int, radiometer: int | None = None
) -> ExtraTreesClassifier:
    """Grow a forest in groups, those of a run that was cut short read back.

    Parameters
    ----------
    count
        Strata of the rows.
    radiometer
        Number of the radiometer whose rows alone teach it, or None for all.
    """
    run = work.run
    folder = checkpoint_folder(run, table, settings, count, radiometer)
    whose = "" if radiometer is None else f"radiometer {radiometer}, "
    tasks, kept = {}, {}
    for trees in settings.groups(run.config.forest.group_size, count):
        unit = f"{whose}trees {trees.start}..{trees.stop - 1}"
        tasks[unit] = GrowTrees(
            run.table_url(), table.content, settings, trees, count, folder, radiometer
        )
        group = kept_group(folder, trees)
        if group is not None:
            kept[unit] = group
    return assemble(settings, work.gather("forest", grow_trees, tasks, kept=kept))


def checkpoint_folder(
    run: Run, table: Done, settings: ForestSettings, count: int, radiometer: int | None = None
) -> str:
    """Where finished groups are kept: one folder for all that decides the trees."""
    return run.places.checkpoints(lineage.trees_key(table, settings, count, radiometer))
