"""Guards of the code, taken out one at a time, and the tests that notice.

``python -m tests.support.guards`` changes one line at a time in a copy of the tree, runs the tests
that should fail then, and says which did; ``python -m tests.support.guards WORD`` does so for those
whose file has the word in its name. The exit code is 1 where a change was noticed by none.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "*-output")


@dataclass(frozen=True)
class Guard:
    """A line that guards, what is put in its place, and the tests that should notice."""

    file: str
    line: str
    instead: str
    tests: str


GUARDS = tuple(
    Guard(**guard)
    for guard in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["guard"]
)


def main() -> None:
    """Take out each guard and run its tests."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        for guard in GUARDS:
            if asked not in guard.file:
                continue
            failed = noticed(guard, tree)
            said = failed[0] if failed else "NOTICED BY NONE"
            print(f"{guard.file}: {guard.line.strip().splitlines()[0]}\n    {said}", flush=True)
            unnoticed += [] if failed else [guard.file]
    sys.exit(bool(unnoticed))


def noticed(guard: Guard, tree: Path) -> list[str]:
    """Names of the tests that fail without a guard, and pass with it."""
    path = tree / guard.file
    text = path.read_text()
    if guard.line not in text:
        sys.exit(f"{guard.file}: expected {guard.line!r}, which is not there any more")
    path.write_text(text.replace(guard.line, guard.instead, 1))
    try:
        failed = failures(tree, guard.tests.split())
    finally:
        path.write_text(text)
    return [] if failed and failures(tree, failed) else failed


def failures(tree: Path, tests: list[str]) -> list[str]:
    """The first of these tests that fails, if any does."""
    options = ("-q", "-x", "-n0", "--no-header", "-p", "no:cacheprovider", "--tb=no", "-rfE")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    lines = done.stdout.splitlines()
    return [line.split()[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]


if __name__ == "__main__":
    main()
