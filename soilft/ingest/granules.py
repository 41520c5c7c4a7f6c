"""Ingest of native granules: one chunk of days of ``inputs/<source>.zarr``.

A granule that cannot be used is set aside with its reason; its day goes on without it, and every
other day is as if it had never been there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from soilft.days import DaySpan
from soilft.errors import InputError
from soilft.grid import Grid
from soilft.ingest.archive import Found
from soilft.ingest.reading import ends_worker, read_day, set_aside, stood_in_for
from soilft.schema import (
    Template,
    Variable,
    grid_coordinates,
    overpass_coordinate,
    time_coordinates,
)
from soilft.sources.files import folders_of, marked_simulated
from soilft.sources.protocol import Arrays, DailySource, Granule
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest, digest, spelled
from soilft.store.ledger import SetAside

#: Release whose values the stage gives, whatever the reader: raised by hand when they change.
VERSION = "0.3.0"
#: Versions that readers had in earlier releases.
FORMER_READERS = ("0.3.0",)


def version_with(reader: str) -> str:
    """Version of this stage and of a reader, as one text for a key; once where they are equal."""
    return VERSION if reader == VERSION else f"{VERSION}+{reader}"


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
    fatal
        URLs of those at which a worker ended: set aside unread. In no key, for the files are the
        same.
    """

    url: str
    source: DailySource
    grid: Grid
    whole: DaySpan
    span: DaySpan
    found: tuple[Found, ...]
    fatal: frozenset[str] = frozenset()

    @property
    def files(self) -> tuple[Found, ...]:
        """Files that the task reads."""
        return self.found

    def of_file(self, found: Found) -> ChunkOfDays:
        """The same with one file alone."""
        return replace(self, found=(found,))

    @property
    def key(self) -> str:
        """Digest of everything that this chunk's bytes depend on."""
        return self.key_of(self.source.version)

    def key_of(self, reader: str) -> str:
        """The key by a version of the reader."""
        return digest(
            version_with(reader),
            self.source.product,
            spelled(self.source),
            spelled(self.grid),
            str(self.span),
            [found.facts for found in self.found],
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


def ingest_days(task: ChunkOfDays) -> Ingested:
    """Read, regrid and write one chunk of days. Runs on a worker."""
    values, granules, seen = read_days(task)
    store.write_region(task.url, values, {"time": task.span.within(task.whole)})
    return Ingested(
        arrays_digest(values),
        {
            **facts_of_days(task.source, task.span, values),
            "granules": granules,
            "simulated": seen.simulated,
            "sha256": seen.sha256,
            "replaced": {
                f.granule.name: [older.granule.name for older in reversed(f.older)]
                for f in task.found
                if f.older and f.granule.url not in seen.set_aside
            },
        },
        tuple(seen.set_aside.values()),
    )


def read_days(task: ChunkOfDays) -> tuple[dict[str, np.ndarray[Any, Any]], list[int], Seen]:
    """Values of a chunk, granules used of each day, and what else was learnt of them."""
    values = empty_days(template_for(task.source, task.grid, task.span, len(task.span)))
    seen = Seen(set_aside=_unread(task))
    granules = []
    for i, day in enumerate(task.span):
        parts = _parts(task, day, seen)
        granules.append(len(parts))
        for name, value in task.source.combine(parts, day, task.grid).items() if parts else ():
            values[name][i] = value
    return values, granules, seen


def _unread(task: ChunkOfDays) -> dict[str, SetAside]:
    """Files of a chunk that are set aside because a worker ended at each, by URL."""
    files = (file.granule for found in task.found for file in (found, *found.older))
    return {
        granule.url: set_aside(granule, ends_worker(granule))
        for granule in files
        if granule.url in task.fatal
    }


def facts_of_days(
    source: DailySource, span: DaySpan, values: Mapping[str, np.ndarray[Any, Any]]
) -> dict[str, Any]:
    """What later stages and people ask of a chunk: its days, their coverage, the newest with data.

    Parameters
    ----------
    values
        Variables of the source, time first, for the days of the span.
    """
    primary = source.variables[0]
    coverage = daily_coverage(primary, values[primary.name])
    with_data = [str(day) for day, share in zip(span, coverage, strict=True) if share > 0]
    return {
        "first": str(span.first),
        "last": str(span.last),
        "coverage": coverage,
        "newest_day": with_data[-1] if with_data else "",
    }


@dataclass
class Seen:
    """What a task learns of its granules beside their values."""

    simulated: bool = False
    folders: dict[str, bool] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    set_aside: dict[str, SetAside] = field(default_factory=dict)

    def stands_in(self, older: Granule, newest: Found) -> None:
        """Say of the newest file of a slot, which was set aside, that an older one is read."""
        item = self.set_aside[newest.granule.url]
        self.set_aside[newest.granule.url] = stood_in_for(item, newest.granule, older)

    def marked(self, granule: Granule) -> bool:
        """Whether a folder of a granule is marked as simulated; each is looked at once."""
        folders = folders_of(granule)
        for folder in folders - self.folders.keys():
            self.folders[folder] = marked_simulated(folder)
        return any(self.folders[folder] for folder in folders)


def _parts(task: ChunkOfDays, day: date, seen: Seen) -> list[tuple[Granule, Arrays]]:
    parts = []
    for found in task.found:
        if day not in found.granule.days:
            continue
        for one in (found, *found.older):
            granule = one.granule
            if granule.url in seen.set_aside:
                continue
            try:
                read = read_day(task.source, granule, day, task.grid)
            except InputError as error:
                seen.set_aside[granule.url] = set_aside(granule, error)
                continue
            parts.append((granule, read.arrays))
            seen.simulated |= read.simulated or seen.marked(granule)
            seen.sha256[granule.name] = read.sha256
            if one is not found:
                seen.stands_in(granule, found)
            break
    return parts


def daily_coverage(variable: Variable, values: np.ndarray[Any, Any]) -> list[float]:
    """Share of the cells that have any value on each day, rounded to four digits.

    Parameters
    ----------
    values
        Of a variable with dims (time, ..., y, x).
    """
    valid = np.isfinite(values) if values.dtype.kind == "f" else values != variable.fill
    anywhere = valid.any(axis=tuple(range(1, valid.ndim - 2)))
    return [round(float(share), 4) for share in anywhere.mean(axis=(1, 2))]


def empty_days(template: Template) -> dict[str, np.ndarray[Any, Any]]:
    """All variables of a template, missing everywhere."""
    return {v.name: np.full(template.shape(v), v.fill, v.dtype) for v in template.variables}
