"""Ingest of ground, which does not change: one static source of ``inputs/static.zarr``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import xarray as xr

from soilft.errors import InputError, SoilftError
from soilft.grid import Grid
from soilft.ingest.archive import Found
from soilft.ingest.granules import Ingested, Seen, version_with
from soilft.ingest.reading import (
    damaged,
    ends_worker,
    named_by,
    patiently,
    read_through,
    set_aside,
    stood_in_for,
)
from soilft.schema import Template, grid_coordinates
from soilft.sources.files import open_granule
from soilft.sources.passing import passing
from soilft.sources.protocol import Arrays, Granule, StaticSource, is_simulated
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest, digest, spelled
from soilft.store.ledger import SetAside

Opened: TypeAlias = list[tuple[Granule, xr.Dataset]]


def static_template(sources: Sequence[StaticSource], grid: Grid) -> Template:
    """Structure of ``inputs/static.zarr``, with the variables of all static sources."""
    return Template(
        coordinates=grid_coordinates(grid),
        variables=tuple(variable for source in sources for variable in source.variables),
        chunks={},
        attributes={"source": "; ".join(source.references for source in sources)},
    )


@dataclass(frozen=True)
class StaticFields:
    """One task: the variables of one static source; ``fatal`` as in `ChunkOfDays`."""

    url: str
    source: StaticSource
    grid: Grid
    found: tuple[Found, ...]
    fatal: frozenset[str] = frozenset()

    @property
    def files(self) -> tuple[Found, ...]:
        """Files that the task reads."""
        return self.found

    def of_file(self, found: Found) -> StaticFields:
        """The same with one file alone."""
        return replace(self, found=(found,))

    @property
    def key(self) -> str:
        """Digest of everything that these fields depend on."""
        return self.key_of(self.source.version)

    def key_of(self, reader: str) -> str:
        """The key by a version of the reader."""
        return digest(
            version_with(reader),
            self.source.product,
            spelled(self.source),
            spelled(self.grid),
            [found.facts for found in self.found],
        )

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most, as its source declares it."""
        return self.source.peak_bytes([f.size for f in self.found], self.grid)


def ingest_static(task: StaticFields) -> Ingested:
    """Read, regrid and write the fields of a static source. Runs on a worker.

    A file that cannot be used is set aside where an older version of it can be.

    Raises
    ------
    InputError
        Where there is none: without the file every prediction would lack a predictor.
    GranuleBusy
        Where it could not be read, and may be readable later.
    """
    aside: list[SetAside] = []
    while True:
        try:
            values, facts = _read_static(task, aside)
            break
        except InputError as error:
            bad = next((f for f in task.found if f.older and named_by(error, f.granule)), None)
            if bad is None:
                raise
            aside.append(_displaced(bad, error))
            files = (_older(found) if found is bad else found for found in task.found)
            task = replace(task, found=tuple(files))
    store.write_region(task.url, values, {})
    return Ingested(arrays_digest(values), facts, tuple(aside))


def read_files(task: StaticFields) -> None:
    """Read all of each file, and keep nothing. Runs on a worker."""
    for found in task.found:
        with open_granule(task.source, found.granule) as dataset:
            read_through(dataset)


def _read_static(task: StaticFields, aside: list[SetAside]) -> tuple[Arrays, dict[str, Any]]:
    """Fields of a task, and facts of its files; what did not open is added to ``aside``."""
    with ExitStack() as opened:
        tiles = [_newest_that_opens(task, found, opened, aside) for found in task.found]
        values = patiently(tiles[0][0], partial(_placed, task, tiles))
        seen = Seen()
        simulated = any(is_simulated(d.attrs) or seen.marked(granule) for granule, d in tiles)
        sha256 = {granule.name: dataset.attrs["sha256"] for granule, dataset in tiles}
    return values, {"simulated": simulated, "sha256": sha256}


def _newest_that_opens(
    task: StaticFields, found: Found, opened: ExitStack, aside: list[SetAside]
) -> tuple[Granule, xr.Dataset]:
    """The newest file of a slot that can be opened, opened until the stack is left."""
    while True:
        granule = found.granule
        try:
            if granule.url in task.fatal:
                raise ends_worker(granule)
            return granule, patiently(granule, partial(_open, task.source, granule, opened))
        except InputError as error:
            if not found.older:
                raise
            item = _displaced(found, error)
        if item not in aside:
            aside.append(item)
        found = _older(found)


def _open(source: StaticSource, granule: Granule, opened: ExitStack) -> xr.Dataset:
    return opened.enter_context(open_granule(source, granule))


def _placed(task: StaticFields, tiles: Opened) -> Arrays:
    """Fields on the grid; whatever a library raises is an error of the file that lets it."""
    try:
        return task.source.place(tiles, task.grid)
    except SoilftError:
        raise
    except Exception as error:
        if passing(error) is not None:
            raise
        raise damaged(_culprit(tiles), error) from error


def _culprit(tiles: Opened) -> str:
    """Name of the file that cannot be read by itself; of all where each can."""
    names = [granule.name for granule, _ in tiles]
    for name, (_, dataset) in zip(names, tiles, strict=True):
        try:
            read_through(dataset)
        except Exception:  # noqa: BLE001  whatever it is, it is this file's
            return name
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more files"


def _older(found: Found) -> Found:
    """The next version of a slot."""
    return replace(found.older[0], older=found.older[1:])


def _displaced(found: Found, error: InputError) -> SetAside:
    return stood_in_for(set_aside(found.granule, error), found.granule, found.older[0].granule)
