"""World of a simulated archive: in memory, or from the integration left in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from soilft.simulate.domain import Archive, Domain
from soilft.simulate.world import INDEX, VERSION, World, identity, integrate

SPAN = 30
"""Days of the world held at a time: those of one file of the integration, begun from it alone."""
FOLDER = "history"


def folder(archive: Archive) -> Path:
    """Where the ground of an archive is integrated.

    Below a ``ground`` that is shared, every world has a folder of its own, named by all that
    decides its bytes: whoever writes there writes the same, each file whole.
    """
    if archive.ground is None:
        return archive.root / FOLDER
    return archive.ground / f"{VERSION}-{identity(archive.domain)}"


def prepared(archive: Archive) -> bool:
    """Whether the ground is integrated."""
    return (folder(archive) / INDEX).exists()


def prepare(archive: Archive) -> Path:
    """Integrate the whole period once, for processes that write some of its days each."""
    return integrate(archive.domain, folder(archive))


def world(archive: Archive, day: date) -> World:
    """The world that knows a day and those around it.

    That of the days near it where :func:`prepare` was called, the whole period in memory
    otherwise: the same to the bit. Neighbouring days share one object.
    """
    if not prepared(archive):
        return World.of(archive.domain)
    return _some(archive.domain, folder(archive), (day - archive.start).days // SPAN)


def worlds(archive: Archive, days: Iterable[date]) -> Iterator[tuple[World, list[date]]]:
    """The worlds of days, each with those days it serves, in order."""
    served: dict[int, list[date]] = {}
    for day in sorted(set(days)):
        served.setdefault((day - archive.start).days // SPAN, []).append(day)
    for some in served.values():
        yield world(archive, some[0]), some


@lru_cache(maxsize=2)
def _some(domain: Domain, where: Path, number: int) -> World:
    first = domain.start + timedelta(days=number * SPAN)
    last = min(first + timedelta(days=SPAN - 1), domain.end)
    return World.stored(domain, where, first, last)
