"""AMSR2 L3 files of 0.1 degree, from the listing."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from tests.contract.written import write

SHAPE = (1800, 3600)


def name(day: date, band: str, node: str) -> str:
    """Give the file name."""
    return f"GW1AM2_{day:%Y%m%d}_01D_EQM{node}_L3SGT{band}HA2220220.h5"


def corner(west: float, north: float) -> tuple[int, int]:
    """Give row from the north and column from Greenwich of the cell that begins at a place."""
    return round((90 - north) / 0.1), round((west % 360) / 0.1)


def amsr2_tenth(
    folder: Path,
    day: date,
    band: str = "36",
    node: str = "D",
    kelvin: tuple[tuple[int, int], np.ndarray[Any, Any]] | None = None,
    **texts: str,
) -> Path:
    """Write one file: temperatures of V in K, of H 20 K less, with the first row and column."""
    path = folder / name(day, band, node)
    values: dict[str, Any] = {}
    for letter, less in (("V", 0.0), ("H", 20.0)):
        if kelvin is not None:
            first, field = kelvin
            seen = np.isfinite(field)
            counts = np.where(seen, np.rint((np.nan_to_num(field) - less) * 100), 65535)
            values[f"Brightness Temperature ({letter})"] = (first, counts.astype("uint16"))
    about = {
        "ObservationStartDateTime": f"{day}T00:00:00.000Z",
        "ObservationEndDateTime": f"{day}T23:59:59.999Z",
        "GranuleID": path.stem,
        "OrbitDirection": {"A": "Ascending", "D": "Descending"}[node],
        "simulated": "true",
    }
    return write(path, "amsr2_l3_tenth", values, texts=about | texts)
