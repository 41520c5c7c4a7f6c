"""SMAP level-3 freeze/thaw on the 36 km grids (SPL3FTP, version 4): HDF5, global and polar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray
from pyproj import Transformer

from soilft.simulate import retrieval
from soilft.simulate.container import empty, label, replaced, scatter, text
from soilft.simulate.domain import MARGIN, Archive, Domain
from soilft.simulate.terrain import cell_elevation
from soilft.simulate.world import World

SENSOR = "smap"
NODES = ("descending", "ascending")
"""Passes in the order of the first axis: 06:00 (AM), then 18:00 (PM)."""
THAWED, FROZEN, NO_STATE = 0, 1, 254
NO_FLAG, NOWHERE = 65534, -9999.0
J2000 = datetime(2000, 1, 1, 12)  # noqa: DTZ001 - UTC
ALWAYS_SET = 0xF000
"""Bits 12 to 15 of the surface flag, set in every granule seen."""
RADIOMETER_FROZEN = 7
"""Bit of the surface flag; those of ``CONDITIONS`` stand beside them."""
CONDITIONS = {
    "precipitation": 4,
    "snow": 5,
    "model_frozen": 8,
    "mountains": 9,
    "dense_vegetation": 10,
}
STATIC_WATER, MUCH_WATER = 0.05, 0.5
"""Shares of open water that set bits 0 and 1; assumed."""
POOR = 0.03
"""Share of retrievals not of recommended quality; assumed."""
SURFACE = (
    "36_km_static_water_body_flag 36_km_high_static_water_body_fraction_flag "
    "36_km_coastal_proximity_flag 36_km_urban_area_flag 36_km_precipitation_flag "
    "36_km_snow_or_ice_flag 36_km_permanent_snow_or_ice_flag 36_km_radiometer_frozen_ground_flag "
    "36_km_model_frozen_ground_flag 36_km_mountainous_terrain_flag 36_km_dense_vegetation_flag "
    "36_km_nadir_region_flag"
)
AM_PM = "The AM (dimension AMPM=0) and PM (AMPM=1) observations are stored separately in the array."


@dataclass(frozen=True)
class Grid:
    """One of the grids of a granule: row 0 at the greatest y.

    Attributes
    ----------
    group : str
        Group of its datasets.
    epsg : int
        Projection.
    shape : tuple of int
        Rows and columns.
    left, top, side : float
        Outer corner and side of a cell, m.
    south : float
        Least latitude of its data, degrees.
    """

    group: str
    epsg: int
    shape: tuple[int, int]
    left: float
    top: float
    side: float
    south: float


GLOBAL = Grid(
    "Freeze_Thaw_Retrieval_Data_Global",
    6933,
    (406, 964),
    -17367530.4451615,
    7314540.8306386,
    36032.22084058,
    -90.0,
)
POLAR = Grid("Freeze_Thaw_Retrieval_Data_Polar", 6931, (500, 500), -9e6, 9e6, 36000.0, 45.0)


@dataclass(frozen=True)
class Layout:
    """What the public documents of the product leave open.

    Attributes
    ----------
    quality_meanings : str
        Value of ``flag_meanings`` of the retrieval quality flag; no attribute if empty.
    quality_type : data type
        Of the retrieval quality flag.
    """

    quality_meanings: str = "Retrieval_recommended Retrieval_attempted Retrieval_successful"
    quality_type: DTypeLike = np.uint16


DEFAULT = Layout()


def name(day: date) -> str:
    """File name of a UTC day."""
    return f"SMAP_L3_FT_P_{day:%Y%m%d}_R19240_001.h5"


@dataclass(frozen=True, eq=False)
class Place:
    """Cells of a grid in the domain, each (n,): where they are, and the cell of the world."""

    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    world_row: NDArray[np.intp]
    world_col: NDArray[np.intp]


@lru_cache(maxsize=4)
def place(domain: Domain, grid: Grid) -> Place:
    """Cells of a grid whose centre lies in the domain."""
    high, wide = grid.shape
    x = grid.left + (np.arange(wide) + 0.5) * grid.side
    y = grid.top - (np.arange(high) + 0.5) * grid.side
    back = Transformer.from_crs(grid.epsg, 4326, always_xy=True)
    lon, lat = back.transform(*np.meshgrid(x, y))
    west, south, east, north = domain.bounds
    inside = np.isfinite(lat) & (lat > max(south - MARGIN, grid.south)) & (lat < north + MARGIN)
    around = domain.eastward(lon)
    inside &= (around > west - MARGIN) & (around < east + MARGIN)
    rows, cols = np.nonzero(inside)
    row, col, _ = domain.cell(lat[inside], lon[inside])
    return Place(rows, cols, lat[inside], lon[inside], row, col)


def _pair(
    group: h5py.Group, key: str, grid: Grid, dtype: DTypeLike, fill: float, **words: Any
) -> h5py.Dataset:
    """Create a dataset of both passes."""
    return _described(empty(group, key, (2, *grid.shape), dtype, fill), **words)


def _described(dataset: h5py.Dataset, **words: Any) -> h5py.Dataset:
    group = dataset.parent.name
    if dataset.name.rsplit("/", 1)[-1] not in ("latitude", "longitude"):
        text(dataset, coordinates=f"{group}/latitude {group}/longitude")
        dataset.attrs["_FillValue"] = np.array([dataset.fillvalue], dtype=dataset.dtype)
    for key, value in words.items():
        if isinstance(value, str):
            text(dataset, **{key: value})
        else:
            dataset.attrs[key] = np.array([value], dtype=dataset.dtype)
    return dataset


def _masks(bits: int) -> str:
    return ", ".join(f"{1 << bit}s" for bit in range(bits))


def surface(made: retrieval.Label, cell: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Any:
    """Surface flag of cells of the world, (n,)."""
    bits = np.full(cell[0].shape, ALWAYS_SET)
    bits |= (made.water[cell] > STATIC_WATER).astype(int) << 0
    bits |= (made.water[cell] > MUCH_WATER).astype(int) << 1
    bits |= (made.state[cell] == FROZEN).astype(int) << RADIOMETER_FROZEN
    for condition, bit in CONDITIONS.items():
        bits |= getattr(made, condition)[cell].astype(int) << bit
    return bits


def _passes(group: h5py.Group, grid: Grid, layout: Layout) -> dict[str, h5py.Dataset]:
    """Create the datasets with an axis of passes."""
    quality = _pair(group, "retrieval_qual_flag", grid, layout.quality_type, NO_FLAG)
    if layout.quality_meanings:
        text(
            quality,
            flag_masks=_masks(len(layout.quality_meanings.split())),
            flag_meanings=layout.quality_meanings,
        )
    text(quality, long_name="Bit flags that record the conditions and the quality of the retrieval")
    where = "of the center of the Earth based grid cell. " + AM_PM
    return {
        "retrieval_qual_flag": quality,
        **{
            axis: _pair(
                group,
                axis,
                grid,
                "f4",
                NOWHERE,
                long_name=f"{axis.capitalize()} {where}",
                units=f"degrees_{way}",
            )
            for axis, way in (("latitude", "north"), ("longitude", "east"))
        },
        "freeze_thaw": _pair(
            group,
            "freeze_thaw",
            grid,
            "u1",
            NO_STATE,
            long_name="Freeze/thaw state of the landscape: 0 thawed, 1 frozen. " + AM_PM,
            valid_min=THAWED,
            valid_max=FROZEN,
        ),
        "surface_flag": _pair(
            group,
            "surface_flag",
            grid,
            "u2",
            NO_FLAG,
            long_name="Bit flags that record ambient surface conditions for the grid cell",
            flag_masks=_masks(12),
            flag_meanings=SURFACE,
        ),
        "altitude_dem": _pair(
            group,
            "altitude_dem",
            grid,
            "f4",
            NOWHERE,
            long_name="The Earth surface elevation within the grid cell. " + AM_PM,
            units="meters",
            valid_min=0.0,
            valid_max=999999.9,
        ),
        "open_water_body_fraction": _pair(
            group,
            "open_water_body_fraction",
            grid,
            "f4",
            NOWHERE,
            long_name="The fraction of the grid cell covered by open water. " + AM_PM,
            valid_min=0.0,
            valid_max=1.0,
        ),
        "freeze_thaw_time_seconds": _pair(
            group,
            "freeze_thaw_time_seconds",
            grid,
            "f8",
            NOWHERE,
            long_name="Seconds since 12 UTC of 1 January 2000. " + AM_PM,
            units="seconds",
        ),
    }


def _group(file: h5py.File, world: World, grid: Grid, day: date, layout: Layout) -> None:
    domain = world.domain
    group = file.create_group(grid.group)
    here = place(domain, grid)
    cell = (here.world_row, here.world_col)
    random = domain.stream("smap quality", grid.group, day)
    datasets = _passes(group, grid, layout)
    states = []
    begin = (datetime.combine(domain.start, datetime.min.time()) - J2000).total_seconds()
    for half, node in enumerate(NODES):
        made = retrieval.label(world, SENSOR, node, day)
        state = made.state[cell]
        seen = made.seen[cell]
        states.append(np.where(seen, state, NO_STATE))
        poor = random.random(seen.shape) < POOR
        values = {
            "retrieval_qual_flag": poor.astype(np.uint16),
            "latitude": here.lat,
            "longitude": here.lon,
            "freeze_thaw": state,
            "surface_flag": surface(made, cell),
            "open_water_body_fraction": made.water[cell],
            "altitude_dem": cell_elevation(domain)[cell],
            "freeze_thaw_time_seconds": begin + 3600.0 * made.hours[cell],
        }
        for key, value in values.items():
            scatter(datasets[key], (half,), (here.rows[seen], here.cols[seen]), value[seen])
    _transition(group, grid, here, *states)


def _transition(
    group: h5py.Group, grid: Grid, here: Place, am: NDArray[np.uint8], pm: NDArray[np.uint8]
) -> None:
    """Write the datasets without an axis of passes, where both passes saw the cell."""
    state = _described(
        empty(group, "transition_state_flag", grid.shape, "u1", NO_STATE),
        long_name="Boolean that indicates whether AM and PM states differ",
        valid_min=0,
        valid_max=1,
    )
    way = _described(
        empty(group, "transition_direction", grid.shape, "u1", NO_STATE),
        valid_min=0,
        valid_max=1,
        long_name="Boolean that indicates transitional direction.  0 indicates AM frozen, PM "
        "thawed, 1 indicates AM thawed, PM frozen. Value is always zero if not in transition "
        "state.",
    )
    both = (am != NO_STATE) & (pm != NO_STATE)
    where = (here.rows[both], here.cols[both])
    scatter(state, (), where, (am != pm)[both].astype(np.uint8))
    scatter(way, (), where, ((am == THAWED) & (pm == FROZEN))[both].astype(np.uint8))


def write(
    archive: Archive, day: date, world: World | None = None, *, layout: Layout = DEFAULT
) -> list[Path]:
    """Write the file of a UTC day below ``smap``.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    day : date
        UTC day.
    world : World, optional
        Of the archive's domain, knowing that day and those around it; ``World.of`` by default.
    layout : Layout
        One reading of what the documents leave open.
    """
    domain = archive.domain
    world = world or World.of(domain)
    path = archive.root / "smap" / name(day)
    with replaced(path) as part, h5py.File(part, "w") as file:
        for grid in (GLOBAL, POLAR):
            _group(file, world, grid, day, layout)
        about = file.create_group("Metadata").create_group("DatasetIdentification")
        text(about, shortName="SPL3FTP", VersionID="R19240", fileName=path.name)
        extent = file["Metadata"].create_group("Extent")
        begin, end = f"{day:%Y-%m-%d}", f"{day + timedelta(days=1):%Y-%m-%d}"
        text(extent, rangeBeginningDateTime=f"{begin}T00:00:00.000Z")
        text(extent, rangeEndingDateTime=f"{end}T00:00:00.000Z")
        text(file, title="SIMULATED SMAP level-3 freeze/thaw")
        label(file, domain)
    return [path]
