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

from soilft.errors import FormatMismatch, GridMismatch, InputError, MissingVariable
from soilft.geo.regrid import Part
from soilft.grid import Grid
from soilft.projections import transformer
from soilft.sources import raster, vrt
from soilft.sources.protocol import Arrays, Granule
from soilft.sources.soil import PROPERTIES, UpperSoil, averaged, require_plausible

# What the files' own WKT amounts to; the code that some of them name is unknown to PROJ.
HOMOLOSINE = "+proj=igh +datum=WGS84 +units=m +no_defs"
CELL = 250.0
NODATA = -32768
# A prediction may be this much more than its property can be.
ROUNDED_UP = 1.05
# Thickness within 0..10 cm: all of the upper layer, and the upper half of the lower.
THICKNESS: Mapping[str, float] = MappingProxyType({"0-5cm": 5.0, "5-15cm": 5.0})
_NAME = re.compile(
    r"(?:^|/)(?P<code>sand|silt|clay|bdod|soc)_(?P<depth>0-5cm|5-15cm)_mean\.(?:tiff?|vrt)$"
)


@dataclass(frozen=True)
class Mapped:
    """How the files hold a property.

    Parameters
    ----------
    name
        Of the property.
    units
        Of the stored integers.
    divisor
        Stored value by value in our units (ISRIC's "conversion factor").
    """

    name: str
    units: str
    divisor: float


MAPPED: Mapping[str, Mapped] = MappingProxyType(
    {
        "sand": Mapped("sand", "g/kg", 10),
        "silt": Mapped("silt", "g/kg", 10),
        "clay": Mapped("clay", "g/kg", 10),
        "bdod": Mapped("bulk_density", "cg/cm3", 100),
        "soc": Mapped("organic_carbon", "dg/kg", 10),
    }
)
SLOTS = tuple(f"{code}_{depth}_mean" for code in MAPPED for depth in THICKNESS)


@dataclass(frozen=True)
class SoilGrids(UpperSoil):
    """Means over the top 10 cm of soil, weighted by thickness.

    Organic carbon too is weighted by thickness, not by mass: the mean content of the layer, not the
    content of its mixed soil.
    """

    product: ClassVar[str] = "soilgrids-2.0"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "SoilGrids 2.0 (ISRIC), CC BY 4.0, doi:10.5194/soil-7-217-2021"

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
        mapped = MAPPED[match["code"]]
        if path.suffix == ".vrt":
            there = path.resolve()
            vrt.require_local_tiles(there)
            header, manager = raster.open_band(there, "VRT", "a whole VRT")
        else:
            header, manager = raster.open_band(path, "GTiff", "a whole GeoTIFF")
        try:
            grid = _grid(header, path)
            _require_mapped(header, mapped, path)
        except InputError:
            manager.close()
            raise
        cells = raster.lazy(manager, header, (NODATA,), 1 / mapped.divisor)
        dataset = xr.Dataset(
            {mapped.name: cells.assign_attrs(units=PROPERTIES[mapped.name].units)},
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
        known at both depths; it is missing where that is less than half of them. A native value
        below 0 is a void that nobody declared, and missing.

        Raises
        ------
        FormatMismatch
            Where a native value, or a mean of them, is more than its property can be.
        MissingVariable
            Where a layer is not there.
        GridMismatch
            Where the layers do not fit each other, or cover none of the region.
        """
        layers = _layers(tiles)
        whole = raster.mosaic(list(layers.values()))
        alone = {slot: whole.only(tile) for slot, tile in layers.items()}

        def cells(around: Part) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
            for code, mapped in MAPPED.items():
                yield mapped.name, _top_soil(alone, code, around)

        values = averaged(whole, grid, cells, interrupted=True)
        require_plausible(
            values,
            {m.name: layers[f"{code}_0-5cm_mean"].name for code, m in MAPPED.items()},
            {m.name: m.units for m in MAPPED.values()},
            " and its lower layer",
        )
        return values


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


def _top_soil(
    alone: Mapping[str, raster.Mosaic], code: str, around: Part
) -> npt.NDArray[np.float64]:
    """A property's mean over the top 10 cm, native cells (y, x) of a part of the lattice."""
    total = np.zeros(around.shape)
    for depth, thickness in THICKNESS.items():
        layer = alone[f"{code}_{depth}_mean"]
        total += thickness * _known(layer.read_part(around), code, layer.tiles[0].name)
    return total / sum(THICKNESS.values())


def _known(values: npt.NDArray[np.float32], code: str, file: str) -> npt.NDArray[np.float32]:
    """Native values, missing below 0; a mean over them would hide what none can be."""
    mapped = MAPPED[code]
    low, most = PROPERTIES[mapped.name].plausible
    if (values > ROUNDED_UP * most).any():
        raise FormatMismatch(
            file,
            expected=f"{mapped.name} of {low:g}..{most:g} {PROPERTIES[mapped.name].units}",
            found=f"{np.nanmax(values):.4g}",
            remedy=f"Declare the void as nodata. Are the stored values in {mapped.units}?",
        )
    return np.where(values >= 0, values, np.float32(np.nan))


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


def _require_mapped(header: raster.Header, mapped: Mapped, path: Path) -> None:
    """Check that the integers are in the units that the product maps them to."""
    if header.dtype != "int16":
        raise FormatMismatch(f"{path.name}: type", expected="int16", found=header.dtype)
    # Where a VRT has no tile and no nodata, GDAL reads 0, which would be soil.
    undeclared = header.nodata is None and path.suffix != ".vrt"
    if header.nodata != NODATA and not undeclared:
        raise FormatMismatch(f"{path.name}: nodata", expected=str(NODATA), found=str(header.nodata))
    # A scale that says what the divisor does is no contradiction.
    scales = (1.0, 1 / mapped.divisor)
    if header.offset != 0 or not np.isclose(header.scale, scales, rtol=1e-6).any():
        raise FormatMismatch(
            f"{path.name}: scale and offset",
            expected=f"1 or {1 / mapped.divisor:g}, and 0",
            found=f"{header.scale:g} and {header.offset:g}",
        )
    tags = {key.lower(): value for key, value in header.tags.items()}
    units = header.units or tags.get("units", "") or tags.get("unittype", "")
    if units and units.lower().replace("³", "3").replace(" ", "") != mapped.units:
        raise FormatMismatch(f"{path.name}: units", expected=repr(mapped.units), found=repr(units))
