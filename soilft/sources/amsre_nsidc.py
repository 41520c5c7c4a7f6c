"""AMSR-E brightness temperature of NSIDC-0302, daily, quarter degree (Knowles et al. 2006).

Flat binary without header, a file a channel and node, and one of the time of observation (.TIM):
little-endian, 720 rows from the north, 1440 columns from 180 degrees west. Temperatures are uint16
in tenths of K, 0 where there is none (65535 is taken as none too). Times are int16 minutes since
00:00 UTC of the file's day, 0 to 1440, where there is none -32768 or, as of the temperatures, 0: a
file with more zeros than cells that can be passed in one minute means none by them.

A file of temperatures cannot tell whether it is upside down or rolled. A file of times can tell a
roll, because the local solar time of a node is known. The byte order is proved from the values.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.channels import channel_coordinate
from soilft.errors import FormatMismatch, GridMismatch, UnreadableGranule
from soilft.geo.regrid import overlap
from soilft.grid import Grid
from soilft.schema import Coordinate, Variable
from soilft.sources import native_grid
from soilft.sources.amsr import (
    AMSRE_FREQUENCIES,
    GRID,
    HOTTEST,
    LOCAL_SOLAR_HOUR,
    NODES,
    OVERPASSES,
    channel_names,
    day_of,
    nominal_hour,
    placed_hours,
    possible,
    require_bands,
    tb_variables,
    wrapped,
)
from soilft.sources.protocol import Arrays, Granule, Role, day_of_year

SIZE = 2 * GRID.shape[0] * GRID.shape[1]
NO_TEMPERATURE = (0, 65535)
NO_TIME = -32768
# At one minute a node passes a strip of a quarter degree, 1 of 1440.
_SHARE_OF_A_MINUTE = 0.01
VERSIONS = ("01", "02", "03")
TIMES = "TIM"
# No scene is colder than this on a quarter degree. Bytes swapped, most counts mean more than 400 K.
COLDEST = 50.0
_SHARE_POSSIBLE = 0.9
# Between 60 S and 60 N the local solar time stays within an hour and a half of the equator's.
_TEMPERATE = np.abs(GRID.y) <= 60
_HOURS_OFF = 2.0

_NAME = re.compile(
    r"(?:^|/)ID2r1-AMSRE-D\.25(?P<year>\d{4})(?P<doy>\d{3})(?P<node>[AD])\.v(?P<version>\d\d)"
    r"\.(?P<what>(?P<band>\d\d)[HV]|TIM)(?:\.gz)?$"
)


@dataclass(frozen=True)
class AmsrENsidc:
    """AMSR-E brightness temperature of both nodes.

    Parameters
    ----------
    bands
        Two-digit frequencies of the file names, from `AMSRE_FREQUENCIES`.
    """

    role: ClassVar[Role] = "tb"
    product: ClassVar[str] = "amsre-nsidc-0302-25km"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = (
        "AMSR-E/Aqua Daily Global Quarter-Degree Gridded Brightness Temperatures (NSIDC-0302), "
        "doi:10.5067/RRR4WWORG070"
    )
    platform: ClassVar[str] = "Aqua"
    instrument: ClassVar[str] = "AMSR-E"

    bands: tuple[str, ...] = ("10", "18", "23", "36", "89")

    def __post_init__(self) -> None:
        require_bands(self.bands, AMSRE_FREQUENCIES, "AMSR-E")

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, V before H, by rising frequency."""
        return channel_names(self.bands)

    @property
    def overpasses(self) -> tuple[str, ...]:
        """AM is the descending node (01:30), PM the ascending one (13:30)."""
        return OVERPASSES

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The channel axis."""
        return (channel_coordinate(self.channels),)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """``tb`` (time, overpass, channel, y, x) in K, and the time of observation."""
        return tb_variables()

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product, or of another band.

        A file of an unknown version has a slot of its own: it is set aside, and does not stand in
        for the right file of the day.
        """
        match = _NAME.search(url)
        if match is None or (match["band"] or self.bands[0]) not in self.bands:
            return None
        day = day_of_year(int(match["year"]), int(match["doy"]))
        if day is None:
            return None
        known = match["version"] in VERSIONS
        slot = match["node"] + match["what"] + ("" if known else f"v{match['version']}")
        return Granule((day,), slot, match["version"], url)

    def leaves_out(self, url: str) -> bool:
        """Whether a file is of the product, and of a band that is not asked for."""
        match = _NAME.search(url)
        return match is not None and match["band"] in set(AMSRE_FREQUENCIES) - set(self.bands)

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``tb`` in K or ``minutes`` of the UTC day, (lat, lon), row 0 north."""
        match = _NAME.search(path.name)
        if match is None:
            raise FormatMismatch(
                path.name, expected=f"a name of {self.product}", found="another name"
            )
        if match["version"] not in VERSIONS:
            raise FormatMismatch(
                f"{path.name}: version",
                expected=f"v{', v'.join(VERSIONS)}",
                found=f"v{match['version']}",
            )
        content = _content(path)
        if match["what"] == TIMES:
            name, units = "minutes", "min"
            counts = np.frombuffer(content, "<i2").reshape(GRID.shape)
            values = _minutes(counts, match["node"], path)
        else:
            name, units = "tb", "K"
            values = _kelvin(np.frombuffer(content, "<u2").reshape(GRID.shape), path)
        field = xr.Variable(("lat", "lon"), values, {"units": units})
        return xr.Dataset({name: field}, {"lat": GRID.y, "lon": GRID.x})

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """One channel, or the time of observation, on the grid, (y, x)."""
        rows, columns = native_grid.overlapping(GRID, grid, granule.name)
        native = GRID.window(rows, columns)
        part = dataset.isel(lat=rows, lon=columns)
        if "tb" in part:
            return {"tb": overlap(native, grid).mean(part.tb.values)}
        hours = placed_hours(part.minutes.values / 60, granule.slot[0], native, grid)
        return {"observation_time": hours}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,
        grid: Grid,
    ) -> Arrays:
        """Stack nodes and channels; where no time was given, it is the node's nominal one."""
        planes, hours = {}, {}
        for granule, arrays in parts:
            node, what = granule.slot[0], granule.slot[1:4]
            if what == TIMES:
                hours[node] = arrays["observation_time"]
            else:
                planes[node, f"{AMSRE_FREQUENCIES[what[:2]]}{what[2]}"] = arrays["tb"]
        return day_of(planes, hours, self.channels, grid)


def _content(path: Path) -> bytes:
    """The file's bytes, unpacked, exactly as many as the grid needs."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        # One byte more than needed tells a longer file, however much it would unpack to.
        with gzip.open(path) if packed else path.open("rb") as stream:
            content = stream.read(SIZE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableGranule(
            path.name, expected="a whole file, packed with gzip or not", found=str(error)
        ) from error
    if len(content) != SIZE:
        raise GridMismatch(
            path.name,
            expected=f"{SIZE} bytes (720 x 1440 cells of 2 bytes)",
            found=f"more than {SIZE}" if len(content) > SIZE else str(len(content)),
            remedy="Is it cut off, or of another grid?",
        )
    return content


def _kelvin(counts: npt.NDArray[np.uint16], path: Path) -> npt.NDArray[np.floating]:
    told = counts[(counts != NO_TEMPERATURE[0]) & (counts != NO_TEMPERATURE[1])]
    share = _share_possible(told)
    if share < _SHARE_POSSIBLE:
        swapped = _share_possible(told.byteswap())
        raise FormatMismatch(
            f"{path.name}: brightness temperature",
            expected=f"little-endian uint16 in tenths of K, {COLDEST:g} to {HOTTEST:g} K",
            found="big-endian numbers"
            if swapped >= _SHARE_POSSIBLE
            else f"{share:.0%} of {told.size} cells possible, {swapped:.0%} with bytes swapped",
        )
    return possible(counts * np.float32(0.1))


def _share_possible(counts: npt.NDArray[np.uint16]) -> float:
    if not counts.size:
        return 1.0
    return float(((counts >= 10 * COLDEST) & (counts <= 10 * HOTTEST)).mean())


def _minutes(counts: npt.NDArray[np.int16], node: str, path: Path) -> npt.NDArray[np.floating]:
    thing = f"{path.name}: time of observation"
    known = _is_time(counts)
    if not known.all():
        wrong = counts[~known]
        raise FormatMismatch(
            thing,
            expected=f"little-endian int16 minutes, 0 to 1440, or {NO_TIME}",
            found="big-endian numbers"
            if _is_time(counts.byteswap()).all()
            else f"{wrong.size} other values, as {wrong[0]}",
        )
    none = counts == NO_TIME
    if (counts == 0).mean() > _SHARE_OF_A_MINUTE:
        none |= counts == 0
    minutes = np.where(none, np.float32(np.nan), counts.astype("float32"))
    off = wrapped(minutes[_TEMPERATE] / 60 - nominal_hour(node, GRID.x))
    off = np.abs(off[np.isfinite(off)])
    if off.size and float(np.median(off)) > _HOURS_OFF:
        raise FormatMismatch(
            thing,
            expected=f"minutes of the UTC day, within {_HOURS_OFF:g} h of local solar time "
            f"{LOCAL_SOLAR_HOUR[NODES[node]]:g} h (node {node}), columns from 180 degrees west",
            found=f"{float(np.median(off)):.1f} h off",
            remedy="Is it of the other node, of another unit, or are its columns rolled?",
        )
    return minutes


def _is_time(counts: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    return np.asarray((counts == NO_TIME) | ((counts >= 0) & (counts <= 1440)))
