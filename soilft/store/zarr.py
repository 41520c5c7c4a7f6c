"""Zarr stores: their templates, their opening, and writes of whole chunks.

Every store is Zarr v3 with consolidated metadata, on a local path or any fsspec URL. One rule keeps
parallel writers apart: a region write covers whole chunks (whole shards where sharded), on every
axis. xarray lets a partial NumPy region through; `write_region` does not.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from zarr.abc.codec import BytesBytesCodec
from zarr.abc.store import Store
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.errors import BaseZarrError, ZarrUserWarning
from zarr.storage import MemoryStore

from soilft.errors import DamagedCube, MisalignedWrite, StoreConflict, StoreError
from soilft.schema import Coordinate, Template, Variable
from soilft.store import objects
from soilft.store.handles import handle


@contextmanager
def damage_named(url: str) -> Iterator[None]:
    """Say which store it is where chunks or metadata cannot be read as they were written.

    Raises
    ------
    DamagedCube
        In place of Zarr's error, which names neither store nor chunk.
    """
    try:
        yield
    except (ValueError, RuntimeError) as error:
        found = _damage_told_by(error)
        if found is None:
            raise
        raise DamagedCube(
            url,
            expected="chunks and metadata as they were written",
            found=found,
            remedy="Read it again. Where it stays so, an object is damaged: soilft verify names "
            "it; bring it back from a copy.",
        ) from error


def _damage_told_by(error: Exception) -> str | None:
    """What is damaged by what a library raised; None where that tells of something else."""
    if isinstance(error, FileNotFoundError):
        return None
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | BaseZarrError):
        return "metadata that cannot be read"
    if isinstance(error, ValueError) and "checksum" in str(error):
        return "a chunk whose checksum does not fit"
    # Chunks of 0.3.0 carry no checksum.
    if isinstance(error, RuntimeError) and "blosc decompression" in str(error):
        return "a chunk that cannot be unpacked"
    return None


def open_cube(url: str) -> xr.Dataset:
    """Open a store lazily, CF-decoded, without dask.

    Raises
    ------
    StoreError
        Where there is no readable store at the URL, or its coordinates are damaged.
    """
    with objects.explained(url), damage_named(url):
        try:
            cube: xr.Dataset = xr.open_zarr(
                handle(url, read_only=True), chunks=None, consolidated=True
            )
        except FileNotFoundError as error:
            raise StoreError(url, expected="a Zarr store", found="none") from error
    return cube


def open_stored(url: str) -> xr.Dataset:
    """Open a store lazily without decoding: values, fills and attributes as they are stored.

    Raises
    ------
    StoreError
        Where there is no readable store at the URL, or its coordinates are damaged.
    """
    with objects.explained(url), damage_named(url):
        try:
            stored: xr.Dataset = xr.open_zarr(
                handle(url, read_only=True), chunks=None, consolidated=True, decode_cf=False
            )
        except FileNotFoundError as error:
            raise StoreError(url, expected="a Zarr store", found="none") from error
    return stored


def open_raw(url: str) -> zarr.Group:
    """Open a store as Zarr's group: stored values, no decoding.

    Raises
    ------
    StoreError
        Where there is no readable store at the URL.
    """
    with objects.explained(url), damage_named(url):
        try:
            return zarr.open_group(handle(url, read_only=True), mode="r")
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
        group = zarr.open_group(handle(url), mode="a", use_consolidated=False)
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
    # All is looked at before anything is changed.
    for coordinate in template.coordinates:
        _check_coordinate(url, group, template, coordinate)
    for variable in template.variables:
        _check_variable(url, group, template, variable)
    for coordinate in template.coordinates:
        _put_coordinate(group, template, coordinate)
    for variable in template.variables:
        _put_variable(group, template, variable)


def discard(url: str) -> None:
    """Remove a store that is about to be made anew, if it is there.

    Raises
    ------
    StorePermission, StoreError
        Where the file system keeps any of it.
    """
    fs, path = objects.filesystem(url)
    with objects.explained(url):
        if fs.exists(path):
            fs.rm(path, recursive=True)
            # Of what a server keeps of several objects s3fs is silent; of one it tells why.
            for kept in fs.find(path):
                fs.rm_file(kept)


def set_attributes(url: str, attributes: Mapping[str, Any]) -> None:
    """Replace the root attributes, keeping the metadata consolidated."""
    with objects.explained(url):
        group = zarr.open_group(handle(url), mode="r+")
        if dict(group.attrs) != dict(attributes):
            _finish(url, group, attributes)


def _finish(url: str, group: zarr.Group, attributes: Mapping[str, Any]) -> None:
    if dict(group.attrs) != dict(attributes):
        group.attrs.clear()
        group.attrs.update(dict(attributes))
    consolidate(handle(url))


def consolidate(where: Store) -> None:
    """Consolidate the metadata of a store."""
    with warnings.catch_warnings():
        # Said on every consolidated write of format 3; every reader named in the docs reads it.
        warnings.filterwarnings("ignore", "Consolidated metadata is", ZarrUserWarning)
        zarr.consolidate_metadata(where)


def compressors(template: Template, *, axis: bool = False) -> tuple[BytesBytesCodec, ...]:
    """What packs the chunks of a template's variables, or of its coordinates.

    The checksum stands last: readers hold it against the bytes as they came, before Blosc's C code
    sees them.
    """
    # Bytes of a steady axis differ little from one number to the next.
    packed = BloscCodec(cname="zstd", clevel=5, shuffle="shuffle" if axis else "bitshuffle")
    return (packed, Crc32cCodec()) if template.checked else (packed,)


def codecs(template: Template, variable: Variable) -> list[Any]:
    """All codecs of a variable as the metadata of its array state them, JSON values."""
    metadata = _new_variable(_nowhere(), template, variable).metadata
    found: list[Any] = metadata.to_dict()["codecs"]  # type: ignore[assignment]
    return found


def _nowhere() -> zarr.Group:
    return zarr.open_group(MemoryStore())


def _new_variable(group: zarr.Group, template: Template, variable: Variable) -> zarr.Array[Any]:
    return group.create_array(
        variable.name,
        shape=template.shape(variable),
        dtype=variable.dtype,
        chunks=template.chunk_shape(variable),
        shards=template.shard_shape(variable),
        fill_value=variable.fill,
        dimension_names=variable.dims,
        attributes=template.attributes_of(variable),
        compressors=compressors(template),
    )


def _new_coordinate(
    group: zarr.Group, template: Template, coordinate: Coordinate
) -> zarr.Array[Any]:
    values = np.asarray(coordinate.values)
    return group.create_array(
        coordinate.name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=tuple(max(n, 1) for n in values.shape),
        fill_value=0,
        dimension_names=coordinate.dims,
        attributes=dict(coordinate.attributes),
        compressors=compressors(template, axis=True),
        # Zeros are values here, not absence: keep the chunk even where all of it is zero.
        config={"write_empty_chunks": True},
        overwrite=True,
    )


def _require_packing(place: str, stored: zarr.Array[Any], new: zarr.Array[Any]) -> None:
    """Refuse an array whose chunks are packed otherwise than those of a new one."""
    found, expected = _packing(stored), _packing(new)
    if found != expected:
        raise StoreConflict(
            place,
            expected=f"chunks packed by {expected}",
            found=found,
            remedy="The store was made by another version: choose another store, or remove this "
            "one so that it is made anew.",
        )


def _packing(array: zarr.Array[Any]) -> str:
    """Codecs that pack an array's chunks, with their settings."""
    chain: list[Any] = [codec.to_dict() for codec in array.compressors]  # type: ignore[union-attr]
    return ", ".join(
        " ".join([codec["name"], *(f"{k}={v}" for k, v in codec.get("configuration", {}).items())])
        for codec in chain
    )


def _check_coordinate(
    url: str, group: zarr.Group, template: Template, coordinate: Coordinate
) -> None:
    stored = _stored(group, coordinate)
    if stored is None:
        return
    values, place = np.asarray(coordinate.values), objects.join(url, coordinate.name)
    if not _begins_with(values, np.asarray(stored[...]), coordinate.dims):
        raise StoreConflict(
            place,
            expected=_outline(values),
            found=_outline(np.asarray(stored[...])),
            remedy="The store was made for another region or period; choose another store, "
            "or keep the first day and let the period grow at its end.",
        )
    _require_packing(place, stored, _new_coordinate(_nowhere(), template, coordinate))


def _stored(group: zarr.Group, coordinate: Coordinate) -> zarr.Array[Any] | None:
    if coordinate.name not in group:
        return None
    stored = array(group, coordinate.name)
    return stored if stored.nchunks_initialized else None


def _put_coordinate(group: zarr.Group, template: Template, coordinate: Coordinate) -> None:
    values, stored = np.asarray(coordinate.values), _stored(group, coordinate)
    if stored is None or values.shape != stored.shape:
        _new_coordinate(group, template, coordinate)[...] = values


def _check_variable(url: str, group: zarr.Group, template: Template, variable: Variable) -> None:
    if variable.name not in group:
        return
    stored, place = array(group, variable.name), objects.join(url, variable.name)
    expected = (np.dtype(variable.dtype), template.chunk_shape(variable))
    if (stored.dtype, stored.chunks) != expected or stored.shards != template.shard_shape(variable):
        raise StoreConflict(
            place,
            expected=f"{expected[0]} in chunks {expected[1]}",
            found=f"{stored.dtype} in chunks {stored.chunks}",
            remedy="Choose another store, or the chunk length this one was made with.",
        )
    _require_packing(place, stored, _new_variable(_nowhere(), template, variable))


def _put_variable(group: zarr.Group, template: Template, variable: Variable) -> None:
    if variable.name not in group:
        _new_variable(group, template, variable)
        return
    stored, shape = array(group, variable.name), template.shape(variable)
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


def write_whole(url: str, template: Template, values: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a store that one task writes, in place of what is left of an earlier one.

    Raises
    ------
    StorePermission, StoreError
        As `discard` and `create`.
    """
    discard(url)
    create(url, template)
    write_region(url, values, {})


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
        group = zarr.open_group(handle(url), mode="r+")
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


def sweep_partials(root: str, *, below: bool = True) -> int:
    """Remove temporary files that a killed writer left on a local disk; give their number.

    Object stores need none of this: there a PUT that was cut off leaves no object.

    Parameters
    ----------
    below
        Look through the folders in it, too.
    """
    if not objects.is_local(root):
        return 0
    folder = Path(objects.filesystem(root)[1])
    leftovers = list(folder.rglob("*.partial") if below else folder.glob("*.partial"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
