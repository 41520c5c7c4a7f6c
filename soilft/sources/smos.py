"""SMOS L3 soil freeze/thaw (ESA, FMI), daily, 25 km EASE-Grid 2.0 North (Rautiainen et al. 2016).

Version 3 files hold ascending and descending passes apart (``L3FT_asc``, ``L3FT_dsc``); version 2
files one ``L3FT`` from descending passes only. Ascending is the morning (06:00 local solar time),
descending the evening (18:00). Two codings of the classes exist, so the file's own flags decide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import FormatMismatch, GridMismatch, MissingVariable
from soilft.grid import PRESETS, Grid
from soilft.labels import label_variables
from soilft.overpass import utc_hour
from soilft.regrid import overlap
from soilft.schema import FROZEN, MISSING, PARTIAL, THAWED, Coordinate, Variable
from soilft.sources import files
from soilft.sources.protocol import Arrays, Granule, Role, calendar_day

GRID = PRESETS["ease2-north-25km"]
LOCAL_SOLAR_HOUR = {"AM": 6.0, "PM": 18.0}
# Names of the variables by overpass: version 3 first, then version 2.
LAYERS = {"AM": ("L3FT_asc",), "PM": ("L3FT_dsc", "L3FT")}

_NAME = re.compile(r"SMOS,NH_25KM_EASE2_(?P<day>\d{8})_\w_v(?P<version>\d{3}_\d{2})_l3soilft\.nc$")


@dataclass(frozen=True)
class SmosL3Ft:
    """The freeze/thaw state of each overpass, thawed, partially frozen or frozen."""

    role: ClassVar[Role] = "label"
    product: ClassVar[str] = "smos-l3-ft"
    references: ClassVar[str] = "SMOS L3 Freeze/Thaw (ESA, FMI), doi:10.57780/sm1-fbf89e0"

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
        return Granule((day,), "l3soilft", match["version"], url)

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
        layers = {
            overpass: dataset[name].squeeze(drop=True)
            for overpass, names in LAYERS.items()
            for name in names
            if name in dataset.variables
        }
        if not layers:
            raise MissingVariable(
                path.name,
                expected="L3FT_asc, L3FT_dsc or L3FT",
                found=", ".join(map(str, dataset.variables)),
            )
        for layer in layers.values():
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
        rows, columns = files.overlapping(GRID, grid, granule.name)
        weights = overlap(GRID.window(rows, columns), grid)
        state = np.full((2, *grid.shape), MISSING, "uint8")
        for i, overpass in enumerate(self.overpasses):
            if overpass not in dataset:
                continue
            lookup = _states(dataset[overpass], path)
            part = dataset[overpass].isel(y=rows, x=columns)
            with files.reading(path):
                codes = part.values
            state[i] = weights.majority(lookup[codes.astype("uint8")], missing=MISSING)
        return {"freeze_thaw": state}

    def combine(
        self,
        parts: Sequence[tuple[Granule, Arrays]],
        day: date,
        grid: Grid,
    ) -> Arrays:
        """The one granule of the day, with the overpass's nominal time where it has a state."""
        state = parts[-1][1]["freeze_thaw"]
        hour = np.stack(
            [utc_hour(LOCAL_SOLAR_HOUR[name], grid.lonlat[0]) for name in self.overpasses]
        )
        time = np.where(state != MISSING, hour, np.nan).astype("float32")
        return {"freeze_thaw": state, "observation_time": time}


def _states(layer: xr.DataArray, path: Path) -> npt.NDArray[np.uint8]:
    """Our state for each of the file's 256 codes, from its flag attributes."""
    values = np.atleast_1d(layer.attrs.get("flag_values", [])).tolist()
    meanings = str(layer.attrs.get("flag_meanings", "")).replace(",", " ").lower().split()
    lookup = np.full(256, MISSING, "uint8")
    found = set()
    for value, meaning in zip(values, meanings, strict=False):
        if "partial" in meaning:
            state = PARTIAL
        elif "thaw" in meaning or "unfrozen" in meaning:
            state = THAWED
        elif "frozen" in meaning or "freez" in meaning:
            state = FROZEN
        else:
            continue
        lookup[int(value)] = state
        found.add(state)
    if not {THAWED, FROZEN} <= found:
        raise FormatMismatch(
            f"{path.name}: flags of {layer.name}",
            expected="flag_values with flag_meanings that name thaw and frozen",
            found=f"{values} {meanings}",
        )
    return lookup
