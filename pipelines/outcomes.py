"""Tasks on the cluster: a bounded number in flight, and what becomes of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from distributed import Client, Future, KilledWorker, wait

from cluster import ClusterError, worker_memory_limit
from pipelines.events import Emit, Event
from soilft.errors import DamagedChunk, SoilftError, TaskTooLarge

#: What the interpreter and the libraries of an idle worker hold.
IDLE_WORKER_BYTES = 300 * 2**20
#: How often to look for workers while nothing comes back.
LOOK_SECONDS = 5.0
#: How long to do without any, and to wait for a result that a worker has.
PATIENCE_SECONDS = 600.0
#: What is said of what is not as an earlier stage has left it.
DAMAGED = "changed or lost after it was written"
#: What is said of a task at which workers end.
ENDED = "every worker that did it ended, by a crash or for want of memory"

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
    damaged
        URLs of chunks that were not as they had been written.
    """

    stage: str
    done: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def add_damaged(self, error: DamagedChunk) -> None:
        """Count a chunk that was not as it had been written."""
        self.failed[error.thing] = str(error)
        self.damaged.append(error.thing)

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
    instead: Callable[[Task], Task] | None = None,
) -> None:
    """Run tasks and hand each result to ``on_done`` as they finish.

    One bad task never aborts the others: its error goes to ``outcomes.failed``. A worker that ends
    takes with it whatever it holds, so tasks that lost too many workers are sent again at the end,
    one at a time: only what ends a worker by itself fails.

    Parameters
    ----------
    tasks
        Small values by unit; each becomes one future, so the graph never grows.
    instead
        What to send of a task at which workers end though they hold nothing else.

    Raises
    ------
    ClusterError
        ``cluster.no_workers``.
    """
    total = outcomes.finished + len(tasks)
    emit(Event(outcomes.stage, outcomes.finished, total))

    def end(unit: str, future: Future[Result]) -> None:
        note = ""
        try:
            on_done(unit, future.result(PATIENCE_SECONDS))
            outcomes.done += 1
        except SoilftError as error:
            note = outcomes.failed[unit] = f"{unit}: {error}"
            if isinstance(error, DamagedChunk):
                outcomes.damaged.append(error.thing)
        except KilledWorker:
            note = outcomes.failed[unit] = f"{unit}: {ENDED}. Its log says why."
        except Exception as error:  # noqa: BLE001  whatever one task raises, the others go on
            note = outcomes.failed[unit] = f"{unit}: {type(error).__name__}: {error}"
        emit(Event(outcomes.stage, outcomes.finished, total, note))

    def ended_or_lost(sent: Mapping[str, Task], at_once: int) -> list[str]:
        lost = []
        for unit, future in _as_they_end(client, function, sent, at_once):
            if _lost_its_workers(future):
                lost.append(unit)
                note = f"{unit}: the workers that held it ended; it is sent again, alone"
                emit(Event(outcomes.stage, outcomes.finished, total, note))
            else:
                end(unit, future)
        return lost

    lost = ended_or_lost(tasks, in_flight(client))
    alone = {unit: tasks[unit] for unit in lost}
    if instead is not None:
        alone = {unit: instead(tasks[unit]) for unit in ended_or_lost(alone, 1)}
    for unit, future in _as_they_end(client, function, alone, 1):
        end(unit, future)


def fatal(
    client: Client, function: Callable[[Task], object], tasks: Mapping[str, Task]
) -> set[str]:
    """Units of tasks at which a worker ends though it holds nothing else; each is sent alone."""
    ends = _as_they_end(client, function, tasks, 1)
    return {unit for unit, future in ends if _lost_its_workers(future)}


def _as_they_end(
    client: Client, function: Callable[[Task], Result], tasks: Mapping[str, Task], at_once: int
) -> Iterator[tuple[str, Future[Result]]]:
    """Futures of tasks as they end, with at most ``at_once`` of them on the cluster."""
    waiting = iter(tasks.items())
    sent: dict[Future[Result], str] = {}
    while True:
        for unit, task in islice(waiting, at_once - len(sent)):
            sent[client.submit(function, task, pure=False)] = unit
        if not sent:
            return
        ended = _first_to_end(client, list(sent))
        yield sent.pop(ended), ended
        ended.release()  # type: ignore[no-untyped-call]


def _first_to_end(client: Client, futures: Sequence[Future[Result]]) -> Future[Result]:
    """Wait for one of several futures, for as long as there are workers.

    Raises
    ------
    ClusterError
        Where there is none for `PATIENCE_SECONDS`.
    """
    seen = time.monotonic()
    while True:
        for future in futures:
            if future.status in ("finished", "error", "cancelled"):
                return future
        try:
            with client.as_current():
                wait(futures, LOOK_SECONDS, "FIRST_COMPLETED")  # type: ignore[no-untyped-call]
        except TimeoutError:
            if client.scheduler_info(n_workers=1)["workers"]:
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE_SECONDS:
                raise ClusterError(
                    "cluster.no_workers",
                    "cluster",
                    expected="a worker for as long as there is work",
                    found=f"none for {PATIENCE_SECONDS:g} s",
                    remedy="Start workers, then the same command: it goes on where this one "
                    "stopped.",
                ) from None


def _lost_its_workers(future: Future[Result]) -> bool:
    if future.status != "error":
        return False
    return isinstance(future.exception(), KilledWorker)  # type: ignore[no-untyped-call]


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
