"""The ``soilft`` command, called in this process, or started as one of its own."""

import io
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

SOILFT = Path(sys.executable).with_name("soilft")
WIDTH = 250


def soilft(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    code: int | None = 0,
    process: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Carry out the command and check its exit code.

    Parameters
    ----------
    environment
        Variables beside those of this process.
    process
        Start the installed command as a user does: for tests of a process. Else it is called here,
        where everything is loaded, and its workers are forked.
    """
    words, variables = [str(word) for word in arguments], environment or {}
    done = _started(words, variables) if process else _called(words, variables)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def _started(words: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SOILFT), *words],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": str(WIDTH), **variables},
        timeout=900,
        check=False,
    )


def _called(words: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    out, err = io.StringIO(), io.StringIO()
    with _as_a_process(variables), redirect_stdout(out), redirect_stderr(err):
        code = _exit_code(words)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def _exit_code(words: list[str]) -> int:
    from soilft.__main__ import main

    with mock.patch.object(sys, "argv", ["soilft", *words]):
        try:
            main()
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:  # noqa: BLE001 - as the interpreter does
            traceback.print_exc()
            return 1
    return 0


@contextmanager
def _as_a_process(variables: Mapping[str, str]) -> Iterator[None]:
    """Give the command its variables, a wide terminal, and warnings that are only shown."""
    from pipelines.cli import terminal
    from tests.support import fork_server

    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, {"COLUMNS": str(WIDTH), **variables}))
        for console in (terminal.out, terminal.err):
            stack.enter_context(mock.patch.object(console, "_width", WIDTH))
        stack.enter_context(fork_server.variables_of_today())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("default")
        yield
