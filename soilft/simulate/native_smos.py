"""SMOS level-3 freeze/thaw, version 3: labels on the 25 km EASE2 grid of the north."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from soilft.simulate.container import coordinate, label, put, replaced, text
from soilft.simulate.domain import MARGIN, Archive, Domain, Field
from soilft.simulate.eras import operating
from soilft.simulate.retrieval import label as classify
from soilft.simulate.world import World

NODES = {"asc": "ascending", "dsc": "descending"}
SIZE, SIDE, EDGE = 720, 25_000.0, 9_000_000.0
EPSG = 6931
THAW, PARTIAL, FROZEN, FILL = 1, 2, 3, 255
CODES = np.array([THAW, FROZEN, PARTIAL], dtype=np.uint8)
"""Codes of the states thawed, frozen and partially frozen."""


def name(day: date) -> str:
    """File name of a UTC day."""
    return f"W_XX-ESA,SMOS,NH_25KM_EASE2_{day:%Y%m%d}_o_v301_01_l3soilft.nc"


@lru_cache(maxsize=1)
def axes() -> tuple[Field, Field]:
    """Cell centres: x rising, y falling, m."""
    x = -EDGE + (np.arange(SIZE) + 0.5) * SIDE
    return x, -x


@lru_cache(maxsize=2)
def place(domain: Domain) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Cells of the EASE2 grid in the domain: row, column, and row and column of the truth."""
    west, south, east, north = domain.bounds
    x, y = np.meshgrid(*axes())
    lon, lat = Transformer.from_crs(EPSG, 4326, always_xy=True).transform(x, y)
    around = domain.eastward(lon)
    inside = (around > west - MARGIN) & (around < east + MARGIN)
    inside &= (lat > south - MARGIN) & (lat < north + MARGIN)
    rows, cols = np.nonzero(inside)
    near_row, near_col, _ = domain.cell(lat[inside], lon[inside])
    return rows, cols, near_row, near_col


def write(archive: Archive, day: date, world: World | None = None) -> list[Path]:
    """Write the file of a UTC day; none where SMOS does not yet work.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    day : date
        UTC day.
    world : World, optional
        Of the archive's domain, knowing that day; ``World.of`` by default.
    """
    if not operating("smos", day):
        return []
    domain = archive.domain
    world = world or World.of(domain)
    rows, cols, row, col = place(domain)
    path = archive.root / "smos" / name(day)
    with replaced(path) as part, h5py.File(part, "w") as file:
        x = coordinate(
            file,
            "x",
            axes()[0],
            {"units": "m", "standard_name": "projection_x_coordinate", "long_name": "x"},
        )
        y = coordinate(
            file,
            "y",
            axes()[1],
            {"units": "m", "standard_name": "projection_y_coordinate", "long_name": "y"},
        )
        crs = file.create_dataset("crs", data=np.int32(0), track_times=False)
        text(
            crs,
            grid_mapping_name="lambert_azimuthal_equal_area",
            GeoTransform="-9000000 25000 0 9000000 0 -25000",
            crs_wkt=CRS.from_epsg(EPSG).to_wkt(),
        )
        for node, direction in NODES.items():
            made = classify(world, "smos", direction, day)
            labels = CODES[made.state[row, col]]
            seen = made.seen[row, col]
            # trust in the label, 100 to 254, grows away from the melting point
            sure = 100 + 154 * made.trust[row, col]
            where = (rows[seen], cols[seen])
            grid = (SIZE, SIZE)
            state = put(file, f"L3FT_{node}", grid, where, labels[seen], FILL)
            text(
                state,
                long_name=f"soil freeze/thaw state, {direction} passes",
                flag_meanings="thaw partial frozen",
                grid_mapping="crs",
            )
            state.attrs["flag_values"] = np.array([THAW, PARTIAL, FROZEN], dtype=np.uint8)
            state.attrs["valid_range"] = np.array([THAW, FROZEN], dtype=np.uint8)
            trust = put(file, f"QF_{node}", grid, where, sure[seen].astype(np.uint8), FILL)
            text(trust, long_name=f"quality flag, {direction} passes", grid_mapping="crs")
            for dataset in (state, trust):
                dataset.attrs["_FillValue"] = np.array([FILL], dtype=np.uint8)
                dataset.dims[0].attach_scale(y)
                dataset.dims[1].attach_scale(x)
        text(
            file,
            title="SIMULATED SMOS level-3 soil freeze/thaw state",
            product_version="v301",
            date=f"{day:%Y-%m-%d}",
            Conventions="CF-1.6",
        )
        label(file, domain)
    return [path]
