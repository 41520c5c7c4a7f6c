"""Names of releases, ``v<N>.<k>``: where each lies, and which one a publication gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soilft.errors import DamagedObject, PreconditionFailed
from soilft.store import documents, objects
from soilft.store.digest import digest

CLAIM = "claim.json"
_SHAPE = {"identity": str, "method": str}


def prefix_of(root: str, version: str) -> str:
    """URL of a release: the cube, and what lies beside it."""
    return objects.join(root, "releases", version)


def numbers(version: str) -> tuple[int, int]:
    """A version as numbers, to sort by.

    Examples
    --------
    >>> numbers("v1.10") > numbers("v1.9")
    True
    """
    major, minor = version.removeprefix("v").split(".")
    return int(major), int(minor)


def claimed(root: str, version: str) -> dict[str, Any] | None:
    """What the claim on a version says, or None where there is none.

    Raises
    ------
    DamagedObject
        Where it cannot be read.
    """
    return documents.read(
        objects.join(prefix_of(root, version), CLAIM), _SHAPE, "Put it back from a copy."
    )


def method_digest(method: Mapping[str, Any]) -> str:
    """Names a method: releases of one method share their first number."""
    return digest(dict(method))


def claim(
    root: str, identity: str, method: Mapping[str, Any], current: Mapping[str, Any] | None
) -> str:
    """Claim the first version that is free, or was claimed for this same identity.

    A claim is made by create-only PUT and stays when its release is removed, so that a version
    never names two cubes. One that cannot be read is somebody else's.

    Parameters
    ----------
    identity
        Digest of what is to be published.
    current
        What ``latest.json`` says; None before the first release.
    """
    of_method = method_digest(method)
    content = objects.to_json({"identity": identity, "method": of_method})
    major, minor = 1, 0
    if current is not None:
        same = current["method"] == of_method
        before = numbers(current["version"])
        major, minor = before[0] + (not same), before[1] + 1 if same else 0
    while True:
        version = f"v{major}.{minor}"
        url = objects.join(prefix_of(root, version), CLAIM)
        try:
            objects.create(url, content)
        except PreconditionFailed:
            try:
                other = claimed(root, version)
            except DamagedObject:
                other = None
            if other is not None and other["method"] != of_method:
                major, minor = major + 1, 0
            else:
                minor += 1
            continue
        return version
