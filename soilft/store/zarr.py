"""Zarr stores: their templates, their opening, and writes of whole chunks.

Every store is Zarr v3 with consolidated metadata, on a local path or any fsspec URL. One rule keeps
parallel writers apart: a region write covers whole chunks (whole shards where sharded), on every
axis. xarray lets a partial NumPy region through; `write_region` does not.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from zarr.abc.store import Store
from zarr.codecs import BloscCodec
from zarr.errors import ZarrUserWarning
from zarr.storage import FsspecStore, LocalStore

from soilft.errors import MisalignedWrite, StoreConflict, StoreError
from soilft.schema import Coordinate, Template, Variable
from soilft.store import objects

COMPRESSOR = BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle")


def zarr_store(url: str, *, read_only: bool = False) -> Store:
    """Zarr's store object for a URL."""
    fs, path = objects.filesystem(url)
    if objects.is_local(url):
        return LocalStore(path, read_only=read_only)
    fs_async = type(fs)(**{**fs.storage_options, "asynchronous": True})
    return FsspecStore(fs_async, path=path, read_only=read_only)


def open_cube(url: str) -> xr.Dataset:
    """Open a store lazily, CF-decoded, without dask.

    Raises
    ------
    StoreError
        Where there is no readable store at the URL.
    """
    with objects.explained(url):
        try:
            cube: xr.Dataset = xr.open_zarr(
                zarr_store(url, read_only=True), chunks=None, consolidated=True
            )
        except FileNotFoundError as error:
            raise StoreError(url, expected="a Zarr store", found="none") from error
    return cube


def open_stored(url: str) -> xr.Dataset:
    """Open a store lazily without decoding: values, fills and attributes as they are stored.

    Raises
    ------
    StoreError
        Where there is no readable store at the URL.
    """
    with objects.explained(url):
        try:
            stored: xr.Dataset = xr.open_zarr(
                zarr_store(url, read_only=True), chunks=None, consolidated=True, decode_cf=False
            )
        except FileNotFoundError as error:
            raise StoreError(url, expected="a Zarr store", found="none") from error
    return stored


def open_raw(url: str) -> zarr.Group:
    """Open a store as Zarr's group: stored values, no decoding."""
    with objects.explained(url):
        try:
            return zarr.open_group(zarr_store(url, read_only=True), mode="r")
        except FileNotFoundError as error:
            raise StoreError(url, expected="a Zarr store", found="none") from error


def create(url: str, template: Template) -> None:
    """Make the store of a template, or extend one that is there along time.

    Calling it again on an unchanged template changes nothing, so a creation that was killed
    half-way is finished by the next call.

    Raises
    ------
    StoreConflict
        Where a store is there whose axes or variables do not fit the template.
    """
    with objects.explained(url):
        # A creation that was killed has left consolidated metadata that speak of the store before.
        group = zarr.open_group(zarr_store(url), mode="a", use_consolidated=False)
        make(url, group, template)
        _finish(url, group, template.attributes)


def make(url: str, group: zarr.Group, template: Template) -> None:
    """Put the arrays of a template into a group, or extend those that are there along time.

    Parameters
    ----------
    url
        What errors call the group.

    Raises
    ------
    StoreConflict
        Where an array is there that does not fit the template.
    """
    for coordinate in template.coordinates:
        _put_coordinate(url, group, coordinate)
    for variable in template.variables:
        _put_variable(url, group, template, variable)


def discard(url: str) -> None:
    """Remove a store that is about to be made anew, if it is there."""
    fs, path = objects.filesystem(url)
    with objects.explained(url):
        if fs.exists(path):
            fs.rm(path, recursive=True)


def set_attributes(url: str, attributes: Mapping[str, Any]) -> None:
    """Replace the root attributes, keeping the metadata consolidated."""
    with objects.explained(url):
        group = zarr.open_group(zarr_store(url), mode="r+")
        if dict(group.attrs) != dict(attributes):
            _finish(url, group, attributes)


def _finish(url: str, group: zarr.Group, attributes: Mapping[str, Any]) -> None:
    if dict(group.attrs) != dict(attributes):
        group.attrs.clear()
        group.attrs.update(dict(attributes))
    consolidate(zarr_store(url))


def consolidate(where: Store) -> None:
    """Consolidate the metadata of a store."""
    with warnings.catch_warnings():
        # Said on every consolidated write of format 3; every reader named in the docs reads it.
        warnings.filterwarnings("ignore", "Consolidated metadata is", ZarrUserWarning)
        zarr.consolidate_metadata(where)


def _put_coordinate(url: str, group: zarr.Group, coordinate: Coordinate) -> None:
    values = np.asarray(coordinate.values)
    if coordinate.name in group and array(group, coordinate.name).nchunks_initialized:
        stored = np.asarray(array(group, coordinate.name)[...])
        if _begins_with(values, stored, coordinate.dims):
            if values.shape == stored.shape:
                return
        else:
            raise StoreConflict(
                objects.join(url, coordinate.name),
                expected=_outline(values),
                found=_outline(stored),
                remedy="The store was made for another region or period; choose another store, "
                "or keep the first day and let the period grow at its end.",
            )
    created = group.create_array(
        coordinate.name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=tuple(max(n, 1) for n in values.shape),
        fill_value=0,
        dimension_names=coordinate.dims,
        attributes=dict(coordinate.attributes),
        # Bytes of a steady axis differ little from one number to the next.
        compressors=BloscCodec(cname="zstd", clevel=5, shuffle="shuffle"),
        # Zeros are values here, not absence: keep the chunk even where all of it is zero.
        config={"write_empty_chunks": True},
        overwrite=True,
    )
    created[...] = values


def _put_variable(url: str, group: zarr.Group, template: Template, variable: Variable) -> None:
    shape = template.shape(variable)
    if variable.name not in group:
        group.create_array(
            variable.name,
            shape=shape,
            dtype=variable.dtype,
            chunks=template.chunk_shape(variable),
            shards=template.shard_shape(variable),
            fill_value=variable.fill,
            dimension_names=variable.dims,
            attributes=template.attributes_of(variable),
            compressors=COMPRESSOR,
        )
        return
    stored = array(group, variable.name)
    expected = (np.dtype(variable.dtype), template.chunk_shape(variable))
    if (stored.dtype, stored.chunks) != expected or stored.shards != template.shard_shape(variable):
        raise StoreConflict(
            objects.join(url, variable.name),
            expected=f"{expected[0]} in chunks {expected[1]}",
            found=f"{stored.dtype} in chunks {stored.chunks}",
            remedy="Choose another store, or the chunk length this one was made with.",
        )
    if stored.shape != shape:
        stored.resize(shape)
    attributes = template.attributes_of(variable)
    if dict(stored.attrs) != attributes:
        stored.attrs.clear()
        stored.attrs.update(attributes)


def array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """An array of a group.

    Raises
    ------
    StoreConflict
        Where there is none of that name.
    """
    member = group.get(name)
    if not isinstance(member, zarr.Array):
        raise StoreConflict(f"{group.store_path}/{name}", expected="an array", found="none")
    return member


def _begins_with(values: npt.NDArray[Any], stored: npt.NDArray[Any], dims: tuple[str, ...]) -> bool:
    if "time" not in dims:
        return values.dtype == stored.dtype and np.array_equal(values, stored)
    return len(stored) <= len(values) and np.array_equal(values[: len(stored)], stored)


def _outline(values: npt.NDArray[Any]) -> str:
    flat = values.ravel()
    return f"{len(flat)} values {flat[0]}..{flat[-1]}" if len(flat) else "no values"


def write_region(
    url: str, values: Mapping[str, npt.NDArray[Any]], region: Mapping[str, slice]
) -> None:
    """Write arrays into whole chunks of a store.

    Parameters
    ----------
    url
        A store made by `create`.
    values
        Stored (encoded) values by variable name, each of the region's shape.
    region
        Slice by dimension; dimensions left out are covered whole.

    Raises
    ------
    MisalignedWrite
        Where the region cuts a chunk, or a shard of a sharded array, or the values do not have
        the region's shape and type. Nothing has been written then.
    """
    with objects.explained(url):
        group = zarr.open_group(zarr_store(url), mode="r+")
        selections = {
            name: _checked_selection(url, array(group, name), block, region)
            for name, block in values.items()
        }
        for name, selection in selections.items():
            array(group, name)[selection] = values[name]


def _checked_selection(
    url: str, array: zarr.Array[Any], values: npt.NDArray[Any], region: Mapping[str, slice]
) -> tuple[slice, ...]:
    place = objects.join(url, array.basename)
    dims = tuple(array.metadata.dimension_names or ())  # type: ignore[union-attr]
    units = array.shards or array.chunks
    selection = []
    for dim, size, unit in zip(dims, array.shape, units, strict=True):
        start, stop, step = region.get(str(dim), slice(None)).indices(size)
        if step != 1 or start % unit or (stop % unit and stop != size):
            raise MisalignedWrite(
                place,
                expected=f"{dim} in whole units of {unit} from 0 to {size}",
                found=f"{start}..{stop}",
            )
        selection.append(slice(start, stop))
    shape = tuple(s.stop - s.start for s in selection)
    if values.shape != shape or values.dtype != array.dtype:
        raise MisalignedWrite(
            place, expected=f"{array.dtype} {shape}", found=f"{values.dtype} {values.shape}"
        )
    return tuple(selection)


def sweep_partials(root: str) -> int:
    """Remove temporary files that a killed writer left on a local disk; give their number.

    Object stores need none of this: there a PUT that was cut off leaves no object.
    """
    if not objects.is_local(root):
        return 0
    leftovers = list(Path(objects.filesystem(root)[1]).rglob("*.partial"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
