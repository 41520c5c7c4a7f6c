"""Keys and values of a YAML file as they are written, each with its line.

Nothing is guessed: a plain word is null, a truth or a decimal number where it looks like one (the
core of YAML 1.2), and text otherwise. So a day is text, to be checked where a day is asked, and so
are ``no`` and ``12:30``, which YAML 1.1 takes for false and for 750. Refused is what has two
meanings: a key given twice, and ``010``, which is 8, 10 or a name.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from soilft.errors import ConfigError

#: Keys, and positions in lists, from the top of the file.
Place = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_TEXT, _INT, _MERGE = f"{_TAG}str", f"{_TAG}int", f"{_TAG}merge"
_LIST, _KEYS = f"{_TAG}seq", f"{_TAG}map"
_TWO_MEANINGS = re.compile(r"[-+]?0[0-9]+")


class _Loader(yaml.SafeLoader):
    pass


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,18}", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", "<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"(?:{_pattern})\Z"), _first)


@dataclass(frozen=True)
class AsWritten:
    """A file's keys and values, nothing checked or replaced, and where each stands."""

    path: Path
    values: dict[str, Any]
    lines: Mapping[Place, int]

    def at(self, place: Place) -> str:
        """Line and key of a value; the line of the nearest key above where it has none.

        >>> AsWritten(Path("r.yaml"), {}, {("period",): 3}).at(("period", "start"))
        'line 3, period.start'
        """
        near = (place[:n] for n in range(len(place), 0, -1))
        line = next((self.lines[p] for p in near if p in self.lines), None)
        return _at(line, place)


def _at(line: int | None, place: Place) -> str:
    key = ".".join(map(str, place)) or "file"
    return key if line is None else f"line {line}, {key}"


def read(path: Path) -> AsWritten:
    """Read a YAML file of keys and values.

    Anchors may be repeated and merged (``<<``): what a section itself says counts before what is
    merged into it.

    Raises
    ------
    ConfigError
        Where it is not UTF-8, no YAML, or more than one document; naming every key that is given
        twice, every number with two meanings and every tag, with their lines.
    """
    text = _decoded(path)
    found = _Walk()
    try:
        documents: list[Node] = list(yaml.compose_all(text, _Loader))
        if len(documents) > 1:
            raise ConfigError(
                f"{path}: line {_line(documents[1])}",
                expected="one document",
                found="a second one, after ---",
                remedy="Put each into a file of its own.",
            )
        values = found.value(documents[0], ()) if documents else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        line = text.count("\n") + 1 if mark is None else mark.line + 1
        raise ConfigError(f"{path}: line {line}: no YAML: {said}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _not_text(path, line, f"the character U+{error.character:04X}") from error
    if found.problems:
        raise ConfigError(f"{path}: {'; '.join(found.problems)}")
    if not isinstance(values, dict):
        kind = {list: "a list", type(None): "nothing"}.get(type(values), f"the value {values!r}")
        raise ConfigError(str(path), expected="keys and values", found=f"{kind} at the top")
    return AsWritten(path, values, found.lines)


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            str(path), expected="a file that can be read", found=str(error.strerror)
        ) from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8")
        found = f"the byte 0x{content[error.start]:02x} after {before.rpartition(chr(10))[2]!r}"
        if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in content:
            found = "UTF-16"
        raise _not_text(path, before.count("\n") + 1, found) from error


def _not_text(path: Path, line: int, found: str) -> ConfigError:
    return ConfigError(
        f"{path}: line {line}", expected="UTF-8", found=found, remedy="Save the file as UTF-8."
    )


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


class _Walk:
    """Values of a tree of nodes; what is wrong is gathered, to be told at once."""

    def __init__(self) -> None:
        self.lines: dict[Place, int] = {}
        self.problems: list[str] = []
        self._loader = _Loader("")
        self._open: set[Node] = set()

    def value(self, node: Node, place: Place) -> Any:
        """Value of a node and all below it."""
        self.lines.setdefault(place, _line(node))
        if node in self._open:
            return self._refuse(node, place, "expected a value, found one that holds itself")
        self._open.add(node)
        try:
            if isinstance(node, MappingNode) and node.tag == _KEYS:
                return self._section(node, place)
            if isinstance(node, SequenceNode) and node.tag == _LIST:
                return [self.value(item, (*place, i)) for i, item in enumerate(node.value)]
            return self._scalar(node, place)
        finally:
            self._open.remove(node)

    def _section(self, node: MappingNode, place: Place) -> dict[str, Any]:
        given: dict[str, int] = {}
        merged: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value
            if not isinstance(name, str):
                self._refuse(key, place, "expected a name before the colon, found more than one")
                continue
            here = (*place, name)
            if name in given:
                self._refuse(key, here, f"given twice, first on line {given[name]}. Keep one")
                continue
            given[name] = _line(key)
            if key.tag == _MERGE:
                merged = self._merged(value, here)
                continue
            self.lines[here] = given[name]
            values[name] = self.value(value, here)
        return merged | values

    def _merged(self, node: Node, place: Place) -> dict[str, Any]:
        """Sections that another is to begin with; of two, the first counts, as YAML has it."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in reversed(parts):
            section = self.value(part, place)
            if isinstance(section, dict):
                merged |= section
            else:
                self._refuse(part, place, "expected a section to merge, found none")
        return merged

    def _scalar(self, node: Node, place: Place) -> Any:
        text = node.value
        plain = self._loader.resolve(ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        if not isinstance(node, ScalarNode) or node.tag not in (_TEXT, plain):
            return self._refuse(node, place, f"expected a value without a tag, found {node.tag}")
        if node.tag == _INT and _TWO_MEANINGS.fullmatch(text):
            rest = ", as all of its list" if isinstance(place[-1], int) else ""
            words = (
                f"{text} may be octal, decimal or a name: write '{text}', in quotes{rest}, where a "
                f"name is meant, {int(text)} where a number is"
            )
            return self._refuse(node, place, words)
        return self._loader.construct_object(node)

    def _refuse(self, node: Node, place: Place, words: str) -> None:
        self.problems.append(f"{_at(_line(node), place)}: {words}")
