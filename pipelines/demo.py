"""The quick start: simulate a small archive of native files, then run everything on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from distributed import Client

from pipelines.config import SimulationSection, load, shipped
from pipelines.events import Emit
from pipelines.outcomes import Outcomes, collect
from pipelines.run import Run
from pipelines.stages import Finished, run_all
from soilft.simulate import Archive, write_day, write_static, write_stations

ARCHIVE_VARIABLE = "SOILFT_DEMO_ARCHIVE"


@dataclass(frozen=True)
class SimulateDay:
    """One task: the native files of one day."""

    archive: Archive
    day: date


@dataclass(frozen=True)
class SimulateGround:
    """One task: terrain and soil, and the series of the stations on some days."""

    archive: Archive
    days: tuple[date, ...]


def simulate_files(task: SimulateDay | SimulateGround) -> int:
    """Write the files of a task; give their number. Runs on a worker."""
    if isinstance(task, SimulateDay):
        return len(write_day(task.archive, task.day))
    return len(write_static(task.archive)) + len(write_stations(task.archive, task.days))


def prepare(output: Path, region: str) -> Run:
    """Read the region file with archive and store below a folder."""
    archive = output / region / "archive"
    os.environ[ARCHIVE_VARIABLE] = str(archive.resolve())
    return Run(load(shipped(region), {"store": str((output / region / "store").resolve())}))


def archive_of(run: Run) -> Archive:
    """The archive that a demo's region file asks for."""
    config = run.config
    return Archive(
        Path(os.environ[ARCHIVE_VARIABLE]),
        config.region.bounds,
        config.period.start,
        config.period.end,
        (config.simulation or SimulationSection()).seed,
    )


def simulate(run: Run, client: Client, emit: Emit) -> Outcomes:
    """Write the simulated archive, day by day on the cluster; days that are there stay."""
    archive = archive_of(run)
    outcomes = Outcomes("simulate")
    done = archive.root / "complete"
    done.mkdir(parents=True, exist_ok=True)
    days = (run.config.simulation or SimulationSection()).days(run.config.days)
    units: dict[str, SimulateDay | SimulateGround] = {
        "ground": SimulateGround(archive, tuple(days)),
        **{str(day): SimulateDay(archive, day) for day in days},
    }
    tasks = {unit: task for unit, task in units.items() if not (done / unit).exists()}
    outcomes.skipped = len(units) - len(tasks)

    def remember(unit: str, count: int) -> None:
        (done / unit).write_text(f"{count} files\n")

    collect(client, simulate_files, tasks, remember, outcomes, emit)
    return outcomes


def simulate_and_run(run: Run, client: Client, emit: Emit) -> Finished:
    """Simulate what is missing of the archive, then run everything."""
    simulated = simulate(run, client, emit)
    if simulated.failed:
        return Finished((simulated,), None)
    finished = run_all(run, client, emit)
    return Finished((simulated, *finished.outcomes), finished.release)
