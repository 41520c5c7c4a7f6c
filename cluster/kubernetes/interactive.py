"""Clusters on Kubernetes for the length of a block: made by the operator, joined from outside."""

# distributed and dask-kubernetes are typed in part only.
# mypy: disable-error-code="no-untyped-call"

import secrets
import signal
import string
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, TypeVar

from dask_kubernetes.operator import KubeCluster
from dask_kubernetes.operator.networking import get_scheduler_address
from distributed import Client, Security
from distributed.core import rpc

from cluster import certificates, workers
from cluster.errors import ClusterError
from cluster.kubernetes import api, render
from cluster.kubernetes.pods import Manifest
from cluster.spec import ClusterSpec

Made = TypeVar("Made")


@contextmanager
def start(spec: ClusterSpec) -> Iterator[Client]:
    """Create a DaskCluster, join it, and delete it at the end.

    ``client.cluster.scale(n)`` changes the number of workers. The operator ends a cluster that has
    been idle for ``spec.idle_timeout``, so one whose client was killed outright ends, too. Adaptive
    scaling is not offered: it was not seen to act.

    Raises
    ------
    ClusterError
        ``cluster.no_kubernetes`` where no server answers, ``cluster.refused`` where it refuses an
        object, ``cluster.start_failed`` where the scheduler does not come up in time and
        ``cluster.no_workers`` where no worker does, both with the state of the pods.
    """
    namespace = api.default_namespace(spec.namespace)
    name = spec.name or made_up_name()
    deadline = time.monotonic() + spec.connect_timeout
    pair = certificates.make() if spec.tls else None
    security = pair.security() if pair is not None else Security()
    with _ended_by_sigterm(), ExitStack() as stack:
        for manifest in _objects(spec, name, namespace, pair):
            stack.callback(api.delete, api.create(manifest))
        _wait_for_scheduler(name, namespace, deadline, spec)
        joined = _within(
            max(deadline - time.monotonic(), 1.0),
            lambda: _Joined.from_name(
                name,
                namespace=namespace,
                # None asks for the service's name first, twenty times; outside that never works.
                # It can be left out when the question costs less than these 20 s.
                port_forward_cluster_ip=True,
                quiet=True,
                security=security,
            ),
            lambda: _failed(name, namespace, spec, "a scheduler that can be joined"),
        )
        stack.callback(joined.close)
        client = stack.enter_context(Client(joined, security=security, set_as_default=False))
        try:
            workers.wait_for_one(client, max(deadline - time.monotonic(), 1.0))
        except TimeoutError as error:
            raise _no_workers(name, namespace, spec, str(error)) from error
        yield client


def made_up_name() -> str:
    """Give a name that nobody has."""
    return "soilft-" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))


def _objects(
    spec: ClusterSpec, name: str, namespace: str, pair: certificates.Certificates | None
) -> Iterator[Manifest]:
    if pair is not None:
        yield render.certificates_secret(spec, name, namespace, pair.contents())
    yield from render.surroundings(spec, name, namespace)
    # Not by KubeCluster(): its commands are no longer there (dask/distributed#9335), and it takes a
    # phase that goes back from Running to Pending for a failure (dask/dask-kubernetes#968; can go
    # with the first release after 2026.3 that holds #977). Made here and joined by name, neither
    # matters.
    yield render.dask_cluster(spec, name, namespace)


class _Joined(KubeCluster):  # type: ignore[misc]
    """A cluster joined by name, over TLS too.

    The base class writes ``tcp://`` and gives its connections no certificates; this can go when it
    takes a ``Security``.
    """

    def __init__(self, *, security: Security, **settings: Any) -> None:
        self.security = security
        super().__init__(**settings)

    async def _connect_cluster(self) -> None:
        service = f"{self.name}-scheduler"
        address = await get_scheduler_address(
            service, self.namespace, port_forward_cluster_ip=self.port_forward_cluster_ip
        )
        if self.security.require_encryption:
            address = address.replace("tcp://", "tls://")
        arguments = self.security.get_connection_args("client")
        self.scheduler_comm = rpc(address, connection_args=arguments)
        await self.scheduler_comm.identity()
        dashboard = await get_scheduler_address(
            service,
            self.namespace,
            port_name="http-dashboard",
            port_forward_cluster_ip=self.port_forward_cluster_ip,
        )
        self.forwarded_dashboard_port = dashboard.rpartition(":")[2]


def _wait_for_scheduler(name: str, namespace: str, deadline: float, spec: ClusterSpec) -> None:
    """Wait until the scheduler's pod is ready, under a deadline of our own.

    ``KubeCluster(resource_timeout=15)`` still hung after 90 s where the scheduler could not start
    (dask-kubernetes 2026.3); this can go when that limit holds.
    """
    while True:
        schedulers = [
            pod
            for pod in api.pods_of(name, namespace)
            if pod.labels.get("dask.org/component") == "scheduler"
        ]
        if any(pod.ready() for pod in schedulers):
            return
        if time.monotonic() > deadline:
            raise _failed(name, namespace, spec, "a scheduler that is ready")
        time.sleep(0.5)


def _failed(
    name: str,
    namespace: str,
    spec: ClusterSpec,
    expected: str,
) -> ClusterError:
    return ClusterError(
        "cluster.start_failed",
        f"DaskCluster {name} in {namespace}",
        expected=f"{expected} within {spec.connect_timeout:g} s",
        found=api.conditions(name, namespace),
        remedy="Correct what the pods name (image, quota, nodes), or raise connect_timeout.",
    )


def _no_workers(name: str, namespace: str, spec: ClusterSpec, joined: str) -> ClusterError:
    return ClusterError(
        "cluster.no_workers",
        f"DaskCluster {name} in {namespace}",
        expected=f"a worker that takes tasks within {spec.connect_timeout:g} s",
        found=f"{joined}; {api.conditions(name, namespace)}",
        remedy="Correct what the pods name (image, quota, nodes, memory), or raise "
        "connect_timeout.",
    )


def _within(seconds: float, make: Callable[[], Made], failed: Callable[[], ClusterError]) -> Made:
    """Give what `make` makes, or give up on it after some time.

    It waits in loops without limit, some of which block their event loop, so that nothing but
    another thread can leave it behind. This can go when ``from_name`` takes a time limit.
    """
    made: list[Made] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            made.append(make())
        except BaseException as error:  # noqa: BLE001  raised again below, in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=run, name="join a cluster", daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise failed() from raised[0]
    if not made:
        raise failed()
    return made[0]


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM leave the block like any error, so that what was created is deleted."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
