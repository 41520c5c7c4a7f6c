"""A job of this machine outlives who started it, is alone under its name, and ends when asked."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import ClusterError, background
from tests.support.dask_processes import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.process

#: A job as `pipelines.cli.unattended` makes one, whose work is a few lines of Python.
JOB = """
import os, signal, sys, time
from pathlib import Path
from cluster import background
with background.recorded(Path(sys.argv[1])):
    exec(sys.argv[2])
"""
WAIT = "print('at work', flush=True); signal.pause()"


def command(work: str) -> tuple[str, ...]:
    return (sys.executable, "-c", JOB, "{folder}", work)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield tmp_path / "soilft" / "jobs"
    for record in (tmp_path / "soilft" / "jobs").glob("*/job.json"):
        background.cancel(record.parent.name)


def ended(name: str = "ice") -> None:
    wait_until(lambda: background.state(name).state != "Running", "the job's end")


def at_work(name: str = "ice") -> None:
    wait_until(lambda: "at work" in list(background.logs(name)), "the job at work")


def test_a_job_tells_its_state_its_lines_and_its_exit_code(folder: Path) -> None:
    background.submit("ice", command("print('one\\ntwo'); sys.exit(3)"), {"region.yaml": "a: 1\n"})
    assert list(background.logs("ice", follow=True)) == ["one", "two"]
    found = background.state("ice")
    assert (found.state, found.exit_code) == ("Failed", 3)
    assert (folder / "ice" / "region.yaml").read_text() == "a: 1\n"


def test_a_job_that_comes_to_its_end_is_successful() -> None:
    background.submit("ice", command("pass"), {})
    ended()
    assert (background.state("ice").state, background.state("ice").exit_code) == ("Successful", 0)


def test_an_error_nobody_expected_is_a_failure_with_its_traceback() -> None:
    background.submit("ice", command("1 / 0"), {})
    assert "ZeroDivisionError: division by zero" in list(background.logs("ice", follow=True))
    assert (background.state("ice").state, background.state("ice").exit_code) == ("Failed", 1)


def test_a_second_job_of_the_name_is_refused_while_the_first_runs_and_replaces_it_then() -> None:
    first = background.submit("ice", command(WAIT), {})
    with pytest.raises(ClusterError, match=f"process {first}.*soilft cancel") as refused:
        background.submit("ice", command("pass"), {})
    assert refused.value.code == "cluster.job_exists"
    background.submit("snow", command("pass"), {})
    os.kill(first, signal.SIGKILL)
    ended()
    background.submit("ice", command("print('second')"), {})
    assert list(background.logs("ice", follow=True)) == ["second"]


def test_a_job_that_was_killed_outright_has_failed_and_has_no_exit_code() -> None:
    pid = background.submit("ice", command(WAIT), {})
    assert background.state("ice").state == "Running"
    os.kill(pid, signal.SIGKILL)
    ended()
    found = background.state("ice")
    assert (found.state, found.exit_code) == ("Failed", None)


def test_cancel_lets_a_job_end_in_good_order_and_forgets_it(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "left in good order"
    leaves = (
        f"try:\n print('at work', flush=True); signal.pause()\nfinally: Path({str(mark)!r}).touch()"
    )
    background.submit("ice", command(leaves), {})
    at_work()
    background.cancel("ice")
    assert mark.exists()
    assert not (folder / "ice").exists()
    for call in (background.state, background.cancel, lambda name: list(background.logs(name))):
        with pytest.raises(ClusterError, match="soilft submit") as refused:
            call("ice")
        assert refused.value.code == "cluster.no_job"


def test_a_job_that_does_not_end_is_killed_with_what_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(background, "GRACE_SECONDS", 0.5)
    child = tmp_path / "child"
    deaf = (
        "import subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "pid = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']).pid\n"
        f"Path({str(child)!r}).write_text(str(pid)); print('at work', flush=True)\n"
        "while True: signal.pause()"
    )
    background.submit("ice", command(deaf), {})
    at_work()
    background.cancel("ice")
    # One that was killed is a name without a command line until its parent has asked after it.
    line = Path("/proc", child.read_text(), "cmdline")
    wait_until(lambda: not line.exists() or not line.read_bytes(), "the child gone")


def test_the_environment_is_inherited_and_written_nowhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-to-be-written")
    background.submit("ice", command("print(len(os.environ['AWS_SECRET_ACCESS_KEY']))"), {})
    assert list(background.logs("ice", follow=True)) == [str(len("not-to-be-written"))]
    for path in folder.rglob("*"):
        assert not path.is_file() or b"not-to-be-written" not in path.read_bytes()
    assert (folder / "ice").stat().st_mode & 0o077 == 0


def test_a_job_of_another_machine_with_the_same_home_is_not_shot_at(folder: Path) -> None:
    background.submit("ice", command(WAIT), {})
    record = folder / "ice" / "job.json"
    here = record.read_text()
    record.write_text(json.dumps({**json.loads(here), "host": "elsewhere"}))
    with pytest.raises(ClusterError, match="elsewhere") as refused:
        background.cancel("ice")
    assert refused.value.code == "cluster.elsewhere"
    assert background.state("ice").state == "Running"
    record.write_text(here)


def test_a_job_outlives_the_session_of_who_started_it() -> None:
    """The starter leads a session that is killed whole, as when a terminal is closed."""
    starter = (
        "import os, signal, sys\nfrom cluster import background\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever nohup may have left\n"
        "background.submit('ice', sys.argv[1:], {})\nos.killpg(0, signal.SIGHUP)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", starter, *command(WAIT)],
        start_new_session=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGHUP
    at_work()
    assert background.state("ice").state == "Running"
