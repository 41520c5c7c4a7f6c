"""SoilGrids 2.0 (Poggio et al. 2021): texture, bulk density and organic carbon of the top 10 cm.

Each file is one property at one depth: the mean prediction, int16 in mapped units, 250 m cells in
Interrupted Goode Homolosine. The files carry no version of their own that could be checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyproj
import xarray as xr

from soilft.blocks import blocks
from soilft.errors import FormatMismatch, GridMismatch, InputError, MissingVariable
from soilft.grid import Grid, transformer
from soilft.regrid import Part, overlap_of_parts
from soilft.schema import Variable, measured
from soilft.sources import raster, vrt
from soilft.sources.protocol import Arrays, Granule, Role

# What the files' own WKT amounts to; the code that some of them name is unknown to PROJ.
HOMOLOSINE = "+proj=igh +datum=WGS84 +units=m +no_defs"
CELL = 250.0
NODATA = -32768
# Thickness within 0..10 cm: all of the upper layer, and the upper half of the lower.
THICKNESS: Mapping[str, float] = MappingProxyType({"0-5cm": 5.0, "5-15cm": 5.0})
# Sand, silt and clay share out the fine earth, percent.
WHOLE, TOLERANCE = 100.0, 5.0
# Native cells computed at once, and the memory that each takes meanwhile.
CELLS_AT_ONCE = 2**21
BYTES_A_CELL = 90

_NAME = re.compile(
    r"(?:^|/)(?P<code>sand|silt|clay|bdod|soc)_(?P<depth>0-5cm|5-15cm)_mean\.(?:tiff?|vrt)$"
)


@dataclass(frozen=True)
class Property:
    """One property: what the files hold, and what is made of it.

    Parameters
    ----------
    mapped
        Units of the stored integers.
    divisor
        Stored value by value in ``units`` (ISRIC's "conversion factor").
    plausible
        Lowest and highest mean of a cell, in ``units``.
    """

    name: str
    long_name: str
    mapped: str
    divisor: float
    units: str
    plausible: tuple[float, float]


PROPERTIES: Mapping[str, Property] = MappingProxyType(
    {
        "sand": Property("sand", "sand, of fine earth", "g/kg", 10, "%", (0, 100)),
        "silt": Property("silt", "silt, of fine earth", "g/kg", 10, "%", (0, 100)),
        "clay": Property("clay", "clay, of fine earth", "g/kg", 10, "%", (0, 100)),
        "bdod": Property(
            "bulk_density", "bulk density of fine earth", "cg/cm3", 100, "g cm-3", (0.05, 2.65)
        ),
        "soc": Property(
            "organic_carbon", "organic carbon of fine earth", "dg/kg", 10, "g kg-1", (0, 1000)
        ),
    }
)
SLOTS = tuple(f"{code}_{depth}_mean" for code in PROPERTIES for depth in THICKNESS)


@dataclass(frozen=True)
class SoilGrids:
    """Means over the top 10 cm of soil, weighted by thickness.

    Organic carbon too is weighted by thickness, not by mass: the mean content of the layer, not the
    content of its mixed soil.
    """

    role: ClassVar[Role] = "static"
    product: ClassVar[str] = "soilgrids-2.0"
    references: ClassVar[str] = "SoilGrids 2.0 (ISRIC), CC BY 4.0, doi:10.5194/soil-7-217-2021"

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Soil of each cell (y, x)."""
        return tuple(
            measured(p.name, ("y", "x"), p.units, f"{p.long_name}, mean of 0-10 cm depth")
            for p in PROPERTIES.values()
        )

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is no layer that is needed."""
        match = _NAME.search(url)
        if match is None:
            return None
        return Granule((), f"{match['code']}_{match['depth']}_mean", "", url)

    def read(self, path: Path) -> xr.Dataset:
        """Open a layer: its property (y, x) in our units; its `Grid` is ``attrs["grid"]``."""
        match = _NAME.search(path.name)
        if match is None:
            raise FormatMismatch(path.name, expected=f"a name like {SLOTS[0]}.tif", found=path.name)
        prop = PROPERTIES[match["code"]]
        if path.suffix == ".vrt":
            vrt.require_local_tiles(path)
            header, manager = raster.open_band(path, "VRT", "a whole VRT")
        else:
            header, manager = raster.open_band(path, "GTiff", "a whole GeoTIFF")
        try:
            grid = _grid(header, path)
            _require_mapped(header, prop, path)
        except InputError:
            manager.close()
            raise
        cells = raster.lazy(manager, header, (NODATA,), 1 / prop.divisor)
        dataset = xr.Dataset(
            {prop.name: cells.assign_attrs(units=prop.units)},
            attrs={
                "grid": grid,
                "name": path.name,
                "simulated": str(header.tags.get("SIMULATED", "false")).lower(),
            },
        )
        dataset.set_close(manager.close)
        return dataset

    def place(self, tiles: Sequence[tuple[Granule, xr.Dataset]], grid: Grid) -> Arrays:
        """Soil of each cell of a grid, float32 (y, x).

        A target cell's value is the mean of the native cells whose centres lie in it and that are
        known at both depths; it is missing where that is less than half of them.
        """
        layers = _layers(tiles)
        whole = raster.mosaic(list(layers.values()))
        alone = {slot: whole.only(tile) for slot, tile in layers.items()}
        values = {v.name: np.full(grid.shape, np.nan, "float32") for v in self.variables}
        reached = False
        for around, part in _blocks(whole, grid):
            reached = True
            weights = overlap_of_parts(around, part, interrupted=True)
            rows, columns = (slice(i[0], i[-1] + 1) for i in (part.rows, part.columns))
            for code, prop in PROPERTIES.items():
                values[prop.name][rows, columns] = weights.mean(_top_soil(alone, code, around))
        if not reached:
            raise GridMismatch(
                whole.tiles[0].name,
                expected="a layer that covers some of the region",
                found=str(whole.grid.geobox.boundingbox),
            )
        _require_plausible(values, layers)
        return values

    def peak_bytes(self, sizes: Sequence[int], grid: Grid) -> int:
        """Memory that one block takes, with GDAL's cache, a decoded block and the results."""
        fields = 4 * len(PROPERTIES) * grid.shape[0] * grid.shape[1]
        own = CELLS_AT_ONCE * BYTES_A_CELL
        return own + raster.CACHE_BYTES + raster.MAX_BLOCK_BYTES + 4 * fields


def _layers(tiles: Sequence[tuple[Granule, xr.Dataset]]) -> dict[str, raster.Tile]:
    """Every layer by its slot, complete."""
    layers: dict[str, raster.Tile] = {}
    for granule, dataset in tiles:
        if granule.slot in layers:
            raise FormatMismatch(
                granule.name, expected=f"one file of {granule.slot}", found="two of them"
            )
        (name,) = dataset.data_vars
        layers[granule.slot] = raster.Tile(granule.name, dataset[name], dataset.attrs["grid"])
    missing = [slot for slot in SLOTS if slot not in layers]
    if missing:
        raise MissingVariable(
            f"{SoilGrids.product} ({len(layers)} files)",
            expected=", ".join(f"{slot}.tif" for slot in missing),
            found=", ".join(sorted(tile.name for tile in layers.values())) or "no file",
            remedy="Add the missing layers to the archive.",
        )
    return layers


def _blocks(whole: raster.Mosaic, grid: Grid) -> Iterator[tuple[Part, Part]]:
    def needed(part: Part) -> bool:
        return whole.touches(part.rows, part.columns)

    try:
        yield from blocks(whole.grid, grid, CELLS_AT_ONCE, needed)
    except ValueError as error:
        raise GridMismatch(
            whole.tiles[0].name, expected="a grid of cells below 300 km", found=str(error)
        ) from error


def _top_soil(
    alone: Mapping[str, raster.Mosaic], code: str, around: Part
) -> npt.NDArray[np.float64]:
    """A property's mean over the top 10 cm, native cells (y, x) of a part of the lattice."""
    total = np.zeros(around.shape)
    for depth, thickness in THICKNESS.items():
        total += thickness * alone[f"{code}_{depth}_mean"].read_part(around)
    return total / sum(THICKNESS.values())


def _grid(header: raster.Header, path: Path) -> Grid:
    """The file's grid, where it is the product's."""
    if header.crs and not _is_homolosine(header.crs):
        raise GridMismatch(
            path.name,
            expected="Interrupted Goode Homolosine on WGS 84, metres",
            found=pyproj.CRS.from_wkt(header.crs).name,
            remedy="Take the file as ISRIC has it, not re-projected.",
        )
    grid = raster.north_up(header, HOMOLOSINE, path)
    if abs(grid.width - CELL) > 1e-3 or abs(grid.height - CELL) > 1e-3:
        raise GridMismatch(
            path.name,
            expected=f"cells of {CELL:g} m",
            found=f"{grid.width:.9g} x {grid.height:.9g}",
        )
    return grid


def _is_homolosine(wkt: str) -> bool:
    """Whether a CRS puts places of every lobe where ours does; its name may be anything."""
    lon = np.array([-140.0, -70.0, 0.0, 90.0, 150.0, -130.0, -60.0, 20.0, 135.0])
    lat = np.array([60.0, 20.0, 50.0, 35.0, 65.0, -20.0, -30.0, -10.0, -25.0])
    try:
        found = np.array(transformer("EPSG:4326", wkt).transform(lon, lat))
    except pyproj.exceptions.ProjError:
        return False
    expected = np.array(transformer("EPSG:4326", HOMOLOSINE).transform(lon, lat))
    return bool((np.abs(found - expected) < 1.0).all())


def _require_mapped(header: raster.Header, prop: Property, path: Path) -> None:
    """Check that the integers are in the units that the product maps them to."""
    if header.dtype != "int16":
        raise FormatMismatch(f"{path.name}: type", expected="int16", found=header.dtype)
    # Where a VRT has no tile and no nodata, GDAL reads 0, which would be soil.
    undeclared = header.nodata is None and path.suffix != ".vrt"
    if header.nodata != NODATA and not undeclared:
        raise FormatMismatch(f"{path.name}: nodata", expected=str(NODATA), found=str(header.nodata))
    # A scale that says what the divisor does is no contradiction.
    scales = (1.0, 1 / prop.divisor)
    if header.offset != 0 or not np.isclose(header.scale, scales, rtol=1e-6).any():
        raise FormatMismatch(
            f"{path.name}: scale and offset",
            expected=f"1 or {1 / prop.divisor:g}, and 0",
            found=f"{header.scale:g} and {header.offset:g}",
        )
    tags = {key.lower(): value for key, value in header.tags.items()}
    units = header.units or tags.get("units", "") or tags.get("unittype", "")
    if units and units.lower().replace("³", "3").replace(" ", "") != prop.mapped:
        raise FormatMismatch(f"{path.name}: units", expected=repr(prop.mapped), found=repr(units))


def _require_plausible(values: Arrays, layers: Mapping[str, raster.Tile]) -> None:
    """Check the values themselves: files in other units give other ones."""
    for code, prop in PROPERTIES.items():
        known = values[prop.name][np.isfinite(values[prop.name])]
        low, high = prop.plausible
        if known.size and (known.min() < low or known.max() > high):
            raise FormatMismatch(
                f"{layers[f'{code}_0-5cm_mean'].name} and its lower layer",
                expected=f"{prop.name} of {low:g}..{high:g} {prop.units}",
                found=f"{known.min():.4g}..{known.max():.4g}",
                remedy=f"Are the stored values in {prop.mapped}?",
            )
    total = values["sand"] + values["silt"] + values["clay"]
    known = total[np.isfinite(total)]
    if known.size and np.abs(known - WHOLE).max() > TOLERANCE:
        worst = known[np.abs(known - WHOLE).argmax()]
        raise FormatMismatch(
            ", ".join(layers[f"{code}_0-5cm_mean"].name for code in ("sand", "silt", "clay")),
            expected=f"sand + silt + clay of {WHOLE:g} % within {TOLERANCE:g} %",
            found=f"{worst:.4g} %",
            remedy="Are the stored values in g/kg, and of one release?",
        )
