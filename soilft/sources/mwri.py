"""FY-3B, FY-3C and FY-3D MWRI L1 brightness temperature: HDF5 swaths of half an orbit each.

``MWRIA`` is the ascending half, ``MWRID`` the descending one.

The value of a cell is the mean of all pixels of one UTC day and node whose centre lies in it, with
their mean time of observation. At high latitudes a satellite passes a cell several times a day and
node, 100 minutes apart, and the mean time lies between the passes. Where a node passes about 00:00
UTC (25 degrees east for 01:40, 155 degrees west for 13:40 local solar time) a UTC day can hold a
pass of its first minutes and one of its last, a day apart: of those the one with more pixels in the
cell counts alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.channels import channel_coordinate
from soilft.days import number
from soilft.errors import ConfigError, FormatMismatch
from soilft.geo.swath import Buckets, averaged, gather, near, passing_together
from soilft.grid import Grid
from soilft.schema import MISSING, Coordinate, Variable, counted, measured
from soilft.sources import files, mwri_time
from soilft.sources.labels import DIMS, observation_time
from soilft.sources.mwri_native import CHANNELS, SATELLITES, opened
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

NODES = {"D": "AM", "A": "PM"}
VERSION = "010KM_MS"
# A granule that starts from this hour on may reach the next UTC day.
LATE_HOUR = 22
MOST_COUNTED = 254

_NAME = re.compile(
    r"(?P<satellite>FY3[A-Z])_MWRI(?P<node>[AD])_GBAL_L1_(?P<day>\d{8})_(?P<clock>\d{4})_"
    r"(?P<version>\w+)\.(?i:hdf)$"
)


@dataclass(frozen=True)
class MwriL1:
    """Brightness temperature of both nodes, with mean time and count of swath pixels.

    Parameters
    ----------
    satellites
        Some of `SATELLITES`, that pass at the same local time.
    """

    role: ClassVar[Role] = "tb"
    product: ClassVar[str] = "fy3-mwri-l1"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = (
        "NSMC FY-3 MWRI L1 brightness temperature, swath, 10 km (Yang et al. 2011, "
        "doi:10.1109/TGRS.2011.2148200)"
    )
    platform: ClassVar[str] = "FY-3"
    instrument: ClassVar[str] = "MWRI"

    satellites: tuple[str, ...] = ("FY3B",)

    def __post_init__(self) -> None:
        unknown = [name for name in self.satellites if name not in SATELLITES]
        if unknown or not self.satellites:
            raise ConfigError(
                "MWRI satellites", expected=f"some of {', '.join(SATELLITES)}", found=str(unknown)
            )
        if len({SATELLITES[name][1] for name in self.satellites}) > 1:
            raise ConfigError(
                "MWRI satellites",
                expected="satellites that pass at one local time: FY3C at 10:00, FY3B and FY3D at "
                "01:40",
                found=", ".join(self.satellites),
                remedy="Their pixels would be averaged: make them inputs of their own.",
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, V before H, by rising frequency: the order of the files."""
        return CHANNELS

    @property
    def overpasses(self) -> tuple[str, ...]:
        """AM is the descending node (01:40, FY-3C 10:00), PM the ascending one, 12 h later."""
        return ("AM", "PM")

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The channel axis."""
        return (channel_coordinate(CHANNELS),)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """``tb`` (time, overpass, channel, y, x) in K, mean time of observation, and count."""
        return (
            measured(
                "tb",
                ("time", "overpass", "channel", "y", "x"),
                "K",
                "brightness temperature",
                standard_name="brightness_temperature",
            ),
            observation_time(),
            counted("count", DIMS, f"swath pixels averaged; {MOST_COUNTED} where as many or more"),
        )

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product, or of another satellite."""
        match = _NAME.search(url)
        if match is None or match["satellite"] not in self.satellites:
            return None
        start = _start(match)
        if start is None:
            return None
        first = start.date()
        late = start.hour >= LATE_HOUR
        days = (first, first + timedelta(days=1)) if late else (first,)
        slot = f"{match['satellite']}{match['node']}{match['clock']}"
        return Granule(days, slot, match["version"], url)

    def leaves_out(self, url: str) -> bool:
        """Whether a file is of the product, and of a satellite that is not asked for."""
        match = _NAME.search(url)
        others = set(SATELLITES) - set(self.satellites)
        return match is not None and match["satellite"] in others

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule lazily.

        Returns
        -------
        xarray.Dataset
            ``tb`` (channel, scan, pixel) in K, ``lat`` and ``lon`` (scan, pixel) in degrees, all
            NaN where missing, and ``time`` (scan,) in seconds since 1970-01-01 UTC.
        """
        match = _NAME.search(path.name)
        start = match and _start(match)
        if not match or not start or match["satellite"] not in self.satellites:
            raise FormatMismatch(
                path.name,
                expected=f"{'/'.join(self.satellites)}_MWRIA_GBAL_L1_YYYYMMDD_hhmm_{VERSION}.HDF",
                found="a name of another kind",
            )
        if match["version"] != VERSION:
            raise FormatMismatch(
                f"{path.name}: version in the name", expected=VERSION, found=match["version"]
            )
        files.require_self_contained(path)
        file = h5py.File(path)
        try:
            with files.reading(path):
                dataset = opened(file, match["satellite"], match["node"], start, path)
        except BaseException:
            file.close()
            raise
        dataset.set_close(file.close)
        return dataset

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """Sums of the pixels of the granule's scans on a UTC day: the fields of `Buckets`."""
        hours = (dataset["time"].values - mwri_time.DAY * number(day)) / 3600
        today = np.asarray((hours >= 0) & (hours < 24))
        with files.reading(Path(granule.name)):
            scans = _span(today)
            lon, lat = (dataset[name].isel(scan=scans).values for name in ("lon", "lat"))
            chosen = near(lon, lat, grid) & today[scans, None]
            inner = _span(np.any(chosen, axis=1))
            tb = dataset["tb"].isel(scan=scans).isel(scan=inner).values
        chosen = chosen[inner]
        time = np.broadcast_to(hours[scans][inner, None], chosen.shape)
        buckets = gather(lon[inner][chosen], lat[inner][chosen], tb[:, chosen], time[chosen], grid)
        return vars(buckets)

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """Mean of all pixels of each node, their mean time, and how many they were."""
        tb = np.empty((2, len(CHANNELS), *grid.shape), "float32")
        hours = np.empty((2, *grid.shape), "float32")
        count = np.empty((2, *grid.shape), "uint8")
        ordered = sorted(parts, key=lambda part: part[0])
        for i, overpass in enumerate(self.overpasses):
            passes = [Buckets(**arrays) for g, arrays in ordered if NODES[g.slot[4]] == overpass]
            together = passing_together(passes, grid)
            tb[i], hours[i], pixels = averaged(together, len(CHANNELS), grid)
            count[i] = np.where(pixels > 0, np.minimum(pixels, MOST_COUNTED), MISSING)
        return {"tb": tb, "observation_time": hours, "count": count}


def _start(match: re.Match[str]) -> datetime | None:
    day, clock = calendar_day(match["day"]), match["clock"]
    if day is None or clock[:2] > "23" or clock[2:] > "59":
        return None
    return datetime(day.year, day.month, day.day, int(clock[:2]), int(clock[2:]), tzinfo=UTC)


def _span(chosen: npt.NDArray[np.bool_]) -> slice:
    """From the first to the last that is chosen; empty where none is."""
    index = np.flatnonzero(chosen)
    return slice(int(index[0]), int(index[-1]) + 1) if index.size else slice(0, 0)
