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
import xarray as xr

from soilft.days import number
from soilft.errors import FormatMismatch
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid
from soilft.schema import FROZEN, MISSING, THAWED, Coordinate, Variable
from soilft.sources import files
from soilft.sources.labels import label_variables
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

GRID = PRESETS["latlon-0.25"]
NO_DATA = 127
DAYS = "days since 1970-01-01 00:00:00 UTC"
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
    version: ClassVar[str] = "0.3.0"
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

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``flag`` int8 and ``t0`` days, (lat, lon), row 0 in the north."""
        match = _NAME.search(path.name)
        if match is not None and int(match["version"].split(".")[0] or 0) not in VERSIONS:
            raise FormatMismatch(
                f"{path.name}: version",
                expected=f"{VERSIONS.start} to {VERSIONS.stop - 1}",
                found=match["version"],
            )
        dataset = files.open_netcdf(path, mask_and_scale=False)
        lat, lon = (files.require(dataset, axis, path).values for axis in ("lat", "lon"))
        files.aligned_window(path, lat, lon, GRID, south_first=False)
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
        for name in ("time", "t0"):
            files.require_units(files.require(dataset, name, path), DAYS, path)
        for name in ("flag", "t0"):
            files.require_one_time(dataset[name], path)
        _require_day(dataset["time"], match and calendar_day(match["day"]), path)
        return files.derived(dataset[["flag", "t0"]].isel(time=0, drop=True), dataset)

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """Label and time of observation on the grid, (y, x)."""
        path = Path(granule.name)
        native = files.aligned_window(
            path, dataset.lat.values, dataset.lon.values, GRID, south_first=False
        )
        rows, columns = files.overlapping(native, grid, granule.name)
        with files.reading(path):
            part = dataset.isel(lat=rows, lon=columns).load()
        flag, t0 = part.flag.values, part.t0.values
        label = np.where(flag & 1, FROZEN, THAWED).astype("uint8")
        label[flag == NO_DATA] = MISSING
        weights = overlap(native.window(rows, columns), grid)
        hours = np.where(t0 > 0, (t0 - number(day)) * 24, np.nan)
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


def _require_day(time: xr.DataArray, day: date | None, path: Path) -> None:
    """Refuse a renamed file: its one day must be that of its name."""
    stored = float(time.values[0])
    if day is None or not abs(stored - number(day)) < 0.5:
        raise FormatMismatch(
            f"{path.name}: time",
            expected=f"{day}, as named",
            found=f"day {stored:g} since 1970-01-01",
        )
