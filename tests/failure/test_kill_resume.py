"""A run that is killed outright and started again ends in the same bytes as one that was not."""

import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import Client

import cluster
from pipelines.config.region_file import load
from pipelines.events import Event
from pipelines.run import Run
from pipelines.stages.order import run_all
from tests.support.forked_commands import Ended, commands
from tests.support.small_run import before, latest, product_bytes, region_file

# Stages with a record in the ledger, before publish, which `test_publication_kill` kills at every
# change; layers of years are killed in tests/pipelines/test_annual.py.
STAGES = ("ingest", "harmonize", "train", "predict", "validate")


@pytest.fixture(scope="module")
def command(dask_client: Client) -> Iterator[Callable[..., Ended]]:
    """Give a function that carries out a command on this process's cluster."""
    address = dask_client.scheduler_info(n_workers=0)["address"]
    with commands() as command:
        yield lambda *words, **kills: command(*words, "--scheduler", address, **kills)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("stage", STAGES)
def test_killed_run_resumes_to_the_same_bytes(
    stage: str,
    moment: str,
    small_archive: Path,
    unbroken: Path,
    tmp_path: Path,
    command: Callable[..., Ended],
) -> None:
    config, made = region_file(tmp_path, small_archive), tmp_path / "store"
    records = len(list((unbroken / "ledger" / stage).rglob("*.json")))
    if stage != STAGES[0]:
        shutil.copytree(unbroken, made)
        before(stage, made)
    count = random.Random(f"{stage} {moment}").randint(1, records)
    killed = command("run", config, "--quiet", dies=(stage, count, moment))
    assert killed.code == -9, killed.text
    left = list((made / "ledger" / stage).rglob("*.json"))
    assert len(left) == (count if moment == "after" else count - 1)
    assert not (made / "latest.json").exists()
    resumed = command("run", config, "--quiet")
    assert resumed.code == 0, resumed.text
    assert f"{stage}: " in resumed.text
    assert product_bytes(made) == product_bytes(unbroken)
    assert latest(made) == latest(unbroken)


@pytest.mark.slow
def test_killed_worker_does_not_change_the_bytes(
    small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    """A worker that dies in the middle of ingest is replaced and its task is done again."""
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
