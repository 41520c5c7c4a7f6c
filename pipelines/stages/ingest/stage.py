"""Stage ingest: native granules to ``inputs/<source>.zarr``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pipelines.facts import IngestedDays, IngestedUnit, InputUnit
from pipelines.plan import Plan
from pipelines.run import Run
from pipelines.stages.ingest import sufficiency, truth
from pipelines.stages.ingest.units import STAGE, Task, do, plan, without_fatal
from pipelines.work import Work, stage
from soilft.ingest.availability import Availability, SourceDays, joined
from soilft.ingest.granules import Ingested, template_for
from soilft.ingest.ground import static_template
from soilft.ingest.simulated import is_scaled
from soilft.ingest.truth import template as truth_template
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.ledger import Done


@stage(STAGE)
def ingest(work: Work) -> None:
    """Ingest what is new or has changed; what the ledger has is left alone."""
    run = work.run
    planned = plan(run, work.emit)
    if planned.todo:
        store.sweep_partials(run.places.inputs)
    _make_templates(work)
    try:
        _work_through(work, planned)
    finally:
        # What was ingested is told of, though other units failed.
        _label_simulated(work)
        _tell_availability(run)
        aside = (*run.set_aside(), *truth.set_aside(run))
        work.outcomes.set_aside = [item.reason for item in aside]
        work.outcomes.cautions += [*planned.cautions, *sufficiency.cautions(run)]


def _work_through(work: Work, planned: Plan[Task]) -> None:
    """Do the units of a plan, and those of a synthetic Earth that begin from them."""
    remedy = "Make chunks.ingest_days smaller."
    instead = partial(without_fatal, work.client)
    work.do(do, planned, _record, remedy=remedy, instead=instead)
    while work.run.config.is_direct and planned.todo:
        # Set-aside granules are looked at again once; a run remembers what its ledger had.
        planned = plan(replace(work.run, retry_set_aside=False)).left
        work.do(do, planned, _record, remedy=remedy, instead=instead)


def _record(key: str, made: Ingested) -> Done:
    return Done(key, made.content, made.facts, made.set_aside)


def _make_templates(work: Work) -> None:
    run = work.run
    config, grid = run.config, run.config.to_region().grid
    for name, source in config.daily_sources().items():
        template = template_for(source, grid, config.days, config.chunks.ingest_days)
        work.create(run.places.input(name), template)
    true = truth.source_of(run)
    if true is not None:
        structure = truth_template(true, grid, config.days, config.chunks.ingest_days)
        work.create(run.places.truth, structure)
    if config.static_sources():
        sources = list(config.static_sources().values())
        work.create(run.places.static, static_template(sources, grid))


def availability(run: Run) -> Availability:
    """Which days each source has, from the ledger alone."""
    config = run.config
    found = {}
    for name in config.daily_sources():
        parts = []
        for span in run.ingest_spans():
            record = run.ledger.get(STAGE, str(InputUnit.of_days(name, span)))
            facts = None if record is None else IngestedDays.of(record)
            if facts is not None and facts.last == str(span.last):
                parts.append((span, SourceDays(tuple(facts.granules), tuple(facts.coverage))))
        found[name] = joined(config.days, parts)
    for name in config.station_sources():
        record = run.ledger.get(STAGE, str(InputUnit.of_stations(name)))
        facts = None if record is None else IngestedDays.of(record)
        if facts is not None and facts.coverage:
            found[name] = SourceDays(tuple(facts.granules), tuple(facts.coverage))
    return Availability(config.days, found)


def _tell_availability(run: Run) -> None:
    content = objects.to_json(availability(run).to_json())
    if objects.read(run.places.availability) != content:
        objects.write(run.places.availability, content)


def _label_simulated(work: Work) -> None:
    """Say on each input store whether its granules call themselves simulated."""
    run = work.run
    records = run.input_records()
    noise = 1.0 if run.config.simulation is None else run.config.simulation.noise
    for name, source in run.config.daily_sources().items():
        simulated = any(IngestedUnit.of(r).simulated for u, r in records if u.source == name)
        template = template_for(source, run.config.to_region().grid, run.config.days, 1)
        marks: dict[str, str | float] = {"simulated": str(simulated).lower()}
        if is_scaled(source, noise):
            marks["simulation_noise"] = noise
        work.describe(run.places.input(name), {**template.attributes, **marks})
    if run.config.static_sources():
        sources = list(run.config.static_sources().values())
        attributes = static_template(sources, run.config.to_region().grid).attributes
        simulated = any(IngestedUnit.of(r).simulated for u, r in records if u.is_static)
        work.describe(run.places.static, {**attributes, "simulated": str(simulated).lower()})
