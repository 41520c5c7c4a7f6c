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
from soilft.errors import ModelError
from soilft.forest.grow import ForestSettings
from soilft.forest.strata import read_columns
from soilft.scores import frozen_days
from soilft.scores.evidence import Pair, RawRecord
from soilft.scores.predictions import HeldOut
from soilft.store.ledger import Done
from soilft.training.held_out import radiometer_pairs
from soilft.training.table import StoredTable, feature_names, read_radiometers
from soilft.trials import experiments, raw_record
from soilft.trials.experiments import Experiment, folds_of
from soilft.trials.raw_record import Gathered, GrowRecord, RawRows, Recorded, StateDays
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
    names = feature_names(url)
    (day,) = read_columns(url, "day")
    tasks = {
        f"raw rows {span}": RawRows(
            raw_record.as_they_are(run.input_refs()), run.config.feature_set(), url, span
        )
        for span in run.predict_spans()
        if np.isin(span.numbers, day).any()
    }
    features = np.full((len(day), len(names)), np.nan, "float32")
    same = np.zeros(len(day), bool)

    def keep(unit: str, part: Gathered) -> None:
        if part.names != names:
            raise ModelError(unit, expected="the features of the table", found="others")
        features[part.rows], same[part.rows] = part.features, part.same

    work.each("raw rows", raw_record.raw_rows, tasks, keep, remedy=REMEDY)
    content = raw_record.write_raw_table(raw_table_url(run), url, features, same)
    return Done(key, content, RawTable(len(day), int((~same).sum())).to_json())


def _pairs(work: Work, asked: Asked, raw: Done) -> dict[Pair, tuple[HeldOut, HeldOut] | str]:
    """Train with one radiometer and test on another, by either record on the same rows."""
    run, url = work.run, raw_table_url(work.run)
    table = replace(asked.table, radiometer=read_radiometers(url, asked.most))
    pairs = [
        (table.radiometers[one], table.radiometers[other])
        for one, other in radiometer_pairs(table.radiometer)
    ]
    taught = [
        number
        for number, fold in enumerate(folds_of(table, "transfer", asked.rules))
        if len(np.unique(table.label[fold.train])) == 2
    ]
    stores = {
        raw_record.RAW: (url, raw.content),
        raw_record.HARMONIZED: (run.table_url(), asked.record.content),
    }
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
            for number in taught
        }
        for which, place in stores.items()
    }
    held = work.gather_by("raw transfer", experiments.run, tasks)
    found: dict[Pair, tuple[HeldOut, HeldOut] | str] = {
        (one, other): f"the rows of {one} are of one class" for one, other in pairs
    }
    of_both = zip(taught, held[raw_record.RAW], held[raw_record.HARMONIZED], strict=True)
    for number, raw_part, harmonized_part in of_both:
        found[pairs[number]] = raw_part, harmonized_part
    return found


def _trend(work: Work, asked: Asked, raw: Done) -> dict[str, Any]:
    """Frozen days a year of a sample of cells, by forests of the same rows of either record."""
    run = work.run
    region, config, refs = run.config.to_region(), run.config, run.input_refs()
    folder, url = run.places.training(lineage.table_key(run)), raw_table_url(run)
    places = {
        raw_record.RAW: (url, raw.content),
        raw_record.HARMONIZED: (run.table_url(), asked.record.content),
    }
    grow = {
        which: GrowRecord(*place, asked.settings, asked.rules, url, folder, asked.most)
        for which, place in places.items()
    }
    grown = work.gather("raw forest", raw_record.grow_record, grow)
    models = dict(zip(grow, grown, strict=True))
    rows, columns = raw_record.lattice(region.mask, config.validation.trend_cells)
    records = (
        Recorded(raw_record.RAW, raw_record.as_they_are(refs), models[raw_record.RAW]),
        Recorded(raw_record.HARMONIZED, raw_record.as_seen(refs), models[raw_record.HARMONIZED]),
    )
    tasks = {
        f"raw states {span}": StateDays(
            records, of_reference(run), asked.truth_url, rows, columns, span
        )
        for span in run.predict_spans()
    }
    parts = work.gather("raw states", raw_record.states, tasks, remedy=REMEDY)
    states = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    said = frozen_days.compared(states, config.days.numbers)
    return {**said, "sampled_cells": int(region.mask[rows, columns].sum())}
