"""One set of promises, kept by every kind of cluster."""

import os
import time
from collections.abc import Iterator

import dask.config
import pytest
from distributed import Client, KilledWorker

import cluster
from cluster import certificates
from cluster.kubernetes.pods import tls_environment
from tests.support import dask_processes, kube

pytestmark = pytest.mark.process

WORKERS = 2
MEMORY = "512MiB"
MEMORY_BYTES = 512 * 2**20


@pytest.fixture(
    scope="module",
    params=["local", "address", "tls", pytest.param("kubernetes", marks=pytest.mark.kube)],
)
def spec(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[cluster.ClusterSpec]:
    folder = tmp_path_factory.mktemp("dask")
    if request.param == "local":
        yield cluster.ClusterSpec(
            kind="local",
            workers=WORKERS,
            memory=MEMORY,
            dashboard=True,
            local_directory=folder,
        )
        return
    if request.param == "kubernetes":
        yield kube.spec(workers=WORKERS, memory=MEMORY)
        return
    with pytest.MonkeyPatch.context() as patch:
        tls = request.param == "tls"
        if tls:
            certificates.make().write(folder)
            for name, value in tls_environment(str(folder)).items():
                patch.setenv(name, value)
            dask.config.refresh()
        joined = dask_processes.scheduler_with_workers(
            folder, WORKERS, MEMORY, tls=tls, installed=True
        )
        with joined as address:
            yield cluster.ClusterSpec(kind="address", address=address)
    dask.config.refresh()


@pytest.fixture(scope="module")
def client(spec: cluster.ClusterSpec) -> Iterator[Client]:
    with cluster.start(spec) as client:
        client.wait_for_workers(WORKERS, timeout=30)
        yield client


def test_results_equal_those_computed_here(client: Client) -> None:
    futures = client.map(pow, range(100), [3] * 100)
    assert client.gather(futures) == [n**3 for n in range(100)]


def test_an_error_of_a_task_arrives_as_itself(client: Client) -> None:
    with pytest.raises(ZeroDivisionError):
        client.submit(divmod, 1, 0).result()


def test_workers_are_processes_of_one_thread(client: Client) -> None:
    # In containers all processes have the same number.
    pids = set(client.run(os.getpid).items())
    assert len(pids) == WORKERS
    assert {pid for _, pid in pids} != {os.getpid()}
    assert list(client.nthreads().values()) == [1] * WORKERS


def test_everything_listens_on_the_loopback_device(
    client: Client, spec: cluster.ClusterSpec
) -> None:
    if spec.kind == "kubernetes":
        pytest.skip("pods have addresses of their own")
    addresses = [client.scheduler.address, *client.nthreads()]
    scheme = (spec.address or "tcp://").partition("://")[0]
    assert all(address.startswith(f"{scheme}://127.0.0.1:") for address in addresses)


def test_the_dashboard_has_a_link(client: Client) -> None:
    link = cluster.dashboard_link(client)
    assert link is not None
    assert link.startswith(("http://127.0.0.1:", "http://localhost:"))


def test_the_client_does_not_become_the_default(client: Client) -> None:
    with pytest.raises(ValueError, match="No clients found"):
        Client.current()


def outgrow(limit: int) -> int:
    """Hold twice the limit until somebody ends this process, or half a minute is over."""
    held = [b"x" * 2**24 for _ in range(2 * limit // 2**24)]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        pass
    return len(held)


@pytest.mark.slow
def test_a_task_that_outgrows_the_memory_limit_is_ended(client: Client) -> None:
    assert cluster.worker_memory_limit(client) == MEMORY_BYTES
    with pytest.raises(KilledWorker):
        client.submit(outgrow, MEMORY_BYTES).result()
    client.wait_for_workers(WORKERS, timeout=30)
    assert client.submit(pow, 2, 5, pure=False).result() == 32
