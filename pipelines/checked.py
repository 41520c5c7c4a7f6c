"""Tasks whose writes are noted and whose reads are held against what earlier stages wrote."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from distributed import Client, Worker, WorkerPlugin

from pipelines.run import Run
from soilft.errors import DamagedChunk, StorePermission
from soilft.release.shards import is_metadata
from soilft.store import checksums, objects
from soilft.store import zarr as store
from soilft.store.digest import digest

# Chunks looked at side by side.
_AT_ONCE = 8
# What the path of a chunk has after the name of its store.
ZARR = ".zarr/"

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Made(Generic[Result]):
    """What a task gave, and the checksums of the chunks it wrote by their path below the store."""

    result: Result
    chunks: Mapping[str, str | None]


@dataclass(frozen=True)
class Noted(Generic[Task, Result]):
    """A function of a task that also tells what it wrote, once that would outlast a power cut.

    Parameters
    ----------
    store
        URL that the paths of chunks are below.
    """

    function: Callable[[Task], Result]
    store: str

    @property
    def __name__(self) -> str:
        """Name of the function: dashboards and logs show it."""
        return str(getattr(self.function, "__name__", type(self.function).__name__))

    def __call__(self, task: Task) -> Made[Result]:
        """Carry out the task. Runs on a worker."""
        with checksums.noting() as noted:
            result = self.function(task)
        return Made(result, kept(self.store, noted))


def kept(store: str, noted: Mapping[str, str | None]) -> dict[str, str | None]:
    """Checksums by path of what was written below a store, brought to where it outlasts a cut."""
    chunks = {url.removeprefix(store).lstrip("/"): value for url, value in noted.items()}
    if chunks and objects.is_local(store):
        checksums.keep(objects.filesystem(store)[1], chunks)
    return chunks


class _Expectation(WorkerPlugin):
    """What every worker holds its reads below a store against, also one that starts later."""

    def __init__(self, store: str, chunks: Mapping[str, str | None]) -> None:
        self.store, self.chunks = store, chunks
        self.name = _name(store)

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        checksums.expect_from_now(self.store, self.chunks)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        checksums.forget(self.store)


def _name(store: str) -> str:
    return f"soilft-checksums-{digest(store)[:16]}"


@dataclass
class Expectations:
    """What the workers of a client hold their reads below a store against."""

    store: str
    client: Client
    told: str = ""

    def tell(self, chunks: Mapping[str, str | None]) -> None:
        """Tell the workers, unless they know."""
        now = digest(dict(chunks)) if chunks else ""
        if now != self.told:
            self.client.register_plugin(_Expectation(self.store, dict(chunks)))
            self.told = now

    def end(self) -> None:
        """Let the workers read as it is: the next stage says what it knows."""
        if self.told:
            self.client.unregister_worker_plugin(_name(self.store))  # type: ignore[no-untyped-call]
            self.told = ""


@contextmanager
def held(run: Run) -> Iterator[None]:
    """Hold what this process reads below a run's store against the ledger.

    Raises
    ------
    DamagedChunk
        Where something differs; the units that wrote such chunks are to do again then.
    """
    with checksums.expect(run.store, run.ledger.chunks):
        try:
            yield
        except DamagedChunk as error:
            # Who may only publish leaves it to the next stage that finds the damage.
            with suppress(StorePermission):
                undo(run, [error.thing])
            raise


def undo(run: Run, urls: Collection[str]) -> None:
    """Let the units be to do again that wrote damaged chunks, of every Zarr store that has one.

    A store whose metadata are damaged is removed: all of it is to do again.

    Parameters
    ----------
    urls
        Chunks that were found damaged; all others of their stores are looked at.
    """
    for name in sorted({run.places.path(url).partition(ZARR)[0] for url in urls}):
        chunks = {p: c for p, c in run.ledger.chunks.items() if p.startswith(f"{name}{ZARR}")}
        found = damaged(run.store, chunks)
        if any(is_metadata(path) for path in found):
            store.discard(run.places.url(name + ZARR))
            found = list(chunks)
        run.ledger.undo(found)


def damaged(root: str, chunks: checksums.Checksums) -> list[str]:
    """Paths of the chunks of a store that are not as they were written; each is read."""

    def differs(item: tuple[str, Any]) -> bool:
        path, expected = item
        return bool(checksums.checksum(objects.read(objects.join(root, path))) != expected)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(differs, chunks.items())
    return [path for path, bad in zip(chunks, found, strict=True) if bad]
