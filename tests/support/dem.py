"""Elevation models as GeoTIFF and NetCDF, written small, and how a task opens them."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import rasterio
import xarray as xr
from affine import Affine

from soilft.grid import Grid, Region
from soilft.sources import Dem

SOURCE = Dem()
WINDOW = Region("window", "latlon-0.25", (88, 32, 90, 34)).grid


def placed(*paths: Path, grid: Grid = WINDOW, source: Dem = SOURCE) -> dict[str, np.ndarray]:
    """What is placed of files, opened as a task opens them: all at once."""
    with ExitStack() as stack:
        tiles = []
        for path in paths:
            granule = source.granule(str(path))
            assert granule is not None
            tiles.append((granule, stack.enter_context(source.read(path))))
        return source.place(tiles, grid)


THIRTY_SECONDS = Affine(1 / 120, 0, 87.5, 0, -1 / 120, 34.5)


def geotiff(
    path: Path,
    z: np.ndarray,
    *,
    crs: str | None = "EPSG:4326",
    nodata: float | None = None,
    transform: Affine = THIRTY_SECONDS,
    **tags: str,
) -> Path:
    with rasterio.open(
        path, "w", driver="GTiff", height=z.shape[0], width=z.shape[1], count=1,
        dtype=z.dtype, crs=crs, transform=transform, nodata=nodata,
    ) as raster:  # fmt: skip
        raster.write(z, 1)
        raster.update_tags(**tags)
    return path


def netcdf(
    path: Path, *, south_first: bool = True, units: str = "m", lon_from: float = 85.0
) -> Path:
    lat = np.arange(30.025, 36, 0.05)
    lon = np.arange(lon_from + 0.025, lon_from + 8, 0.05)
    lat = lat if south_first else lat[::-1]
    z = (100 * lat[:, None] + 10 * lon[None]).astype("float32")
    dataset = xr.Dataset({"z": (("lat", "lon"), z, {"units": units})}, {"lat": lat, "lon": lon})
    dataset.to_netcdf(path, engine="netcdf4")
    return path


def relief(shape: tuple[int, int] = (360, 360), seed: int = 0) -> np.ndarray:
    """Rough land of whole metres with a few voids."""
    rng = np.random.default_rng(seed)
    z = 4000 + 300 * rng.standard_normal(shape).cumsum(axis=1) / 10
    z = np.clip(z, -400, 8800).astype("int16")
    z[rng.random(shape) < 0.01] = -32768
    return z
