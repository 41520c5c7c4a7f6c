"""Verification of a release: every object below its prefix held against what was published.

What a release of 0.3.0 has no list of is not silently passed: it is named as not covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from soilft.errors import DamagedObject, StoreError
from soilft.release import inventory, pointer
from soilft.release.inventory import CUBE
from soilft.release.retention import under
from soilft.release.shards import ROOT
from soilft.release.staged import sha256
from soilft.release.versions import CLAIM, method_digest, prefix_of
from soilft.store import documents, objects

_POINTER = "the pointer to the latest release, and root of the catalogue (STAC)"
# Objects read at a time.
_AT_ONCE = 8
_TOLD = {
    CLAIM: "the claim on the version",
    inventory.NAME: "the list of the release's objects",
    inventory.DESCRIPTION: "what the release says of itself",
    pointer.COLLECTION: "the catalogue (STAC)",
    "model": "the model",
    "quicklooks": "a quick look",
    "report": "the report",
    "view": "the page",
}


@dataclass(frozen=True)
class Damage:
    """One object that is not as it was published.

    Parameters
    ----------
    name
        Below the store.
    told
        What it holds, in words: of a shard its array, tile and days.
    """

    name: str
    told: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.name} ({self.told}): expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class Verified:
    """What became of the objects of a release.

    Parameters
    ----------
    sound
        How many are as they were published.
    damaged
        Those that are not, and those that do not belong there.
    uncovered
        Names of those that nothing tells the content of.
    """

    root: str
    version: str
    sound: int
    damaged: tuple[Damage, ...]
    uncovered: tuple[str, ...]

    def require(self) -> None:
        """Refuse a release with damage.

        Raises
        ------
        DamagedObject
            Naming every damaged object.
        """
        if self.damaged:
            raise DamagedObject(
                prefix_of(self.root, self.version),
                expected="every object as it was published",
                found=f"{len(self.damaged)} that are not: "
                + "; ".join(map(str, sorted(self.damaged, key=str))),
                remedy="Put them back from a copy, or go back to a release that is whole: "
                "soilft rollback.",
            )


def verify(root: str, version: str | None = None) -> Verified:
    """Read every object of a release and hold it against what was published.

    Parameters
    ----------
    version
        Such as ``v1.0``; the one that ``latest.json`` names where it is None.

    Raises
    ------
    StoreError
        Where there is no such release, naming those that there are.
    DamagedObject
        Where no version is given, and ``latest.json`` cannot be read.
    """
    if version is None:
        current = pointer.read(root)
        version = None if current is None else str(current["version"])
    there = [kept.version for kept in under(root, None) if kept.complete or kept.described]
    if version not in there:
        raise StoreError(
            prefix_of(root, version or "").rstrip("/"),
            expected=f"one of {', '.join(there)}" if there else "a release",
            found=(version or f"no {pointer.NAME}, which names one") if there else "none",
            remedy="" if there else "Make sure that this is the store of a run that was published.",
        )
    work = _Verification(root, version, objects.listing(prefix_of(root, version)))
    work.run()
    return work.result()


@dataclass
class _Verification:
    """One verification under way.

    Parameters
    ----------
    present
        Size of every object below the prefix, by name.
    said
        What the release says of itself; None where that is damaged.
    listed
        SHA-256 and size of what is known, by name.
    told
        Names of which something is known, whether they are sound or not.
    unknown
        Names that a list of objects would have told of, which is damaged.
    """

    root: str
    version: str
    present: Mapping[str, int]
    said: Mapping[str, Any] | None = None
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    sound: int = 0
    damaged: list[Damage] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Look at everything."""
        self.said = self._description()
        complete = self._inventory() and self.said is not None
        self._parts()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            names = sorted(self.listed)
            for name, found in zip(names, pool.map(self._sum, names), strict=True):
                self._hold(name, self.listed[name]["sha256"], found)
        self._pointer()
        for name in sorted(self.present.keys() - self.told - self.unknown) if complete else ():
            found = f"an object of {self.present[name]} bytes"
            self._damage(name, "no object, for it does not belong to this release", found)

    def result(self) -> Verified:
        """What was found."""
        damaged = tuple(sorted(self.damaged, key=lambda damage: damage.name))
        uncovered = tuple(sorted(self.present.keys() - self.told))
        return Verified(self.root, self.version, self.sound, damaged, uncovered)

    def _url(self, name: str) -> str:
        return objects.join(prefix_of(self.root, self.version), name)

    def _sum(self, name: str) -> str | None:
        content = objects.read(self._url(name))
        return None if content is None else sha256(content)

    def _hold(self, name: str, expected: str, found: str | None) -> bool:
        """Hold an object against its SHA-256; whether it is sound."""
        if found == expected:
            self._is_sound(name)
            return True
        sums = f"content of SHA-256 {expected}", f"SHA-256 {found}"
        self._damage(name, sums[0], "no object" if found is None else sums[1])
        return False

    def _is_sound(self, name: str) -> None:
        self.told.add(name)
        self.sound += 1

    def _damage(self, name: str, expected: str, found: str) -> None:
        self.told.add(name)
        told = meaning(name, self.said)
        self.damaged.append(Damage(f"releases/{self.version}/{name}", told, expected, found))

    def _description(self) -> Mapping[str, Any] | None:
        """What the release says of itself, where that is as it was written."""
        name = inventory.DESCRIPTION
        try:
            said = inventory.described(self.root, self.version)
            is_sealed = documents.SEAL in (said or {})
            if said is not None and (is_sealed or inventory.NAME in self.present):
                documents.require_seal(self._url(name), objects.read(self._url(name)) or b"")
        except DamagedObject as error:
            self._damage(name, error.expected, error.found)
            return None
        if said is None:
            self._damage(name, "what the release says of itself", "no object")
        elif is_sealed:
            self._is_sound(name)
        return said

    def _inventory(self) -> bool:
        """Take up what is known of the objects; whether it is all of them."""
        name = inventory.NAME
        asked = (self.said or {}).get("objects")
        if asked is None and name not in self.present:
            self._as_before_there_was_one()
            return False
        try:
            found = inventory.read(self.root, self.version)
        except DamagedObject as error:
            self._damage(name, error.expected, error.found)
            return False
        own = self._sum(name)
        if not self._hold(name, asked["sha256"] if asked else str(own), own) or found is None:
            return False
        self.listed.update(found)
        return True

    def _as_before_there_was_one(self) -> None:
        """Of a release of 0.3.0, see at least that what it names is there."""
        beside = (self.said or {}).get("companions") or {}
        named = [f"{folder}/{name}" for folder, names in beside.items() for name in names]
        for name in [*named, f"{CUBE}/{ROOT}"]:
            if name not in self.present:
                self._damage(name, "an object, which the release needs", "no object")

    def _parts(self) -> None:
        """Take up the lists of the parts, which publications copy by, too."""
        for part in (self.said or {"parts": ()})["parts"]:
            place = f"releases/parts/{inventory.name_of_part(part)}"
            told = f"the list of the objects of days {part['first']}..{part['last']}"
            try:
                found = inventory.of_part(self.root, part)
            except DamagedObject as error:
                found, expected, instead = None, error.expected, error.found
            else:
                expected, instead = "an object", "no object"
            if found is not None and part.get("list") not in (None, inventory.list_digest(found)):
                found, expected, instead = None, f"what {inventory.DESCRIPTION} says", "another"
            if found is None:
                self.damaged.append(Damage(place, told, expected, instead))
                # Nothing tells what they are to be.
                own = {n for n in self.present if inventory.part_of(n, self.said) == part}
                self.unknown |= own
            else:
                self.listed.update({f"{CUBE}/{name}": dict(facts) for name, facts in found.items()})

    def _pointer(self) -> None:
        """Hold the root of the catalogue to what the release says, where it leads to this one."""
        try:
            current = pointer.read(self.root)
        except DamagedObject as error:
            self.damaged.append(Damage(pointer.NAME, _POINTER, error.expected, error.found))
            return
        is_sealed = documents.SEAL in (self.said or {})
        if self.said is None or not is_sealed or (current or {}).get("version") != self.version:
            return
        asked = pointer.moved(
            current,
            self.said,
            method=method_digest(self.said["method"]),
            fence=(current or {}).get("fence") or 0,
            now=str((current or {}).get("since")),
            listed=True,
        )
        found = current or {}
        differ = sorted(k for k in asked.keys() | found.keys() if asked.get(k) != found.get(k))
        if differ:
            text = f"another {', '.join(differ)}"
            self.damaged.append(Damage(pointer.NAME, _POINTER, "what its release says", text))


def meaning(name: str, said: Mapping[str, Any] | None) -> str:
    """What an object of a release holds, in words.

    Parameters
    ----------
    name
        Below the prefix of the release.
    said
        What the release says of itself; None where that is not known, and with it the days.

    Examples
    --------
    >>> meaning("cube.zarr/x/c/0", None), meaning("cube.zarr/freeze_thaw_state/c/0/1/0", None)
    ('array x', 'array freeze_thaw_state, tile of row 1, column 0')
    """
    folder, _, rest = name.partition("/")
    if folder != CUBE:
        return _TOLD.get(folder, "beside the cube")
    if rest == ROOT:
        return "metadata of the cube, consolidated"
    if rest.endswith(f"/{ROOT}"):
        return f"metadata of {rest.removesuffix(f'/{ROOT}')}"
    array, _, place = rest.removesuffix("/c").partition("/c/")
    numbers, part = place.split("/"), inventory.part_of(name, said)
    if part is None and (len(numbers) < 3 or said is not None):
        return f"array {array}"
    overpass = f", overpass {numbers[1]}" if len(numbers) > 3 else ""
    days = "" if part is None else f", days {part['first']}..{part['last']}"
    return f"array {array}{overpass}, tile of row {numbers[-2]}, column {numbers[-1]}{days}"
