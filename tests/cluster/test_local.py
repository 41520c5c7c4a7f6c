"""What only a cluster of this machine promises: it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import dask
import psutil
import pytest

import cluster
from cluster import ClusterError, ClusterSpec
from tests.support.dask_processes import ROOT
from tests.support.started import started
from tests.support.waiting import wait_until

pytestmark = pytest.mark.process

KILLED = """
import os, sys, cluster

spec = cluster.ClusterSpec(kind="local", workers=2, memory="512MiB")
with cluster.start(spec) as client:
    print(*client.run(os.getpid).values(), flush=True)
    busy = client.submit(exec, "while True: pass")
    sys.stdin.read()
"""


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that its new parent has not collected yet has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_workers_end_when_their_parent_is_killed() -> None:
    with started(
        [sys.executable, "-c", KILLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert not any(is_gone(pid) for pid in pids)
        parent.send_signal(signal.SIGKILL)
        assert parent.wait(timeout=10) == -signal.SIGKILL
    wait_until(lambda: all(is_gone(pid) for pid in pids), "workers ended", seconds=15)


def test_workers_end_when_the_block_is_left_by_an_error() -> None:
    pids: list[int] = []

    def fail_inside() -> None:
        with cluster.start(ClusterSpec(memory="512MiB")) as client:
            pids.extend(client.run(os.getpid).values())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_inside()
    assert len(pids) == 1
    wait_until(lambda: is_gone(pids[0]), "worker ended", seconds=15)


def test_a_worker_that_crashes_returns_and_stays_however_long_it_takes() -> None:
    # Sooner than any worker starts, LocalCluster would give it up.
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "0.1 s"}),
        cluster.start(ClusterSpec(memory="512MiB")) as client,
    ):
        (pid,) = client.run(os.getpid).values()
        os.kill(pid, signal.SIGSEGV)
        wait_until(lambda: is_gone(pid), "worker ended", seconds=15)
        assert client.submit(pow, 2, 5).result(timeout=60) == 32
        assert len(client.cluster.workers) == 1


@pytest.mark.slow
def test_a_worker_that_hangs_is_not_waited_for() -> None:
    with cluster.start(ClusterSpec(memory="512MiB")) as client:
        (pid,) = client.run(os.getpid).values()
        os.kill(pid, signal.SIGSTOP)
        too_late = threading.Timer(30, os.kill, (pid, signal.SIGKILL))
        too_late.start()
    assert too_late.is_alive()
    too_late.cancel()
    assert is_gone(pid)


def blas_threads() -> set[int]:
    """Give the thread counts of the numerical libraries that this process has loaded."""
    import numpy as np
    import threadpoolctl

    np.ones((4, 4)) @ np.ones((4, 4))
    return {library["num_threads"] for library in threadpoolctl.threadpool_info()}


def test_numerical_libraries_take_one_thread_whatever_is_exported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    before = dict(os.environ)
    with cluster.start(ClusterSpec(memory="512MiB")) as client:
        assert client.submit(blas_threads).result() == {1}
    assert dict(os.environ) == before


def test_without_a_dashboard_there_is_no_link() -> None:
    with cluster.start(ClusterSpec(memory="512MiB", dashboard=False)) as client:
        assert cluster.dashboard_link(client) is None


def test_more_memory_than_the_machine_has_is_refused() -> None:
    with (
        pytest.raises(ClusterError, match="found 4096TiB") as refused,
        cluster.start(ClusterSpec(memory="4096TiB")),
    ):
        pass
    assert refused.value.code == "cluster.memory"


def test_workers_that_cannot_start_are_reported(tmp_path: Path) -> None:
    a_file = tmp_path / "not-a-folder"
    a_file.touch()
    with (
        pytest.raises(ClusterError, match="local_directory") as refused,
        cluster.start(ClusterSpec(memory="512MiB", local_directory=a_file)),
    ):
        pass
    assert refused.value.code == "cluster.start_failed"


def test_nobody_watches_the_interpreter_lock_by_a_thread_that_outlives_the_interpreter() -> None:
    """Such a thread aborts a process after its work is done, every few times that one ends."""
    with cluster.start(ClusterSpec(kind="local", workers=1, memory="512MiB")) as client:
        watching = [
            client.run_on_scheduler(
                lambda dask_scheduler: dask_scheduler.monitor.monitor_gil_contention
            ),
            *client.run(lambda dask_worker: dask_worker.monitor.monitor_gil_contention).values(),
        ]
    assert watching == [False, False]
