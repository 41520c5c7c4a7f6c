"""Ctrl-C ends a command with one sentence, whatever it was at."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.small_run import region_file
from tests.support.started import started
from tests.support.waiting import wait_until

SENTENCE = "stopped; the same command goes on\n"


@pytest.mark.slow
@pytest.mark.process
def test_ctrl_c_ends_a_run_with_one_sentence(small_archive: Path, tmp_path: Path) -> None:
    config = region_file(tmp_path, small_archive)
    command = [sys.executable, "-m", "soilft", "run", str(config), "--quiet"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with started(command, **streams, start_new_session=True) as process:
        ledger = tmp_path / "store" / "ledger" / "ingest"
        wait_until(lambda: any(ledger.rglob("*.json")), "a unit that is done", seconds=120)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers, too
        said, _ = process.communicate(timeout=120)
    assert (process.returncode, said) == (130, SENTENCE)


@pytest.mark.process
def test_an_interrupt_that_a_library_makes_another_error_of_ends_the_same() -> None:
    code = """
import os, signal
from soilft import __main__ as entry

class Library:
    def main(self):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as error:
            raise RuntimeError("while loading") from error

entry.import_module = lambda name: Library()
entry.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", SENTENCE)
