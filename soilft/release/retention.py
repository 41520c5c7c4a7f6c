"""Retention of releases: their list, the return to one, the removal of those not needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from soilft.errors import DamagedObject, StoreError
from soilft.release import pointer
from soilft.release.inventory import CUBE, DESCRIPTION, NAME, name_of_part
from soilft.release.lease import SECONDS, held
from soilft.release.publication import described, latest
from soilft.release.shards import ROOT
from soilft.release.versions import CLAIM, method_digest, numbers, prefix_of
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
    described
        Whether anything tells what it holds, though it may be damaged.
    damage
        What is wrong with what it says of itself; empty where nothing is.
    """

    version: str
    complete: bool
    current: bool
    replaced: datetime | None
    period: str
    described: bool = True
    damage: str = ""

    @property
    def number(self) -> tuple[int, int]:
        """The version as numbers, to sort by."""
        return numbers(self.version)


def releases(root: str) -> list[Kept]:
    """Releases under the store's prefix, in the order of their versions.

    Raises
    ------
    DamagedObject
        Where ``latest.json`` cannot be read.
    """
    return under(root, latest(root))


def under(root: str, pointer: Mapping[str, Any] | None) -> list[Kept]:
    """Releases by what a pointer says, as `releases`; None where that is not known."""
    current = pointer or {}
    names = objects.listing(objects.join(root, "releases"))
    folders = {name.split("/")[0] for name in names if "/" in name}
    found = []
    for version in filter(_is_version, folders):
        inside = {n.split("/", 1)[1] for n in names if n.startswith(f"{version}/")}
        if inside == {CLAIM}:
            continue  # pruned: the claim stays, so that no version is ever used for another cube
        damage, said = "", {}
        try:
            said = described(root, version) or {}
        except DamagedObject as error:
            damage = str(error)
        complete = f"{CUBE}/{ROOT}" in inside
        if complete and not said and not damage:
            damage = f"{objects.join(prefix_of(root, version), DESCRIPTION)}: found no object"
        replaced = (current.get("replaced") or {}).get(version)
        found.append(
            Kept(
                version,
                complete=complete,
                current=current.get("version") == version,
                replaced=None if replaced is None else datetime.fromisoformat(replaced),
                period=str(said.get("period", "")),
                described=not inside.isdisjoint({DESCRIPTION, NAME}),
                damage=damage,
            )
        )
    return sorted(found, key=lambda kept: kept.number)


def point_to(root: str, version: str, *, seconds: float = SECONDS) -> bool:
    """Make a release of this store the latest again; False where it is.

    Where ``latest.json`` is gone or cannot be read, it is made anew, with all releases in it.

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
        current = _pointer(root, seen)
        kept = {kept.version: kept for kept in under(root, current)}
        complete = [version for version in kept if kept[version].complete]
        said = described(root, version)
        if said is None or version not in complete:
            raise StoreError(
                prefix_of(root, version),
                expected=f"one of {', '.join(complete) or 'no release'}",
                found=version,
            )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        if current is None:
            others = {v: kept[v].period for v in complete if v != version}
            listed = {v for v in others if pointer.is_listed(root, v)}
            current = pointer.remade(others, listed, now)
        elif current["version"] == version:
            return False
        value = pointer.moved(
            current,
            said,
            method=method_digest(said["method"]),
            fence=lease.fence,
            now=now,
            listed=pointer.is_listed(root, version),
        )
        lease.confirm()
        objects.swap(url, seen, objects.to_json(value))
    return True


def _pointer(root: str, seen: bytes | None) -> dict[str, Any] | None:
    """What the pointer says; None where there is none, or none that can be read."""
    try:
        return None if seen is None else pointer.parsed(root, seen)
    except DamagedObject:
        return None


def prunable(root: str, keep: timedelta) -> list[Kept]:
    """Releases replaced longer ago than ``keep``, and publications that never came to be latest."""
    limit, found = datetime.now(UTC) - keep, releases(root)
    if any(kept.complete for kept in found) and not any(kept.current for kept in found):
        raise DamagedObject(
            pointer.url(root),
            expected="the release that readers see",
            found="none of those that are there",
            remedy="Have it made anew first: soilft rollback, with the version that readers "
            "should see.",
        )
    return [
        kept
        for kept in found
        if not kept.current
        and (not kept.complete or kept.replaced is None or kept.replaced < limit)
    ]


def prune(root: str, keep: timedelta, *, seconds: float = SECONDS) -> list[Kept]:
    """Remove what `prunable` names; give what was removed.

    The catalogue lets go of them first, then the root metadata go, so that nobody is led to what is
    going, nor opens it; a prune that was killed is ended by the next. The claim stays: a version
    never names two cubes.

    The lists of days that no release needs go as well, unless one does not tell what it needs.

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
            value = pointer.without(pointer.parsed(root, seen), {kept.version for kept in gone})
            lease.confirm()
            objects.swap(pointer.url(root), seen, objects.to_json(value))
        for kept in gone:
            lease.renew()
            prefix = prefix_of(root, kept.version)
            objects.remove(objects.join(prefix, CUBE, ROOT))
            members = {name.split("/")[0] for name in objects.listing(prefix)}
            for name in sorted(members - {CLAIM}):
                store.discard(objects.join(prefix, name))
        left = releases(root)
        if not any(kept.damage for kept in left):
            lease.confirm()
            _drop_parts(root, left)
    return gone


def _drop_parts(root: str, left: Sequence[Kept]) -> None:
    """Remove the lists of days that none of these releases needs."""
    needed = {
        name_of_part(part)
        for kept in left
        for part in (described(root, kept.version) or {"parts": []})["parts"]
    }
    for name in objects.listing(objects.join(root, "releases", "parts")):
        if name not in needed:
            objects.remove(objects.join(root, "releases", "parts", name))


def _is_version(name: str) -> bool:
    try:
        return bool(numbers(name))
    except ValueError:
        return False
