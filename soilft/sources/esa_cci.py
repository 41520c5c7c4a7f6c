"""ESA CCI soil moisture, daily 0.25 degree: its flag as a freeze/thaw label.

Bit 0 of ``flag`` says "snow coverage or temperature below zero" (Dorigo et al. 2017). Row 0 is the
north. The flag is int8 with fill 127: opened without masking, for a float would lose the bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import number
from soilft.errors import FormatMismatch
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid
from soilft.schema import FROZEN, MISSING, THAWED, Coordinate, Variable
from soilft.sources import dated, files, native_grid
from soilft.sources.labels import label_variables
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

GRID = PRESETS["latlon-0.25"]
NO_DATA = 127
# No value of a day was observed further from its midnight, in hours.
FURTHEST = 48.0
# Of a state without a time of its own, as of one that is of the whole UTC day.
NOON = 12.0
# Before version 3 the flag had other values; none after 9 has been seen.
VERSIONS = range(3, 10)

MergedFrom = Literal["combined", "active", "passive"]

_NAME = re.compile(
    r"ESACCI-SOILMOISTURE-L3S-SSM[VS]-(?P<sensors>COMBINED|ACTIVE|PASSIVE)-(?P<day>\d{8})\d{6}"
    r"-fv(?P<version>[\d.]+)\.nc$"
)


@dataclass(frozen=True)
class EsaCciFlag:
    """The daily flag: frozen where bit 0 is set, thawed where the flag is known without it.

    Parameters
    ----------
    sensors
        Which of the three records to read; the files of the others are not of this product.
    """

    sensors: MergedFrom = "combined"

    role: ClassVar[Role] = "label"
    product: ClassVar[str] = "esa-cci-sm-flag"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = (
        "ESA CCI Soil Moisture (Dorigo et al. 2017, doi:10.1016/j.rse.2017.07.001)"
    )
    platform: ClassVar[str] = "several, merged"
    instrument: ClassVar[str] = "several, merged"

    @property
    def overpasses(self) -> tuple[str, ...]:
        """One value a day, merged from many overpasses."""
        return ("daily",)

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Label and time of observation (time, overpass, y, x)."""
        return label_variables("ESA CCI soil moisture flag, bit 0")

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product."""
        match = _NAME.search(url)
        if match is None or match["sensors"].lower() != self.sensors:
            return None
        day = calendar_day(match["day"])
        if day is None:
            return None
        return Granule((day,), "flag", match["version"], url)

    def leaves_out(self, url: str) -> bool:
        """Whether a file is of the product, and of sensors that are not asked for."""
        match = _NAME.search(url)
        return match is not None and match["sensors"].lower() != self.sensors

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``flag`` int8 and ``t0``, (lat, lon), row 0 in the north.

        ``t0`` is in days since 1970-01-01, whatever its units in the file, and lacks where the
        file was cut to its flags.
        """
        match = _NAME.search(path.name)
        if match is not None and int(match["version"].split(".")[0] or 0) not in VERSIONS:
            raise FormatMismatch(
                f"{path.name}: version",
                expected=f"{VERSIONS.start} to {VERSIONS.stop - 1}",
                found=match["version"],
            )
        dataset = files.open_netcdf(path, mask_and_scale=False)
        lat, lon = (files.require(dataset, axis, path).values for axis in ("lat", "lon"))
        native_grid.aligned_window(path, lat, lon, GRID, south_first=False)
        flag = files.require(dataset, "flag", path)
        meanings = dict(
            zip(
                np.atleast_1d(flag.attrs.get("flag_values", [])).tolist(),
                str(flag.attrs.get("flag_meanings", "")).split(),
                strict=False,
            )
        )
        frozen = meanings.get(1, "none")
        if flag.dtype != np.int8 or "below_zero" not in frozen:
            raise FormatMismatch(
                f"{path.name}: flag",
                expected="int8 whose bit 0 means snow coverage or temperature below zero",
                found=f"{flag.dtype}, value 1 means {frozen}",
            )
        files.require(dataset, "time", path)
        if match is not None and (named := calendar_day(match["day"])):
            dated.require_time(dataset, number(named), path, slack=0.5)
        wanted = dataset[[name for name in ("flag", "t0") if name in dataset]]
        for array in wanted.values():
            files.require_one_time(array, path)
        if "t0" in wanted:
            dated.require_units(wanted["t0"], path)
        return files.derived(files.only_time(wanted), dataset)

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """Label and time of observation on the grid, (y, x)."""
        path = Path(granule.name)
        native = native_grid.aligned_window(
            path, dataset.lat.values, dataset.lon.values, GRID, south_first=False
        )
        rows, columns = native_grid.overlapping(native, grid, granule.name)
        with files.reading(path):
            part = dataset.isel(lat=rows, lon=columns).load()
        flag = part.flag.values
        label = np.where(flag & 1, FROZEN, THAWED).astype("uint8")
        label[flag == NO_DATA] = MISSING
        weights = overlap(native.window(rows, columns), grid)
        hours = np.full(flag.shape, np.nan)
        if "t0" in part:
            hours = _hours(part.t0, day, path)
        return {
            "freeze_thaw": weights.majority(label, missing=MISSING),
            "observation_time": weights.mean(hours),
        }

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,
        grid: Grid,
    ) -> Arrays:
        """The one granule of the day, with the overpass axis in front.

        Where nothing was retrieved, as under snow, there is a flag and no time: noon stands there.
        """
        label, hours = (parts[-1][1][name] for name in ("freeze_thaw", "observation_time"))
        hours = np.where(np.isfinite(hours), hours, np.float32(NOON))
        time = np.where(label != MISSING, hours, np.float32(np.nan))
        return {"freeze_thaw": label[None], "observation_time": time[None]}


def _hours(t0: xr.DataArray, day: date, path: Path) -> npt.NDArray[np.float64]:
    """Hours of the UTC day that times of observation are; NaN where there is none."""
    days = dated.days_since_1970(t0, path)
    hours: npt.NDArray[np.float64] = np.where(days > 0, (days - number(day)) * 24, np.nan)
    off = np.abs(hours[np.isfinite(hours)])
    if off.size and off.max() > FURTHEST:
        raise FormatMismatch(
            f"{path.name}: t0",
            expected=f"times within {FURTHEST:g} hours of {day}",
            found=f"{off.max():g} hours off, units {t0.attrs.get('units')!r}",
        )
    return hours
