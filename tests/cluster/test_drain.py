"""A worker that is asked to go hands over what it holds first."""

import os
from contextlib import ExitStack
from pathlib import Path

import dask.config
import pytest

import cluster
from cluster import ClusterSpec, certificates
from cluster.kubernetes.pods import tls_environment
from tests.support import dask_processes
from tests.support.dask_processes import drain
from tests.support.waiting import wait_until

pytestmark = pytest.mark.process


def which(folder: str) -> str:
    """Leave a mark each time this is computed."""
    path = Path(folder, f"computed-{os.urandom(6).hex()}")
    path.touch()
    return path.name


@pytest.mark.slow
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_results_of_a_drained_worker_are_kept_and_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: bool
) -> None:
    if tls:
        certificates.make().write(tmp_path)
        for name, value in tls_environment(str(tmp_path)).items():
            monkeypatch.setenv(name, value)
        dask.config.refresh()
    with ExitStack() as stack:
        stack.callback(dask.config.refresh)
        stack.callback(monkeypatch.undo)
        address = stack.enter_context(dask_processes.scheduler(tmp_path, tls=tls, installed=True))
        for name in ("first", "second"):
            stack.enter_context(
                dask_processes.named_worker(tmp_path, address, name, "512MiB", installed=True)
            )
        spec = ClusterSpec(kind="address", address=address, connect_timeout=120)
        client = stack.enter_context(cluster.start(spec))
        client.wait_for_workers(2, timeout=120)
        held = client.submit(which, str(tmp_path), workers=["first"], allow_other_workers=True)
        mark = held.result()
        done = drain({"DASK_SCHEDULER_ADDRESS": address, "DASK_WORKER_NAME": "first"})
        assert (done.returncode, done.stdout) == (0, "first: drained\n"), done.stderr
        wait_until(lambda: len(client.nthreads()) == 1, "the worker gone")
        assert held.result() == mark
        assert [path.name for path in tmp_path.glob("computed-*")] == [mark]
        again = drain({"DASK_SCHEDULER_ADDRESS": address, "DASK_WORKER_NAME": "first"})
        assert again.stdout == "first: not known to the scheduler\n"


def test_without_a_scheduler_the_drain_says_so() -> None:
    nowhere = {"DASK_SCHEDULER_ADDRESS": "tcp://127.0.0.1:9", "DASK_WORKER_NAME": "first"}
    done = drain({**nowhere, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"})
    assert done.returncode == 1
    assert "first: not drained" in done.stderr
