"""Parameters of the synthetic Earth, read from ``parameters.yaml``."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml


def _text() -> bytes:
    return files(__package__).joinpath("parameters.yaml").read_bytes()


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, dict[str, Any]]]:
    """Every parameter: section, name, and its value, unit, range and source."""
    loaded: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(_text())
    return loaded


@lru_cache(maxsize=1)
def digest() -> str:
    """SHA-256 of the file of parameters."""
    return hashlib.sha256(_text()).hexdigest()


@lru_cache(maxsize=512)
def number(name: str) -> float:
    """The single value of ``section.name``, in the unit its entry states."""
    section, key = name.split(".")
    return float(table()[section][key]["value"])


@lru_cache(maxsize=128)
def numbers(name: str) -> tuple[float, ...]:
    """The list of values of ``section.name``, in the unit its entry states."""
    section, key = name.split(".")
    return tuple(float(value) for value in table()[section][key]["value"])
