"""Compare a file with the listing of its product."""

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio

HERE = Path(__file__).parent


def load(product: str) -> dict[str, Any]:
    """Give a listing by name, e.g. ``amsr2_l3``."""
    listing: dict[str, Any] = json.loads((HERE / f"{product}.json").read_text())
    return listing


def _plain(value: Any) -> Any:
    """Give an attribute as text or a list of numbers, whatever HDF5 string or array it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "SO" and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str) else np.asarray(value).ravel()


def _attributes(where: str, thing: Any, expected: dict[str, dict[str, Any]]) -> list[str]:
    found = []
    for name, about in expected.items():
        if name not in thing.attrs:
            found.append(f"{where}: no attribute {name!r}")
            continue
        value = _plain(thing.attrs[name])
        kind = "text" if isinstance(value, str) else value.dtype.name
        if kind != about["kind"]:
            found.append(f"{where}: {name!r} is {kind}, expected {about['kind']}")
        elif "value" in about:
            want = about["value"]
            same = (
                value == want
                if kind == "text"
                else np.array_equal(value, np.asarray(want, dtype=value.dtype).ravel())
            )
            if not same:
                found.append(f"{where}: {name!r} is {value!r}, expected {want!r}")
    return found


def _dimensions(dataset: h5py.Dataset) -> list[str]:
    return [dim[0].name.strip("/") if len(dim) else "" for dim in dataset.dims]


def differences(
    path: Path, product: str, *, only: Collection[str] | None = None, shapes: bool = True
) -> list[str]:
    """List how an HDF5 file differs from the listing of its product.

    Parameters
    ----------
    path : Path
        HDF5 or NetCDF-4 file.
    product : str
        Name of the listing.
    only : collection of str, optional
        Datasets to look at; all of the listing otherwise.
    shapes : bool
        Whether shapes must agree; not those of a granule cut to a region.

    Returns
    -------
    list of str
        One line a difference; empty if the file is as listed.
    """
    listing = load(product)
    found = []
    if not re.fullmatch(listing["file_name"], path.name):
        found.append(f"name {path.name!r} does not match {listing['file_name']!r}")
    with h5py.File(path) as file:
        found += _attributes("file", file, listing["attributes"])
        found += [f"unlisted dataset {name!r}" for name in set(file) - set(listing["datasets"])]
        for name, about in listing["datasets"].items():
            if only is not None and name not in only:
                continue
            if name not in file:
                found += [] if about.get("optional") else [f"no dataset {name!r}"]
                continue
            dataset = file[name]
            if "dtype" in about and dataset.dtype.str != about["dtype"]:
                found.append(f"{name}: {dataset.dtype.str}, expected {about['dtype']}")
            if shapes and list(dataset.shape) != about["shape"]:
                found.append(f"{name}: shape {dataset.shape}, expected {about['shape']}")
            if dataset.ndim > 1 and "dimensions" in about:
                names = _dimensions(dataset)
                if names != about["dimensions"]:
                    found.append(f"{name}: dimensions {names}, expected {about['dimensions']}")
            found += _attributes(name, dataset, about.get("attributes", {}))
    return found


def geotiff_differences(path: Path, product: str = "dem_geotiff") -> list[str]:
    """List how a GeoTIFF differs from the listing of its product."""
    listing = load(product)
    found = []
    with rasterio.open(path) as file:
        for name, value in (
            ("driver", file.driver),
            ("crs", str(file.crs)),
            ("count", file.count),
            ("nodata", file.nodata),
        ):
            if value != listing[name]:
                found.append(f"{name} is {value!r}, expected {listing[name]!r}")
        if file.dtypes[0] not in listing["dtypes"]:
            found.append(f"type is {file.dtypes[0]}, expected one of {listing['dtypes']}")
        if file.transform.e >= 0 or file.transform.a <= 0:
            found.append(f"row 0 must be north and column 0 west: {file.transform}")
    return found
