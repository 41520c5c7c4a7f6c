"""Pointer ``latest.json``: the release that readers should take, and the catalogue of all.

It is a STAC Catalog with our own fields beside. One object is both, so that one compare-and-swap
moves both: they can never disagree, and no second object has to be overwritten. Whoever changes the
pointer makes the new content here. Links are relative: a store is as true under another host's name
as under its own.

Pointers of stores from before there was a catalogue have no links. They are read as they are, and
become a catalogue with the next release; releases without a ``collection.json`` are not in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from soilft.release.versions import numbers
from soilft.store import documents, objects
from soilft.store.documents import moment

STAC_VERSION = "1.1.0"
VERSION_EXTENSION = "https://stac-extensions.github.io/version/v1.2.0/schema.json"
NAME = "latest.json"
COLLECTION = "collection.json"
# What release.json says that the pointer does not repeat.
_OF_THE_RELEASE = frozenset(
    {"absent", "changed", "companions", "groups", "layout", "method", "objects", "parts", "sha256"}
)
_SHAPE = {
    "version": numbers,
    "cube": str,
    "identity": str,
    "method": str,
    "?contents": str,
    "?period": str,
    "?fence": int,
    "?replaced": {str: moment},
    "?links": [{"rel": str, "?version": numbers}],
}
_REMEDY = (
    "Put it back from a copy, or have it made anew: soilft rollback, with the version that readers "
    "should see."
)


def url(root: str) -> str:
    """URL of the pointer of a store."""
    return objects.join(root, NAME)


def read(root: str) -> dict[str, Any] | None:
    """What the pointer of a store says, or None before the first release.

    Raises
    ------
    DamagedObject
        Where it cannot be read.
    """
    return documents.read(url(root), _SHAPE, _REMEDY)


def parsed(root: str, content: bytes) -> dict[str, Any]:
    """What the pointer of a store says, from its bytes; as `read`."""
    return documents.parsed(url(root), content, _SHAPE, _REMEDY)


def is_listed(root: str, version: str) -> bool:
    """Whether a release has a collection, so that the catalogue can lead to it."""
    return objects.exists(objects.join(root, "releases", version, COLLECTION))


def moved(
    before: Mapping[str, Any] | None,
    said: Mapping[str, Any],
    *,
    method: str,
    fence: int,
    now: str,
    listed: bool,
) -> dict[str, Any]:
    """The pointer, on a release.

    Parameters
    ----------
    before
        What it says; None where there is none.
    said
        What the release's ``release.json`` says.
    method
        Digest of the release's method.
    fence
        Of the lease that is held.
    now
        UTC, ISO 8601.
    listed
        Whether the release has a ``collection.json``.
    """
    version = said["version"]
    replaced = dict((before or {}).get("replaced") or {})
    if before is not None:
        replaced[before["version"]] = now
    replaced.pop(version, None)
    children = {link["version"]: link for link in _children(before)}
    if listed:
        children[version] = _child(version, str(said.get("period", "")))
    facts = {key: value for key, value in said.items() if key not in _OF_THE_RELEASE}
    own = {**facts, "method": method, "fence": fence, "since": now, "replaced": replaced}
    return _catalogue(own, said.get("id") or (before or {}).get("id") or "soilft", children)


def remade(periods: Mapping[str, str], listed: Collection[str], now: str) -> dict[str, Any] | None:
    """A pointer in place of one that was lost, to be moved on the release that readers should take.

    Parameters
    ----------
    periods
        Period of each other release that can be opened, by its version.
    listed
        Those of them that have a ``collection.json``.
    now
        UTC, ISO 8601; when they were replaced is not known any more.
    """
    if not periods:
        return None
    return {
        "version": max(periods, key=numbers),
        "replaced": dict.fromkeys(periods, now),
        "links": [_child(version, periods[version]) for version in sorted(listed, key=numbers)],
    }


def without(before: Mapping[str, Any], versions: Collection[str]) -> dict[str, Any]:
    """The pointer, without releases that are about to be removed."""
    replaced = {v: when for v, when in before.get("replaced", {}).items() if v not in versions}
    value = {**before, "replaced": replaced}
    if "links" in before:
        value["links"] = [link for link in before["links"] if link.get("version") not in versions]
    return value


def fenced(before: Mapping[str, Any], fence: int) -> dict[str, Any]:
    """The pointer, with another fence and nothing else that readers use."""
    return {**before, "fence": fence}


def _children(pointer: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    links = [] if pointer is None else pointer.get("links", [])
    return [link for link in links if link["rel"] == "child" and "version" in link]


def _child(version: str, period: str) -> dict[str, Any]:
    return {
        "rel": "child",
        "href": f"./releases/{version}/{COLLECTION}",
        "type": "application/json",
        "title": f"{version}, {period}".removesuffix(", "),
        "version": version,
    }


def _catalogue(
    own: Mapping[str, Any], identifier: str, children: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Own fields as a STAC Catalog: the release that is pointed at first, then from the newest."""
    current = own["version"]
    order = sorted(children, key=lambda version: (version == current, numbers(version)))
    links = [{"rel": "root", "href": f"./{NAME}", "type": "application/json"}]
    links += [dict(children[version]) for version in reversed(order)]
    if current in children:
        links.append({**children[current], "rel": "latest-version"})
    title = str(own.get("title", identifier))
    return {
        **own,
        "type": "Catalog",
        "stac_version": STAC_VERSION,
        "stac_extensions": [VERSION_EXTENSION],
        "id": identifier,
        "title": title,
        # Where the inputs were simulated, the title says so first.
        "description": f"{title}: the releases that can be opened. The link latest-version leads "
        "to the one to take.",
        "links": links,
    }
