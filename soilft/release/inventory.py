"""Inventory of a release: SHA-256 and size of every object in it, by name below its prefix.

The shards of days are in the lists of the release's parts (``releases/parts``), which releases
share, all else is in ``objects.json``. Both are written before ``release.json``, which holds their
digests and is sealed itself: no byte of a release is covered by nothing, and what a day more writes
does not grow with the record. Releases of 0.3.0 have the lists alone, and no digest of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from soilft.errors import DamagedObject
from soilft.release.layout import Layout
from soilft.release.staged import sha256
from soilft.release.versions import numbers, prefix_of
from soilft.store import documents, objects
from soilft.store.digest import digest

NAME = "objects.json"
DESCRIPTION = "release.json"
#: Of one object.
CUBE = "cube.zarr"
_FACTS = {"sha256": str, "size": int, "?md5": str}
_SHAPE = {"objects": {str: _FACTS}}
_DESCRIPTION = {
    "version": numbers,
    "cube": str,
    "identity": str,
    "layout": Layout.parse,
    "method": dict,
    "parts": [
        {
            "key": str,
            "first": date.fromisoformat,
            "last": date.fromisoformat,
            "?list": str,
        }
    ],
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


def name_of_part(part: Mapping[str, Any]) -> str:
    """Name of the list of a part's objects: the same values may be packed into other bytes.

    Parameters
    ----------
    part
        As a release describes it; those of 0.3.0 have the key alone.
    """
    return ".".join((part["key"], *([part["list"][:16]] if "list" in part else []), "json"))


def of_part_url(root: str, part: Mapping[str, Any]) -> str:
    """URL of the list of a part's objects, which releases share."""
    return objects.join(root, "releases", "parts", name_of_part(part))


def of_part(root: str, part: Mapping[str, Any]) -> dict[str, dict[str, Any]] | None:
    """Size and SHA-256 of every object of a part by name, or None where it was never written.

    Raises
    ------
    DamagedObject
        Where it cannot be read.
    """
    return documents.read(of_part_url(root, part), {str: _FACTS}, _OF_PARTS)


def list_digest(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Digest of the list of a part: the same where it names the same objects of the same bytes."""
    return digest({name: (facts["sha256"], facts["size"]) for name, facts in found.items()})


def part_of(name: str, said: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The part that a shard belongs to; None of another object, or where that is not known."""
    array, _, place = name.removeprefix(f"{CUBE}/").partition("/c/")
    numbers = place.split("/")
    # Annual layers have three axes as well, of which the first is years.
    if said is None or array.partition("/")[0] in (said.get("groups") or ()) or len(numbers) < 3:
        return None
    parts: list[Mapping[str, Any]] = said["parts"]
    return next((part for index, part in enumerate(parts) if str(index) == numbers[0]), None)


def to_copy_by(
    root: str, version: str | None
) -> tuple[dict[str, dict[str, dict[str, Any]]], list[str]]:
    """Lists of the objects of a release's parts by key, and URLs of those that are damaged."""
    said = None if version is None else described(root, version)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    damaged: list[str] = []
    for part in [] if said is None else said["parts"]:
        try:
            listed = of_part(root, part)
        except DamagedObject as error:
            damaged.append(error.thing)
            continue
        # Releases of 0.3.0 have no digest to hold the list of a part against.
        if listed is not None and part.get("list") in (None, list_digest(listed)):
            found[part["key"]] = listed
        else:
            damaged.append(of_part_url(root, part))
    return found, damaged
