"""Zarr's own store objects for URLs: their errors explained, their bytes noted or held."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import FsspecStore, LocalStore, WrapperStore

from soilft.store import checksums, objects
from soilft.store.checksums import Checksums


def handle(url: str, *, read_only: bool = False) -> Store:
    """Zarr's store object for a URL.

    What is read is held against what is known of it (`checksums.expect`), what is written is noted
    where anybody asks (`checksums.noting`).
    """
    inner = _plain_store(url, read_only=read_only)
    if not read_only:
        noted = checksums.noted()
        return inner if noted is None else _Noting(inner, f"{url.rstrip('/')}/", noted)
    told = checksums.expected_at(url)
    if told is None:
        return inner
    root, known = told
    return _Held(inner, f"{url.removeprefix(root).strip('/')}/", known, root)


def _plain_store(url: str, *, read_only: bool) -> Store:
    fs, path = objects.filesystem(url)
    if objects.is_local(url):
        return LocalStore(path, read_only=read_only)
    fs_async = type(fs)(**{**fs.storage_options, "asynchronous": True})
    return _Explained(fs_async, path=path, read_only=read_only)


class _Explained(FsspecStore):
    """Zarr's store of objects, whose errors name the object and the remedy wherever it is read."""

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        with objects.explained(self._url(key)):
            return await super().get(key, prototype, byte_range)

    async def set(self, key: str, value: Buffer, byte_range: tuple[int, int] | None = None) -> None:
        with objects.explained(self._url(key)):
            await super().set(key, value, byte_range)

    async def delete(self, key: str) -> None:
        # As Zarr would do it, s3fs is silent where the server keeps the object: the chunk of before
        # would be read where nothing is.
        with objects.explained(self._url(key)), suppress(FileNotFoundError):
            await self.fs._rm_file(objects.join(self.path, key))  # noqa: SLF001

    def _url(self, key: str) -> str:
        return str(self.fs.unstrip_protocol(objects.join(self.path, key)))


class _Noting(WrapperStore[Store]):
    """A store that notes the checksum of each object written."""

    def __init__(self, store: Store, prefix: str, noted: dict[str, str | None]) -> None:
        super().__init__(store)
        self.prefix, self.noted = prefix, noted

    def _with_store(self, store: Store) -> _Noting:
        return _Noting(store, self.prefix, self.noted)

    async def set(self, key: str, value: Buffer) -> None:
        await self._store.set(key, value)
        self.noted[self.prefix + key] = checksums.checksum(value.to_bytes())

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        await self._store.set_if_not_exists(key, value)
        kept = await self._store.get(key, default_buffer_prototype())
        self.noted[self.prefix + key] = (
            None if kept is None else checksums.checksum(kept.to_bytes())
        )

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

    def __init__(self, store: Store, prefix: str, known: Checksums, root: str) -> None:
        super().__init__(store)
        self.prefix, self.known, self.root = prefix, known, root
        self.sound: set[str] = set()

    def _with_store(self, store: Store) -> _Held:
        return _Held(store, self.prefix, self.known, self.root)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        place = self.prefix + key
        if place not in self.known or (byte_range is not None and key in self.sound):
            return await self._store.get(key, prototype, byte_range)
        whole = await self._store.get(key, prototype)
        found = None if whole is None else checksums.checksum(whole.to_bytes())
        checksums.require(f"{self.root}/{place}", self.known[place], found)
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
