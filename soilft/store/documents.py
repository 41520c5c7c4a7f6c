"""Documents: JSON objects that are read back, held against a shape and against their own seal.

A shape is a value: a type, or several; a function that raises ``ValueError`` or ``TypeError`` on
what does not fit; ``[shape]`` for a list of such; ``{str: shape}`` for any names; and names with
their shapes, which may be absent, or null, where they begin with ``?``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from soilft.errors import DamagedObject
from soilft.store import objects

# Where a document holds the SHA-256 of everything else in it.
SEAL = "sha256"


def read(url: str, shape: Any, remedy: str = "") -> dict[str, Any] | None:
    """A document, or None where there is none.

    Parameters
    ----------
    shape
        What its readers ask for; see the module.
    remedy
        What to do where it is damaged.

    Raises
    ------
    DamagedObject
        Where it is no JSON, of another shape, or not what it was sealed as.
    """
    content = objects.read(url)
    return None if content is None else parsed(url, content, shape, remedy)


def parsed(url: str, content: bytes, shape: Any, remedy: str = "") -> dict[str, Any]:
    """A document from its bytes; as `read`."""
    value: dict[str, Any] = objects.from_json(url, content, remedy)
    require(url, value, shape, remedy)
    if isinstance(value, dict) and SEAL in value:
        require_seal(url, content, remedy)
    return value


def require(url: str, value: Any, shape: Any, remedy: str = "") -> None:
    """Refuse a value of another shape.

    Raises
    ------
    DamagedObject
        Naming what does not fit.
    """
    problem = _problem(value, shape, "")
    if problem:
        raise DamagedObject(
            url,
            expected="a document of the shape that it was written in",
            found=problem,
            remedy=remedy or "Put it back from a copy, or remove it to have it made anew.",
        )


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """A document with the SHA-256 of itself.

    Examples
    --------
    >>> seal = sealed({"version": "v1.0"})["sha256"]
    >>> seal == sealed({"version": "v1.0", "sha256": "of before"})["sha256"]
    True
    """
    rest = {name: said for name, said in value.items() if name != SEAL}
    return {**rest, SEAL: hashlib.sha256(objects.to_json(rest)).hexdigest()}


def require_seal(url: str, content: bytes, remedy: str = "") -> None:
    """Refuse a document that has another byte than when it was sealed.

    Raises
    ------
    DamagedObject
        Where it has, or was never sealed.
    """
    value = objects.from_json(url, content, remedy)
    try:
        sound = isinstance(value, dict) and objects.to_json(sealed(value)) == content
    except UnicodeEncodeError:  # JSON can spell half of a character
        sound = False
    if not sound:
        raise DamagedObject(
            url,
            expected="the bytes that its SHA-256 was made of",
            found="others",
            remedy=remedy or "Put it back from a copy, or remove it to have it made anew.",
        )


def moment(value: str) -> datetime:
    """A time with its zone, as the shape of a field.

    Raises
    ------
    ValueError
        Where it is none.
    """
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("no time zone")
    return found


def _problem(value: Any, shape: Any, place: str) -> str:
    """What of a value does not fit, as words; empty where all does."""
    if isinstance(shape, dict):
        return _problem_of_object(value, shape, place)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{place or 'it'} is {_named(value)} and no list"
        found = (_problem(item, shape[0], f"{place}[{i}]") for i, item in enumerate(value))
        return next(filter(None, found), "")
    if isinstance(shape, type | tuple):
        kinds = shape if isinstance(shape, tuple) else (shape,)
        # True is an integer to Python, and no number to whoever wrote the document.
        fits = isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)
        asked = " or ".join(kind.__name__ for kind in kinds)
        return "" if fits else f"{place or 'it'} is {_named(value)} and no {asked}"
    try:
        shape(value)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        return f"{place or 'it'} is {_named(value)} ({error})"
    return ""


def _problem_of_object(value: Any, shape: Mapping[Any, Any], place: str) -> str:
    if not isinstance(value, dict):
        return f"{place or 'it'} is {_named(value)} and no object"
    if str in shape:
        found = (_problem(item, shape[str], f"{place}.{name}") for name, item in value.items())
        return next(filter(None, found), "")
    for name, inner in shape.items():
        key, place_of = name.removeprefix("?"), f"{place}.{name}".replace("?", "").lstrip(".")
        if name.startswith("?") and value.get(key) is None:
            continue
        if key not in value:
            return f"no {place_of}"
        problem = _problem(value[key], inner, place_of)
        if problem:
            return problem
    return ""


def _named(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
