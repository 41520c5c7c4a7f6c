"""Cells as polygons in an equal-area CRS, and the shares of their area that others cover."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy import sparse

from soilft.grid import Grid
from soilft.projections import circumference, transformer

Floats = npt.NDArray[Any]

# An edge of a projected cell bends; the bow grows with the square of its length.
_EDGE_POINTS_AT_25_KM = 8


def shares(sources: npt.NDArray[Any], targets: npt.NDArray[Any], crs: str) -> sparse.csr_array:
    """Shares of each target's area that each source covers, (targets, sources).

    Parameters
    ----------
    sources, targets
        Polygons as `cells` makes them.
    crs
        That of both; where its x goes round, polygons one circle apart are of the same ground.
    """
    tree = shapely.STRtree(sources)
    whole = shapely.area(targets)
    rows, columns, found = [], [], []
    for turn in _turns(sources, targets, circumference(crs)):
        turned = targets if turn == 0 else shapely.transform(targets, _moved_by(turn))
        target, source = tree.query(turned, predicate="intersects")
        share = shapely.area(shapely.intersection(turned[target], sources[source])) / whole[target]
        kept = share > 1e-9
        rows.append(target[kept])
        columns.append(source[kept])
        found.append(share[kept])
    where = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(found), where), shape=(len(targets), len(sources)))


def _turns(
    sources: npt.NDArray[Any], targets: npt.NDArray[Any], circle: float | None
) -> list[float]:
    """How far targets are to be moved along x to meet all sources."""
    if circle is None:
        return [0.0]
    west, _, east, _ = shapely.total_bounds(sources)
    first, _, last, _ = shapely.total_bounds(targets)
    around = [t for t in (-circle, circle) if first + t < east and last + t > west]
    return [0.0, *around]


def _moved_by(x: float) -> Any:
    def moved(points: Floats) -> Floats:
        return np.asarray(points + np.array([x, 0.0]))

    return moved


def equal_area(source: Grid, target: Grid) -> str:
    """A CRS in which areas are true, one of the two wherever possible: its cells stay squares."""
    projected = [grid.crs for grid in (target, source) if not grid.geographic]
    return projected[0]


def cells(grid: Grid, left: Floats, top: Floats, crs: str) -> npt.NDArray[Any]:
    """Cells of a grid's size at given western and northern edges, row-major, edges followed.

    A cell that lies across the cut of the CRS goes on beyond it, in one piece about its middle.
    """
    rows, columns = len(top), len(left)
    if crs == grid.crs:
        x0, y1 = np.meshgrid(left, top)
        boxes = shapely.box(x0, y1 - grid.height, x0 + grid.width, y1)
        return np.asarray(boxes).ravel()
    if grid.geographic:
        # An edge on the antimeridian belongs to the side that the cell is on.
        left = left - 360.0 * np.floor((left + grid.width / 2 + 180.0) / 360.0)
    points = int(np.clip(np.ceil(_EDGE_POINTS_AT_25_KM * cell_size(grid) / 25_000), 1, 32))
    step, zero, one = np.arange(points) / points, np.zeros(points), np.ones(points)
    ring_x = np.concatenate([step, one, 1 - step, zero]) * grid.width
    ring_y = -np.concatenate([zero, step, one, 1 - step]) * grid.height
    x = left[None, :, None] + ring_x + np.zeros((rows, 1, 1))
    y = top[:, None, None] + ring_y + np.zeros((1, columns, 1))
    if grid.geographic:  # the outermost cells of a grid whose centres lie on the poles
        y = np.clip(y, -90, 90)
    there = transformer(grid.crs, crs)
    px, py = there.transform(x.ravel(), y.ravel())
    rings = np.stack([px, py], axis=-1).reshape(rows * columns, len(ring_x), 2)
    circle = circumference(crs)
    if circle is not None:
        middle, _ = there.transform(
            np.tile(left + grid.width / 2, rows), np.repeat(top - grid.height / 2, columns)
        )
        apart = np.round((rings[..., 0] - np.asarray(middle)[:, None]) / circle)
        rings[..., 0] -= circle * np.where(np.isfinite(apart), apart, 0.0)
    return np.asarray(shapely.polygons(rings))


def cell_size(grid: Grid) -> float:
    """Metres across a cell, about, at the grid's middle."""
    if not grid.geographic:
        return grid.width
    middle = np.radians(grid.top - grid.height * grid.shape[0] / 2)
    return float(111_320 * grid.width * max(np.cos(middle), 0.01))
