"""Evidence of a scorecard: its tasks, run on the cluster, and their results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.facts import TrainingTable
from pipelines.outcomes import in_flight, worker_share
from pipelines.run import Run
from pipelines.stages.train.forest import rows_that_fit
from pipelines.stages.train.inner_votes import rules
from pipelines.stages.train.table import STAGE as TRAINED
from pipelines.stages.validate.hand_over import frozen_days
from pipelines.stages.validate.raw_record import Asked, measure_raw
from pipelines.stages.validate.withheld_days import withheld_table
from pipelines.work import Work
from soilft.forest.artefact import ModelRef
from soilft.forest.grow import ForestSettings
from soilft.scores import annual_errors, at_stations, cube_counts, reference_states
from soilft.scores.annual_errors import AnnualBand, Layers
from soilft.scores.at_stations import AtStations
from soilft.scores.cube_counts import CompareDays
from soilft.scores.evidence import HEADLINE, TRUTH, Evidence, Folds
from soilft.scores.reference_states import ReferenceBand
from soilft.store import objects
from soilft.training.table import StoredTable, held_table, read_table
from soilft.trials import experiments
from soilft.trials.design import columns_by_group, require_a_fold, trials
from soilft.trials.experiments import Experiment, SplitStates, by_pair
from soilft.trials.rules import Rules

STAGE = "validate"


def grown_as(run: Run, model: ModelRef) -> tuple[ForestSettings, Rules]:
    """What the published forest was asked for, and how those of its cross-validation are grown."""
    card = run.card(model)
    return ForestSettings(**card.settings), rules(run, per_era=bool(card.eras_with_a_forest))


def references(run: Run) -> dict[str, str]:
    """Stores that a state can be compared with, by name: labels, and the truth where it is."""
    labels = [n for n, s in run.config.daily_sources().items() if s.role == "label"]
    found = {name: run.places.input(name) for name in labels}
    if objects.exists(objects.join(run.places.truth, "zarr.json")):
        found[TRUTH] = run.places.truth
    return found


def gather(work: Work, model: ModelRef) -> Evidence:
    """Run everything that the scorecard is made from."""
    run = work.run
    record = run.ledger.get(TRAINED, "table")
    if record is None:
        raise RuntimeError("a model without a table")
    most = rows_that_fit(run, work.client, STAGE, record)
    evidence = Evidence(held_table(run.table_url(), record.content, most), record, most)
    for step in (_referred, _tried, _compared, _yearly, _handed_over, _raw_record):
        step(work, model, evidence)
    return evidence


def _referred(work: Work, model: ModelRef, evidence: Evidence) -> None:  # noqa: ARG001
    """Baselines that need series, other labels and truth, for every row of the table."""
    run, config = work.run, work.run.config
    others = tuple(
        (name, url) for name, url in references(run).items() if name != config.label.input
    )
    cut = reference_states.bands_that_fit(
        *config.to_region().grid.shape,
        len(config.days),
        worker_share(work.client),
        in_flight(work.client) // 2,
    )
    tasks = {
        f"rows {band}": ReferenceBand(
            run.input_refs(),
            config.feature_set().targets,
            run.table_url(),
            evidence.record.content,
            run.places.input(config.label.input),
            others,
            band,
            evidence.most,
        )
        for band in cut
    }
    parts = work.gather(STAGE, reference_states.states_of_band, tasks, counted=True)
    evidence.columns = reference_states.gathered(parts, len(evidence.table))


def _tried(work: Work, model: ModelRef, evidence: Evidence) -> None:
    """Grow the forests of all experiments, and let the published one say its states."""
    run, table, content = work.run, evidence.table, evidence.record.content
    settings, how = grown_as(run, model)
    region = run.config.to_region()
    first = Experiment(run.table_url(), content, settings, how, 0, region, most=evidence.most)
    withheld = withheld_table(work, evidence, how)
    designed = _designed(run, first, table, withheld)
    require_a_fold(designed[HEADLINE], table)
    tasks: dict[str, dict[str, Experiment | SplitStates]] = {
        name: {f"{name}, fold {each.fold}": each for each in trial.each_fold(table)}
        for name, trial in designed.items()
    }
    transfer = replace(first, kind="transfer")
    tasks["transfer"] = {f"transfer {each.fold}": each for each in transfer.each_fold(table)}
    states = SplitStates(run.table_url(), content, model, evidence.most)
    tasks["random split"] = {"random split": states}
    found: dict[str, list[Any]] = work.gather_by(STAGE, experiments.evaluate, tasks, counted=True)
    for name, trial in designed.items():
        parts, left_out = tuple(found[name]), trial.left_out(table)
        evidence.folds[name] = Folds(parts, trial.width(table), left_out)
    evidence.transfer_experiments = by_pair(transfer, table, found["transfer"])
    (evidence.split,) = found["random split"]
    evidence.withheld = None if withheld is None else read_table(withheld[0])


def _designed(
    run: Run, first: Experiment, table: StoredTable, withheld: tuple[str, str] | None
) -> dict[str, Experiment]:
    """The experiments of held-out years and blocks that the region file asks for, by name."""
    section = run.config.validation
    return trials(
        first,
        table,
        columns_by_group(table.names, run.input_refs().open(), run.config.feature_set()),
        withheld=withheld,
        ablations=section.ablations,
        negative_control=section.negative_control,
        alone=section.splits,
    )


def _compared(work: Work, model: ModelRef, evidence: Evidence) -> None:
    """Count the staging cube beside labels, truth and stations."""
    run, places = work.run, at_stations.cells(work.run.places.stations)
    tasks = {
        f"cube {span}": CompareDays(
            run.staging_url(model),
            run.config.to_region(),
            run.config.days,
            span,
            run.config.label.overpasses,
            tuple(references(run).items()),
            TrainingTable.of(evidence.record).block_degrees,
            places,
        )
        for span in run.predict_spans()
    }
    work.each(STAGE, cube_counts.compare, tasks, evidence.totals.add, counted=True)
    if places[0]:
        kelvin = at_stations.temperatures(run.places.stations, run.config.label.overpasses)
        if kelvin is not None:
            predicted = np.concatenate([evidence.totals.at_stations[unit] for unit in tasks])
            evidence.at_stations = AtStations(kelvin, predicted)


def _yearly(work: Work, model: ModelRef, evidence: Evidence) -> None:
    """Annual layers of the cube, and of the truth where it is known."""
    run, config = work.run, work.run.config
    truth = references(run).get(TRUTH)
    cut = annual_errors.bands_that_fit(
        *config.to_region().grid.shape,
        len(config.days),
        worker_share(work.client),
        in_flight(work.client) // 2,
    )
    tasks = {
        f"years of rows {band}": AnnualBand(
            run.staging_url(model), truth, config.label.reference_overpass, config.days, band
        )
        for band in cut
    }
    parts = work.gather(STAGE, annual_errors.annual_band, tasks, counted=True)
    evidence.annual = Layers.joined(parts)


def _handed_over(work: Work, model: ModelRef, evidence: Evidence) -> None:
    """Steps in frozen days where one radiometer hands over to the next."""
    evidence.frozen_steps = frozen_days(work, model)


def _raw_record(work: Work, model: ModelRef, evidence: Evidence) -> None:
    """The record without inter-calibration, where there is one with it."""
    run = work.run
    if run.harmonization() is None:
        return
    settings, how = grown_as(run, model)
    truth = references(run).get(TRUTH)
    asked = Asked(evidence.table, evidence.record, evidence.most, settings, how, truth)
    evidence.raw = measure_raw(work, asked)
