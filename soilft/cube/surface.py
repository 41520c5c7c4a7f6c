"""Surface conditions that make any retrieval less reliable: snow, open water, steep relief.

Microwaves see snow and water in place of soil, and a cell of steep slopes has no one state. None of
it takes a prediction away: `quality_flag` says so, and users decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.geo.outline import read_outline
from soilft.grid import Grid
from soilft.predictors.features import QUALITY
from soilft.predictors.window import Inputs
from soilft.projections import principal
from soilft.store.digest import digest

# Daily mean of the reanalysis' snow water, kg m-2, and spread of the elevation in a cell, m.
SNOW, RELIEF = "SWE_inst_mean", "elevation_std"
# What the file of lakes is for, as errors name it.
KEY = "quality.lakes"
# Places on a side of a cell at which water is asked for: shares are known to a hundredth.
_PLACES = 10


@dataclass(frozen=True)
class Lakes:
    """Polygons of open water: small enough to travel with every task.

    Parameters
    ----------
    url
        A GeoJSON file that workers can read.
    content
        Digest of its polygons.
    """

    url: str
    content: str

    @classmethod
    def of(cls, url: str) -> Lakes:
        """Lakes of a file as it is now."""
        return cls(url, digest(read_outline(url, KEY)))

    def polygons(self) -> str:
        """The polygons as WKT, longitude before latitude.

        Raises
        ------
        ConfigError
            Where the file is gone, or holds other polygons.
        """
        outline = read_outline(self.url, KEY)
        if digest(outline) != self.content:
            raise ConfigError(
                f"{KEY} {self.url}",
                expected="the polygons that it held when the run began",
                found="others",
                remedy="Start the same command again.",
            )
        return outline


@dataclass(frozen=True)
class Surface:
    """From what on a cell or pixel-day is flagged.

    Parameters
    ----------
    snow_water
        Snow water of the reanalysis, kg m-2.
    elevation_std
        Standard deviation of the elevation in the cell, m.
    water_share
        Share of the cell that is open water, more than 0.
    lakes
        Where open water is; none is known where None.
    """

    snow_water: float = 10.0
    elevation_std: float = 300.0
    water_share: float = 0.05
    lakes: Lakes | None = None

    def flags(self, inputs: Inputs, span: DaySpan) -> npt.NDArray[np.uint16]:
        """Bits of `QUALITY` for some days, (day, y, x); a bit needs the input that knows of it.

        Where the input has no value, nothing is flagged.
        """
        found = np.zeros((len(span), *inputs.grid.shape), "uint16")
        if inputs.reanalysis is not None and SNOW in inputs.reanalysis:
            snow = inputs.reanalysis[SNOW].isel(time=span.within(inputs.whole)).values
            found[snow >= self.snow_water] |= QUALITY["snow"]
        if inputs.static is not None and RELIEF in inputs.static:
            found[:, inputs.static[RELIEF].values >= self.elevation_std] |= QUALITY["steep_relief"]
        if self.lakes is not None:
            wet = _share_of(self.lakes, inputs.grid) >= self.water_share
            found[:, wet] |= QUALITY["open_water"]
        return found


@lru_cache(maxsize=4)
def _share_of(lakes: Lakes, grid: Grid) -> npt.NDArray[np.float32]:
    return water_share(grid, lakes.polygons())


def water_share(grid: Grid, lakes: str) -> npt.NDArray[np.float32]:
    """Share of each cell that lies within polygons, (y, x), in hundredths.

    Parameters
    ----------
    lakes
        WKT, longitude before latitude.

    Examples
    --------
    >>> grid = Grid("EPSG:4326", 0.0, 1.0, 1.0, 1.0, (1, 2))
    >>> water_share(grid, "POLYGON ((0 0, 0.5 0, 0.5 1, 0 1, 0 0))").tolist()
    [[0.5, 0.0]]
    """
    import shapely

    shape: Any = shapely.from_wkt(lakes)
    shapely.prepare(shape)
    rows, columns = grid.shape
    found = np.zeros(grid.shape, "float32")
    for row in range(rows):  # a row at a time: a hundred places a cell are many on a hemisphere
        places = Grid(
            grid.crs,
            grid.left,
            grid.top - row * grid.height,
            grid.width / _PLACES,
            grid.height / _PLACES,
            (_PLACES, _PLACES * columns),
        )
        lon, lat = places.lonlat
        wet = shapely.intersects_xy(shape, principal(lon), lat)
        found[row] = wet.reshape(_PLACES, columns, _PLACES).mean(axis=(0, 2))
    return found
