"""Gridded products of AMSR-E and AMSR2: their channels, nodes and layout of a day.

Both satellites follow each other on one orbit plane: ascending passes (A) are in the early
afternoon, 13:30 local solar time at the equator, descending ones (D) at night, 01:30.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.errors import ConfigError
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid
from soilft.overpass import utc_hour
from soilft.schema import Variable, measured
from soilft.sources.labels import observation_time
from soilft.sources.protocol import Arrays

GRID = PRESETS["latlon-0.25"]
# Two digits of the file names, with the nominal frequency of the channel in GHz.
FREQUENCIES: Mapping[str, str] = MappingProxyType(
    {
        "06": "6.9",
        "07": "7.3",
        "10": "10.65",
        "18": "18.7",
        "23": "23.8",
        "36": "36.5",
        "89": "89.0",
    }
)
# AMSR-E had no second channel near 7 GHz.
AMSRE_FREQUENCIES: Mapping[str, str] = MappingProxyType(
    {band: frequency for band, frequency in FREQUENCIES.items() if band != "07"}
)
OVERPASSES = ("AM", "PM")
NODES: Mapping[str, str] = MappingProxyType({"D": "AM", "A": "PM"})
LOCAL_SOLAR_HOUR: Mapping[str, float] = MappingProxyType({"AM": 1.5, "PM": 13.5})
POLARIZATIONS = "VH"
# No surface of the Earth radiates more, and none radiates nothing.
HOTTEST = 400.0


def require_bands(bands: tuple[str, ...], known: Iterable[str], sensor: str) -> None:
    """Check the bands that a source is asked for.

    Raises
    ------
    ConfigError
        Where there is none, or one that the sensor has not.
    """
    unknown = [band for band in bands if band not in known]
    if unknown or not bands:
        raise ConfigError(
            f"{sensor} bands", expected=f"some of {', '.join(known)}", found=str(unknown)
        )


def channel_names(bands: Iterable[str]) -> tuple[str, ...]:
    """Channels of bands, V before H, by rising frequency.

    Examples
    --------
    >>> channel_names(("36", "18"))
    ('18.7V', '18.7H', '36.5V', '36.5H')
    """
    return tuple(f"{FREQUENCIES[band]}{p}" for band in sorted(bands) for p in POLARIZATIONS)


def tb_variables() -> tuple[Variable, ...]:
    """``tb`` (time, overpass, channel, y, x) in K, and the time of observation."""
    return (
        measured(
            "tb",
            ("time", "overpass", "channel", "y", "x"),
            "K",
            "brightness temperature",
            standard_name="brightness_temperature",
        ),
        observation_time(),
    )


def letters(name: str) -> str:
    """A name without case, blanks and hyphens: AMSR-E, AMSRE."""
    return re.sub(r"[^A-Z0-9]", "", name.upper())


def possible(kelvin: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Brightness temperatures, NaN where they are none: at or below 0 K, above 400 K."""
    return np.where((kelvin > 0) & (kelvin <= HOTTEST), kelvin, np.float32(np.nan))


def nominal_hour(node: str, longitude: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """UTC hour of a node's nominal local solar time."""
    return utc_hour(LOCAL_SOLAR_HOUR[NODES[node]], longitude)


def wrapped(hours: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Differences of clock times, -12 <= h < 12."""
    return np.asarray((hours + 12.0) % 24.0 - 12.0)


def placed_hours(
    hours: npt.NDArray[Any], node: str, native: Grid, grid: Grid
) -> npt.NDArray[np.float32]:
    """Observed UTC hours of native cells as means of a grid's, (y, x).

    The UTC day ends on some meridian, where 24 h and 0 h are neighbours: averaged is how far each
    cell is off the nominal time, and the plain mean tells at which end of the day.
    """
    off = wrapped(hours - nominal_hour(node, native.lonlat[0]))
    plain, mean_off = overlap(native, grid).mean(np.stack([hours, off]))
    hour = nominal_hour(node, grid.lonlat[0]).astype("float64") + mean_off
    hour += 24 * np.round((plain - hour) / 24)
    return np.asarray(hour, "float32")


def day_of(
    planes: Mapping[tuple[str, str], npt.NDArray[Any]],
    hours: Mapping[str, npt.NDArray[Any]],
    channels: tuple[str, ...],
    grid: Grid,
) -> Arrays:
    """Stack a day's maps; observation time where a channel was observed.

    Parameters
    ----------
    planes
        Brightness temperature (y, x) by node and channel; what is absent stays missing.
    hours
        Observed UTC hours (y, x) by node; the node's nominal hour where absent or NaN.
    channels
        Names along the channel axis.
    grid
        Where the maps lie.
    """
    tb = np.full((len(OVERPASSES), len(channels), *grid.shape), np.nan, "float32")
    for (node, channel), plane in planes.items():
        tb[OVERPASSES.index(NODES[node]), channels.index(channel)] = plane
    time = np.empty((len(OVERPASSES), *grid.shape), "float32")
    for node, name in NODES.items():
        nominal = nominal_hour(node, grid.lonlat[0])
        observed = hours.get(node, nominal)
        time[OVERPASSES.index(name)] = np.where(np.isfinite(observed), observed, nominal)
    seen = np.isfinite(tb).any(axis=1)
    return {"tb": tb, "observation_time": np.where(seen, time, np.float32(np.nan))}
