"""Elevation models in tiles named by their south-west corner: SRTM, GMTED2010 and Copernicus.

The name tells where a tile lies, and the file must agree with it: for SRTM the name is all there
is. GeoTIFF or SRTM's ``hgt``, big-endian int16 without a header, row 0 in the north.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import ConfigError, FormatMismatch, GridMismatch, UnreadableGranule
from soilft.grid import Grid
from soilft.sources import raster
from soilft.sources.dem import PLAUSIBLE, Terrain, read_raster
from soilft.sources.protocol import Arrays, Granule

# Of land, with room for noise.
LAND = (-1500.0, PLAUSIBLE[1])
# Cells a degree of latitude: 3 and 1 arc-seconds. Neighbours share a row and a column.
SRTM_CELLS = (1201, 3601)
GMTED_CELLS = {"075": 480, "150": 240, "300": 120}
# Not ``std``, which is no elevation.
GMTED_STATISTICS = ("mea", "med", "min", "max", "dsc", "bln")
# Cells a degree of latitude of the Copernicus DEM, by tenths of an arc-second in the names.
COPERNICUS_ROWS = {"30": 1200, "10": 3600}
# Of 1200 columns of a tile, those that are left from a latitude on, nearest edge to the equator.
COPERNICUS_COLUMNS = ((0, 1200), (50, 800), (60, 600), (70, 400), (80, 240), (85, 120))
Absent = Literal["missing", "sea"]

_SRTM = re.compile(
    r"(?:^|/)(?P<ns>[NS])(?P<lat>\d\d)(?P<ew>[EW])(?P<lon>\d{3})\.hgt$", re.IGNORECASE
)
_GMTED = re.compile(
    r"(?:^|/)(?P<lat>\d\d)(?P<ns>[NS])(?P<lon>\d{3})(?P<ew>[EW])_(?P<version>\d{8})_gmted_"
    r"(?P<statistic>[a-z]{3})(?P<size>\d{3})\.tiff?$"
)
_COPERNICUS = re.compile(
    r"(?:^|/)Copernicus_DSM_(?:COG_)?(?P<size>[13]0)_(?P<ns>[NS])(?P<lat>\d\d)_00"
    r"_(?P<ew>[EW])(?P<lon>\d{3})_00_DEM\.tiff?$"
)


@dataclass(frozen=True)
class SrtmHgt(Terrain):
    """SRTM tiles of one degree, 3 or 1 arc-seconds; voids are missing."""

    product: ClassVar[str] = "dem-srtm"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = "SRTM (Farr et al. 2007), doi:10.1029/2005RG000183"
    plausible: ClassVar[tuple[float, float]] = LAND

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product."""
        match = _SRTM.search(url)
        return None if match is None else Granule((), _corner_text(match), "", url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a tile: ``elevation`` (y, x) in metres, north up.

        Raises
        ------
        UnreadableGranule
            Where its size is not that of a tile.
        """
        match = _known(_SRTM.search(path.name), path, "N30E090.hgt")
        sizes = {2 * n * n: n for n in SRTM_CELLS}
        size = path.stat().st_size
        if size not in sizes:
            raise UnreadableGranule(
                path.name,
                expected=" or ".join(f"{s} bytes ({n} x {n} cells)" for s, n in sizes.items()),
                found=f"{size} bytes",
                remedy="Is it cut off, or of another resolution?",
            )
        dataset = read_raster(path, "SRTMHGT", "an SRTM tile")
        return _at_its_corner(dataset, match, path, 1.0, 1.0)


@dataclass(frozen=True)
class Gmted2010(Terrain):
    """GMTED2010 tiles of 30 x 20 degrees.

    Parameters
    ----------
    statistic
        Of ``mea``, ``med``, ``min``, ``max``, ``dsc``, ``bln`` in the file names.
    resolution
        Of ``"075"``, ``"150"``, ``"300"``, tenths of an arc-second.
    """

    product: ClassVar[str] = "dem-gmted2010"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "GMTED2010 (Danielson and Gesch 2011), doi:10.3133/ofr20111073"
    plausible: ClassVar[tuple[float, float]] = LAND

    statistic: str = "mea"
    resolution: str = "300"

    def __post_init__(self) -> None:
        for what, found, known in (
            ("statistic", self.statistic, GMTED_STATISTICS),
            ("resolution", self.resolution, tuple(GMTED_CELLS)),
        ):
            if found not in known:
                raise ConfigError(
                    f"GMTED2010 {what}", expected=f"one of {', '.join(known)}", found=repr(found)
                )

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is of another statistic or resolution."""
        match = _GMTED.search(url)
        if match is None or match["statistic"] != self.statistic:
            return None
        if match["size"] != self.resolution:
            return None
        return Granule((), _corner_text(match), match["version"], url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a tile: ``elevation`` (y, x) in metres, north up."""
        name = f"30N090E_20101117_gmted_{self.statistic}{self.resolution}.tif"
        match = _known(_GMTED.search(path.name), path, name)
        dataset = _at_its_corner(read_raster(path), match, path, 30.0, 20.0)
        _require_cells(dataset, GMTED_CELLS[match["size"]], GMTED_CELLS[match["size"]], path)
        return dataset


@dataclass(frozen=True)
class Copernicus(Terrain):
    """Copernicus DEM tiles of one degree, whose columns grow coarser towards the poles.

    Over open sea there are no tiles. Subclasses say of which resolution.

    Parameters
    ----------
    absent
        What a tile that is not there means: ``"missing"``, or ``"sea"`` for a height of 0 m
        wherever the region reaches a degree without one. Then an incomplete archive has sea, too.
    """

    product: ClassVar[str]
    size: ClassVar[str]
    plausible: ClassVar[tuple[float, float]] = LAND

    absent: Absent = "missing"

    def __post_init__(self) -> None:
        if self.absent not in ("missing", "sea"):
            raise ConfigError(
                f"{self.product}: absent tiles", expected="missing or sea", found=repr(self.absent)
            )

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is of another product or resolution."""
        match = _COPERNICUS.search(url)
        if match is None or match["size"] != self.size:
            return None
        return Granule((), _corner_text(match), "", url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a tile: ``elevation`` (y, x) in metres, north up."""
        name = f"Copernicus_DSM_COG_{self.size}_N30_00_E090_00_DEM.tif"
        match = _known(_COPERNICUS.search(path.name), path, name)
        dataset = _at_its_corner(read_raster(path), match, path, 1.0, 1.0)
        _require_cells(dataset, self._rows, self._columns(_corner(match)[1]), path)
        return dataset

    @property
    def _rows(self) -> int:
        return COPERNICUS_ROWS[self.size]

    def _columns(self, south: int) -> int:
        return columns_at(south) * self._rows // 1200

    def lattices(self, tiles: Sequence[raster.Tile], grid: Grid) -> list[list[raster.Tile]]:
        """Tiles by the width of their cells, with sea where it is asked for."""
        whole = [*tiles, *self._sea(tiles, grid)]
        widths = sorted({round(1 / tile.grid.width) for tile in whole}, reverse=True)
        return [[t for t in whole if round(1 / t.grid.width) == width] for width in widths]

    def assumed(self, values: Arrays) -> npt.NDArray[np.bool_]:
        """Cells (y, x) that are level sea, where absent tiles are taken for it."""
        level = (values["elevation"] == 0) & (values["elevation_std"] == 0)
        return np.asarray(level & (self.absent == "sea"))

    def _sea(self, tiles: Sequence[raster.Tile], grid: Grid) -> list[raster.Tile]:
        if self.absent == "missing":
            return []
        there = {(round(t.grid.left), round(t.grid.top) - 1) for t in tiles}
        first = tiles[0].grid
        # Cells are centred on whole degrees or begin there: as in the tiles that are there.
        shift_x = (first.left - round(first.left)) / first.width
        shift_y = (first.top - round(first.top)) / first.height
        made = []
        for lon, lat in sorted(_degrees_of(grid) - there):
            columns = self._columns(lat)
            width, height = 1 / columns, 1 / self._rows
            place = Grid(
                first.crs,
                lon + shift_x * width,
                lat + 1 + shift_y * height,
                width,
                height,
                (self._rows, columns),
            )
            level = xr.DataArray(np.broadcast_to(np.float32(0), place.shape), dims=("y", "x"))
            made.append(raster.Tile(f"sea at {lon}, {lat}", level, place))
        return made


@dataclass(frozen=True)
class CopernicusGlo90(Copernicus):
    """Copernicus GLO-90, 3 arc-seconds."""

    size: ClassVar[str] = "30"
    product: ClassVar[str] = "dem-copernicus-glo90"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = (
        "Copernicus DEM GLO-90, heights above EGM2008, doi:10.5270/ESA-c5d3d65"
    )


@dataclass(frozen=True)
class CopernicusGlo30(Copernicus):
    """Copernicus GLO-30, 1 arc-second."""

    size: ClassVar[str] = "10"
    product: ClassVar[str] = "dem-copernicus-glo30"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = (
        "Copernicus DEM GLO-30, heights above EGM2008, doi:10.5270/ESA-c5d3d65"
    )


def columns_at(south: int) -> int:
    """Columns of a tile of GLO-90 by the latitude of its southern edge; of GLO-30 three times so.

    Examples
    --------
    >>> [columns_at(south) for south in (-51, -50, 30, 49, 50, 84)]
    [800, 1200, 1200, 1200, 800, 240]
    """
    nearest = south if south >= 0 else -(south + 1)
    return [columns for start, columns in COPERNICUS_COLUMNS if nearest >= start][-1]


def _degrees_of(grid: Grid) -> set[tuple[int, int]]:
    """South-west corners of the degrees that the cells of a grid reach."""
    lon, lat = grid.lonlat
    half = grid.height / 2 if grid.geographic else grid.height / 2 / 111_000
    wide = half / np.clip(np.cos(np.radians(lat)), 0.01, None) if not grid.geographic else half
    found = set()
    for across in (-1, 1):
        for up in (-1, 1):
            x = np.floor((lon + across * wide * 0.999 + 180) % 360 - 180)
            y = np.floor(np.clip(lat + up * half * 0.999, -90, 89.999))
            found |= set(
                zip(x.astype(int).ravel().tolist(), y.astype(int).ravel().tolist(), strict=True)
            )
    return found


def _known(match: re.Match[str] | None, path: Path, example: str) -> re.Match[str]:
    if match is None:
        raise FormatMismatch(path.name, expected=f"a name like {example}", found=path.name)
    return match


def _corner(match: re.Match[str]) -> tuple[int, int]:
    """Longitude and latitude of the south-west corner that a name tells."""
    lon, lat = int(match["lon"]), int(match["lat"])
    east, north = match["ew"].upper() == "E", match["ns"].upper() == "N"
    return (lon if east else -lon), (lat if north else -lat)


def _corner_text(match: re.Match[str]) -> str:
    lon, lat = _corner(match)
    return f"{lat},{lon}"


def _at_its_corner(
    dataset: xr.Dataset, match: re.Match[str], path: Path, wide: float, high: float
) -> xr.Dataset:
    """The tile, where it lies in degrees at the place of its name, within a cell."""
    grid: Grid = dataset.attrs["grid"]
    lon, lat = _corner(match)
    edges = (
        (grid.left - lon) / grid.width,
        (grid.top - lat - high) / grid.height,
        (grid.left + grid.width * grid.shape[1] - lon - wide) / grid.width,
        (grid.top - grid.height * grid.shape[0] - lat) / grid.height,
    )
    if not grid.geographic or max(map(abs, edges)) > 1.01:
        bottom, right = (
            grid.top - grid.height * grid.shape[0],
            grid.left + grid.width * grid.shape[1],
        )
        dataset.close()
        raise GridMismatch(
            path.name,
            expected=f"{lon}..{lon + wide:g} degrees east, {lat}..{lat + high:g} north, as named",
            found=f"{grid.left:.6g}..{right:.6g}, {bottom:.6g}..{grid.top:.6g} in {grid.crs[:40]}",
            remedy="Was the file renamed, re-projected or cut?",
        )
    return dataset


def _require_cells(dataset: xr.Dataset, rows: int, columns: int, path: Path) -> None:
    """Check the cells a degree."""
    grid: Grid = dataset.attrs["grid"]
    found = (1 / grid.height, 1 / grid.width)
    if abs(found[0] - rows) > 0.01 or abs(found[1] - columns) > 0.01:
        dataset.close()
        raise GridMismatch(
            path.name,
            expected=f"{rows} rows and {columns} columns a degree",
            found=f"{found[0]:.6g} and {found[1]:.6g}",
        )
