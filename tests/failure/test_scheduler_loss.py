"""A scheduler that is lost ends the run, and the same command goes on to the same bytes."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support import dask_processes
from tests.support.command import SOILFT, soilft
from tests.support.small_run import product_bytes, region_file
from tests.support.started import started


@pytest.mark.slow
def test_a_lost_scheduler_ends_the_run_which_goes_on_with_another(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    path = region_file(tmp_path, small_archive)
    (tmp_path / "first").mkdir()
    with dask_processes.scheduler_with_workers(tmp_path / "first", 2, "2GiB") as address:
        running = started(
            [str(SOILFT), "run", str(path), "--scheduler", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"},
        )
        with running as process:
            assert process.stdout is not None
            said: list[str] = []
            lost = False
            for line in process.stdout:
                said.append(line)
                if not lost and re.search(r"event='ingest' done=[2-9]", line):
                    os.kill(dask_processes.pid_of_scheduler(tmp_path / "first"), signal.SIGKILL)
                    lost = True
            code = process.wait(timeout=120)
    assert lost, "".join(said)
    assert code == 5, "".join(said)
    assert "error[cluster.lost]" in "".join(said)
    assert not (tmp_path / "store" / "latest.json").exists()
    (tmp_path / "second").mkdir()
    with dask_processes.scheduler_with_workers(tmp_path / "second", 2, "2GiB") as address:
        soilft("run", path, "--scheduler", address, "--quiet")
    assert product_bytes(tmp_path / "store") == product_bytes(unbroken)
