"""The rooms: each names its modules, which begin by saying what they are; tests stay short."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("soilft", "cluster", "pipelines")
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
ROOMS = sorted(path.parent for path in MODULES if path.name == "__init__.py")
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LINES = 400
"""Beyond these a file of tests is parted by what it promises."""
ENTRY = re.compile(r"^- `(\w+)`: \S", re.MULTILINE)

# What the glossary (docs/adr/0030) has a better word for.
RIDDLES = re.compile(
    r"^(What|When|Where|Which|How|Whether|That|Why|If)\b"
    r"|\b(alike|departures?|stands? in for|is told by|tells? of|made like|as they are beside)\b"
    r"|\bStage \d"
)


def summary(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]


def inhabitants(room: Path) -> set[str]:
    modules = {path.stem for path in room.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in room.glob("*/__init__.py")}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_a_room_lists_its_modules_each_once(room: Path) -> None:
    contents = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    named = ENTRY.findall(contents or "")
    assert sorted(named) == sorted(inhabitants(room))


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_begins_with_a_noun_phrase_and_no_riddle(module: Path) -> None:
    first = summary(module)
    assert first.endswith(".")
    assert not RIDDLES.search(first), first


def test_no_file_of_tests_is_longer_than_a_reader_bears() -> None:
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in TESTS}
    assert {name: count for name, count in lines.items() if count > LINES} == {}
