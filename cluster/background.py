"""Unattended runs on this machine: a process without a terminal, followed and ended by name.

A job is a folder below the user's state directory (``XDG_STATE_HOME``) and a lock beside it, which
the process holds for as long as it lives. The kernel gives the lock back however the process ends,
so a job never seems to run that does not, and no number of a process is mistaken for another's.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from cluster.errors import ClusterError
from cluster.unattended import JobState, job_exists, no_job

#: Seconds that a run has to let go of its workers and leases before it is killed.
GRACE_SECONDS = 30.0
WHERE = "on this machine"
LOG, RECORD, EXIT_CODE = "log.txt", "job.json", "exit-code"


@dataclass(frozen=True)
class Place:
    """Where a job keeps what is known of it."""

    name: str

    @property
    def folder(self) -> Path:
        """The job's folder, readable by its owner alone."""
        return jobs_folder() / self.name

    @property
    def lock(self) -> Path:
        """What the process of a job holds. It stays: removing a lock lets two in."""
        return jobs_folder() / f"{self.name}.lock"

    @property
    def log(self) -> Path:
        """What the process has written."""
        return self.folder / LOG

    def record(self) -> dict[str, Any] | None:
        """What was started where, or None where no job of this name is."""
        try:
            found: dict[str, Any] = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found


def jobs_folder() -> Path:
    """Folder of all jobs of this user."""
    given = os.environ.get("XDG_STATE_HOME")
    return (Path(given) if given else Path.home() / ".local" / "state") / "soilft" / "jobs"


def submit(name: str, command: Sequence[str], files: Mapping[str, str]) -> int:
    """Start a job in the place of one of the same name that has ended; give its process number.

    It inherits the environment, with whatever credentials are in it; none of it is written down.

    Parameters
    ----------
    command
        What to run, as `recorded` by itself: ``{folder}`` stands for the job's folder.
    files
        Texts that are put into the folder first, by name.

    Raises
    ------
    ClusterError
        ``cluster.job_exists`` where a job of this name has not ended.
    """
    place = Place(name)
    jobs_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    with place.lock.open("a") as lock:
        if not _taken(lock.fileno()):
            said = place.record()
            found = "one that runs" if said is None else f"one that runs as process {said['pid']}"
            raise job_exists(name, WHERE, found)
        shutil.rmtree(place.folder, ignore_errors=True)
        place.folder.mkdir(mode=0o700)
        for file, text in files.items():
            (place.folder / file).write_text(text, encoding="utf-8")
        filled = [part.replace("{folder}", str(place.folder)) for part in command]
        with place.log.open("wb") as log:
            process = subprocess.Popen(
                filled,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                # A session of its own has no terminal whose end could end it.
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )
        said = {
            "pid": process.pid,
            "host": socket.gethostname(),
            "since": _now(),
            "command": filled,
        }
        (place.folder / RECORD).write_text(json.dumps(said, indent=1), encoding="utf-8")
    # The process is meant to outlive this one, which does not wait for it.
    process.returncode = 0
    return process.pid


def state(name: str) -> JobState:
    """Ask how a job is.

    Raises
    ------
    ClusterError
        ``cluster.no_job`` where there is none of this name.
    """
    place, said = _require(name)
    process = f"process {said['pid']} of {said['host']}"
    if _runs(place):
        return JobState("Running", None, {process: f"since {said['since']}"})
    try:
        code = int((place.folder / EXIT_CODE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return JobState("Failed", None, {process: "ended from outside, without an exit code"})
    return JobState("Failed" if code else "Successful", code, {process: f"ended, exit code {code}"})


def logs(name: str, *, follow: bool = False) -> Iterator[str]:
    """Give the lines that a job has written, and with `follow` those to come until it ends.

    Raises
    ------
    ClusterError
        ``cluster.no_job`` where there is no such job.
    """
    place, _ = _require(name)
    with place.log.open(encoding="utf-8", errors="replace") as log:
        begun = ""
        while True:
            # Asked before reading: what an ended process wrote is all there.
            over = not (follow and _runs(place))
            for part in log:
                begun += part
                if begun.endswith("\n"):
                    yield begun.rstrip("\n")
                    begun = ""
            if over:
                break
            time.sleep(0.2)
    if begun:
        yield begun


def cancel(name: str) -> None:
    """End a job and forget it, its log too. What is in the store stays.

    Raises
    ------
    ClusterError
        ``cluster.no_job`` where there is none of this name, ``cluster.elsewhere`` where it runs on
        another machine with the same home.
    """
    place, said = _require(name)
    if _runs(place):
        if said["host"] != socket.gethostname():
            raise ClusterError(
                "cluster.elsewhere",
                f"job {name}",
                expected=f"one of this machine, {socket.gethostname()}",
                found=f"one that runs on {said['host']}",
                remedy="Cancel it there.",
            )
        _end(place, int(said["pid"]))
    shutil.rmtree(place.folder)


def _end(place: Place, pid: int) -> None:
    """Ask a process to end, and kill it with all it started where it does not."""
    for number, send in ((signal.SIGTERM, os.kill), (signal.SIGKILL, os.killpg)):
        try:
            send(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + GRACE_SECONDS
        while _runs(place):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        else:
            return
    raise ClusterError(
        "cluster.refused",
        f"job {place.name} {WHERE}",
        expected="to end when it is killed",
        found=f"process {pid} still there",
        remedy="Look at what it waits for: ps -o stat,wchan",
    )


@contextmanager
def recorded(folder: Path) -> Iterator[None]:
    """Write down how the process of a job ends, and let SIGTERM end it in good order."""

    def leave(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    code: object = 1
    try:
        yield
        code = 0
    except SystemExit as ended:
        # Without a number it is a text, which means failure, or None, which does not.
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        raise
    finally:
        (folder / EXIT_CODE).write_text(f"{code}\n", encoding="ascii")


def _require(name: str) -> tuple[Place, dict[str, Any]]:
    place = Place(name)
    said = place.record()
    if said is None:
        raise no_job(name, WHERE)
    return place, said


def _runs(place: Place) -> bool:
    """Whether the job's lock is held."""
    with place.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _taken(lock: int, seconds: float = 0.5) -> bool:
    """Take the lock of a job; those who only ask whether it is held have it for a moment, too."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        else:
            return True


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
