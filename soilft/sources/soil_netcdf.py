"""Soil of Beijing Normal University: China (Shangguan et al. 2013) and the world (GSDE, 2014).

NetCDF, a file a property, (depth, lat, lon) of 30 arc-seconds; the world's is cut into four upper
and four lower layers. The first three end at 4.5, 9.1 and 16.6 cm. Which way latitude runs is told
by the axis. Where a file has no ``scale_factor``, bulk density and carbon count in hundredths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.errors import FormatMismatch, GridMismatch, InputError, MissingVariable
from soilft.geo.regrid import Part
from soilft.grid import Grid
from soilft.sources import files, native_grid, raster
from soilft.sources.protocol import Arrays, Granule
from soilft.sources.soil import (
    CELLS_A_DEGREE,
    UpperSoil,
    averaged,
    require_plausible,
)

# Lower edges of the layers, cm, and how much of each lies within 0..10 cm.
BOTTOMS = (4.5, 9.1, 16.6)
THICKNESS = (4.5, 4.6, 0.9)
# Organic matter is taken to be 58 % carbon (van Bemmelen).
CARBON_OF_MATTER = 0.58
# How the names of the dimensions begin, in small letters.
_DIMS = (("depth",), ("lat", "y"), ("lon", "x"))
_PERCENT = ("%", "percent", "g/100g", "%ofweight", "%ofvolume", "percentofweight")
_DENSITY = ("g/cm3", "g/cm^3", "gcm-3", "g/cm**3")


@dataclass(frozen=True)
class Layered:
    """How a file holds a property.

    Parameters
    ----------
    name
        Of the property.
    units
        What its ``units`` may say, blanks and case aside; files without are taken at their word.
    factor
        Our units by value in the file's.
    packed
        Value by stored number, where the file has no ``scale_factor``.
    """

    name: str
    units: tuple[str, ...]
    factor: float = 1.0
    packed: float = 1.0


@dataclass(frozen=True)
class LayeredSoil(UpperSoil):
    """Means over the top 10 cm of soil, weighted by thickness; subclasses say of which files."""

    product: ClassVar[str]
    references: ClassVar[str]
    properties: ClassVar[Mapping[str, Layered]]
    # Of the file names, after the name of the variable.
    ending: ClassVar[str]

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is no property that is needed."""
        variable = self._variable(url.rsplit("/", 1)[-1])
        return None if variable is None else Granule((), variable, "", url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a property (layer, y, x) as stored, north up; its `Grid` is ``attrs["grid"]``.

        The variable's attribute ``factor`` makes values in our units of it.
        """
        variable = self._variable(path.name)
        if variable is None:
            known = ", ".join(f"{v}{self.ending}.nc" for v in self.properties)
            raise FormatMismatch(path.name, expected=f"one of {known}", found=path.name)
        dataset = files.open_netcdf(path, most_bytes=files.MAX_MAP_BYTES)
        try:
            layers, grid = _layers(dataset, variable, self.properties[variable], path)
        except InputError:
            dataset.close()
            raise
        attributes = {**dataset.attrs, "grid": grid, "name": path.name}
        name = self.properties[variable].name
        return files.derived(xr.Dataset({name: layers}, attrs=attributes), dataset)

    def place(self, tiles: Sequence[tuple[Granule, xr.Dataset]], grid: Grid) -> Arrays:
        """Soil of each cell of a grid, float32 (y, x), missing where less than half has any."""
        opened = {granule.slot: dataset for granule, dataset in tiles}
        absent = [f"{v}{self.ending}.nc" for v in self.properties if v not in opened]
        if absent or len(tiles) != len(opened):
            raise MissingVariable(
                f"{self.product} ({len(tiles)} files)",
                expected=", ".join(absent) or "one file of each property",
                found=", ".join(sorted(granule.name for granule, _ in tiles)) or "no file",
            )
        layers = {
            layered.name: [
                raster.Tile(
                    str(opened[variable].attrs["name"]),
                    opened[variable][layered.name][layer],
                    opened[variable].attrs["grid"],
                )
                for layer in range(len(BOTTOMS))
            ]
            for variable, layered in self.properties.items()
        }
        whole = raster.mosaic([tile for tiles in layers.values() for tile in tiles])

        def cells(around: Part) -> Iterator[tuple[str, npt.NDArray[Any]]]:
            for name, tiles in layers.items():
                total = np.zeros(around.shape)
                for tile, thickness in zip(tiles, THICKNESS, strict=True):
                    part = whole.only(tile).read_part(around)
                    _require_packed(part, tile)
                    total += thickness * np.where(part >= 0, part, np.nan)
                yield name, tiles[0].cells.attrs["factor"] * total / sum(THICKNESS)

        values = averaged(whole, grid, cells)
        names = {name: tiles[0].name for name, tiles in layers.items()}
        stored = {layered.name: layered.units[0] for layered in self.properties.values()}
        require_plausible(values, names, stored)
        return values

    def _variable(self, name: str) -> str | None:
        match = re.fullmatch(rf"([A-Z]+){self.ending}\.nc", name)
        return match[1] if match is not None and match[1] in self.properties else None


def _layers(
    dataset: xr.Dataset, variable: str, layered: Layered, path: Path
) -> tuple[xr.DataArray, Grid]:
    """The layers of the top 10 cm, lazily, north up, and their grid."""
    array = files.require(dataset, variable, path)
    dims = tuple(str(dim).lower() for dim in array.dims)
    named = [any(map(dim.startswith, known)) for dim, known in zip(dims, _DIMS, strict=False)]
    if len(dims) != 3 or not all(named) or array.shape[0] < len(BOTTOMS):
        raise FormatMismatch(
            f"{path.name}: {variable}",
            expected=f"dimensions (depth, lat, lon) with {len(BOTTOMS)} layers or more",
            found=", ".join(f"{dim} {size}" for dim, size in array.sizes.items()),
        )
    _require_depths(dataset, str(array.dims[0]), path)
    said = re.sub(r"\s", "", str(array.attrs.get("units", "")).lower())
    if said and said not in layered.units:
        raise FormatMismatch(
            f"{path.name}: units of {variable}", expected=repr(layered.units[0]), found=repr(said)
        )
    lat, lon = (files.require(dataset, str(dim), path).values for dim in array.dims[1:])
    if lat[0] < lat[-1]:
        array, lat = array[:, ::-1], lat[::-1]
    grid = native_grid.even_grid(lat, lon, path)
    if max(abs(1 / side - CELLS_A_DEGREE) for side in (grid.width, grid.height)) > 0.05:
        raise GridMismatch(
            path.name,
            expected=f"{CELLS_A_DEGREE} cells a degree",
            found=f"{1 / grid.height:.6g} x {1 / grid.width:.6g}",
        )
    # Axes written as float32 are off by a share of a cell at their far end.
    side = 1 / CELLS_A_DEGREE
    left, top = round(grid.left / side) * side, round(grid.top / side) * side
    if max(abs(left - grid.left), abs(top - grid.top)) > 0.1 * side:
        left, top = grid.left, grid.top
    grid = Grid(grid.crs, left, top, side, side, grid.shape)
    packed = 1.0 if "scale_factor" in array.encoding else layered.packed
    about = {"factor": packed * layered.factor, "packed": packed}
    bare = array.drop_vars(list(array.coords)).rename(
        dict(zip(array.dims, ("layer", "y", "x"), strict=True))
    )
    return bare[: len(BOTTOMS)].assign_attrs(about), grid


def _require_packed(stored: npt.NDArray[Any], tile: raster.Tile) -> None:
    """Refuse fractions where hundredths are counted: they are the values themselves.

    Carbon would be a hundredth of what it is, and still plausible.
    """
    known = stored[stored >= 0]
    if tile.cells.attrs["packed"] != 1 and (known != np.rint(known)).any():
        raise FormatMismatch(
            tile.name,
            expected="whole numbers of hundredths, or a scale_factor",
            found=f"{known[known != np.rint(known)][0]:g}",
            remedy="Set scale_factor = 1.0 where the values are stored as they are.",
        )


def _require_depths(dataset: xr.Dataset, dim: str, path: Path) -> None:
    """Hold the axis of depth against the layers' lower edges, in cm or m, where there is one."""
    if dim not in dataset.variables:
        return
    depth = np.asarray(dataset[dim].values, "float64")[: len(BOTTOMS)]
    if not any(np.allclose(depth * factor, BOTTOMS, atol=0.2) for factor in (1.0, 100.0)):
        raise FormatMismatch(
            f"{path.name}: {dim}",
            expected=f"layers that end at {', '.join(map(str, BOTTOMS))} cm",
            found=", ".join(f"{d:g}" for d in depth),
            remedy="Are these the upper layers?",
        )


@dataclass(frozen=True)
class Gsde(LayeredSoil):
    """The Global Soil Dataset for Earth System Modeling, upper layers."""

    product: ClassVar[str] = "gsde"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = "GSDE (Shangguan et al. 2014), doi:10.1002/2013MS000293"
    ending: ClassVar[str] = "1"
    properties: ClassVar[Mapping[str, Layered]] = MappingProxyType(
        {
            "SAND": Layered("sand", _PERCENT),
            "SILT": Layered("silt", _PERCENT),
            "CLAY": Layered("clay", _PERCENT),
            "BD": Layered("bulk_density", _DENSITY, packed=0.01),
            "OC": Layered("organic_carbon", _PERCENT, 10.0, 0.01),
        }
    )


@dataclass(frozen=True)
class ChinaSoil(LayeredSoil):
    """The China dataset of soil properties for land surface modelling."""

    product: ClassVar[str] = "china-soil-bnu"
    version: ClassVar[str] = "0.3.0"
    references: ClassVar[str] = "China soil (Shangguan et al. 2013), doi:10.1002/jame.20026"
    ending: ClassVar[str] = ""
    properties: ClassVar[Mapping[str, Layered]] = MappingProxyType(
        {
            "SA": Layered("sand", _PERCENT),
            "SI": Layered("silt", _PERCENT),
            "CL": Layered("clay", _PERCENT),
            "BD": Layered("bulk_density", _DENSITY, packed=0.01),
            "SOM": Layered("organic_carbon", _PERCENT, 10 * CARBON_OF_MATTER, 0.01),
        }
    )
