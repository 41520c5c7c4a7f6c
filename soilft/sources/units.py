"""Units that tables state, turned into those of the product; and what a quantity can be.

A short table in place of a library of units: what it does not know is refused, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from soilft.errors import ConfigError

_DAY = 86400.0
# Unit of a table: that of the product, the factor, and what is added to the product of both.
_UNITS: Mapping[str, tuple[str, float, float]] = MappingProxyType(
    {
        "K": ("K", 1.0, 0.0),
        "degC": ("K", 1.0, 273.15),
        "degF": ("K", 5 / 9, 273.15 - 32 * 5 / 9),
        "Pa": ("Pa", 1.0, 0.0),
        "hPa": ("Pa", 100.0, 0.0),
        "kPa": ("Pa", 1000.0, 0.0),
        "W m-2": ("W m-2", 1.0, 0.0),
        "MJ m-2 d-1": ("W m-2", 1e6 / _DAY, 0.0),
        "%": ("%", 1.0, 0.0),
        "1": ("1", 1.0, 0.0),
        "kg kg-1": ("kg kg-1", 1.0, 0.0),
        "m s-1": ("m s-1", 1.0, 0.0),
        "km h-1": ("m s-1", 1 / 3.6, 0.0),
        "m": ("m", 1.0, 0.0),
        "cm": ("m", 0.01, 0.0),
        "kg m-2": ("kg m-2", 1.0, 0.0),
        "mm": ("kg m-2", 1.0, 0.0),
        "kg m-2 s-1": ("kg m-2 s-1", 1.0, 0.0),
        "mm d-1": ("kg m-2 s-1", 1 / _DAY, 0.0),
        "m3 m-3": ("m3 m-3", 1.0, 0.0),
    }
)
# What nothing near the ground exceeds: a value beyond is of another unit, or a code for "missing".
_LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "K": (170.0, 370.0),
        "Pa": (30_000.0, 110_000.0),
        "W m-2": (-1000.0, 1600.0),
        "%": (0.0, 110.0),
        "1": (-1e6, 1e6),
        "kg kg-1": (-0.01, 0.1),
        "m s-1": (-120.0, 120.0),
        "m": (-500.0, 9000.0),
        "kg m-2": (-1.0, 20_000.0),
        "kg m-2 s-1": (-0.01, 0.1),
        "m3 m-3": (0.0, 1.0),
    }
)


def stored_unit(unit: str) -> str:
    """Unit of the product for values in a unit of a table.

    Raises
    ------
    ConfigError
        Where the unit is none of the table.

    Examples
    --------
    >>> stored_unit("degC")
    'K'
    """
    if unit not in _UNITS:
        raise ConfigError("unit", expected=f"one of {', '.join(_UNITS)}", found=unit or "none")
    return _UNITS[unit][0]


def converted(values: npt.ArrayLike, unit: str) -> npt.NDArray[np.float64]:
    """Values of a table in the unit of the product, NaN where they are.

    Examples
    --------
    >>> converted([0.0, 25.0], "degC").tolist()
    [273.15, 298.15]
    """
    stored_unit(unit)
    _, factor, offset = _UNITS[unit]
    return np.asarray(values, "float64") * factor + offset


def limits(unit: str) -> tuple[float, float]:
    """Least and greatest value that can be, in a unit of the product."""
    return _LIMITS[unit]


def in_unit(value: float, unit: str) -> float:
    """A value of the product in the unit of a table: for messages."""
    _, factor, offset = _UNITS[unit]
    return (value - offset) / factor
