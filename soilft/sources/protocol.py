"""Protocol of a product's reader, and its granules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import numpy.typing as npt
import xarray as xr

from soilft.grid import Grid
from soilft.schema import Coordinate, Variable

Arrays = dict[str, npt.NDArray[Any]]
Role = Literal["tb", "reanalysis", "static", "label", "station"]


@dataclass(frozen=True, order=True)
class Granule:
    """One native file, as its name tells.

    Parameters
    ----------
    days
        UTC days that the file contributes to.
    slot
        What part of a day it holds, such as ``"0300"`` or ``"D18"``. Of several granules for one
        slot and day the newest version counts.
    version
        Version text of the name; versions compare as text within one product.
    url
        Where it lies.
    """

    days: tuple[date, ...]
    slot: str
    version: str
    url: str

    @property
    def name(self) -> str:
        """File name without its folder."""
        return self.url.rsplit("/", 1)[-1]


class DailySource(Protocol):
    """A product whose granules add up to UTC days.

    A source is a small frozen value: it pickles, and equal settings make equal sources.
    ``platform`` and ``instrument`` are empty where a model made it. ``version`` stands in the keys
    of what was read: it is raised by hand, to the release that is to come, when the same file is to
    give other values, and then its files alone are read anew.
    """

    role: ClassVar[Role]
    product: ClassVar[str]
    version: ClassVar[str]
    references: ClassVar[str]
    platform: ClassVar[str]
    instrument: ClassVar[str]

    @property
    def overpasses(self) -> tuple[str, ...]:
        """Names along the overpass dimension; empty where the product has none."""
        ...

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """Further axes of the variables, beside time, overpass, y and x."""
        ...

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Variables of ``inputs/<source>.zarr``, every one with ``time`` first."""
        ...

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product."""
        ...

    def read(self, path: Path) -> xr.Dataset:
        """Open a file lazily on its native grid, CF-decoded and masked, nothing resampled.

        Raises
        ------
        InputError
            Where the file is not what the product declares.
        """
        ...

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """Bring what a granule says of a day onto a grid: arrays that `combine` understands."""
        ...

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """Make one day's stored values, without the time axis, from all its granules.

        Variables that the parts cannot give are left out, and stay missing in the store.
        """
        ...


class StaticSource(Protocol):
    """A product that does not change with time; ``version`` as that of a `DailySource`."""

    role: ClassVar[Role]
    product: ClassVar[str]
    version: ClassVar[str]
    references: ClassVar[str]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Variables of ``inputs/static.zarr``, with dims (y, x)."""
        ...

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product."""
        ...

    def read(self, path: Path) -> xr.Dataset:
        """Open one file lazily on its native grid."""
        ...

    def place(self, tiles: Sequence[tuple[Granule, xr.Dataset]], grid: Grid) -> Arrays:
        """Compute the variables at native scale from all files, then average them onto a grid.

        Raises
        ------
        InputError
            Where the files do not belong together, or do not cover any of the grid.
        """
        ...

    def peak_bytes(self, sizes: Sequence[int], grid: Grid) -> int:
        """Memory that placing files of these sizes (bytes) onto a grid needs at most."""
        ...


def calendar_day(text: str) -> date | None:
    """Day of eight digits, or None where there is no such day."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def day_of_year(year: int, number: int) -> date | None:
    """Day of a year counted from 1, or None where there is no such day."""
    if year < 1 or number < 1:
        return None
    day = date(year, 1, 1) + timedelta(days=number - 1)
    return day if day.year == year else None


def is_simulated(attributes: Mapping[Any, Any]) -> bool:
    """Whether a file says of itself that it was simulated."""
    return str(attributes.get("simulated", "false")).lower() in ("true", "1")
