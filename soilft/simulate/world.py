"""The synthetic Earth: its air and its ground, at any time of its period.

The ground of a day follows from the day before, so a long period is integrated once and left in a
folder as its ground at the first 00 UTC of every chunk of days; the days of a chunk are then
integrated again from there, by the same steps and to the same bits.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np

from soilft.errors import FormatMismatch, UnreadableGranule
from soilft.simulate.domain import Domain, Field
from soilft.simulate.parameters import digest
from soilft.simulate.soil import SPIN_UP, STEP, STEPS, Day, Ground, State, advance, begin
from soilft.simulate.weather import Weather, between, weather
from soilft.store.digest import spelled

AROUND = 2
"""Days known before the first and after the last."""
INDEX = "index.json"
VERSION = "0.3.0"
"""Release whose synthetic Earth this is: raised by hand when its values change, ground or sensor.

The parameters tell of themselves."""


@dataclass(frozen=True, eq=False)
class World:
    """The synthetic Earth over some days.

    Attributes
    ----------
    domain : Domain
        Its cells, its whole period and its seed.
    air : Weather
        The air.
    first : int
        Day number of the first of ``days``.
    days : tuple of Day
        The ground of each day.
    """

    domain: Domain
    air: Weather
    first: int
    days: tuple[Day, ...]

    @staticmethod
    def of(domain: Domain) -> World:
        """The whole period in memory; kept for the next caller."""
        return _whole(domain)

    @staticmethod
    def stored(domain: Domain, folder: Path, first_day: date, last_day: date) -> World:
        """Some days of a period that :func:`integrate` left in a folder.

        Parameters
        ----------
        domain : Domain
            The whole period.
        folder : Path
            Of :func:`integrate`.
        first_day, last_day : date
            Days wanted, inclusive; those around them that their files need come with them.

        Returns
        -------
        World
            Equal, bit for bit, to the same days of ``World.of(domain)``.

        Raises
        ------
        UnreadableGranule
            If the folder holds no integration, or none of the days.
        FormatMismatch
            If it holds another domain's, or that of other parameters.
        """
        index = _index(folder)
        if index.world != identity(domain):
            raise FormatMismatch(
                str(folder / INDEX),
                expected=f"the world {identity(domain)}",
                found=index.world,
                remedy="Integrate into another folder.",
            )
        first, last = domain.number(first_day) - AROUND, domain.number(last_day) + AROUND
        starts = [start for start in index.starts if start <= first]
        if not starts or last > index.last:
            raise UnreadableGranule(
                str(folder),
                expected=f"days {index.starts[0] + AROUND} to {index.last - AROUND} of the domain",
                found=f"{first + AROUND} to {last - AROUND}",
            )
        with np.load(folder / _name(starts[-1])) as file:
            ground = Ground(**{key: file[key] for key in file.files})
        air = weather(domain)
        days = []
        for day in range(starts[-1], last + 1):
            ground, held = advance(ground, air, day)
            if day >= first:
                days.append(held)
        return World(domain, air, first, tuple(days))

    def _day(self, number: int) -> Day:
        if not 0 <= number - self.first < len(self.days):
            last = self.first + len(self.days) - 1
            raise ValueError(f"the world knows days {self.first} to {last}, not {number}")
        return self.days[number - self.first]

    def _step(self, step: int) -> Field:
        field: Field = self._day(step // STEPS).top[step % STEPS]
        return field

    def at(self, hours: Field) -> State:
        """The ground at hours since the domain's first 00 UTC: one, or one for each cell.

        Raises
        ------
        ValueError
            If a time lies in a day the world does not know.
        """
        hours = np.asarray(hours)

        def held(name: str) -> Field:
            return between(lambda day: getattr(self._day(day), name), 12.0, 24.0, hours)

        return State(
            air=self.air.air(hours),
            skin=self.air.skin(hours),
            top=self.top(hours),
            deep=held("deep"),
            water=held("water"),
            snow=held("snow"),
            age=held("age"),
            lake=held("lake"),
            slow=held("slow"),
        )

    def top(self, hours: Field) -> Field:
        """Temperature of 0-5 cm alone, K, (lat, lon): as :meth:`at` gives it."""
        return between(self._step, 0.0, STEP, np.asarray(hours))

    def series(self, row: int, col: int, hours: Field) -> tuple[Field, Field]:
        """Temperature of 0-5 cm and its smoothed course at one cell, K, (time,).

        Parameters
        ----------
        row, col : int
            The cell.
        hours : array
            (time,), since the domain's first 00 UTC.
        """
        start = 24.0 * self.first
        top = np.concatenate([day.top[:, row, col] for day in self.days])
        slow = np.array([day.slow[row, col] for day in self.days])
        place = start + STEP * np.arange(top.size), start + 12 + 24.0 * np.arange(slow.size)
        return np.interp(hours, place[0], top), np.interp(hours, place[1], slow)


@dataclass(frozen=True)
class Index:
    """What a folder of an integration holds.

    Attributes
    ----------
    world : str
        Digest of the domain and the parameters.
    starts : list of int
        Day numbers of its files.
    last : int
        Last day number that can be had.
    """

    world: str
    starts: list[int]
    last: int


@lru_cache(maxsize=2)
def _whole(domain: Domain) -> World:
    air = weather(domain)
    ground = begin(air, -SPIN_UP)
    days = []
    for day in range(-SPIN_UP, domain.number(domain.end) + AROUND + 1):
        ground, held = advance(ground, air, day)
        if day >= -AROUND:
            days.append(held)
    return World(domain, air, -AROUND, tuple(days))


def integrate(domain: Domain, folder: Path, chunk_days: int = 30) -> Path:
    """Integrate the ground of a whole period once, in bounded memory, and leave it in a folder.

    Each file appears whole or not at all; a folder that holds the integration already is left as
    it is, an unfinished one is done again.

    Parameters
    ----------
    domain : Domain
        Cells, period and seed.
    folder : Path
        Made when missing; holds ``ground_<day>.npz`` for each chunk, and ``index.json``.
    chunk_days : int
        Days of a chunk: what ``World.stored`` integrates again to reach one day.

    Returns
    -------
    Path
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = folder / INDEX
    last = domain.number(domain.end) + AROUND
    starts = list(range(-AROUND, last + 1, chunk_days))
    index = Index(identity(domain), starts, last)
    if about.exists() and _index(folder) == index:
        return folder
    about.unlink(missing_ok=True)
    air = weather(domain)
    ground = begin(air, -SPIN_UP)
    for day in range(-SPIN_UP, starts[-1] + 1):
        if day in starts:
            part = folder / f".{_name(day)}.{os.getpid()}"
            with part.open("wb") as file:
                np.savez(file, allow_pickle=False, **ground.arrays())
            part.replace(folder / _name(day))
        ground, _ = advance(ground, air, day)
    part = folder / f".{INDEX}.{os.getpid()}"
    part.write_text(json.dumps(asdict(index)))
    part.replace(about)
    return folder


def _name(day: int) -> str:
    return f"ground_{day:+06d}.npz"


def _index(folder: Path) -> Index:
    about = folder / INDEX
    if not about.exists():
        raise UnreadableGranule(
            str(about), expected="an integration", found="nothing", remedy="Run integrate first."
        )
    return Index(**json.loads(about.read_text()))


def identity(domain: Domain) -> str:
    """Digest of all that the ground depends on: the domain and the parameters."""
    words = spelled((domain.bounds, domain.start, domain.end, domain.seed, digest()))
    return hashlib.sha256(words.encode()).hexdigest()[:16]
