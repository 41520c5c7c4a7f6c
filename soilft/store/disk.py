"""Files of a local disk that are whole, and outlast a power cut before anybody speaks of them."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterable
from pathlib import Path


def temporary_beside(path: str, content: bytes) -> Path:
    """A file with this content beside a path, to be given its name at once; its bytes are kept."""
    target = Path(path)
    _make_folder(target.parent)
    temporary = target.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def keep_name(path: str) -> None:
    """Let the name of a new file outlast a power cut, as its content does."""
    _sync(Path(path).parent)


def keep(root: str, paths: Iterable[str]) -> None:
    """Let files, and the folders that name them, outlast a power cut.

    Parameters
    ----------
    root
        A folder.
    paths
        Below it. Where one names no file, its folders alone are kept.
    """
    top = Path(root)
    folders: set[Path] = set()
    for path in (top / name for name in paths):
        folders.update(part for part in path.parents if part.is_relative_to(top) and part.is_dir())
        if path.is_file():
            _sync(path)
    for folder in sorted(folders, reverse=True):
        _sync(folder)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        # Some file systems know no fsync of a folder, and say so: the names in it are theirs.
        if not (path.is_dir() and error.errno in (errno.EINVAL, errno.EBADF, errno.ENOTSUP)):
            raise
    finally:
        os.close(number)
