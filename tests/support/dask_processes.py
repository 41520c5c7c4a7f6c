"""A Dask scheduler and its workers as processes of their own, as somebody else would run them.

They are forked from a process that has loaded what they need, and their workers have no nannies;
where ``installed``, the command is started as a user does, with nannies.
"""

import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


class Running(Protocol):
    """A process that was started."""

    pid: int

    def poll(self) -> int | None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


@contextmanager
def scheduler(folder: Path, *, tls: bool = False, installed: bool = False) -> Iterator[str]:
    """Run ``dask scheduler`` on a free loopback port and give its address.

    With `tls` it is encrypted, and the variables by which others talk to it must be set: see
    `cluster.kubernetes.pods.tls_environment`.
    """
    file = folder / "scheduler.json"
    command = [
        *("scheduler", "--host", "127.0.0.1", "--port", "0"),
        *("--protocol", "tls" if tls else "tcp"),
        *("--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)),
    ]
    with running(command, folder, "scheduler", installed=installed) as process:

        def written() -> bool:
            if process.poll() is not None:
                raise ChildProcessError(f"dask scheduler ended with {process.poll()}")
            return file.exists() and file.stat().st_size > 0

        wait_until(written, "dask scheduler", 120)
        yield json.loads(file.read_text())["address"]


@contextmanager
def scheduler_with_workers(
    folder: Path, workers: int, memory: str, *, tls: bool = False, installed: bool = False
) -> Iterator[str]:
    """Run ``dask scheduler`` and ``dask worker``; give the scheduler's address."""
    with ExitStack() as stack:
        address = stack.enter_context(scheduler(folder, tls=tls, installed=installed))
        if installed:
            command = _worker(folder, address, memory, "--nworkers", str(workers))
            stack.enter_context(running(command, folder, "worker", installed=True))
        else:
            for number in range(workers):
                stack.enter_context(named_worker(folder, address, str(number), memory))
        yield address


def _worker(folder: Path, scheduler: str, memory: str, *options: str) -> list[str]:
    return [
        *("worker", scheduler, "--host", "127.0.0.1", "--nthreads", "1", *options),
        *("--memory-limit", memory, "--no-dashboard", "--local-directory", str(folder)),
    ]


@contextmanager
def named_worker(
    folder: Path, scheduler: str, name: str, memory: str, *, installed: bool = False
) -> Iterator[Running]:
    """Run one ``dask worker`` of a name, as a pod does."""
    options = ("--name", name, *(() if installed else ("--no-nanny",)))
    command = _worker(folder, scheduler, memory, *options)
    with running(command, folder, name, installed=installed) as process:
        yield process


def drain(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run what a pod runs before it is sent SIGTERM."""
    return subprocess.run(
        [sys.executable, "-m", "cluster.drain"],
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def pid_of_scheduler(folder: Path) -> int:
    """Give the number of the process that serves the scheduler of a folder."""
    return int((folder / "scheduler.pid").read_text())


@contextmanager
def running(arguments: list[str], folder: Path, name: str, *, installed: bool) -> Iterator[Running]:
    """Run ``dask`` with these arguments; what it writes goes to a file of the folder."""
    log = folder / f"{name}.log"
    process = _started(arguments, log) if installed else Forked(arguments, log)
    (folder / f"{name}.pid").write_text(str(process.pid))
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20 if installed else 2)  # a task at work is not waited for
        except (subprocess.TimeoutExpired, TimeoutError):
            process.kill()
            process.wait()


def _started(arguments: list[str], log: Path) -> Running:
    # Workers import what tests submit by name, so the project's folder is on their path.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dask", *arguments]
    with log.open("wb") as out:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment
        )


class Forked:
    """A process of the ``dask`` command that has everything loaded."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        self._process = context.Process(target=_dask, args=(arguments, dict(os.environ), str(log)))
        self._process.start()
        self.pid = self._process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"{self._process.name} still runs after {timeout} s")
        return code


def _dask(arguments: list[str], environment: dict[str, str], log: str) -> None:
    import dask
    from dask.__main__ import main

    with Path(log).open("wb") as out:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(out.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    dask.config.refresh()
    sys.argv = ["dask", *arguments]
    main()
