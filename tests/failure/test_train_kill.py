"""A client or a worker that dies while the forest grows costs a group at most, and no byte."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cluster
from pipelines.events import Event
from pipelines.stages.train.stage import require_model, train
from soilft.forest.artefact import load, model_digest
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings, fit
from soilft.store import objects
from tests.pipelines.test_train import (
    NAMES,
    kept_groups,
    prepared,
    training_rows,
    without_uncertainty,
)

ROOT = Path(__file__).parents[2]
GROWN = {"n_estimators": 12, "group_size": 1}


def die_after(folder: Path, groups: int) -> None:
    """Train, and die by SIGKILL when so many groups of trees have come back."""

    def listen(event: Event) -> None:
        if event.stage == "forest" and event.done == groups:
            os.kill(os.getpid(), signal.SIGKILL)

    run = prepared(folder, **GROWN)
    with cluster.start(run.config.cluster.spec()) as client:
        train(run, client, listen)


def assert_forest_of_one_fit(folder: Path) -> None:
    run = prepared(folder, **GROWN)
    model = load(require_model(run))
    settings = ForestSettings(**model.card["settings"])
    table, rows = training_rows(run)
    expected = fit(settings, table.features[rows], table.label[rows])
    assert model_digest(model.forests, NAMES, settings) == model_digest(
        Forests(expected), NAMES, settings
    )


@pytest.mark.slow
def test_killed_client_loses_at_most_what_was_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_uncertainty(monkeypatch)
    prepared(tmp_path, **GROWN)
    driver = [sys.executable, "-m", "tests.failure.test_train_kill", str(tmp_path), "5"]
    done = subprocess.run(
        driver, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    run = prepared(tmp_path, **GROWN)
    kept = kept_groups(run)
    assert 5 <= len(kept) <= 12
    assert run.ledger.get("train", "forest") is None
    events: list[Event] = []
    with cluster.start(run.config.cluster.spec()) as client:
        assert not train(run, client, events.append).failed
    first = next(event for event in events if event.stage == "forest")
    # A worker outlives its client by a group, which may be half written when it is counted.
    assert first.total == 12
    assert first.done >= 5
    assert abs(first.done - len(kept)) <= run.config.cluster.workers
    assert_forest_of_one_fit(tmp_path)
    assert kept_groups(run) == []


@pytest.mark.slow
def test_killed_worker_does_not_change_the_forest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_uncertainty(monkeypatch)
    run = prepared(tmp_path, **GROWN)
    kept: list[int] = []
    with cluster.start(run.config.cluster.spec()) as client:
        pids = list(client.run(os.getpid).values())

        def kill_one(event: Event) -> None:
            if event.stage == "forest" and event.done == 3 and len(pids) == 2:
                kept.append(len(objects.listing(run.places.url("models", "checkpoints"))))
                os.kill(pids.pop(), signal.SIGKILL)

        assert not train(run, client, kill_one).failed
    assert len(pids) == 1
    assert kept[0] >= 3
    assert_forest_of_one_fit(tmp_path)


if __name__ == "__main__":
    die_after(Path(sys.argv[1]), int(sys.argv[2]))
