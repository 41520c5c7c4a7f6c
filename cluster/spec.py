"""What a cluster should be, as a value."""

from dataclasses import dataclass
from pathlib import Path

from dask.utils import parse_bytes

from cluster import registry
from cluster.errors import ClusterError

#: A worker that has done nothing yet holds about 150 MB; below this limit it only restarts.
SMALLEST_WORKER_BYTES = 256 * 2**20


def _invalid(field: str, expected: str, found: object) -> ClusterError:
    return ClusterError(
        "cluster.invalid_spec",
        f"cluster {field}",
        expected,
        repr(found),
        f"Correct '{field}' in the cluster settings.",
    )


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A description of a cluster: complete, checked and unchangeable.

    Parameters
    ----------
    kind
        How the cluster comes to be: ``local`` starts worker processes on this machine, ``address``
        joins a scheduler that somebody else runs.
    workers
        Number of worker processes. Where the cluster is joined, not started, the number is the
        owner's, and this field is not used.
    threads
        Threads a worker. One is right for work that holds the interpreter lock or declares its
        peak memory by task: with two threads, two peaks meet in one limit.
    memory
        Memory limit of one worker, as a quantity with unit: ``"4GiB"``, ``"800MB"``. Where the
        cluster is joined it is not enforced; ask ``cluster.worker_memory_limit`` what holds.
    address
        Scheduler address, such as ``tcp://10.0.0.5:8786``. Given exactly when kind is ``address``.
    connect_timeout
        Seconds until a scheduler and its first worker must have answered.
    dashboard
        Whether a started cluster serves its dashboard, on a free port of the loopback device.
    local_directory
        Where workers spill and keep scratch files. Default: the engine's own choice.

    Raises
    ------
    ClusterError
        ``cluster.invalid_spec`` or ``cluster.unknown_kind``, naming the field.

    Examples
    --------
    >>> ClusterSpec(kind="local", workers=2, memory="2GiB").worker_memory_bytes
    2147483648
    """

    kind: str = "local"
    workers: int = 1
    threads: int = 1
    memory: str = "4GiB"
    address: str | None = None
    connect_timeout: float = 30.0
    dashboard: bool = False
    local_directory: Path | None = None

    def __post_init__(self) -> None:
        registry.module_path(self.kind)
        if self.workers < 1:
            raise _invalid("workers", "1 or more", self.workers)
        if self.threads < 1:
            raise _invalid("threads", "1 or more", self.threads)
        if not 0 < self.connect_timeout < float("inf"):
            raise _invalid("connect_timeout", "a positive number of seconds", self.connect_timeout)
        if self.worker_memory_bytes < SMALLEST_WORKER_BYTES:
            raise _invalid("memory", "256MiB or more", self.memory)
        if (self.kind == "address") != (self.address is not None):
            raise _invalid("address", "an address exactly when kind is 'address'", self.address)
        if self.address is not None and "://" not in self.address:
            raise _invalid("address", "protocol://host:port", self.address)

    @property
    def worker_memory_bytes(self) -> int:
        """Memory limit of one worker, in bytes."""
        try:
            return int(parse_bytes(self.memory))
        except ValueError:
            raise _invalid("memory", "a size such as '4GiB'", self.memory) from None
