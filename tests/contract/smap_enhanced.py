"""SMAP freeze/thaw of 9 km, from the listing."""

from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyproj

from tests.contract.written import write

SIDE, LEFT, TOP = 36032.22084058 / 4, -17367530.4451615, 7314540.8306386
SHAPE = (1624, 3856)
GROUP = "Freeze_Thaw_Retrieval_Data_Global"
EPOCH = date(2000, 1, 1)


def name(day: date) -> str:
    """Give the file name."""
    return f"SMAP_L3_FT_P_E_{day:%Y%m%d}_R19240_001.h5"


def cell(lon: float, lat: float) -> tuple[int, int]:
    """Give row and column of a place, by the published transform."""
    x, y = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True).transform(lon, lat)
    return int((TOP - y) // SIDE), int((x - LEFT) // SIDE)


def smap(
    folder: Path,
    day: date,
    state: tuple[tuple[int, int], np.ndarray[Any, Any]] | None = None,
    surface: np.ndarray[Any, Any] | None = None,
    quality: np.ndarray[Any, Any] | None = None,
) -> Path:
    """Write one file: states (2, rows, columns) with the row and column of the first cell.

    Passes are at 06:00 and 18:00 local solar time.
    """
    values: dict[str, Any] = {}
    if state is not None:
        (row, column), codes = state
        rows, columns = row + np.arange(codes.shape[1]), column + np.arange(codes.shape[2])
        x = LEFT + (columns + 0.5) * SIDE
        y = TOP - (rows + 0.5) * SIDE
        back = pyproj.Transformer.from_crs("EPSG:6933", "EPSG:4326", always_xy=True)
        lon, lat = back.transform(*np.meshgrid(x, y))
        hours = np.stack([(local - lon / 15) % 24 for local in (6.0, 18.0)])
        since = ((day - EPOCH).days * 24 - 12) * 3600
        ones = np.ones(codes.shape)
        fields = {
            "freeze_thaw": codes,
            "surface_flag": 0xF000 * ones if surface is None else surface,
            "retrieval_qual_flag": 0 * ones if quality is None else quality,
            "latitude": lat * ones,
            "longitude": lon * ones,
            "EASE_row_index": rows[:, None] * ones,
            "EASE_column_index": columns * ones,
            "freeze_thaw_time_seconds": since + 3600 * hours,
        }
        values = {f"{GROUP}/{key}": ((0, row, column), field) for key, field in fields.items()}
    path = write(folder / name(day), "smap_l3_ft_p_e", values, texts={"simulated": "true"})
    with h5py.File(path, "r+") as file:
        about = file.create_group("Metadata/DatasetIdentification").attrs
        about["shortName"], about["CompositeReleaseID"] = (
            np.bytes_("SPL3FTP_E"),
            np.bytes_("R19240"),
        )
    return path
