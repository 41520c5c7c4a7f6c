"""Tasks on the cluster: a bounded number in flight, and what becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from distributed import Client, Future, as_completed

from cluster import worker_memory_limit
from pipelines.events import Emit, Event
from soilft.errors import SoilftError, TaskTooLarge

#: What the interpreter and the libraries of an idle worker hold.
IDLE_WORKER_BYTES = 300 * 2**20

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass
class Outcomes:
    """What became of the units of a stage.

    Parameters
    ----------
    done
        Units finished now.
    skipped
        Units that the ledger says were finished before.
    failed
        Error text by unit.
    set_aside
        Sentences about granules left out.
    cautions
        Sentences about what may be meant otherwise; nothing is left out by them.
    """

    stage: str
    done: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)

    @property
    def finished(self) -> int:
        """How many units have come to an end, well or not."""
        return self.skipped + self.done + len(self.failed)

    @property
    def complete(self) -> bool:
        """Whether every unit was finished and no granule was left out."""
        return not self.failed and not self.set_aside

    def __str__(self) -> str:
        if not self.done and not self.failed:
            text = f"{self.stage}: nothing to do, {self.skipped} units are up to date"
        else:
            text = f"{self.stage}: {self.done} done, {self.skipped} up to date"
        if self.failed:
            text += f", {len(self.failed)} failed"
        if self.set_aside:
            text += f", {len(self.set_aside)} granules set aside"
        return text


def in_flight(client: Client) -> int:
    """How many tasks to keep on the cluster: two a worker, so that none waits for the client."""
    threads = sum(w["nthreads"] for w in client.scheduler_info(n_workers=-1)["workers"].values())
    return int(max(2, 2 * threads))


def collect(
    client: Client,
    function: Callable[[Task], Result],
    tasks: Mapping[str, Task],
    on_done: Callable[[str, Result], None],
    outcomes: Outcomes,
    emit: Emit,
) -> None:
    """Run tasks and hand each result to ``on_done`` in the order they finish.

    One bad task never aborts the others: its error goes to ``outcomes.failed``.

    Parameters
    ----------
    tasks
        Small values by unit; each becomes one future, so the graph never grows.
    """
    total = outcomes.finished + len(tasks)
    emit(Event(outcomes.stage, outcomes.finished, total))
    waiting = iter(tasks.items())
    units: dict[Future[Result], str] = {}
    running: Any = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]

    def submit_next() -> None:
        for unit, task in waiting:
            future = client.submit(function, task, pure=False)
            units[future] = unit
            running.add(future)
            return

    for _ in range(in_flight(client)):
        submit_next()
    for future in running:
        unit = units.pop(future)
        note = ""
        try:
            on_done(unit, future.result())
            outcomes.done += 1
        except SoilftError as error:
            note = outcomes.failed[unit] = f"{unit}: {error}"
        except Exception as error:  # noqa: BLE001  whatever one task raises, the others go on
            note = outcomes.failed[unit] = f"{unit}: {type(error).__name__}: {error}"
        future.release()
        emit(Event(outcomes.stage, outcomes.finished, total, note))
        submit_next()


def worker_share(client: Client) -> int:
    """Bytes that a task may plan for where it can be cut smaller: a third of a worker's limit."""
    limit = worker_memory_limit(client)
    return 2**30 if limit is None else max(2**26, limit // 3)


def task_memory(client: Client) -> int | None:
    """Bytes that the smallest worker has left for a task; None where workers have no limit."""
    limit = worker_memory_limit(client)
    return None if limit is None else limit - IDLE_WORKER_BYTES


def check_memory(client: Client, stage: str, peak_bytes: int, remedy: str) -> None:
    """Hold a task's declared peak against the smallest worker.

    Raises
    ------
    TaskTooLarge
        Where it does not fit.
    """
    left = task_memory(client)
    if left is not None and peak_bytes > left:
        raise TaskTooLarge(
            f"a task of {stage}",
            expected=f"at most {left / 2**20:.0f} MiB, what a worker has left",
            found=f"{peak_bytes / 2**20:.0f} MiB",
            remedy=remedy,
        )
