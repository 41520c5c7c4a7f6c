"""Tiles of a grid, small enough that their cells need few cells of a finer raster.

What a target cell gets must not depend on how the target was cut, so a tile is only a list of
target cells with all source cells that may reach into them; see `regrid.overlap_of_parts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.geo.regrid import Part
from soilft.grid import Grid
from soilft.projections import transformer

Indices = npt.NDArray[np.int64]

# Points a cell's side is followed through, and about how many of them a tile's side has.
_POINTS_A_CELL, _POINTS_A_BLOCK = 8, 64
# Neighbouring points that a projection puts farther apart than this many times their distance lie
# on two sides of one of its cuts.
_TORN = 10
_METRES_A_DEGREE = 111_320


def circle(grid: Grid) -> int | None:
    """Columns of a whole circle of longitude, where the grid's cells divide it evenly."""
    if not grid.geographic:
        return None
    columns = round(360 / grid.width)
    return columns if abs(columns * grid.width - 360) < 0.01 * grid.width else None


def tiles(
    source: Grid, target: Grid, cells: int, needed: Callable[[Part], bool]
) -> Iterator[tuple[Part, Part]]:
    """Parts of a target, each with the source cells that may reach into it.

    Parameters
    ----------
    source
        Its lattice; the parts may lie beyond the grid itself.
    cells
        Source cells that a tile may have.
    needed
        Whether a part of the source holds anything; tiles where it does not are left out.

    Yields
    ------
    tuple of Part
        Source and target; no target cell twice.

    Raises
    ------
    ValueError
        Where a single target cell needs more source cells than that.
    """
    pending = [(0, target.shape[0], 0, target.shape[1])]
    while pending:
        r0, r1, c0, c1 = pending.pop()
        part = Part(target, np.arange(r0, r1), np.arange(c0, c1))
        around = surroundings(source, part)
        if around is None or not needed(around):
            continue
        if around.size <= cells:
            yield around, part
        elif part.size == 1:
            raise ValueError(f"{around.size} cells for one of the grid, at most {cells}")
        elif r1 - r0 >= c1 - c0:
            middle = (r0 + r1) // 2
            pending += [(middle, r1, c0, c1), (r0, middle, c0, c1)]
        else:
            middle = (c0 + c1) // 2
            pending += [(r0, r1, middle, c1), (r0, r1, c0, middle)]


def surroundings(source: Grid, part: Part) -> Part | None:
    """All cells of a source's lattice that may reach into a part of another grid, and some more.

    None where the source's CRS cannot show the part.
    """
    if source.crs == part.grid.crs:
        return _same_crs(source, part)
    x, y, margin_x, margin_y = _followed(source, part)
    if not len(x):
        return None
    rows = np.arange(
        np.floor((source.top - y.max() - margin_y) / source.height) - 1,
        np.ceil((source.top - y.min() + margin_y) / source.height) + 1,
    ).astype("int64")
    if source.geographic:
        centres = source.top - source.height * (rows + 0.5)
        rows = rows[np.abs(centres) <= 90]
    columns = _columns(source, x, margin_x)
    return Part(source, rows, columns) if len(rows) and len(columns) else None


def _same_crs(source: Grid, part: Part) -> Part:
    slack = 1e-6  # an edge that is shared but for rounding pulls in no neighbour
    top, left = part.tops[0], part.lefts[0]
    bottom, right = part.tops[-1] - part.grid.height, part.lefts[-1] + part.grid.width
    r0 = np.floor((source.top - top) / source.height + slack)
    r1 = np.ceil((source.top - bottom) / source.height - slack)
    c0 = np.floor((left - source.left) / source.width + slack)
    c1 = np.ceil((right - source.left) / source.width - slack)
    return Part(source, np.arange(r0, r1).astype("int64"), np.arange(c0, c1).astype("int64"))


def _followed(source: Grid, part: Part) -> tuple[Any, Any, float, float]:
    """Points all over a part, in the source's CRS, and how far apart neighbours are at most."""
    along, across = (_points(n) for n in part.shape)
    grid = part.grid
    x, y = np.meshgrid(
        part.lefts[0] + grid.width * np.linspace(0, part.shape[1], across * part.shape[1] + 1),
        part.tops[0] - grid.height * np.linspace(0, part.shape[0], along * part.shape[0] + 1),
    )
    sx, sy = (np.asarray(a) for a in transformer(grid.crs, source.crs).transform(x, y))
    known = np.isfinite(sx) & np.isfinite(sy)
    sx, sy = np.where(known, sx, np.nan), np.where(known, sy, np.nan)
    step = max(grid.width / across, grid.height / along)
    torn = _TORN * step * (_METRES_A_DEGREE if grid.geographic else 1.0)
    margins = []
    for values, circular in ((sx, source.geographic), (sy, False)):
        steps = np.abs(
            np.concatenate([np.diff(values, axis=0).ravel(), np.diff(values, axis=1).ravel()])
        )
        if circular:
            steps = np.where(steps > 180, 360 - steps, steps)
        elif not source.geographic:
            steps = steps[steps < torn]
        steps = steps[np.isfinite(steps)]
        # Half as much again: a pole or a cut may lie between the points of a diagonal.
        margins.append(1.5 * float(steps.max()) if len(steps) else torn)
    return sx[known], sy[known], margins[0], margins[1]


def _points(cells: int) -> int:
    return int(np.clip(np.ceil(_POINTS_A_BLOCK / cells), 1, _POINTS_A_CELL))


def _columns(source: Grid, x: npt.NDArray[Any], margin: float) -> Indices:
    """Columns within a margin of points; they have gaps where a projection is cut."""
    whole = circle(source)
    middle = source.left + source.width * source.shape[1] / 2
    if source.geographic and whole is None:
        # Of the turns of a meridian the one that is nearest to the source.
        x = x + 360.0 * ((x < middle - 180).astype(int) - (x >= middle + 180))
    x = np.sort(x)
    cuts = np.flatnonzero(np.diff(x) > 2 * margin)
    starts = x[np.concatenate([[0], cuts + 1])] - margin
    ends = x[np.concatenate([cuts, [len(x) - 1]])] + margin
    first = np.floor((starts - source.left) / source.width).astype("int64") - 1
    last = np.ceil((ends - source.left) / source.width).astype("int64") + 1
    columns = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    if whole is not None:
        # Every meridian once, and always under the same number.
        start = int(np.floor((-180 - source.left) / source.width))
        columns = start + (columns - start) % whole
    elif source.geographic:
        centres = source.left + source.width * (columns + 0.5)
        columns = columns[(centres >= middle - 180) & (centres < middle + 180)]
    return np.unique(columns)
