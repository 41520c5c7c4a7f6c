"""Access to native files: brought to this machine first, and refused clearly where damaged."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import netCDF4
import xarray as xr

from soilft.errors import (
    FormatMismatch,
    MissingVariable,
    StoreError,
    TaskTooLarge,
    UnreadableGranule,
)
from soilft.sources.protocol import DailySource, Granule, StaticSource
from soilft.store import objects
from soilft.store.matching import leads_nowhere

# Larger than any granule of the products read here; a wrong URL must not fill a worker's disk.
MAX_GRANULE_BYTES = 4 * 2**30
# Larger than any array of a granule, unpacked; maps that are read in windows may be larger.
MAX_ARRAY_BYTES = 2 * 2**30
MAX_MAP_BYTES = 64 * 2**30
SIMULATED_MARK = "SIMULATED.txt"
# Beside a raster, by the end of its name: its mask, and what GDAL adds to its header.
MASK = ".msk"
BESIDE = (MASK, ".aux.xml")
_RASTERS = (".tif", ".tiff")
# Left free on the disk of a worker, which spills there, too.
SCRATCH_RESERVE_BYTES = 256 * 2**20


@contextmanager
def local_copy(url: str) -> Iterator[Path]:
    """Give a path on this machine; a remote file is copied to scratch and removed afterwards.

    HDF5 over a remote file object can deadlock in threads, so it never reads one. Scratch is the
    folder of ``TMPDIR``; a thread keeps one granule there at a time. What belongs to a raster and
    lies beside it comes along, from where a link leads, too.

    Raises
    ------
    UnreadableGranule
        Where the file is gone, no file, or larger than any granule can be.
    TaskTooLarge
        Where scratch has no room for it.
    """
    fs, path = objects.filesystem(url)
    with objects.explained(url):
        nowhere = objects.is_local(url) and leads_nowhere(Path(path))
    if nowhere:
        found = f"a link to {Path(path).readlink()}, where nothing is"
        raise UnreadableGranule(url, expected="a file", found=found)
    with objects.explained(url):
        try:
            info = fs.info(path)
        except FileNotFoundError as error:
            raise UnreadableGranule(url, expected="a file", found="none") from error
    try:
        size = objects.size_of(url, info)
    except StoreError as error:  # asking again would not help
        raise UnreadableGranule(
            url, expected=error.expected, found=error.found, remedy=error.remedy
        ) from error
    if info["type"] == "other":  # a pipe would be waited for without end
        raise UnreadableGranule(url, expected="a file", found="something else, such as a pipe")
    if size > MAX_GRANULE_BYTES:
        raise UnreadableGranule(url, expected=f"at most {MAX_GRANULE_BYTES} bytes", found=str(size))
    if objects.is_local(url):
        with _beside_its_own(Path(path)) as there:
            yield there
        return
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if size + SCRATCH_RESERVE_BYTES > free:
        raise TaskTooLarge(
            f"scratch for {url}",
            expected=f"{size + SCRATCH_RESERVE_BYTES} bytes free in {tempfile.gettempdir()}",
            found=f"{free} bytes",
            remedy="Free some, or let TMPDIR name a larger folder.",
        )
    with tempfile.TemporaryDirectory(prefix="soilft-") as scratch:
        target = Path(scratch) / url.rsplit("/", 1)[-1]
        with objects.explained(url):
            fs.get_file(path, str(target))
            for end in BESIDE if url.lower().endswith(_RASTERS) else ():
                if fs.exists(path + end):
                    fs.get_file(path + end, f"{target}{end}")
        yield target


@contextmanager
def _beside_its_own(path: Path) -> Iterator[Path]:
    """A local file; a link to a raster together with what lies beside the link or the raster."""
    if not path.is_symlink() or path.suffix.lower() not in _RASTERS:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="soilft-") as scratch:
        there, real = Path(scratch) / path.name, path.resolve()
        there.symlink_to(real)
        for end in BESIDE:
            found = [f for f in (Path(f"{path}{end}"), Path(f"{real}{end}")) if f.exists()]
            if found:
                Path(f"{there}{end}").symlink_to(found[0].resolve())
        yield there


@contextmanager
def open_granule(source: DailySource | StaticSource, granule: Granule) -> Iterator[xr.Dataset]:
    """Open a granule wherever it lies, and say in its attributes what was opened.

    Gives
    -----
    xarray.Dataset
        As ``source.read`` gives it, with the attributes ``source`` (file name), ``product``,
        ``product_version`` and ``sha256`` of the file.
    """
    with local_copy(granule.url) as path:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with source.read(path) as dataset:
            yield dataset.assign_attrs(
                source=granule.name,
                product=source.product,
                product_version=granule.version,
                sha256=sha256,
            )


def marked_simulated(folder: str) -> bool:
    """Whether a file in a folder says that what lies beside it is simulated.

    For containers without attributes: flat binary and text.
    """
    return objects.exists(objects.join(folder, SIMULATED_MARK))


def folders_of(granule: Granule) -> set[str]:
    """The folder of a granule, and where it is a link that of the file to which it leads."""
    urls = {granule.url}
    if objects.is_local(granule.url):
        urls.add(os.path.realpath(objects.filesystem(granule.url)[1]))
    return {url.rpartition("/")[0] for url in urls}


def require_self_contained(path: Path, most_bytes: int = MAX_ARRAY_BYTES) -> None:
    """Refuse an HDF5 file that leads outside of itself, or declares more than a granule can hold.

    Nothing is allocated: shapes and links alone are looked at.

    Parameters
    ----------
    most_bytes
        Of one array, unpacked.

    Raises
    ------
    FormatMismatch
        Where it holds an external link, external raw data or a virtual dataset, or declares an
        array, or a chunk of one, that is larger.
    UnreadableGranule
        Where it is truncated or no HDF5 file.
    """
    try:
        with h5py.File(path) as file:
            outside = file.visititems_links(_leads_outside) or file.visititems(_lies_outside)
            larger = file.visititems(partial(_declares_more, most_bytes))
    except (OSError, RuntimeError, KeyError) as error:
        raise UnreadableGranule(
            path.name, expected="a whole NetCDF4/HDF5 file", found=_first_line(error)
        ) from error
    if outside:
        raise FormatMismatch(
            path.name, expected="all data in the file itself", found=f"{outside} outside of it"
        )
    if larger:
        raise FormatMismatch(
            path.name, expected=f"arrays of at most {most_bytes} bytes", found=larger
        )


def _leads_outside(name: str, link: object) -> str | None:
    return f"the link {name}" if isinstance(link, h5py.ExternalLink) else None


def _lies_outside(name: str, item: object) -> str | None:
    if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
        return f"the values of {name}"
    return None


def require_whole(path: Path) -> None:
    """Refuse a classic NetCDF file that declares more than it holds: nothing in it is packed.

    Raises
    ------
    UnreadableGranule
        Where it is cut off, damaged or of another container.
    """
    try:
        with netCDF4.Dataset(path) as file:
            sizes = {n: math.prod(v.shape) * v.dtype.itemsize for n, v in file.variables.items()}
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UnreadableGranule(
            path.name, expected="a whole NetCDF4/HDF5 file", found=_what_is_wrong(path, error)
        ) from error
    largest = max(sizes, key=lambda name: sizes[name], default="")
    if largest and sizes[largest] > path.stat().st_size:
        raise UnreadableGranule(
            path.name,
            expected="a whole NetCDF file",
            found=f"{largest} of {sizes[largest]} bytes in a file of {path.stat().st_size}",
        )


def _declares_more(most_bytes: int, name: str, item: object) -> str | None:
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        return None
    size = max(math.prod(item.shape), math.prod(item.chunks or ())) * item.dtype.itemsize
    return f"{name} of {size}" if size > most_bytes else None


def open_netcdf(
    path: Path, *, mask_and_scale: bool = True, most_bytes: int = MAX_ARRAY_BYTES
) -> xr.Dataset:
    """Open NetCDF or HDF5 lazily, without dask; times stay numbers.

    Parameters
    ----------
    most_bytes
        Of one array of an HDF5 file, unpacked.

    Raises
    ------
    UnreadableGranule
        Where the file is truncated or of another container.
    FormatMismatch
        Where an HDF5 file has data outside of itself.
    """
    if h5py.is_hdf5(path):
        require_self_contained(path, most_bytes)
    else:
        require_whole(path)
    try:
        return xr.open_dataset(
            path, engine="netcdf4", mask_and_scale=mask_and_scale, decode_times=False
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise UnreadableGranule(
            path.name, expected="a whole NetCDF4/HDF5 file", found=_what_is_wrong(path, error)
        ) from error


def _what_is_wrong(path: Path, error: Exception) -> str:
    """The HDF5 library says more than NetCDF's "HDF error", such as where a file is cut off."""
    try:
        with h5py.File(path):
            return _first_line(error)
    except OSError as detail:
        return _first_line(detail)


def derived(dataset: xr.Dataset, opened: xr.Dataset) -> xr.Dataset:
    """A dataset made from an opened one; closing it closes the file."""
    dataset.set_close(opened.close)
    return dataset


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file where its data turn out to be damaged only when they are read."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise UnreadableGranule(
            path.name, expected="readable data", found=_first_line(error)
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def require(dataset: xr.Dataset, name: str, path: Path) -> xr.DataArray:
    """A variable of a file.

    Raises
    ------
    MissingVariable
        Where it is not there.
    """
    if name not in dataset.variables:
        raise MissingVariable(
            path.name, expected=name, found=", ".join(map(str, dataset.variables)) or "no variables"
        )
    return dataset[name]


def require_units(array: xr.DataArray, units: str, path: Path) -> None:
    """Check the units attribute of a variable.

    Raises
    ------
    FormatMismatch
        Where the file says something else.
    """
    found = str(array.attrs.get("units", "none")).strip()
    if found != units:
        raise FormatMismatch(
            f"{path.name}: units of {array.name}", expected=repr(units), found=repr(found)
        )


def require_one_time(array: xr.DataArray, path: Path) -> None:
    """Check that a variable is one map: (time, lat, lon) with a single time, or beside it.

    Who takes the one map out of a file with xarray leaves a ``time`` without a dimension.

    Raises
    ------
    FormatMismatch
        Where it has other dimensions, or several times of which one would be taken unasked.
    """
    beside = array.dims == ("lat", "lon") and "time" in array.coords
    if not beside and (array.dims != ("time", "lat", "lon") or array.sizes["time"] != 1):
        raise FormatMismatch(
            f"{path.name}: {array.name}",
            expected="dimensions (time, lat, lon) with one time",
            found=", ".join(f"{dim} {size}" for dim, size in array.sizes.items()),
        )


def only_time(dataset: xr.Dataset) -> xr.Dataset:
    """Variables at the one time that `require_one_time` found, without it."""
    maps = dataset.isel(time=0, drop=True, missing_dims="ignore")
    return maps.drop_vars("time", errors="ignore")
