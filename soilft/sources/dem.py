"""Digital elevation models, GeoTIFF or NetCDF: terrain at native scale, averaged to the grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import rasterio
import xarray as xr
from rasterio.errors import RasterioError

from soilft.errors import FormatMismatch, GridMismatch, UnreadableGranule
from soilft.grid import Grid
from soilft.regrid import overlap
from soilft.schema import Variable, measured
from soilft.sources import files
from soilft.sources.protocol import Arrays, Granule, Role
from soilft.terrain import slope_aspect

# SRTM's void, which clips often carry without declaring it as nodata.
VOID = -32768
_GEOTIFF = (".tif", ".tiff")
_NETCDF = (".nc", ".nc4")


@dataclass(frozen=True)
class Dem:
    """Elevation, its spread within a cell, slope and aspect.

    Parameters
    ----------
    variable
        Name of the elevation in a NetCDF file; a GeoTIFF has its first band read.
    """

    role: ClassVar[Role] = "static"
    product: ClassVar[str] = "dem"
    references: ClassVar[str] = "digital elevation model"

    variable: str = "z"

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
        )

    def granule(self, url: str) -> Granule | None:
        """Any GeoTIFF or NetCDF file."""
        if not url.lower().endswith(_GEOTIFF + _NETCDF):
            return None
        return Granule((), "dem", "", url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a DEM: ``elevation`` (y, x) in metres, north up; its `Grid` is ``attrs["grid"]``."""
        return self._geotiff(path) if path.suffix.lower() in _GEOTIFF else self._netcdf(path)

    def place(self, dataset: xr.Dataset, grid: Grid) -> Arrays:
        """Terrain of each cell of a grid, float32 (y, x)."""
        native, window = _window(dataset.attrs["grid"], grid, str(dataset.attrs["name"]))
        with files.reading(Path(str(dataset.attrs["name"]))):
            part = dataset.elevation.isel(y=window[0], x=window[1])
            elevation = part.values.astype("float64")
        slope, sine, cosine = slope_aspect(elevation, native)
        weights = overlap(native, grid)
        # The spread is taken about the region's mean, where squares lose no digits.
        centre = float(np.nanmean(elevation))
        mean = weights.mean(elevation - centre).astype("float64")
        square = weights.mean((elevation - centre) ** 2).astype("float64")
        return {
            "elevation": (mean + centre).astype("float32"),
            "elevation_std": np.sqrt(np.clip(square - mean**2, 0, None)).astype("float32"),
            "slope": weights.mean(slope),
            "aspect_sin": weights.mean(sine),
            "aspect_cos": weights.mean(cosine),
        }

    def _geotiff(self, path: Path) -> xr.Dataset:
        try:
            with rasterio.open(path) as raster:
                values = raster.read(1).astype("float32")
                transform, crs, nodata = raster.transform, raster.crs, raster.nodata
                tags = raster.tags()
        except RasterioError as error:
            raise UnreadableGranule(
                path.name, expected="a whole GeoTIFF", found=str(error).splitlines()[0]
            ) from error
        if crs is None or transform.b or transform.d or transform.e >= 0:
            raise GridMismatch(
                path.name, expected="a north-up GeoTIFF with a CRS", found=f"{crs}, {transform!r}"
            )
        values[(values == VOID) | (values == (VOID if nodata is None else nodata))] = np.nan
        grid = Grid(
            crs.to_string(), transform.c, transform.f, transform.a, -transform.e, values.shape
        )
        simulated = {"simulated": str(tags.get("SIMULATED", "false")).lower()}
        elevation = xr.DataArray(values, dims=("y", "x"), attrs={"units": "m"})
        return _dataset(elevation, grid, path, simulated)

    def _netcdf(self, path: Path) -> xr.Dataset:
        dataset = files.open_netcdf(path)
        elevation = files.require(dataset, self.variable, path)
        if len(elevation.dims) != 2:
            raise FormatMismatch(
                f"{path.name}: {self.variable}",
                expected="two dimensions",
                found=str(elevation.dims),
            )
        files.require_units(elevation, "m", path)
        lat, lon = (_axis(dataset, elevation, dim, path) for dim in elevation.dims)
        if lat[0] < lat[-1]:
            elevation, lat = elevation[::-1], lat[::-1]
        height, width = _step(-lat, path), _step(lon, path)
        grid = Grid(
            "EPSG:4326",
            lon[0] - width / 2,
            lat[0] + height / 2,
            width,
            height,
            (len(lat), len(lon)),
        )
        axes = dict(zip(elevation.dims, ("y", "x"), strict=True))
        lazy = elevation.drop_vars(list(elevation.coords)).rename(axes)
        return files.derived(_dataset(lazy, grid, path, dict(dataset.attrs)), dataset)


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


def _step(rising: npt.NDArray[Any], path: Path) -> float:
    step = float((rising[-1] - rising[0]) / (len(rising) - 1))
    if step <= 0 or np.abs(np.diff(rising) - step).max() > 0.01 * step:
        raise GridMismatch(
            path.name,
            expected="evenly spaced axes, longitude rising eastward",
            found=f"{rising[0]:g}..{rising[-1]:g} with steps {np.diff(rising).min():g}"
            f"..{np.diff(rising).max():g}",
        )
    return step


def _window(
    native: Grid, target: Grid, name: str
) -> tuple[Grid, tuple[slice, npt.NDArray[np.intp]]]:
    """The DEM's cells around a target: their grid, and their rows and columns in the file.

    A global file is a ring of columns, so a region may lie across its seam; of another file the
    longitudes are turned by whole circles, where that covers more.
    """
    ring = round(360 / native.width)
    if native.geographic and native.shape[1] >= ring:
        candidates = [replace(native, left=native.left - 360, shape=(native.shape[0], 3 * ring))]
    else:
        turns = (0.0, 360.0, -360.0) if native.geographic else (0.0,)
        candidates = [replace(native, left=native.left + turn) for turn in turns]
    found = []
    for candidate in candidates:
        try:
            # Two cells around the target, so that every slope within it has its neighbours.
            found.append((candidate, *candidate.overlapping(target, margin=2)))
        except ValueError:
            continue
    if not found:
        raise GridMismatch(
            name,
            expected="a DEM that covers some of the region",
            found=str(native.geobox.boundingbox),
        )
    grid, rows, columns = max(found, key=lambda item: item[2].stop - item[2].start)
    stored = np.arange(columns.start, columns.stop)
    if grid.shape[1] != native.shape[1]:
        stored %= ring
    return grid.window(rows, columns), (rows, stored)
