"""Digital elevation models, GeoTIFF or NetCDF: terrain at native scale, averaged to the grid.

One file, or a mosaic of tiles on one lattice, whose slopes run on across the tiles' borders. A DEM
has no version of its own that a file could be checked against.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyproj
import xarray as xr
from rasterio.crs import CRS

from soilft.errors import FormatMismatch, GridMismatch
from soilft.geo.regrid import Overlap, Part, fine, overlap_of_parts
from soilft.geo.terrain import slope_aspect, topographic_position
from soilft.geo.tiles import tiles
from soilft.grid import Grid
from soilft.schema import Variable, measured
from soilft.sources import files, native_grid, raster
from soilft.sources.protocol import Arrays, Granule, Role

# SRTM's void, which clips often carry without declaring it as nodata.
VOID = -32768
# Fillers of voids that a depth can equal, and the depth beyond which such a sea floor has others:
# no land lies below -500 m, no trench has all its cells at one number.
FILLERS = {-999.0: -500.0, -9999.0: -9000.0}
# From the deepest trench to the highest summit, with room; in feet the Himalaya lies beyond.
PLAUSIBLE = (-12_000, 9_500)
# Native cells computed at once, and the memory that each takes meanwhile.
CELLS_AT_ONCE = 2**21
BYTES_A_CELL = 130
# Of a coarse DEM in another CRS, cells are polygons of 1 kB each.
POLYGONS_AT_ONCE = 2**18
# A chunk of a NetCDF file is decoded whole, however little of it is needed.
MAX_CHUNK_BYTES = 256 * 2**20
_GEOTIFF = (".tif", ".tiff")
_NETCDF = (".nc", ".nc4")
_METRES = ("", "m", "metre", "metres", "meter", "meters")


class Terrain:
    """Elevation, its spread within a cell, slope, aspect and topographic position.

    What every elevation model has in common: subclasses tell names and containers.
    """

    role: ClassVar[Role] = "static"
    # Lowest and highest elevation that the product can have, m.
    plausible: ClassVar[tuple[float, float]] = PLAUSIBLE

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Terrain of each cell (y, x)."""
        dims = ("y", "x")
        return (
            measured("elevation", dims, "m", "mean elevation", standard_name="surface_altitude"),
            measured("elevation_std", dims, "m", "standard deviation of elevation in the cell"),
            measured("slope", dims, "degree", "mean slope at the scale of the DEM"),
            measured("aspect_sin", dims, "1", "mean sine of aspect (eastward)"),
            measured("aspect_cos", dims, "1", "mean cosine of aspect (northward)"),
            measured("tpi", dims, "m", "standard deviation of the topographic position index"),
        )

    def lattices(self, tiles: Sequence[raster.Tile], grid: Grid) -> list[list[raster.Tile]]:
        """Tiles by lattice: all on one, unless the product has several."""
        return [list(tiles)]

    def place(self, tiles: Sequence[tuple[Granule, xr.Dataset]], grid: Grid) -> Arrays:
        """Terrain of each cell of a grid, float32 (y, x).

        The index of position averages to about zero over any cell, so what is kept of it is its
        standard deviation (as Amatulli et al. 2018, doi:10.1038/sdata.2018.40, aggregate it). A
        cell on two lattices is described by the one that covers more than half of it.

        Missing is what a file declares or masks, and -32768. Other fillers that nobody declared are
        refused: a height beyond ``plausible``, and -999 or -9999 where no other height lies below
        -500 m or -9000 m, for there it is no sea floor.

        Raises
        ------
        FormatMismatch
            Where a height is none that the product can have, or a void that nobody declared.
        GridMismatch
            Where the files do not fit each other, or cover none of the region.
        """
        opened = [
            raster.Tile(str(dataset.attrs["name"]), dataset.elevation, dataset.attrs["grid"])
            for _, dataset in tiles
        ]
        values = {v.name: np.full(grid.shape, np.nan, "float32") for v in self.variables}
        reached = False
        for lattice in self.lattices(opened, grid):
            whole = raster.mosaic(lattice).turned(float(np.median(grid.lonlat[0])))
            _require_overlappable(whole, grid)
            for around, part in _parts(whole, grid):
                reached = True
                rows, columns = (slice(i[0], i[-1] + 1) for i in (part.rows, part.columns))
                weights = overlap_of_parts(around, part)
                for name, field in _terrain(whole, around, weights, self.plausible):
                    here = values[name][rows, columns]
                    np.copyto(here, field, where=np.isnan(here))
        if not reached:
            whole = raster.mosaic(self.lattices(opened, grid)[0])
            raise GridMismatch(
                _names(whole),
                expected="a DEM that covers some of the region",
                found=str(whole.grid.geobox.boundingbox),
            )
        return values

    def peak_bytes(self, sizes: Sequence[int], grid: Grid) -> int:
        """Memory that one tile takes, with GDAL's cache, a decoded block and the results.

        Open files are few: beyond 128 the oldest are closed, and opened again when needed.
        """
        fields = 4 * len(self.variables) * grid.shape[0] * grid.shape[1]
        # Data seldom compress better than 32 to 1.
        chunk = max(raster.MAX_BLOCK_BYTES, min(32 * max(sizes, default=0), MAX_CHUNK_BYTES))
        return CELLS_AT_ONCE * BYTES_A_CELL + raster.CACHE_BYTES + chunk + 2 * fields


@dataclass(frozen=True)
class Dem(Terrain):
    """Any elevation model in a GeoTIFF or NetCDF file, or in tiles of one lattice.

    Parameters
    ----------
    variable
        Name of the elevation in a NetCDF file; a GeoTIFF has its one band read.
    """

    product: ClassVar[str] = "dem"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "digital elevation model"

    variable: str = "z"

    def granule(self, url: str) -> Granule | None:
        """Any GeoTIFF or NetCDF file; it holds the tile of its name."""
        if not url.lower().endswith(_GEOTIFF + _NETCDF):
            return None
        return Granule((), url.rsplit("/", 1)[-1], "", url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a DEM: ``elevation`` (y, x) in metres, north up; its `Grid` is ``attrs["grid"]``."""
        return read_raster(path) if path.suffix.lower() in _GEOTIFF else self._netcdf(path)

    def _netcdf(self, path: Path) -> xr.Dataset:
        dataset = files.open_netcdf(path, most_bytes=files.MAX_MAP_BYTES)
        elevation = files.require(dataset, self.variable, path)
        if len(elevation.dims) != 2:
            raise FormatMismatch(
                f"{path.name}: {self.variable}",
                expected="two dimensions",
                found=str(elevation.dims),
            )
        files.require_units(elevation, "m", path)
        _require_chunks(elevation, path)
        lat, lon = (_axis(dataset, elevation, dim, path) for dim in elevation.dims)
        if lat[0] < lat[-1]:
            elevation, lat = elevation[::-1], lat[::-1]
        grid = native_grid.even_grid(lat, lon, path)
        axes = dict(zip(elevation.dims, ("y", "x"), strict=True))
        lazy = elevation.drop_vars(list(elevation.coords)).rename(axes)
        return files.derived(_dataset(lazy, grid, path, dict(dataset.attrs)), dataset)


def read_raster(
    path: Path, driver: raster.Driver = "GTiff", kind: str = "a whole GeoTIFF"
) -> xr.Dataset:
    """Open a raster file of elevations: ``elevation`` (y, x) in metres, north up."""
    header, manager = raster.open_band(path, driver, kind)
    try:
        grid = raster.north_up(header, _crs(header.crs, path), path)
        _require_metres(header, path)
    except (FormatMismatch, GridMismatch):
        manager.close()
        raise
    voids = {VOID} if header.nodata is None else {VOID, header.nodata}
    elevation = raster.lazy(manager, header, sorted(voids)).assign_attrs(units="m")
    simulated = {"simulated": str(header.tags.get("SIMULATED", "false")).lower()}
    dataset = _dataset(elevation, grid, path, simulated)
    dataset.set_close(manager.close)
    return dataset


def _parts(whole: raster.Mosaic, grid: Grid) -> Iterator[tuple[Part, Part]]:
    def needed(part: Part) -> bool:
        return whole.touches(part.rows, part.columns)

    exact = whole.grid.crs == grid.crs or fine(whole.grid, grid)
    cells = CELLS_AT_ONCE if exact else POLYGONS_AT_ONCE
    try:
        yield from tiles(whole.grid, grid, cells, needed)
    except ValueError as error:
        raise GridMismatch(
            _names(whole),
            expected="a DEM that fits a task's memory cell by cell of the grid",
            found=str(error),
            remedy="Average the DEM to coarser cells first, such as 3 arc-seconds, or bring one "
            "that reaches a pole to the CRS of the grid.",
        ) from error


def _terrain(
    whole: raster.Mosaic, around: Part, weights: Overlap, plausible: tuple[float, float]
) -> Iterator[tuple[str, Any]]:
    """Each variable of a tile, by name, float32 (y, x) of its target part."""
    pieces = _pieces(whole, around, plausible)
    elevation = np.concatenate([z[1:-1, 1:-1] for z in pieces], axis=1)
    yield "elevation", weights.mean(elevation)
    yield "elevation_std", weights.std(elevation)
    del elevation
    tpi = [topographic_position(z)[1:-1, 1:-1] for z in pieces]
    yield "tpi", weights.std(np.concatenate(tpi, axis=1))
    del tpi
    # A row more on either side than the part has: the window's rim.
    rows = np.arange(around.rows[0] - 1, around.rows[-1] + 2)
    shapes = [slope_aspect(z, whole.grid, rows) for z in pieces]
    for i, name in enumerate(("slope", "aspect_sin", "aspect_cos")):
        field = np.concatenate([shape[i][1:-1, 1:-1] for shape in shapes], axis=1)
        yield name, weights.mean(field)


def _pieces(
    whole: raster.Mosaic, around: Part, plausible: tuple[float, float]
) -> list[npt.NDArray[np.float32]]:
    """Elevation of each run of columns without gaps, with one cell more on every side."""
    rows = slice(int(around.rows[0]) - 1, int(around.rows[-1]) + 2)
    pieces = []
    for run in raster.runs(around.columns):
        z = whole.read(rows, slice(int(run[0]) - 1, int(run[-1]) + 2))
        low, high = plausible
        wrong = (z < low) | (z > high)
        for filler, deep in FILLERS.items():
            here = z == filler
            if here.any() and not ((z < deep) & ~here).any():
                wrong |= here
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise FormatMismatch(
                whole.name_at(rows.start + row, int(run[0]) - 1 + column),
                expected=f"elevations of {low:g}..{high:g} m",
                found=f"{z[row, column]:g}",
                remedy="Declare the void as nodata, or convert to metres.",
            )
        pieces.append(z)
    return pieces


def _names(whole: raster.Mosaic) -> str:
    first = whole.tiles[0].name
    return first if len(whole.tiles) == 1 else f"{first} and {len(whole.tiles) - 1} more tiles"


def _require_overlappable(whole: raster.Mosaic, grid: Grid) -> None:
    native = whole.grid
    if native.crs == grid.crs or fine(native, grid):
        return
    if native.geographic and grid.geographic:
        raise GridMismatch(
            _names(whole),
            expected=f"coordinates in {grid.crs}, of so coarse a DEM",
            found=native.crs.splitlines()[0][:60],
        )


def _crs(wkt: str, path: Path) -> str:
    """Authority code of a CRS where it has one, else its WKT.

    Raises
    ------
    GridMismatch
        Where lengths are in other units than metres, so that slopes would be wrong.
    """
    if not wkt:
        return ""
    crs = CRS.from_wkt(wkt)
    units = {axis.unit_name for axis in pyproj.CRS.from_wkt(wkt).axis_info[:2]}
    if not units <= {"degree", "metre"}:
        raise GridMismatch(
            path.name, expected="coordinates in degrees or metres", found=", ".join(sorted(units))
        )
    return str(crs.to_string())


def _require_metres(header: raster.Header, path: Path) -> None:
    if header.scale != 1 or header.offset != 0:
        raise FormatMismatch(
            path.name,
            expected="elevation stored as it is",
            found=f"scale {header.scale:g}, offset {header.offset:g}",
        )
    if header.units.lower() not in _METRES:
        raise FormatMismatch(f"{path.name}: units", expected="'m'", found=repr(header.units))
    if np.dtype(header.dtype).kind not in "iuf":
        raise FormatMismatch(path.name, expected="real numbers", found=header.dtype)


def _require_chunks(elevation: xr.DataArray, path: Path) -> None:
    chunk = elevation.encoding.get("chunksizes") or ()
    size = int(np.prod(chunk)) * np.dtype(elevation.encoding.get("dtype", "float64")).itemsize
    if chunk and size > MAX_CHUNK_BYTES:
        raise FormatMismatch(
            f"{path.name}: {elevation.name}",
            expected=f"chunks of at most {MAX_CHUNK_BYTES} bytes",
            found=f"{' x '.join(map(str, chunk))} cells, {size} bytes",
            remedy="Rewrite it in smaller chunks: nccopy -c.",
        )


def _dataset(
    elevation: xr.DataArray, grid: Grid, path: Path, attributes: dict[Any, Any]
) -> xr.Dataset:
    return xr.Dataset(
        {"elevation": elevation}, attrs={**attributes, "grid": grid, "name": path.name}
    )


def _axis(dataset: xr.Dataset, elevation: xr.DataArray, dim: Any, path: Path) -> npt.NDArray[Any]:
    axis = np.asarray(files.require(dataset, str(dim), path).values, "float64")
    first = elevation.dims[0] == dim
    known = ("lat", "latitude", "y") if first else ("lon", "longitude", "x")
    if str(dim).lower() not in known:
        raise FormatMismatch(
            f"{path.name}: {elevation.name}",
            expected="dimensions (latitude, longitude)",
            found=str(elevation.dims),
        )
    return axis
