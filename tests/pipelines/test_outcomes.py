"""Tasks on a cluster: bounded in flight, every outcome collected, memory declared before."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import dask
import pytest
from distributed import Client

import cluster
from cluster import ClusterError
from pipelines import outcomes as tasks_on_the_cluster
from pipelines.events import Event, silent
from pipelines.outcomes import Outcomes, check_memory, collect, in_flight
from soilft.errors import GridMismatch, TaskTooLarge
from tests.support import dask_processes


@dataclass(frozen=True)
class Number:
    value: int


def inverse(task: Number) -> float:
    if task.value == 3:
        raise GridMismatch("file.nc", expected="south first", found="north first")
    return 1 / task.value


def test_one_bad_task_never_aborts_the_others(dask_client: Client) -> None:
    tasks = {str(i): Number(i) for i in range(12)}
    results: dict[str, float] = {}
    events: list[Event] = []
    outcomes = Outcomes("stage", skipped=5)
    collect(dask_client, inverse, tasks, results.__setitem__, outcomes, events.append)
    assert results == {str(i): 1 / i for i in range(1, 12) if i != 3}
    assert outcomes.done == 10
    assert set(outcomes.failed) == {"0", "3"}
    assert "ZeroDivisionError" in outcomes.failed["0"]
    assert "file.nc: expected south first, found north first" in outcomes.failed["3"]
    assert not outcomes.complete
    assert (events[0].done, events[-1].done, events[-1].total) == (5, 17, 17)


def test_no_more_than_two_tasks_a_worker_are_in_flight(
    dask_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = most = 0
    submit = dask_client.submit

    def counting(*args: object, **kwargs: object) -> object:
        nonlocal alive, most
        alive += 1
        most = max(most, alive)
        return submit(*args, **kwargs)

    def on_done(unit: str, value: float) -> None:
        nonlocal alive
        alive -= 1

    monkeypatch.setattr(dask_client, "submit", counting)
    tasks = {str(i): Number(i + 10) for i in range(40)}
    collect(dask_client, inverse, tasks, on_done, Outcomes("stage"), silent)
    assert most == in_flight(dask_client) == 4


def test_task_that_does_not_fit_a_worker_is_refused_before_it_starts(dask_client: Client) -> None:
    check_memory(dask_client, "predict", 500 * 2**20, "smaller")
    message = r"predict: expected at most 1748 MiB, .* found 1900 MiB"
    with pytest.raises(TaskTooLarge, match=message):
        check_memory(dask_client, "predict", 1900 * 2**20, "Make chunks smaller.")


def crashing(task: Number) -> int:
    if task.value in (3, 9):
        os.kill(os.getpid(), signal.SIGSEGV)
    return task.value


@pytest.mark.process
@pytest.mark.slow
def test_only_what_ends_its_worker_by_itself_fails() -> None:
    results: dict[str, int] = {}
    outcomes = Outcomes("stage")
    spec = cluster.ClusterSpec(kind="local", workers=2, memory="512MiB")
    # Whatever a worker holds when it ends is given up at once.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        cluster.start(spec) as client,
    ):
        tasks = {str(i): Number(i) for i in range(20)}
        collect(client, crashing, tasks, results.__setitem__, outcomes, silent)
    assert set(outcomes.failed) == {"3", "9"}
    assert "every worker that did it ended" in outcomes.failed["3"]
    assert sorted(results.values()) == [i for i in range(20) if i not in (3, 9)]


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_without_any_worker_it_ends_in_place_of_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_on_the_cluster, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(tasks_on_the_cluster, "PATIENCE_SECONDS", 1.0)
    with (
        dask_processes.scheduler(tmp_path) as address,
        Client(address, set_as_default=False) as client,
        pytest.raises(ClusterError, match=r"none for 1 s.*cluster\.no_workers"),
    ):
        collect(client, inverse, {"1": Number(1)}, lambda *_: None, Outcomes("stage"), silent)
