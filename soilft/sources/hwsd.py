"""Harmonized World Soil Database v2.0 (FAO and IIASA 2023): a map of units, and a table of them.

``HWSD2.bil`` is headerless uint16, 21600 rows from the north, 43200 columns from 180 degrees west;
a GeoTIFF of the map, or of a part of it, does as well. The table comes in a Microsoft database; it
is read as the CSV of its table ``HWSD2_LAYERS``. A unit is a mixture of soils with their shares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import xarray as xr

from soilft.errors import (
    FormatMismatch,
    GridMismatch,
    InputError,
    MissingVariable,
    UnreadableGranule,
)
from soilft.geo.regrid import Part
from soilft.grid import Grid
from soilft.sources import raster
from soilft.sources.protocol import Arrays, Granule
from soilft.sources.soil import (
    CELLS_A_DEGREE,
    PROPERTIES,
    UpperSoil,
    averaged,
    require_plausible,
)

WHOLE = Grid("EPSG:4326", -180.0, 90.0, 1 / 120, 1 / 120, (21600, 43200))
# Columns of the table with what our units are of theirs; below 0 is no soil, or not known.
COLUMNS = {
    "sand": ("SAND", 1.0, "%"),
    "silt": ("SILT", 1.0, "%"),
    "clay": ("CLAY", 1.0, "%"),
    "bulk_density": ("BULK", 1.0, "g cm-3"),
    "organic_carbon": ("ORG_CARBON", 10.0, "%"),
}
KEYS = ("HWSD2_SMU_ID", "LAYER", "SEQUENCE", "SHARE")
# Of 0 to 20 cm.
LAYER = "D1"
MOST_UNITS = 65535
WGS84_METRES = 6378137.0
# Of the map's cells with a unit, the table must know this share.
LEAST_KNOWN = 0.5

_MAP = re.compile(r"(?:^|/)HWSD2(?:_RASTER)?\.(?:bil|tiff?)$")
_TABLE = re.compile(r"(?:^|/)HWSD2_LAYERS\.csv$")


@dataclass(frozen=True)
class Hwsd2(UpperSoil):
    """Means over the top 20 cm of soil, of each unit's soils by their shares."""

    product: ClassVar[str] = "hwsd-2.0"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = (
        "Harmonized World Soil Database v2.0 (FAO and IIASA 2023), doi:10.4060/cc3823en"
    )
    depth: ClassVar[str] = "0-20 cm"

    def granule(self, url: str) -> Granule | None:
        """Read a file name; None where it is neither the map nor the table."""
        if _MAP.search(url):
            return Granule((), "map", "", url)
        return Granule((), "table", "", url) if _TABLE.search(url) else None

    def read(self, path: Path) -> xr.Dataset:
        """Open the map, ``unit`` (y, x), its `Grid` ``attrs["grid"]``; or the table, by unit."""
        if _TABLE.search(path.name):
            return _table(path)
        if _MAP.search(path.name) is None:
            raise FormatMismatch(
                path.name, expected="HWSD2.bil, HWSD2.tif or HWSD2_LAYERS.csv", found=path.name
            )
        return _flat(path) if path.suffix == ".bil" else _geotiff(path)

    def place(self, tiles: Sequence[tuple[Granule, xr.Dataset]], grid: Grid) -> Arrays:
        """Soil of each cell of a grid, float32 (y, x), missing where less than half has any."""
        found = {granule.slot: dataset for granule, dataset in tiles}
        if set(found) != {"map", "table"} or len(tiles) != 2:
            raise MissingVariable(
                self.product,
                expected="one map (HWSD2.bil or HWSD2.tif) and one table (HWSD2_LAYERS.csv)",
                found=", ".join(granule.name for granule, _ in tiles) or "no file",
            )
        units, table = found["map"], found["table"]
        whole = raster.mosaic([raster.Tile(units.attrs["name"], units.unit, units.attrs["grid"])])
        known = np.zeros(2, "int64")
        listed = np.zeros(MOST_UNITS + 1, bool)
        listed[table["HWSD2_SMU_ID"].values] = True
        of_unit = {name: _by_unit(table, name) for name in PROPERTIES}

        def cells(around: Part) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
            stored = np.nan_to_num(whole.read_part(around))
            if stored.min() < 0 or stored.max() > MOST_UNITS:
                raise FormatMismatch(
                    units.attrs["name"],
                    expected=f"numbers of units, 0..{MOST_UNITS}",
                    found=f"{stored.min():g}..{stored.max():g}",
                    remedy="Declare the void as nodata.",
                )
            unit = stored.astype("uint16")
            told = (unit > 0) & (unit < MOST_UNITS)
            known[:] += told.sum(), (listed[unit] & told).sum()
            for name, values in of_unit.items():
                yield name, values[unit]

        values = averaged(whole, grid, cells)
        if known[1] < LEAST_KNOWN * known[0]:
            raise FormatMismatch(
                table.attrs["name"],
                expected=f"the units of {units.attrs['name']}",
                found=f"those of {known[1]} of {known[0]} cells",
                remedy="Is the table cut off, or of another version?",
            )
        names = dict.fromkeys(PROPERTIES, table.attrs["name"])
        require_plausible(values, names, {n: unit for n, (_, _, unit) in COLUMNS.items()})
        return values


def _flat(path: Path) -> xr.Dataset:
    """The map as delivered."""
    rows, columns = WHOLE.shape
    size = path.stat().st_size
    if size != 2 * rows * columns:
        raise UnreadableGranule(
            path.name,
            expected=f"{2 * rows * columns} bytes ({rows} x {columns} cells of 2 bytes)",
            found=f"{size} bytes",
            remedy="Is it cut off, or of version 1?",
        )
    cells = np.memmap(path, "<u2", "r", shape=WHOLE.shape)
    return _map(xr.DataArray(cells, dims=("y", "x")), WHOLE, path, {})


def _geotiff(path: Path) -> xr.Dataset:
    header, manager = raster.open_band(path, "GTiff", "a whole GeoTIFF")
    try:
        grid = raster.north_up(header, header.crs and "EPSG:4326", path)
        a_degree = (1 / grid.height, 1 / grid.width)
        fits = max(abs(n - CELLS_A_DEGREE) for n in a_degree) < 0.01
        if not fits or not _wgs84(header.crs):
            raise GridMismatch(
                path.name,
                expected=f"latitude and longitude on WGS 84, {CELLS_A_DEGREE} cells a degree",
                found=f"{a_degree[0]:.6g} x {a_degree[1]:.6g} in {_name(header.crs)}",
            )
        if np.dtype(header.dtype).kind not in "ui" or header.scale != 1 or header.offset != 0:
            raise FormatMismatch(
                path.name,
                expected="numbers of units, whole numbers without scale and offset",
                found=f"{header.dtype}, scale {header.scale:g} and offset {header.offset:g}",
            )
    except InputError:
        manager.close()
        raise
    voids = () if header.nodata is None else (header.nodata,)
    simulated = {"simulated": str(header.tags.get("SIMULATED", "false")).lower()}
    dataset = _map(raster.lazy(manager, header, voids), grid, path, simulated)
    dataset.set_close(manager.close)
    return dataset


def _wgs84(wkt: str) -> bool:
    """Whether a CRS is of degrees on the figure of WGS 84, as CGCS2000 is to a few centimetres."""
    crs = pyproj.CRS.from_wkt(wkt)
    figure = crs.ellipsoid
    return bool(crs.is_geographic and figure and abs(figure.semi_major_metre - WGS84_METRES) < 1)


def _name(wkt: str) -> str:
    return str(pyproj.CRS.from_wkt(wkt).name)


def _map(cells: xr.DataArray, grid: Grid, path: Path, attributes: dict[str, str]) -> xr.Dataset:
    return xr.Dataset({"unit": cells}, attrs={**attributes, "grid": grid, "name": path.name})


def _table(path: Path) -> xr.Dataset:
    """Properties of the top layer by unit, means of its soils by their shares."""
    content = path.read_bytes()
    wanted = [*KEYS, *(column for column, _, _ in COLUMNS.values())]
    try:
        header = content.split(b"\n", 1)[0].decode("utf-8-sig").strip()
        columns = [name.strip(' "') for name in header.split(",")]
    except UnicodeDecodeError as error:
        raise UnreadableGranule(path.name, expected="CSV", found=str(error)) from error
    absent = [name for name in wanted if name not in columns]
    if absent:
        raise MissingVariable(
            path.name, expected=", ".join(absent), found=header[:200] or "nothing"
        )
    if not content.endswith(b"\n"):
        last = content.rsplit(b"\n", 1)[-1][:60].decode("utf-8", "replace")
        raise UnreadableGranule(path.name, expected="whole lines to its end", found=repr(last))
    try:
        rows = pd.read_csv(path, usecols=wanted, encoding="utf-8-sig", skipinitialspace=True)
        top = rows[rows.pop("LAYER").astype(str).str.strip() == LAYER].astype("float64")
    except ValueError as error:
        raise FormatMismatch(path.name, expected="numbers", found=str(error)) from error
    unit = top["HWSD2_SMU_ID"].to_numpy()
    twice = int(top.duplicated(["HWSD2_SMU_ID", "SEQUENCE"]).sum())
    if not len(top) or twice or not ((unit > 0) & (unit < MOST_UNITS)).all():
        raise FormatMismatch(
            path.name,
            expected=f"one row a unit (1..{MOST_UNITS - 1}), sequence and layer {LAYER}",
            found=f"{len(top)} rows, {twice} of them twice",
        )
    return _of_units(top, path)


def _of_units(top: pd.DataFrame, path: Path) -> xr.Dataset:
    units, at = np.unique(top["HWSD2_SMU_ID"].to_numpy("int64"), return_inverse=True)
    share = np.clip(np.nan_to_num(top["SHARE"].to_numpy()), 0, None)
    all_of_it = np.bincount(at, share, len(units))
    fields = {}
    for name, (column, factor, _) in COLUMNS.items():
        values = top[column].to_numpy()
        known = np.isfinite(values) & (values >= 0)
        weight = np.where(known, share, 0.0)
        covered = np.bincount(at, weight, len(units))
        total = np.bincount(at, weight * np.where(known, values, 0.0), len(units))
        enough = (covered > 0) & (covered >= 0.5 * all_of_it)
        mean = np.where(enough, factor * total / np.where(enough, covered, 1.0), np.nan)
        fields[name] = ("HWSD2_SMU_ID", mean.astype("float32"), {"units": PROPERTIES[name].units})
    return xr.Dataset(fields, {"HWSD2_SMU_ID": units}, {"name": path.name})


def _by_unit(table: xr.Dataset, name: str) -> npt.NDArray[np.float32]:
    """A property by number of unit; NaN where the table has none."""
    values = np.full(MOST_UNITS + 1, np.nan, "float32")
    values[table["HWSD2_SMU_ID"].values] = table[name].values
    return values
