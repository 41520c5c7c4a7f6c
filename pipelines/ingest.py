"""Stage 1: native granules to ``inputs/<source>.zarr``."""

from __future__ import annotations

from dataclasses import dataclass

from distributed import Client

from pipelines.events import Emit, Event, silent
from pipelines.outcomes import Outcomes, check_memory, collect
from pipelines.run import Run
from soilft import objects, store
from soilft.availability import Availability, SourceDays, joined
from soilft.ingest import (
    ChunkOfDays,
    Ingested,
    StaticFields,
    discover,
    ingest_unit,
    static_template,
    template_for,
)
from soilft.ledger import Record

STAGE = "ingest"


@dataclass(frozen=True)
class IngestPlan:
    """Units of work by name, and which of them the ledger has."""

    units: dict[str, ChunkOfDays | StaticFields]
    done: frozenset[str]


def plan(run: Run, emit: Emit = silent) -> IngestPlan:
    """Find the granules and compare with the ledger. Writes nothing.

    Raises
    ------
    NoGranules
        Where a pattern matches no file of its product.
    """
    config, grid = run.config, run.config.to_region().grid
    units: dict[str, ChunkOfDays | StaticFields] = {}
    for name, source in config.daily_sources().items():
        emit(Event(STAGE, 0, 0, f"looking for granules of {name}"))
        found = discover(source, config.inputs[name].patterns)
        for span in run.ingest_spans():
            units[f"{name}/{span.first}"] = ChunkOfDays(
                run.input_url(name),
                source,
                grid,
                config.days,
                span,
                tuple(f for f in found if any(day in span for day in f.granule.days)),
            )
    for name, static in config.static_sources().items():
        files = discover(static, config.inputs[name].patterns)
        units[f"{name}/static"] = StaticFields(run.static_url, static, grid, tuple(files))
    done = frozenset(u for u, task in units.items() if run.ledger.is_done(STAGE, u, task.key))
    return IngestPlan(units, done)


def ingest(run: Run, client: Client, emit: Emit = silent) -> Outcomes:
    """Ingest what is new or has changed; what the ledger has is left alone."""
    planned = plan(run, emit)
    outcomes = Outcomes(STAGE, skipped=len(planned.done))
    if len(planned.done) < len(planned.units):
        store.sweep_partials(run.url("inputs"))
        _make_templates(run)
    todo = {u: task for u, task in planned.units.items() if u not in planned.done}
    for task in todo.values():
        check_memory(client, STAGE, task.peak_bytes, "Make chunks.ingest_days smaller.")

    def remember(unit: str, made: Ingested) -> None:
        key = planned.units[unit].key
        run.ledger.put(STAGE, unit, Record(key, made.content, made.facts, made.set_aside))
        for item in made.set_aside:
            emit(Event(STAGE, outcomes.done, len(planned.units), f"set aside {item.reason}"))

    collect(client, ingest_unit, todo, remember, outcomes, emit)
    if todo:
        _label_simulated(run)
    _tell_availability(run)
    outcomes.set_aside = [item.reason for item in run.set_aside()]
    return outcomes


def _make_templates(run: Run) -> None:
    config, grid = run.config, run.config.to_region().grid
    for name, source in config.daily_sources().items():
        template = template_for(source, grid, config.days, config.chunks.ingest_days)
        store.create(run.input_url(name), template)
    if config.static_sources():
        sources = list(config.static_sources().values())
        store.create(run.static_url, static_template(sources, grid))


def availability(run: Run) -> Availability:
    """Which days each source has, from the ledger alone."""
    config = run.config
    found = {}
    for name in config.daily_sources():
        parts = []
        for span in run.ingest_spans():
            record = run.ledger.get(STAGE, f"{name}/{span.first}")
            if record is not None and record.facts["last"] == str(span.last):
                facts = record.facts
                days = SourceDays(tuple(facts["granules"]), tuple(facts["coverage"]))
                parts.append((span, days))
        found[name] = joined(config.days, parts)
    return Availability(config.days, found)


def _tell_availability(run: Run) -> None:
    content = objects.to_json(availability(run).to_json())
    if objects.read(run.availability_url) != content:
        objects.write(run.availability_url, content)


def _label_simulated(run: Run) -> None:
    """Say on each input store whether its granules call themselves simulated."""
    records = run.input_records()
    for name, source in run.config.daily_sources().items():
        simulated = any(r.facts["simulated"] for u, r in records if u.startswith(f"{name}/"))
        template = template_for(source, run.config.to_region().grid, run.config.days, 1)
        store.set_attributes(
            run.input_url(name), {**template.attributes, "simulated": str(simulated).lower()}
        )
    if run.config.static_sources():
        sources = list(run.config.static_sources().values())
        attributes = static_template(sources, run.config.to_region().grid).attributes
        simulated = any(r.facts["simulated"] for u, r in records if u.endswith("/static"))
        store.set_attributes(run.static_url, {**attributes, "simulated": str(simulated).lower()})
