"""Objects of a release as a browser asks for them: by path, and by range of bytes.

Nothing here knows HTTP's wires; `pipelines.cli.view` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from soilft.errors import StoreError
from soilft.release import page as viewer
from soilft.release.inventory import CUBE
from soilft.release.publication import latest
from soilft.release.shards import ROOT
from soilft.store import documents, objects

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
# What is in memory of an object at a time.
PIECE_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Span:
    """Bytes of an object: the first, and one past the last."""

    start: int
    stop: int


class OutsideOfObject(ValueError):
    """A range that holds no byte of the object."""


def span_of(header: str | None, size: int) -> Span | None:
    """Bytes that a ``Range`` header asks for; None where the whole object is the answer (RFC 9110).

    Other units are to be ignored, and several ranges may be; ranges that none can be are refused.

    Raises
    ------
    OutsideOfObject
        Where the object has none of them.

    Examples
    --------
    >>> span_of("bytes=2-4", 10), span_of("bytes=-3", 10), span_of(None, 10)
    (Span(start=2, stop=5), Span(start=7, stop=10), None)
    """
    header = "".join((header or "").split()).lower()
    if not header.startswith("bytes=") or "," in header:
        return None
    asked = _RANGE.fullmatch(header)
    if asked is None or asked.groups() == ("", ""):
        raise OutsideOfObject("The header Range is none.")
    first, last = asked.groups()
    if first == "":
        start, stop = size - _at_most(last, size), size
    else:
        start, stop = _at_most(first, size), size if last == "" else _at_most(last, size - 1) + 1
    if start >= stop:
        raise OutsideOfObject(f"None of {size} bytes lies in that range.")
    return Span(start, stop)


def _at_most(digits: str, most: int) -> int:
    """A number, or the largest that counts: Python refuses to read thousands of digits."""
    digits = digits.lstrip("0") or "0"
    return most if len(digits) > len(str(max(most, 0))) else min(int(digits), most)


@dataclass(frozen=True)
class Answer:
    """An object that answers a path.

    Parameters
    ----------
    url
        Where it is; None where `content` is all of it.
    """

    size: int
    url: str | None = None
    content: bytes = b""

    def pieces(self, span: Span | None) -> Iterator[bytes]:
        """Bytes of the object in pieces, all where ``span`` is None: objects may be large."""
        whole = span or Span(0, self.size)
        for start in range(whole.start, whole.stop, PIECE_BYTES):
            yield self._read(start, min(start + PIECE_BYTES, whole.stop))

    def _read(self, start: int, stop: int) -> bytes:
        if self.url is None:
            return self.content[start:stop]
        fs, path = objects.filesystem(self.url)
        with objects.explained(self.url):
            return bytes(fs.cat_file(path, start=start, end=stop))


@dataclass(frozen=True)
class Served:
    """What a browser may read: a cube, and what lies beside it where it is a release.

    Parameters
    ----------
    cube
        URL of the cube.
    beside
        URL of its release; None for a cube by itself.
    """

    cube: str
    beside: str | None

    @classmethod
    def of(cls, path: str) -> Served:
        """Find the cube that a path means: a store, a release or a cube.

        Raises
        ------
        StoreError
            Where there is no cube, naming what is there instead.
        """
        path = path.rstrip("/")
        fs, place = objects.filesystem(path)
        with objects.explained(path):
            is_file = bool(fs.isfile(place))
        pointer = None if is_file else latest(path)
        if pointer is not None:
            path = objects.join(path, pointer["cube"]).removesuffix(f"/{CUBE}")
        if not is_file and _is_cube(objects.join(path, CUBE)):
            return cls(objects.join(path, CUBE), path)
        if not is_file and _is_cube(path):
            release, _, name = path.rpartition("/")
            is_release = name == CUBE and objects.exists(objects.join(release, "release.json"))
            return cls(path, release if is_release else None)
        raise StoreError(
            path,
            expected="a store with latest.json, a release with cube.zarr, or a cube",
            found="a file" if is_file else _found(path),
        )

    def answer(self, path: str) -> Answer | None:
        """The object that answers the path of a URL, None where there is none.

        Parameters
        ----------
        path
            As the browser sent it, percent-encoded, without a query.
        """
        parts = unquote(path).removeprefix("/").split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            return None
        name = "/".join(parts)
        if parts[0] == CUBE:
            return _object(self.cube, "/".join(parts[1:]))
        found = None if self.beside is None else _object(self.beside, name)
        if found is not None:
            return found
        if name in viewer.files():
            content = viewer.files()[name]
            return Answer(len(content), content=content)
        # The page asks what else the release holds; a cube by itself has nothing to tell.
        return Answer(2, content=b"{}") if name == "release.json" else None


def _object(root: str, name: str) -> Answer | None:
    fs, base = objects.filesystem(root)
    place = f"{base.rstrip('/')}/{name}"
    if objects.is_local(root) and not Path(place).resolve().is_relative_to(Path(base).resolve()):
        return None  # a link that leads out of the release
    with objects.explained(root):
        try:
            info: dict[str, Any] = fs.info(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
    url = objects.join(root, name)
    return None if info["type"] != "file" else Answer(objects.size_of(url, info), url)


def _is_cube(url: str) -> bool:
    said = documents.read(objects.join(url, ROOT), {"?consolidated_metadata": {"?metadata": dict}})
    held = ((said or {}).get("consolidated_metadata") or {}).get("metadata") or {}
    return "freeze_thaw_state" in held


def _found(url: str) -> str:
    names = sorted({name.split("/")[0] for name in objects.listing(url)})
    if not names:
        return "nothing"
    more = ", …" if len(names) > 6 else ""
    return f"{', '.join(names[:6])}{more}"
