"""Checksums of stored chunks: noted as chunks are written, held against what is read.

A checksum is the SHA-256 of an object as it lies in the store, or None for a chunk that has no
object, because all of it is fill. Whoever knows what was written below a root says so with `expect`
for as long as this process reads there; `soilft.store.handles` hands every store that it opens to
`reading` or `writing`. Objects that nobody noted are read as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import WrapperStore

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


def note(url: str, content: bytes) -> None:
    """Note an object that is written beside Zarr's."""
    noted = _noted.get()
    if noted is not None:
        noted[url] = checksum(content)


@contextmanager
def noting() -> Iterator[dict[str, str | None]]:
    """Checksums by URL of the objects that this thread writes to Zarr stores meanwhile."""
    noted: dict[str, str | None] = {}
    token = _noted.set(noted)
    try:
        yield noted
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
            _require(url, checksums[path], checksum(content))


def known(url: str) -> set[str]:
    """Names below a URL of the objects whose checksum is known, also of those that are none."""
    found = set()
    for root, checksums in _expected.values():
        below = f"{url.removeprefix(f'{root}/')}/"
        if url.startswith(f"{root}/"):
            found |= {path.removeprefix(below) for path in checksums if path.startswith(below)}
    return found


def _require(url: str, expected: str | None, found: str | None) -> None:
    if found != expected:
        raise DamagedChunk(url, expected=_said(expected), found=_said(found), remedy=MADE_AGAIN)


def reading(inner: Store, url: str) -> Store:
    """A store to read from, held against what is known of its objects."""
    for root, checksums in reversed(_expected.values()):
        if url.startswith(f"{root}/"):
            return _Held(inner, f"{url.removeprefix(root).strip('/')}/", checksums, root)
    return inner


def writing(inner: Store, url: str) -> Store:
    """A store to write to; what is written is noted where anybody asks."""
    noted = _noted.get()
    return inner if noted is None else _Noting(inner, f"{url.rstrip('/')}/", noted)


class _Noting(WrapperStore[Store]):
    """A store that notes the checksum of each object written."""

    def __init__(self, store: Store, prefix: str, noted: dict[str, str | None]) -> None:
        super().__init__(store)
        self.prefix, self.noted = prefix, noted

    def _with_store(self, store: Store) -> _Noting:
        return _Noting(store, self.prefix, self.noted)

    async def set(self, key: str, value: Buffer) -> None:
        await self._store.set(key, value)
        self.noted[self.prefix + key] = checksum(value.to_bytes())

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        await self._store.set_if_not_exists(key, value)
        kept = await self._store.get(key, default_buffer_prototype())
        self.noted[self.prefix + key] = None if kept is None else checksum(kept.to_bytes())

    async def _set_many(self, values: Iterable[tuple[str, Buffer]]) -> None:
        for key, value in values:
            await self.set(key, value)

    async def delete(self, key: str) -> None:
        await self._store.delete(key)
        self.noted[self.prefix + key] = None


class _Held(WrapperStore[Store]):
    """A store whose objects are held against their checksums as they are read.

    Of an object that is asked for in parts, the whole is read and held the first time.
    """

    def __init__(self, store: Store, prefix: str, checksums: Checksums, root: str) -> None:
        super().__init__(store)
        self.prefix, self.checksums, self.root = prefix, checksums, root
        self.sound: set[str] = set()

    def _with_store(self, store: Store) -> _Held:
        return _Held(store, self.prefix, self.checksums, self.root)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        place = self.prefix + key
        if place not in self.checksums or (byte_range is not None and key in self.sound):
            return await self._store.get(key, prototype, byte_range)
        whole = await self._store.get(key, prototype)
        found = None if whole is None else checksum(whole.to_bytes())
        _require(f"{self.root}/{place}", self.checksums[place], found)
        self.sound.add(key)
        return whole if whole is None or byte_range is None else _part(whole, byte_range)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        asked = [self.get(key, prototype, byte_range) for key, byte_range in key_ranges]
        return list(await asyncio.gather(*asked))

    async def _get_many(
        self, requests: Iterable[tuple[str, BufferPrototype, ByteRequest | None]]
    ) -> Any:
        for key, prototype, byte_range in requests:
            yield key, await self.get(key, prototype, byte_range)


def _part(whole: Buffer, asked: ByteRequest) -> Buffer:
    match asked:
        case RangeByteRequest():
            return whole[asked.start : asked.end]
        case OffsetByteRequest():
            return whole[asked.offset :]
        case SuffixByteRequest():
            return whole[max(len(whole) - asked.suffix, 0) :]


def _said(value: str | None) -> str:
    return "no object" if value is None else f"an object of SHA-256 {value[:16]}..."
