"""Land of the Earth, from the outline that is shipped with the package."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.projections import principal

Ring = npt.NDArray[np.float64]
_FILE = "data/land-110m.json"


def rings() -> list[Ring]:
    """Closed rings of the land, (vertex, 2), longitude then latitude; holes have their own."""
    return [np.array(ring) for ring in _content()["rings"]]


def source() -> str:
    """Where the outline comes from and under what licence."""
    held = _content()
    return f"{held['source']}; {held['licence']}"


def on_land(longitude: npt.NDArray[Any], latitude: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether places lie on land, in the shape of the coordinates in degrees.

    The outline is Natural Earth's at 1:110m: it is right to some tens of kilometres, and knows no
    small islands.

    Examples
    --------
    >>> on_land(np.array([90.0, 450.0, -150.0]), np.array([33.0, 33.0, 30.0])).tolist()
    [True, True, False]
    """
    import shapely

    found = shapely.intersects_xy(_land(), principal(longitude), np.asarray(latitude))
    return np.asarray(found)


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files("soilft").joinpath(_FILE).read_text("utf-8"))
    return content


@lru_cache(maxsize=1)
def _land() -> Any:
    """The land as one geometry; a place is on it where it lies within an odd number of rings."""
    import shapely

    land: Any = shapely.Polygon()
    for ring in sorted(map(shapely.Polygon, rings()), key=lambda shape: -shape.area):
        land = shapely.symmetric_difference(land, shapely.make_valid(ring))
    shapely.prepare(land)
    return land
