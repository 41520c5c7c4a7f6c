"""A worker whose machine is taken away in the middle of a job, after the warning that spots get."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support import dask_processes
from tests.support.command import SOILFT
from tests.support.small_run import product_bytes, region_file
from tests.support.started import started


@pytest.mark.slow
def test_a_worker_drained_in_the_middle_of_a_job_changes_no_byte(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    path = region_file(tmp_path, small_archive, cluster={"connect_timeout": 120})
    drained = ""
    with (
        dask_processes.scheduler(tmp_path, installed=True) as address,
        dask_processes.named_worker(tmp_path, address, "stays", "2GiB", installed=True),
        dask_processes.named_worker(tmp_path, address, "spot", "2GiB", installed=True) as spot,
        started(
            [str(SOILFT), "run", str(path), "--scheduler", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as run,
    ):
        assert run.stdout is not None
        said: list[str] = []
        for line in run.stdout:
            said.append(line)
            if not drained and re.search(r"event='ingest' done=[2-9]", line):
                # What the kubelet does: the pod's preStop, then SIGTERM, then the pod is gone.
                pod = {"DASK_SCHEDULER_ADDRESS": address, "DASK_WORKER_NAME": "spot"}
                drained = dask_processes.drain(pod).stdout
                spot.terminate()
        code = run.wait(timeout=300)
        assert spot.poll() is not None
    assert drained == "spot: drained\n", "".join(said)
    assert code == 0, "".join(said)
    assert product_bytes(tmp_path / "store") == product_bytes(unbroken)
