"""Stage train, table: the predictors' correlation length, and the training rows."""

from __future__ import annotations

from functools import partial

from pipelines import lineage
from pipelines.facts import Blocks, TrainingTable
from pipelines.plan import single
from pipelines.stages.harmonize.transfers import require_harmonized
from pipelines.work import Work
from soilft.store.digest import digest
from soilft.store.ledger import Done
from soilft.training import block_size, sampling
from soilft.training.block_size import RANGE_CELLS, RANGE_DAYS, SampleField
from soilft.training.held_out import random_split
from soilft.training.sampling import DrawnRows, SampleDays
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
    rows = _sampled(work, blocks.block_degrees)
    drawn = rows.merged()
    table = sampling.stratified(drawn, rows.limit)
    sampling.require_both_classes(table)
    split = random_split(len(table), config.sampling.fractions, config.sampling.seed)
    about = {
        "simulated": str(run.is_simulated()).lower(),
        "label": config.label.input,
        "sampling": config.sampling.model_dump(mode="json"),
        "block_degrees": blocks.block_degrees,
    }
    content = write_table(run.table_url(), table, split, rows.names, run.radiometers(), about)
    facts = TrainingTable(
        **blocks.to_json(),
        rows=len(table),
        frozen=int(table.label.sum()),
        candidates=sum(drawn.strata.values()),
        strata=len(drawn.strata),
        labels=dict(drawn.labels),
    )
    return Done(key, content, facts.to_json())


def _sampled(work: Work, block_degrees: float) -> DrawnRows:
    """Rows of every chunk of days, as many as can be among those of the table."""
    run, config = work.run, work.run.config
    tasks = {
        f"rows {span}": SampleDays(
            run.input_refs(),
            config.feature_set(),
            run.places.input(config.label.input),
            span,
            block_degrees,
            config.sampling.seed,
            config.sampling.max_rows,
        )
        for span in run.predict_spans()
    }
    rows = DrawnRows(config.sampling.max_rows)
    remedy = "Make chunks.predict_days smaller."
    work.each("sample", sampling.sample_days, tasks, lambda _, made: rows.add(*made), remedy=remedy)
    return rows


def spatial_range(work: Work) -> Done:
    """Side of the spatial blocks: as configured, or no less than the predictors' range."""
    key = lineage.blocks_key(work.run, RANGE_DAYS, RANGE_CELLS)
    planned = single(work.run.ledger, STAGE, "blocks", key)
    return work.once(planned, partial(_measure_range, work), counted=False)


def _measure_range(work: Work, key: str) -> Done:
    run = work.run
    config, region = run.config, run.config.to_region()
    section = config.validation
    cells = block_size.cells_drawn(region.mask, section.seed)
    tasks = {
        f"range {day}": SampleField(
            run.input_refs(), config.feature_set(), int(day), tuple(int(c) for c in cells)
        )
        for day in block_size.days_drawn(run.days_of(config.label.input))
    }
    fields = work.gather("range", block_size.sample_field, tasks)
    found = block_size.range_of(fields, region.grid, cells, section.seed)
    degrees = block_size.block_degrees(found["degrees"], section.block_degrees)
    facts = Blocks(degrees, section.block_degrees is not None, dict(found)).to_json()
    return Done(key, digest(facts), facts)
