"""Checksums of stored chunks: noted as chunks are written, held against what is read.

A checksum is the SHA-256 of an object as it lies in the store, or None for a chunk that has no
object, because all of it is fill. Whoever knows what was written below a root says so with `expect`
for as long as this process reads there; what passes through Zarr is looked at in
`soilft.store.handles`. Objects that nobody noted are read as they are.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from soilft.errors import DamagedChunk

#: What is to be done about a chunk that is not as it was written.
MADE_AGAIN = "It was changed or lost after it was written. soilft run makes it again."
#: Checksum by URL, or by path below a root.
Checksums = Mapping[str, str | None]

_expected: dict[str, tuple[str, Checksums]] = {}
_noted: ContextVar[dict[str, str | None] | None] = ContextVar("noted", default=None)


def checksum(content: bytes | None) -> str | None:
    """Checksum of an object's content, None where there is no object."""
    return None if content is None else hashlib.sha256(content).hexdigest()


@contextmanager
def expect(root: str, checksums: Checksums) -> Iterator[None]:
    """Hold what this process reads below a root against checksums by path.

    Parameters
    ----------
    checksums
        Looked at when an object is read, so it may grow meanwhile.
    """
    name = uuid.uuid4().hex
    expect_from_now(name, root, checksums)
    try:
        yield
    finally:
        forget(name)


def expect_from_now(name: str, root: str, checksums: Checksums) -> None:
    """As `expect`, until that name is forgotten."""
    _expected[name] = root, checksums


def forget(name: str) -> None:
    """Expect nothing more by a name."""
    _expected.pop(name, None)


def noted() -> dict[str, str | None] | None:
    """Where this thread's writing is noted by URL; None where nobody asks."""
    return _noted.get()


def note(url: str, content: bytes) -> None:
    """Note an object that is written beside Zarr's."""
    notes = noted()
    if notes is not None:
        notes[url] = checksum(content)


@contextmanager
def noting() -> Iterator[dict[str, str | None]]:
    """Checksums by URL of the objects that this thread writes to Zarr stores meanwhile."""
    notes: dict[str, str | None] = {}
    token = _noted.set(notes)
    try:
        yield notes
    finally:
        _noted.reset(token)


def hold(url: str, content: bytes | None) -> None:
    """Hold an object that was read against what is known of it.

    Raises
    ------
    DamagedChunk
        Where it is another one.
    """
    for root, checksums in _expected.values():
        path = url.removeprefix(f"{root}/")
        if path != url and path in checksums:
            require(url, checksums[path], checksum(content))


def known(url: str) -> set[str]:
    """Names below a URL of the objects whose checksum is known, also of those that are none."""
    found = set()
    for root, checksums in _expected.values():
        below = f"{url.removeprefix(f'{root}/')}/"
        if url.startswith(f"{root}/"):
            found |= {path.removeprefix(below) for path in checksums if path.startswith(below)}
    return found


def expected_at(url: str) -> tuple[str, Checksums] | None:
    """Root above a URL and checksums by path below it, as they were told last; None if never."""
    told = [item for item in _expected.values() if url.startswith(f"{item[0]}/")]
    return told[-1] if told else None


def require(url: str, expected: str | None, found: str | None) -> None:
    """Hold the checksum of an object against the one that is known.

    Raises
    ------
    DamagedChunk
        Where it is another one.
    """
    if found != expected:
        raise DamagedChunk(url, expected=_said(expected), found=_said(found), remedy=MADE_AGAIN)


def _said(value: str | None) -> str:
    return "no object" if value is None else f"an object of SHA-256 {value[:16]}..."
