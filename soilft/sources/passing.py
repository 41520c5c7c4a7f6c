"""Failures of reading that pass, and say nothing of the file that was read."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from soilft.errors import StoreError, StorePermission

# What an operating system says of a file or its name; all else that it numbers is of the moment: a
# lock, a mount that is gone, rights that were taken, no room.
_OF_THE_FILE = frozenset(
    {
        errno.EFBIG,
        errno.EINVAL,
        errno.EISDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EOVERFLOW,
    }
)
# HDF5 tells the number in its text alone: "(file read failed: ..., errno = 5, error message = ...".
_NUMBER = re.compile(r"\berrno = (\d+)")


def passing(error: BaseException) -> str | None:
    """What hindered a read and may pass; None where it is the fault of the file."""
    for cause in _causes(error):
        if isinstance(cause, StorePermission):
            return None
        if isinstance(cause, StoreError):
            return str(cause)
        number = cause.errno if isinstance(cause, OSError) else None
        said = _NUMBER.search(str(cause))
        for told in (number, None if said is None else int(said[1])):
            # The libraries of NetCDF number their own errors below zero.
            if told is not None and told > 0 and told not in _OF_THE_FILE:
                return str(cause)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
