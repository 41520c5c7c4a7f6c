"""Grids with north up, and the regions that are cut out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox

from soilft.errors import ConfigError
from soilft.projections import box_around, circumference, crs_of, principal, transformer

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Grid:
    """A rectangle of equal cells in one CRS, row 0 in the north.

    Parameters
    ----------
    crs
        Authority code, such as ``"EPSG:6931"``.
    left, top
        Outer corner of the first cell, in CRS units.
    width, height
        Cell size, both positive, in CRS units.
    shape
        ``(rows, columns)``.
    """

    crs: str
    left: float
    top: float
    width: float
    height: float
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"cell sizes are positive, north is up: {self.width} x {self.height}")
        if min(self.shape) < 1:
            raise ValueError(f"a grid has at least one cell, not {self.shape}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the few numbers it is made of, without the coordinates it has cached."""
        return Grid, (self.crs, self.left, self.top, self.width, self.height, self.shape)

    @property
    def geographic(self) -> bool:
        """Whether x and y are longitude and latitude."""
        return bool(crs_of(self.crs).is_geographic)

    @property
    def geobox(self) -> GeoBox:
        """The same rectangle for the tools of odc-geo."""
        return GeoBox(self.shape, self.affine, self.crs)

    @property
    def affine(self) -> Affine:
        """Pixel to CRS transform, GDAL's convention in rasterio's order."""
        return Affine(self.width, 0.0, self.left, 0.0, -self.height, self.top)

    @property
    def wkt(self) -> str:
        """WKT 2 of the CRS."""
        return crs_of(self.crs).to_wkt()

    @property
    def cf_grid_mapping(self) -> dict[str, Any]:
        """CF grid mapping attributes, with ``crs_wkt`` and GDAL's ``GeoTransform``."""
        transform = " ".join(f"{value:.12g}" for value in self.affine.to_gdal())
        return {**crs_of(self.crs).to_cf(), "GeoTransform": transform}

    @cached_property
    def x(self) -> Floats:
        """Cell centres eastward, shape (columns,), CRS units."""
        return np.asarray(self.left + self.width * (np.arange(self.shape[1]) + 0.5))

    @cached_property
    def y(self) -> Floats:
        """Cell centres from north to south, shape (rows,), CRS units."""
        return np.asarray(self.top - self.height * (np.arange(self.shape[0]) + 0.5))

    @cached_property
    def lonlat(self) -> tuple[Floats, Floats]:
        """Longitude and latitude of cell centres, degrees, each of shape (rows, columns)."""
        x, y = np.meshgrid(self.x, self.y)
        if self.geographic:
            return x, y
        lon, lat = transformer(self.crs, "EPSG:4326").transform(x, y)
        return np.asarray(lon), np.asarray(lat)

    def window(self, rows: slice, columns: slice) -> Grid:
        """Cut out rows and columns; the centres of the cells stay where they are.

        With steps, each cell that is left is as many times as wide and high around its centre.
        """
        r0, r1, down = rows.indices(self.shape[0])
        c0, c1, across = columns.indices(self.shape[1])
        return Grid(
            self.crs,
            self.left + (c0 - (across - 1) / 2) * self.width,
            self.top - (r0 - (down - 1) / 2) * self.height,
            across * self.width,
            down * self.height,
            (len(range(r0, r1, down)), len(range(c0, c1, across))),
        )

    def overlapping(self, other: Grid, margin: int = 1) -> tuple[slice, slice]:
        """Rows and columns that cover ``other``, with ``margin`` cells around it.

        Where the other lies across the edge of this one, on which x goes round, the columns are
        those from the first to the last that it needs.

        Raises
        ------
        ValueError
            Where the two do not overlap.
        """
        box, circle = _extent(other, self.crs), circumference(self.crs)
        turns = (0.0,) if circle is None else (0.0, -circle, circle)
        boxes = [
            BoundingBox(box.left + turn, box.bottom, box.right + turn, box.top, crs=self.crs)
            for turn in turns
        ]
        covered = [self.covering(b, margin) for b in boxes if self._meets(b)]
        if not covered:
            return self.covering(box, margin)
        columns = [columns for _, columns in covered]
        return covered[0][0], slice(min(c.start for c in columns), max(c.stop for c in columns))

    def _meets(self, box: BoundingBox) -> bool:
        """Whether a box in this CRS shares more than a microcell of x with the grid."""
        slack = 1e-6
        first, last = ((x - self.left) / self.width for x in (box.left, box.right))
        return bool(first < self.shape[1] - slack and last > slack)

    def covering(self, box: BoundingBox, margin: int = 0) -> tuple[slice, slice]:
        """Rows and columns that a box in this CRS touches, with ``margin`` cells around it.

        Raises
        ------
        ValueError
            Where the box lies outside the grid.
        """
        # A microcell of slack: a bound that is an edge but for rounding pulls in no neighbour.
        slack = 1e-6
        r0 = int(np.floor((self.top - box.top) / self.height + slack)) - margin
        r1 = int(np.ceil((self.top - box.bottom) / self.height - slack)) + margin
        c0 = int(np.floor((box.left - self.left) / self.width + slack)) - margin
        c1 = int(np.ceil((box.right - self.left) / self.width - slack)) + margin
        rows = slice(max(r0, 0), min(r1, self.shape[0]))
        columns = slice(max(c0, 0), min(c1, self.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            raise ValueError(f"{box} lies outside the grid {self}")
        return rows, columns


@lru_cache(maxsize=64)
def _extent(grid: Grid, crs: str) -> BoundingBox:
    """Box of a CRS around a grid: around all corners of cells, for a pole lies on no edge."""
    left, top = grid.left, grid.top
    right, bottom = left + grid.width * grid.shape[1], top - grid.height * grid.shape[0]
    if crs == grid.crs:
        return BoundingBox(left, bottom, right, top, crs=crs)
    x, y = np.meshgrid(
        np.linspace(left, right, grid.shape[1] + 1), np.linspace(top, bottom, grid.shape[0] + 1)
    )
    box = box_around(x, y, grid.crs, crs)
    circle = circumference(crs)
    if circle is not None:
        there = np.asarray(transformer(grid.crs, crs).transform(x, y)[0])
        with np.errstate(invalid="ignore"):
            seam = any((np.abs(np.diff(there, axis=axis)) > circle / 2).any() for axis in (0, 1))
        if seam:  # cells lie across the cut of the CRS: all of the axis is needed
            right = box.left + circle
            return BoundingBox(box.left, box.bottom, max(right, box.right), box.top, crs=crs)
    return box


# EASE-Grid 2.0 after Brodzik et al. (2012, 2014), doi:10.3390/ijgi1010032.
PRESETS: Mapping[str, Grid] = MappingProxyType(
    {
        "latlon-0.25": Grid("EPSG:4326", -180.0, 90.0, 0.25, 0.25, (720, 1440)),
        "latlon-1.0": Grid("EPSG:4326", -180.0, 90.0, 1.0, 1.0, (180, 360)),
        "ease2-global-25km": Grid(
            "EPSG:6933", -17367530.44, 292 * 25025.26, 25025.26, 25025.26, (584, 1388)
        ),
        "ease2-north-25km": Grid("EPSG:6931", -9e6, 9e6, 25000.0, 25000.0, (720, 720)),
        "ease2-global-36km": Grid(
            "EPSG:6933",
            -17367530.4451615,
            7314540.8306386,
            36032.22084058,
            36032.22084058,
            (406, 964),
        ),
    }
)


@dataclass(frozen=True)
class Region:
    """A named part of a preset grid.

    Parameters
    ----------
    name
        Short identifier, used in titles and paths.
    preset
        One of `PRESETS`.
    bounds
        ``(west, south, east, north)`` in degrees; across the antimeridian west is greater than
        east. Cells that the bounds touch belong to `grid`; cells whose centre lies inside the
        bounds belong to `mask`.
    outline
        Polygons as WKT, longitude before latitude; where there are any, cells whose centre lies
        outside of them do not belong to `mask`.

    Examples
    --------
    >>> Region("plateau", "latlon-0.25", (73, 26, 105, 40)).grid.shape
    (56, 128)
    >>> Region("chukotka", "latlon-0.25", (170, 62, -170, 70)).grid.x[[0, -1]].tolist()
    [170.125, 189.875]
    """

    name: str
    preset: str
    bounds: tuple[float, float, float, float]
    outline: str = ""

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ConfigError(
                "region.grid", expected=f"one of {', '.join(PRESETS)}", found=repr(self.preset)
            )
        west, south, east, north = self.bounds
        within = min(west, east) >= -180 and max(west, east) <= 180
        if not (within and west != east and -90 <= south < north <= 90):
            raise ConfigError(
                "region.bounds",
                expected="west and east within -180..180 and south < north within -90..90",
                found=str(self.bounds),
                remedy="Across the antimeridian west is greater than east: (170, 60, -170, 70).",
            )
        if west > east:
            self._require_narrow()
        if self.crosses:
            self._require_passable()

    def _require_narrow(self) -> None:
        """Refuse bounds across the antimeridian that are likelier swapped.

        Raises
        ------
        ConfigError
            With both readings.
        """
        west, south, east, north = self.bounds
        wide = east - west + 360
        if not 0 < wide <= 180:
            raise ConfigError(
                "region.bounds",
                expected="west < east, or across the antimeridian 180 degrees of width at most",
                found=f"{self.bounds}, {wide:g} degrees from {west:g} eastward by way of 180",
                remedy=f"Are west and east swapped? ({east:g}, {south:g}, {west:g}, {north:g}) has "
                f"{360 - wide:g} degrees, of the other side.",
            )

    def _require_passable(self) -> None:
        """Refuse bounds across the antimeridian on a grid that is cut there.

        Raises
        ------
        ConfigError
            With the grids that go on.
        """
        preset = PRESETS[self.preset]
        if not preset.geographic and circumference(preset.crs) is not None:
            through = [n for n, g in PRESETS.items() if g.geographic or g.crs == "EPSG:6931"]
            raise ConfigError(
                "region.grid",
                expected=f"one of {', '.join(through)}, whose cells go on across the antimeridian",
                found=f"{self.preset}, which ends at 180 degrees, and bounds {self.bounds}",
            )

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without the cached grid and mask."""
        return Region, (self.name, self.preset, self.bounds, self.outline)

    @property
    def crosses(self) -> bool:
        """Whether the antimeridian lies inside of the bounds."""
        west, _, east, _ = self.bounds
        return -180 < east < west < 180

    @property
    def unwound(self) -> tuple[float, float, float, float]:
        """The bounds with west < east: longitudes are counted on beyond 180 where they cross it."""
        west, south, east, north = self.bounds
        if west < east:
            return self.bounds
        return (-180.0, south, east, north) if west == 180 else (west, south, east + 360, north)

    @cached_property
    def grid(self) -> Grid:
        """The preset's cells that the bounds touch, snapped outward to whole cells.

        Across the antimeridian the x of a grid in degrees runs on past 180.
        """
        preset = PRESETS[self.preset]
        west, south, east, north = self.unwound
        box = BoundingBox(west, south, east, north, crs="EPSG:4326")
        if self.crosses and preset.geographic:
            preset = replace(preset, shape=(preset.shape[0], 2 * preset.shape[1]))
        if not preset.geographic:
            # Parallels and meridians bend in the projection: follow the edge, not the corners.
            lon, lat = np.linspace(west, east, 2001), np.linspace(south, north, 2001)
            x = np.concatenate([lon, lon, np.full(lat.shape, west), np.full(lat.shape, east)])
            y = np.concatenate([np.full(lon.shape, south), np.full(lon.shape, north), lat, lat])
            box = box_around(x, y, "EPSG:4326", preset.crs)
        try:
            return preset.window(*preset.covering(box))
        except ValueError as error:
            raise ConfigError(
                "region.bounds",
                expected=f"an overlap with the grid {self.preset}",
                found=str(self.bounds),
            ) from error

    @cached_property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Cells whose centre lies within bounds and outline, shape (rows, columns)."""
        lon, lat = self.grid.lonlat
        west, south, east, north = self.unwound
        if self.crosses:
            lon = np.where(lon < east - 360, lon + 360, lon)
        within = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        if self.outline:
            within &= inside(self.outline, lon, lat)
        return np.asarray(within)


def inside(
    outline: str, longitude: npt.NDArray[Any], latitude: npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    """Whether places lie within an outline or on its edge, in the shape of the coordinates.

    The outline keeps to -180..180 degrees; longitudes may run on.

    Examples
    --------
    >>> square = "POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))"
    >>> inside(square, np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0])).tolist()
    [True, True, False]
    """
    import shapely

    shape = shapely.from_wkt(outline)
    shapely.prepare(shape)
    return np.asarray(shapely.intersects_xy(shape, principal(longitude), latitude))
