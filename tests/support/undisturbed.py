"""A small SIMULATED store that nothing disturbs: its inputs as they come, and what it releases."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from soilft.simulate import Archive, write_day, write_static
from soilft.sources import GldasNoah3h
from soilft.store import zarr as store
from tests.support.forked_commands import Ended
from tests.support.small_run import region_file

BOUNDS = (90.0, 32.0, 92.0, 34.0)
START = date(2015, 10, 1)
SHORT, LONG = 4, 6
# The granules of one day of the radiometer: not yet there, there, and there again otherwise.
LATE_DAY, VERSIONS = "20151003", ("absent", "first", "second")
SETTINGS = {
    "region": {"name": "small", "grid": "latlon-0.25", "bounds": list(BOUNDS)},
    "forest": {"n_estimators": 4, "min_samples_leaf": 5, "group_size": 2},
    # So small a forest is no better than the majority class.
    "publication": {"min_skill": -1.0},
}


@dataclass(frozen=True)
class Inputs:
    """What there is to be read: days of the period, and the version of the late granules."""

    days: int = SHORT
    version: str = "absent"

    def __str__(self) -> str:
        return f"{self.days}-{self.version}"


def simulate(folder: Path) -> Path:
    """Write the native files, and beside them the late ones in each version."""
    for number, version in enumerate(VERSIONS[1:]):
        root = folder / version
        archive = Archive(root, BOUNDS, START, START + timedelta(LONG - 1), seed=3 + number)
        if number == 0:
            write_static(archive)
        for day in archive.days():
            if number == 0 or f"{day:%Y%m%d}" == LATE_DAY:
                write_day(archive, day, gldas=GldasNoah3h().variables_read)
    (folder / VERSIONS[1]).rename(folder / "archive")
    (folder / "late").mkdir()
    first = folder / "late" / VERSIONS[1]
    first.mkdir()
    for granule in late(folder / "archive"):
        granule.rename(first / granule.name)
    second = folder / "late" / VERSIONS[2]
    second.mkdir()
    for granule in late(folder / VERSIONS[2]):
        granule.rename(second / granule.name)
    shutil.rmtree(folder / VERSIONS[2])
    return folder


def late(archive: Path) -> list[Path]:
    """Give the granules of an archive that come late."""
    return sorted((archive / "amsr2").glob(f"*_{LATE_DAY}_*"))


@dataclass
class Place:
    """A folder with an archive, a region file and a store."""

    folder: Path
    simulated: Path
    inputs: Inputs = field(default_factory=Inputs)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def prepare(self, inputs: Inputs) -> Path:
        """Let there be these inputs; give the region file."""
        if not self.archive.exists():
            shutil.copytree(self.simulated / "archive", self.archive, copy_function=os.link)
        if inputs.version != self.inputs.version:
            for granule in late(self.archive):
                granule.unlink()
            if inputs.version != "absent":
                for granule in (self.simulated / "late" / inputs.version).iterdir():
                    os.link(granule, self.archive / "amsr2" / granule.name)
        self.inputs = inputs
        period = {"start": START, "end": START + timedelta(inputs.days - 1)}
        return region_file(self.folder, self.archive, period=period, **SETTINGS)


def values_of(cube: Path) -> tuple[list[date], str]:
    """Days of a cube, and the digest of all values that a reader gets."""
    with store.open_cube(str(cube)) as opened:
        loaded = opened.load()
    held = sha256()
    for name in sorted(loaded.variables):
        held.update(name.encode() + loaded[name].values.tobytes())
    days = [date.fromisoformat(str(day)) for day in np.datetime_as_string(loaded.time, "D")]
    return days, held.hexdigest()


@dataclass
class Oracle:
    """What an undisturbed store releases, each worked out once and kept in a folder."""

    folder: Path
    simulated: Path
    command: Callable[..., Ended]
    scheduler: str

    def release(self, trained: Inputs, published: Inputs) -> str:
        """Digest of the release of some inputs by the forest of those it was trained on."""
        kept = self.folder / f"release-{trained}-{published}"
        if not kept.exists():
            own = self.folder / f"{os.getpid()}-{trained}-{published}"
            made = self.made(trained, own)
            if published != trained:
                self.carry_out("update", made.prepare(published))
            (own / "values").write_text(values_of(cube(made.store))[1])
            (own / "values").rename(kept)
            shutil.rmtree(own)
        return kept.read_text()

    def made(self, inputs: Inputs, folder: Path) -> Place:
        """Make a store whose first release is of some inputs."""
        place = Place(folder, self.simulated)
        self.carry_out("run", place.prepare(inputs))
        return place

    def carry_out(self, name: str, config: Path) -> None:
        ended = self.command(name, config, "--quiet", "--scheduler", self.scheduler)
        assert ended.code == 0, ended.text


def latest(root: Path) -> dict[str, Any] | None:
    """Give what ``latest.json`` says; None where nothing of it can be read."""
    try:
        value = json.loads((root / "latest.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) and "version" in value else None


def cube(root: Path) -> Path:
    """Give the latest cube."""
    pointer = latest(root)
    assert pointer is not None
    return root / pointer["cube"]
