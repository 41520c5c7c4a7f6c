"""NetCDF-4 export of some days of a cube, for tools that read no Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from soilft.cube import attributes
from soilft.days import DaySpan, day_of
from soilft.errors import StoreError
from soilft.store import zarr as store

# CF sections 2.5.1 and 3.5: of the type of the values as stored.
_OF_THE_VARIABLE = ("flag_values", "flag_masks", "valid_range", "valid_min", "valid_max")


def export(cube: str, path: Path, days: DaySpan | None = None) -> DaySpan:
    """Write days of a cube, stored values and attributes as they are, and give those days.

    The file appears whole or not at all.

    Parameters
    ----------
    cube
        URL of a cube.
    days
        All days where left out.

    Raises
    ------
    StoreError
        Where there is no cube, or it is damaged, or does not hold all of the days, or no folder
        for the file.
    """
    if not path.parent.is_dir():
        raise StoreError(str(path), expected="a folder that is there", found="none")
    stored = store.open_stored(cube)
    numbers = np.asarray(stored["time"].values)
    whole = DaySpan(day_of(numbers[0]), day_of(numbers[-1]))
    span = days or whole
    if span.first < whole.first or span.last > whole.last:
        raise StoreError(cube, expected=f"days within {whole}", found=str(span))
    part = stored.isel(time=span.within(whole))
    part.attrs = {
        **attributes.for_netcdf(stored.attrs),
        **attributes.time_coverage(span),
        "history": f"{stored.attrs['history']}\nexported as NetCDF: days {span}",
    }
    for variable in part.variables.values():
        variable.attrs = {key: _typed(variable, key) for key in variable.attrs}
    partial = path.with_name(f"{path.name}.partial")
    with store.damage_named(cube):
        part.to_netcdf(
            partial,
            engine="netcdf4",
            format="NETCDF4",
            encoding={str(name): _encoding(part[name]) for name in part.variables},
        )
    partial.replace(path)
    return span


def _typed(variable: xr.Variable, key: str) -> Any:
    value = variable.attrs[key]
    return np.asarray(value, variable.dtype) if key in _OF_THE_VARIABLE else value


def _encoding(array: xr.DataArray) -> dict[str, Any]:
    if {"time", "y", "x"} <= set(array.dims):
        chunk = tuple(1 if dim == "time" else size for dim, size in array.sizes.items())
        return {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": chunk}
    # No fill: coordinates have no missing values, CF section 2.5.1.
    return {"_FillValue": None}
