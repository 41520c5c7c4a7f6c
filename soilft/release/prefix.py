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
from soilft.release.staged import md5, sha256
from soilft.store import checksums, documents, objects
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
    sums
        SHA-256 of each of them.
    unsound
        Names of copies that are not what they are to be: to be written over.
    """

    url: str
    present: dict[str, int]
    pool: ThreadPoolExecutor
    expected: dict[str, int] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    unsound: set[str] = field(default_factory=set)

    def create(self, name: str, content: bytes) -> None:
        """Write an object where there is none.

        Raises
        ------
        PreconditionFailed
            Where there is one of another content.
        """
        objects.create(objects.join(self.url, name), content)
        self._know(name, content)

    def _know(self, name: str, content: bytes) -> None:
        self.expected[name], self.sums[name] = len(content), sha256(content)

    def create_all(self, contents: Mapping[str, bytes]) -> None:
        """Write several objects by name, as `create`."""
        _all(self.pool.map(lambda item: self.create(*item), contents.items()))

    def once(self, name: str, value: Mapping[str, Any], *, sealed: bool = False) -> None:
        """Write a JSON object, sealed or not, unless a publication that was killed has written it.

        Raises
        ------
        DamagedObject
            Where what was written cannot be read.
        """
        url = objects.join(self.url, name)
        written = objects.read(url)
        if written is None:
            self.create(name, objects.to_json(documents.sealed(value) if sealed else value))
            return
        documents.parsed(url, written, dict, "Remove it, and publish again.")
        self._know(name, written)

    def write(self, folder: str, contents: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
        """Write objects of a folder as they come, and read each back.

        Returns
        -------
        dict
            Of each name ``sha256``, ``md5`` and ``size``, JSON values.

        Raises
        ------
        ReleaseRefused
            Where the store did not keep what it was given.
        """
        written: dict[str, dict[str, Any]] = {}

        def one(item: tuple[str, bytes]) -> None:
            name, content = item
            place = f"{folder}/{name}"
            written[name] = {
                "sha256": sha256(content),
                "md5": md5(content),
                "size": len(content),
            }
            if place not in self.present and place not in self.unsound:
                self.create(place, content)
            elif (
                sha256(objects.read(objects.join(self.url, place)) or b"")
                != written[name]["sha256"]
            ):
                objects.write(objects.join(self.url, place), content)
            self._read_back(place, written[name]["sha256"])
            self.expected[place], self.sums[place] = len(content), written[name]["sha256"]

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

    def copy(self, source: str, folder: str, written: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Copy objects by name into a folder, and hold each copy against what was once written.

        The store's own server copies where it is one. Where it also states the MD5 of the copy,
        nothing is read; else the copy is.

        Parameters
        ----------
        written
            As `write` returned it, when the objects were written.

        Returns
        -------
        list of str
            Names of those that are not as they were written; `write` writes over their copies, for
            which nobody needs the right to delete.
        """

        def one(name: str) -> bool:
            place, said = f"{folder}/{name}", written[name]
            url = objects.join(self.url, place)
            if self.present.get(place) != said["size"]:
                try:
                    objects.copy(objects.join(source, name), url)
                except FileNotFoundError:
                    return False
            stated = objects.stated_md5(url)
            if stated is not None and stated == said.get("md5"):
                return True
            return bool(sha256(objects.read(url) or b"") == said["sha256"])

        sound = dict(zip(written, self.pool.map(one, written), strict=True))
        bad = [name for name, ok in sound.items() if not ok]
        for name, said in written.items():
            place = f"{folder}/{name}"
            if bad:  # all are written again, perhaps to other bytes of the same values
                self.unsound.add(place)
            else:
                self.expected[place], self.sums[place] = int(said["size"]), str(said["sha256"])
        return bad

    def copy_all(self, source: str, folder: str, *, without_metadata: bool = False) -> None:
        """Copy all that lies below a URL into a folder, or all but Zarr's metadata.

        Raises
        ------
        DamagedChunk
            Where an object is not as the stage that made it has written it.
        """

        def belongs(name: str) -> bool:
            return not (name.endswith(".partial") or (without_metadata and is_metadata(name)))

        sizes = {n: size for n, size in objects.listing(source).items() if belongs(n)}

        def one(name: str) -> None:
            place = f"{folder}/{name}"
            url = objects.join(self.url, place)
            objects.copy(objects.join(source, name), url)
            copied = objects.read(url)
            checksums.hold(objects.join(source, name), copied)
            self.expected[place], self.sums[place] = sizes[name], sha256(copied or b"")

        _all(self.pool.map(one, sizes))
        for name in filter(belongs, checksums.known(source) - sizes.keys()):
            checksums.hold(objects.join(source, name), None)

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
