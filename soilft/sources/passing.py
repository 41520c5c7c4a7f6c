"""Failures of reading that pass, and say nothing of the file that was read."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from soilft.errors import StoreError, StorePermission

# What an operating system says of a moment, and not of a file.
_PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EHOSTUNREACH,
        errno.EINTR,
        errno.EIO,
        errno.EMFILE,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENFILE,
        errno.ENOLCK,
        errno.ENOMEM,
        errno.EPIPE,
        errno.ESTALE,
        errno.ETIMEDOUT,
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
        if number in _PASSING or (said is not None and int(said[1]) in _PASSING):
            return str(cause)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
