"""Grids of native files: their axes held against what a product declares, and parts of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.errors import GridMismatch
from soilft.grid import Grid
from soilft.projections import circumference


def aligned_window(
    path: Path,
    lat: npt.NDArray[np.floating],
    lon: npt.NDArray[np.floating],
    whole: Grid,
    *,
    south_first: bool,
) -> Grid:
    """Grid of a file whose axes are all of a declared grid, or a rectangle cut out of it.

    Parameters
    ----------
    lat, lon
        Cell centres in the file's order: degrees, or y and x of a projected grid.
    whole
        The product's declared grid, north up.
    south_first
        Whether the product stores row 0 in the south.

    Returns
    -------
    Grid
        The file's cells, north up.

    Raises
    ------
    GridMismatch
        Where spacing, alignment or orientation is another.
    """
    lat, lon = _axis(lat, path), _axis(lon, path)
    first, last = (whole.y[-1], whole.y[0]) if south_first else (whole.y[0], whole.y[-1])
    names = ("latitude", "longitude", "degrees") if whole.geographic else ("y", "x", "m")
    # Metres of a projection have more digits than degrees.
    form = "g" if whole.geographic else ".9g"
    expected = (
        f"{names[0]} {first:{form}}..{last:{form}} ({'south' if south_first else 'north'} first), "
        f"{names[1]} {whole.x[0]:{form}}..{whole.x[-1]:{form}}, every {whole.height:{form}} "
        f"{names[2]}, or a cut of it"
    )
    found = (
        f"{names[0]} {lat[0]:{form}}..{lat[-1]:{form}} ({len(lat)} rows), "
        f"{names[1]} {lon[0]:{form}}..{lon[-1]:{form}} ({len(lon)} columns)"
    )
    north_up = lat[::-1] if south_first else lat
    row = (whole.top - north_up) / whole.height - 0.5
    column = (lon - whole.left) / whole.width - 0.5
    around = whole.width * whole.shape[1]
    if circumference(whole.crs) == around and len(lon) < whole.shape[1]:
        # A cut across the antimeridian runs on past the last column.
        whole = replace(whole, shape=(whole.shape[0], 2 * whole.shape[1]))
    fits = all(
        np.abs(index - (round(float(index[0])) + np.arange(len(index)))).max() < 0.01
        and index[0] > -0.5
        and index[-1] < size - 0.5
        for index, size in ((row, whole.shape[0]), (column, whole.shape[1]))
    )
    if not fits:
        raise GridMismatch(
            path.name, expected=expected, found=found, remedy="Is this file re-gridded?"
        )
    r, c = round(float(row[0])), round(float(column[0]))
    return whole.window(slice(r, r + len(lat)), slice(c, c + len(lon)))


def even_grid(lat: npt.NDArray[Any], lon: npt.NDArray[Any], path: Path) -> Grid:
    """Grid of evenly spaced cell centres, north first, degrees.

    Raises
    ------
    GridMismatch
        Where the steps differ, there is no step at all, or longitudes do not rise.
    """
    lat, lon = _axis(lat, path), _axis(lon, path)
    height, width = _step(-lat, path), _step(lon, path)
    left, top = float(lon[0]) - width / 2, float(lat[0]) + height / 2
    return Grid("EPSG:4326", left, top, width, height, (len(lat), len(lon)))


def _axis(values: npt.NDArray[Any], path: Path) -> npt.NDArray[np.float64]:
    """Cell centres along an axis, every one a number."""
    axis = np.asarray(values, "float64")
    known = int(np.isfinite(axis).sum())
    if axis.ndim != 1 or not axis.size or known < axis.size:
        raise GridMismatch(
            path.name,
            expected="axes of one dimension, with a number for each row and column",
            found=f"an axis of shape {axis.shape}, {known} of them numbers",
        )
    return axis


def _step(rising: npt.NDArray[np.float64], path: Path) -> float:
    if len(rising) < 2:
        raise GridMismatch(
            path.name, expected="two rows and two columns or more", found="one of them"
        )
    step = float((rising[-1] - rising[0]) / (len(rising) - 1))
    if step <= 0 or np.abs(np.diff(rising) - step).max() > 0.01 * step:
        raise GridMismatch(
            path.name,
            expected="evenly spaced axes, longitude rising eastward",
            found=f"{rising[0]:g}..{rising[-1]:g} with steps {np.diff(rising).min():g}"
            f"..{np.diff(rising).max():g}",
        )
    return step


def overlapping(native: Grid, target: Grid, name: str) -> tuple[slice, slice]:
    """Rows and columns of a file's grid that a target needs.

    Raises
    ------
    GridMismatch
        Where the file does not touch the target at all.
    """
    try:
        return native.overlapping(target)
    except ValueError as error:
        raise GridMismatch(
            name, expected="a file that covers some of the region", found=str(error)
        ) from error
