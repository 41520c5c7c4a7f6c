"""Write an HDF5 or NetCDF-4 file from the listing of its product, and from nothing else.

No reader and no simulator is asked: what stands in the listing is written, values where the caller
gives them, fill everywhere else. So a reader is held against the listing by other code.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.contract import listing

Corner = tuple[int, ...]
Values = Mapping[str, "np.ndarray[Any, Any] | tuple[Corner, np.ndarray[Any, Any]]"]
"""Whole arrays by dataset, or a part of one with the index of its first cell."""


def write(
    path: Path,
    product: str,
    values: Values | None = None,
    *,
    texts: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Path:
    """Write a file.

    Parameters
    ----------
    product
        Name of the listing.
    texts
        Attributes of the file that the listing names without a value, and further ones.
    sizes
        Lengths that stand as words in the listing.
    """
    about = listing.load(product)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for name, item in about["datasets"].items():
            given = (values or {}).get(name)
            if item.get("optional") and given is None:
                continue
            shape = tuple(n if isinstance(n, int) else (sizes or {})[n] for n in item["shape"])
            _dataset(file, name, item, shape, given)
        for name, item in about["datasets"].items():
            if name in file and item.get("scale"):
                file[name].make_scale(name)
        for name, item in about["datasets"].items():
            for axis, scale in enumerate(item.get("dimensions", ()) if name in file else ()):
                file[name].dims[axis].attach_scale(file[scale])
        _attributes(file, about["attributes"], texts or {})
    return path


def _dataset(
    file: h5py.File, name: str, item: dict[str, Any], shape: Corner, given: Any
) -> h5py.Dataset:
    kinds = item["dtype"]
    dtype = np.dtype(kinds if isinstance(kinds, str) else kinds[0])
    large = {}
    if len(shape) > 1:
        fill = item.get("fill", 0)
        large = {
            # Chunks that nobody writes take no space.
            "chunks": (*(1,) * (len(shape) - 2), *(min(n, 90) for n in shape[-2:])),
            "compression": "gzip",
            "compression_opts": 1,
            "fillvalue": np.asarray(fill).astype(dtype)[()],
        }
    dataset = file.create_dataset(name, shape=shape, dtype=dtype, track_times=False, **large)
    if given is not None:
        corner, array = given if isinstance(given, tuple) else ((0,) * len(shape), given)
        array = np.asarray(array)
        ends = zip(corner, array.shape, strict=True)
        dataset[tuple(slice(a, a + n) for a, n in ends)] = array
    _attributes(dataset, item.get("attributes", {}), {})
    return dataset


def _attributes(thing: Any, listed: dict[str, dict[str, Any]], texts: Mapping[str, str]) -> None:
    for name, about in listed.items():
        value = texts.get(name, about.get("value"))
        if value is None:
            continue
        if about["kind"] == "text":
            thing.attrs[name] = np.bytes_(value)
        else:
            thing.attrs[name] = np.atleast_1d(np.asarray(value, about["kind"]))
    for name in set(texts) - set(listed):
        thing.attrs[name] = np.bytes_(texts[name])
