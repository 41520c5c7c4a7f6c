"""A store whose latest release was made by 0.3.0, of chunks without a checksum, goes on."""

from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from soilft.release.publication import described, publish
from soilft.release.staged import Part, Staged
from soilft.schema import Template
from soilft.store import zarr as store
from soilft.store.digest import digest
from tests.support.staged import LAYOUT, stage


class OfBefore(Staged):
    """Something to publish as 0.3.0 packed it and named its parts."""

    @cached_property
    def templates(self) -> dict[str, Template]:
        return {path: replace(t, checked=False) for path, t in _templates(self).items()}

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        variables = [
            (v.name, v.dims, v.dtype, repr(v.fill), self.template.shape(v)[1:])
            for v in self.template.variables
        ]
        cut = digest(self.layout.as_json(), variables)
        return tuple(
            Part(i, span, digest(cut, str(span), list(self.contents[span.within(self.days)])))
            for i, span in enumerate(self.days.chunks(self.layout.shard_days))
        )


def _templates(staged: Staged) -> dict[str, Template]:
    return Staged(**{f.name: getattr(staged, f.name) for f in fields(Staged)}).templates


def of_before(staged: Staged) -> Staged:
    return OfBefore(**{f.name: getattr(staged, f.name) for f in fields(Staged)})


def packed(cube: str) -> set[tuple[str, ...]]:
    """Codecs that pack the chunks of a cube's arrays, by name."""
    group = store.open_raw(cube)
    return {
        tuple(codec.to_dict()["name"] for codec in array.compressors)
        for _, array in group.members(max_depth=None)
        if hasattr(array, "compressors")
    }


def assert_reads(cube: str, staged: Staged) -> None:
    raw: Any = xr.open_zarr(staged.url, chunks=None).load()
    for group in (None, "series"):
        found = xr.open_zarr(cube, group=group, chunks=None)
        for name in raw.data_vars:
            np.testing.assert_array_equal(found[name].values, raw[name].values)


def test_its_shards_are_written_anew_and_it_still_reads(tmp_path: Path) -> None:
    root, layout = str(tmp_path), replace(LAYOUT, series=2)
    before = stage(root, 20, layout=layout)
    old = publish(root, of_before(before)).cube
    assert packed(old) == {("blosc",)}
    # The first two shards hold the same days' values as before; the last has a day more.
    after = stage(root, 21, layout=layout)
    new = publish(root, after)
    assert new.version == "v1.1"
    assert packed(new.cube) == {("blosc", "crc32c")}
    assert_reads(new.cube, after)
    assert_reads(old, before)
    keys = [[p["key"] for p in (described(root, v) or {})["parts"]] for v in ("v1.0", "v1.1")]
    assert not set(keys[0]) & set(keys[1])


def test_the_same_values_are_published_once_more_and_then_stay(tmp_path: Path) -> None:
    root = str(tmp_path)
    staged = stage(root, 8)
    publish(root, of_before(staged))
    again = publish(root, staged)
    assert (again.version, again.fresh) == ("v1.1", True)
    assert publish(root, staged).fresh is False
