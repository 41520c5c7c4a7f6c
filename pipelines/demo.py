"""The quick start: simulate a small archive of native files, then run everything on it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from distributed import Client

from pipelines.config import load, shipped
from pipelines.events import Emit
from pipelines.outcomes import Outcomes, collect
from pipelines.run import Run
from pipelines.stages import Finished, run_all
from soilft.simulate import Archive, write_day, write_static

ARCHIVE_VARIABLE = "SOILFT_DEMO_ARCHIVE"


@dataclass(frozen=True)
class SimulateDay:
    """One task: the native files of one day, and the static ones with the first."""

    archive: Archive
    day: date


def simulate_day(task: SimulateDay) -> int:
    """Write the files of a day; give their number. Runs on a worker."""
    static = write_static(task.archive) if task.day == task.archive.start else []
    return len(static) + len(write_day(task.archive, task.day))


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
        config.sampling.seed,
    )


def simulate(run: Run, client: Client, emit: Emit) -> Outcomes:
    """Write the simulated archive, day by day on the cluster; days that are there stay."""
    archive = archive_of(run)
    outcomes = Outcomes("simulate")
    done = archive.root / "complete"
    done.mkdir(parents=True, exist_ok=True)
    tasks = {
        str(day): SimulateDay(archive, day)
        for day in archive.days()
        if not (done / str(day)).exists()
    }
    outcomes.skipped = len(archive.days()) - len(tasks)

    def remember(unit: str, count: int) -> None:
        (done / unit).write_text(f"{count} files\n")

    collect(client, simulate_day, tasks, remember, outcomes, emit)
    return outcomes


def simulate_and_run(run: Run, client: Client, emit: Emit) -> Finished:
    """Simulate what is missing of the archive, then run everything."""
    simulated = simulate(run, client, emit)
    if simulated.failed:
        return Finished((simulated,), None)
    finished = run_all(run, client, emit)
    return Finished((simulated, *finished.outcomes), finished.release)
