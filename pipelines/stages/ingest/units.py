"""Units of stage ingest: chunks of days, static fields and stations of the inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from distributed import Client

from pipelines.events import Emit, Event, silent
from pipelines.facts import InputUnit
from pipelines.outcomes import fatal
from pipelines.plan import Plan, Unit
from pipelines.run import Run
from pipelines.stages.ingest import truth
from soilft.days import DaySpan
from soilft.ingest.archive import Findings, Found, discover, search
from soilft.ingest.granules import (
    FORMER_READERS,
    ChunkOfDays,
    Ingested,
    ingest_days,
    read_days,
)
from soilft.ingest.ground import StaticFields, ingest_static, read_files
from soilft.ingest.stations import (
    StationArchive,
    discover_archive,
    ingest_stations,
    read_archive,
)

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
    findings: dict[str, Findings] = {}
    for name, source in config.daily_sources().items():
        emit(Event(STAGE, 0, 0, f"looking for granules of {name}"))
        findings[name] = search(source, config.inputs[name].patterns)
        found = _by_span(run, findings[name].found)
        for span in run.ingest_spans():
            tasks[str(InputUnit.of_days(name, span))] = ChunkOfDays(
                run.places.input(name), source, grid, config.days, span, tuple(found[span])
            )
    tasks |= truth_tasks(run)
    if config.simulation is not None and config.simulation.direct == "between":
        from pipelines.stages.ingest import simulated as direct

        tasks |= direct.days(run, direct.archive_of(run))
    patterns = {n: i.patterns for n, i in config.inputs.items()}
    tasks |= _static(run, patterns, findings) | _stations(run, patterns)
    cautions = (f"{name}: {said}" for name, one in findings.items() for said in one.cautions)
    planned = _compared(run, tasks)
    return replace(planned, cautions=(*cautions, *planned.cautions))


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


def _static(
    run: Run, patterns: Mapping[str, Sequence[str]], findings: dict[str, Findings] | None = None
) -> dict[str, Task]:
    """Tasks of static sources, by patterns of their granules by input; findings are added."""
    grid = run.config.to_region().grid
    tasks: dict[str, Task] = {}
    for name, source in run.config.static_sources().items():
        one = search(source, patterns[name])
        tasks[str(InputUnit.of_static(name))] = StaticFields(
            run.places.static, source, grid, one.found
        )
        if findings is not None:
            findings[name] = one
    return tasks


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
    planned = Plan.of(run.ledger, STAGE, units)
    planned = replace(planned, cautions=tuple(_read_anew(run, planned.todo)))
    return planned.without(lambda done: bool(done.set_aside)) if run.retry_set_aside else planned


def _read_anew(run: Run, todo: Iterable[Unit[Task]]) -> Iterator[str]:
    """Sentences on inputs whose files are as they were, but whose reader gives other values now."""
    anew: dict[str, list[str]] = {}
    for unit in todo:
        record, task = run.ledger.get(STAGE, unit.name), unit.task
        if record is None or not isinstance(task, ChunkOfDays | StaticFields | StationArchive):
            continue
        for former in FORMER_READERS:
            if former != task.source.version and record.key == task.key_of(former):
                versions = f"reader of {task.source.product} is of version {task.source.version}"
                said = f"the {versions} and gives other values than that of {former}"
                anew.setdefault(f"{unit.name.partition('/')[0]}: {said}", []).append(unit.name)
    for said, units in anew.items():
        yield f"{said}: {len(units)} units are read anew"


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


def do(task: Task) -> Ingested:
    """Do one unit of the stage. Runs on a worker."""
    if isinstance(task, StationArchive):
        return ingest_stations(task)
    if isinstance(task, ChunkOfDays):
        return ingest_days(task)
    if isinstance(task, StaticFields):
        return ingest_static(task)
    return task()


def without_fatal(client: Client, task: Task) -> Task:
    """A task at which workers ended, without the files at each of which one ends.

    Every file is read by itself, one after the other.
    """
    if not isinstance(task, ChunkOfDays | StaticFields | StationArchive):
        return task
    files = [file for found in task.files for file in (replace(found, older=()), *found.older)]
    alone: dict[str, Task] = {file.granule.url: task.of_file(file) for file in files}
    return replace(task, fatal=frozenset(fatal(client, _read, alone)))


def _read(task: Task) -> None:
    if isinstance(task, StationArchive):
        read_archive(task)
    elif isinstance(task, ChunkOfDays):
        read_days(task)
    elif isinstance(task, StaticFields):
        read_files(task)
