"""The one exception of this package."""


class ClusterError(Exception):
    """A cluster could not be described, started or joined.

    Every part is kept as an attribute, so that a caller decides by `code` and a person reads the
    message. The parts are positional, which lets the error travel between processes by pickle.

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
    >>> str(ClusterError("cluster.invalid_spec", "workers", "1 or more", "0", "Set workers."))
    'workers: expected 1 or more, found 0. Set workers. [cluster.invalid_spec]'
    """

    def __init__(self, code: str, thing: str, expected: str, found: str, remedy: str) -> None:
        super().__init__(code, thing, expected, found, remedy)
        self.code = code
        self.thing = thing
        self.expected = expected
        self.found = found
        self.remedy = remedy

    def __str__(self) -> str:
        return (
            f"{self.thing}: expected {self.expected}, found {self.found}. "
            f"{self.remedy} [{self.code}]"
        )
