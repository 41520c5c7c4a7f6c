"""Retention of releases: their list, the return to one, the removal of those not needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from soilft.errors import ReleaseRefused, StoreError
from soilft.release import pointer
from soilft.release.lease import SECONDS, held
from soilft.release.publication import CUBE, described, latest, manifest
from soilft.release.shards import ROOT
from soilft.release.staged import sha256
from soilft.release.versions import CLAIM, numbers, prefix_of
from soilft.store import objects
from soilft.store import zarr as store


@dataclass(frozen=True)
class Kept:
    """One release of a store.

    Parameters
    ----------
    complete
        Whether its cube can be opened; if not, its publication did not end.
    current
        Whether ``latest.json`` points at it.
    replaced
        When another took its place, UTC; None for the current one, and where it never was latest.
    """

    version: str
    complete: bool
    current: bool
    replaced: datetime | None
    period: str

    @property
    def number(self) -> tuple[int, int]:
        """The version as numbers, to sort by."""
        return numbers(self.version)


def releases(root: str) -> list[Kept]:
    """Releases under the store's prefix, in the order of their versions."""
    current = latest(root) or {}
    names = objects.listing(objects.join(root, "releases"))
    versions = {name.split("/")[0] for name in names if name.startswith("v")}
    found = []
    for version in versions:
        inside = {n.split("/", 1)[1] for n in names if n.startswith(f"{version}/")}
        if inside == {CLAIM}:
            continue  # pruned: the claim stays, so that no version is ever used for another cube
        said = described(root, version) or {}
        replaced = current.get("replaced", {}).get(version)
        found.append(
            Kept(
                version,
                complete=f"{CUBE}/{ROOT}" in inside,
                current=current.get("version") == version,
                replaced=None if replaced is None else datetime.fromisoformat(replaced),
                period=str(said.get("period", "")),
            )
        )
    return sorted(found, key=lambda kept: kept.number)


def point_to(root: str, version: str, *, seconds: float = SECONDS) -> bool:
    """Make a release of this store the latest again; False where it is.

    Raises
    ------
    StoreError
        Where there is no complete release of that name.
    LeaseHeld, PreconditionFailed
        Where somebody else is publishing.
    """
    with held(root, seconds) as lease:
        url = pointer.url(root)
        seen = objects.read(url)
        complete = [kept.version for kept in releases(root) if kept.complete]
        said = described(root, version)
        if seen is None or said is None or version not in complete:
            raise StoreError(
                prefix_of(root, version),
                expected=f"one of {', '.join(complete) or 'no release'}",
                found=version,
            )
        current: dict[str, Any] = json.loads(seen)
        if current["version"] == version:
            return False
        claim = objects.read_json(objects.join(prefix_of(root, version), CLAIM))
        value = pointer.moved(
            current,
            said,
            method=claim["method"],
            fence=lease.fence,
            now=datetime.now(UTC).isoformat(timespec="seconds"),
            listed=pointer.is_listed(root, version),
        )
        lease.confirm()
        objects.swap(url, seen, objects.to_json(value))
    return True


def prunable(root: str, keep: timedelta) -> list[Kept]:
    """Releases replaced longer ago than ``keep``, and publications that never came to be latest."""
    limit = datetime.now(UTC) - keep
    return [
        kept
        for kept in releases(root)
        if not kept.current
        and (not kept.complete or kept.replaced is None or kept.replaced < limit)
    ]


def prune(root: str, keep: timedelta, *, seconds: float = SECONDS) -> list[Kept]:
    """Remove what `prunable` names; give what was removed.

    The catalogue lets go of them first, then the root metadata go, so that nobody is led to what is
    going, nor opens it; a prune that was killed is ended by the next. The claim stays: a version
    never names two cubes.

    Raises
    ------
    LeaseHeld
        Where somebody is publishing, perhaps from what would be removed.
    PreconditionFailed
        Where the pointer moved in the meantime; then nothing is removed.
    """
    with held(root, seconds) as lease:
        seen = objects.read(pointer.url(root))
        gone = prunable(root, keep)
        if seen is not None and gone:
            value = pointer.without(json.loads(seen), {kept.version for kept in gone})
            lease.confirm()
            objects.swap(pointer.url(root), seen, objects.to_json(value))
        for kept in gone:
            lease.renew()
            prefix = prefix_of(root, kept.version)
            objects.remove(objects.join(prefix, CUBE, ROOT))
            members = {name.split("/")[0] for name in objects.listing(prefix)}
            for name in sorted(members - {CLAIM}):
                store.discard(objects.join(prefix, name))
        needed = {
            part["key"]
            for kept in releases(root)
            for part in (described(root, kept.version) or {"parts": []})["parts"]
        }
        lease.confirm()
        for name in objects.listing(objects.join(root, "releases", "parts")):
            if name.removesuffix(".json") not in needed:
                objects.remove(objects.join(root, "releases", "parts", name))
    return gone


def verify(root: str, version: str) -> int:
    """Read every object of a release's days and hold it against its SHA-256; give their number.

    Raises
    ------
    ReleaseRefused
        Naming the first object that is not what was published.
    """
    said: Mapping[str, Any] = described(root, version) or {"parts": []}
    cube, count = objects.join(prefix_of(root, version), CUBE), 0
    for part in said["parts"]:
        for name, facts in (manifest(root, part["key"]) or {}).items():
            content = objects.read(objects.join(cube, name))
            found = "no object" if content is None else sha256(content)
            if found != facts["sha256"]:
                raise ReleaseRefused(
                    objects.join(cube, name),
                    expected=f"content of SHA-256 {facts['sha256']}",
                    found=found,
                    remedy="Go back to a release that is whole: soilft rollback.",
                )
            count += 1
    return count
