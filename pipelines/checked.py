"""Tasks whose writes are noted and whose reads are held against what earlier stages wrote."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from distributed import Client, Worker, WorkerPlugin

from cluster import workers
from pipelines.run import Run
from soilft.errors import DamagedChunk, StorePermission
from soilft.release.shards import is_metadata
from soilft.store import checksums, disk, objects
from soilft.store import zarr as store
from soilft.store.digest import digest

# Chunks looked at side by side.
_AT_ONCE = 8
#: Where the ledger has the metadata and coordinates of stores that several units write to.
STORES = "stores"
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


def kept(root: str, noted: Mapping[str, str | None]) -> dict[str, str | None]:
    """Checksums by path of what was written below a store, once it would outlast a power cut."""
    chunks = {url.removeprefix(root).lstrip("/"): value for url, value in noted.items()}
    if chunks and objects.is_local(root):
        disk.keep(objects.filesystem(root)[1], chunks)
    return chunks


class _Expectation(WorkerPlugin):
    """What every worker holds its reads below a store against, also one that starts later."""

    def __init__(self, name: str, store: str, chunks: Mapping[str, str | None]) -> None:
        self.name, self.store, self.chunks = name, store, chunks

    def setup(self, worker: Worker) -> None:  # noqa: ARG002
        checksums.expect_from_now(self.name, self.store, self.chunks)

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        checksums.forget(self.name)


@dataclass
class Expectations:
    """What the workers of a client hold their reads below a store against."""

    store: str
    client: Client
    name: str = field(default_factory=lambda: f"soilft-checksums-{uuid.uuid4().hex}")
    told: str = ""

    def tell(self, chunks: Mapping[str, str | None]) -> None:
        """Tell the workers, unless they know."""
        now = digest(dict(chunks)) if chunks else ""
        if now != self.told:
            plugin = _Expectation(self.name, self.store, dict(chunks))
            workers.all_of_them(lambda: self.client.register_plugin(plugin))
            self.told = now

    def end(self) -> None:
        """Let the workers read as it is: the next stage says what it knows."""
        if self.told:
            # A worker that ends or begins just now has none to take away.
            with suppress(OSError, KeyError, ValueError):
                self.client.unregister_worker_plugin(self.name)  # type: ignore[no-untyped-call]
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
    """Let the units be to do again that wrote damaged objects, of every store that has one.

    Of a store that several units write to, metadata and coordinates are of a template and made anew
    around the chunks; any other store whose metadata are damaged is removed.

    Parameters
    ----------
    urls
        Objects that were found damaged; all others beside them are looked at.
    """
    for place in sorted({_place(run.places.path(url)) for url in urls}):
        chunks = {p: c for p, c in run.ledger.chunks.items() if p.startswith(place)}
        found = damaged(run.store, chunks)
        shared = run.ledger.get(STORES, place.rstrip("/"))
        if shared is None and place.endswith(ZARR) and any(is_metadata(path) for path in found):
            store.discard(run.places.url(place))
            found = list(chunks)
        run.ledger.undo(found)


def _place(path: str) -> str:
    """The Zarr store that an object belongs to, or the folder that it lies in."""
    inside, zarr, _ = path.partition(ZARR)
    return inside + zarr if zarr else f"{path.rpartition('/')[0]}/"


def damaged(root: str, chunks: checksums.Checksums) -> list[str]:
    """Paths of the chunks of a store that are not as they were written; each is read."""

    def differs(item: tuple[str, Any]) -> bool:
        path, expected = item
        return bool(checksums.checksum(objects.read(objects.join(root, path))) != expected)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(differs, chunks.items())
    return [path for path, bad in zip(chunks, found, strict=True) if bad]
