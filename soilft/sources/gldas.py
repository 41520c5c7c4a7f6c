"""GLDAS Noah 0.25 degree, 3-hourly, version 2.1 (GLDAS_NOAH025_3H; Rodell et al. 2004).

Row 0 is the south. ``_inst`` variables hold at the stamp; ``_tavg`` and ``_acc`` are over the three
hours before it, so the 0000 granule carries the last interval of the previous day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import number
from soilft.errors import ConfigError, FormatMismatch
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid
from soilft.schema import Coordinate, Variable, counted, measured
from soilft.sources import dated, files, native_grid
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

GRID = PRESETS["latlon-0.25"].window(slice(0, 600), slice(None))

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "AvgSurfT_inst": "K",
        "Albedo_inst": "%",
        "Evap_tavg": "kg m-2 s-1",
        "LWdown_f_tavg": "W m-2",
        "Lwnet_tavg": "W m-2",
        "Psurf_f_inst": "Pa",
        "Qair_f_inst": "kg kg-1",
        "Qg_tavg": "W m-2",
        "Qh_tavg": "W m-2",
        "Qle_tavg": "W m-2",
        "Qs_acc": "kg m-2",
        "Qsb_acc": "kg m-2",
        "Qsm_acc": "kg m-2",
        "Rainf_f_tavg": "kg m-2 s-1",
        "Rainf_tavg": "kg m-2 s-1",
        "SWE_inst": "kg m-2",
        "SWdown_f_tavg": "W m-2",
        "SnowDepth_inst": "m",
        "Snowf_tavg": "kg m-2 s-1",
        "SoilMoi0_10cm_inst": "kg m-2",
        "SoilMoi10_40cm_inst": "kg m-2",
        "SoilMoi40_100cm_inst": "kg m-2",
        "SoilMoi100_200cm_inst": "kg m-2",
        "SoilTMP0_10cm_inst": "K",
        "SoilTMP10_40cm_inst": "K",
        "SoilTMP40_100cm_inst": "K",
        "SoilTMP100_200cm_inst": "K",
        "Swnet_tavg": "W m-2",
        "Tair_f_inst": "K",
        "Wind_f_inst": "m s-1",
    }
)
STATISTICS = ("mean", "range")
VERSIONS = ("021",)
# Half of the three hours between stamps, in days.
HALF_A_STEP = 1.5 / 24

# What a variable can physically be. The known traps: slightly negative humidity, and snow that
# piles up without end on glacier cells (1.1e5 kg m-2, 281 m). Beyond these limits a value says no
# more than the limit itself, so it is clipped, not lost.
LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "Qair_f_inst": (0.0, 0.05),
        "SWE_inst": (0.0, 2000.0),
        "SnowDepth_inst": (0.0, 10.0),
        "Albedo_inst": (0.0, 100.0),
        "Rainf_f_tavg": (0.0, np.inf),
        "Rainf_tavg": (0.0, np.inf),
        "Snowf_tavg": (0.0, np.inf),
        "SWdown_f_tavg": (0.0, np.inf),
        "LWdown_f_tavg": (0.0, np.inf),
        "Wind_f_inst": (0.0, np.inf),
    }
)

# GES DISC appends how a file was cut: `.SUB` and `_subsetted`; OPeNDAP `.dap`, or the suffix anew.
_NAME = re.compile(
    r"GLDAS_NOAH025_3H(?P<early>_EP)?\.A(?P<day>\d{8})\.(?P<stamp>(?:0[0369]|1[258]|21)00)"
    r"\.(?P<version>[^\W_]+)(?:_subsetted)?(?:\.(?:SUB|dap|nc4?))*\.nc4?$"
)
# A bracket sorts before every digit: the Early Product gives way to the final one, which follows it
# by some months.
_EARLY = "(early) "


@dataclass(frozen=True)
class GldasNoah3h:
    """Daily statistics of the eight 3-hourly granules.

    Parameters
    ----------
    variables_read
        Names as in the granules, from `UNITS`.
    statistics
        Of the day: ``"mean"``, ``"range"`` (largest minus smallest).
    min_granules
        A day with fewer granules, of either kind that is read, is missing.
    """

    role: ClassVar[Role] = "reanalysis"
    product: ClassVar[str] = "gldas-noah-025-3h"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "GLDAS Noah 0.25 degree 3-hourly V2.1, doi:10.5067/E7TYRXPJKWOQ"
    platform: ClassVar[str] = ""
    instrument: ClassVar[str] = ""

    variables_read: tuple[str, ...] = (
        "SoilTMP0_10cm_inst",
        "SoilTMP10_40cm_inst",
        "Tair_f_inst",
        "AvgSurfT_inst",
        "SoilMoi0_10cm_inst",
        "SWE_inst",
        "Rainf_f_tavg",
        "SWdown_f_tavg",
        "LWdown_f_tavg",
    )
    statistics: tuple[str, ...] = ("mean",)
    min_granules: int = 8

    def __post_init__(self) -> None:
        for names, known, what in (
            (self.variables_read, tuple(UNITS), "GLDAS variable"),
            (self.statistics, STATISTICS, "daily statistic"),
        ):
            unknown = [name for name in names if name not in known]
            if unknown or not names:
                raise ConfigError(
                    what, expected=f"some of {', '.join(known)}", found=", ".join(unknown) or "none"
                )
        if not 1 <= self.min_granules <= 8:
            raise ConfigError("min_granules", expected="1 to 8", found=str(self.min_granules))

    @property
    def overpasses(self) -> tuple[str, ...]:
        """None: a day of a reanalysis."""
        return ()

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """``<variable>_<statistic>`` (time, y, x), and the counts of granules (time,)."""
        values = tuple(
            measured(
                f"{name}_{statistic}",
                ("time", "y", "x"),
                UNITS[name],
                f"daily {statistic} of GLDAS Noah {name}",
            )
            for name in self.variables_read
            for statistic in self.statistics
        )
        return (
            *values,
            counted("instant_count", ("time",), "3-hourly granules with instantaneous values"),
            counted("interval_count", ("time",), "3-hourly granules with means or sums"),
        )

    def _kinds(self) -> tuple[bool, bool]:
        instant = any(name.endswith("_inst") for name in self.variables_read)
        interval = any(not name.endswith("_inst") for name in self.variables_read)
        return instant, interval

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product."""
        match = _NAME.search(url)
        if match is None:
            return None
        text = match["day"]
        day = calendar_day(text)
        if day is None:
            return None
        instant, interval = self._kinds()
        days = {day} if instant else set()
        if interval:
            days.add(day - timedelta(days=1) if match["stamp"] == "0000" else day)
        version = (_EARLY if match["early"] else "") + match["version"]
        return Granule(tuple(sorted(days)), f"{text}.{match['stamp']}", version, url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: the variables asked for, (lat, lon), row 0 in the south.

        `place` clips values beyond `LIMITS` to them. Where the file tells its time, it must be the
        stamp of its name.
        """
        match = _NAME.search(path.name)
        if match is not None and match["version"] not in VERSIONS:
            raise FormatMismatch(
                f"{path.name}: version", expected=" or ".join(VERSIONS), found=match["version"]
            )
        dataset = files.open_netcdf(path)
        if match is not None and (day := calendar_day(match["day"])):
            stamp = number(day) + int(match["stamp"]) / 2400
            dated.require_time(dataset, stamp, path, slack=HALF_A_STEP)
        lat, lon = (files.require(dataset, axis, path).values for axis in ("lat", "lon"))
        native_grid.aligned_window(path, lat, lon, GRID, south_first=True)
        for name in self.variables_read:
            files.require_units(files.require(dataset, name, path), UNITS[name], path)
            files.require_one_time(dataset[name], path)
        wanted = files.only_time(dataset[list(self.variables_read)])
        return files.derived(wanted, dataset)

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """What a granule says of a day, regridded: float32 (y, x) by variable name."""
        path = Path(granule.name)
        native = native_grid.aligned_window(
            path, dataset.lat.values, dataset.lon.values, GRID, south_first=True
        )
        rows, columns = native_grid.overlapping(native, grid, granule.name)
        part = native.window(rows, columns)
        north_up = dataset.isel(lat=slice(None, None, -1)).isel(lat=rows, lon=columns)
        wanted = [name for name in self.variables_read if _belongs(name, granule, day)]
        with files.reading(path):
            loaded = north_up[wanted].load()
        weights = overlap(part, grid)
        return {name: weights.mean(_clipped(name, loaded[name].values)) for name in wanted}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,
        grid: Grid,
    ) -> Arrays:
        """Statistics over the day; counts always, values where there are granules enough."""
        counts = [
            sum(any(name.endswith("_inst") is instant for name in arrays) for _, arrays in parts)
            for instant in (True, False)
        ]
        out: Arrays = {
            name: np.array(count, "uint8")
            for name, count in zip(("instant_count", "interval_count"), counts, strict=True)
        }
        needed = [count for count, kind in zip(counts, self._kinds(), strict=True) if kind]
        if min(needed) < self.min_granules:
            return out
        for name in self.variables_read:
            stack = np.stack([arrays[name] for _, arrays in parts if name in arrays])
            for statistic in self.statistics:
                value = (
                    stack.mean(axis=0, dtype="float64")
                    if statistic == "mean"
                    else np.ptp(stack, axis=0)
                )
                out[f"{name}_{statistic}"] = value.astype("float32")
        return out

    def shortfall(self, counts: Mapping[str, npt.NDArray[Any]]) -> str:
        """Why days are missing that have granules, where they have too few; else empty.

        Parameters
        ----------
        counts
            ``instant_count`` and ``interval_count`` of these days, (day,), as stored.
        """
        names = ("instant_count", "interval_count")
        read = [counts[name] for name, kind in zip(names, self._kinds(), strict=True) if kind]
        most = int(np.min(read, axis=0).max(initial=0))
        if most >= self.min_granules:
            return ""
        asked = f"the {self.min_granules} granules a day that min_granules asks for"
        return f"at most {most} of {asked}"


def _clipped(name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    low, high = LIMITS.get(name, (-np.inf, np.inf))
    return np.asarray(np.clip(values, low, high))


def _belongs(name: str, granule: Granule, day: date) -> bool:
    """Whether a variable of a granule speaks of a day; 0000 splits by kind."""
    text, stamp = granule.slot.split(".")
    stamped = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    if name.endswith("_inst"):
        return stamped == day
    return (stamped - timedelta(days=1) if stamp == "0000" else stamped) == day
