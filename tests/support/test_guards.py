"""The list of guards speaks of the code as it is, and each test that one names must notice."""

from pathlib import Path

import pytest

from tests.support import guards
from tests.support.guards import GUARDS, ROOT, Guard


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.file)
def test_a_guard_stands_where_the_list_says(guard: Guard) -> None:
    assert (ROOT / guard.file).read_text().count(guard.line) >= 1
    assert guard.line != guard.instead
    assert all((ROOT / test.split("::")[0]).exists() for test in guard.tests.split())


@pytest.mark.parametrize(
    ("failing", "tests", "expected"),
    [
        ({"a.py::one", "a.py::two"}, "a.py::one a.py::two", ["a.py::one", "a.py::two"]),
        ({"a.py::one"}, "a.py::one a.py::two", []),
        ({"b.py"}, "b.py c.py", ["b.py"]),
        ({"a.py::one"}, "a.py::one b.py c.py", []),
        ({"a.py::one", "c.py"}, "a.py::one b.py c.py", ["a.py::one", "c.py"]),
    ],
)
def test_each_test_that_is_named_has_to_fail_and_one_of_the_files(
    failing: set[str],
    tests: str,
    expected: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = tmp_path / "code.py"
    code.write_text("if wrong:\n    raise\n")

    def first_failure(tree: Path, asked: list[str]) -> list[str]:
        found = [test for test in asked if test in failing and "if False" in code.read_text()]
        return found[:1]

    monkeypatch.setattr(guards, "failures", first_failure)
    guard = Guard("code.py", "if wrong:", "if False:", tests)
    assert guards.noticed(guard, tmp_path) == expected
    assert code.read_text() == "if wrong:\n    raise\n"
