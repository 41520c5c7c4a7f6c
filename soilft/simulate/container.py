"""Writing HDF5 files that come out the same, byte for byte, every time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

CHUNK = (60, 120)
"""Rows and columns of a chunk of a global grid; chunks never written take no space."""


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a temporary name in the same directory, renamed to ``path`` on success."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def label(file: h5py.File, seed: int) -> None:
    """Mark a file as simulated."""
    text(file, simulated="true", simulation_seed=str(seed))


def text(target: h5py.File | h5py.Dataset, **attributes: str) -> None:
    """Set fixed-length text attributes, as netCDF libraries write them."""
    for name, value in attributes.items():
        target.attrs[name] = np.bytes_(value)


def put(
    file: h5py.File,
    name: str,
    shape: tuple[int, int],
    place: tuple[NDArray[Any], NDArray[Any]],
    values: NDArray[Any],
    fill: float,
    *,
    leading: int = 0,
) -> h5py.Dataset:
    """Create a global grid and write only the chunks that hold given cells.

    Parameters
    ----------
    file : h5py.File
        Open for writing.
    name : str
        Name of the dataset.
    shape : tuple of int
        Rows and columns of the global grid.
    place : tuple of array
        Row and column of each value, each (n,).
    values : array
        (n,); its type is that of the dataset.
    fill : float
        Everywhere else.
    leading : int
        Number of leading axes of length 1, the first unlimited.
    """
    one = (1,) * leading
    dataset = file.create_dataset(
        name,
        shape=one + shape,
        maxshape=(None, *one[1:], *shape) if leading else None,
        dtype=values.dtype,
        chunks=one + CHUNK,
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fillvalue=values.dtype.type(fill),
        track_times=False,
    )
    rows, cols = place
    high, wide = CHUNK
    block = (rows // high) * (shape[1] // wide) + cols // wide
    for number in np.unique(block):
        here = block == number
        top, left = (int(part) for part in divmod(int(number), shape[1] // wide))
        chunk = np.full(CHUNK, fill, dtype=values.dtype)
        chunk[rows[here] - top * high, cols[here] - left * wide] = values[here]
        corner = np.s_[top * high : (top + 1) * high, left * wide : (left + 1) * wide]
        dataset[(0,) * leading + corner] = chunk
    return dataset


def coordinate(
    file: h5py.File, name: str, values: NDArray[Any], attributes: Mapping[str, str]
) -> h5py.Dataset:
    """Write a netCDF coordinate variable, a dimension scale of its own name."""
    dataset = file.create_dataset(name, data=values, track_times=False)
    dataset.make_scale(name)
    text(dataset, **attributes)
    return dataset
