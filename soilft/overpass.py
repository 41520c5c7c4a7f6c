"""Overpass times of sun-synchronous satellites: local solar time, and the UTC hour of it.

Local solar time is UTC + longitude / 15 degrees an hour. A daily file collects one UTC day, so at
90 degrees east its 01:30 observation was made at 19:30 UTC: on the local morning of the next day.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def utc_hour(local_solar_hour: float, longitude: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Hour of a UTC day, 0 <= h < 24, at which it is a local solar hour.

    Examples
    --------
    >>> utc_hour(1.5, np.array([0.0, 90.0, -150.0])).tolist()
    [1.5, 19.5, 11.5]
    """
    return np.asarray((local_solar_hour - np.asarray(longitude) / 15.0) % 24.0, dtype="float32")
