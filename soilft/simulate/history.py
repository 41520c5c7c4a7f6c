"""The world of an archive: in memory, or from the integration left in its ``history``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from soilft.simulate.domain import Archive, Domain
from soilft.simulate.world import INDEX, World, integrate

SPAN = 10
"""Days of the world held at a time where the archive has a history."""
FOLDER = "history"


def prepare(archive: Archive) -> Path:
    """Integrate the whole period once, for processes that write some of its days each."""
    return integrate(archive.domain, archive.root / FOLDER)


def world(archive: Archive, day: date) -> World:
    """The world that knows a day and those around it.

    That of the days near it where :func:`prepare` was called, the whole period in memory
    otherwise: the same to the bit. Neighbouring days share one object.
    """
    folder = archive.root / FOLDER
    if not (folder / INDEX).exists():
        return World.of(archive.domain)
    return _some(archive.domain, folder, (day - archive.start).days // SPAN)


def worlds(archive: Archive, days: Iterable[date]) -> Iterator[tuple[World, list[date]]]:
    """The worlds of days, each with those days it serves, in order."""
    served: dict[int, list[date]] = {}
    for day in sorted(set(days)):
        served.setdefault((day - archive.start).days // SPAN, []).append(day)
    for some in served.values():
        yield world(archive, some[0]), some


@lru_cache(maxsize=2)
def _some(domain: Domain, folder: Path, number: int) -> World:
    first = domain.start + timedelta(days=number * SPAN)
    last = min(first + timedelta(days=SPAN - 1), domain.end)
    return World.stored(domain, folder, first, last)
