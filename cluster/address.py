"""Clusters that somebody else runs: joined by address, used and left as they were."""

# distributed is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from distributed import Client, Security
from distributed.core import rpc

from cluster import workers
from cluster.errors import ClusterError
from cluster.spec import ClusterSpec


@contextmanager
def start(spec: ClusterSpec) -> Iterator[Client]:
    """Join the scheduler at ``spec.address`` once it has a worker, and give a client of it.

    Leaving the block releases this client's work; scheduler and workers go on.

    Raises
    ------
    ClusterError
        ``cluster.unreachable`` where nothing answers as a scheduler within the time,
        ``cluster.no_workers`` where a scheduler answers and has no worker that takes tasks.
    """
    deadline = time.monotonic() + spec.connect_timeout
    with _connect(spec) as client:
        _wait_for_a_worker(client, spec, deadline)
        yield client


def _connect(spec: ClusterSpec) -> Client:
    # The client waits without limit for the handshake of a port that accepts and says nothing, so
    # the question whether a scheduler is there is put first, under a deadline of our own; it can go
    # when the client's own timeout covers the handshake (distributed 2026.8 does not). It runs in a
    # thread because a notebook has an event loop already.
    with ThreadPoolExecutor(1) as thread:
        try:
            found = thread.submit(asyncio.run, _identity(spec)).result()
        except (OSError, ValueError) as error:
            raise _unreachable(spec, str(error) or "no answer") from error
    if found != "Scheduler":
        raise _unreachable(spec, f"a {found.lower()}")
    try:
        return Client(spec.address, timeout=spec.connect_timeout, set_as_default=False)
    except (OSError, ImportError) as error:
        # ImportError is how the client reports a scheduler of an incompatible version.
        raise _unreachable(spec, str(error) or type(error).__name__) from error


async def _identity(spec: ClusterSpec) -> str:
    """Ask whoever listens at the address what it is: ``Scheduler``, ``Worker``, ``Nanny``."""
    security = Security().get_connection_args("client")
    async with (
        asyncio.timeout(spec.connect_timeout),
        rpc(spec.address, timeout=spec.connect_timeout, connection_args=security) as listener,
    ):
        answer = await listener.identity()
    return str(answer["type"])


def _unreachable(spec: ClusterSpec, found: str) -> ClusterError:
    return ClusterError(
        "cluster.unreachable",
        str(spec.address),
        expected=f"a Dask scheduler to answer within {spec.connect_timeout:g} s",
        found=found,
        remedy="Check the address, that the scheduler runs, and that no firewall stands between.",
    )


def _wait_for_a_worker(client: Client, spec: ClusterSpec, deadline: float) -> None:
    try:
        workers.wait_for_one(client, deadline - time.monotonic())
    except TimeoutError as error:
        raise ClusterError(
            "cluster.no_workers",
            str(spec.address),
            expected=f"at least one worker that takes tasks within {spec.connect_timeout:g} s",
            found=str(error),
            remedy="Start workers, or such with more memory; raise connect_timeout where they are "
            "slow to come.",
        ) from error
