"""HDF5 files that come out the same, byte for byte, every time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from soilft.simulate.domain import Domain

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


def label(file: h5py.File, domain: Domain) -> None:
    """Mark a file as simulated, with the seed, and the scale of the noise where it is not 1."""
    text(file, simulated="true", **_marks(domain))


def note(folder: Path, domain: Domain) -> Path:
    """Mark a directory whose files cannot say it themselves; give the path of ``SIMULATED.txt``."""
    marks = "".join(f"{name}={value}\n" for name, value in _marks(domain).items())
    path = folder / "SIMULATED.txt"
    with replaced(path) as part:
        part.write_text(
            f"SIMULATED: every file in and below this directory.\nsimulated=true\n{marks}",
            encoding="ascii",
        )
    return path


def _marks(domain: Domain) -> dict[str, str]:
    noise = {} if domain.noise == 1 else {"simulation_noise": str(domain.noise)}
    return {"simulation_seed": str(domain.seed), **noise}


def text(target: h5py.File | h5py.Group | h5py.Dataset, **attributes: str) -> None:
    """Set fixed-length text attributes, as netCDF libraries write them."""
    for name, value in attributes.items():
        target.attrs[name] = np.bytes_(value)


def put(
    file: h5py.File | h5py.Group,
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
    file : h5py.File or h5py.Group
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
    most = (None, *one[1:], *shape) if leading else None
    dataset = empty(file, name, one + shape, values.dtype, fill, most=most)
    scatter(dataset, (0,) * leading, place, values)
    return dataset


def empty(
    file: h5py.File | h5py.Group,
    name: str,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    fill: float,
    *,
    most: tuple[int | None, ...] | None = None,
) -> h5py.Dataset:
    """Create a grid without a chunk: all of it reads as ``fill``.

    Parameters
    ----------
    file : h5py.File or h5py.Group
        Open for writing.
    name : str
        Name of the dataset.
    shape : tuple of int
        Any leading axes, then rows and columns.
    dtype : data type
        As stored.
    fill : float
        Value of cells nobody writes.
    most : tuple of int, optional
        Largest shape; None where an axis is unlimited.
    """
    kind = np.dtype(dtype)
    return file.create_dataset(
        name,
        shape=shape,
        maxshape=most,
        dtype=kind,
        chunks=(1,) * (len(shape) - 2) + CHUNK,
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fillvalue=np.asarray(fill).astype(kind)[()],
        track_times=False,
    )


def scatter(
    dataset: h5py.Dataset,
    leading: tuple[int, ...],
    place: tuple[NDArray[Any], NDArray[Any]],
    values: NDArray[Any],
) -> None:
    """Write values into a grid of :func:`empty`, touching only the chunks that hold them.

    Parameters
    ----------
    dataset : h5py.Dataset
        Of :func:`empty`.
    leading : tuple of int
        Place on the leading axes.
    place : tuple of array
        Row and column of each value, each (n,).
    values : array
        (n,).
    """
    rows, cols = place
    high, wide = CHUNK
    across = -(-dataset.shape[-1] // wide)
    block = (rows // high) * across + cols // wide
    for number in np.unique(block):
        here = block == number
        top, left = (int(part) for part in divmod(int(number), across))
        corner = np.s_[top * high : (top + 1) * high, left * wide : (left + 1) * wide]
        chunk = np.full(CHUNK, dataset.fillvalue, dtype=dataset.dtype)
        chunk[rows[here] - top * high, cols[here] - left * wide] = values[here]
        # the last chunks reach beyond the grid
        room = np.s_[: dataset.shape[-2] - top * high, : dataset.shape[-1] - left * wide]
        dataset[leading + corner] = chunk[room]


def coordinate(
    file: h5py.File, name: str, values: NDArray[Any], attributes: Mapping[str, str]
) -> h5py.Dataset:
    """Write a netCDF coordinate variable, a dimension scale of its own name."""
    dataset = file.create_dataset(name, data=values, track_times=False)
    dataset.make_scale(name)
    text(dataset, **attributes)
    return dataset
