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
from soilft.simulate.domain import CELL, MARGIN, Archive, Domain, Field
from soilft.simulate.overpass import observed, seen_at
from soilft.simulate.parameters import number
from soilft.simulate.soil import FREEZING, history

NODES = {"asc": "ascending", "dsc": "descending"}
SIZE, SIDE, EDGE = 720, 25_000.0, 9_000_000.0
EPSG = 6931
THAW, PARTIAL, FROZEN, FILL = 1, 2, 3, 255


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
    inside = (lon > west - MARGIN) & (lon < east + MARGIN)
    inside &= (lat > south - MARGIN) & (lat < north + MARGIN)
    rows, cols = np.nonzero(inside)
    near_row = np.floor((lat[inside] - domain.lat[0]) / CELL + 0.5).astype(int)
    near_col = np.floor((lon[inside] - domain.lon[0]) / CELL + 0.5).astype(int)
    return (
        rows,
        cols,
        np.clip(near_row, 0, domain.lat.size - 1),
        np.clip(near_col, 0, domain.lon.size - 1),
    )


def classify(temperature: Field, random: np.random.Generator) -> NDArray[np.uint8]:
    """Labels of true soil temperatures, K, with errors that grow towards 0 degC."""
    off = temperature - FREEZING
    wrong = number("smos.error_base") + number("smos.error_near") * np.exp(
        -((off / number("smos.error_scale")) ** 2)
    )
    frozen = (off < 0) ^ (random.random(off.shape) < wrong)
    out = np.where(frozen, FROZEN, THAW)
    return np.where(np.abs(off) < number("smos.partial_half_width"), PARTIAL, out).astype(np.uint8)


def write(archive: Archive, day: date) -> list[Path]:
    """Write the file of a UTC day."""
    domain = archive.domain
    rows, cols, truth_row, truth_col = place(domain)
    lat, lon = (part[truth_row, truth_col] for part in domain.mesh)
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
            top = history(domain).at(seen_at(domain, "smos", direction, day)).top
            temperature = top[truth_row, truth_col]
            labels = classify(temperature, domain.stream("smos", day, node))
            seen = observed("smos", direction, day, lat, lon)
            # trust in the label, 100 to 254, grows away from the melting point
            sure = 100 + 154 * (1 - np.exp(-np.abs(temperature - FREEZING) / 3.0))
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
        label(file, domain.seed)
    return [path]
