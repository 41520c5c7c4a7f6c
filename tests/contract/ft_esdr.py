"""Freeze/thaw files of the FT-ESDR, from the listing."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyproj

from tests.contract.written import write

SHAPE, SIDE = (586, 1383), 25067.525
FROZEN, THAWED, OUTSIDE = 0, 1, 255


def lonlat() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give longitude and latitude of all cells, degrees, by the published grid."""
    x = (np.arange(SHAPE[1]) + 0.5 - SHAPE[1] / 2) * SIDE
    y = (SHAPE[0] / 2 - 0.5 - np.arange(SHAPE[0])) * SIDE
    back = pyproj.Transformer.from_crs("EPSG:3410", "EPSG:4326", always_xy=True)
    lon, lat = back.transform(*np.meshgrid(x, y))
    return np.asarray(lon), np.asarray(lat)


def name(day: date, overpass: str, sensor: str = "AMSR2") -> str:
    """Give the file name."""
    return f"{sensor}_36V_{overpass}_FT_{day:%Y}_day{day:%j}.h5"


def ft_esdr(
    folder: Path,
    day: date,
    overpass: str,
    codes: np.ndarray[Any, Any] | None = None,
    *,
    sensor: str = "AMSR2",
    places: bool = True,
) -> Path:
    """Write one file, thawed everywhere by default, with or without the places of its cells."""
    codes = np.full(SHAPE, THAWED) if codes is None else codes
    values: dict[str, Any] = {"FT_state": codes.astype("uint8")}
    if places:
        values["cell_lon"], values["cell_lat"] = lonlat()
    about = {"_lastModified": f"{day}", "simulated": "true"}
    return write(folder / name(day, overpass, sensor), "ft_esdr", values, texts=about)
