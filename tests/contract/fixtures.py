"""Files with what their formats leave open chosen one way or another, from the simulator."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio
import xarray as xr

from soilft.simulate import (
    Archive,
    native_amsr2,
    native_amsre,
    native_dem,
    native_mwri,
    native_nsidc0302,
    native_smap,
    native_smos,
    native_soilgrids,
)
from soilft.simulate.terrain import elevation

BOUNDS = (91.0, 33.0, 93.0, 35.0)
AMSRE_DAY, LATER_DAY, LATEST_DAY = date(2011, 8, 10), date(2015, 10, 29), date(2018, 10, 29)

Writer = Callable[[Path], Path]


def archive(root: Path, day: date) -> Archive:
    """Give the small archive of a day."""
    return Archive(root, BOUNDS, day, day, seed=3)


def edited(path: Path, edit: Callable[[h5py.File], None]) -> Path:
    """Change an HDF5 file in place."""
    with h5py.File(path, "r+") as file:
        edit(file)
    return path


def as_it_is(file: h5py.File) -> None:
    """Change nothing."""


def retyped(file: h5py.File, name: str, values: np.ndarray[Any, Any]) -> None:
    """Replace the values of a dataset, type and all, and keep its attributes and scales."""
    old = file[name]
    kept = {key: value for key, value in old.attrs.items() if key != "DIMENSION_LIST"}
    scales = [dim[0].name if len(dim) else None for dim in old.dims]
    del file[name]
    new = file.create_dataset(name, data=values, compression="gzip", track_times=False)
    for key, value in kept.items():
        new.attrs[key] = value
    for axis, scale in enumerate(scales):
        if scale is not None:
            new.dims[axis].attach_scale(file[scale])


def amsre(**choices: Any) -> Writer:
    """AMSR-E of JAXA, one band and node."""
    layout = replace(native_amsre.DEFAULT, **choices)

    def write(root: Path) -> Path:
        there = archive(root, AMSRE_DAY)
        (path,) = native_amsre.write(there, AMSRE_DAY, bands=["36"], nodes=["A"], layout=layout)
        return path

    return write


def rescale(file: h5py.File, scale: float) -> None:
    for letter in "HV":
        file[f"Brightness Temperature ({letter})"].attrs["SCALE FACTOR"] = np.float32(scale)


def amsr2(edit: Callable[[h5py.File], None] = as_it_is) -> Writer:
    """AMSR2, one band and node."""

    def write(root: Path) -> Path:
        paths = native_amsr2.write(archive(root, LATER_DAY), LATER_DAY)
        (path,) = (path for path in paths if "EQMA_L3SGT36" in path.name)
        return edited(path, edit)

    return write


def signed(file: h5py.File) -> None:
    """Take the same 16 bits as signed."""
    for letter in "HV":
        name = f"Brightness Temperature ({letter})"
        retyped(file, name, file[name][:].view(np.int16))


def nsidc0302(channel: str = "36V", **choices: Any) -> Writer:
    """AMSR-E of NSIDC, one channel and node."""
    compressed = choices.pop("compressed", False)
    layout = replace(native_nsidc0302.DEFAULT, **choices)

    def write(root: Path) -> Path:
        there = archive(root, AMSRE_DAY)
        paths = native_nsidc0302.write(
            there, AMSRE_DAY, bands=["36"], nodes=["A"], compressed=compressed, layout=layout
        )
        (path,) = (path for path in paths if f".{channel}" in path.name)
        return path

    return write


def mwri(
    layout: native_mwri.Layout,
    edit: Callable[[h5py.File], None] = as_it_is,
    **choices: Any,
) -> Writer:
    """One granule of MWRI."""
    chosen = replace(layout, **choices)
    day = LATEST_DAY if chosen.satellite == "FY-3D" else AMSRE_DAY

    def write(root: Path) -> Path:
        for path in native_mwri.write(archive(root, day), day, layout=chosen):
            return edited(path, edit)
        raise AssertionError("no pass over the archive")

    return write


def timeless(file: h5py.File) -> None:
    """Leave no time of the scans, nor of the granule."""
    del file["Scan_Time_and_Period"]
    for edge in ("Beginning", "Ending"):
        for part in ("Date", "Time"):
            del file.attrs[f"Observing {edge} {part}"]


def channel_last(file: h5py.File) -> None:
    name = "Calibration/EARTH_OBSERVE_BT_10_to_89GHz"
    retyped(file, name, np.moveaxis(file[name][:], 0, -1))


def smos(edit: Callable[[h5py.File], None] = as_it_is) -> Writer:
    """SMOS, version 3."""

    def write(root: Path) -> Path:
        (path,) = native_smos.write(archive(root, LATER_DAY), LATER_DAY)
        return edited(path, edit)

    return write


def classes(values: tuple[int, int, int], meanings: str) -> Callable[[h5py.File], None]:
    """Store other codes for thaw, partial and frozen, and say so in the flag attributes."""

    def edit(file: h5py.File) -> None:
        for node in ("asc", "dsc"):
            dataset = file[f"L3FT_{node}"]
            state = dataset[:]
            codes = np.full(256, 255, dtype=np.uint8)
            codes[[1, 2, 3]] = values
            dataset[:] = codes[state]
            dataset.attrs["flag_values"] = np.array(values, dtype=np.uint8)
            dataset.attrs["flag_meanings"] = np.bytes_(meanings)
            dataset.attrs["valid_range"] = np.array([min(values), max(values)], dtype=np.uint8)

    return edit


def smap(edit: Callable[[h5py.File], None] = as_it_is, **choices: Any) -> Writer:
    """SMAP."""
    layout = replace(native_smap.DEFAULT, **choices)

    def write(root: Path) -> Path:
        (path,) = native_smap.write(archive(root, LATER_DAY), LATER_DAY, layout=layout)
        return edited(path, edit)

    return write


def dem(
    dtype: str = "int16",
    nodata: float = -32768,
    *,
    upright: bool = True,
    wide: float = 1.0,
    crs: str = "EPSG:4326",
) -> Writer:
    """Elevation model with another type, void, orientation, cell or projection."""

    def write(root: Path) -> Path:
        (path,) = native_dem.write(archive(root, LATER_DAY))
        with rasterio.open(path) as file:
            grid, profile, tags = file.read(1), file.profile, file.tags()
        grid = grid.astype(dtype)
        grid[:3, :3] = nodata
        grid = grid[:, : grid.shape[1] // 2 * 2 : 2] if wide == 2 else grid
        move = profile["transform"] @ rasterio.Affine.scale(wide, 1.0)
        if not upright:
            grid = grid[::-1]
            move = move @ rasterio.Affine(1, 0, 0, 0, -1, grid.shape[0])
        profile |= {"dtype": dtype, "nodata": nodata, "transform": move, "crs": crs or None}
        profile |= {"width": grid.shape[1], "height": grid.shape[0]}
        with rasterio.open(path, "w", **profile) as file:
            file.write(grid, 1)
            file.update_tags(**tags)
        return path

    return write


def dem_netcdf(name: str = "z", *, north_first: bool = False) -> Writer:
    """Elevation model as NetCDF with one-dimensional latitude and longitude."""

    def write(root: Path) -> Path:
        domain = archive(root, LATER_DAY).domain
        lat = np.arange(30.0, 38.01, 0.1)
        lon = np.arange(88.0, 96.01, 0.1)
        high = elevation(domain, *np.meshgrid(lat, lon, indexing="ij")).astype(np.float32)
        order = slice(None, None, -1 if north_first else 1)
        field = xr.DataArray(
            high[order],
            {"lat": lat[order], "lon": lon},
            ("lat", "lon"),
            attrs={"units": "m", "long_name": "SIMULATED elevation"},
        )
        field.lat.attrs["units"], field.lon.attrs["units"] = "degrees_north", "degrees_east"
        root.mkdir(parents=True, exist_ok=True)
        path = root / "simulated_etopo.nc"
        field.to_dataset(name=name).to_netcdf(path)
        return path

    return write


def soilgrids(crs: str) -> Writer:
    """Sand of 0-5 cm, in one projection or another."""

    def write(root: Path) -> Path:
        domain = archive(root, LATER_DAY).domain
        blocks = native_soilgrids.frame(domain)
        path = root / "soilgrids" / native_soilgrids.name("sand", "0-5cm")
        grid = native_soilgrids.mapped(domain, blocks)["sand", "0-5cm"]
        native_soilgrids.save(path, grid, blocks, crs=crs, SIMULATED="true")
        return path

    return write
