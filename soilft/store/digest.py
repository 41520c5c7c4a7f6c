"""Digests of values and arrays, and the spelling of settings that keys are made of.

Equal values give equal digests in any process.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

_SPELLED, _BEFORE = "spelled", "before"
#: Metadata of a field that decides no values: it stands in no key.
UNSPELLED: Mapping[str, Any] = MappingProxyType({_SPELLED: False})


def digest(*values: Any) -> str:
    """SHA-256 over JSON values: the same values give the same digest in any process."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def arrays_digest(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over names, types, shapes and little-endian bytes of arrays, in order of name."""
    sha = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        sha.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        sha.update(array.data if array.size else b"")
    return sha.hexdigest()


def spelled(value: Any) -> str:
    """Text of settings for a key: the same settings give the same text in any process.

    Numbers that are equal but of another type, such as 1 and 1.0, are other settings. Dataclasses
    are spelled field by field in the order of their declaration, as Python writes them where
    nothing is left out (`UNSPELLED`, `added`).

    Raises
    ------
    TypeError
        For a value that has no such text: it must not decide what a key says.

    Examples
    --------
    >>> from soilft.days import DaySpan
    >>> spelled((DaySpan(date(2015, 1, 1), date(2015, 1, 2)), 0.25))
    '(DaySpan(first=datetime.date(2015, 1, 1), last=datetime.date(2015, 1, 2)), 0.25)'
    """
    if is_dataclass(value) and not isinstance(value, type):
        said = [f"{name}={spelled(part)}" for name, part in _deciding(value)]
        return f"{type(value).__qualname__}({', '.join(said)})"
    if isinstance(value, tuple):
        said = [spelled(part) for part in value]
        return f"({said[0]},)" if len(said) == 1 else f"({', '.join(said)})"
    if type(value) is date:
        return f"datetime.date({value.year}, {value.month}, {value.day})"
    if value is None or type(value) in (bool, int, float, str):
        return f"{value!r}"
    raise TypeError(f"{type(value).__name__} {value!r} cannot be spelled in a key")


def added(before: Any) -> Mapping[str, Any]:
    """Metadata of a field that a class gets after values were keyed.

    It stands in no key while it holds ``before``, what was done without it: no store is made anew
    for a setting that nobody uses.
    """
    return MappingProxyType({_BEFORE: before})


def _deciding(value: Any) -> list[tuple[str, Any]]:
    """Fields that stand in a key, with what they hold."""
    found = []
    for field in fields(value):
        part, how = getattr(value, field.name), field.metadata
        as_before = _BEFORE in how and spelled(part) == spelled(how[_BEFORE])
        if how.get(_SPELLED, True) and not as_before:
            found.append((field.name, part))
    return found
