"""A scheduler that is lost is an error in time, not a wait without end."""

import os
import signal
import time
from pathlib import Path

import pytest
from distributed import as_completed

import cluster
from cluster import ClusterError, ClusterSpec
from tests.support import dask_processes


def work_and_lose_the_scheduler(spec: ClusterSpec, scheduler: int) -> None:
    """Note tasks that fail and send the next, as a stage does, while the scheduler is killed."""
    with cluster.start(spec) as client:
        waiting = as_completed(client.map(time.sleep, [0.1, 600], pure=False), loop=client.loop)
        next(waiting)
        os.kill(scheduler, signal.SIGKILL)
        for future in waiting:
            assert future.status != "finished"
            client.submit(pow, 2, 3, pure=False).result()


@pytest.mark.slow
def test_a_lost_scheduler_is_an_error_in_time(tmp_path: Path) -> None:
    with dask_processes.scheduler_with_workers(tmp_path, 1, "512MiB") as address:
        spec = ClusterSpec(kind="address", address=address, connect_timeout=10)
        with pytest.raises(ClusterError) as refused:
            work_and_lose_the_scheduler(spec, dask_processes.pid_of_scheduler(tmp_path))
    assert refused.value.code == "cluster.lost"
