"""Tasks on a cluster: bounded in flight, every outcome collected, memory declared before."""

from dataclasses import dataclass

import pytest
from distributed import Client

from pipelines.events import Event, silent
from pipelines.outcomes import Outcomes, check_memory, collect, in_flight
from soilft.errors import GridMismatch, TaskTooLarge


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
