"""Publication of a staged cube under a fresh prefix: readers see the old cube or the new one.

Order is everything: the lease, a claim on the prefix by create-only PUT, shards, leaf metadata,
what lies beside the cube, ``collection.json``, ``release.json``, the root ``zarr.json`` by
create-only PUT, and last ``latest.json`` by compare-and-swap. Before the root is there nobody can
open the cube; after it, no object of the prefix changes again. Parts that the release before holds
already are copied by the store's server; the others are written only where there is no object, and
read back.

A publication that was killed finds its own claim, which holds the identity of what it was to
publish, and goes on; one of another content takes the next prefix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from soilft.errors import ReleaseRefused
from soilft.release import pointer, shards, stac
from soilft.release.lease import SECONDS, Lease, held
from soilft.release.shards import ROOT, is_metadata
from soilft.release.staged import Part, Staged, sha256
from soilft.release.versions import CLAIM, claim, method_digest, prefix_of
from soilft.store import objects
from soilft.store import zarr as store

CUBE = "cube.zarr"
# Requests under way at a time.
_AT_ONCE = 8


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
    """

    version: str
    cube: str
    fresh: bool
    changed: Mapping[str, Any] | None = None


def latest(root: str) -> dict[str, Any] | None:
    """What ``latest.json`` says, or None before the first release."""
    value: dict[str, Any] | None = objects.read_json(pointer.url(root))
    return value


def described(root: str, version: str) -> dict[str, Any] | None:
    """What a release says of itself, or None where it is not there or not complete."""
    value: dict[str, Any] | None = objects.read_json(
        objects.join(prefix_of(root, version), "release.json")
    )
    return value


def manifest(root: str, key: str) -> dict[str, dict[str, Any]] | None:
    """Size and SHA-256 of every object of a part by name, or None where it was never written."""
    value: dict[str, dict[str, Any]] | None = objects.read_json(_manifest_url(root, key))
    return value


def _manifest_url(root: str, key: str) -> str:
    return objects.join(root, "releases", "parts", f"{key}.json")


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
        current = None if seen is None else json.loads(seen)
        version = claim(root, staged.identity, staged.method, current)
        work = _Publication(root, staged, lease, version, current, progress)
        if not objects.exists(objects.join(root, work.place, ROOT)):
            changed = None
            if current is not None:
                cube = objects.join(root, current["cube"])
                changed = {"since": current["version"], **compared(cube)}
            work.write(changed)
        said = _commit(work, seen)
    return Release(version, objects.join(root, work.place), fresh=True, changed=said["changed"])


@dataclass
class _Publication:
    """One publication under way.

    Parameters
    ----------
    current
        What ``latest.json`` said when the lease was taken.
    expected
        Size of every object of the new prefix by name, as far as it is written.
    """

    root: str
    staged: Staged
    lease: Lease
    version: str
    current: Mapping[str, Any] | None
    progress: Callable[[int, int], None]
    expected: dict[str, int] = field(default_factory=dict)
    done: int = 0

    @property
    def prefix(self) -> str:
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
        store.sweep_partials(self.prefix)
        present = objects.listing(self.prefix)
        before = self._parts_before()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for part in self.staged.parts:
                old = manifest(self.root, part.key) if before.get(part.index) == part.key else None
                if old is None:
                    self._write_part(part, present, pool)
                else:
                    self._copy_part(old, present, pool)
                self.step()
            for name, (url, _) in self.staged.groups.items():
                self._copy_prefix(url, f"{CUBE}/{name}", present, pool, without_metadata=True)
                self.step()
            for name, (url, _) in self.staged.companions.items():
                self._copy_prefix(url, name, present, pool)
                self.step()
            leaves = {
                f"{CUBE}/{name}": content
                for name, content in self.staged.metadata.items()
                if name != ROOT
            }
            whole = {**leaves, **self.staged.files}
            _all(pool.map(lambda item: self._create(*item), whole.items()))
        self.step()
        self._describe(changed)
        self.step()
        self._check()

    def _parts_before(self) -> dict[int, str]:
        """Keys of the parts of the latest release by number."""
        if self.current is None:
            return {}
        found = described(self.root, self.current["version"])
        parts = [] if found is None else found["parts"]
        return {index: part["key"] for index, part in enumerate(parts)}

    def _copy_part(
        self, names: Mapping[str, Mapping[str, Any]], present: Mapping[str, int], pool: Any
    ) -> None:
        source = objects.join(self.root, (self.current or {})["cube"])
        sizes = {name: int(said["size"]) for name, said in names.items()}
        self._copy(source, CUBE, sizes, present, pool)

    def _copy_prefix(
        self,
        url: str,
        name: str,
        present: Mapping[str, int],
        pool: Any,
        *,
        without_metadata: bool = False,
    ) -> None:
        sizes = {
            each: size
            for each, size in objects.listing(url).items()
            if not each.endswith(".partial") and not (without_metadata and is_metadata(each))
        }
        self._copy(url, name, sizes, present, pool)

    def _copy(
        self,
        source: str,
        target: str,
        sizes: Mapping[str, int],
        present: Mapping[str, int],
        pool: Any,
    ) -> None:
        """Copy objects by name; the store's own server does it where it is one."""

        def one(name: str) -> None:
            place = f"{target}/{name}"
            if present.get(place) != sizes[name]:
                objects.copy(objects.join(source, name), objects.join(self.prefix, place))

        _all(pool.map(one, sizes))
        self.expected |= {f"{target}/{name}": size for name, size in sizes.items()}

    def _write_part(self, part: Part, present: Mapping[str, int], pool: Any) -> None:
        said: dict[str, dict[str, Any]] = {}

        def one(item: tuple[str, bytes]) -> None:
            name, content = item
            place = f"{CUBE}/{name}"
            said[name] = {"sha256": sha256(content), "size": len(content)}
            if present.get(place) != len(content):
                self._create(place, content)
            self._read_back(place, said[name]["sha256"])
            self.expected[place] = len(content)

        _all(_in_flight(pool, one, self.staged.objects_of(part)))
        objects.create(_manifest_url(self.root, part.key), objects.to_json(said))

    def _read_back(self, place: str, expected: str) -> None:
        found = sha256(objects.read(objects.join(self.prefix, place)) or b"")
        if found != expected:
            raise ReleaseRefused(
                objects.join(self.prefix, place),
                expected=f"content of SHA-256 {expected}",
                found=found,
                remedy="The store did not keep what it was given. Publish again once it is sound.",
            )

    def _create(self, place: str, content: bytes) -> None:
        objects.create(objects.join(self.prefix, place), content)
        self.expected[place] = len(content)

    def _describe(self, changed: Mapping[str, Any] | None) -> None:
        """Write what the release says of itself: to machines that search, and to this program."""
        template = self.staged.templates[""]
        groups = {*self.staged.groups, *self.staged.templates} - {""}
        beside = {*self.expected, "release.json"}
        self._once(
            pointer.COLLECTION,
            stac.collection(
                template, self.staged.days, self.version, cube=CUBE, beside=beside, groups=groups
            ),
        )
        self._once(
            "release.json",
            {
                **self.staged.facts,
                "absent": self._absent(),
                "changed": changed,
                "companions": self._beside(),
                "cube": self.place,
                "groups": sorted(self.staged.groups),
                "identity": self.staged.identity,
                "layout": self.staged.layout.as_json(),
                "method": dict(self.staged.method),
                "parts": [part.as_json() for part in self.staged.parts],
                "version": self.version,
            },
        )

    def _once(self, name: str, value: Mapping[str, Any]) -> None:
        """Write an object of the release, unless a publication that was killed has written it."""
        written = objects.read(objects.join(self.prefix, name))
        if written is None:
            self._create(name, objects.to_json(value))
        else:
            self.expected[name] = len(written)

    def _absent(self) -> list[str]:
        """Objects of the cube that were not written, for all of their values are missing.

        A browser that asked for one would say so in its console, and a bucket that nobody may list
        answers with a denial.
        """
        names = shards.places(self.staged.metadata[ROOT])
        return sorted(name for name in names if f"{CUBE}/{name}" not in self.expected)

    def _beside(self) -> dict[str, list[str]]:
        """Files beside the cube by their folder, so that a page need not ask what there is."""
        found: dict[str, list[str]] = {}
        for place in sorted(self.expected):
            folder, _, name = place.partition("/")
            if folder != CUBE and name:
                found.setdefault(folder, []).append(name)
        return found

    def _check(self) -> None:
        """Hold what lies under the prefix against what was to be written."""
        found = objects.listing(self.prefix)
        found.pop(CLAIM, None)
        found.pop(f"{CUBE}/{ROOT}", None)
        for place in sorted(found.keys() | self.expected.keys()):
            if found.get(place) != self.expected.get(place):
                raise ReleaseRefused(
                    objects.join(self.prefix, place),
                    expected=_size(self.expected.get(place)),
                    found=_size(found.get(place)),
                    remedy="Remove what does not belong to this release, and publish again.",
                )


def _commit(work: _Publication, seen: bytes | None) -> dict[str, Any]:
    """Make the cube openable, then make it the latest; give what the release says of itself."""
    work.lease.confirm()
    work._create(f"{CUBE}/{ROOT}", work.staged.metadata[ROOT])  # noqa: SLF001
    work.step()
    said = described(work.root, work.version)
    if said is None:
        raise ReleaseRefused(
            objects.join(work.prefix, "release.json"),
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


def _size(value: int | None) -> str:
    return "no object" if value is None else f"an object of {value} bytes"


def _all(results: Iterator[Any]) -> None:
    """Wait for all, and raise what the first of them raised."""
    for _ in results:
        pass


def _in_flight(
    pool: ThreadPoolExecutor, function: Callable[[Any], None], items: Iterator[Any]
) -> Iterator[None]:
    """Run a function on items as they come, with no more of them in memory than run at a time."""
    waiting = []
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) >= 2 * _AT_ONCE:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()
