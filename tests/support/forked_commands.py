"""Commands of ``soilft``, each a fork of one process that has loaded what they need.

``python -m tests.support.forked_commands`` reads jobs from standard input, a JSON line each: the
words of a command and, where a process is to be killed meanwhile, which one (0 for the command's
own) and before which change of a small object; or, for the command's own, the stage, the number of
its record in the ledger, and whether before or after. The answer is a JSON line with the exit code
and the output.
"""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.support import fork_server
from tests.support.command import WIDTH
from tests.support.started import started

ROOT = Path(__file__).parents[2]
MODULES = (*fork_server.MODULES, "matplotlib.figure", "pipelines.cli.main", "soilft.__main__")
CHANGES = ("copy", "create", "swap", "write", "remove")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, -9 where it was killed, and what it printed."""

    code: int
    text: str


@contextmanager
def commands() -> Iterator[Callable[..., Ended]]:
    """Give a function that carries out a command, which may be killed as a job says it."""
    module = [sys.executable, "-m", "tests.support.forked_commands"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    environment = {**os.environ, "COLUMNS": str(WIDTH)}
    with started(module, cwd=ROOT, env=environment, **pipes) as process:

        def command(
            *words: object,
            kills: tuple[int, int] | None = None,
            dies: tuple[str, int, str] | None = None,
        ) -> Ended:
            job = {"words": [str(word) for word in words], "kills": kills, "dies": dies}
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            return Ended(**json.loads(process.stdout.readline()))

        yield command
        process.stdin.close()
        assert process.wait(30) == 0


def serve() -> None:
    """Carry out job after job."""
    for module in MODULES:  # once, and not by each child
        import_module(module)
    for line in sys.stdin:
        job = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            with os.fdopen(writer, "w", buffering=1) as said:
                carry_out(job, said)
        os.close(writer)
        with os.fdopen(reader) as said:
            text = said.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"code": code, "text": text}), flush=True)


def carry_out(job: dict[str, Any], said: io.TextIOBase) -> None:
    """Be the command, and end as it does."""
    from pipelines.cli import terminal

    if job["kills"] is not None:
        kill(*job["kills"])
    if job["dies"] is not None:
        die(*job["dies"])
    code = 1
    try:
        for console in (terminal.out, terminal.err):
            console._width = WIDTH
        sys.argv = ["soilft", *job["words"]]
        with redirect_stdout(said), redirect_stderr(said):
            import_module("soilft.__main__").main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc(file=said)
    finally:
        said.flush()
        os._exit(code)


def kill(process: int, moment: int) -> None:
    """Let a process be killed before a change of a small object, this one where it is 0."""
    from soilft.store import objects

    lock, count = threading.Lock(), 0

    def watched(change: Callable[..., Any]) -> Callable[..., Any]:
        def kill_and_change(*arguments: Any) -> Any:
            nonlocal count
            with lock:
                if count == moment:
                    # A worker may have been replaced since its number was asked.
                    with suppress(ProcessLookupError):
                        os.kill(process or os.getpid(), signal.SIGKILL)
                count += 1
            return change(*arguments)

        return kill_and_change

    for name in CHANGES:
        setattr(objects, name, watched(getattr(objects, name)))


def die(stage: str, number: int, moment: str) -> None:
    """Let this process be killed before or after a record of a stage: its data are written then."""
    from soilft.store.ledger import Done, Ledger

    put, count = Ledger.put, 0

    def put_or_die(self: Ledger, at: str, unit: str, record: Done) -> None:
        nonlocal count
        count += at == stage
        dies = at == stage and count == number
        if not (dies and moment == "before"):
            put(self, at, unit, record)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)

    Ledger.put = put_or_die  # type: ignore[method-assign]


if __name__ == "__main__":
    serve()
