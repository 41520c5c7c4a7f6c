"""Files of SMAP L3 freeze/thaw in the structure of real ones, written with h5py."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyproj

from soilft.grid import Grid, Region
from soilft.sources.smap import GRIDS, SmapL3Ft

NAME = "SMAP_L3_FT_P_20160115_R19240_001.h5"
SOURCE = SmapL3Ft()
GROUPS = {p: f"Freeze_Thaw_Retrieval_Data_{p.capitalize()}" for p in GRIDS}
GLOBAL = GROUPS["global"]
TIBET = Region("tibet", "ease2-global-36km", (85, 30, 95, 36)).grid
ALWAYS = 0xF000  # bits 12 to 15 are set in every real file
MEANINGS = (
    "36_km_static_water_body_flag 36_km_high_static_water_body_fraction_flag "
    "36_km_coastal_proximity_flag 36_km_urban_area_flag 36_km_precipitation_flag "
    "36_km_snow_or_ice_flag 36_km_permanent_snow_or_ice_flag "
    "36_km_radiometer_frozen_ground_flag 36_km_model_frozen_ground_flag "
    "36_km_mountainous_terrain_flag 36_km_dense_vegetation_flag 36_km_nadir_region_flag"
)
MASKS = ", ".join(f"{1 << bit}s" for bit in range(12))


def cell(lon: float, lat: float, projection: str = "global") -> tuple[int, int]:
    """Row and column of a place by the published transform of the grid."""
    crs, left, top, size = {
        "global": ("EPSG:6933", -17367530.4451615, 7314540.8306386, 36032.22084058),
        "polar": ("EPSG:6931", -9e6, 9e6, 36e3),
    }[projection]
    x, y = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    return int((top - y) // size), int((x - left) // size)


def arrays(projection: str = "global", rest: int = 254) -> dict[str, np.ndarray]:
    """Fields of a whole group in which nothing has been observed, or one code everywhere."""
    shape = (2, *GRIDS[projection].shape)
    return {
        "freeze_thaw": np.full(shape, rest, "uint8"),
        "surface_flag": np.full(shape, ALWAYS, "uint16"),
        "retrieval_qual_flag": np.zeros(shape, "uint16"),
        "latitude": np.full(shape, -9999, "float32"),
        "longitude": np.full(shape, -9999, "float32"),
    }


def observed(fields: dict[str, np.ndarray], projection: str = "global") -> dict[str, np.ndarray]:
    """Give latitude and longitude to every third cell, as a swath would."""
    lon, lat = GRIDS[projection].lonlat
    keep = (np.arange(lon.size).reshape(lon.shape) % 3) == 0
    for name, values in (("latitude", lat), ("longitude", lon)):
        fields[name][0][keep] = values[keep]
    return fields


ATTRIBUTES: dict[str, dict[str, Any]] = {
    "freeze_thaw": {"_FillValue": np.uint8(254)},
    "surface_flag": {
        "_FillValue": np.uint16(65534),
        "flag_masks": MASKS,
        "flag_meanings": MEANINGS,
    },
    "retrieval_qual_flag": {"_FillValue": np.uint16(65534)},
    "freeze_thaw_time_seconds": {"units": "seconds", "_FillValue": np.float64(-9999)},
}


def written(
    folder: Path,
    fields: dict[str, np.ndarray],
    attributes: dict[str, dict[str, Any]] | None = None,
    *,
    name: str = NAME,
    group: str = GLOBAL,
    identity: dict[str, str] | None = None,
) -> Path:
    path = folder / name
    with h5py.File(path, "w") as file:
        for field, values in fields.items():
            dataset = file.create_dataset(f"{group}/{field}", data=values, compression="gzip")
            dataset.attrs.update({**ATTRIBUTES, **(attributes or {})}.get(field, {}))
        said = file.create_group("Metadata/DatasetIdentification").attrs
        said.update({key: np.bytes_(value) for key, value in (identity or {}).items()})
    return path


def placed(path: Path, grid: Grid = TIBET, source: SmapL3Ft = SOURCE) -> dict[str, np.ndarray]:
    granule = source.granule(str(path))
    assert granule is not None
    day = granule.days[0]
    with source.read(path) as dataset:
        return source.combine([(granule, source.place(dataset, granule, day, grid))], day, grid)


def at(field: np.ndarray, lon: float, lat: float) -> Any:
    """Value of the cell of the region that holds a place."""
    row, column = cell(lon, lat)
    first = cell(*(float(v[0, 0]) for v in TIBET.lonlat))
    return field[row - first[0], column - first[1]]


def one_place(lon: float, lat: float, overpass: int, code: int, rest: int) -> dict:
    fields = observed(arrays(rest=rest))
    fields["freeze_thaw"][(overpass, *cell(lon, lat))] = code
    return fields
