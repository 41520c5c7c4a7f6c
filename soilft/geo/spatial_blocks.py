"""Spatial blocks for cross-validation: cells held out together.

Their side is that of the region file, or no less than the predictors' correlation length; see
`soilft.training.block_size`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soilft.grid import Grid
from soilft.projections import principal


def spatial_blocks(grid: Grid, degrees: float) -> npt.NDArray[np.int32]:
    """Number of the block of about equal sides that each cell's centre lies in, shape (y, x).

    Belts of some degrees of latitude, each cut into as many equal parts of the circle as keep a
    part at least as wide on the ground, at the belt's middle, as the belt is high.
    """
    lon, lat = principal(grid.lonlat[0]), grid.lonlat[1]
    belt = np.floor((90.0 - lat) / degrees)
    middle = np.radians(90.0 - (belt + 0.5) * degrees)
    parts = np.maximum(1.0, np.floor(360.0 * np.maximum(np.cos(middle), 0) / degrees))
    part = np.minimum(np.floor((lon + 180.0) / 360.0 * parts), parts - 1)
    return np.asarray(belt * np.ceil(360.0 / degrees) + part, "int32")
