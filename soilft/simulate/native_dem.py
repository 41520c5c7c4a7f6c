"""Terrain of the synthetic Earth as a GeoTIFF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from soilft.simulate.container import replaced
from soilft.simulate.domain import Archive
from soilft.simulate.terrain import elevation

NODATA = -32768
FINE, COARSE = 0.05, 0.1
"""Cell of small and of large regions, degrees."""
LARGE = 250.0
"""Region counted as large, square degrees."""
MARGIN = 1.0
"""Width written around the bounds, degrees."""


def write(archive: Archive) -> list[Path]:
    """Write ``dem/simulated_dem.tif``: EPSG:4326, int16 m, row 0 north."""
    west, south, east, north = archive.domain.bounds
    cell = COARSE if (east - west) * (north - south) > LARGE else FINE
    left, top = west - MARGIN, min(north + MARGIN, 90.0)
    wide = round((east + MARGIN - left) / cell)
    high = round((top - south + MARGIN) / cell)
    lon = left + (np.arange(wide) + 0.5) * cell
    lat = top - (np.arange(high) + 0.5) * cell
    metres = elevation(archive.domain, *np.meshgrid(lat, lon, indexing="ij"))
    path = archive.root / "dem" / "simulated_dem.tif"
    with (
        replaced(path) as part,
        rasterio.open(
            part,
            "w",
            driver="GTiff",
            width=wide,
            height=high,
            count=1,
            dtype="int16",
            crs="EPSG:4326",
            transform=Affine(cell, 0.0, left, 0.0, -cell, top),
            nodata=NODATA,
            compress="deflate",
        ) as file,
    ):
        file.write(np.rint(metres).astype(np.int16), 1)
        file.update_tags(
            SIMULATED="true",
            SIMULATION_SEED=str(archive.seed),
            TITLE="SIMULATED terrain",
            AREA_OR_POINT="Area",
        )
    return [path]
