"""Style of figures, maps with the coast, and quick looks at inputs and cubes.

Needs the extra ``viz`` (matplotlib), loaded when asked for.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.report import coast as land

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from soilft.ingest.availability import Availability

Floats = npt.NDArray[Any]

# Okabe & Ito (2008): told apart with any colour vision.
THAWED_COLOUR, FROZEN_COLOUR, MISSING_COLOUR = "#E69F00", "#56B4E9", "#EEEEEE"
BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#8A8F94"
# Drawn with this, and turned into the colour of the page's text.
INK = "#1b2734"
_STYLE: dict[str, Any] = {
    "svg.hashsalt": "soilft",
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.titlesize": "medium",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK
    ),
}
_DPI = 110
# Beyond this distance from its centre, in km, an equal-area map of the globe tears lines apart.
_TORN_KM = 12_000


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's own defaults and ours, whatever the machine is set to."""
    from matplotlib import style

    with style.context(_STYLE, after_reset=True):
        yield


@contextmanager
def new_figure(width: float, height: float) -> Iterator[Figure]:
    """Empty styled figure, inches."""
    from matplotlib.figure import Figure

    with styled():
        yield Figure(figsize=(width, height), layout="constrained")


def svg_markup(figure: Figure, title: str, *, simulated: bool) -> str:
    """Markup to stand in a page: no prolog or metadata, ids that no other figure has."""
    title = _titled(figure, title, simulated=simulated)
    held = BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(held, format="svg", dpi=_DPI, metadata=nothing)
    text = held.getvalue().decode()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Images of the same content share an id, which nothing refers to.
    text = re.sub(r'(<image\b[^>]*?) id="[^"]*"', r"\1", text)
    own = "f" + sha256(text.encode()).hexdigest()[:8]
    text = re.sub(r'\bid="', f'id="{own}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\1{own}-", text)
    named = f'<svg role="img" aria-label="{escape(title)}"'
    return text.replace("<svg", named, 1).replace(INK, "currentColor") + "\n"


def png_uri(figure: Figure, title: str, *, simulated: bool) -> str:
    """PNG as a ``data:`` URI."""
    _titled(figure, title, simulated=simulated)
    held = BytesIO()
    figure.savefig(held, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()


def _titled(figure: Figure, title: str, *, simulated: bool) -> str:
    title = f"SIMULATED: {title}" if simulated else title
    figure.suptitle(title, fontsize="large")
    return title


def state_colours() -> ListedColormap:
    """Colours of 0 thawed and 1 frozen."""
    from matplotlib.colors import ListedColormap

    return ListedColormap([THAWED_COLOUR, FROZEN_COLOUR])


def state_patches() -> list[Patch]:
    """Entries of a legend for maps of the state."""
    from matplotlib.patches import Patch

    return [
        Patch(color=FROZEN_COLOUR, label="frozen"),
        Patch(color=THAWED_COLOUR, label="thawed"),
        Patch(color=MISSING_COLOUR, label="missing"),
    ]


def legend_beside(axis: Axes, handles: list[Any] | None = None) -> None:
    """Legend on the right of a chart, of what has a label or of given entries."""
    place: dict[str, Any] = {"bbox_to_anchor": (1.0, 0.5), "fontsize": "small"}
    if handles is not None:
        place["handles"] = handles
    if handles or axis.get_legend_handles_labels()[1]:
        axis.legend(loc="center left", **place)


@dataclass(frozen=True)
class MapFrame:
    """A mesh of cells on paper, and the coast within it.

    Parameters
    ----------
    x, y
        Corners of the cells, (rows + 1, columns + 1): degrees, or km where the mesh is curved.
    known
        Cells whose corners are all on the map, (rows, columns).
    coast
        Lines (vertex, 2) in the same units.
    aspect
        Length of a unit of y over that of x.
    axes
        Names of x and y.
    """

    x: Floats
    y: Floats
    known: npt.NDArray[np.bool_]
    coast: list[Floats]
    aspect: float
    axes: tuple[str, str]

    def size(self, columns: int) -> tuple[float, float]:
        """Inches of a figure with this many maps in a row, and of one row."""
        width = 9.0 if columns > 1 else 8.0
        shape = self.aspect * float(np.ptp(self.y)) / float(np.ptp(self.x))
        return width, float(np.clip(shape, 0.25, 1.5)) * width / columns * 0.85 + 1.0

    def draw(self, axis: Axes, values: Floats, **how: Any) -> QuadMesh:
        """Colour the cells, NaN as missing, and draw the coast over them."""
        shown = axis.pcolormesh(
            self.x, self.y, np.ma.masked_where(~self.known | np.isnan(values), values), **how
        )
        for line in self.coast:
            axis.plot(line[:, 0], line[:, 1], color="#000000", linewidth=0.7)
        axis.set_facecolor(MISSING_COLOUR)
        axis.set_aspect(self.aspect)
        axis.set(
            xlim=(self.x.min(), self.x.max()),
            ylim=(self.y.min(), self.y.max()),
            xlabel=self.axes[0],
            ylabel=self.axes[1],
        )
        return shown


def map_frame(lon: Floats, lat: Floats) -> MapFrame:
    """How to draw cells given by longitude and latitude.

    A mesh of meridians and parallels is drawn as it is; any other in Lambert's azimuthal
    equal-area projection about its middle.

    Parameters
    ----------
    lon, lat
        Cell centres, degrees, (x,) and (y,) or both (y, x), north first.
    """
    lon, lat = np.asarray(lon, "float64"), np.asarray(lat, "float64")
    if lon.ndim == 1:
        lon, lat = np.meshgrid(lon, lat)
    if np.allclose(lon, lon[:1], rtol=0, atol=1e-6) and np.allclose(
        lat, lat[:, :1], rtol=0, atol=1e-6
    ):
        x, y = _corners(lon, lat)
        y = np.clip(y, -90.0, 90.0)
        coast = land.outline((float(x.min()), float(y.min()), float(x.max()), float(y.max())))
        aspect = 1 / max(float(np.cos(np.radians(lat.mean()))), 0.1)
        known = np.ones(lon.shape, "bool")
        return MapFrame(x, y, known, coast, aspect, ("longitude", "latitude"))
    return _curved_frame(lon, lat)


def _curved_frame(lon: Floats, lat: Floats) -> MapFrame:
    from pyproj import Transformer

    known = np.isfinite(lon) & np.isfinite(lat)
    a, b = np.radians(lon[known]), np.radians(lat[known])
    middle = [np.mean(v) for v in (np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b))]
    lon0 = np.degrees(np.arctan2(middle[1], middle[0]))
    lat0 = np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1])))
    there = f"+proj=laea +lon_0={lon0:.6f} +lat_0={lat0:.6f} +units=km"
    to_paper = Transformer.from_crs("EPSG:4326", there, always_xy=True)
    x, y = _corners(*(np.asarray(v) for v in to_paper.transform(lon, lat)))
    on_map = np.isfinite(x) & np.isfinite(y)
    cells = on_map[:-1, :-1] & on_map[1:, :-1] & on_map[:-1, 1:] & on_map[1:, 1:]
    x, y = (np.where(on_map, v, v[on_map].mean()) for v in (x, y))
    south = max(float(np.nanmin(lat[known])) - 5.0, -90.0)
    north = min(float(np.nanmax(lat[known])) + 5.0, 90.0)
    coast = []
    for line in land.outline((-180.0, south, 180.0, north)):
        drawn = np.stack(to_paper.transform(line[:, 0], line[:, 1]), axis=-1)
        torn = ~(np.hypot(drawn[:, 0], drawn[:, 1]) < _TORN_KM)
        drawn[torn] = np.nan
        coast.append(drawn)
    return MapFrame(x, y, cells, coast, 1.0, ("km", "km"))


def _corners(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Corners of cells from their centres; beyond the outermost they go on evenly."""
    if x.shape[1] > 1:
        step = float(np.hypot(x[0, 1] - x[0, 0], y[0, 1] - y[0, 0]))
    else:
        step = float(np.hypot(x[-1, 0] - x[0, 0], y[-1, 0] - y[0, 0])) / max(len(x) - 1, 1)
    step = step if np.isfinite(step) and step > 0 else 1.0
    found = []
    for values, down, across in ((x, 0.0, step), (y, -step, 0.0)):
        padded = _extended(_extended(values, down).T, across).T
        found.append((padded[1:, 1:] + padded[:-1, 1:] + padded[1:, :-1] + padded[:-1, :-1]) / 4)
    return found[0], found[1]


def _extended(values: Floats, step: float) -> Floats:
    """One more row at either end; ``step`` from row to row where there is but one."""
    if len(values) > 1:
        before, after = 2 * values[0] - values[1], 2 * values[-1] - values[-2]
    else:
        before, after = values[0] - step, values[0] + step
    return np.concatenate([before[None], values, after[None]])


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
    from matplotlib.figure import Figure

    at = cube.sel(time=day)
    geographic = cube.y.attrs.get("standard_name") == "latitude"
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    axes[0].pcolormesh(at.x, at.y, at.freeze_thaw_state, cmap=state_colours(), vmin=0, vmax=1)
    axes[0].legend(handles=state_patches(), loc="lower left", fontsize="small")
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
