"""Brightness temperature of NSIDC's CETB (Brodzik et al. 2016, 2023), daily, EASE-Grid 2.0 25 km.

NetCDF, a file a channel and node, versions 1 and 2: the two name their files differently and hold
the same. Row 0 is the north. The cylindrical grid ends at 67 degrees; the polar ones, of a
hemisphere each, have passes of the local morning and evening (M, E) for those of a node, of the
night (D) and the afternoon (A). ``TB_time`` is minutes since 00:00 UTC of the file's day. The
structure was read in files of SSM/I; those of AMSR-E and AMSR2 differ in the texts that name them,
and in these the names of GCMD are expected.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.channels import channel_coordinate
from soilft.days import number
from soilft.errors import ConfigError, FormatMismatch, GridMismatch, InputError
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid
from soilft.schema import Coordinate, Variable
from soilft.sources import dated, files, native_grid
from soilft.sources.amsr import (
    AMSRE_FREQUENCIES,
    FREQUENCIES,
    OVERPASSES,
    channel_names,
    day_of,
    letters,
    placed_hours,
    possible,
    require_bands,
    tb_variables,
)
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day, day_of_year

CYLINDRICAL = "T25km"
GRIDS: Mapping[str, Grid] = MappingProxyType(
    {
        # The preset reaches to the poles, the product's part of it to 67 degrees.
        CYLINDRICAL: PRESETS["ease2-global-25km"].window(slice(22, 562), slice(0, 1388)),
        "N25km": PRESETS["ease2-north-25km"],
        "S25km": replace(PRESETS["ease2-north-25km"], crs="EPSG:6932"),
    }
)
# Node of each pass: A and D of the cylindrical grid, M and E of the polar ones.
NODES: Mapping[str, str] = MappingProxyType({"A": "A", "D": "D", "M": "D", "E": "A"})
MINUTES = "minutes since"
# What files of the structure say in the units of ``TB_time``, whatever their day.
LOOSE_EPOCH = "1987-01-01"
SCALE = 0.01
DTYPES = {"TB": "uint16", "TB_time": "int16"}
Algorithm = Literal["GRD", "SIR"]
ALGORITHMS = ("GRD", "SIR")

_NAMES = (
    re.compile(
        r"(?:^|/)NSIDC-?(?:0630|0763)-EASE2_(?P<grid>[A-Z][\d.]+km)-[A-Z0-9]+_(?P<sensor>[A-Z0-9]+)"
        r"-(?P<year>\d{4})(?P<doy>\d{3})-(?P<band>\d\d?(?:\.\d)?)(?P<polarization>[HV])"
        r"-(?P<node>[ADEM])-(?P<algorithm>GRD|SIR)-[A-Z_]+-v(?P<version>[\d.]+)\.nc$"
    ),
    re.compile(
        r"(?:^|/)NSIDC-?(?:0630|0763)_(?P<algorithm>GRD|SIR)_EASE2_(?P<grid>[A-Z][\d.]+km)"
        r"_[A-Z0-9]+_(?P<sensor>[A-Z0-9]+)_(?P<node>[ADEM])_(?P<band>\d\d?(?:\.\d)?)"
        r"(?P<polarization>[HV])_(?P<day>\d{8})(?:_(?P<made>\d{10}))?_v(?P<version>[\d.]+)\.nc$"
    ),
)


# As versions 1 and 2 name themselves in their files.
_DATA_SET = (
    "NSIDC-0630, doi:10.5067/MEASURES/CRYOSPHERE/NSIDC-0630.001, version 2 doi:10.5067/19LHYLUXZ22M"
)


@dataclass(frozen=True)
class Cetb:
    """Brightness temperature of both nodes; subclasses say of which sensor.

    Parameters
    ----------
    bands
        Two-digit frequencies of the file names.
    algorithm
        ``"GRD"``, averages of what was measured within a cell, or ``"SIR"``, the enhanced image.
    """

    role: ClassVar[Role] = "tb"
    product: ClassVar[str]
    references: ClassVar[str]
    instrument: ClassVar[str]
    frequencies: ClassVar[Mapping[str, str]]

    bands: tuple[str, ...] = ("10", "18", "23", "36", "89")
    algorithm: Algorithm = "GRD"

    def __post_init__(self) -> None:
        require_bands(self.bands, self.frequencies, self.instrument)
        if self.algorithm not in ALGORITHMS:
            raise ConfigError(
                "CETB algorithm",
                expected=" or ".join(ALGORITHMS),
                found=repr(self.algorithm),
            )

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
        """Read a file name; None where it is of another product, sensor, band or algorithm.

        Each grid has slots of its own. Of one version the file that was made last counts, by the
        stamp that NSIDC writes before it.
        """
        match = _parsed(url)
        if match is None or letters(match["sensor"]) != letters(self.instrument):
            return None
        day = _day(match)
        # 06H or 6.9H, 10H or 10.7H.
        band = f"{int(float(match['band'])):02d}"
        if day is None or band not in self.bands or match["algorithm"] != self.algorithm:
            return None
        slot = NODES[match["node"]] + band + match["polarization"]
        if match["grid"] != CYLINDRICAL:
            slot += match["grid"]
        made = match.groupdict().get("made")
        return Granule((day,), slot, "_".join(filter(None, (match["version"], made))), url)

    def leaves_out(self, url: str) -> bool:
        """Whether a file is of the product, and of a band or algorithm that is not asked for."""
        match = _parsed(url)
        if match is None or letters(match["sensor"]) != letters(self.instrument):
            return False
        band = f"{int(float(match['band'])):02d}"
        other = band not in self.bands or match["algorithm"] != self.algorithm
        return band in self.frequencies and other

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``tb`` in K and ``minutes`` of the UTC day, (y, x), row 0 north."""
        match = _parsed(path.name)
        if match is None or not _known(match):
            raise FormatMismatch(
                path.name,
                expected="a name of CETB version 1 or 2, of the grid EASE2_T25km and a node A or "
                "D, or EASE2_N25km or EASE2_S25km and M or E",
                found="another name"
                if match is None
                else f"{match['grid']} {match['node']} v{match['version']}",
            )
        grid = match["grid"]
        dataset = files.open_netcdf(path, mask_and_scale=False)
        try:
            self._require_identity(dataset, match, path)
            y, x = (files.require(dataset, axis, path).values for axis in ("y", "x"))
            native_grid.aligned_window(path, y, x, GRIDS[grid], south_first=False)
            _require_projection(dataset, grid, path)
            _require_counts(dataset, path)
            with warnings.catch_warnings():
                # Version 1 has two codes for missing, and each is meant.
                warnings.simplefilter("ignore", xr.SerializationWarning)
                decoded = xr.decode_cf(dataset[list(DTYPES)].drop_vars("time"), decode_times=False)
        except InputError:
            dataset.close()
            raise
        named = decoded.rename({"TB": "tb", "TB_time": "minutes"}).isel(time=0)
        return files.derived(named.assign_attrs(dataset.attrs), dataset)

    def place(self, dataset: xr.Dataset, granule: Granule, day: date, grid: Grid) -> Arrays:
        """The channel and its time of observation on the grid, (y, x)."""
        path = Path(granule.name)
        known = GRIDS[granule.slot[4:] or CYLINDRICAL]
        whole = native_grid.aligned_window(
            path, dataset.y.values, dataset.x.values, known, south_first=False
        )
        try:
            rows, columns = native_grid.overlapping(whole, grid, granule.name)
        except GridMismatch:
            if known is GRIDS[CYLINDRICAL]:
                raise
            # An archive as delivered has the grids of both poles: of the far one there is nothing.
            nothing = np.full(grid.shape, np.nan, "float32")
            return {"tb": nothing, "observation_time": nothing}
        with files.reading(path):
            part = dataset.isel(y=rows, x=columns).load()
        native = whole.window(rows, columns)
        kelvin = possible(part.tb.values)
        hours = np.where(np.isfinite(kelvin), part.minutes.values / 60, np.nan)
        return {
            "tb": overlap(native, grid).mean(kelvin),
            "observation_time": placed_hours(hours, granule.slot[0], native, grid),
        }

    def combine(self, parts: Sequence[tuple[Granule, Arrays]], day: date, grid: Grid) -> Arrays:
        """Stack nodes and channels; the time is that of the first channel that has one.

        Of a channel the cylindrical grid counts, and the polar ones where it has nothing.
        """
        planes: dict[tuple[str, str], npt.NDArray[Any]] = {}
        hours: dict[str, npt.NDArray[Any]] = {}
        for granule, arrays in sorted(parts, key=lambda part: part[0]):
            node, band, polarization = granule.slot[0], granule.slot[1:3], granule.slot[3]
            channel = (node, f"{FREQUENCIES[band]}{polarization}")
            kelvin = planes.get(channel, arrays["tb"])
            planes[channel] = np.where(np.isfinite(kelvin), kelvin, arrays["tb"])
            known = hours.get(node, arrays["observation_time"])
            hours[node] = np.where(np.isfinite(known), known, arrays["observation_time"])
        return day_of(planes, hours, self.channels, grid)

    def _require_identity(self, dataset: xr.Dataset, match: re.Match[str], path: Path) -> None:
        """Hold what the file says of itself against the sensor and against its name."""
        said = str(dataset.attrs.get("instrument", "none"))
        if letters(said.split(">", maxsplit=1)[0]) != letters(self.instrument):
            raise FormatMismatch(
                f"{path.name}: instrument", expected=f"{self.instrument} > ...", found=said
            )
        tb = files.require(dataset, "TB", path)
        # A renamed file would put one algorithm or version in another's place.
        image = str(tb.attrs.get("long_name", "")).upper().split()
        release = str(dataset.attrs.get("product_version", "")).lstrip("v")[:1]
        for what, found, named in (
            ("long_name of TB", [a for a in ALGORITHMS if a in image], self.algorithm),
            ("product_version", [release] if release else [], match["version"][0]),
        ):
            if found and named not in found:
                raise FormatMismatch(f"{path.name}: {what}", expected=named, found=found[0])
        files.require(dataset, "time", path)
        day = _day(match)
        if day is not None:
            dated.require_time(dataset, number(day), path, slack=1e-6)
        epoch = str(files.require(dataset, "TB_time", path).attrs.get("units", "none"))
        if epoch.removesuffix(" 00:00:00") not in [f"{MINUTES} {d}" for d in (day, LOOSE_EPOCH)]:
            raise FormatMismatch(
                f"{path.name}: units of TB_time", expected=f"'{MINUTES} {day}'", found=repr(epoch)
            )


def _known(match: re.Match[str]) -> bool:
    """Whether a name is of a version and grid that are read, and the node of one of that grid."""
    nodes = "AD" if match["grid"] == CYLINDRICAL else "ME"
    return match["grid"] in GRIDS and match["node"] in nodes and match["version"][0] in "12"


def _require_projection(dataset: xr.Dataset, grid: str, path: Path) -> None:
    """Hold what the file says of its projection against the grid, where it says anything."""
    about = {} if "crs" not in dataset.variables else dataset["crs"].attrs
    srid = GRIDS[grid].crs.removeprefix("EPSG:")
    for name, expected in (("srid", srid), ("long_name", f"EASE2_{grid}")):
        found = str(about.get(name, expected))
        if not found.endswith(expected):
            raise GridMismatch(f"{path.name}: {name} of crs", expected=expected, found=found)


def _require_counts(dataset: xr.Dataset, path: Path) -> None:
    files.require_units(files.require(dataset, "TB", path), "K", path)
    for name, dtype in DTYPES.items():
        array, scale = dataset[name], SCALE if name == "TB" else 1.0
        stored = [_number(array.attrs.get(key)) for key in ("scale_factor", "add_offset")]
        sizes = dataset.sizes
        fits = array.dims == ("time", "y", "x") and sizes["time"] == 1
        # What is not told is NaN, and equal to nothing.
        plain = abs(stored[0] / scale - 1) <= 1e-6 and stored[1] == 0
        if not fits or array.dtype != dtype or not plain:
            raise FormatMismatch(
                f"{path.name}: {name}",
                expected=f"{dtype} (time, y, x) with one time, scale {scale:g} and offset 0",
                found=f"{array.dtype} {array.dims}, scale {stored[0]:g} and offset {stored[1]:g}",
            )


def _number(value: Any) -> float:
    """An attribute of one number; NaN where it is none."""
    numbers = np.ravel(np.asarray(value))
    return float(numbers[0]) if numbers.size == 1 and numbers.dtype.kind in "fiu" else np.nan


def _parsed(url: str) -> re.Match[str] | None:
    return next((found for name in _NAMES if (found := name.search(url))), None)


def _day(match: re.Match[str]) -> date | None:
    parts = match.groupdict()
    if parts.get("day"):
        return calendar_day(parts["day"])
    return day_of_year(int(parts["year"]), int(parts["doy"]))


@dataclass(frozen=True)
class AmsrECetb(Cetb):
    """AMSR-E brightness temperature of CETB."""

    product: ClassVar[str] = "amsre-cetb-25km"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = f"CETB of AMSR-E/Aqua, EASE-Grid 2.0 25 km ({_DATA_SET})"
    platform: ClassVar[str] = "Aqua"
    instrument: ClassVar[str] = "AMSR-E"
    frequencies: ClassVar[Mapping[str, str]] = AMSRE_FREQUENCIES


@dataclass(frozen=True)
class Amsr2Cetb(Cetb):
    """AMSR2 brightness temperature of CETB."""

    product: ClassVar[str] = "amsr2-cetb-25km"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = f"CETB of AMSR2/GCOM-W1, EASE-Grid 2.0 25 km ({_DATA_SET})"
    platform: ClassVar[str] = "GCOM-W1"
    instrument: ClassVar[str] = "AMSR2"
    frequencies: ClassVar[Mapping[str, str]] = FREQUENCIES
