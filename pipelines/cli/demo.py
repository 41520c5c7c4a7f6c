"""Quick start: a small archive of native files is simulated, then everything is run on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from distributed import Client

from pipelines.config.region_file import load, shipped
from pipelines.config.sections import SimulationSection
from pipelines.events import Emit
from pipelines.outcomes import Outcomes, collect
from pipelines.run import Run
from pipelines.stages.ingest.simulated import days_by_chunk, simulated_days
from pipelines.stages.order import Finished, run_all
from soilft.simulate import Archive, history, write_day, write_static, write_stations
from soilft.simulate.world import identity
from soilft.sources import GldasNoah3h

ARCHIVE_VARIABLE = "SOILFT_DEMO_ARCHIVE"


@dataclass(frozen=True)
class SimulateDay:
    """One task: the native files of one day.

    Parameters
    ----------
    gldas
        Variables of GLDAS to write.
    opening
        Whether the day before is not simulated.
    """

    archive: Archive
    day: date
    gldas: tuple[str, ...]
    opening: bool


@dataclass(frozen=True)
class SimulateGround:
    """One task: the ground that all days share, terrain and soil, and stations on some days."""

    archive: Archive
    days: tuple[date, ...]


def simulate_files(task: SimulateDay | SimulateGround) -> int:
    """Write the files of a task; give their number. Runs on a worker."""
    if isinstance(task, SimulateDay):
        return len(write_day(task.archive, task.day, gldas=task.gldas, opening=task.opening))
    history.prepare(task.archive)
    return len(write_static(task.archive)) + len(write_stations(task.archive, task.days))


def prepare(output: Path, region: str) -> Run:
    """Read the region file with archive and store below a folder."""
    archive = output / region / "archive"
    os.environ[ARCHIVE_VARIABLE] = str(archive.resolve())
    return Run(load(shipped(region), {"store": str((output / region / "store").resolve())}))


def archive_of(run: Run) -> Archive:
    """The archive that a demo's region file asks for."""
    config, simulation = run.config, run.config.simulation or SimulationSection()
    return Archive(
        Path(os.environ[ARCHIVE_VARIABLE]),
        config.to_region().unwound,
        config.period.start,
        config.period.end,
        simulation.seed,
        ground=None if simulation.ground is None else Path(simulation.ground),
    )


def said_of_inputs(run: Run) -> str:
    """What was simulated as native granules, and what straight into the input stores."""
    granules, direct = len(simulated_days(run)), sum(map(len, days_by_chunk(run).values()))
    between = f"; of {direct} days between, input stores" if direct else ""
    return f"SIMULATED: of {granules} days, native granules of every input{between}"


def simulate(run: Run, client: Client, emit: Emit) -> Outcomes:
    """Write the simulated archive, day by day on the cluster; days that are there stay."""
    archive = archive_of(run)
    outcomes = Outcomes("simulate")
    done = archive.root / "complete" / identity(archive.domain)
    done.mkdir(parents=True, exist_ok=True)
    days = simulated_days(run)
    known = [day for some in days_by_chunk(run).values() for day in some]
    sources = run.config.daily_sources().values()
    gldas = tuple(n for s in sources if isinstance(s, GldasNoah3h) for n in s.variables_read)
    units: list[dict[str, SimulateDay | SimulateGround]] = [
        {"ground": SimulateGround(archive, tuple(sorted({*days, *known})))},
        {
            str(day): SimulateDay(archive, day, gldas, day - timedelta(days=1) not in days)
            for day in days
        },
    ]

    def remember(unit: str, count: int) -> None:
        (done / unit).write_text(f"{count} files\n")

    for part in units:  # the ground first: the days begin from it
        tasks = {unit: task for unit, task in part.items() if not (done / unit).exists()}
        outcomes.skipped += len(part) - len(tasks)
        if not outcomes.failed:
            collect(client, simulate_files, tasks, remember, outcomes, emit)
    return outcomes


def simulate_and_run(run: Run, client: Client, emit: Emit) -> Finished:
    """Simulate what is missing of the archive, then run everything."""
    simulated = simulate(run, client, emit)
    if simulated.failed:
        return Finished((simulated,), None)
    finished = run_all(run, client, emit)
    return Finished((simulated, *finished.outcomes), finished.release)
