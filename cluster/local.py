"""Clusters of processes on this machine, which live as long as the block that started them."""

# distributed is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker

import dask
from distributed import Client, LocalCluster
from distributed.system import MEMORY_LIMIT

from cluster.errors import ClusterError
from cluster.spec import ClusterSpec

_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
# Where gilknocker is there, as with coiled, distributed lets a thread of it watch the interpreter
# lock. It aborts a process that ends ("FATAL: exception not rethrown"), after all its work is done.
# This can go when gilknocker ends its thread before the interpreter does.
_NO_WATCH_OF_THE_LOCK = {"distributed.admin.system-monitor.gil.enabled": False}
# A worker that crashes is started again by its nanny. LocalCluster closes the nanny for good where
# it finds none 15 s after any crash, so workers that crash now and then would be none at last, and
# the run would wait for ever. This can go when a nanny that starts its worker is left alone.
_CRASHED_WORKERS_RETURN = {"distributed.deploy.lost-worker-timeout": "1000 days"}


@contextmanager
def start(spec: ClusterSpec) -> Iterator[Client]:
    """Start worker processes on the loopback device and give a client of them.

    Workers are processes, never threads, and end with this one: on leaving the block in any way,
    and, by a pipe that each of them watches, when this process is killed outright.

    Raises
    ------
    ClusterError
        ``cluster.memory`` where one worker is promised more than the machine has,
        ``cluster.start_failed`` where the workers do not come up.
    """
    _refuse_more_memory_than_there_is(spec)
    with (
        _logs_as_before(),
        _worker_environment(),
        dask.config.set(_NO_WATCH_OF_THE_LOCK | _CRASHED_WORKERS_RETURN),
        _started_for(spec) as processes,
        Client(processes, timeout=spec.connect_timeout, set_as_default=False) as client,
    ):
        try:
            yield client
        finally:
            # Of an end that is wanted, distributed tells what it cut off, and which worker is slow.
            logging.disable(logging.ERROR)
            with suppress(OSError, TimeoutError):
                # One that hangs is not waited for.
                client.sync(
                    client._run,  # noqa: SLF001 - Client.run takes no deadline
                    logging.disable,
                    logging.ERROR,
                    on_error="ignore",
                    callback_timeout=2,
                )


@contextmanager
def _logs_as_before() -> Iterator[None]:
    before = logging.root.manager.disable
    try:
        yield
    finally:
        logging.disable(before)


def _started_for(spec: ClusterSpec) -> LocalCluster:
    """Start processes that Ctrl-C does not reach.

    A terminal sends it to all, and workers would each tell where they were. A thread, and what it
    starts, has the mask of signals of whoever started it. What comes while the cluster starts
    interrupts this process afterwards.
    """
    # At its start the tracker would let the signal through again in the thread that starts it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return _processes(spec)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _refuse_more_memory_than_there_is(spec: ClusterSpec) -> None:
    # distributed would lower the limit with a log line, and the promise made to tasks would break.
    if spec.worker_memory_bytes > MEMORY_LIMIT:
        raise ClusterError(
            "cluster.memory",
            "cluster memory",
            expected=f"at most the {MEMORY_LIMIT / 2**30:.1f} GiB of this machine",
            found=spec.memory,
            remedy="Lower the memory of a worker.",
        )


def _processes(spec: ClusterSpec) -> LocalCluster:
    try:
        processes = LocalCluster(
            n_workers=spec.workers,
            threads_per_worker=spec.threads,
            processes=True,
            host="127.0.0.1",
            scheduler_port=0,
            # Without an address the scheduler takes a fixed port, dashboard or not; the line can go
            # when it takes none without a dashboard.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": spec.dashboard},
            memory_limit=spec.worker_memory_bytes,
            local_directory=spec.local_directory and str(spec.local_directory),
        )
    except (OSError, RuntimeError) as error:
        raise ClusterError(
            "cluster.start_failed",
            "local cluster",
            expected=f"{spec.workers} worker processes",
            found=str(error) or type(error).__name__,
            remedy="Check that local_directory can be written and that memory and processes are "
            "free.",
        ) from error
    if not spec.dashboard and processes.scheduler is not None:
        # The scheduler announces its plain HTTP server as a dashboard even where it has none; this
        # can go when it does not.
        processes.scheduler.services.pop("dashboard", None)
    return processes


@contextmanager
def _worker_environment() -> Iterator[None]:
    """Set what workers inherit, and put this process's environment back afterwards.

    Numerical libraries read their thread count when they are loaded, so it must stand in the
    environment before a worker is spawned. distributed has a setting for that, but a variable that
    is already exported wins over it, and what it sets stays behind in the parent. This can go when
    neither holds.
    """
    before = dict(os.environ)
    os.environ.update(_ONE_THREAD)
    inherited = {*_ONE_THREAD, "PYTHONHASHSEED", "MALLOC_TRIM_THRESHOLD_"}
    try:
        yield
    finally:
        for name in inherited:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
