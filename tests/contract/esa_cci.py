"""ESA CCI soil moisture, its flag and time, from the listing."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from tests.contract.written import write

SHAPE = (720, 1440)


def esa_cci(folder: Path, day: date, flag: "np.ndarray[Any, Any] | None" = None) -> Path:
    """Write one file of flags (720, 1440), snow or frost everywhere by default, seen at 06:00."""
    flag = np.ones(SHAPE) if flag is None else flag
    number = (day - date(1970, 1, 1)).days
    name = f"ESACCI-SOILMOISTURE-L3S-SSMV-COMBINED-{day:%Y%m%d}000000-fv08.1.nc"
    values = {
        "lat": 89.875 - 0.25 * np.arange(SHAPE[0]),
        "lon": -179.875 + 0.25 * np.arange(SHAPE[1]),
        "time": np.array([float(number)]),
        "flag": flag[None].astype("int8"),
        "t0": np.where(flag == 127, -9999.0, number + 0.25)[None],
    }
    about = {"product_version": "08.1", "id": name, "simulated": "true"}
    sizes = {"lat": SHAPE[0], "lon": SHAPE[1]}
    return write(folder / name, "esa_cci_flag", values, texts=about, sizes=sizes)
