"""Regridding of fields: one sparse matrix of cell overlaps for every pair of grids.

A row of the matrix holds the shares of a target cell's area that each source cell covers. Grids in
one CRS overlap as rectangles, exactly, by rows and by columns. Other pairs are intersected as
polygons in the equal-area CRS of the two; source cells far smaller than the target's are assigned
by their centre and weighted by their area.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from soilft.errors import GridMismatch
from soilft.geo import polygons
from soilft.geo.swath import near
from soilft.grid import Grid
from soilft.projections import circumference, transformer

Floats = npt.NDArray[Any]

# Below this ratio of cell sizes, whole source cells move the mean by < 1 % of its spread.
_FINE = 1 / 20
# Axes written with seven digits close a circle but for some metres.
_ROUNDED = 1e-3


@dataclass(frozen=True)
class Overlap:
    """Shares of each target cell's area: matrix (target cells, source cells), rows sum to <= 1."""

    matrix: sparse.csr_array
    target_shape: tuple[int, int]

    def __post_init__(self) -> None:
        most = float(self.matrix.sum(axis=1).max(initial=0.0))
        if not most <= 1 + _ROUNDED:
            raise GridMismatch(
                "cells of two grids",
                expected="shares of a cell's area that sum to 1 at most",
                found=f"{most:.6g}",
                remedy="Do the source's cells lie on each other?",
            )

    def _flat(self, field: Floats) -> Floats:
        return np.asarray(field).reshape(*field.shape[:-2], -1)

    def _unflat(self, flat: Floats) -> Floats:
        return flat.reshape(*flat.shape[:-1], *self.target_shape)

    def _dot(self, flat: Floats) -> Floats:
        lead = flat.shape[:-1]
        product = self.matrix @ flat.reshape(-1, flat.shape[-1]).T
        return np.asarray(product).T.reshape(*lead, -1)

    def mean(self, field: Floats, *, min_valid: float = 0.5) -> Floats:
        """Overlap-weighted mean of what is valid.

        Parameters
        ----------
        field
            Shape (..., y, x) on the source grid, NaN where missing.
        min_valid
            Share of a target cell's area that must be valid; below it the cell is NaN.

        Returns
        -------
        array
            float32, shape (..., y, x) on the target grid.
        """
        flat = self._flat(field).astype("float64")
        valid = np.isfinite(flat)
        covered = self._dot(valid.astype("float64"))
        total = self._dot(np.where(valid, flat, 0.0))
        enough = (covered > 0) & (covered >= min_valid - 1e-9)
        mean = np.divide(total, covered, out=np.full(total.shape, np.nan), where=enough)
        return self._unflat(mean.astype("float32"))

    def majority(
        self, field: npt.NDArray[np.uint8], *, missing: int, min_valid: float = 0.5
    ) -> Any:
        """Class with the largest valid area; of equal areas, the lower code.

        Parameters
        ----------
        field
            Classes, shape (..., y, x) on the source grid.
        missing
            Code that is no class; also what cells get whose valid share is below ``min_valid``.

        Returns
        -------
        array
            uint8, shape (..., y, x) on the target grid.
        """
        flat = self._flat(field)
        classes = [int(code) for code in np.unique(flat) if code != missing]
        shape = (*flat.shape[:-1], self.matrix.shape[0])
        covered, best = np.zeros(shape), np.zeros(shape)
        winner = np.full(shape, missing, dtype="uint8")
        for code in classes:
            area = self._dot((flat == code).astype("float64"))
            covered += area
            larger = area > best + 1e-9
            winner[larger] = code
            best[larger] = area[larger]
        winner[covered < min_valid - 1e-9] = missing
        return self._unflat(winner)

    def std(self, field: Floats, *, min_valid: float = 0.5) -> Floats:
        """Overlap-weighted standard deviation of what is valid, about each target cell's own mean.

        Parameters
        ----------
        field
            Shape (y, x) on the source grid, NaN where missing.
        min_valid
            As for `mean`.

        Returns
        -------
        array
            float32, shape (y, x) on the target grid.
        """
        cells = self.matrix.shape[0]
        cell = np.repeat(np.arange(cells, dtype="int32"), np.diff(self.matrix.indptr))
        values = self._flat(field).astype("float64")[self.matrix.indices]
        valid = np.isfinite(values)
        weights = np.where(valid, self.matrix.data, 0.0)
        values[~valid] = 0.0
        covered = np.bincount(cell, weights, cells)
        enough = (covered > 0) & (covered >= min_valid - 1e-9)
        divisor = np.where(covered > 0, covered, 1.0)
        # Two passes: squares about a common centre would lose the digits of a flat cell.
        values -= (np.bincount(cell, weights * values, cells) / divisor)[cell]
        variance = np.bincount(cell, weights * values**2, cells) / divisor
        return self._unflat(np.where(enough, np.sqrt(variance), np.nan).astype("float32"))


@lru_cache(maxsize=32)
def overlap(source: Grid, target: Grid) -> Overlap:
    """Overlap of two grids, computed once a process.

    Examples
    --------
    >>> coarse = Grid("EPSG:6933", 0.0, 100.0, 50.0, 50.0, (2, 2))
    >>> fine = Grid("EPSG:6933", 0.0, 100.0, 25.0, 25.0, (4, 4))
    >>> overlap(fine, coarse).mean(np.arange(16.0).reshape(4, 4)).tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """
    if source.crs == target.crs:
        matrix = _rectangles(source, target)
    elif fine(source, target):
        matrix = _by_centre(source, target)
    else:
        matrix = _polygons(source, target)
    return Overlap(sparse.csr_array(matrix), target.shape)


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows and columns of the lattice that a grid's cells belong to.

    They may lie beyond the grid itself. Coordinates are counted from the lattice's corner, so that
    those of a cell are the same to the last digit whatever part it is seen in.

    Parameters
    ----------
    grid
        Its corner and cell size make the lattice.
    rows, columns
        Rising indices; rows without gaps.
    """

    grid: Grid
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]

    @classmethod
    def whole(cls, grid: Grid) -> Part:
        """All cells of a grid."""
        return cls(grid, np.arange(grid.shape[0]), np.arange(grid.shape[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)``."""
        return len(self.rows), len(self.columns)

    @property
    def size(self) -> int:
        """How many cells it has."""
        return len(self.rows) * len(self.columns)

    @property
    def x(self) -> Floats:
        """Cell centres eastward, shape (columns,)."""
        return np.asarray(self.grid.left + self.grid.width * (self.columns + 0.5))

    @property
    def y(self) -> Floats:
        """Cell centres from north to south, shape (rows,)."""
        return np.asarray(self.grid.top - self.grid.height * (self.rows + 0.5))

    @property
    def lefts(self) -> Floats:
        """Western edges, shape (columns,)."""
        return np.asarray(self.grid.left + self.grid.width * self.columns)

    @property
    def tops(self) -> Floats:
        """Northern edges, shape (rows,)."""
        return np.asarray(self.grid.top - self.grid.height * self.rows)


def fine(source: Grid, target: Grid) -> bool:
    """Whether source cells are so small that they count as lying whole where their centre lies."""
    return polygons.cell_size(source) < _FINE * polygons.cell_size(target)


def overlap_of_parts(source: Part, target: Part, *, interrupted: bool = False) -> Overlap:
    """Overlap of a part of one lattice with a part of another; each cell's is its own alone.

    As `overlap`, but what a target cell gets does not depend on which part it is computed in, as
    long as all source cells that reach into it are there. A fine source in another CRS gives shares
    of the source cells whose centres lie in the target cell: a cell that the source covers only
    in part must be offered the rest of the lattice too, as missing values.

    Parameters
    ----------
    source
        Columns without gaps, where the two share a CRS.
    target
        Rows and columns without gaps.
    interrupted
        Whether the source's projection shows some places twice, as Goode's does Greenland's: they
        count once, where the projection puts them.
    """
    if source.grid.crs == target.grid.crs:
        matrix = _rectangles_of(source, target)
    elif fine(source.grid, target.grid):
        matrix = _centres_of(source, target, interrupted=interrupted)
    else:
        crs = polygons.equal_area(source.grid, target.grid)
        matrix = polygons.shares(
            polygons.cells(source.grid, source.lefts, source.tops, crs),
            polygons.cells(target.grid, target.lefts, target.tops, crs),
            crs,
        )
    return Overlap(sparse.csr_array(matrix), target.shape)


def _rectangles_of(source: Part, target: Part) -> sparse.csr_array:
    def edges(part: Part) -> tuple[Floats, Floats]:
        rows = np.append(part.rows, part.rows[-1] + 1)
        columns = np.append(part.columns, part.columns[-1] + 1)
        y = part.grid.top - part.grid.height * rows
        if part.grid.geographic:
            y = np.sin(np.radians(np.clip(y, -90, 90)))
        return -y, part.grid.left + part.grid.width * columns

    (source_y, source_x), (target_y, target_x) = edges(source), edges(target)
    rows, columns = _intervals(source_y, target_y), _intervals(source_x, target_x)
    return sparse.csr_array(sparse.kron(rows, columns))


# Source cells whose centres are moved to the target's CRS at once.
_CENTRES_AT_ONCE = 2**17


def _centres_of(source: Part, target: Part, *, interrupted: bool) -> sparse.csr_array:
    step = max(1, _CENTRES_AT_ONCE // source.shape[1])
    cell = np.concatenate(
        [
            _cell_of(source, slice(first, first + step), target, interrupted=interrupted)
            for first in range(0, source.shape[0], step)
        ]
    )
    index = np.flatnonzero(cell >= 0).astype("int32")
    cell = cell[index]
    y = source.y[index // source.shape[1]]
    weights = np.cos(np.radians(y)) if source.grid.geographic else np.ones(len(y))
    cells = target.size
    total = np.bincount(cell, weights, cells)
    weights /= total[cell]
    return sparse.csr_array((weights, (cell, index)), shape=(cells, source.size))


def _cell_of(
    source: Part, rows: slice, target: Part, *, interrupted: bool
) -> npt.NDArray[np.int32]:
    """Index of the target cell that each source centre lies in, -1 outside; flat."""
    x, y = (a.ravel() for a in np.meshgrid(source.x, source.y[rows]))
    there = transformer(source.grid.crs, target.grid.crs)
    tx, ty = (np.asarray(a) for a in there.transform(x, y))
    tx = _from(target.lefts[0], tx, circumference(target.grid.crs))
    # The floor of what has no place is inf too, and lies outside.
    column = np.floor((tx - target.grid.left) / target.grid.width) - target.columns[0]
    row = np.floor((target.grid.top - ty) / target.grid.height) - target.rows[0]
    inside = (row >= 0) & (row < target.shape[0]) & (column >= 0) & (column < target.shape[1])
    if interrupted:
        back = there.transform(tx[inside], ty[inside], direction="INVERSE")
        home = np.hypot(back[0] - x[inside], back[1] - y[inside]) < source.grid.width / 2
        inside[inside] = home
    cell = np.full(len(x), -1, "int32")
    cell[inside] = (row[inside] * target.shape[1] + column[inside]).astype("int32")
    return cell


def _rectangles(source: Grid, target: Grid) -> sparse.csr_array:
    y_edges = _edges(source.top, -source.height, source.shape[0])
    y_targets = _edges(target.top, -target.height, target.shape[0])
    if source.geographic:  # the area of a zone grows with the sine of latitude
        y_edges, y_targets = (np.sin(np.radians(np.clip(e, -90, 90))) for e in (y_edges, y_targets))
    x_edges = _edges(source.left, source.width, source.shape[1])
    x_targets = _edges(target.left, target.width, target.shape[1])
    columns = _intervals(x_edges, x_targets)
    circle = circumference(source.crs)
    for turn in () if circle is None else (-circle, circle):
        columns = columns + _intervals(x_edges + turn, x_targets)
    return sparse.csr_array(sparse.kron(_intervals(-y_edges, -y_targets), columns))


def _polygons(source: Grid, target: Grid) -> sparse.csr_array:
    rows, columns = (np.arange(size) for size in source.shape)
    circle = circumference(source.crs)
    if circle is not None and source.width * source.shape[1] > 0.9 * circle:
        # A target across the edge of the source asks for whole rows: most of them are far away.
        columns = np.flatnonzero(_may_reach(source, target).any(axis=0))
    part = overlap_of_parts(Part(source, rows, columns), Part.whole(target)).matrix.tocoo()
    row, column = np.divmod(part.col, max(len(columns), 1))
    index = row * source.shape[1] + columns[column]
    shape = (part.shape[0], source.shape[0] * source.shape[1])
    return sparse.csr_array((part.data, (part.row, index)), shape=shape)


def _may_reach(source: Grid, target: Grid) -> npt.NDArray[np.bool_]:
    """Which source cells may reach into a target; cheap, and never leaves out one that does."""
    rim = int(np.ceil(polygons.cell_size(source) / polygons.cell_size(target))) + 1
    wider = Grid(
        target.crs,
        target.left - rim * target.width,
        target.top + rim * target.height,
        target.width,
        target.height,
        (target.shape[0] + 2 * rim, target.shape[1] + 2 * rim),
    )
    return near(*source.lonlat, wider)


def _from(west: float, x: Floats, circle: float | None) -> Floats:
    """Places along x as they are met going east from one, where x goes round."""
    if circle is None:
        return x
    turns = np.floor((x - west) / circle)
    return np.asarray(x - circle * np.where(np.isfinite(turns), turns, 0.0))


def _edges(start: float, step: float, cells: int) -> Floats:
    return np.asarray(start + step * np.arange(cells + 1))


def _intervals(source: Floats, target: Floats) -> sparse.csr_array:
    """Shares of each target interval, from two rising sequences of edges."""
    low = np.maximum(source[None, :-1], target[:-1, None])
    high = np.minimum(source[None, 1:], target[1:, None])
    share = np.clip(high - low, 0, None) / (target[1:] - target[:-1])[:, None]
    # Rounding must neither invent slivers nor spoil an exact copy between aligned grids.
    share[share < 1e-9] = 0.0
    share[share > 1 - 1e-9] = 1.0
    return sparse.csr_array(share)


def _by_centre(source: Grid, target: Grid) -> sparse.csr_array:
    x, y = np.meshgrid(source.x, source.y)
    area = np.cos(np.radians(y)).ravel() if source.geographic else np.ones(x.size)
    tx, ty = transformer(source.crs, target.crs).transform(x.ravel(), y.ravel())
    tx = _from(target.left, np.asarray(tx), circumference(target.crs))
    column = np.floor((tx - target.left) / target.width)
    row = np.floor((target.top - np.asarray(ty)) / target.height)
    inside = (row >= 0) & (row < target.shape[0]) & (column >= 0) & (column < target.shape[1])
    cell = (row * target.shape[1] + column)[inside].astype("int64")
    counts = sparse.csr_array(
        (area[inside], (cell, np.flatnonzero(inside))),
        shape=(target.shape[0] * target.shape[1], x.size),
    )
    total = np.asarray(counts.sum(axis=1)).ravel()
    # A cell on the rim of the source is covered in part: what a full one holds is the yardstick,
    # and grows with the cell, which in a geographic target shrinks towards the pole.
    rows = np.cos(np.radians(target.y)) if target.geographic else np.ones(target.shape[0])
    size = np.repeat(np.clip(rows, 1e-6, None), target.shape[1])
    reached = total > 0
    full = np.maximum(total, size * (np.median((total / size)[reached]) if reached.any() else 1.0))
    return sparse.csr_array(sparse.diags_array(1 / full) @ counts)
