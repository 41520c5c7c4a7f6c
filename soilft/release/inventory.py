"""Inventory of a release: SHA-256 and size of every object in it, by name below its prefix.

``objects.json`` is written before ``release.json``, which holds its SHA-256 and is sealed itself:
no byte of a release is covered by nothing. Releases of 0.3.0 have none; of them the parts' lists
(``releases/parts``) cover the shards of days.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from soilft.release.layout import Layout
from soilft.release.staged import sha256
from soilft.release.versions import numbers, prefix_of
from soilft.store import documents, objects

NAME = "objects.json"
DESCRIPTION = "release.json"
#: Of one object.
_FACTS = {"sha256": str, "size": int, "?md5": str}
_SHAPE = {"objects": {str: _FACTS}}
_DESCRIPTION = {
    "version": numbers,
    "cube": str,
    "identity": str,
    "layout": Layout.parse,
    "method": dict,
    "parts": [{"key": str, "first": date.fromisoformat, "last": date.fromisoformat}],
    "?groups": [str],
    "?absent": [str],
    "?companions": {str: [str]},
    "?changed": dict,
    "?period": str,
    "?objects": _FACTS,
}
_REMEDY = (
    "Put it back from a copy, or go back to a release that is whole: soilft verify, "
    "soilft rollback."
)
_OF_PARTS = "Remove it: the days that it speaks of are written anew by the next publication."


def content(sums: Mapping[str, str], sizes: Mapping[str, int]) -> bytes:
    """The inventory of objects from their SHA-256 and sizes by name."""
    found = {name: {"sha256": sums[name], "size": size} for name, size in sizes.items()}
    return objects.to_json(documents.sealed({"objects": found}))


def facts(content: bytes) -> dict[str, Any]:
    """SHA-256 and size of an object, JSON values."""
    return {"sha256": sha256(content), "size": len(content)}


def read(root: str, version: str) -> dict[str, dict[str, Any]] | None:
    """The inventory of a release by name, or None where there is none.

    Raises
    ------
    DamagedObject
        Where it cannot be read, or is not as it was written.
    """
    value = documents.read(objects.join(prefix_of(root, version), NAME), _SHAPE, _REMEDY)
    return None if value is None else dict(value["objects"])


def described(root: str, version: str) -> dict[str, Any] | None:
    """What a release says of itself, or None where it is not there or not complete.

    Raises
    ------
    DamagedObject
        Where it cannot be read, or is not as it was written.
    """
    url = objects.join(prefix_of(root, version), DESCRIPTION)
    return documents.read(url, _DESCRIPTION, _REMEDY)


def of_part_url(root: str, key: str) -> str:
    """URL of the list of a part's objects, which releases share."""
    return objects.join(root, "releases", "parts", f"{key}.json")


def of_part(root: str, key: str) -> dict[str, dict[str, Any]] | None:
    """Size and SHA-256 of every object of a part by name, or None where it was never written.

    Raises
    ------
    DamagedObject
        Where it cannot be read.
    """
    return documents.read(of_part_url(root, key), {str: _FACTS}, _OF_PARTS)
