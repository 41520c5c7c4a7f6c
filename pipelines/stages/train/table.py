"""Stage train, table: the predictors' correlation length, and the training rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from distributed import Client

from pipelines.events import Emit
from pipelines.run import Run
from pipelines.stages.harmonize.transfers import require_harmonized
from pipelines.work import Outcomes, check_memory, collect
from soilft.store.digest import digest
from soilft.store.ledger import Record
from soilft.training import reach as correlation
from soilft.training import sampling
from soilft.training.folds import random_split
from soilft.training.reach import SampleField
from soilft.training.sampling import Drawn, SampleDays
from soilft.training.table import write_table

STAGE = "train"
# Days and cells that the correlation range is estimated from; blocks are no smaller than this.
RANGE_DAYS, RANGE_CELLS, LEAST_DEGREES = 24, 400, 1.0


def make_table(run: Run, client: Client, emit: Emit, outcomes: Outcomes) -> Record | None:
    """Draw the table of today's inputs, unless it is there; None where a chunk failed."""
    require_harmonized(run)
    record = run.ledger.get(STAGE, "table")
    if record is not None and record.key == run.table_key():
        outcomes.skipped += 1
        return record
    blocks = spatial_range(run, client, emit, outcomes)
    if blocks is None:
        return None
    config = run.config
    limit = config.sampling.max_rows
    tasks = {
        f"rows {span}": SampleDays(
            run.input_refs(),
            config.feature_set(),
            run.input_url(config.label.input),
            span,
            blocks.facts["block_degrees"],
            config.sampling.seed,
            limit,
        )
        for span in run.predict_spans()
    }
    check_memory(
        client, STAGE, next(iter(tasks.values())).peak_bytes, "Make chunks.predict_days smaller."
    )
    held: list[Drawn] = []
    names: set[tuple[str, ...]] = set()

    def keep(unit: str, made: tuple[Drawn, tuple[str, ...]]) -> None:  # noqa: ARG001
        held.append(made[0])
        names.add(made[1])
        if sum(len(part.table) for part in held) > 4 * limit:
            held[:] = [sampling.merge(held, limit)]

    rows = Outcomes("sample")
    collect(client, sampling.sample_days, tasks, keep, rows, emit)
    if rows.failed:
        outcomes.failed |= rows.failed
        return None
    drawn = sampling.merge(held, limit)
    table = sampling.stratified(drawn, limit)
    sampling.require_both_classes(table)
    split = random_split(len(table), config.sampling.fractions, config.sampling.seed)
    about = {
        "simulated": str(run.is_simulated()).lower(),
        "label": config.label.input,
        "sampling": config.sampling.model_dump(mode="json"),
        "block_degrees": blocks.facts["block_degrees"],
    }
    content = write_table(run.table_url(), table, split, names.pop(), run.radiometers(), about)
    facts = {
        "rows": len(table),
        "frozen": int(table.label.sum()),
        "candidates": sum(drawn.strata.values()),
        "strata": len(drawn.strata),
        "labels": dict(drawn.labels),
        **blocks.facts,
    }
    record = Record(run.table_key(), content, facts)
    run.ledger.put(STAGE, "table", record)
    outcomes.done += 1
    return record


def spatial_range(run: Run, client: Client, emit: Emit, outcomes: Outcomes) -> Record | None:
    """Side of the spatial blocks: as configured, or no less than the predictors' range."""
    key = digest(run.table_key(), RANGE_DAYS, RANGE_CELLS)
    record = run.ledger.get(STAGE, "blocks")
    if record is not None and record.key == key:
        return record
    config, region = run.config, run.config.to_region()
    seed = config.validation.seed
    rng = np.random.default_rng(seed)
    inside = np.flatnonzero(region.mask.ravel())
    cells = np.sort(rng.choice(inside, min(RANGE_CELLS, len(inside)), replace=False))
    days = _days_with_data(run)
    tasks = {
        f"range {day}": SampleField(
            run.input_refs(), config.feature_set(), int(day), tuple(int(c) for c in cells)
        )
        for day in days
    }
    fields: dict[str, Any] = {}
    if len(days) > 1:
        part = Outcomes("range")
        collect(client, correlation.sample_field, tasks, fields.__setitem__, part, emit)
        if part.failed:
            outcomes.failed |= part.failed
            return None
        names = fields[next(iter(tasks))][0]
        lon, lat = (axis.ravel()[cells] for axis in region.grid.lonlat)
        values = np.stack([fields[unit][1] for unit in tasks])
        reach = correlation.reach(*correlation.correlogram(values, lon, lat, seed))
        found = correlation.summary(names, reach)
    else:
        found = {"kilometres": None, "degrees": None, "features": {}}
    configured = config.validation.block_degrees
    degrees = configured
    if degrees is None:
        # Rounded up to half a degree: a small change of the estimate is no other set of blocks.
        degrees = max(LEAST_DEGREES, math.ceil(2 * (found["degrees"] or 0)) / 2)
    facts = {
        "block_degrees": float(degrees),
        "block_degrees_configured": configured is not None,
        "correlation_range": dict(found),
    }
    record = Record(key, digest(facts), facts)
    run.ledger.put(STAGE, "blocks", record)
    return record


def _days_with_data(run: Run) -> list[int]:
    """Days spread evenly over those on which the label has anything."""
    known: list[int] = []
    name = run.config.label.input
    for span in run.ingest_spans():
        record = run.ledger.get("ingest", f"{name}/{span.first}")
        if record is not None:
            coverage = record.facts["coverage"]
            known += [int(d) for d, c in zip(span.numbers, coverage, strict=True) if c > 0]
    at = np.unique(np.linspace(0, len(known) - 1, min(RANGE_DAYS, len(known))).round().astype(int))
    return [known[i] for i in at] if known else []
