"""Files that a URL pattern matches, through symbolic links.

fsspec's local file system calls a link ``other`` and does not look into linked folders, so that
granules spread over several disks would be passed over: paths of this machine are walked here.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from fsspec.core import has_magic
from fsspec.implementations.local import LocalFileSystem

from soilft.store import objects

Kind = Literal["file", "folder", "closed", "nothing"]
# A link that leads nowhere, through a file, or to itself.
_DANGLING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class Match:
    """What a pattern matched; a link counts as what it leads to, under its own name.

    Parameters
    ----------
    path
        As the file system names it.
    kind
        ``"nothing"`` for a link that leads nowhere, ``"closed"`` for a folder in the way that may
        not be listed.
    size
        Bytes of a file.
    stamp
        ETag or time of modification.
    """

    url: str
    path: str
    kind: Kind
    size: int
    stamp: str


def matches(pattern: str) -> list[Match]:
    """Files and folders that a URL pattern matches, by path.

    ``*``, ``?`` and ``[...]`` stand for a part of a name, ``**`` for any number of folders. Loops
    of links end: a folder to which several names lead is looked through once. Links that lead
    nowhere are given wherever they stand in the way, for what is lost may be a folder of files.

    Raises
    ------
    StorePermission, StoreError
        Where a folder cannot be listed.
    """
    fs, path = objects.filesystem(pattern)
    with objects.explained(pattern):
        if isinstance(fs, LocalFileSystem):
            return _described(_matched(Path("/"), tuple(filter(None, path.split("/"))), set()))
        found = fs.glob(path, detail=True)
    return [
        Match(
            str(fs.unstrip_protocol(name)),
            name,
            "folder" if info["type"] == "directory" else "file",
            int(info["size"] or 0),
            str(info.get("ETag") or info.get("mtime") or ""),
        )
        for name, info in sorted(found.items())
    ]


def files_below(folder: str) -> list[Match]:
    """Every file below a folder of this machine, and links that lead nowhere, by path."""
    with objects.explained(folder):
        found = _described(_matched(Path(folder), ("**", "*"), set()))
        for match in found:
            if match.kind == "closed":
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), match.path)
    return [match for match in found if match.kind != "folder"]


def _described(paths: Iterator[Path]) -> list[Match]:
    made = []
    for path in sorted(set(paths), key=str):
        about = _status(path)
        if about is not None:
            kind: Kind = "file"
            if stat.S_ISDIR(about.st_mode):
                kind = "folder" if os.access(path, os.R_OK | os.X_OK) else "closed"
            stamp = str(about.st_mtime or "")
            made.append(Match(str(path), str(path), kind, about.st_size, stamp))
        elif path.is_symlink():  # else it went meanwhile
            made.append(Match(str(path), str(path), "nothing", 0, ""))
    return made


def _matched(
    folder: Path, segments: tuple[str, ...], seen: set[tuple[str, tuple[str, ...]]]
) -> Iterator[Path]:
    """Paths below a folder that match the segments of a pattern."""
    at = (os.path.realpath(folder), segments)
    if at in seen:
        return
    seen.add(at)
    first, *rest = segments
    if first == "**":
        yield from _matched(folder, tuple(rest) or ("*",), seen)
    for path in _children(folder, "*" if first == "**" else first):
        if not rest and first != "**":
            yield path
        elif _is_folder(path):
            # One that nobody named, such as lost+found, does not hide the others.
            if has_magic(first) and not os.access(path, os.R_OK | os.X_OK):
                yield path
                continue
            yield from _matched(path, segments if first == "**" else tuple(rest), seen)
        elif leads_nowhere(path):
            yield path


def _children(folder: Path, name: str) -> list[Path]:
    """Paths in a folder with a name like one, links last."""
    if not has_magic(name):
        path = folder / name
        return [path] if path.is_symlink() or _status(path) is not None else []
    try:
        with os.scandir(folder) as entries:
            found = sorted((e.is_symlink(), e.name) for e in entries if fnmatchcase(e.name, name))
    except (FileNotFoundError, NotADirectoryError):  # it went meanwhile
        return []
    return [folder / name for _, name in found]


def _is_folder(path: Path) -> bool:
    about = _status(path)
    return about is not None and stat.S_ISDIR(about.st_mode)


def leads_nowhere(path: Path) -> bool:
    """Whether a path of this machine is a link to nothing, or to itself."""
    return path.is_symlink() and _status(path) is None


def _status(path: Path) -> os.stat_result | None:
    """What a path leads to; None where that is nothing."""
    try:
        return path.stat()
    except OSError as error:
        if error.errno not in _DANGLING:
            raise
        return None
