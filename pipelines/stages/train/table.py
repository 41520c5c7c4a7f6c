"""Stage train, table: the predictors' correlation length, and the training rows."""

from __future__ import annotations

from functools import partial

import numpy as np

from pipelines import lineage
from pipelines.facts import Blocks, IngestedDays, InputUnit, TrainingTable
from pipelines.plan import single
from pipelines.run import Run
from pipelines.stages.harmonize.transfers import require_harmonized
from pipelines.work import Work
from soilft.store.digest import digest
from soilft.store.ledger import Done
from soilft.training import block_size, sampling
from soilft.training.block_size import RANGE_CELLS, RANGE_DAYS, SampleField
from soilft.training.held_out import random_split
from soilft.training.sampling import Drawn, SampleDays
from soilft.training.table import write_table

STAGE = "train"


def make_table(work: Work) -> Done:
    """Draw the table of today's inputs, unless it is there; its record."""
    run = work.run
    require_harmonized(run)
    planned = single(run.ledger, STAGE, "table", lineage.table_key(run))
    return work.once(planned, partial(_draw, work))


def _draw(work: Work, key: str) -> Done:
    run, config = work.run, work.run.config
    blocks = Blocks.of(spatial_range(work))
    limit = config.sampling.max_rows
    tasks = {
        f"rows {span}": SampleDays(
            run.input_refs(),
            config.feature_set(),
            run.places.input(config.label.input),
            span,
            blocks.block_degrees,
            config.sampling.seed,
            limit,
        )
        for span in run.predict_spans()
    }
    held: list[Drawn] = []
    names: set[tuple[str, ...]] = set()

    def keep(unit: str, made: tuple[Drawn, tuple[str, ...]]) -> None:  # noqa: ARG001
        held.append(made[0])
        names.add(made[1])
        if sum(len(part.table) for part in held) > 4 * limit:
            held[:] = [sampling.merge(held, limit)]

    remedy = "Make chunks.predict_days smaller."
    work.each("sample", sampling.sample_days, tasks, keep, remedy=remedy)
    drawn = sampling.merge(held, limit)
    table = sampling.stratified(drawn, limit)
    sampling.require_both_classes(table)
    split = random_split(len(table), config.sampling.fractions, config.sampling.seed)
    about = {
        "simulated": str(run.is_simulated()).lower(),
        "label": config.label.input,
        "sampling": config.sampling.model_dump(mode="json"),
        "block_degrees": blocks.block_degrees,
    }
    content = write_table(run.table_url(), table, split, names.pop(), run.radiometers(), about)
    facts = TrainingTable(
        **blocks.to_json(),
        rows=len(table),
        frozen=int(table.label.sum()),
        candidates=sum(drawn.strata.values()),
        strata=len(drawn.strata),
        labels=dict(drawn.labels),
    )
    return Done(key, content, facts.to_json())


def spatial_range(work: Work) -> Done:
    """Side of the spatial blocks: as configured, or no less than the predictors' range."""
    key = lineage.blocks_key(work.run, RANGE_DAYS, RANGE_CELLS)
    planned = single(work.run.ledger, STAGE, "blocks", key)
    return work.once(planned, partial(_measure_range, work), counted=False)


def _measure_range(work: Work, key: str) -> Done:
    run = work.run
    config, region = run.config, run.config.to_region()
    seed = config.validation.seed
    cells = block_size.cells_drawn(region.mask, seed)
    days = block_size.days_drawn(_days_with_labels(run))
    tasks = {
        f"range {day}": SampleField(
            run.input_refs(), config.feature_set(), int(day), tuple(int(c) for c in cells)
        )
        for day in days
    }
    if len(days) > 1:
        fields = work.gather("range", block_size.sample_field, tasks)
        names = fields[0][0]
        lon, lat = (axis.ravel()[cells] for axis in region.grid.lonlat)
        values = np.stack([values for _, values in fields])
        reach = block_size.reach(*block_size.correlogram(values, lon, lat, seed))
        found = block_size.summary(names, reach)
    else:
        found = block_size.summary((), np.empty(0))
    configured = config.validation.block_degrees
    degrees = configured
    if degrees is None:
        degrees = block_size.block_degrees(found["degrees"])
    facts = Blocks(float(degrees), configured is not None, dict(found)).to_json()
    return Done(key, digest(facts), facts)


def _days_with_labels(run: Run) -> list[int]:
    """Days since 1970-01-01 on which the label has anything."""
    known: list[int] = []
    name = run.config.label.input
    for span in run.ingest_spans():
        record = run.ledger.get("ingest", str(InputUnit.of_days(name, span)))
        if record is not None:
            coverage = IngestedDays.of(record).coverage
            known += [int(d) for d, c in zip(span.numbers, coverage, strict=True) if c > 0]
    return known
