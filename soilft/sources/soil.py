"""Soil properties of every soil product: texture, bulk density and organic carbon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from soilft.errors import FormatMismatch, GridMismatch
from soilft.geo.regrid import Part, overlap_of_parts
from soilft.geo.tiles import tiles
from soilft.grid import Grid
from soilft.schema import Variable, measured
from soilft.sources import raster
from soilft.sources.protocol import Arrays, Role

# Sand, silt and clay share out the fine earth, percent.
WHOLE, TOLERANCE = 100.0, 5.0
# Native cells computed at once, and the memory that each takes meanwhile.
CELLS_AT_ONCE = 2**21
BYTES_A_CELL = 90
# Cells of 30 arc-seconds.
CELLS_A_DEGREE = 120


@dataclass(frozen=True)
class Property:
    """One property of the soil.

    Parameters
    ----------
    plausible
        Lowest and highest mean of a cell, in ``units``.
    """

    long_name: str
    units: str
    plausible: tuple[float, float]


PROPERTIES: Mapping[str, Property] = MappingProxyType(
    {
        "sand": Property("sand, of fine earth", "%", (0, 100)),
        "silt": Property("silt, of fine earth", "%", (0, 100)),
        "clay": Property("clay, of fine earth", "%", (0, 100)),
        "bulk_density": Property("bulk density of fine earth", "g cm-3", (0.05, 2.65)),
        "organic_carbon": Property("organic carbon of fine earth", "g kg-1", (0, 1000)),
    }
)


class UpperSoil:
    """A product of soil: its variables and the memory of a block; subclasses read and place."""

    role: ClassVar[Role] = "static"
    depth: ClassVar[str] = "0-10 cm"

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Soil of each cell (y, x)."""
        return tuple(
            measured(name, ("y", "x"), p.units, f"{p.long_name}, mean of {self.depth} depth")
            for name, p in PROPERTIES.items()
        )

    def peak_bytes(self, sizes: Sequence[int], grid: Grid) -> int:
        """Memory that one block takes, with GDAL's cache, a decoded block and the results."""
        fields = 4 * len(PROPERTIES) * grid.shape[0] * grid.shape[1]
        own = CELLS_AT_ONCE * BYTES_A_CELL
        return own + raster.CACHE_BYTES + raster.MAX_BLOCK_BYTES + 4 * fields


Cells = Callable[[Part], Iterator[tuple[str, npt.NDArray[Any]]]]


def averaged(
    whole: raster.Mosaic, grid: Grid, cells: Cells, *, interrupted: bool = False
) -> Arrays:
    """Properties of native cells as means of a grid's, float32 (y, x).

    A cell is missing where less than half of it is known.

    Parameters
    ----------
    cells
        Gives each property by name for a part of the lattice, (y, x).
    interrupted
        See `soilft.geo.regrid.overlap_of_parts`.

    Raises
    ------
    GridMismatch
        Where the lattice covers none of the grid.
    """
    values = {name: np.full(grid.shape, np.nan, "float32") for name in PROPERTIES}
    reached = False
    for around, part in _parts(whole, grid):
        reached = True
        weights = overlap_of_parts(around, part, interrupted=interrupted)
        rows, columns = (slice(i[0], i[-1] + 1) for i in (part.rows, part.columns))
        for name, field in cells(around):
            values[name][rows, columns] = weights.mean(field)
    if not reached:
        raise GridMismatch(
            whole.tiles[0].name,
            expected="a layer that covers some of the region",
            found=str(whole.grid.geobox.boundingbox),
        )
    return dict(values)


def _parts(whole: raster.Mosaic, grid: Grid) -> Iterator[tuple[Part, Part]]:
    def needed(part: Part) -> bool:
        return whole.touches(part.rows, part.columns)

    try:
        yield from tiles(whole.grid, grid, CELLS_AT_ONCE, needed)
    except ValueError as error:
        raise GridMismatch(
            whole.tiles[0].name, expected="a grid of cells below 300 km", found=str(error)
        ) from error


def require_plausible(
    values: Arrays, names: Mapping[str, str], units: Mapping[str, str], layer: str = ""
) -> None:
    """Check the values themselves: files in other units give other ones.

    Parameters
    ----------
    names
        File of each property, for the message.
    units
        What its values should be stored in.
    layer
        What else the message should name beside a file.

    Raises
    ------
    FormatMismatch
        Where a value is none of its property's, or sand, silt and clay are no whole.
    """
    for name, prop in PROPERTIES.items():
        known = values[name][np.isfinite(values[name])]
        low, high = prop.plausible
        if known.size and (known.min() < low or known.max() > high):
            raise FormatMismatch(
                f"{names[name]}{layer}",
                expected=f"{name} of {low:g}..{high:g} {prop.units}",
                found=f"{known.min():.4g}..{known.max():.4g}",
                remedy=f"Are the stored values in {units[name]}?",
            )
    texture = ("sand", "silt", "clay")
    total = np.sum([values[name] for name in texture], axis=0)
    known = total[np.isfinite(total)]
    if known.size and np.abs(known - WHOLE).max() > TOLERANCE:
        worst = known[np.abs(known - WHOLE).argmax()]
        raise FormatMismatch(
            ", ".join(dict.fromkeys(names[name] for name in texture)),
            expected=f"sand + silt + clay of {WHOLE:g} % within {TOLERANCE:g} %",
            found=f"{worst:.4g} %",
            remedy=f"Are the stored values in {units['sand']}, and of one release?",
        )
