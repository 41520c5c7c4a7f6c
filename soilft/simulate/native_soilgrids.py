"""SoilGrids 2.0 as GeoTIFF in the Interrupted Goode Homolosine projection, cells of 250 m.

The content is coarser than the cells: every block of them holds one value, and the tag
``CONTENT_M`` gives the side of the blocks. A quarter-degree mean does not need more, and the files
stay small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.windows import Window

from soilft.simulate import texture
from soilft.simulate.container import replaced
from soilft.simulate.domain import MARGIN, Archive, Domain, Field
from soilft.simulate.noise import smooth

WKT = (
    'PROJCS["Homolosine",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,'
    '298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,'
    'AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AUTHORITY["EPSG","4326"]],PROJECTION["Interrupted_Goode_Homolosine"],UNIT["Meter",1]]'
)
"""Projection of the product; it has no EPSG code that PROJ knows."""
NODATA = -32768
CELL = 250.0
"""Side of the cells of the files, m."""
FINE, COARSE = 2000.0, 5000.0
"""Side of the blocks of one value in small and in large regions, m."""
TILE = 512
"""Columns of a tile of the files: a reader of one place need not decode all of a row."""
LARGE = 250.0
"""Region counted as large, square degrees."""
LAKES = 2.1
"""Noise above which a place is a lake, without soil: about 2 % of the cells; assumed."""
DEPTHS = ("0-5cm", "5-15cm")


@dataclass(frozen=True)
class Variable:
    """One property of the soil.

    Attributes
    ----------
    name : str
        In the file name.
    field : str
        Key of :func:`soilft.simulate.texture.soil`.
    factor : float
        Mapped value for each unit of the field: the ``d_factor`` of the product.
    mapped : str
        Mapped unit.
    deeper : float
        Value of 5-15 cm over that of 0-5 cm; assumed.
    """

    name: str
    field: str
    factor: float
    mapped: str
    deeper: float


VARIABLES = (
    Variable("sand", "sand", 10.0, "g/kg", 1.0),
    Variable("silt", "silt", 10.0, "g/kg", 1.0),
    Variable("clay", "clay", 10.0, "g/kg", 1.0),
    Variable("bdod", "bulk_density", 100.0, "cg/cm3", 1.04),
    Variable("soc", "organic_carbon", 10.0, "dg/kg", 0.75),
)


def name(variable: str, depth: str) -> str:
    """File name of a variable and depth."""
    return f"{variable}_{depth}_mean.tif"


@dataclass(frozen=True)
class Frame:
    """Blocks of the files: outer corner of row 0 (north) and column 0 (west), and side, m.

    Attributes
    ----------
    runs : tuple of slice
        Columns of blocks that may hold ground: across the 180th meridian those at either end.
    """

    left: float
    top: float
    side: float
    high: int
    wide: int
    runs: tuple[slice, ...]

    @property
    def columns(self) -> NDArray[np.intp]:
        """Those of all runs, from the west."""
        return np.concatenate([np.arange(run.start, run.stop) for run in self.runs])

    @property
    def repeat(self) -> int:
        """Cells of a file along the side of a block."""
        return round(self.side / CELL)

    @property
    def transform(self) -> Affine:
        """Affine transform of the cells of a file."""
        return Affine(CELL, 0.0, self.left, 0.0, -CELL, self.top)


def frame(domain: Domain) -> Frame:
    """The blocks that hold the domain and its margin."""
    west, south, east, north = domain.bounds
    side = COARSE if (east - west) * (north - south) > LARGE else FINE
    lon = np.linspace(west - MARGIN, east + MARGIN, 200)
    lat = np.linspace(south - MARGIN, min(north + MARGIN, 90.0), 200)
    there = Transformer.from_crs(4326, CRS.from_wkt(WKT), always_xy=True)
    sides = [part for part in (lon[lon > 180], lon[lon <= 180]) if part.size]
    places = [there.transform(*np.meshgrid(part, lat)) for part in sides]
    spans = [(np.floor(x.min() / side), np.ceil(x.max() / side)) for x, _ in places]
    left, right = min(first for first, _ in spans), max(last for _, last in spans)
    bottom = min(np.floor(y.min() / side) for _, y in places)
    top = max(np.ceil(y.max() / side) for _, y in places)
    runs = tuple(slice(int(first - left), int(last - left)) for first, last in spans)
    return Frame(left * side, top * side, side, int(top - bottom), int(right - left), runs)


def mapped(domain: Domain, blocks: Frame) -> dict[tuple[str, str], NDArray[np.int16]]:
    """Values of the blocks of every run, by variable and depth, (row, column) from the NORTH-west.

    Lakes, and blocks outside the domain and its margin, hold ``NODATA``.
    """
    x = blocks.left + (blocks.columns + 0.5) * blocks.side
    y = blocks.top - (np.arange(blocks.high) + 0.5) * blocks.side
    back = Transformer.from_crs(CRS.from_wkt(WKT), 4326, always_xy=True)
    lon, lat = back.transform(*np.meshgrid(x, y))
    lon = domain.eastward(lon)
    west, south, east, north = domain.bounds
    land = np.isfinite(lat) & np.isfinite(lon)
    land &= (lon > west - MARGIN) & (lon < east + MARGIN)
    land &= (lat > south - MARGIN) & (lat < north + MARGIN)
    lat, lon = lat[land], lon[land]
    soil = texture.soil(domain, lat, lon)
    lake = smooth(domain, 0.4, lat, lon, "lakes") > LAKES
    out = {}
    for variable in VARIABLES:
        for depth, share in zip(DEPTHS, (1.0, variable.deeper), strict=True):
            grid = np.full(land.shape, NODATA, dtype=np.int16)
            values: Field = np.rint(soil[variable.field] * share * variable.factor)
            grid[land] = np.where(lake, NODATA, values).astype(np.int16)
            out[variable.name, depth] = grid
    return out


def write(archive: Archive) -> list[Path]:
    """Write ``soilgrids/<variable>_<depth>_mean.tif``: int16 in mapped units, row 0 north."""
    blocks = frame(archive.domain)
    about = {variable.name: variable for variable in VARIABLES}
    written = []
    for (variable, depth), grid in mapped(archive.domain, blocks).items():
        path = archive.root / "soilgrids" / name(variable, depth)
        save(
            path,
            grid,
            blocks,
            SIMULATED="true",
            SIMULATION_SEED=str(archive.seed),
            TITLE=f"SIMULATED SoilGrids 2.0 {variable} {depth} mean",
            UNIT=about[variable].mapped,
            CONTENT_M=f"{blocks.side:g}",
        )
        written.append(path)
    return written


def save(
    path: Path, grid: NDArray[np.int16], blocks: Frame, *, crs: str = WKT, **tags: Any
) -> None:
    """Write one GeoTIFF, each value of ``grid`` on a block of cells."""
    times = blocks.repeat
    # A side of a tile is a multiple of 16; rows of tiles are written whole.
    high = math.lcm(times, 16) // times
    with (
        replaced(path) as part,
        rasterio.open(
            part,
            "w",
            driver="GTiff",
            width=blocks.wide * times,
            height=blocks.high * times,
            count=1,
            dtype="int16",
            crs=crs,
            transform=blocks.transform,
            nodata=NODATA,
            compress="deflate",
            zlevel=1,
            predictor=2,
            tiled=True,
            blockxsize=TILE,
            blockysize=high * times,
            # Between the ends of the world there may be nothing at all.
            sparse_ok=len(blocks.runs) > 1,
        ) as file,
    ):
        for row in range(0, blocks.high, high):
            cells = grid[row : row + high].repeat(times, axis=0).repeat(times, axis=1)
            first = 0
            for run in blocks.runs:
                width = (run.stop - run.start) * times
                window = Window(run.start * times, row * times, width, len(cells))
                file.write(cells[:, first : first + width], 1, window=window)
                first += width
        file.update_tags(**tags)
