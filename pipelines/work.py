"""A stage at work: its tasks on the cluster, a bounded number in flight, and their outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from itertools import islice
from typing import Any, Protocol, TypeVar

from distributed import Client, Future, as_completed

from cluster import worker_memory_limit
from pipelines.events import Emit, Event, silent
from pipelines.plan import Plan
from pipelines.run import Run
from soilft.errors import SoilftError, TaskTooLarge
from soilft.store.ledger import Record

#: What the interpreter and the libraries of an idle worker hold.
IDLE_WORKER_BYTES = 300 * 2**20
LARGER_WORKERS = "Give each worker more memory."

Task = TypeVar("Task")
Result = TypeVar("Result")
Group = TypeVar("Group")


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
    """

    stage: str
    done: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)

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


def check_memory(client: Client, stage: str, peak_bytes: int, remedy: str) -> None:
    """Hold a task's declared peak against the smallest worker.

    Raises
    ------
    TaskTooLarge
        Where it does not fit.
    """
    limit = worker_memory_limit(client)
    if limit is not None and peak_bytes + IDLE_WORKER_BYTES > limit:
        left = (limit - IDLE_WORKER_BYTES) / 2**20
        raise TaskTooLarge(
            f"a task of {stage}",
            expected=f"at most {left:.0f} MiB, what a worker has left",
            found=f"{peak_bytes / 2**20:.0f} MiB",
            remedy=remedy,
        )


class UnitsFailed(Exception):
    """Some units failed, though all were tried: the stage ends there.

    Parameters
    ----------
    failed
        Error text by unit.
    """

    def __init__(self, failed: Mapping[str, str]) -> None:
        super().__init__("; ".join(failed.values()))
        self.failed = dict(failed)


@dataclass(frozen=True)
class Work:
    """A stage at work: its run, where tasks go, who listens, and what became of its units.

    What ``each``, ``gather`` and ``gather_by`` call ``what`` names the tasks in events; tasks that
    are ``counted`` are units that the stage is said to have done. A task that declares its
    ``peak_bytes`` is held against the smallest worker before the first one is sent.
    """

    run: Run
    client: Client
    emit: Emit
    outcomes: Outcomes

    @property
    def stage(self) -> str:
        """Name of the stage."""
        return self.outcomes.stage

    def do(
        self,
        function: Callable[[Task], Result],
        plan: Plan[Task],
        record: Callable[[str, Result], Record],
        *,
        remedy: str = LARGER_WORKERS,
    ) -> None:
        """Do the units that the ledger does not have, and record each when its data are written.

        Units without a key wait for others and are left alone.

        Parameters
        ----------
        function
            Runs on a worker and writes the data.
        record
            Of a unit, from its key and what ``function`` gave.
        remedy
            What to do where a task needs more memory than a worker has.

        Raises
        ------
        TaskTooLarge
            Where a task fits no worker; none was sent then.
        UnitsFailed
            Where units failed; every other one is done and recorded then.
        """
        self.outcomes.skipped += len(plan.done)
        keys = {unit.name: unit.key for unit in plan.todo if unit.key is not None}
        total = self.outcomes.finished + len(keys)

        def remember(name: str, made: Result) -> None:
            done = record(keys[name], made)
            self.run.ledger.put(plan.stage, f"{plan.within}{name}", done)
            for item in done.set_aside:
                note = f"set aside {item.reason}"
                self.emit(Event(self.stage, self.outcomes.done, total, note))

        if keys:
            tasks = {unit.name: unit.task for unit in plan.todo if unit.name in keys}
            self.each(self.stage, function, tasks, remember, remedy=remedy, counted=True)

    def once(
        self, plan: Plan[None], make: Callable[[str], Record], *, counted: bool = True
    ) -> Record:
        """The record of a plan's one unit, made by ``make`` from its key unless it is done."""
        (unit,) = plan.units
        record = plan.records.get(unit.name)
        if record is not None:
            self.outcomes.skipped += counted
            return record
        if unit.key is None:
            raise RuntimeError(f"{unit.name} depends on units that are to do")
        record = make(unit.key)
        self.run.ledger.put(plan.stage, f"{plan.within}{unit.name}", record)
        self.outcomes.done += counted
        return record

    def gather(
        self,
        what: str,
        function: Callable[[Task], Result],
        tasks: Mapping[str, Task],
        *,
        remedy: str = LARGER_WORKERS,
        counted: bool = False,
        kept: Mapping[str, Result] | None = None,
    ) -> list[Result]:
        """All results, in the order of the tasks.

        Parameters
        ----------
        tasks
            Small values by unit.
        kept
            Results that a run before left, by unit; these tasks are not sent.

        Raises
        ------
        TaskTooLarge, UnitsFailed
            As `do`.
        """
        results = dict(kept or {})
        left = {unit: task for unit, task in tasks.items() if unit not in results}
        self.each(
            what,
            function,
            left,
            results.__setitem__,
            remedy=remedy,
            counted=counted,
            skipped=len(results),
        )
        return [results[unit] for unit in tasks]

    def gather_by(
        self,
        what: str,
        function: Callable[[Task], Result],
        groups: Mapping[Group, Mapping[str, Task]],
        *,
        remedy: str = LARGER_WORKERS,
        counted: bool = False,
    ) -> dict[Group, list[Result]]:
        """As `gather`, for groups of tasks that are on the cluster together: results by group."""
        tasks = {unit: task for group in groups.values() for unit, task in group.items()}
        results = iter(self.gather(what, function, tasks, remedy=remedy, counted=counted))
        return {name: list(islice(results, len(group))) for name, group in groups.items()}

    def each(
        self,
        what: str,
        function: Callable[[Task], Result],
        tasks: Mapping[str, Task],
        on_done: Callable[[str, Result], None],
        *,
        remedy: str = LARGER_WORKERS,
        counted: bool = False,
        skipped: int = 0,
    ) -> None:
        """As `gather`, each result given to ``on_done`` as it comes, for what need not be kept.

        Parameters
        ----------
        skipped
            How many more there are whose results are there already.
        """
        peak = max((getattr(task, "peak_bytes", 0) for task in tasks.values()), default=0)
        if peak:
            check_memory(self.client, self.stage, peak, remedy)
        part = self.outcomes if counted else Outcomes(what, skipped=skipped)
        collect(self.client, function, tasks, on_done, part, self.emit)
        if part.failed:
            raise UnitsFailed(part.failed)


class Stage(Protocol):
    """A stage of a run as it is called."""

    def __call__(self, run: Run, client: Client, emit: Emit = silent) -> Outcomes:
        """Bring the stage up to date; tell what became of its units."""
        ...


def stage(name: str) -> Callable[[Callable[[Work], None]], Stage]:
    """Make a stage of a function that works: units that failed end it, and are in its outcomes."""

    def made(function: Callable[[Work], None]) -> Stage:
        @wraps(function)
        def run_stage(run: Run, client: Client, emit: Emit = silent) -> Outcomes:
            work = Work(run, client, emit, Outcomes(name))
            try:
                function(work)
            except UnitsFailed as error:
                work.outcomes.failed |= error.failed
            return work.outcomes

        return run_stage

    return made
