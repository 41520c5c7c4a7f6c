"""Stage ingest: native granules to ``inputs/<source>.zarr``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from pipelines.events import Emit, Event, silent
from pipelines.facts import IngestedDays, IngestedUnit, InputUnit
from pipelines.plan import Plan, Unit
from pipelines.run import Run
from pipelines.stages.ingest import truth
from pipelines.work import Work, stage
from soilft.days import DaySpan
from soilft.ingest.availability import Availability, SourceDays, joined
from soilft.ingest.granules import (
    ChunkOfDays,
    Found,
    Ingested,
    StaticFields,
    discover,
    ingest_unit,
    static_template,
    template_for,
)
from soilft.ingest.stations import StationArchive, discover_archive, ingest_stations
from soilft.ingest.truth import template as truth_template
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.ledger import Done, SetAside

STAGE = "ingest"


if TYPE_CHECKING:
    from soilft.ingest.simulated import SimulatedDays, SimulatedGround

Task: TypeAlias = "ChunkOfDays | StaticFields | StationArchive | SimulatedDays | SimulatedGround"


def plan(run: Run, emit: Emit = silent) -> Plan[Task]:
    """Find the granules and compare with the ledger. Writes nothing.

    Raises
    ------
    NoGranules
        Where a pattern matches no file of its product.
    """
    config, grid = run.config, run.config.to_region().grid
    if config.is_direct:
        return _plan_simulation(run)
    tasks: dict[str, Task] = {}
    for name, source in config.daily_sources().items():
        emit(Event(STAGE, 0, 0, f"looking for granules of {name}"))
        found = _by_span(run, discover(source, config.inputs[name].patterns))
        for span in run.ingest_spans():
            tasks[str(InputUnit.of_days(name, span))] = ChunkOfDays(
                run.places.input(name), source, grid, config.days, span, tuple(found[span])
            )
    tasks |= truth_tasks(run)
    patterns = {n: i.patterns for n, i in config.inputs.items()}
    tasks |= _static(run, patterns) | _stations(run, patterns)
    return _compared(run, tasks)


def truth_tasks(run: Run) -> dict[str, Task]:
    """Tasks of the truth that a simulator wrote beside its granules."""
    source, config = truth.source_of(run), run.config
    if source is None:
        return {}
    found = _by_span(run, discover(source, truth.patterns(run)))
    grid = config.to_region().grid
    return {
        truth.unit(span): ChunkOfDays(
            run.places.truth, source, grid, config.days, span, tuple(found[span])
        )
        for span in run.ingest_spans()
    }


def _static(run: Run, patterns: Mapping[str, Sequence[str]]) -> dict[str, Task]:
    """Tasks of static sources, by patterns of their granules by input."""
    grid = run.config.to_region().grid
    return {
        str(InputUnit.of_static(name)): StaticFields(
            run.places.static, source, grid, tuple(discover(source, patterns[name]))
        )
        for name, source in run.config.static_sources().items()
    }


def _stations(run: Run, patterns: Mapping[str, Sequence[str]]) -> dict[str, Task]:
    """Tasks of stations, by patterns of their archives by input."""
    config = run.config
    return {
        str(InputUnit.of_stations(name)): StationArchive(
            run.places.stations,
            source,
            config.to_region().grid,
            config.days,
            tuple(config.solar_hours.items()),
            discover_archive(source, patterns[name]),
        )
        for name, source in config.station_sources().items()
    }


def _compared(run: Run, tasks: Mapping[str, Task]) -> Plan[Task]:
    units = [Unit(name, task.key, task) for name, task in tasks.items()]
    return Plan.of(run.ledger, STAGE, units)


def _plan_simulation(run: Run) -> Plan[Task]:
    """Units of a synthetic Earth that can be done now; when they are done, there are more.

    First the ground, and the files of what does not change; then what begins from them, days and
    the files of stations; last what is read from these.
    """
    # The simulator is no part of a run on real granules: loaded only here.
    from pipelines.stages.ingest import simulated as direct
    from soilft.ingest.simulated import SimulatedFiles, SimulatedGround, SimulatedStations

    config, archive = run.config, direct.archive_of(run)
    names = (*config.static_sources(), *config.station_sources())
    patterns = {n: direct.patterns(run, config.inputs[n].product) for n in names}
    ground = SimulatedGround(archive)
    tasks: dict[str, Task] = {direct.GROUND: ground, direct.FILES: SimulatedFiles(archive)}
    # A ground that runs share may be gone.
    begun = ground.is_there and _is_done(run, direct.GROUND, tasks)
    if begun:
        days = direct.simulated_days(run)
        tasks[direct.STATIONS] = SimulatedStations(archive, days)
    if _is_done(run, direct.FILES, tasks):
        tasks |= _static(run, patterns)
    if begun:
        tasks |= direct.days(run, archive)
        if _is_done(run, direct.STATIONS, tasks):
            tasks |= _stations(run, patterns)
    planned = _compared(run, tasks)
    there = {n: r for n, r in planned.records.items() if n != direct.GROUND or ground.is_there}
    return replace(planned, records=there)


def _is_done(run: Run, unit: str, tasks: Mapping[str, Task]) -> bool:
    return run.ledger.is_done(STAGE, unit, tasks[unit].key)


def _by_span(run: Run, found: Iterable[Found]) -> dict[DaySpan, list[Found]]:
    """Granules that contribute to the days of each chunk, in their order."""
    spans = run.ingest_spans()
    by_span: dict[DaySpan, list[Found]] = {span: [] for span in spans}
    first, length = run.config.days.first, run.config.chunks.ingest_days
    for item in found:
        days = (day for day in item.granule.days if day in run.config.days)
        for index in dict.fromkeys((day - first).days // length for day in days):
            by_span[spans[index]].append(item)
    return by_span


@stage(STAGE)
def ingest(work: Work) -> None:
    """Ingest what is new or has changed; what the ledger has is left alone."""
    run = work.run
    planned = plan(run, work.emit)
    if planned.todo:
        store.sweep_partials(run.places.inputs)
        _make_templates(run)
    try:
        _work_through(work, planned)
    finally:
        # What was ingested is told of, though other units failed.
        if planned.todo:
            _label_simulated(run)
        _tell_availability(run)
        aside = (*run.set_aside(), *_truth_set_aside(run))
        work.outcomes.set_aside = [item.reason for item in aside]


def _work_through(work: Work, planned: Plan[Task]) -> None:
    """Do the units of a plan, and those of a synthetic Earth that begin from them."""
    remedy = "Make chunks.ingest_days smaller."
    work.do(do, planned, _record, remedy=remedy)
    while work.run.config.is_direct and planned.todo:
        planned = plan(work.run).left
        work.do(do, planned, _record, remedy=remedy)


def _record(key: str, made: Ingested) -> Done:
    return Done(key, made.content, made.facts, made.set_aside)


def _truth_set_aside(run: Run) -> list[SetAside]:
    records = [run.ledger.get(STAGE, truth.unit(span)) for span in run.ingest_spans()]
    return [item for record in records if record is not None for item in record.set_aside]


def do(task: Task) -> Ingested:
    """Do one unit of the stage. Runs on a worker."""
    if isinstance(task, StationArchive):
        return ingest_stations(task)
    if isinstance(task, ChunkOfDays | StaticFields):
        return ingest_unit(task)
    return task()


def _make_templates(run: Run) -> None:
    config, grid = run.config, run.config.to_region().grid
    for name, source in config.daily_sources().items():
        template = template_for(source, grid, config.days, config.chunks.ingest_days)
        store.create(run.places.input(name), template)
    true = truth.source_of(run)
    if true is not None:
        structure = truth_template(true, grid, config.days, config.chunks.ingest_days)
        store.create(run.places.truth, structure)
    if config.static_sources():
        sources = list(config.static_sources().values())
        store.create(run.places.static, static_template(sources, grid))


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


def _label_simulated(run: Run) -> None:
    """Say on each input store whether its granules call themselves simulated."""
    records = run.input_records()
    noise = 1.0 if run.config.simulation is None else run.config.simulation.noise
    for name, source in run.config.daily_sources().items():
        simulated = any(IngestedUnit.of(r).simulated for u, r in records if u.source == name)
        template = template_for(source, run.config.to_region().grid, run.config.days, 1)
        marks: dict[str, str | float] = {"simulated": str(simulated).lower()}
        if noise != 1 and source.role in ("tb", "label"):
            marks["simulation_noise"] = noise
        store.set_attributes(run.places.input(name), {**template.attributes, **marks})
    if run.config.static_sources():
        sources = list(run.config.static_sources().values())
        attributes = static_template(sources, run.config.to_region().grid).attributes
        simulated = any(IngestedUnit.of(r).simulated for u, r in records if u.is_static)
        store.set_attributes(run.places.static, {**attributes, "simulated": str(simulated).lower()})
