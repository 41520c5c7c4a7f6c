"""One tree of errors: drawn as it is, with codes of its own, whole between processes, light."""

import pickle
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cluster import ClusterError
from pipelines.cli.exit_codes import ExitCode, exit_code
from soilft import errors
from soilft.errors import SoilftError


def below(kind: type[SoilftError]) -> Iterator[type[SoilftError]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


EVERY = [SoilftError, *below(SoilftError)]


def drawn() -> list[tuple[str, str | None]]:
    """Give each name of the drawing, in its order, with the name that it hangs on."""
    found: list[tuple[str, str | None]] = []
    above: list[str] = []
    for line in str(errors.__doc__).splitlines():
        if row := re.match(r"    ((?:\|   )*)(\+-- )?([A-Z]\w+)  ", line):
            depth = len(row[1]) // 4 + bool(row[2])
            above[depth:] = [row[3]]
            found.append((row[3], above[depth - 1] if depth else None))
    return found


def test_the_drawing_is_the_tree() -> None:
    classes = [(kind.__name__, kind.__base__.__name__ if kind.__base__ else "") for kind in EVERY]
    assert drawn() == [("SoilftError", None), *classes[1:]]


def test_no_two_kinds_have_one_code() -> None:
    codes = [kind.code for kind in EVERY if kind is not ClusterError]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_an_error_is_whole_between_processes(kind: type[SoilftError]) -> None:
    parts = {"expected": "south first", "found": "north first", "remedy": "Turn it."}
    error = (
        ClusterError("cluster.lost", "a thing", **parts)
        if kind is ClusterError
        else kind("a thing", **parts)
    )
    error.add_note("of fold 3")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.code, vars(again), str(again)) == (error.code, vars(error), str(error))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SoilftError", 1),
        ("ConfigError", 2),
        ("NoGranules", 2),
        ("TaskTooLarge", 2),
        ("GridMismatch", 3),
        ("LeaseHeld", 4),
        ("ModelError", 1),
        ("NotEnoughRows", 1),
    ],
)
def test_a_script_tells_errors_by_their_exit_code(name: str, code: int) -> None:
    assert exit_code(getattr(errors, name)("a thing")) is ExitCode(code)


def test_a_cluster_that_is_not_there_has_an_exit_code_of_its_own() -> None:
    error = ClusterError("cluster.lost", "cluster", expected="one", found="none", remedy="Wait.")
    assert exit_code(error) is ExitCode.CLUSTER


@pytest.mark.process
def test_the_errors_and_the_cluster_package_import_nothing_heavy() -> None:
    """Of the science, `cluster` takes the errors alone, and neither takes a package of others."""
    script = (
        "import sys; old = set(sys.modules); import {}; new = set(sys.modules) - old; "
        "print(*sorted(n for n in new if n.startswith('soilft') or n in {}))"
    )
    heavy = {"numpy", "pandas", "xarray", "zarr", "distributed", "sklearn", "typer", "pydantic"}
    for name in ("soilft.errors", "cluster"):
        command = [sys.executable, "-c", script.format(name, heavy)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.split() == ["soilft", "soilft.errors"], name
