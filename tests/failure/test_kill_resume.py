"""A run that is killed outright and started again ends in the same bytes as one that was not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import soilft
from tests.support.small_run import before, latest, product_bytes, region_file

ROOT = Path(__file__).parents[2]


def killed(config: Path, stage: str, count: int, moment: str) -> None:
    driver = [sys.executable, "-m", "tests.support.killed_run", stage, str(count), moment]
    done = subprocess.run(
        [*driver, "run", str(config), "--quiet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -9, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "count", "moment"),
    [
        ("ingest", 3, "before"),
        ("ingest", 9, "after"),
        ("predict", 2, "before"),
        ("predict", 4, "after"),
    ],
)
def test_killed_run_resumes_to_the_same_bytes(
    stage: str, count: int, moment: str, small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    config = region_file(tmp_path, small_archive)
    if stage != "ingest":
        shutil.copytree(unbroken, tmp_path / "store")
        before(stage, tmp_path / "store")
    killed(config, stage, count, moment)
    records = list((tmp_path / "store" / "ledger" / stage).rglob("*.json"))
    assert len(records) == (count if moment == "after" else count - 1)
    assert not (tmp_path / "store" / "latest.json").exists()
    resumed = soilft("run", config, "--quiet")
    assert f"{len(records)} up to date" in resumed.stdout
    assert product_bytes(tmp_path / "store") == product_bytes(unbroken)
    assert latest(tmp_path / "store") == latest(unbroken)


@pytest.mark.slow
def test_killed_worker_does_not_change_the_bytes(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    """A worker that dies in the middle of ingest is replaced and its task is done again."""
    import os
    import signal

    import cluster
    from pipelines.config.region_file import load
    from pipelines.events import Event
    from pipelines.run import Run
    from pipelines.stages.order import run_all

    run = Run(load(region_file(tmp_path, small_archive)))
    with cluster.start(run.config.cluster.spec()) as client:
        pids = list(client.run(os.getpid).values())

        def kill_one(event: Event) -> None:
            if event.stage == "ingest" and event.done == 5 and pids:
                os.kill(pids.pop(), signal.SIGKILL)

        finished = run_all(run, client, kill_one)
    assert len(pids) == 1
    assert all(outcome.complete for outcome in finished.outcomes)
    assert product_bytes(tmp_path / "store") == product_bytes(unbroken)
