"""Publications that kill themselves, and readers that look on: processes for one test.

``python -m tests.support.killed_publication`` reads jobs from standard input, one JSON line each:
``{"staged": path, "at": k}``. A child of its own publishes what the file holds and dies by SIGKILL
at the k-th moment, before a change of an object or, with ``"inside": true``, also in the middle and
after it; without ``at`` it lives. The answer is a JSON line with the child's exit status and what
it said.

``python -m tests.support.killed_publication read ROOT STOP OUT`` opens the latest cube over and
over, and writes a line of version and digest of its values each time, until the file STOP is there.
Between two readings it leaves the processor to others.
"""

import json
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import ModuleType

from soilft.release.publication import latest, publish
from soilft.release.staged import Staged
from soilft.store import disk, objects
from soilft.store import zarr as store

PAUSE_SECONDS = 1.0
LOADED = ("aiobotocore.session", "s3fs", "xarray", "zarr")


class Moments:
    """Counts changes of objects, and ends the process at one of them."""

    def __init__(self, at: int | None) -> None:
        self.at, self.count, self.lock = at, 0, threading.Lock()

    def watch(self, name: str, *, after: bool, module: ModuleType = objects) -> None:
        original = getattr(module, name)

        def change(*arguments):
            self.pass_by()
            result = original(*arguments)
            if after:
                self.pass_by()
            return result

        setattr(module, name, change)

    def pass_by(self) -> None:
        with self.lock:
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.count += 1


def run(root: str, staged: Staged, at: int | None, *, inside: bool) -> None:
    moments = Moments(at)
    for name in ("copy", "create", "swap", "write", "remove"):
        moments.watch(name, after=inside)
    if inside:
        moments.watch("temporary_beside", after=True, module=disk)
    release = publish(root, staged)
    print(json.dumps({"version": release.version, "moments": moments.count}), flush=True)


def serve() -> None:
    for module in LOADED:  # once, and not by each child
        import_module(module)
    for line in sys.stdin:
        job = json.loads(line)
        staged = pickle.loads(Path(job["staged"]).read_bytes())
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(writer, 1)
            try:
                run(job["root"], staged, job.get("at"), inside=job["inside"])
                sys.stdout.flush()
            finally:
                os._exit(int(sys.exc_info()[0] is not None))
        os.close(writer)
        with os.fdopen(reader) as said:
            text = said.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(json.dumps({"status": status, "said": json.loads(text or "null")}), flush=True)


def values_digest(url: str, names: Sequence[str] | None = None) -> str:
    """Digest of everything that a reader gets of a cube, or of these variables and the axes."""
    cube = store.open_cube(url)
    cube = (cube if names is None else cube[names]).load()
    held = sha256()
    for name in sorted(cube.variables):
        held.update(name.encode() + cube[name].values.tobytes())
    return held.hexdigest()


def read(root: str, stop: Path, out: Path) -> None:
    with out.open("w") as lines:
        while not stop.exists():
            pointer = latest(root)
            if pointer is not None:
                found = values_digest(objects.join(root, pointer["cube"]))
                lines.write(f"{pointer['version']} {found}\n")
                lines.flush()
            time.sleep(PAUSE_SECONDS)
        lines.write("end\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["read"]:
        read(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        serve()
