"""Publication of a staged cube under a fresh prefix: readers see the old cube or the new one.

Order is everything: the lease, a claim on the prefix by create-only PUT, shards, leaf metadata,
what lies beside the cube, ``collection.json``, ``objects.json``, ``release.json``, the root
``zarr.json`` by create-only PUT, and last ``latest.json`` by compare-and-swap. Before the root is
there nobody can open the cube; after it, no object of the prefix changes again. Parts that the
release before holds already are copied by the store's server; the others are written only where
there is no object, and read back.

A publication that was killed finds its own claim, which holds the identity of what it was to
publish, and goes on; one of another content takes the next prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from soilft.errors import ReleaseRefused
from soilft.release import inventory, pointer, shards, stac
from soilft.release.inventory import CUBE
from soilft.release.lease import SECONDS, Lease, held
from soilft.release.prefix import Prefix, opened
from soilft.release.shards import ROOT
from soilft.release.staged import Part, Staged, sha256
from soilft.release.versions import CLAIM, claim, method_digest, prefix_of
from soilft.store import objects
from soilft.store import zarr as store


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
    changed
        What changed since the release before, JSON values; None for the first.
    damaged
        Objects of the release before that are not as they were written; this one has sound ones.
    """

    version: str
    cube: str
    fresh: bool
    changed: Mapping[str, Any] | None = None
    damaged: tuple[str, ...] = ()


def latest(root: str) -> dict[str, Any] | None:
    """What ``latest.json`` says, or None before the first release; see `pointer.read`."""
    return pointer.read(root)


def described(root: str, version: str) -> dict[str, Any] | None:
    """What a release says of itself, or None where it is not there or not complete.

    Raises
    ------
    DamagedObject
        Where it cannot be read, or is not as it was written.
    """
    return inventory.described(root, version)


def publish(
    root: str,
    staged: Staged,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
    *,
    seconds: float = SECONDS,
    compared: Callable[[str], Mapping[str, Any]] = lambda cube: {},  # noqa: ARG005
) -> Release:
    """Publish a staged cube.

    Parameters
    ----------
    root
        The store.
    staged
        What to publish; publishing the same again does nothing.
    progress
        Called with steps done and in all.
    seconds
        Length of the lease; it is renewed as long as the publication goes on.
    compared
        Called with the URL of the latest cube; says what has changed since, JSON values.

    Raises
    ------
    LeaseHeld
        Where another publisher is at work.
    LeaseLost
        Where another took over, for this one had been still for longer than the lease.
    PreconditionFailed
        Where ``latest.json`` moved in the meantime.
    ReleaseRefused
        Where an object of the new prefix is not what was to be written.

    Notes
    -----
    Whatever is raised, nothing that readers see has changed.
    """
    current = latest(root)
    if current is not None and current["identity"] == staged.identity:
        return Release(current["version"], objects.join(root, current["cube"]), fresh=False)
    with held(root, seconds) as lease:
        seen = objects.read(pointer.url(root))
        current = None if seen is None else pointer.parsed(root, seen)
        version = claim(root, staged.identity, staged.method, current)
        work = _Publication(root, staged, lease, version, current, progress)
        if not objects.exists(objects.join(root, work.place, ROOT)):
            changed = None
            if current is not None:
                cube = objects.join(root, current["cube"])
                changed = {"since": current["version"], **compared(cube)}
            work.write(changed)
        said = _commit(work, seen)
        _sweep(root)
    return Release(
        version,
        objects.join(root, work.place),
        fresh=True,
        changed=said["changed"],
        damaged=tuple(work.damaged),
    )


@dataclass
class _Publication:
    """One publication under way.

    Parameters
    ----------
    current
        What ``latest.json`` said when the lease was taken.
    damaged
        Objects of that release that were not as they had been written, and were not copied.
    lists
        Objects of each part by its key.
    """

    root: str
    staged: Staged
    lease: Lease
    version: str
    current: Mapping[str, Any] | None
    progress: Callable[[int, int], None]
    done: int = 0
    damaged: list[str] = field(default_factory=list)
    lists: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where everything of the release lies."""
        return prefix_of(self.root, self.version)

    @property
    def place(self) -> str:
        return f"releases/{self.version}/{CUBE}"

    @property
    def total(self) -> int:
        beside = len(self.staged.groups) + len(self.staged.companions)
        return len(self.staged.parts) + beside + 4

    def step(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)
        self.lease.renew()

    def write(self, changed: Mapping[str, Any] | None) -> None:
        """Write everything but the root metadata and the pointer."""
        staged = self.staged
        with opened(self.url) as prefix:
            self._write_parts(prefix)
            for name, (url, _) in staged.groups.items():
                prefix.copy_all(url, f"{CUBE}/{name}", without_metadata=True)
                self.step()
            for name, (url, _) in staged.companions.items():
                prefix.copy_all(url, name)
                self.step()
            leaves = {f"{CUBE}/{k}": v for k, v in staged.metadata.items() if k != ROOT}
            prefix.create_all({**leaves, **staged.files})
            self.step()
            self._describe(prefix, changed)
            self.step()
            prefix.check(but={CLAIM, f"{CUBE}/{ROOT}"})

    def _write_parts(self, prefix: Prefix) -> None:
        """Copy the parts that the latest release holds as they are, and write the others."""
        version = None if self.current is None else self.current["version"]
        before, damaged = inventory.to_copy_by(self.root, version)
        self.damaged += damaged
        source = objects.join(self.root, (self.current or {}).get("cube", ""))
        for part in self.staged.parts:
            old = before.get(part.key)
            bad = [] if old is None else prefix.copy(source, CUBE, old)
            self.damaged += [objects.join(source, name) for name in bad]
            if old is None or bad:
                old = prefix.write(CUBE, self.staged.objects_of(part))
                url = inventory.of_part_url(self.root, _listed(part, old))
                objects.write(url, objects.to_json(old))
            self.lists[part.key] = old
            self.step()

    def _describe(self, prefix: Prefix, changed: Mapping[str, Any] | None) -> None:
        """Write what the release says of itself: to machines that search, and to this program."""
        staged = self.staged
        groups = {*staged.groups, *staged.templates} - {""}
        beside = {*prefix.expected, "release.json"}
        prefix.once(
            pointer.COLLECTION,
            stac.collection(
                staged.templates[""],
                staged.days,
                self.version,
                cube=CUBE,
                beside=beside,
                groups=groups,
            ),
        )
        parts = [_listed(part, self.lists[part.key]) for part in staged.parts]
        listed = self._list(prefix, parts)
        prefix.once(
            inventory.DESCRIPTION,
            {
                **staged.facts,
                "absent": _absent(staged, prefix.expected),
                "changed": changed,
                "companions": _beside(prefix.expected),
                "cube": self.place,
                "groups": sorted(staged.groups),
                "identity": staged.identity,
                "layout": staged.layout.as_json(),
                "method": dict(staged.method),
                "objects": inventory.facts(listed),
                "parts": parts,
                "version": self.version,
            },
            sealed=True,
        )

    def _list(self, prefix: Prefix, parts: Sequence[Mapping[str, Any]]) -> bytes:
        """Write the inventory of all that lies beside the shards of days and the description."""
        place = f"{CUBE}/{ROOT}"
        root = self.staged.metadata[ROOT]
        claimed = objects.read(objects.join(self.url, CLAIM)) or b""
        of_days = {f"{CUBE}/{name}" for listed in self.lists.values() for name in listed}
        sums = {**prefix.sums, place: sha256(root), CLAIM: sha256(claimed)}
        sizes = {**prefix.expected, place: len(root), CLAIM: len(claimed)}
        sizes = {name: size for name, size in sizes.items() if name not in of_days}
        listed = inventory.content(sums, sizes)
        stale = objects.read(objects.join(self.url, inventory.NAME)) != listed
        if stale or (described(self.root, self.version) or {"parts": parts})["parts"] != parts:
            # What a publication that was killed has written of objects that were others then.
            for name in {inventory.DESCRIPTION, inventory.NAME} & prefix.present.keys():
                self.lease.confirm()
                objects.remove(objects.join(self.url, name))
        prefix.create(inventory.NAME, listed)
        return listed


def _listed(part: Part, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a release says of a part whose objects are these, JSON values."""
    return {**part.as_json(), "list": inventory.list_digest(found)}


def _absent(staged: Staged, written: Collection[str]) -> list[str]:
    """Objects of the cube that were not written, for all of their values are missing.

    A browser that asked for one would say so in its console, and a bucket that nobody may list
    answers with a denial.
    """
    names = shards.places(staged.metadata[ROOT])
    return sorted(name for name in names if f"{CUBE}/{name}" not in written)


def _beside(written: Collection[str]) -> dict[str, list[str]]:
    """Files beside the cube by their folder, so that a page need not ask what there is."""
    found: dict[str, list[str]] = {}
    for place in sorted(written):
        folder, _, name = place.partition("/")
        if folder != CUBE and name:
            found.setdefault(folder, []).append(name)
    return found


def _sweep(root: str) -> None:
    """Remove what writes that were cut off have left; nobody else writes here meanwhile."""
    store.sweep_partials(root, below=False)
    store.sweep_partials(objects.join(root, "releases"))


def _commit(work: _Publication, seen: bytes | None) -> dict[str, Any]:
    """Make the cube openable, then make it the latest; give what the release says of itself."""
    work.lease.confirm()
    objects.create(objects.join(work.root, work.place, ROOT), work.staged.metadata[ROOT])
    work.step()
    said = described(work.root, work.version)
    if said is None:
        raise ReleaseRefused(
            objects.join(work.url, "release.json"),
            expected="what the release says of itself",
            found="no object",
            remedy="Somebody removed it meanwhile. Remove the rest: soilft prune. Then publish.",
        )
    value = pointer.moved(
        work.current,
        said,
        method=method_digest(work.staged.method),
        fence=work.lease.fence,
        now=datetime.now(UTC).isoformat(timespec="seconds"),
        listed=pointer.is_listed(work.root, work.version),
    )
    work.lease.confirm()
    objects.swap(pointer.url(work.root), seen, objects.to_json(value))
    work.step()
    return said
