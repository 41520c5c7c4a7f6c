"""The numbers of the synthetic Earth, read from ``parameters.yaml``."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, dict[str, Any]]]:
    """Every parameter: section, name, and its value, unit, range and source."""
    text = files(__package__).joinpath("parameters.yaml").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(text)
    return loaded


@lru_cache(maxsize=256)
def number(name: str) -> float:
    """The single value of ``section.name``, in the unit its entry states."""
    section, key = name.split(".")
    return float(table()[section][key]["value"])


@lru_cache(maxsize=64)
def numbers(name: str) -> tuple[float, ...]:
    """The list of values of ``section.name``, in the unit its entry states."""
    section, key = name.split(".")
    return tuple(float(value) for value in table()[section][key]["value"])
