"""A stage at work: the units it does, the results it gathers, and where it ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial, wraps
from itertools import islice
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from distributed import Client

from pipelines.checked import STORES, Expectations, Made, Noted, damaged, held, kept, undo
from pipelines.events import Emit, Event, silent
from pipelines.outcomes import Outcomes, check_memory, collect
from pipelines.plan import Plan
from pipelines.run import Run
from soilft.errors import DamagedChunk, StoreConflict
from soilft.release import shards
from soilft.schema import Template
from soilft.store import checksums, objects
from soilft.store import zarr as store
from soilft.store.digest import digest
from soilft.store.ledger import Done

LARGER_WORKERS = "Give each worker more memory."

Task = TypeVar("Task")
Result = TypeVar("Result")
Group = TypeVar("Group")


class UnitsFailed(Exception):
    """Some units failed, though all were tried: the stage ends there.

    Parameters
    ----------
    failed
        Error text by unit.
    damaged
        URLs of chunks that were not as they had been written.
    """

    def __init__(self, failed: Mapping[str, str], damaged: Collection[str] = ()) -> None:
        super().__init__("; ".join(failed.values()))
        self.failed, self.damaged = dict(failed), tuple(damaged)


@dataclass(frozen=True)
class Work:
    """A stage at work: its run, where tasks go, who listens, and what became of its units.

    What tasks read of earlier stages is held against the ledger, and what they write is noted there
    chunk by chunk. What ``each``, ``gather`` and ``gather_by`` call ``what`` names the tasks in
    events; tasks that are ``counted`` are units that the stage is said to have done. A task that
    declares its ``peak_bytes`` is held against the smallest worker before the first one is sent.
    """

    run: Run
    client: Client
    emit: Emit
    outcomes: Outcomes

    @cached_property
    def workers(self) -> Expectations:
        """What the workers hold their reads against."""
        return Expectations(self.run.store, self.client)

    @property
    def stage(self) -> str:
        """Name of the stage."""
        return self.outcomes.stage

    def create(self, url: str, template: Template) -> None:
        """Make or extend the store of a template, unless the ledger says that it is so already.

        Raises
        ------
        StoreConflict
            As `soilft.store.zarr.create`.
        """
        made = shards.metadata({"": template})
        key = digest({name: checksums.checksum(content) for name, content in made.items()})
        record = self.run.ledger.get(STORES, self.run.places.path(url))
        root = objects.join(self.run.places.path(url), shards.ROOT)
        # What workers open to write, which no handle holds.
        found = checksums.checksum(objects.read(self.run.places.url(root)))
        if record is None or record.key != key or found != record.chunks.get(root):
            if record is not None and record.key == key:
                self.outcomes.cautions.append(
                    f"{url}: its metadata were changed or lost, and made again"
                )
            names = [objects.join(self.run.places.path(url), name) for name in made]
            if record is not None:
                # What is sound stays: a template that does not fit it is refused.
                bad = damaged(self.run.store, record.chunks) if record.chunks else names
                for name in bad:
                    objects.remove(self.run.places.url(name))
            self._change(url, key, names, partial(store.create, url, template))

    def describe(self, url: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes of a store that `create` made."""
        record = self.run.ledger.get(STORES, self.run.places.path(url))
        if record is not None and dict(store.open_raw(url).attrs) != dict(attributes):
            change = partial(store.set_attributes, url, attributes)
            # Attributes stand in the root alone; the rest is held against what it was.
            root = objects.join(self.run.places.path(url), shards.ROOT)
            self._change(url, record.key, [root], change, record.chunks)

    def _change(
        self,
        url: str,
        key: str,
        paths: list[str],
        change: Callable[[], None],
        rest: checksums.Checksums = MappingProxyType({}),
    ) -> None:
        """Change metadata and coordinates of a store; the ledger knows none while they change."""
        unit = self.run.places.path(url)
        before = self.run.ledger.get(STORES, unit)
        if before is not None:
            self.run.ledger.put(STORES, unit, Done("", ""))
        try:
            change()
        except StoreConflict:
            if before is not None:  # refused before anything was changed, and so the next time
                self.run.ledger.put(STORES, unit, before)
            raise
        urls = [self.run.places.url(path) for path in paths]
        found = {there: checksums.checksum(objects.read(there)) for there in urls}
        chunks = {**rest, **kept(self.run.store, found)}
        self.run.ledger.put(STORES, unit, Done(key, digest(chunks), chunks=chunks))

    def do(
        self,
        function: Callable[[Task], Result],
        plan: Plan[Task],
        record: Callable[[str, Result], Done],
        *,
        remedy: str = LARGER_WORKERS,
        instead: Callable[[Task], Task] | None = None,
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
        instead
            What to send of a task at which workers end though they hold nothing else.

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

        def remember(name: str, made: Made[Result]) -> None:
            done = replace(record(keys[name], made.result), chunks=made.chunks)
            self.run.ledger.put(plan.stage, f"{plan.within}{name}", done)
            for item in done.set_aside:
                note = f"set aside {item.reason}"
                self.emit(Event(self.stage, self.outcomes.done, total, note))

        tasks = {unit.name: unit.task for unit in plan.todo if unit.name in keys}
        self._each(
            self.stage, function, tasks, remember, remedy=remedy, counted=True, instead=instead
        )

    def note(self, what: str, function: Callable[[Task], bool], plan: Plan[Task]) -> list[str]:
        """Give records of units that are done the checksums of what they wrote.

        Parameters
        ----------
        function
            Runs on a worker and writes once more what a unit wrote, where that is as its record
            says; whether it is.
        plan
            Units whose records have none: those of 0.3.0.

        Returns
        -------
        list of str
            Names of the units whose data are not as recorded, which are to do again.
        """
        again = []

        def remember(name: str, made: Made[bool]) -> None:
            record = replace(plan.records[name], chunks=made.chunks)
            if not made.result:
                record = replace(record, key="")
                again.append(name)
            self.run.ledger.put(plan.stage, f"{plan.within}{name}", record)

        tasks = {unit.name: unit.task for unit in plan.done}
        self._each(what, function, tasks, remember, remedy=LARGER_WORKERS)
        return again

    def once(self, plan: Plan[None], make: Callable[[str], Done], *, counted: bool = True) -> Done:
        """The record of a plan's one unit, made by ``make`` from its key unless it is done."""
        (unit,) = plan.units
        record = plan.records.get(unit.name)
        if record is not None:
            self.outcomes.skipped += counted
            return record
        if unit.key is None:
            raise RuntimeError(f"{unit.name} depends on units that are to do")
        # What it writes it may read before there is a record.
        self.run.ledger.forget(plan.stage, f"{plan.within}{unit.name}")
        self.workers.tell(self.run.ledger.chunks)
        with checksums.noting() as noted:
            record = make(unit.key)
        record = replace(record, chunks=kept(self.run.store, noted))
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

        Without tasks nothing is sent, and nothing told.

        Parameters
        ----------
        skipped
            How many more there are whose results are there already.
        """

        def hand_on(unit: str, made: Made[Result]) -> None:
            on_done(unit, made.result)

        self._each(what, function, tasks, hand_on, remedy=remedy, counted=counted, skipped=skipped)

    def _each(
        self,
        what: str,
        function: Callable[[Task], Result],
        tasks: Mapping[str, Task],
        on_done: Callable[[str, Made[Result]], None],
        *,
        remedy: str,
        counted: bool = False,
        skipped: int = 0,
        instead: Callable[[Task], Task] | None = None,
    ) -> None:
        if not tasks:
            return
        peak = max(getattr(task, "peak_bytes", 0) for task in tasks.values())
        if peak:
            check_memory(self.client, self.stage, peak, remedy)
        part = self.outcomes if counted else Outcomes(what, skipped=skipped)
        self.workers.tell(self.run.ledger.chunks)
        noted = Noted(function, self.run.store)
        collect(self.client, noted, tasks, on_done, part, self.emit, instead)
        if part.failed:
            raise UnitsFailed(part.failed, part.damaged)


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
                with held(run):
                    function(work)
            except UnitsFailed as error:
                work.outcomes.failed |= error.failed
                work.outcomes.damaged += error.damaged
                undo(run, error.damaged)
            except DamagedChunk as error:
                work.outcomes.add_damaged(error)
            finally:
                work.workers.end()
            return work.outcomes

        return run_stage

    return made
