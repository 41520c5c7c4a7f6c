"""A scheduler that is lost is an error in time, not a wait without end."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from unittest.mock import Mock, PropertyMock

import pytest
from distributed import as_completed

import cluster
from cluster import ClusterError, ClusterSpec, watch
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


def wait_for_one_result(spec: ClusterSpec, scheduler: int) -> None:
    """Wait for a future that will never come: dask's client may cancel it before the time is up."""
    with cluster.start(spec) as client:
        client.submit(abs, -1).result()
        future = client.submit(time.sleep, 600)
        os.kill(scheduler, signal.SIGKILL)
        future.result()


@pytest.fixture(params=["interrupts", "no interrupts"])
def shell(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ignore SIGINT in turn, as a shell without a terminal does for what it starts with ``&``."""
    handled = signal.default_int_handler if request.param == "interrupts" else signal.SIG_IGN
    before = signal.signal(signal.SIGINT, handled)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("work", [work_and_lose_the_scheduler, wait_for_one_result])
def test_a_lost_scheduler_is_an_error_in_time(
    tmp_path: Path, work: Callable[[ClusterSpec, int], None]
) -> None:
    before = signal.getsignal(watch.SIGNAL)
    with dask_processes.scheduler_with_workers(tmp_path, 1, "512MiB") as address:
        spec = ClusterSpec(kind="address", address=address, connect_timeout=10)
        with pytest.raises(ClusterError) as refused:
            work(spec, dask_processes.pid_of_scheduler(tmp_path))
    assert refused.value.code == "cluster.lost"
    assert signal.getsignal(watch.SIGNAL) is before


def test_a_scheduler_that_does_not_come_back_interrupts_the_main_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The watch by itself: in a lost cluster dask's client may give up first."""
    interrupts: list[int] = []
    monkeypatch.setattr(watch._thread, "interrupt_main", interrupts.append)
    client = Mock(status="connecting")
    watch._look(client, 0.2, Event())
    assert interrupts == [watch.SIGNAL]


def test_a_scheduler_that_comes_back_in_time_interrupts_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupts: list[int] = []
    monkeypatch.setattr(watch._thread, "interrupt_main", interrupts.append)
    left = Mock()
    left.wait.side_effect = [False, False, False, True]
    client = Mock()
    type(client).status = PropertyMock(side_effect=["connecting", "running", "connecting"])
    watch._look(client, 60.0, left)
    assert not interrupts
