"""Digests of what zarr-python reads of a cube on S3, as anyone: ``read.py URL ENDPOINT NAME...``.

It runs in environments without soilft, with any version 3 of zarr-python; see ``read.mjs``.
"""

import hashlib
import json
import sys
from typing import Any

import numpy as np
import zarr
from zarr.storage import FsspecStore


def digest(values: Any) -> str:
    """SHA-256 of values as little-endian bytes in C order."""
    array = np.asarray(values)
    return hashlib.sha256(
        np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    ).hexdigest()


def main(url: str, endpoint: str, names: list[str]) -> None:
    """Read every array whole, one day of it, and one pixel."""
    store = FsspecStore.from_url(
        url, storage_options={"anon": True, "endpoint_url": endpoint}, read_only=True
    )
    group = zarr.open_group(store, mode="r", use_consolidated=True)
    found: dict[str, Any] = {}
    for name in names:
        array = group[name]
        found[name] = {"shape": list(array.shape), "all": digest(array[...])}
        if array.ndim > 2:
            found[name]["day"] = digest(array[2])
            found[name]["pixel"] = digest(array[..., 3, 5])
    print(json.dumps({"title": group.attrs["title"], "arrays": found, "version": zarr.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
