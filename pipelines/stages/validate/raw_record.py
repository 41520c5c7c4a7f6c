"""Comparison of the inter-calibrated record with the one without inter-calibration.

Of both: scores of training with one radiometer and testing with another, on the same rows of the
table, and the trend of frozen days, on the same pixel-days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from pipelines import lineage
from pipelines.facts import RawTable
from pipelines.plan import single
from pipelines.run import Run
from pipelines.stages.validate.hand_over import of_reference
from pipelines.work import Work
from soilft.forest.grow import ForestSettings
from soilft.forest.strata import read_columns
from soilft.scores import frozen_days
from soilft.scores.evidence import Pair, RawRecord
from soilft.scores.predictions import HeldOut
from soilft.store.ledger import Done
from soilft.training.table import StoredTable, feature_names, read_radiometers
from soilft.trials import experiments, raw_record
from soilft.trials.experiments import Experiment, transfer_experiment_pairs
from soilft.trials.raw_record import GatheredRows, GrowRecord, RawRows, Recorded, StateDays
from soilft.trials.rules import Rules

REMEDY = "Make chunks.predict_days smaller."


@dataclass(frozen=True)
class Asked:
    """What the raw record is held against, and how its forests are grown.

    Parameters
    ----------
    table, record, most
        Training table of the harmonised record as it is tested on, its ledger record, and how many
        of its rows are tested on, None for all.
    truth_url
        Store of the simulated truth, or None.
    """

    table: StoredTable
    record: Done
    most: int | None
    settings: ForestSettings
    rules: Rules
    truth_url: str | None


def measure_raw(work: Work, asked: Asked) -> RawRecord:
    """Measure the raw record."""
    table = _raw_table(work, asked.record)
    pairs = _pairs(work, asked, table)
    return RawRecord(RawTable.of(table).left_out, pairs, _trend(work, asked, table))


def raw_table_url(run: Run) -> str:
    """Raw predictors of the rows of today's training table, beside it."""
    return run.places.raw_table(lineage.table_key(run))


def _raw_table(work: Work, table: Done) -> Done:
    """Gather the raw predictors of the table's rows, unless they are there."""
    run = work.run
    planned = single(run.ledger, work.stage, "raw-table", lineage.raw_table_key(run, table))
    return work.once(planned, partial(_gather_raw, work), counted=False)


def _gather_raw(work: Work, key: str) -> Done:
    run = work.run
    url = run.table_url()
    (day,) = read_columns(url, "day")
    tasks = {
        f"raw rows {span}": RawRows(
            raw_record.as_they_are(run.input_refs()), run.config.feature_set(), url, span
        )
        for span in run.predict_spans()
        if np.isin(span.numbers, day).any()
    }
    rows = GatheredRows(len(day), feature_names(url))
    work.each("raw rows", raw_record.raw_rows, tasks, rows.add, remedy=REMEDY)
    content = raw_record.write_raw_table(raw_table_url(run), url, rows.features, rows.same)
    return Done(key, content, RawTable(len(day), int((~rows.same).sum())).to_json())


def _tables(run: Run, asked: Asked, raw: Done) -> dict[str, tuple[str, str]]:
    """URL and digest of the table of either record."""
    return {
        raw_record.RAW: (raw_table_url(run), raw.content),
        raw_record.HARMONIZED: (run.table_url(), asked.record.content),
    }


def _pairs(work: Work, asked: Asked, raw: Done) -> dict[Pair, tuple[HeldOut, HeldOut] | str]:
    """Train with one radiometer and test on another, by either record on the same rows."""
    run, url = work.run, raw_table_url(work.run)
    table = replace(asked.table, radiometer=read_radiometers(url, asked.most))
    trained = raw_record.trainable(table, asked.rules)
    tasks = {
        which: {
            f"{which} transfer {number}": Experiment(
                *place,
                asked.settings,
                asked.rules,
                number,
                run.config.to_region(),
                kind="transfer",
                most=asked.most,
                radiometers_of=url,
            )
            for number in trained
        }
        for which, place in _tables(run, asked, raw).items()
    }
    held = work.gather_by("raw transfer", experiments.run, tasks)
    of_either = held[raw_record.RAW], held[raw_record.HARMONIZED]
    return raw_record.by_pair(transfer_experiment_pairs(table), trained, *of_either)


def _trend(work: Work, asked: Asked, raw: Done) -> dict[str, Any]:
    """Frozen days a year of a sample of cells, by forests of the same rows of either record."""
    run = work.run
    mask = run.config.to_region().mask
    rows, columns = raw_record.lattice(mask, run.config.validation.trend_cells)
    records = _grown(work, asked, raw)
    tasks = {
        f"raw states {span}": StateDays(
            records, of_reference(run), asked.truth_url, rows, columns, span
        )
        for span in run.predict_spans()
    }
    parts = work.gather("raw states", raw_record.states, tasks, remedy=REMEDY)
    states = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    said = frozen_days.compared(states, run.config.days.numbers)
    return {**said, "sampled_cells": int(mask[rows, columns].sum())}


def _grown(work: Work, asked: Asked, raw: Done) -> tuple[Recorded, ...]:
    """Either record, with the forest grown on it."""
    run = work.run
    folder, url = run.places.training(lineage.table_key(run)), raw_table_url(run)
    tasks = {
        which: GrowRecord(*place, asked.settings, asked.rules, url, folder, asked.most)
        for which, place in _tables(run, asked, raw).items()
    }
    models = work.gather("raw forest", raw_record.grow_record, tasks)
    refs = run.input_refs()
    inputs = raw_record.as_they_are(refs), raw_record.as_seen(refs)
    return tuple(Recorded(*one) for one in zip(tasks, inputs, models, strict=True))
