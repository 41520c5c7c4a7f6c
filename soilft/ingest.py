"""From native granules to one chunk of ``inputs/<source>.zarr``: the work of one task.

A granule that cannot be used is set aside with its reason; its day goes on without it, and every
other day is as if it had never been there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from soilft import __version__, objects, store
from soilft.days import DaySpan
from soilft.errors import InputError, NoGranules
from soilft.grid import Grid
from soilft.ledger import SetAside, arrays_digest, digest
from soilft.schema import (
    Template,
    Variable,
    grid_coordinates,
    overpass_coordinate,
    time_coordinates,
)
from soilft.sources.files import local_copy
from soilft.sources.protocol import Arrays, DailySource, Granule, StaticSource, is_simulated


@dataclass(frozen=True)
class Found:
    """A granule in an archive, with what tells whether its file has changed."""

    granule: Granule
    size: int
    stamp: str


def discover(source: DailySource | StaticSource, patterns: Sequence[str]) -> list[Found]:
    """Granules of a product among the files that match URL patterns, newest version each.

    Raises
    ------
    NoGranules
        Where a pattern matches no file of the product.
    """
    newest: dict[tuple[object, str], Found] = {}
    for pattern in patterns:
        fs, path = objects.filesystem(pattern)
        with objects.explained(pattern):
            files = fs.glob(path, detail=True)
        matched = 0
        for name, info in sorted(files.items()):
            granule = source.granule(str(fs.unstrip_protocol(name)).removeprefix("file://"))
            if granule is None or info["type"] != "file":
                continue
            matched += 1
            stamp = str(info.get("ETag") or info.get("mtime") or "")
            slot = (granule.days, granule.slot if granule.days else granule.url)
            if slot not in newest or newest[slot].granule.version <= granule.version:
                newest[slot] = Found(granule, int(info["size"]), stamp)
        if not matched:
            raise NoGranules(
                f"pattern {pattern}",
                expected=f"files of the product {source.product}",
                found=f"{len(files)} files, none named like one" if files else "no file",
                remedy="Correct the pattern, or the environment variable in it.",
            )
    return sorted(newest.values(), key=lambda found: found.granule)


@dataclass(frozen=True)
class ChunkOfDays:
    """One task: all variables of one source for one chunk of days.

    Parameters
    ----------
    url
        The source's store, its template made.
    whole
        Days on the store's axis.
    span
        Days of this chunk.
    found
        Every granule that contributes to these days.
    """

    url: str
    source: DailySource
    grid: Grid
    whole: DaySpan
    span: DaySpan
    found: tuple[Found, ...]

    @property
    def files(self) -> tuple[Found, ...]:
        """Files that the task reads."""
        return self.found

    @property
    def key(self) -> str:
        """Digest of everything that this chunk's bytes depend on."""
        granules = [(f.granule.name, f.size, f.stamp) for f in self.found]
        return digest(
            __version__,
            self.source.product,
            repr(self.source),
            repr(self.grid),
            str(self.span),
            granules,
        )

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most, from its shapes: the chunk, its encoding, one day."""
        template = template_for(self.source, self.grid, self.span, len(self.span))
        day = template.decoded_bytes // len(self.span)
        native = 16 * 1440 * 720
        return 2 * template.decoded_bytes + 16 * day + 8 * native


@dataclass(frozen=True)
class Ingested:
    """What a task made: a digest of its values, small facts, and what it set aside."""

    content: str
    facts: Mapping[str, Any]
    set_aside: tuple[SetAside, ...]


def template_for(source: DailySource, grid: Grid, days: DaySpan, chunk_days: int) -> Template:
    """Structure of ``inputs/<source>.zarr``: chunks of ``chunk_days``, whole in space."""
    overpass = (overpass_coordinate(source.overpasses),) if source.overpasses else ()
    return Template(
        coordinates=(
            *time_coordinates(days),
            *grid_coordinates(grid),
            *overpass,
            *source.coordinates,
        ),
        variables=source.variables,
        chunks={"time": chunk_days},
        attributes={"product": source.product, "source": source.references},
    )


def static_template(sources: Sequence[StaticSource], grid: Grid) -> Template:
    """Structure of ``inputs/static.zarr``, with the variables of all static sources."""
    return Template(
        coordinates=grid_coordinates(grid),
        variables=tuple(variable for source in sources for variable in source.variables),
        chunks={},
        attributes={"source": "; ".join(source.references for source in sources)},
    )


def ingest_days(task: ChunkOfDays) -> Ingested:
    """Read, regrid and write one chunk of days. Runs on a worker."""
    template = template_for(task.source, task.grid, task.span, len(task.span))
    values = {v.name: _empty(v, template.shape(v)) for v in task.source.variables}
    set_aside: dict[str, SetAside] = {}
    simulated = False
    days_with_data = 0
    newest = ""
    for i, day in enumerate(task.span):
        parts, day_simulated = _parts(task, day, set_aside)
        simulated |= day_simulated
        for name, value in task.source.combine(parts, day, task.grid).items() if parts else ():
            values[name][i] = value
        if parts:
            days_with_data += 1
            newest = str(day)
    rows = task.span.within(task.whole)
    store.write_region(task.url, values, {"time": rows})
    return Ingested(
        arrays_digest(values),
        {
            "first": str(task.span.first),
            "last": str(task.span.last),
            "granules": len(task.found),
            "days_with_data": days_with_data,
            "newest_day": newest,
            "simulated": simulated,
        },
        tuple(set_aside.values()),
    )


def _parts(
    task: ChunkOfDays, day: date, set_aside: dict[str, SetAside]
) -> tuple[list[tuple[Granule, Arrays]], bool]:
    parts = []
    simulated = False
    for found in task.found:
        granule = found.granule
        if day not in granule.days or granule.url in set_aside:
            continue
        try:
            with local_copy(granule.url) as path, task.source.read(path) as dataset:
                parts.append((granule, task.source.place(dataset, granule, day, task.grid)))
                simulated |= is_simulated(dataset.attrs)
        except InputError as error:
            set_aside[granule.url] = SetAside(granule.name, error.code, str(error))
    return parts, simulated


def _empty(variable: Variable, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.full(shape, variable.fill, dtype=variable.dtype)


@dataclass(frozen=True)
class StaticFields:
    """One task: the variables of one static source."""

    url: str
    source: StaticSource
    grid: Grid
    found: Found

    @property
    def files(self) -> tuple[Found, ...]:
        """Files that the task reads."""
        return (self.found,)

    @property
    def key(self) -> str:
        """Digest of everything that these fields depend on."""
        file = (self.found.granule.name, self.found.size, self.found.stamp)
        return digest(__version__, self.source.product, repr(self.source), repr(self.grid), file)

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the file's cells in double precision, a few fields."""
        return 12 * 8 * max(self.found.size, self.grid.shape[0] * self.grid.shape[1])


def ingest_static(task: StaticFields) -> Ingested:
    """Read, regrid and write the fields of a static source. Runs on a worker.

    Raises
    ------
    InputError
        Where the file cannot be used: without it every prediction would lack a predictor.
    """
    granule = task.found.granule
    with local_copy(granule.url) as path, task.source.read(path) as dataset:
        values = task.source.place(dataset, task.grid)
        simulated = is_simulated(dataset.attrs)
    store.write_region(task.url, values, {})
    return Ingested(arrays_digest(values), {"granule": granule.name, "simulated": simulated}, ())


def ingest_unit(task: ChunkOfDays | StaticFields) -> Ingested:
    """Do one unit of the stage. Runs on a worker."""
    return ingest_days(task) if isinstance(task, ChunkOfDays) else ingest_static(task)
