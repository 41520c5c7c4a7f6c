"""Zarr's own store objects for URLs: their errors explained, their bytes noted or held."""

from __future__ import annotations

from contextlib import suppress

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import FsspecStore, LocalStore

from soilft.store import checksums, objects


def handle(url: str, *, read_only: bool = False) -> Store:
    """Zarr's store object for a URL; `soilft.store.checksums` looks at what passes through it."""
    inner = _plain_store(url, read_only=read_only)
    return checksums.reading(inner, url) if read_only else checksums.writing(inner, url)


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
