"""Compare a file with the listing of its product."""

import gzip
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
        elif "pattern" in about and not re.fullmatch(about["pattern"], value):
            found.append(f"{where}: {name!r} is {value!r}, expected {about['pattern']!r}")
    return found


def _dimensions(dataset: h5py.Dataset) -> list[str]:
    return [dim[0].name.strip("/") if len(dim) else "" for dim in dataset.dims]


def _datasets(file: h5py.File) -> set[str]:
    """Give the path of every dataset, in all groups."""
    names: set[str] = set()

    def visit(name: str, thing: h5py.Dataset | h5py.Group) -> None:
        if isinstance(thing, h5py.Dataset):
            names.add(name)

    file.visititems(visit)
    return names


def _shape(
    name: str, found: tuple[int, ...], expected: list[int | str], sizes: dict[str, list[int]]
) -> list[str]:
    """Compare a shape; a word stands for one length in the whole file, kept in ``sizes``."""
    wrong = f"{name}: shape {found}, expected {expected}"
    if len(found) != len(expected):
        return [wrong]
    for length, want in zip(found, expected, strict=True):
        allowed = [want] if isinstance(want, int) else sizes.setdefault(want, [length])
        if length not in allowed:
            return [f"{wrong} with {sizes}"]
        if isinstance(want, str):
            sizes[want] = [length]
    return []


def differences(
    path: Path,
    product: str,
    *,
    only: Collection[str] | None = None,
    shapes: bool = True,
    subset: bool = False,
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
    subset : bool
        Whether a service cut and renamed the granule: its name, its file attributes, missing
        datasets and those that match ``added_by_services`` are no difference then.

    Returns
    -------
    list of str
        One line a difference; empty if the file is as listed.
    """
    listing = load(product)
    found = []
    added = "|".join(listing.get("added_by_services", [])) if subset else ""
    if not subset and not re.fullmatch(listing["file_name"], path.name):
        found.append(f"name {path.name!r} does not match {listing['file_name']!r}")
    with h5py.File(path) as file:
        found += [] if subset else _attributes("file", file, listing["attributes"])
        found += [
            f"unlisted dataset {name!r}"
            for name in sorted(_datasets(file) - set(listing["datasets"]))
            if not re.fullmatch(added, name)
        ]
        sizes = {key: list(value) for key, value in listing.get("sizes", {}).items()}
        for name, about in listing["datasets"].items():
            if only is not None and name not in only:
                continue
            if name not in file:
                optional = about.get("optional") or subset
                found += [] if optional else [f"no dataset {name!r}"]
                continue
            dataset = file[name]
            kinds = about.get("dtype", dataset.dtype.str)
            if dataset.dtype.str not in ([kinds] if isinstance(kinds, str) else kinds):
                found.append(f"{name}: {dataset.dtype.str}, expected {kinds}")
            if shapes:
                found += _shape(name, dataset.shape, about["shape"], sizes)
            elif dataset.ndim != len(about["shape"]):
                found.append(f"{name}: {dataset.ndim} axes, expected {about['shape']}")
            if dataset.ndim > 1 and "dimensions" in about:
                names = _dimensions(dataset)
                if names != about["dimensions"]:
                    found.append(f"{name}: dimensions {names}, expected {about['dimensions']}")
            if "fill" in about and not subset and dataset.fillvalue != about["fill"]:
                found.append(f"{name}: fill {dataset.fillvalue}, expected {about['fill']}")
            found += _attributes(name, dataset, about.get("attributes", {}))
    return found


def geotiff_differences(path: Path, product: str = "dem_geotiff") -> list[str]:
    """List how a GeoTIFF differs from the listing of its product."""
    listing = load(product)
    found = []
    if "file_name" in listing and not re.fullmatch(listing["file_name"], path.name):
        found.append(f"name {path.name!r} does not match {listing['file_name']!r}")
    with rasterio.open(path) as file:
        where = (
            ("projection", file.crs.to_dict().get("proj"))
            if "projection" in listing
            else ("crs", str(file.crs))
        )
        for name, value in (
            where,
            ("driver", file.driver),
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


def flat_differences(path: Path, product: str) -> list[str]:
    """List how a headerless binary file differs from the listing of its product."""
    listing = load(product)
    match = re.fullmatch(listing["file_name"], path.name)
    if match is None:
        return [f"name {path.name!r} does not match {listing['file_name']!r}"]
    about = listing["time" if match["channel"] == "TIM" else "brightness_temperature"]
    raw = path.read_bytes()
    raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    kind = np.dtype(about["dtype"])
    size = int(np.prod(listing["shape"])) * kind.itemsize
    if len(raw) != size:
        return [f"{len(raw)} bytes, expected {size}"]
    values = np.frombuffer(raw, kind)
    low, high = about["valid"]
    seen = values[values != about["no_data"]]
    if np.any((seen < low) | (seen > high)):
        return [f"values {seen.min()}..{seen.max()}, expected {low}..{high}"]
    return []


def text_differences(path: Path, product: str, form: str) -> list[str]:
    """List how a text file differs from a form (name, first line, further lines) of a listing."""
    about = load(product)[form]
    found = []
    if not re.fullmatch(about["file_name"], path.name):
        found.append(f"name {path.name!r} does not match {about['file_name']!r}")
    lines = path.read_bytes().decode("ascii").splitlines()
    for number, line in enumerate(lines):
        pattern = about["first_line"] if number == 0 else about["line"]
        if not re.fullmatch(pattern, line):
            found.append(f"line {number + 1} {line!r} does not match {pattern!r}")
    return found
