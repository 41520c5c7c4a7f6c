"""Domain of the synthetic Earth: its cells, its days, its random streams."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from soilft.errors import ConfigError
from soilft.store.digest import UNSPELLED

Field: TypeAlias = NDArray[np.floating[Any]]
Mask: TypeAlias = NDArray[np.bool_]

CELL = 0.25
"""Side of a cell, degrees."""
MARGIN = 1.5
"""Width simulated around the bounds on every side, degrees."""


@dataclass(frozen=True)
class Domain:
    """All that decides the content of a simulated file, and nothing else.

    Attributes
    ----------
    bounds : tuple of float
        West, south, east, north, degrees; west < east, beyond 180 across the 180th meridian.
    start, end : date
        First and last UTC day, inclusive.
    seed : int
        Seed of every random stream.
    noise : float
        Scale of the noise of radiometers and labels, 1 as the parameters have it. The streams and
        the world stay the same, and so does the spelling of the domain, which names the world.
    """

    bounds: tuple[float, float, float, float]
    start: date
    end: date
    seed: int = 0
    noise: float = field(default=1.0, metadata=UNSPELLED)

    @cached_property
    def lat(self) -> Field:
        """Cell centres from SOUTH to north, degrees, multiples of 0.25 plus 0.125."""
        first = max(np.floor((self.bounds[1] - MARGIN) / CELL), -90 / CELL)
        last = min(np.ceil((self.bounds[3] + MARGIN) / CELL), 90 / CELL)
        return (np.arange(first, last) + 0.5) * CELL

    @cached_property
    def lon(self) -> Field:
        """Cell centres from west to east, degrees, multiples of 0.25 plus 0.125; they run on."""
        first = np.floor((self.bounds[0] - MARGIN) / CELL)
        last = np.ceil((self.bounds[2] + MARGIN) / CELL)
        return (np.arange(first, last) + 0.5) * CELL

    @cached_property
    def mesh(self) -> tuple[Field, Field]:
        """Latitude and longitude of every cell, degrees, (lat, lon)."""
        lat, lon = np.meshgrid(self.lat, self.lon, indexing="ij")
        return lat, lon

    def cell(
        self, lat: Field, lon: Field
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
        """The cell that holds each point.

        Parameters
        ----------
        lat, lon : array
            Degrees, of one shape; longitudes of any turn.

        Returns
        -------
        row, col : array of int
            Row from the SOUTH and column from the west, of the nearest cell where outside.
        inside : array of bool
            Whether the point lies in a cell of the domain.
        """
        east = self.lon[0] + np.mod(np.asarray(lon) - self.lon[0] + CELL / 2, 360.0) - CELL / 2
        row = np.floor((np.asarray(lat) - self.lat[0]) / CELL + 0.5).astype(np.intp)
        col = np.floor((east - self.lon[0]) / CELL + 0.5).astype(np.intp)
        inside = (row >= 0) & (row < self.lat.size) & (col >= 0) & (col < self.lon.size)
        return (
            np.clip(row, 0, self.lat.size - 1),
            np.clip(col, 0, self.lon.size - 1),
            np.asarray(inside),
        )

    def eastward(self, lon: Field) -> Field:
        """Longitudes as the domain counts them, from its western margin on, degrees."""
        turns = np.floor((lon - self.bounds[0] + MARGIN) / 360.0)
        return np.asarray(lon - 360.0 * np.where(np.isfinite(turns), turns, 0.0))

    def number(self, day: date) -> int:
        """Number of a day: 0 on the first of the domain."""
        return (day - self.start).days

    def hours(self, day: date) -> float:
        """Hours from 00 UTC of the first day to 00 UTC of ``day``."""
        return 24.0 * (day - self.start).days

    def stream(self, *labels: object) -> np.random.Generator:
        """The random numbers of one purpose: the same for the same domain and labels."""
        words = [zlib.crc32(str(label).encode()) for label in labels]
        where = [round((value + 360.0) * 1000) for value in self.bounds]
        when = [self.start.toordinal(), self.end.toordinal()]
        return np.random.default_rng(np.random.SeedSequence([self.seed, *where, *when, *words]))


@dataclass(frozen=True)
class Archive:
    """A directory of simulated native files.

    Attributes
    ----------
    root : Path
        Directory that holds one folder for each product, and ``truth``.
    bounds : tuple of float
        West, south, east, north, degrees; west < east, beyond 180 across the 180th meridian.
    start, end : date
        First and last UTC day, inclusive.
    seed : int
        Seed of every random stream.
    noise : float
        Scale of the noise of radiometers and labels, not below 0; see `Domain`.
    ground : Path, optional
        Directory of integrated grounds that archives of one world share, whatever their noise;
        each archive keeps its own by default.
    """

    root: Path
    bounds: tuple[float, float, float, float]
    start: date
    end: date
    seed: int = 0
    noise: float = 1.0
    ground: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.noise < float("inf"):
            raise ValueError(f"the scale of the noise is a number not below 0: {self.noise}")
        west, south, east, north = self.bounds
        if not (-180 <= west < 180 and west < east <= west + 360 - 2 * MARGIN):
            raise ConfigError(
                "region.bounds",
                expected="west within -180..180 and east up to 357 degrees on, of a simulation",
                found=str(self.bounds),
            )
        if not (0 <= south < north <= 85):
            raise ConfigError(
                "region.bounds",
                expected="latitudes of 0 to 85 north, of a simulation",
                found=str(self.bounds),
            )
        if self.end < self.start:
            raise ValueError(f"the last day {self.end} lies before the first {self.start}")

    def days(self) -> list[date]:
        """Every UTC day from the first to the last, inclusive."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1)]

    @property
    def domain(self) -> Domain:
        """The archive without its directory."""
        west, south, east, north = (float(value) for value in self.bounds)
        # Beside the 180th meridian the margin reaches beyond it: counted on from the west.
        turn = 360.0 if west - MARGIN < -180 else 0.0
        bounds = (west + turn, south, east + turn, north)
        return Domain(bounds, self.start, self.end, self.seed, float(self.noise))
