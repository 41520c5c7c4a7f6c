"""Metadata of SMAP L3 freeze/thaw files: place on the grid, flags and times.

The layout was read in real files of release R19240, the meanings of ``retrieval_qual_flag`` in a
description of one (9 km). What other releases may say otherwise, and the form of the times, is
taken from the file, in either reading, and refused where it fits none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import number
from soilft.errors import FormatMismatch, GridMismatch
from soilft.grid import Grid
from soilft.projections import transformer
from soilft.sources import files
from soilft.sources.protocol import calendar_day

NO_STATE, NO_INDEX = 254, 65534

# Surface conditions with the file's own meaning of their bit, and the bit as documented.
SURFACES: Mapping[str, tuple[str, int]] = MappingProxyType(
    {
        "static_water": ("static_water_body_flag", 1 << 0),
        "high_water_fraction": ("high_static_water_body_fraction_flag", 1 << 1),
        "coast": ("coastal_proximity_flag", 1 << 2),
        "urban": ("urban_area_flag", 1 << 3),
        "precipitation": ("precipitation_flag", 1 << 4),
        "snow_or_ice": ("snow_or_ice_flag", 1 << 5),
        "permanent_snow_or_ice": ("permanent_snow_or_ice_flag", 1 << 6),
        "mountains": ("mountainous_terrain_flag", 1 << 9),
        "dense_vegetation": ("dense_vegetation_flag", 1 << 10),
        "nadir": ("nadir_region_flag", 1 << 11),
    }
)
# Meanings of ``retrieval_qual_flag`` in release R19240 that spoil a state, in small letters.
POOR = ("high_water_fraction_flag", "permanent_ice_flag", "low_scv_correlation_flag")
# Cells looked at to tell where a file lies; of larger grids every so-manieth.
_LOOKED_AT = 10**6
_CLOCK = re.compile(r"(?:(\d{4})-(\d\d)-(\d\d)T)?(\d\d):(\d\d):(\d\d(?:\.\d*)?)Z?\s*$")
# 2000-01-01 11:58:55.816 UTC, the epoch of SMAP's seconds, in hours of 1970; leap seconds since
# then, five, are less than the time of observation is good for.
_EPOCH_HOURS = 24 * number(date(2000, 1, 1)) + 11 + 58 / 60 + 55.816 / 3600


def native_window(dataset: xr.Dataset, grid: Grid, path: Path) -> Grid:
    """Cells of the declared grid that a group holds: all, or a rectangle cut out by a subsetter.

    Whatever the file says of its place must agree: axes ``y`` and ``x`` in metres, indices of
    cells, latitude and longitude where they are not -9999.

    Raises
    ------
    GridMismatch
        Where the file is flipped, shifted or of another grid, or a cut that does not say where.
    """
    names = [n for n in ("freeze_thaw", "latitude", "surface_flag") if n in dataset.variables]
    array = files.require(dataset, (names or ["freeze_thaw"])[0], path)
    shape = array.shape[-2:]
    whole = f"{grid.shape} cells of {grid.width:g} m in {grid.crs}"
    if array.ndim != 3 or any(n > limit for n, limit in zip(shape, grid.shape, strict=True)):
        raise GridMismatch(path.name, expected=f"2 x {whole}", found=f"shape {array.shape}")
    with files.reading(path):
        evidence = list(_evidence(dataset, grid, array.shape))
    if not evidence:
        if shape == grid.shape:
            return grid
        raise GridMismatch(
            path.name,
            expected=f"{whole}, or a cut that says which part it is",
            found=f"{shape} cells without x, y, index, latitude or longitude",
        )
    first = [0, 0]
    if shape != grid.shape:
        first = [round(float(np.nan_to_num(offset[0]))) for offset in evidence[0][1:]]
    for what, *offsets in evidence:
        for axis, start, offset, size, limit in zip(
            ("row", "column"), first, offsets, shape, grid.shape, strict=True
        ):
            if not (np.abs(offset - start).max() <= 0.05 and 0 <= start <= limit - size):
                raise GridMismatch(
                    path.name,
                    expected=f"{whole}, row 0 in the north, or a cut of it: {axis} 0 at one place",
                    found=f"{axis} 0 at {axis} {offset.min():.2f} to {offset.max():.2f} by {what}",
                    remedy="Is this file flipped, or re-gridded?",
                )
    rows, columns = (slice(a, a + n) for a, n in zip(first, shape, strict=True))
    return grid.window(rows, columns)


def _evidence(
    dataset: xr.Dataset, grid: Grid, shape: tuple[int, ...]
) -> Iterator[tuple[str, npt.NDArray[Any], npt.NDArray[Any]]]:
    """Where row 0 and column 0 of a group lie on the grid, by each thing that tells it."""

    def pair(rows: str, columns: str, *shapes: tuple[int, ...]) -> bool:
        here = rows in dataset.variables and columns in dataset.variables
        return here and (dataset[rows].shape, dataset[columns].shape) == shapes

    if pair("y", "x", shape[1:2], shape[2:]):
        rows, columns = fractions(grid, dataset["x"].values, dataset["y"].values)
        yield "y and x", rows - np.arange(shape[1]), columns - np.arange(shape[2])
    cells = int(np.prod(shape))
    # A step that shares no factor with the rows' length visits all columns.
    step = 1 + 2 * (cells // _LOOKED_AT)
    some = np.arange(0, cells, step)
    i, j = np.divmod(some % (shape[1] * shape[2]), shape[2])
    if pair("EASE_row_index", "EASE_column_index", shape, shape):
        rows, columns = (dataset[f"EASE_{n}_index"].values.ravel()[some] for n in ("row", "column"))
        known = (rows < NO_INDEX) & (columns < NO_INDEX)
        if known.any():
            yield "EASE index", rows[known] - 1.0 * i[known], columns[known] - 1.0 * j[known]
    if pair("latitude", "longitude", shape, shape):
        lat, lon = (dataset[n].values.ravel()[some] for n in ("latitude", "longitude"))
        told = np.flatnonzero((np.abs(lat) <= 90) & (np.abs(lon) <= 180))
        told = told[:: 1 + told.size // 20_000]
        if told.size:
            at = transformer("EPSG:4326", grid.crs).transform(
                lon[told].astype("float64"), lat[told].astype("float64")
            )
            rows, columns = fractions(grid, *(np.asarray(v) for v in at))
            yield "latitude and longitude", rows - i[told], columns - j[told]


def fractions(
    grid: Grid, x: npt.NDArray[Any], y: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Row and column of places in metres, whole numbers at centres of cells."""
    return (grid.top - y) / grid.height - 0.5, (x - grid.left) / grid.width - 0.5


def _flags(flag: xr.DataArray, path: Path) -> dict[str, int]:
    """Masks by meaning, as the file has them; empty where it has none.

    Real files write the masks as text, ``"1s, 2s, 4s"``, and begin meanings with ``36_km_``.
    """
    meanings = str(flag.attrs.get("flag_meanings", "")).lower().split()
    stored = flag.attrs.get("flag_masks", [])
    masks = re.findall(r"\d+", stored) if isinstance(stored, str) else np.ravel(stored).tolist()
    if len(meanings) != len(masks):
        raise FormatMismatch(
            f"{path.name}: flags of {flag.name}",
            expected="as many flag_masks as flag_meanings",
            found=f"{masks} for {' '.join(meanings) or 'no meanings'}",
        )
    return {
        re.sub(r"^\d+_km_", "", meaning): int(mask)
        for meaning, mask in zip(meanings, masks, strict=True)
    }


def known_flags(flag: xr.DataArray) -> npt.NDArray[np.bool_]:
    """Where a field of bits is not fill: the file's own, or all bits set but perhaps the first."""
    largest = np.iinfo(flag.dtype).max
    fill = int(np.ravel(flag.attrs.get("_FillValue", largest))[0])
    return np.asarray((flag.values < largest - 1) & (flag.values != fill))


def surface_bits(flag: xr.DataArray, path: Path) -> dict[str, int]:
    """Bit of each of `SURFACES`, by the file's own meanings; as documented where it has none.

    Raises
    ------
    FormatMismatch
        Where the file's meanings do not name one of them.
    """
    own = _flags(flag, path)
    if not own:
        return {name: bit for name, (_, bit) in SURFACES.items()}
    absent = [meaning for meaning, _ in SURFACES.values() if meaning not in own]
    if absent:
        raise FormatMismatch(
            f"{path.name}: flags of {flag.name}",
            expected=f"flag_meanings with {', '.join(absent)}",
            found=" ".join(own),
        )
    return {name: own[meaning] for name, (meaning, _) in SURFACES.items()}


def poor_bits(flag: xr.DataArray, path: Path) -> int:
    """Bits of which any is set where a retrieval is not recommended.

    Files of release R19240 name five conditions; three of them spoil a state. Whether a retrieval
    was attempted is told by the state itself, and mitigation mends one. SPL3SMP names one bit for
    the test, such as ``Retrieval_recommended``, and sets it where the test fails: so may other
    releases. Bit 0 where the file has no meanings.

    Raises
    ------
    FormatMismatch
        Where the file's meanings do not tell which bits they are.
    """
    own = _flags(flag, path)
    if not own:
        return 1
    recommended = [mask for meaning, mask in own.items() if "recommend" in meaning]
    if len(recommended) == 1:
        return recommended[0]
    absent = [meaning for meaning in POOR if meaning not in own]
    if absent or recommended:
        raise FormatMismatch(
            f"{path.name}: flags of {flag.name}",
            expected=f"one of flag_meanings that says recommended, or {', '.join(POOR)}",
            found=" ".join(own),
        )
    return sum(own[meaning] for meaning in POOR)


def require_states(array: xr.DataArray, path: Path) -> None:
    """Refuse codes other than 0 thawed, 1 frozen and fill 254, where the file tells its codes."""
    fill = int(np.ravel(array.attrs.get("_FillValue", NO_STATE))[0])
    meanings = str(array.attrs.get("flag_meanings", "")).lower().split()
    first, second = (*meanings, "", "")[:2]
    known = not meanings or ("thaw" in first and ("frozen" in second or "freez" in second))
    if fill != NO_STATE or not known:
        raise FormatMismatch(
            f"{path.name}: {array.name}",
            expected=f"0 thawed, 1 frozen, fill {NO_STATE}",
            found=f"{' '.join(meanings) or 'no meanings'}, fill {fill}",
        )


def utc_hours(values: npt.NDArray[Any], day: date, thing: str) -> npt.NDArray[np.float64]:
    """Hours since 00:00 UTC of a day, shape (n,) like the input; NaN where no time is told.

    Two forms of text, with and without the date, and two of seconds, since SMAP's epoch and since
    the day began.
    """
    if values.dtype.kind == "f":
        told = values > 0
        since_epoch = _EPOCH_HOURS + values / 3600 - 24 * number(day)
        hours = np.where(values > 1e8, since_epoch, values / 3600)
    else:
        texts = [text(value).strip(" \0") for value in values]
        told = np.array([bool(item) for item in texts], "bool")
        hours = np.array([_clock_hours(item, day) for item in texts], "float64")
    fits = told & (hours >= -3) & (hours <= 27)
    if told.any() and not fits.any():
        raise FormatMismatch(
            thing,
            expected=f"times of {day} as hh:mm:ss or seconds",
            found=text(values[told]),
        )
    return np.where(fits, hours, np.nan)


def _clock_hours(text: str, day: date) -> float:
    match = _CLOCK.match(text)
    if match is None:
        return np.nan
    stamped = calendar_day("".join(match.groups()[:3])) if match[1] else day
    if stamped is None:
        return np.nan
    clock = int(match[4]) + int(match[5]) / 60 + float(match[6]) / 3600
    return 24 * (number(stamped) - number(day)) + clock


def text(value: object) -> str:
    """First item of an attribute or array, as text."""
    item = np.ravel(np.asarray(value))[0]
    return item.decode() if isinstance(item, bytes) else str(item)
