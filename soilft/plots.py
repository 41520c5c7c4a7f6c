"""Quick looks at a published cube. Needs the extra ``viz`` (matplotlib), loaded when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart with any colour vision.
THAWED_COLOUR, FROZEN_COLOUR, MISSING_COLOUR = "#E69F00", "#56B4E9", "#EEEEEE"


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
