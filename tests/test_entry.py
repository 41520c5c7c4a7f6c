"""The command starts with its own packages, or names the file that stands in their place."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from pipelines.cli.exit_codes import ExitCode

pytestmark = pytest.mark.process

#: What an installer writes into bin/soilft: the entry point that the wheel declares.
COMMAND = (
    "import sys; from importlib.metadata import entry_points; sys.argv[0] = 'soilft'; "
    "(found,) = entry_points(group='console_scripts', name='soilft'); found.load()()"
)
#: A package that says when it is imported.
FOREIGN = "raise SystemExit('a foreign package was run')\n"

names = pytest.mark.parametrize("name", ["cluster", "pipelines"])


def version_from(
    *path: Path, folder: Path, start: tuple[str, ...] = ("-P", "-c", COMMAND)
) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, *start, "--version"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def sentence_of(done: subprocess.CompletedProcess[str]) -> str:
    """Give what a refusal says: one line, not a traceback, and nothing was started."""
    assert (done.returncode, done.stdout) == (ExitCode.CONFIG, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def unpacked(wheel: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(wheel) as held:
        held.extractall(tmp_path / "site-packages")
    return tmp_path / "site-packages"


@pytest.mark.slow
def test_what_the_wheel_declares_starts_from_where_it_was_unpacked(
    unpacked: Path, tmp_path: Path
) -> None:
    done = version_from(unpacked, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"soilft {version('soilft')}\n"), done.stderr


@pytest.mark.slow
@names
def test_a_foreign_package_in_front_of_the_wheel_is_named_and_not_run(
    unpacked: Path, tmp_path: Path, name: str
) -> None:
    foreign = tmp_path / "front" / name / "__init__.py"
    foreign.parent.mkdir(parents=True)
    foreign.write_text(FOREIGN)
    said = sentence_of(version_from(tmp_path / "front", unpacked, folder=tmp_path))
    own = unpacked / name / "__init__.py"
    assert f"package {name}: expected {own}, found {foreign}. " in said
    assert said.endswith(f"pip uninstall {name}")


@pytest.mark.slow
def test_the_wheel_itself_on_the_path_starts(wheel: Path, tmp_path: Path) -> None:
    alone = ("-P", "-m", "soilft")
    done = version_from(wheel, folder=tmp_path, start=alone)
    assert (done.returncode, done.stdout) == (0, f"soilft {version('soilft')}\n"), done.stderr


@pytest.mark.slow
@names
def test_a_package_that_was_written_over_or_removed_is_named(
    unpacked: Path, tmp_path: Path, name: str
) -> None:
    own = unpacked / name / "__init__.py"
    own.write_bytes(b"# \xfcber\n" + FOREIGN.encode())
    said = sentence_of(version_from(unpacked, folder=tmp_path))
    assert f"{own}, found another package, written over it. " in said
    assert "then install soilft again" in said
    own.unlink()
    alone = ("-S", "-P", "-c", COMMAND)  # this tree has packages of these names, too
    said = sentence_of(version_from(unpacked, folder=tmp_path, start=alone))
    assert f"{own}, found none. " in said


@names
def test_a_file_of_the_working_folder_is_named(tmp_path: Path, name: str) -> None:
    start = ("-m", "soilft")
    assert version_from(folder=tmp_path, start=start).returncode == 0
    (tmp_path / name).mkdir()  # a folder that is no package is in nobody's way
    assert version_from(folder=tmp_path, start=start).returncode == 0
    (tmp_path / f"{name}.py").write_text(FOREIGN)
    said = sentence_of(version_from(folder=tmp_path, start=start))
    assert f"found {tmp_path / name}.py. Rename that file or start from another folder" in said
