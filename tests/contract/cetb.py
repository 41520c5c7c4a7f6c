"""CETB files of AMSR-E and AMSR2, from the listings of both versions."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from tests.contract.written import write

SIDE, LEFT, TOP = 25025.26, -17367530.44, 270 * 25025.26
SHAPE = (540, 1388)
PLATFORMS = {
    "AMSRE": ("AQUA", "AQUA > Earth Observing System, AQUA", "AMSR-E > Advanced ..."),
    "AMSR2": ("GCOMW1", "GCOM-W1 > Global Change ...", "AMSR2 > Advanced ..."),
}


def axes() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give y and x of the cells, m."""
    y = TOP - SIDE * (np.arange(SHAPE[0]) + 0.5)
    return y, LEFT + SIDE * (np.arange(SHAPE[1]) + 0.5)


def name(sensor: str, day: date, channel: str, node: str, version: int, how: str = "GRD") -> str:
    """Give the file name, such as of the channel 36V."""
    satellite = f"{PLATFORMS[sensor][0]}_{sensor}"
    if version == 2:
        return f"NSIDC0630_{how}_EASE2_T25km_{satellite}_{node}_{channel}_{day:%Y%m%d}_v2.0.nc"
    made = {"AMSRE": "RSS", "AMSR2": "PPS_XCAL"}[sensor]
    return f"NSIDC-0630-EASE2_T25km-{satellite}-{day:%Y%j}-{channel}-{node}-{how}-{made}-v1.3.nc"


def cetb(
    folder: Path,
    sensor: str,
    day: date,
    *,
    channel: str = "36V",
    node: str = "A",
    version: int = 1,
    kelvin: tuple[tuple[int, int], np.ndarray[Any, Any]] | None = None,
    minutes: np.ndarray[Any, Any] | None = None,
    **texts: str,
) -> Path:
    """Write one file: temperatures in K with the row and column of the first, and their minutes."""
    y, x = axes()
    days = np.array([float((day - date(1972, 1, 1)).days)])
    values: dict[str, Any] = {"time": days, "y": y, "x": x}
    if kelvin is not None:
        corner, field = kelvin
        counts = np.where(np.isfinite(field), np.rint(field * 100), 0).astype("uint16")
        values["TB"] = ((0, *corner), counts[None])
        if minutes is not None:
            values["TB_time"] = ((0, *corner), minutes[None].astype("int16"))
    _, platform, instrument = PLATFORMS[sensor]
    path = folder / name(sensor, day, channel, node, version)
    about = {
        "platform": platform,
        "instrument": instrument,
        "product_version": "v1.3" if version == 1 else "v2.0",
        "comment": f"Epoch date for data in this file: {day} 00:00:00Z",
        "time_coverage_start": f"{day}T00:00:00.00Z",
        "simulated": "true",
    }
    return write(path, f"cetb_v{version}", values, texts=about | texts)
