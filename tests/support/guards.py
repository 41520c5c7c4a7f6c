"""Guards of the code, taken out one at a time, and the tests that notice.

``python -m tests.support.guards`` changes one line at a time in a copy of the tree, runs the tests
that should fail then, and says which did; ``python -m tests.support.guards WORD`` does so for those
whose file, or one of whose tests, has the word in its name. Of what names files of tests one has to
fail; a test that is named by itself (``path::test``) has to, too. The exit code is 1 where a change
was not noticed.
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

    @property
    def named(self) -> list[str]:
        """Tests that are named by themselves."""
        return [test for test in self.tests.split() if "::" in test]

    @property
    def files(self) -> list[str]:
        """Files and folders of tests."""
        return [test for test in self.tests.split() if "::" not in test]


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
            if asked not in f"{guard.file} {guard.tests}":
                continue
            print(f"{guard.file}: {guard.line.strip().splitlines()[0]}", flush=True)
            failed = noticed(guard, tree)
            for said in failed or [f"NOT NOTICED BY {guard.tests}"]:
                print(f"    {said}", flush=True)
            unnoticed += [] if failed else [guard.file]
    sys.exit(bool(unnoticed))


def noticed(guard: Guard, tree: Path) -> list[str]:
    """Names of the tests that fail without a guard, and pass with it; none where one does not."""
    asked = [[test] for test in guard.named] + [guard.files] * bool(guard.files)
    path = tree / guard.file
    text = path.read_text()
    if guard.line not in text:
        sys.exit(f"{guard.file}: expected {guard.line!r}, which is not there any more")
    path.write_text(text.replace(guard.line, guard.instead, 1))
    try:
        found = [failures(tree, tests) for tests in asked]
    finally:
        path.write_text(text)
    failed = [test for tests in found for test in tests]
    return failed if all(found) and not failures(tree, failed) else []


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
    if done.returncode not in (0, 1):  # such as of a test that is not there
        sys.exit(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    lines = done.stdout.splitlines()
    return [line.split()[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]


if __name__ == "__main__":
    main()
