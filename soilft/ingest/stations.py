"""Ingest of a station archive: ``inputs/stations.zarr``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.errors import InputError, NoGranules
from soilft.grid import Grid
from soilft.ingest.archive import Found, require_led_somewhere
from soilft.ingest.granules import Ingested, version_with
from soilft.ingest.reading import ends_worker, patiently, set_aside
from soilft.schema import MISSING
from soilft.sources import IsmnArchive
from soilft.sources.files import local_copy, marked_simulated
from soilft.sources.protocol import Granule
from soilft.sources.stations import StationValues
from soilft.store import objects
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest, digest, spelled
from soilft.store.matching import Match, files_below, matches

# A lost one of these is set aside by its name when it is read.
_READ = (".stm", ".zip")


def discover_archive(source: IsmnArchive, patterns: Sequence[str]) -> Found:
    """The one archive of stations that URL patterns name: a zip file, or a folder on this machine.

    Raises
    ------
    NoGranules
        Where the patterns match none, or several, or a link leads nowhere.
    """
    matched: dict[str, Found] = {}
    for pattern in patterns:
        for match in matches(pattern.rstrip("/")):
            folder = match.kind == "folder" and objects.is_local(match.url)
            granule = Granule((), "ismn", "", match.url) if folder else source.granule(match.url)
            inside = files_below(match.path) if folder else [match]
            for file in inside:
                if not file.url.endswith(_READ):
                    require_led_somewhere(file, source.product)
            if granule is not None:
                matched[match.url] = _found(granule, inside)
    if len(matched) != 1:
        raise NoGranules(
            f"pattern {', '.join(patterns)}",
            expected=f"one zip file, or one local folder, of the product {source.product}",
            found=", ".join(sorted(matched)) or "none",
        )
    return next(iter(matched.values()))


def _found(granule: Granule, files: Sequence[Match]) -> Found:
    stamps = [(file.path, str(file.size), file.stamp) for file in files]
    return Found(granule, sum(int(size) for _, size, _ in stamps), digest(stamps))


@dataclass(frozen=True)
class StationArchive:
    """One task: all stations of a region over all days.

    Parameters
    ----------
    overpasses
        Names of overpasses with their local solar hours.
    fatal
        URL of the archive where workers ended at it: it is set aside unread, in no key.
    """

    url: str
    source: IsmnArchive
    grid: Grid
    days: DaySpan
    overpasses: tuple[tuple[str, float], ...]
    found: Found
    fatal: frozenset[str] = frozenset()

    @property
    def files(self) -> tuple[Found, ...]:
        """Files that the task reads."""
        return (self.found,)

    def of_file(self, found: Found) -> StationArchive:
        """The same with one file alone."""
        return replace(self, found=found)

    @property
    def key(self) -> str:
        """Digest of everything that the stations' store depends on."""
        return self.key_of(self.source.version)

    def key_of(self, reader: str) -> str:
        """The key by a version of the reader."""
        return digest(
            version_with(reader),
            spelled(self.source),
            spelled(self.grid),
            str(self.days),
            self.overpasses,
            (self.found.granule.name, self.found.size, self.found.stamp),
        )

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the largest station as text and as tables."""
        return 16 * min(self.found.size, 64 * 2**20) + 64 * len(self.days) * len(self.overpasses)


def ingest_stations(task: StationArchive) -> Ingested:
    """Read the archive and write its stations' states. Runs on a worker.

    An archive that cannot be used at all is set aside: stations are for validation, nothing is
    predicted from them.
    """
    granule = task.found.granule
    try:
        if granule.url in task.fatal:
            raise ends_worker(granule)
        made = patiently(granule, partial(read_archive, task))
    except InputError as error:
        return Ingested("", {"simulated": False}, (set_aside(granule, error),))
    # Another delivery may have other stations: the store is made anew, not extended.
    store.discard(task.url)
    simulated = marked_simulated(granule.url) or any(
        "simulated" in station.network.lower() for station in made.stations
    )
    attributes = {**made.template.attributes, "simulated": str(simulated).lower()}
    store.create(task.url, replace(made.template, attributes=attributes))
    store.write_region(task.url, made.values, {})
    facts = {
        "simulated": simulated,
        "stations": len(made.stations),
        "outside": list(made.outside),
        **_daily(made.values["freeze_thaw"]),
    }
    return Ingested(arrays_digest(made.values), facts, made.set_aside)


def read_archive(task: StationArchive) -> StationValues:
    """Read an archive. Runs on a worker."""
    with local_copy(task.found.granule.url) as path:
        return task.source.to_overpasses(path, task.days, task.grid, dict(task.overpasses))


def _daily(state: npt.NDArray[np.uint8]) -> dict[str, list[Any]]:
    """Stations with a state on each day, and their share of all; state (day, overpass, station)."""
    known = (state != MISSING).any(axis=1)
    return {
        "granules": [int(count) for count in known.sum(axis=1)],
        "coverage": [round(float(share), 4) for share in known.mean(axis=1)],
    }
