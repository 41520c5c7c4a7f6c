"""GeoTIFF and VRT rasters: opened lazily, read by windows, mosaicked on one lattice."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import rasterio
import xarray as xr
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window
from xarray.backends import BackendArray, CachingFileManager
from xarray.core import indexing

from soilft.errors import FormatMismatch, GridMismatch, UnreadableGranule
from soilft.geo.regrid import Part
from soilft.geo.tiles import circle
from soilft.grid import Grid
from soilft.sources import files

# GDAL keeps decoded blocks; its own default is a share of the machine, not of the task.
CACHE_BYTES = 64 * 2**20
# A block is decoded whole, however little of it is needed.
MAX_BLOCK_BYTES = 64 * 2**20

Driver = Literal["GTiff", "VRT", "SRTMHGT", "EHdr"]


@dataclass(frozen=True)
class Header:
    """What a raster file says of its one band.

    Parameters
    ----------
    crs
        WKT, or empty.
    transform
        GDAL's six numbers in rasterio's order.
    scale, offset, units
        Of the band; units empty where it has none.
    """

    crs: str
    transform: rasterio.Affine
    shape: tuple[int, int]
    dtype: str
    nodata: float | None
    scale: float
    offset: float
    units: str
    tags: dict[str, str]


def open_band(path: Path, driver: Driver, kind: str) -> tuple[Header, CachingFileManager[Any]]:
    """Open a raster file of one band, and perhaps an alpha band; its data are left alone.

    Parameters
    ----------
    driver
        The one that may open it: GDAL would look at the content, not the name.
    kind
        What the file should be, for the message.

    Raises
    ------
    UnreadableGranule
        Where it is of another container, or ends before its data do.
    FormatMismatch
        Where it has several bands of data, or is blocked too coarsely to be read in parts.
    """
    manager = CachingFileManager(_open, str(path), driver)
    try:
        with gdal(), manager.acquire_context() as raster:
            _require_parts(raster, path)
            _require_whole(raster, path, kind)
            header = Header(
                raster.crs.to_wkt() if raster.crs else "",
                raster.transform,
                raster.shape,
                raster.dtypes[0],
                raster.nodata,
                raster.scales[0],
                raster.offsets[0],
                raster.units[0] or "",
                raster.tags(),
            )
    except RasterioError as error:
        manager.close()
        raise UnreadableGranule(
            path.name, expected=kind, found=(str(error).splitlines() or ["no reason given"])[0]
        ) from error
    except (UnreadableGranule, FormatMismatch):
        manager.close()
        raise
    return header, manager


def lazy(
    manager: CachingFileManager[Any], header: Header, voids: Sequence[float], factor: float = 1.0
) -> xr.DataArray:
    """A band as float32 (y, x), read window by window.

    NaN is what is not finite, is a void, or is masked: by a mask in the file or beside it
    (``.msk``), or where an alpha band is 0. What lies beneath a mask is a filler.
    """
    band = _Band(manager, header.shape, tuple(voids), factor)
    return xr.DataArray(xr.Variable(("y", "x"), indexing.LazilyIndexedArray(band)))


@contextmanager
def gdal() -> Iterator[None]:
    """GDAL with a bounded cache, quiet about files that lie nowhere: they are refused."""
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _open(path: str, driver: Driver) -> Any:
    return rasterio.open(path, driver=driver)


class _Band(BackendArray):
    def __init__(
        self,
        manager: CachingFileManager[Any],
        shape: tuple[int, int],
        voids: tuple[float, ...],
        factor: float,
    ) -> None:
        self.manager, self.shape, self.voids, self.factor = manager, shape, voids, factor
        self.dtype = np.dtype("float32")

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[int | slice, ...]) -> npt.NDArray[Any]:
        # The indices of each axis; whole windows are read, steps taken afterwards.
        wanted = [np.arange(n)[k] for n, k in zip(self.shape, key, strict=True)]
        if not all(np.size(axis) for axis in wanted):
            return np.empty([np.size(axis) for axis in wanted if np.ndim(axis)], self.dtype)
        low = [int(np.min(axis)) for axis in wanted]
        size = [int(np.max(axis)) + 1 - first for axis, first in zip(wanted, low, strict=True)]
        with gdal(), self.manager.acquire_context() as raster:
            window = Window(low[1], low[0], size[1], size[0])
            stored = raster.read(1, window=window)
            masked = _masked(raster, window)
        values = stored.astype("float32")
        missing = ~np.isfinite(values) | masked
        for void in self.voids:
            missing |= stored == void
        if self.factor != 1:
            values = (stored * self.factor).astype("float32")
        values[missing] = np.nan
        rows, columns = (axis - first for axis, first in zip(wanted, low, strict=True))
        return np.asarray(values[rows][..., columns])


def _masked(raster: Any, window: Window) -> npt.NDArray[np.bool_] | bool:
    """Cells of a window that a mask or an alpha band takes out; nodata is left to its value."""
    if MaskFlags.per_dataset in raster.mask_flag_enums[0]:
        return np.asarray(raster.read_masks(1, window=window) == 0)
    # GDAL takes alpha of other types than bytes for no mask.
    return np.asarray(raster.read(2, window=window) == 0) if raster.count == 2 else False


def _require_parts(raster: Any, path: Path) -> None:
    if raster.colorinterp[1:] not in ((), (ColorInterp.alpha,)):
        raise FormatMismatch(path.name, expected="one band", found=f"{raster.count} bands")
    height, width = raster.block_shapes[0]
    size = raster.count * height * width * np.dtype(raster.dtypes[0]).itemsize
    if size > MAX_BLOCK_BYTES:
        raise FormatMismatch(
            path.name,
            expected=f"blocks of at most {MAX_BLOCK_BYTES} bytes",
            found=f"{height} x {width} cells, {size} bytes",
            remedy="Rewrite it in tiles: gdal_translate -co TILED=YES.",
        )


def _require_whole(raster: Any, path: Path, kind: str) -> None:
    """A file cut off in transfer lacks its end, where the last blocks mostly are."""
    if raster.driver != "GTiff":
        return
    height, width = raster.block_shapes[0]
    last = -(-raster.height // height) - 1
    size = path.stat().st_size
    for column in range(-(-raster.width // width)):
        for row in {0, last}:
            offset, length = (
                int(raster.get_tag_item(f"BLOCK_{what}_{column}_{row}", "TIFF", bidx=1) or 0)
                for what in ("OFFSET", "SIZE")
            )
            if offset + length > size:
                raise UnreadableGranule(
                    path.name, expected=kind, found=f"data up to byte {offset + length} of {size}"
                )


def north_up(header: Header, crs: str, path: Path) -> Grid:
    """Grid of a file.

    Raises
    ------
    GridMismatch
        Where it is turned, flipped, or lies nowhere.
    """
    t = header.transform
    if not crs or t.b or t.d or t.e >= 0 or t.a <= 0:
        raise GridMismatch(
            path.name,
            expected="a north-up raster with a CRS",
            found=f"{crs or 'no CRS'}, column step ({t.a:g}, {t.d:g}), row step ({t.b:g}, {t.e:g})",
        )
    return Grid(crs, t.c, t.f, t.a, -t.e, header.shape)


@dataclass(frozen=True, eq=False)
class Tile:
    """Cells of one file: dims (y, x), on a grid with north up."""

    name: str
    cells: xr.DataArray
    grid: Grid


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Tiles on one lattice, seen as one raster that is missing wherever no tile is.

    Make one with `mosaic`.

    Parameters
    ----------
    grid
        The rectangle around all tiles.
    corners
        Row and column of each tile's first cell.
    """

    grid: Grid
    tiles: tuple[Tile, ...]
    corners: tuple[tuple[int, int], ...]

    def turned(self, longitude: float) -> Mosaic:
        """The same cells, their longitudes turned by whole circles to be nearest to one."""
        if not self.grid.geographic or circle(self.grid) is not None:
            return self
        middle = self.grid.left + self.grid.width * self.grid.shape[1] / 2
        turn = 360.0 * round((longitude - middle) / 360)
        return replace(self, grid=replace(self.grid, left=self.grid.left + turn))

    def touches(self, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> bool:
        """Whether any tile has one of these cells."""
        return any(
            len(rows[(rows >= row) & (rows < row + tile.grid.shape[0])])
            and self._has(tile, column, columns)
            for tile, (row, column) in zip(self.tiles, self.corners, strict=True)
        )

    def _has(self, tile: Tile, first: int, columns: npt.NDArray[np.int64]) -> bool:
        offset = columns - first
        whole = circle(self.grid)
        if whole is not None:
            offset = offset % whole
        return bool(((offset >= 0) & (offset < tile.grid.shape[1])).any())

    def name_at(self, row: int, column: int) -> str:
        """Name of the tile that tells a cell; empty where none does."""
        for tile, (first_row, first_column) in zip(self.tiles, self.corners, strict=True):
            cell = row - first_row, column - first_column
            whole = circle(self.grid)
            if whole is not None:
                cell = cell[0], cell[1] % whole
            within = all(0 <= i < n for i, n in zip(cell, tile.grid.shape, strict=True))
            if within and np.isfinite(tile.cells[cell].values):
                return tile.name
        return ""

    def read(self, rows: slice, columns: slice) -> npt.NDArray[np.float32]:
        """Cells of a rectangle of the lattice, which may lie beyond all tiles; NaN where missing.

        Where tiles overlap, the first of those that know a cell tells it.
        """
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        values = np.full(shape, np.nan, "float32")
        for tile, (row, column) in zip(self.tiles, self.corners, strict=True):
            r0, r1 = max(rows.start, row), min(rows.stop, row + tile.grid.shape[0])
            for first in self._turns(tile, column, columns):
                c0, c1 = max(columns.start, first), min(columns.stop, first + tile.grid.shape[1])
                if r0 >= r1 or c0 >= c1:
                    continue
                part = values[
                    r0 - rows.start : r1 - rows.start, c0 - columns.start : c1 - columns.start
                ]
                with files.reading(Path(tile.name)):
                    cells = tile.cells[r0 - row : r1 - row, c0 - first : c1 - first].values
                np.copyto(part, cells, where=np.isnan(part))
        return values

    def read_part(self, part: Part) -> npt.NDArray[np.float32]:
        """Cells of a part of the lattice, whose columns may have gaps."""
        rows = slice(int(part.rows[0]), int(part.rows[-1]) + 1)
        return np.concatenate(
            [self.read(rows, slice(int(run[0]), int(run[-1]) + 1)) for run in runs(part.columns)],
            axis=1,
        )

    def only(self, tile: Tile) -> Mosaic:
        """One tile of it, on the same lattice."""
        i = self.tiles.index(tile)
        return replace(self, tiles=(tile,), corners=(self.corners[i],))

    def _turns(self, tile: Tile, column: int, columns: slice) -> list[int]:
        """Columns at which a tile begins, of all circles in which it may touch a rectangle."""
        whole = circle(self.grid)
        if whole is None:
            return [column]
        low = -(-(columns.start - column - tile.grid.shape[1] + 1) // whole)
        high = (columns.stop - 1 - column) // whole
        return [column + turn * whole for turn in range(low, high + 1)]


def runs(columns: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Columns without gaps, one run after the other."""
    return np.split(columns, np.flatnonzero(np.diff(columns) != 1) + 1)


def mosaic(tiles: Sequence[Tile]) -> Mosaic:
    """Put tiles on one lattice, whatever their order.

    Raises
    ------
    GridMismatch
        Where a tile has another CRS or cell size, or lies between the cells of the others; the
        message names two that do not fit.
    """
    tiles = sorted(tiles, key=lambda tile: tile.name)
    first = tiles[0]
    corners = []
    for tile in tiles:
        corner = _offset(tile, first)
        if corner is None:
            raise GridMismatch(
                f"{tile.name} beside {first.name}",
                expected=f"cells that continue {_described(first.grid)}",
                found=_described(tile.grid),
                remedy="Resample the tiles to one lattice, or name only those of one data set.",
            )
        corners.append(corner)
    top, left = (min(corner[axis] for corner in corners) for axis in (0, 1))
    bottom = max(c[0] + t.grid.shape[0] for t, c in zip(tiles, corners, strict=True))
    right = max(c[1] + t.grid.shape[1] for t, c in zip(tiles, corners, strict=True))
    # The lattice's corner is the file's own number where a file has it: so cutting a file into
    # tiles changes no coordinate.
    highest = next(t for t, c in zip(tiles, corners, strict=True) if c[0] == top)
    western = next(t for t, c in zip(tiles, corners, strict=True) if c[1] == left)
    grid = replace(
        first.grid,
        left=western.grid.left,
        top=highest.grid.top,
        shape=(bottom - top, right - left),
    )
    return Mosaic(grid, tuple(tiles), tuple((row - top, column - left) for row, column in corners))


def _offset(tile: Tile, first: Tile) -> tuple[int, int] | None:
    """Row and column of a tile's corner, counted from another's; None where it does not fit."""
    a, b = tile.grid, first.grid
    if a.crs != b.crs:
        return None
    starts = ((b.top - a.top) / b.height, (a.left - b.left) / b.width)
    ends = (
        starts[0] + a.shape[0] * a.height / b.height,
        starts[1] + a.shape[1] * a.width / b.width,
    )
    corner = tuple(round(start) for start in starts)
    misfit = max(
        *(abs(start - at) for start, at in zip(starts, corner, strict=True)),
        *(abs(end - at - n) for end, at, n in zip(ends, corner, a.shape, strict=True)),
    )
    return (corner[0], corner[1]) if misfit < 0.01 else None


def _described(grid: Grid) -> str:
    return (
        f"{grid.crs.splitlines()[0][:60]}, cells {grid.width:.9g} x {grid.height:.9g} "
        f"from ({grid.left:.9g}, {grid.top:.9g})"
    )
