"""A Dask scheduler and its workers as processes of their own, as somebody else would run them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


@contextmanager
def scheduler(folder: Path, *, tls: bool = False) -> Iterator[str]:
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
    with running(command, folder) as process:

        def written() -> bool:
            if process.poll() is not None:
                raise ChildProcessError(f"dask scheduler ended with {process.returncode}")
            return file.exists() and file.stat().st_size > 0

        wait_until(written, "dask scheduler", 120)
        yield json.loads(file.read_text())["address"]


@contextmanager
def scheduler_with_workers(
    folder: Path, workers: int, memory: str, *, tls: bool = False
) -> Iterator[str]:
    """Run ``dask scheduler`` and ``dask worker``; give the scheduler's address."""
    with ExitStack() as stack:
        address = stack.enter_context(scheduler(folder, tls=tls))
        command = [
            *("worker", address, "--host", "127.0.0.1", "--nworkers", str(workers)),
            *("--nthreads", "1", "--memory-limit", memory, "--no-dashboard"),
            *("--local-directory", str(folder)),
        ]
        stack.enter_context(running(command, folder))
        yield address


@contextmanager
def named_worker(
    folder: Path, scheduler: str, name: str, memory: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one ``dask worker`` of a name, as a pod does."""
    (folder / name).mkdir()
    command = [
        *("worker", scheduler, "--host", "127.0.0.1", "--nthreads", "1", "--name", name),
        *("--memory-limit", memory, "--no-dashboard", "--local-directory", str(folder / name)),
    ]
    with running(command, folder / name) as process:
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
def running(arguments: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``dask`` with these arguments; what it writes goes to a file of the folder."""
    # Workers import what tests submit by name, so the project's folder is on their path.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "dask", *arguments]
    with (folder / f"{arguments[0]}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        (folder / f"{arguments[0]}.pid").write_text(str(process.pid))
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
