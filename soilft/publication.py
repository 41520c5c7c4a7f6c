"""Publish a staged cube under a fresh prefix, so that a reader sees the old cube or the new one.

Order is everything: a claim on the prefix by create-only PUT, shards, leaf metadata, the root
``zarr.json`` by create-only PUT, and last ``latest.json`` by compare-and-swap. Before the root is
there nobody can open the cube; after it, no object of the prefix changes again. A publication that
was killed finds its own claim, which holds the identity of what it was to publish, and goes on; one
of another content takes the next prefix.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from soilft import objects, store
from soilft.errors import PreconditionFailed

_ROOT = "zarr.json"


@dataclass(frozen=True)
class Release:
    """A published cube.

    Parameters
    ----------
    version
        Such as ``v1.0``.
    cube
        URL of the cube.
    fresh
        False where exactly this was published before and nothing was done.
    """

    version: str
    cube: str
    fresh: bool


def latest(root: str) -> dict[str, Any] | None:
    """What ``latest.json`` says, or None before the first release."""
    value: dict[str, Any] | None = objects.read_json(objects.join(root, "latest.json"))
    return value


def publish(
    root: str,
    staging: str,
    identity: str,
    companions: Mapping[str, str],
    facts: Mapping[str, Any],
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> Release:
    """Publish a staged cube.

    Parameters
    ----------
    root
        The store.
    staging
        URL of the complete staged cube.
    identity
        Digest of the staged content; publishing the same identity again does nothing.
    companions
        Prefixes to copy beside the cube, by name below the release, such as ``model``.
    facts
        What ``latest.json`` says beside version and place.
    progress
        Called with objects done and in all.

    Raises
    ------
    PreconditionFailed
        Where another publication moved ``latest.json`` in the meantime. The release stands
        complete under its own prefix then, and nothing that readers see has changed.
    """
    pointer = objects.join(root, "latest.json")
    seen = objects.read(pointer)
    current = latest(root)
    if current is not None and current["identity"] == identity:
        return Release(current["version"], objects.join(root, current["cube"]), fresh=False)
    prefix, version = _claim(root, identity)
    store.sweep_partials(prefix)
    copies = list(_copies(staging, objects.join(prefix, "cube.zarr")))
    for name, url in companions.items():
        copies += list(_copies(url, objects.join(prefix, name)))
    present = objects.listing(prefix)
    for done, (source, target, size) in enumerate(copies):
        if present.get(target.removeprefix(prefix + "/")) != size:
            objects.copy(source, target)
        progress(done + 1, len(copies) + 2)
    content = objects.read(objects.join(staging, _ROOT))
    if content is None:
        raise FileNotFoundError(objects.join(staging, _ROOT))
    objects.create(objects.join(prefix, "cube.zarr", _ROOT), content)
    progress(len(copies) + 1, len(copies) + 2)
    place = f"releases/{version}/cube.zarr"
    value = {**facts, "version": version, "cube": place, "identity": identity}
    objects.swap(pointer, seen, objects.to_json(value))
    progress(len(copies) + 2, len(copies) + 2)
    return Release(version, objects.join(root, place), fresh=True)


def _claim(root: str, identity: str) -> tuple[str, str]:
    """The first prefix that is free, or claimed for this same identity."""
    claim = objects.to_json({"identity": identity})
    for k in itertools.count():
        version = f"v1.{k}"
        prefix = objects.join(root, "releases", version)
        try:
            objects.create(objects.join(prefix, "claim.json"), claim)
        except PreconditionFailed:
            continue
        return prefix, version
    raise AssertionError


def _copies(source: str, target: str) -> Iterator[tuple[str, str, int]]:
    """Objects to copy: data first, then leaf metadata; the root metadata is not among them."""
    names = [
        (name, size)
        for name, size in objects.listing(source).items()
        if name != _ROOT and not name.endswith(".partial")
    ]
    for name, size in sorted(names, key=lambda item: (item[0].endswith(_ROOT), item[0])):
        yield objects.join(source, name), objects.join(target, name), size
