"""What joining somebody else's scheduler promises: a clear no in time, and no harm done."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client

import cluster
from cluster import ClusterError, ClusterSpec
from tests.support import dask_processes
from tests.support.waiting import wait_until

pytestmark = pytest.mark.process


def refusal(address: str, seconds: float = 2.0) -> ClusterError:
    """Try to join, and give the error; fail where the deadline does not hold."""
    started = time.monotonic()
    spec = ClusterSpec(kind="address", address=address, connect_timeout=seconds)
    with pytest.raises(ClusterError) as refused, cluster.start(spec):
        pass
    # The allowance is for a loaded machine; without a deadline of its own this never ends.
    assert time.monotonic() - started < seconds + 10
    assert address in str(refused.value)
    return refused.value


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Give a port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """Give a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_dead_address_is_reported_in_time(closed_port: int) -> None:
    assert refusal(f"tcp://127.0.0.1:{closed_port}").code == "cluster.unreachable"


def test_a_port_that_accepts_and_is_silent_is_reported_in_time(silent_port: int) -> None:
    assert refusal(f"tcp://127.0.0.1:{silent_port}").code == "cluster.unreachable"


def test_an_unknown_protocol_is_reported() -> None:
    error = refusal("carrier-pigeon://127.0.0.1:1")
    assert error.code == "cluster.unreachable"
    assert "carrier-pigeon" in error.found


def test_a_scheduler_without_workers_is_reported_in_time(tmp_path: Path) -> None:
    with dask_processes.scheduler(tmp_path) as address:
        assert refusal(address, seconds=3).code == "cluster.no_workers"


def test_a_worker_whose_memory_is_full_is_told_from_none(tmp_path: Path) -> None:
    def paused() -> bool:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        return [worker["status"] for worker in workers] == ["paused"]

    with dask_processes.scheduler_with_workers(tmp_path, 1, "64MiB") as address:
        with Client(address, set_as_default=False) as client:
            wait_until(paused, "a paused worker")
        error = refusal(address)
    assert error.code == "cluster.no_workers"
    assert "of 64 MiB in use" in error.found


def test_a_worker_in_place_of_a_scheduler_is_named_and_both_live_on(tmp_path: Path) -> None:
    with dask_processes.scheduler_with_workers(tmp_path, 1, "512MiB") as address:
        spec = ClusterSpec(kind="address", address=address)
        with cluster.start(spec) as client:
            (worker,) = client.nthreads()
        error = refusal(worker, seconds=5)
        assert (error.code, error.found) == ("cluster.unreachable", "a worker")
        with cluster.start(spec) as client:
            assert list(client.nthreads()) == [worker]
            assert client.submit(pow, 2, 5).result() == 32
