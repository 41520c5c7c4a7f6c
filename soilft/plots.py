"""Quick looks at inputs and cubes. Needs the extra ``viz`` (matplotlib), loaded when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from soilft.availability import Availability

# Okabe & Ito (2008): told apart with any colour vision.
THAWED_COLOUR, FROZEN_COLOUR, MISSING_COLOUR = "#E69F00", "#56B4E9", "#EEEEEE"


def availability_chart(table: Availability, title: str) -> Figure:
    """Days across, sources down: the share of the region's cells that each source has on each day.

    Raises
    ------
    ModuleNotFoundError
        Where matplotlib is not installed: ``pip install 'soilft[viz]'``.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    names = list(table.sources)
    figure = Figure(figsize=(11, 0.8 + 0.42 * len(names)), layout="constrained")
    axis = figure.subplots()
    first = np.datetime64(table.days.first)
    edges = first + np.arange(len(table.days) + 1)
    share = np.array([table.sources[name].coverage for name in names])
    shown = axis.pcolormesh(
        edges,
        np.arange(len(names) + 1),
        np.ma.masked_equal(share, 0.0),
        cmap="viridis_r",
        vmin=0,
        vmax=1,
        rasterized=True,
    )
    axis.set_facecolor(MISSING_COLOUR)
    axis.set_yticks(np.arange(len(names)) + 0.5, names)
    axis.invert_yaxis()
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    figure.colorbar(shown, ax=axis, label="share of cells")
    axis.set_title(title, fontsize="medium")
    return figure


def day_map(cube: xr.Dataset, day: Any) -> Figure:
    """State and share of votes on one day, side by side.

    Parameters
    ----------
    cube
        A published cube as ``xarray.open_zarr`` gives it.
    day
        A day of its axis, such as ``"2016-01-01"``.

    Returns
    -------
    matplotlib.figure.Figure
        Titled with the cube's own title, which says where it is simulated.

    Raises
    ------
    ModuleNotFoundError
        Where matplotlib is not installed: ``pip install 'soilft[viz]'``.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    at = cube.sel(time=day)
    geographic = cube.y.attrs.get("standard_name") == "latitude"
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    states = ListedColormap([THAWED_COLOUR, FROZEN_COLOUR])
    axes[0].pcolormesh(at.x, at.y, at.freeze_thaw_state, cmap=states, vmin=0, vmax=1)
    axes[0].legend(
        handles=[
            Patch(color=FROZEN_COLOUR, label="frozen"),
            Patch(color=THAWED_COLOUR, label="thawed"),
            Patch(color=MISSING_COLOUR, label="missing"),
        ],
        loc="lower left",
        fontsize="small",
    )
    axes[0].set_title("state")
    shade = axes[1].pcolormesh(at.x, at.y, at.frozen_probability, cmap="cividis_r", vmin=0, vmax=1)
    axes[1].set_title("share of votes for frozen")
    figure.colorbar(shade, ax=axes[1])
    for axis in axes:
        axis.set_facecolor(MISSING_COLOUR)
        axis.set_aspect(1 / np.cos(np.radians(float(at.y.mean()))) if geographic else 1.0)
        axis.set_xlabel("longitude" if geographic else "x (m)")
    axes[0].set_ylabel("latitude" if geographic else "y (m)")
    figure.suptitle(f"{cube.attrs['title']}", fontsize="medium")
    return figure
