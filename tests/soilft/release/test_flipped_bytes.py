"""A published cube in which one byte is another: plain xarray says so, and reads no wrong value."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft.annual import store as annual_store
from soilft.errors import StoreError
from soilft.release.publication import publish
from soilft.store import objects
from soilft.store import zarr as store
from tests.support.staged import GRID, LAYOUT, days, stage

FLIPS = 150
LAYERS = ("known_days", "frozen_days", "frozen_days_mean")


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a release on disk with every kind of array: root, copy for series, annual layers."""
    root = str(tmp_path_factory.mktemp("flips"))
    group = objects.join(root, "runs", "annual.zarr")
    whole = annual_store.template(GRID, {2016: days(12)}, 0.9, {}, calibrated=True)
    template = replace(whole, variables=tuple(v for v in whole.variables if v.name in LAYERS))
    store.create(group, template)
    draw = np.random.default_rng(1)
    layers = {v.name: draw.integers(0, 99, template.shape(v)) for v in template.variables}
    store.write_region(group, {k: v.astype("int16") for k, v in layers.items()}, {})
    layout = replace(LAYOUT, series=2)
    staged = stage(root, 12, layout=layout, overpasses=("AM", "PM"), names=None)
    return Path(publish(root, replace(staged, groups={"annual": (group, "layers")})).cube)


def read(cube: Path, name: str) -> np.ndarray:
    """Read one array as a user does who has never heard of this package."""
    group, _, array = name.rpartition("/")
    found = xr.open_zarr(str(cube), group=group or None, chunks=None, decode_cf=False)
    return np.asarray(found[array].values)


@contextmanager
def flipped(path: Path, at: int, bit: int) -> Iterator[None]:
    """Have one bit of a file turned over within the block."""
    content = path.read_bytes()
    damaged = bytearray(content)
    damaged[at] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        yield
    finally:
        path.write_bytes(content)


def chunks(cube: Path) -> list[Path]:
    """Every object of the cube that holds values."""
    return sorted(p for p in cube.rglob("*") if p.is_file() and p.name != "zarr.json")


def array_of(cube: Path, chunk: Path) -> str:
    return re.split(r"/c(?:/|$)", str(chunk.relative_to(cube)))[0]


def is_noticed(cube: Path, name: str) -> bool:
    try:
        read(cube, name)
    except ValueError as error:
        return "checksum do not match" in str(error)
    return False


def test_every_kind_of_array_is_there_and_reads(cube: Path) -> None:
    names = {array_of(cube, chunk) for chunk in chunks(cube)}
    assert {"freeze_thaw_state", "series/freeze_thaw_state", "annual/frozen_days"} <= names
    assert {"time", "series/y", "annual/year_bounds", "crs"} <= names
    for name in names:
        read(cube, name)


def test_a_flipped_byte_is_never_read_as_a_value(cube: Path) -> None:
    draw = np.random.default_rng(5)
    found = chunks(cube)
    sizes = np.array([path.stat().st_size for path in found])
    # Half of them by the size of the objects, half by their number: coordinates are small.
    picked = [
        *draw.choice(len(found), FLIPS // 2, p=sizes / sizes.sum()),
        *draw.choice(len(found), FLIPS // 2),
    ]
    unnoticed = []
    for which in picked:
        path = found[which]
        at, bit = int(draw.integers(sizes[which])), int(draw.integers(8))
        with flipped(path, at, bit):
            if not is_noticed(cube, array_of(cube, path)):
                unnoticed.append(f"{path.relative_to(cube)}: bit {bit} of byte {at}")
    assert not unnoticed


@pytest.mark.parametrize("name", ["freeze_thaw_state/c/0/0/0", "time/c/0"])
def test_a_damaged_cube_is_named_where_soilft_reads_it(cube: Path, name: str) -> None:
    for opening in (store.open_cube, store.open_stored):
        with (
            flipped(cube / name, 20, 0),
            pytest.raises(StoreError, match=r"cube\.zarr: .*a chunk whose checksum does not fit"),
            store.damage_named(str(cube)),
        ):
            opening(str(cube)).load()


def test_what_is_no_damage_is_said_as_it_is(cube: Path) -> None:
    with pytest.raises(ValueError, match="of another kind"), store.damage_named(str(cube)):
        raise ValueError("of another kind")
