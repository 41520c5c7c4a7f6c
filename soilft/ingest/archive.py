"""Granules of an archive: which files are a product's, and which counts for a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from soilft.errors import NoGranules
from soilft.sources.files import MASK, SIMULATED_MARK
from soilft.sources.protocol import DailySource, Granule, StaticSource
from soilft.store.matching import Match, matches

# Endings of files that say something of the one whose name they follow.
COMPANIONS = frozenset(
    ("dmrpp", "json", "md5", "met", "msk", "ovr", "qa", "sha256", "sha512", "sig", "txt", "xml")
)


@dataclass(frozen=True)
class Found:
    """A granule in an archive, with what tells whether its file has changed.

    Parameters
    ----------
    size
        Bytes of the file.
    stamp
        ETag or time of modification.
    older
        Files of the same slot and days that this one's version is newer than, the newest first:
        read in its place where it cannot be used.
    """

    granule: Granule
    size: int
    stamp: str
    older: tuple[Found, ...] = ()

    @property
    def facts(self) -> tuple[object, ...]:
        """What a key holds of it."""
        return (self.granule.name, self.size, self.stamp, *(found.facts for found in self.older))


@dataclass(frozen=True)
class Findings:
    """What patterns of a product match: its granules, and files that it does not know.

    Parameters
    ----------
    found
        Newest version of each slot, in the order of days.
    files
        How many files there are, companions of granules left out.
    unknown
        Names of those that are none of the product's.
    left_out
        Names of those of the product that its settings leave out, such as other bands.
    """

    found: tuple[Found, ...]
    files: int
    unknown: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def cautions(self) -> list[str]:
        """What is passed over, in a sentence each."""
        said = []
        if self.unknown:
            said.append(
                f"{len(self.unknown)} of {self.files} files not recognised, such as "
                f"{self.unknown[0]}: expected names such as {self.found[0].granule.name}"
            )
        if self.left_out:
            said.append(
                f"{len(self.left_out)} of {self.files} files are of what the input leaves out, "
                f"such as {self.left_out[0]}"
            )
        displaced = [(older, found) for found in self.found for older in found.older]
        if displaced:
            older, newest = (found.granule for found in displaced[0])
            told = "url" if older.name == newest.name else "name"
            said.append(
                f"{len(displaced)} of {self.files} files are not read, for others are of the same "
                f"day and slot, such as {getattr(older, told)} for {getattr(newest, told)}"
            )
        return said


def search(source: DailySource | StaticSource, patterns: Sequence[str]) -> Findings:
    """Granules of a product among the files that match URL patterns, newest version each.

    Of two files for one slot and day the larger version text counts; of equal versions, the file
    whose URL sorts last. Symbolic links of files and folders are followed. A granule whose link
    leads nowhere is found, too: it is read in vain and set aside by its name.

    Raises
    ------
    NoGranules
        Where a pattern matches no file of the product, or meets another link that leads nowhere.
    """
    slots: dict[tuple[object, str], list[Found]] = {}
    known: set[str] = set()
    unknown: set[str] = set()
    left_out: set[str] = set()
    leaves_out = getattr(source, "leaves_out", lambda _: False)
    for pattern in patterns:
        files = [match for match in matches(pattern) if match.kind != "folder"]
        masks = _masks(source, pattern)
        matched = 0
        for file in files:
            granule = source.granule(file.url)
            if granule is None:
                require_led_somewhere(file, source.product)
                (left_out if leaves_out(file.url) else unknown).add(file.url)
                continue
            matched += 1
            known.add(file.url)
            found = Found(granule, file.size, file.stamp + masks.get(file.url, ""))
            slots.setdefault((granule.days, granule.slot), []).append(found)
        if not matched:
            raise NoGranules(
                f"pattern {pattern}",
                expected=f"files of the product {source.product}",
                found=f"{len(files)} files, none named like one, such as {_name(files[0].url)}"
                if files
                else "no file",
                remedy="Correct the pattern, or the environment variable in it.",
            )
    newest = sorted((_newest(same) for same in slots.values()), key=lambda found: found.granule)
    known |= left_out
    named = known | {url.rpartition(".")[0] for url in known}
    strangers = sorted(url for url in unknown - known if not _accompanies(url, named))
    names, others = (tuple(map(_name, urls)) for urls in (strangers, sorted(left_out)))
    return Findings(tuple(newest), len(known) + len(names), names, others)


def discover(source: DailySource | StaticSource, patterns: Sequence[str]) -> list[Found]:
    """As `search`: the granules alone."""
    return list(search(source, patterns).found)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _accompanies(url: str, known: set[str]) -> bool:
    """Whether a file only says something of a granule, such as ``granule.xml``, or of a folder."""
    before, _, ending = url.rpartition(".")
    of = before.removesuffix(".aux").removesuffix(".cmr")
    return _name(url) == SIMULATED_MARK or (ending.lower() in COMPANIONS and of in known)


def _masks(source: DailySource | StaticSource, pattern: str) -> dict[str, str]:
    """Stamps of the masks that lie beside rasters, by the URL of the raster."""
    if source.role != "static":
        return {}
    # What ends in a star matches masks, too.
    found = matches(pattern if pattern.endswith("*") else pattern + MASK)
    masks = (match for match in found if match.url.endswith(MASK))
    return {mask.url.removesuffix(MASK): f" {mask.size} {mask.stamp}" for mask in masks}


def require_led_somewhere(match: Match, product: str) -> None:
    """Refuse a link that leads nowhere and has no granule's name: it may be a folder of granules.

    Raises
    ------
    NoGranules
        Naming the link and what it should lead to.
    """
    if match.kind == "nothing":
        raise NoGranules(
            f"link {match.path}",
            expected=f"a file or folder of {product} where it leads",
            found=f"nothing at {Path(match.path).readlink()}",
            remedy="Mount or restore what it leads to, or remove the link.",
        )


def _newest(same: list[Found]) -> Found:
    def version(found: Found) -> tuple[str, str]:
        return found.granule.version, found.granule.url

    newest, *older = sorted(set(same), key=version, reverse=True)
    return replace(newest, older=tuple(older))
