"""Metadata of MWRI L1 files: instrument, layout, scale, places and times.

FY-3B files hold everything in the root, FY-3C and FY-3D files in groups that were renamed once, so
variables are found by their own name. FY-3F and FY-3G files, with the channel last and several
swaths, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from soilft.errors import FormatMismatch, GridMismatch, MissingVariable
from soilft.sources import mwri_time

# Names of satellites in file names and in the files, with the local solar hour of their descending
# node: satellites of one source must pass together, for their pixels are averaged.
SATELLITES: Mapping[str, tuple[str, float]] = MappingProxyType(
    {"FY3B": ("FY-3B", 1.7), "FY3C": ("FY-3C", 10.0), "FY3D": ("FY-3D", 1.7)}
)
CHANNELS = tuple(f"{f}{p}" for f in ("10.65", "18.7", "23.8", "36.5", "89.0") for p in "VH")
TB = "EARTH_OBSERVE_BT_10_to_89GHz"
# With the usual slope and intercept this count would be 317.69 K: it must go before scaling.
INVALID = -999
NO_PLACE = 65535
VALID_KELVIN = (50.0, 400.0)
# Of less latitude than this along a granule, the direction of the orbit cannot be told.
_DIRECTION_DEGREES = 10.0


def opened(file: h5py.File, satellite: str, node: str, start: datetime, path: Path) -> xr.Dataset:
    """Brightness temperature, places and times of an open file, lazily; see `MwriL1.read`.

    Parameters
    ----------
    satellite, node, start
        As the file's name has them.

    Raises
    ------
    InputError
        Where the file is not what its name says, or not of the layout declared here.
    """
    attributes = {name.replace("_", " "): _text(value) for name, value in file.attrs.items()}
    _require_instrument(attributes, satellite, path)
    found = _by_name(file)
    tb = _one(found, TB, path)
    scans, pixels = _require_shape(tb, path)
    slope, intercept = _scale(tb, path)
    kelvin = _Decoded(tb, slope, intercept, (INVALID,), VALID_KELVIN)
    lazy = {"tb": _variable(("channel", "scan", "pixel"), kelvin, "K")}
    for name, leaf, limit, units in (
        ("lat", "Latitude", 90.0, "degrees_north"),
        ("lon", "Longitude", 180.0, "degrees_east"),
    ):
        place = _one(found, leaf, path)
        if place.shape != (scans, pixels):
            raise GridMismatch(
                f"{path.name}: {leaf}", expected=str((scans, pixels)), found=str(place.shape)
            )
        array = _Decoded(place, *_place_scale(place), (NO_PLACE, INVALID), (-limit, limit))
        lazy[name] = _variable(("scan", "pixel"), array, units)
    time = _times(found, attributes, start, scans, path)
    lazy["time"] = xr.Variable(("scan",), time, {"units": "seconds since 1970-01-01"})
    dataset = xr.Dataset(lazy, attrs={k: v for k, v in attributes.items() if v})
    _require_direction(dataset["lat"], node, path)
    return dataset


def _variable(dims: tuple[str, ...], array: BackendArray, units: str) -> xr.Variable:
    return xr.Variable(dims, indexing.LazilyIndexedArray(array), {"units": units})


def _require_instrument(attributes: Mapping[str, str], satellite: str, path: Path) -> None:
    expected = SATELLITES[satellite][0]
    found = attributes.get("Satellite Name", "none")
    if found.upper().replace("-", "") != expected.replace("-", ""):
        raise FormatMismatch(f"{path.name}: Satellite Name", expected=expected, found=found)
    sensor = " ".join(
        attributes[name]
        for name in ("Sensor Identification Code", "Sensor Name")
        if attributes.get(name)
    )
    if re.search(r"[A-Za-z]", sensor) and not re.search(
        r"MWRI|micro.?wave.*imag", sensor, re.IGNORECASE
    ):
        raise FormatMismatch(f"{path.name}: Sensor Name", expected="MWRI", found=sensor)


def _by_name(file: h5py.File) -> dict[str, list[h5py.Dataset]]:
    """Every dataset of a file, by its own name without its groups, in lower case."""
    found: dict[str, list[h5py.Dataset]] = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found.setdefault(name.rsplit("/", 1)[-1].lower(), []).append(item)

    file.visititems(collect)
    return found


def _one(found: Mapping[str, list[h5py.Dataset]], name: str, path: Path) -> h5py.Dataset:
    items = found.get(name.lower(), [])
    if not items:
        every = sorted(str(item.name) for some in found.values() for item in some)
        raise MissingVariable(path.name, expected=name, found=", ".join(every) or "no variables")
    if len(items) > 1:
        raise FormatMismatch(
            path.name,
            expected=f"one {name}",
            found=", ".join(str(item.name) for item in items),
            remedy="Several swaths in one file are the layout of FY-3F and FY-3G.",
        )
    return items[0]


def _require_shape(tb: h5py.Dataset, path: Path) -> tuple[int, int]:
    channels = len(CHANNELS)
    if tb.ndim == 3 and tb.shape[0] == channels:
        return int(tb.shape[1]), int(tb.shape[2])
    last = tb.ndim == 3 and tb.shape[2] == channels
    raise GridMismatch(
        f"{path.name}: {TB}",
        expected=f"({channels}, scans, pixels), the channel first",
        found=f"{tb.shape}{', the channel last' if last else ''}",
        remedy="The channel is last in files of FY-3F and FY-3G." if last else "",
    )


def _scale(tb: h5py.Dataset, path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Slope and intercept, of one number or one a channel each."""
    slope, intercept = (_numbers(tb, name) for name in ("Slope", "Intercept"))
    slope = np.where(slope == 0, 1.0, slope)  # files write 0 where they mean "as it is"
    sized = all(values.size in (1, len(CHANNELS)) for values in (slope, intercept))
    if tb.dtype.newbyteorder("=") == np.int16 and sized and np.all((slope >= 1e-3) & (slope <= 1)):
        low, high = ((kelvin - intercept) / slope for kelvin in VALID_KELVIN)
        if np.all((low >= -(2**15)) & (high < 2**15)):
            return slope, intercept
    raise FormatMismatch(
        f"{path.name}: {TB}",
        expected="int16 with Slope 0.01 and Intercept 327.68, or others that reach 50 to 400 K",
        found=f"{tb.dtype} with Slope {slope.tolist()} and Intercept {intercept.tolist()}",
    )


def _place_scale(place: h5py.Dataset) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    slope, intercept = (_numbers(place, name) for name in ("Slope", "Intercept"))
    if slope.size != 1 or intercept.size != 1 or place.dtype.kind == "f":
        return np.ones(1), np.zeros(1)
    return np.where(slope == 0, 1.0, slope), intercept


def _numbers(item: h5py.Dataset, name: str) -> npt.NDArray[np.float64]:
    """A numeric attribute, flat; empty where there is none."""
    try:
        return np.ravel(np.asarray(item.attrs.get(name, []), "float64"))
    except (TypeError, ValueError):
        return np.empty(0)


def _text(value: object) -> str:
    """An attribute as text, padding removed; empty where it is not a single one."""
    items = np.ravel(np.asarray(value))
    if items.size != 1:
        return ""
    item = items[0]
    text = item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)
    return text.strip("\0 ")


def _times(
    found: Mapping[str, list[h5py.Dataset]],
    attributes: Mapping[str, str],
    start: datetime,
    scans: int,
    path: Path,
) -> npt.NDArray[np.float64]:
    period = mwri_time.stated_period(attributes, start, path.name)
    tables = {}
    for name in ("Scan_Daycnt", "Scan_Mscnt", "Scan_Time_and_Period"):
        if name.lower() not in found:
            continue
        item = _one(found, name, path)
        columns = mwri_time.table(item[()], scans)
        if columns is None:
            raise GridMismatch(
                f"{path.name}: {name}", expected=f"{scans} scans", found=str(item.shape)
            )
        unit = _numbers(item, "Slope")
        scale = float(unit[0]) if unit.size == 1 and unit[0] != 0 else 1.0
        tables[name] = scale * columns
    readings: list[tuple[str, npt.NDArray[np.float64]]] = []
    if {"Scan_Daycnt", "Scan_Mscnt"} <= set(tables):
        # Some files have the deviation of the time in a second column.
        days, clock = tables["Scan_Daycnt"][:, 0], tables["Scan_Mscnt"][:, 0]
        readings += mwri_time.from_counters(days, clock)
    elif "Scan_Time_and_Period" in tables:
        readings += mwri_time.from_columns(tables["Scan_Time_and_Period"], period)
    shown = "; ".join(f"{name} from {t[0].tolist()}" for name, t in tables.items() if len(t))
    times = mwri_time.fitting(readings, period, path.name, shown)
    return mwri_time.evenly(period, scans, path.name) if times is None else times


def _require_direction(lat: xr.DataArray, node: str, path: Path) -> None:
    """Hold the node of the name against the way the latitude goes from scan to scan."""
    if not lat.size:
        return
    along = lat.isel(pixel=lat.sizes["pixel"] // 2).values
    along = along[np.isfinite(along)]
    if not along.size:
        return
    rise = float(along[-1] - along[0])
    if abs(rise) > _DIRECTION_DEGREES and (rise > 0) != (node == "A"):
        raise FormatMismatch(
            f"{path.name}: direction of the orbit",
            expected="latitude that rises" if node == "A" else "latitude that falls",
            found=f"{along[0]:.1f} to {along[-1]:.1f} degrees",
            remedy="Is the file named for the other node, or are its scans reversed?",
        )


class _Decoded(BackendArray):
    """Counts of an HDF5 dataset as float32, read and scaled where they are asked for.

    CF's decoding knows one scale for all channels; these files may have one a channel.
    """

    def __init__(
        self,
        counts: h5py.Dataset,
        slope: npt.NDArray[Any],
        intercept: npt.NDArray[Any],
        missing: tuple[int, ...],
        valid: tuple[float, float],
    ) -> None:
        self.counts, self.missing, self.valid = counts, missing, valid
        self.slope, self.intercept = (
            np.broadcast_to(a, counts.shape[:1]) if a.size > 1 else a for a in (slope, intercept)
        )
        self.shape, self.dtype = counts.shape, np.dtype("float32")

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[int | slice, ...]) -> npt.NDArray[np.float32]:
        counts = np.asarray(self.counts[key])
        slope = self._along(self.slope, key[0], counts.ndim)
        intercept = self._along(self.intercept, key[0], counts.ndim)
        values = counts * slope + intercept
        bad = np.isin(counts, self.missing)
        with np.errstate(invalid="ignore"):
            bad |= ~((values >= self.valid[0]) & (values <= self.valid[1]))
        return np.where(bad, np.nan, values).astype("float32")

    @staticmethod
    def _along(scale: npt.NDArray[Any], first: int | slice, dims: int) -> npt.NDArray[Any]:
        if scale.size == 1:
            return np.asarray(scale.ravel()[0])
        part = np.asarray(scale[first])
        return part.reshape(-1, *[1] * (dims - 1)) if part.ndim else part
