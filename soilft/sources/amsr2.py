"""AMSR2 L3 brightness temperature of JAXA, daily, 0.25 degree: HDF5, a file a frequency and node.

Row 0 is the north and column 0 starts at Greenwich, 0 to 360 degrees east. Ascending passes are in
the early afternoon (13:30 local solar time), descending ones at night (01:30).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import xarray as xr

from soilft.channels import channel_coordinate
from soilft.errors import ConfigError, FormatMismatch, GridMismatch
from soilft.grid import PRESETS, Grid
from soilft.labels import observation_time
from soilft.overpass import utc_hour
from soilft.regrid import overlap
from soilft.schema import Coordinate, Variable, measured
from soilft.sources import files
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

GRID = PRESETS["latlon-0.25"]
# Letters of the file name, with the nominal frequency of the channel in GHz.
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
LOCAL_SOLAR_HOUR = {"AM": 1.5, "PM": 13.5}
NODES = {"D": "AM", "A": "PM"}
OUT_OF_RANGE, NOT_OBSERVED = 65534, 65535

_NAME = re.compile(
    r"GW1AM2_(?P<day>\d{8})_01D_EQM(?P<node>[AD])_L3SGT(?P<band>\d\d)(?P<cells>[LH])A"
    r"(?P<version>\d+)\.h5$"
)


@dataclass(frozen=True)
class Amsr2L3:
    """Brightness temperature of both nodes.

    Parameters
    ----------
    bands
        Two-digit frequencies of the file names, from `FREQUENCIES`.
    """

    role: ClassVar[Role] = "tb"
    product: ClassVar[str] = "amsr2-l3-25km"
    references: ClassVar[str] = "JAXA GCOM-W AMSR2 L3 brightness temperature, 0.25 degree"

    bands: tuple[str, ...] = ("10", "18", "23", "36", "89")

    def __post_init__(self) -> None:
        unknown = [band for band in self.bands if band not in FREQUENCIES]
        if unknown or not self.bands:
            raise ConfigError(
                "AMSR2 bands", expected=f"some of {', '.join(FREQUENCIES)}", found=str(unknown)
            )

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names, V before H, by rising frequency."""
        return tuple(f"{FREQUENCIES[b]}{p}" for b in sorted(self.bands) for p in "VH")

    @property
    def overpasses(self) -> tuple[str, ...]:
        """AM is the descending node (01:30), PM the ascending one (13:30)."""
        return ("AM", "PM")

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """The channel axis."""
        return (channel_coordinate(self.channels),)

    @property
    def variables(self) -> tuple[Variable, ...]:
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

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product, or of another band."""
        match = _NAME.search(url)
        if match is None or match["band"] not in self.bands:
            return None
        text = match["day"]
        day = calendar_day(text)
        if day is None:
            return None
        return Granule((day,), f"{match['node']}{match['band']}", match["version"], url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``V`` and ``H`` in K, (lat, lon), row 0 north, column 0 at Greenwich."""
        dataset = files.open_netcdf(path, mask_and_scale=False)
        sensor = _text(dataset.attrs.get("SensorShortName", "none"))
        if sensor != "AMSR2":
            raise FormatMismatch(f"{path.name}: SensorShortName", expected="AMSR2", found=sensor)
        counts = {polarization: _counts(dataset, polarization, path) for polarization in "VH"}
        axes = {"lat": GRID.y, "lon": 0.125 + 0.25 * np.arange(1440)}
        with warnings.catch_warnings():
            # The product has two codes for missing, and each is meant.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            decoded = xr.decode_cf(xr.Dataset(counts, axes, dataset.attrs))
        return files.derived(decoded, dataset)

    def place(
        self,
        dataset: xr.Dataset,
        granule: Granule,
        day: date,
        grid: Grid,
    ) -> Arrays:
        """Both polarizations on the grid, (2, y, x), V first."""
        rows, columns = files.overlapping(GRID, grid, granule.name)
        # Column 0 of the declared grid is 180 degrees west: half-way round the file's columns.
        native_columns = (np.arange(columns.start, columns.stop) + 720) % 1440
        part = dataset.isel(lat=rows, lon=native_columns)
        with files.reading(Path(granule.name)):
            values = np.stack([part[p].values for p in "VH"])
        values[values <= 0] = np.nan  # 0 K is no temperature, whatever wrote it
        return {"tb": overlap(GRID.window(rows, columns), grid).mean(values)}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,
        grid: Grid,
    ) -> Arrays:
        """Stack nodes and channels; the observation time is the node's nominal one."""
        bands = sorted(self.bands)
        tb = np.full((2, 2 * len(bands), *grid.shape), np.nan, "float32")
        for granule, arrays in parts:
            node, band = granule.slot[0], bands.index(granule.slot[1:])
            tb[self.overpasses.index(NODES[node]), 2 * band : 2 * band + 2] = arrays["tb"]
        hour = np.stack(
            [utc_hour(LOCAL_SOLAR_HOUR[name], grid.lonlat[0]) for name in self.overpasses]
        )
        seen = np.isfinite(tb).any(axis=1)
        return {"tb": tb, "observation_time": np.where(seen, hour, np.nan).astype("float32")}


def _counts(dataset: xr.Dataset, polarization: str, path: Path) -> xr.DataArray:
    name = f"Brightness Temperature ({polarization})"
    counts = files.require(dataset, name, path)
    if counts.shape != GRID.shape:
        raise GridMismatch(
            f"{path.name}: {name}",
            expected=f"{GRID.shape} cells of 0.25 degrees (letter L in the file name)",
            found=str(counts.shape),
            remedy="The 0.1 degree files have the letter H.",
        )
    scale = float(np.ravel(counts.attrs.get("SCALE FACTOR", np.nan))[0])
    if counts.dtype != np.uint16 or not abs(scale - 0.01) < 1e-6:
        raise FormatMismatch(
            f"{path.name}: {name}",
            expected="uint16 with SCALE FACTOR 0.01",
            found=f"{counts.dtype} with {scale}",
        )
    decoding = {
        "_FillValue": np.uint16(NOT_OBSERVED),
        "missing_value": np.uint16(OUT_OF_RANGE),
        "scale_factor": np.float32(0.01),
        "units": "K",
    }
    named = counts.rename(dict(zip(counts.dims, ("lat", "lon"), strict=True)))
    return named.drop_attrs().assign_attrs(decoding)


def _text(value: object) -> str:
    item = np.ravel(np.asarray(value))[0]
    return item.decode() if isinstance(item, bytes) else str(item)
