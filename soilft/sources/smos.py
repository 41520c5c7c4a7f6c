"""SMOS L3 soil freeze/thaw (ESA, FMI), daily, 25 km EASE-Grid 2.0 North (Rautiainen et al. 2016).

Version 3 files hold ascending and descending passes apart (``L3FT_asc``, ``L3FT_dsc``); version 2
files one ``L3FT`` from descending passes only; the operational service names no version. Ascending
is the morning (06:00 local solar time), descending the evening (18:00). Two codings of the classes
exist, so the file's own flags decide.

The file's own quality (``quality_flag``, ``QF_asc``, ``QF_dsc``, 0 to 255) and processing mask
(``PM``, 0 to 8) are neither applied nor stored: nothing published that could be confirmed says what
their values mean, and 255 would be both a quality and a missing one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import xarray as xr

from soilft.errors import FormatMismatch, GridMismatch, MissingVariable
from soilft.geo.regrid import overlap
from soilft.grid import PRESETS, Grid
from soilft.overpass import utc_hour
from soilft.schema import FROZEN, MISSING, PARTIAL, THAWED, Coordinate, Variable
from soilft.sources import files, native_grid
from soilft.sources.labels import LOCAL_SOLAR_HOUR, label_variables
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

GRID = PRESETS["ease2-north-25km"]
# Names of the variables by overpass, of each version by its first digit.
LAYERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"2": {"PM": "L3FT"}, "3": {"AM": "L3FT_asc", "PM": "L3FT_dsc"}}
)

# The operational service leaves the version out.
_NAME = re.compile(
    r"SMOS,NH_25KM_EASE2_(?P<day>\d{8})_[a-z](?:_v(?P<version>\d{3}))?_(?P<counter>\d{2})_l3soilft\.nc$"
)


@dataclass(frozen=True)
class SmosL3Ft:
    """The freeze/thaw state of each overpass, thawed, partially frozen or frozen."""

    role: ClassVar[Role] = "label"
    product: ClassVar[str] = "smos-l3-ft"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "SMOS L3 Freeze/Thaw (ESA, FMI), doi:10.57780/sm1-fbf89e0"
    platform: ClassVar[str] = "SMOS"
    instrument: ClassVar[str] = "MIRAS"

    @property
    def overpasses(self) -> tuple[str, ...]:
        """AM is the ascending node (06:00), PM the descending one (18:00)."""
        return ("AM", "PM")

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """None."""
        return ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Label and time of observation (time, overpass, y, x)."""
        return label_variables("SMOS L3 Freeze/Thaw")

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is not one of this product."""
        match = _NAME.search(url)
        if match is None:
            return None
        text = match["day"]
        day = calendar_day(text)
        if day is None:
            return None
        version = f"{match['version'] or '000'}_{match['counter']}"
        return Granule((day,), "l3soilft", version, url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a granule: ``AM`` and ``PM`` (y, x) in the file's codes, those the file has."""
        dataset = files.open_netcdf(path, mask_and_scale=False)
        for axis, expected in (("x", GRID.x), ("y", GRID.y)):
            found = np.asarray(files.require(dataset, axis, path).values, "float64")
            if found.shape != expected.shape or np.abs(found - expected).max() > 1.0:
                raise GridMismatch(
                    path.name,
                    expected=f"{axis} {expected[0]:g}..{expected[-1]:g} m, {len(expected)} cells",
                    found=f"{found.flat[0]:g}..{found.flat[-1]:g}, {found.size} cells",
                    remedy="Is this file re-gridded?",
                )
        _require_projection(dataset, path)
        names = _layer_names(dataset, path)
        layers = {overpass: dataset[name].squeeze(drop=True) for overpass, name in names.items()}
        for layer in layers.values():
            if layer.dims != ("y", "x") or layer.dtype.kind not in "iu":
                raise FormatMismatch(
                    f"{path.name}: {layer.name}",
                    expected="integers of dimensions (y, x)",
                    found=f"{layer.dtype} of dimensions ({', '.join(map(str, layer.dims))})",
                )
            _states(layer, path)
        return files.derived(xr.Dataset(layers, attrs=dataset.attrs), dataset)

    def place(
        self,
        dataset: xr.Dataset,
        granule: Granule,
        day: date,
        grid: Grid,
    ) -> Arrays:
        """The state on the grid, (overpass, y, x), by majority of area."""
        path = Path(granule.name)
        rows, columns = native_grid.overlapping(GRID, grid, granule.name)
        weights = overlap(GRID.window(rows, columns), grid)
        state = np.full((2, *grid.shape), MISSING, "uint8")
        for i, overpass in enumerate(self.overpasses):
            if overpass not in dataset:
                continue
            with files.reading(path):
                codes = dataset[overpass].isel(y=rows, x=columns).values
            native = np.full(codes.shape, MISSING, "uint8")
            for code, meaning in _states(dataset[overpass], path).items():
                native[codes == code] = meaning
            state[i] = weights.majority(native, missing=MISSING)
        return {"freeze_thaw": state}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,
        grid: Grid,
    ) -> Arrays:
        """The one granule of the day, with the overpass's nominal time where it has a state."""
        state = max(parts, key=lambda part: part[0])[1]["freeze_thaw"]
        hour = np.stack(
            [utc_hour(LOCAL_SOLAR_HOUR[name], grid.lonlat[0]) for name in self.overpasses]
        )
        time = np.where(state != MISSING, hour, np.nan).astype("float32")
        return {"freeze_thaw": state, "observation_time": time}


def _require_projection(dataset: xr.Dataset, path: Path) -> None:
    """Refuse axes in metres of another projection, where the file names its own."""
    said = dataset["crs"].attrs if "crs" in dataset.variables else {}
    expected = {
        "grid_mapping_name": "lambert_azimuthal_equal_area",
        "latitude_of_projection_origin": 90.0,
    }
    found = {key: said[key] for key in expected if key in said}
    if any(np.ravel(value)[0] != expected[key] for key, value in found.items()):
        raise GridMismatch(
            f"{path.name}: crs",
            expected=", ".join(map(str, expected.values())),
            found=", ".join(map(str, found.values())),
        )


def _layer_names(dataset: xr.Dataset, path: Path) -> dict[str, str]:
    """Variable of each overpass that a file has, of the version that its name says, if any."""
    known = {name for names in LAYERS.values() for name in names.values()}
    present = [str(name) for name in dataset.variables if name in known]
    if not present:
        raise MissingVariable(
            path.name,
            expected="L3FT_asc, L3FT_dsc or L3FT",
            found=", ".join(map(str, dataset.variables)) or "no variables",
        )
    match = _NAME.search(path.name)
    version = match["version"] if match else None
    # Without a version in the name, as of the operational service, the layers tell it.
    allowed = LAYERS.values() if version is None else [LAYERS.get(version[0], {})]
    names = next((names for names in allowed if set(present) <= set(names.values())), None)
    if names is None:
        raise FormatMismatch(
            f"{path.name}: version",
            expected="L3FT and v2xx in the name, or L3FT_asc and L3FT_dsc and v3xx, or no version",
            found=f"{version or 'none'} with {', '.join(sorted(present))}",
        )
    return {overpass: name for overpass, name in names.items() if name in present}


def _states(layer: xr.DataArray, path: Path) -> dict[int, int]:
    """Our state of each code that the file declares; every other code is missing."""
    stored = layer.attrs.get("flag_values", [])
    values = re.findall(r"-?\d+", stored) if isinstance(stored, str) else np.ravel(stored).tolist()
    meanings = str(layer.attrs.get("flag_meanings", "")).replace(",", " ").lower().split()
    bounds = np.ravel(layer.attrs.get("valid_range", [-np.inf, np.inf]))
    fills = [
        int(np.ravel(layer.attrs[name])[0])
        for name in ("_FillValue", "missing_value")
        if name in layer.attrs
    ]
    states = {
        int(value): state
        for value, meaning in zip(values, meanings, strict=False)
        if (state := _state(meaning)) is not None
    }
    fits = (
        len(values) == len(meanings)
        and {THAWED, FROZEN} <= set(states.values())
        and all(bounds[0] <= code <= bounds[-1] for code in states)
        and not set(fills) & set(states)
    )
    if not fits:
        raise FormatMismatch(
            f"{path.name}: flags of {layer.name}",
            expected="flag_values, each in the valid range and no fill, with flag_meanings that "
            "name thaw and frozen",
            found=f"{values} {meanings}, valid {bounds.tolist()}, fill {fills}",
        )
    return states


def _state(meaning: str) -> int | None:
    if "partial" in meaning:
        return PARTIAL
    if "thaw" in meaning or re.search(r"(un|no[nt][-_]?)fr(oz|eez)", meaning):
        return THAWED
    return FROZEN if re.search(r"fr(oz|eez)", meaning) else None
