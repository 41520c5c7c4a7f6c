"""Description of a cluster, as a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cluster import registry
from cluster.errors import ClusterError

#: A worker that has done nothing yet holds about 150 MB; below this limit it only restarts.
SMALLEST_WORKER_BYTES = 256 * 2**20

#: Names and values, sorted by name; a mapping that can be part of a frozen value.
Pairs = tuple[tuple[str, str], ...]

SpotPolicy = Literal["never", "fallback", "only"]
SPOT_POLICIES: tuple[SpotPolicy, ...] = ("never", "fallback", "only")

#: Names of what no message shows.
SECRET = re.compile(
    r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|ACCESS_KEY|PRIVATE_KEY|API_KEY|SIGNATURE",
    re.IGNORECASE,
)
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
#: Objects made of a cluster's name append to it, and names end at 63 characters.
LONGEST_NAME = 40
_EGRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}/\d{1,2}:\d{1,5}")


def pairs(mapping: Mapping[str, str]) -> Pairs:
    """Give a mapping as sorted pairs.

    >>> pairs({"b": "2", "a": "1"})
    (('a', '1'), ('b', '2'))
    """
    return tuple(sorted(mapping.items()))


def _invalid(field: str, expected: str, found: object) -> ClusterError:
    return ClusterError(
        "cluster.invalid_spec",
        f"cluster {field}",
        expected=expected,
        found=repr(found),
        remedy=f"Correct '{field}' in the cluster settings.",
    )


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint of Kubernetes nodes that pods put up with.

    Parameters
    ----------
    key
        Key of the taint, such as ``cloud.google.com/gke-spot``.
    value
        Its value; None tolerates any.
    effect
        ``NoSchedule``, ``PreferNoSchedule`` or ``NoExecute``; None tolerates any.
    """

    key: str
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A description of a cluster: complete, checked and unchangeable.

    A kind uses the fields that mean something there: ``local`` has no image, ``address`` has
    nothing but its address.

    Parameters
    ----------
    kind
        How the cluster comes to be: ``local`` starts worker processes on this machine, ``address``
        joins a scheduler that somebody else runs, ``kubernetes`` and ``coiled`` start one there.
    workers
        Number of worker processes. Where the cluster is joined, not started, the number is the
        owner's, and this field is not used.
    threads
        Threads a worker. One is right for work that holds the interpreter lock or declares its
        peak memory by task: with two threads, two peaks meet in one limit.
    cores
        Cores a worker is given where machines are shared; default: as many as it has threads.
    memory
        Memory limit of one worker, as a quantity with unit: ``"4GiB"``, ``"800MB"``. Where the
        cluster is joined it is not enforced; ask ``cluster.worker_memory_limit`` what holds.
    image
        Container image of scheduler, workers and runner, such as ``registry/soilft:0.3.0-py3.13``.
    environment
        Variables of scheduler and workers, as `pairs`. Secrets are refused: name the object that
        holds them in ``secrets``.
    secrets
        Names of Kubernetes Secrets whose keys become variables of workers and runner.
    spot
        Machines that may be taken away: ``never``, ``fallback`` (others where there are none),
        ``only``. Scheduler and runner never go there.
    idle_timeout
        Seconds without work after which the cluster ends by itself.
    tls
        Whether everything on Kubernetes talks over TLS. Coiled always does; the scheme of
        ``address`` says it there.
    tags
        Labels of what is started, as `pairs`: what a bill is told apart by.
    node_selectors
        Labels, as `pairs`, of the nodes that workers may run on.
    tolerations
        Taints of nodes that workers put up with.
    name
        Name of the cluster; default: ``soilft-`` and eight random letters.
    namespace
        Kubernetes namespace; default: that of the current context.
    service_account
        Existing account of the pods, such as one with a cloud identity; default: a fresh one.
    egress
        Where pods may connect to beside each other: ``CIDR:port`` of the store and the archives.
    region
        Cloud region (Coiled): that of the bucket.
    workspace
        Workspace (Coiled); default: that of the login.
    address
        Scheduler address, such as ``tls://10.0.0.5:8786``. Given exactly when kind is ``address``.
    connect_timeout
        Seconds until a scheduler and its first worker must have answered.
    dashboard
        Whether a started cluster serves its dashboard, on a free port of the loopback device.
    local_directory
        Where local workers spill and keep scratch files. Default: the engine's own choice.

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
    cores: float | None = None
    memory: str = "4GiB"
    image: str | None = None
    environment: Pairs = ()
    secrets: tuple[str, ...] = ()
    spot: SpotPolicy = "never"
    idle_timeout: float = 1800.0
    tls: bool = True
    tags: Pairs = ()
    node_selectors: Pairs = ()
    tolerations: tuple[Toleration, ...] = ()
    name: str | None = None
    namespace: str | None = None
    service_account: str | None = None
    egress: tuple[str, ...] = ("0.0.0.0/0:443",)
    region: str | None = None
    workspace: str | None = None
    address: str | None = None
    connect_timeout: float = 30.0
    dashboard: bool = False
    local_directory: Path | None = None

    def __post_init__(self) -> None:
        registry.module_path(self.kind)
        self._check_size()
        self._check_address()
        self._check_surroundings()

    def _check_size(self) -> None:
        if self.workers < 1:
            raise _invalid("workers", "1 or more", self.workers)
        if self.threads < 1:
            raise _invalid("threads", "1 or more", self.threads)
        if self.cores is not None and not 0 < self.cores < float("inf"):
            raise _invalid("cores", "a positive number of cores", self.cores)
        for field in ("connect_timeout", "idle_timeout"):
            if not 0 < getattr(self, field) < float("inf"):
                raise _invalid(field, "a positive number of seconds", getattr(self, field))
        if self.worker_memory_bytes < SMALLEST_WORKER_BYTES:
            raise _invalid("memory", "256MiB or more", self.memory)
        if self.spot not in SPOT_POLICIES:
            raise _invalid("spot", "one of: " + ", ".join(SPOT_POLICIES), self.spot)

    def _check_address(self) -> None:
        if (self.kind == "address") != (self.address is not None):
            raise _invalid("address", "an address exactly when kind is 'address'", self.address)
        if self.address is not None and "://" not in self.address:
            raise _invalid("address", "protocol://host:port", self.address)

    def _check_surroundings(self) -> None:
        if self.kind == "kubernetes" and not self.image:
            raise _invalid("image", "the image that pods run, here or in SOILFT_IMAGE", self.image)
        if self.name is not None and not (
            _NAME.fullmatch(self.name) and len(self.name) <= LONGEST_NAME
        ):
            expected = f"at most {LONGEST_NAME} small letters, digits and hyphens, a letter first"
            raise _invalid("name", expected, self.name)
        for name, _ in self.environment:
            if SECRET.search(name):
                # The value is a secret, and no message shows it.
                raise _invalid("environment", "no secrets: name their object in 'secrets'", name)
        for rule in self.egress:
            if not _EGRESS.fullmatch(rule):
                raise _invalid("egress", "CIDR:port, such as 10.0.0.0/8:9000", rule)

    @property
    def worker_memory_bytes(self) -> int:
        """Memory limit of one worker, in bytes."""
        from dask.utils import parse_bytes

        try:
            return int(parse_bytes(self.memory))
        except ValueError:
            raise _invalid("memory", "a size such as '4GiB'", self.memory) from None

    @property
    def worker_cores(self) -> float:
        """Cores of one worker."""
        return self.threads if self.cores is None else self.cores
