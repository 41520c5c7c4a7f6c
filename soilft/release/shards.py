"""Objects of a published cube as bytes: its metadata, and the shards of one variable.

They are made in memory by Zarr itself, so that a publication knows every object's content before
the first is written, and can ask the store to take each only where there is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from soilft.schema import Template, Variable
from soilft.store import zarr as store

ROOT = "zarr.json"


def metadata(
    groups: Mapping[str, Template], ready: Mapping[str, Mapping[str, bytes]] | None = None
) -> dict[str, bytes]:
    """Metadata and coordinates of a hierarchy, consolidated at its root.

    Parameters
    ----------
    groups
        Templates by path of their group; the root has the empty path.
    ready
        Objects of groups that exist already, by path of the group and name below it.

    Returns
    -------
    dict
        Content by name below the root. Without variables' values.
    """
    memory = MemoryStore()
    for path in sorted(groups):
        template = groups[path]
        group = zarr.open_group(memory, path=path, mode="a", use_consolidated=False)
        store.make(path, group, template)
        group.attrs.update(dict(template.attributes))
    objects = {
        f"{path}/{name}": content
        for path, members in (ready or {}).items()
        for name, content in members.items()
    }
    for name, content in objects.items():
        sync(memory.set(name, default_buffer_prototype().buffer.from_bytes(content)))
    store.consolidate(memory)
    return _contents(memory)


def is_metadata(name: str) -> bool:
    """Whether an object of a store is metadata, by its name."""
    return name.rpartition("/")[2] == ROOT


def places(root: bytes) -> Iterator[str]:
    """Names of all objects that the arrays of a hierarchy can have, from its consolidated metadata.

    Those of them that hold nothing but the fill are not written: a reader has to ask to know.
    """
    held = json.loads(root)["consolidated_metadata"]["metadata"]
    for path, said in held.items():
        if said["node_type"] != "array":
            continue
        lengths = said["chunk_grid"]["configuration"]["chunk_shape"]
        counts = [-(-size // n) for size, n in zip(said["shape"], lengths, strict=True)]
        for place in product(*(range(n) for n in counts)):
            yield "/".join((path, "c", *map(str, place)))


def shards(
    template: Template, variable: Variable, values: npt.NDArray[Any]
) -> Iterator[tuple[str, bytes]]:
    """Shards of one variable over the days of one shard.

    Parameters
    ----------
    values
        As stored, of the variable's dims; along time at most one shard's days.

    Yields
    ------
    name, content
        Name below the array, with 0 in place of the shard's number along time. Shards that hold
        nothing but the fill are left out, as Zarr leaves them out.
    """
    lengths = template.shard_shape(variable)
    if lengths is None:
        raise ValueError(f"{variable.name} is not sharded")
    counts = [-(-size // length) for size, length in zip(values.shape, lengths, strict=True)]
    for place in product(*(range(n) for n in counts)):
        tile = tuple(
            slice(i * n, min((i + 1) * n, size))
            for i, n, size in zip(place, lengths, values.shape, strict=True)
        )
        content = _shard(template, variable, values[tile])
        if content is not None:
            yield "c/" + "/".join(map(str, place)), content


def _shard(template: Template, variable: Variable, values: npt.NDArray[Any]) -> bytes | None:
    lengths = template.shard_shape(variable) or ()
    whole = np.full(lengths, variable.fill, variable.dtype)
    whole[tuple(slice(n) for n in values.shape)] = values
    memory = MemoryStore()
    array = zarr.create_array(
        memory,
        shape=lengths,
        dtype=variable.dtype,
        chunks=template.chunk_shape(variable),
        shards=lengths,
        fill_value=variable.fill,
        compressors=store.compressors(template),
    )
    array[...] = whole
    found = _contents(memory)
    return found.get("c/" + "/".join("0" * len(lengths)))


def _contents(memory: MemoryStore) -> dict[str, bytes]:
    async def gathered() -> dict[str, bytes]:
        found = {}
        async for name in memory.list():
            buffer = await memory.get(name, default_buffer_prototype())
            if buffer is not None:
                found[name] = buffer.to_bytes()
        return dict(sorted(found.items()))

    return sync(gathered())
