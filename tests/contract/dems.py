"""Tiles of elevation models, written with NumPy and rasterio from their listings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine

Height = Callable[["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"], "np.ndarray[Any, Any]"]
"""Metres by longitude and latitude, degrees."""


def _letters(lon: int, lat: int) -> tuple[str, str]:
    return f"{'N' if lat >= 0 else 'S'}{abs(lat):02d}", f"{'E' if lon >= 0 else 'W'}{abs(lon):03d}"


def srtm(folder: Path, lon: int, lat: int, height: Height, posts: int = 1201) -> Path:
    """Write an hgt tile: posts on whole degrees; NaN is void."""
    x = lon + np.linspace(0, 1, posts)
    y = lat + np.linspace(1, 0, posts)
    metres = height(*np.meshgrid(x, y))
    stored = np.where(np.isfinite(metres), np.rint(metres), -32768).astype(">i2")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{''.join(_letters(lon, lat))}.hgt"
    path.write_bytes(stored.tobytes())
    return path


def gmted(folder: Path, lon: int, lat: int, height: Height, cells: int = 120) -> Path:
    """Write a GMTED2010 tile of 30 x 20 degrees, mean of 30 arc-seconds."""
    ns, ew = _letters(lon, lat)
    size = {120: "300", 240: "150", 480: "075"}[cells]
    name = f"{ns[1:]}{ns[0]}{ew[1:]}{ew[0]}_20101117_gmted_mea{size}.tif"
    shift = 0.5 / 3600
    place = (lon - shift, lat + 20 - shift, 1 / cells, 1 / cells)
    return _geotiff(folder / name, place, (20 * cells, 30 * cells), height, "int16", -32768)


def glo90(folder: Path, lon: int, lat: int, height: Height, columns: int = 1200) -> Path:
    """Write a GLO-90 tile: cells centred on the whole degrees of its west and north."""
    return _copernicus(folder, lon, lat, height, "30", (1200, columns))


def glo30(folder: Path, lon: int, lat: int, height: Height, columns: int = 3600) -> Path:
    """Write a GLO-30 tile, as one of GLO-90."""
    return _copernicus(folder, lon, lat, height, "10", (3600, columns))


def _copernicus(
    folder: Path, lon: int, lat: int, height: Height, size: str, shape: tuple[int, int]
) -> Path:
    ns, ew = _letters(lon, lat)
    row, width = 1 / shape[0], 1 / shape[1]
    place = (lon - width / 2, lat + 1 + row / 2, width, row)
    name = f"Copernicus_DSM_COG_{size}_{ns}_00_{ew}_00_DEM.tif"
    return _geotiff(folder / name, place, shape, height, "float32", None)


def _geotiff(
    path: Path,
    place: tuple[float, float, float, float],
    shape: tuple[int, int],
    height: Height,
    dtype: str,
    nodata: float | None,
) -> Path:
    left, top, width, row = place
    x = left + width * (np.arange(shape[1]) + 0.5)
    y = top - row * (np.arange(shape[0]) + 0.5)
    metres = height(*np.meshgrid(x, y))
    stored = metres if nodata is None else np.where(np.isfinite(metres), metres, nodata)
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", width=shape[1], height=shape[0], count=1, dtype=dtype,
        crs="EPSG:4326", transform=Affine(width, 0, left, 0, -row, top), nodata=nodata,
        compress="deflate", tiled=True, zlevel=1,
    ) as file:  # fmt: skip
        file.write(np.asarray(stored).astype(dtype), 1)
        file.update_tags(SIMULATED="true")
    return path
