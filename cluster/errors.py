"""The one error of this package, with a code for each case."""

from __future__ import annotations

from soilft.errors import SoilftError


class ClusterError(SoilftError):
    """A cluster could not be described, started or joined.

    Parameters
    ----------
    code
        Stable name of the case, such as ``cluster.unreachable``. Codes are never renamed.
    thing
        What the error is about: a field of the specification, an address.
    expected, found
        What was asked for, and what was there instead.
    remedy
        What the reader can do about it.

    Examples
    --------
    >>> parts = {"expected": "1 or more", "found": "0", "remedy": "Set workers."}
    >>> str(ClusterError("cluster.invalid_spec", "workers", **parts))
    'workers: expected 1 or more, found 0. Set workers. [cluster.invalid_spec]'
    """

    def __init__(self, code: str, thing: str, *, expected: str, found: str, remedy: str) -> None:
        super().__init__(thing, expected=expected, found=found, remedy=remedy)
        self.code = code

    def __str__(self) -> str:
        return f"{super().__str__()} [{self.code}]"
