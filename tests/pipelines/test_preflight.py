"""A run asks the cluster it joins whether it fits plan and store, and else writes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.outcomes import IDLE_WORKER_BYTES
from tests.support import dask_processes, seaweed
from tests.support.command import soilft
from tests.support.small_run import region_file

pytestmark = [pytest.mark.slow, pytest.mark.s3]


@pytest.fixture(scope="module")
def scheduler(s3: seaweed.S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a scheduler whose worker has little memory, and a secret that is not the store's."""
    memory = f"{IDLE_WORKER_BYTES // 2**20 + 1}MiB"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment().items():
            patch.setenv(name, value)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        # A worker of tests has loaded more than one of users, and is not to pause for that.
        patch.setenv("DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE", "False")
        folder = tmp_path_factory.mktemp("dask")
        with dask_processes.scheduler_with_workers(folder, 1, memory) as address:
            yield address


def test_a_worker_too_small_for_the_plan_and_refused_by_the_store_is_named(
    scheduler: str, s3_store: str, small_archive: Path, tmp_path: Path
) -> None:
    path = region_file(tmp_path, small_archive)
    # This process may write to the store: what is refused is the worker.
    done = soilft("run", path, "--store", s3_store, "--scheduler", scheduler, code=5)
    assert "error[cluster.preflight]" in done.stderr
    rows = [line.split("  ") for line in done.stderr.splitlines() if line.startswith("tcp://")]
    found = {next(cell.strip() for cell in row[1:] if cell.strip()): "  ".join(row) for row in rows}
    assert set(found) == {"memory", "store"}, done.stderr
    assert "MiB for the largest task" in found["memory"]
    assert "StorePermission" in found["store"]
    assert "Give the workers themselves credentials for the store." in done.stderr
    status = soilft("status", path, "--store", s3_store).stdout
    assert " 0 " in next(line for line in status.splitlines() if "ingest" in line)
