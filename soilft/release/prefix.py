"""Prefix of a release: its objects written or copied, and checked against what was written.

Objects that a publication before left there, of the size that they are to have, are not sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from soilft.errors import ReleaseRefused
from soilft.release.shards import is_metadata
from soilft.release.staged import sha256
from soilft.store import objects
from soilft.store import zarr as store

# Requests under way at a time.
_AT_ONCE = 8


@dataclass(frozen=True)
class Prefix:
    """A prefix that is being written.

    Parameters
    ----------
    present
        Size of every object that lay there at first, by name.
    pool
        What requests are made on.
    expected
        Size of every object that is to lie there by name, as far as it is written.
    """

    url: str
    present: Mapping[str, int]
    pool: ThreadPoolExecutor
    expected: dict[str, int] = field(default_factory=dict)

    def create(self, name: str, content: bytes) -> None:
        """Write an object where there is none.

        Raises
        ------
        PreconditionFailed
            Where there is one of another content.
        """
        objects.create(objects.join(self.url, name), content)
        self.expected[name] = len(content)

    def create_all(self, contents: Mapping[str, bytes]) -> None:
        """Write several objects by name, as `create`."""
        _all(self.pool.map(lambda item: self.create(*item), contents.items()))

    def once(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON object, unless a publication that was killed has written it."""
        written = objects.read(objects.join(self.url, name))
        if written is None:
            self.create(name, objects.to_json(value))
        else:
            self.expected[name] = len(written)

    def write(self, folder: str, contents: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
        """Write objects of a folder as they come, and read each back.

        Returns
        -------
        dict
            Of each name ``sha256`` and ``size``, JSON values.

        Raises
        ------
        ReleaseRefused
            Where the store did not keep what it was given.
        """
        written: dict[str, dict[str, Any]] = {}

        def one(item: tuple[str, bytes]) -> None:
            name, content = item
            place = f"{folder}/{name}"
            written[name] = {"sha256": sha256(content), "size": len(content)}
            if self.present.get(place) != len(content):
                self.create(place, content)
            self._read_back(place, written[name]["sha256"])
            self.expected[place] = len(content)

        _all(_in_flight(self.pool, one, contents))
        return written

    def _read_back(self, name: str, expected: str) -> None:
        url = objects.join(self.url, name)
        found = sha256(objects.read(url) or b"")
        if found != expected:
            raise ReleaseRefused(
                url,
                expected=f"content of SHA-256 {expected}",
                found=found,
                remedy="The store did not keep what it was given. Publish again once it is sound.",
            )

    def copy(self, source: str, folder: str, sizes: Mapping[str, int]) -> None:
        """Copy objects by name into a folder; the store's own server does it where it is one."""

        def one(name: str) -> None:
            place = f"{folder}/{name}"
            if self.present.get(place) != sizes[name]:
                objects.copy(objects.join(source, name), objects.join(self.url, place))

        _all(self.pool.map(one, sizes))
        self.expected.update({f"{folder}/{name}": size for name, size in sizes.items()})

    def copy_all(self, source: str, folder: str, *, without_metadata: bool = False) -> None:
        """Copy all that lies below a URL into a folder, or all but Zarr's metadata."""
        sizes = {
            name: size
            for name, size in objects.listing(source).items()
            if not name.endswith(".partial") and not (without_metadata and is_metadata(name))
        }
        self.copy(source, folder, sizes)

    def check(self, *, but: Collection[str]) -> None:
        """Hold what lies under the prefix against what was to be written, but for some names.

        Raises
        ------
        ReleaseRefused
            Where an object is missing, of another size, or does not belong there.
        """
        found = {k: size for k, size in objects.listing(self.url).items() if k not in but}
        for name in sorted(found.keys() | self.expected.keys()):
            if found.get(name) != self.expected.get(name):
                raise ReleaseRefused(
                    objects.join(self.url, name),
                    expected=_size(self.expected.get(name)),
                    found=_size(found.get(name)),
                    remedy="Remove what does not belong to this release, and publish again.",
                )


@contextmanager
def opened(url: str) -> Iterator[Prefix]:
    """A prefix to write below, without what a write that was killed has left half."""
    store.sweep_partials(url)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield Prefix(url, objects.listing(url), pool)


def _size(value: int | None) -> str:
    return "no object" if value is None else f"an object of {value} bytes"


def _all(results: Iterator[Any]) -> None:
    """Wait for all, and raise what the first of them raised."""
    for _ in results:
        pass


def _in_flight(
    pool: ThreadPoolExecutor, function: Callable[[Any], None], items: Iterable[Any]
) -> Iterator[None]:
    """Run a function on items as they come, with no more of them in memory than run at a time."""
    waiting = []
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= 2 * _AT_ONCE:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()
