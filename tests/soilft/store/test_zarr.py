"""Zarr stores as any reader sees them, and the rule that one task writes whole chunks."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr.codecs
import zarr.storage

from soilft.days import DaySpan
from soilft.errors import MisalignedWrite, StoreConflict, StoreError
from soilft.grid import Grid, Region
from soilft.schema import (
    MISSING,
    Template,
    flagged,
    grid_coordinates,
    measured,
    time_coordinates,
)
from soilft.store import objects
from soilft.store import zarr as store

GRID = Region("small", "latlon-0.25", (90, 30, 92, 31)).grid  # 4 x 8 cells
DIMS = ("time", "y", "x")
STATE = flagged("state", DIMS, "soil state", {"thawed": 0, "frozen": 1})
TB = measured("tb", DIMS, "K", "brightness temperature")


def template(last: int = 10, *, grid: Grid = GRID, sharded: bool = False) -> Template:
    days = DaySpan(date(2016, 1, 1), date(2016, 1, last))
    return Template(
        coordinates=(*time_coordinates(days), *grid_coordinates(grid)),
        variables=(STATE, TB),
        chunks={"time": 5, "y": 2, "x": 4} if sharded else {"time": 5},
        shards={"time": 5, "y": 4, "x": 8} if sharded else {},
        attributes={"title": "a small store"},
    )


def values(days: int, seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return {
        "state": rng.integers(0, 2, (days, *GRID.shape)).astype("uint8"),
        "tb": rng.normal(260, 10, (days, *GRID.shape)).astype("float32"),
    }


def contents(url: str) -> dict[str, bytes | None]:
    return {name: objects.read(objects.join(url, name)) for name in objects.listing(url)}


def plainly(url: str) -> xr.Dataset:
    """Open as a user does who has never heard of this package."""
    return xr.open_zarr(url, chunks=None, consolidated=True)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give the path of a store that is not there yet."""
    return str(tmp_path / "inputs" / "small.zarr")


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a store that is not there yet, on disk and on S3 in turn."""
    root = str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_store")
    return objects.join(root, "inputs", "small.zarr")


@pytest.mark.parametrize("sharded", [False, True])
def test_cells_that_nobody_wrote_read_as_missing(anywhere: str, sharded: bool) -> None:
    store.create(anywhere, template(sharded=sharded))
    cube = plainly(anywhere)
    assert cube.state.dtype.kind == "f"
    assert np.isnan(cube.state.values).all()
    assert np.isnan(cube.tb.values).all()
    assert cube.state.shape == (10, 4, 8)


@pytest.mark.parametrize("sharded", [False, True])
def test_a_region_holds_what_was_written_and_its_neighbour_stays_missing(
    anywhere: str, sharded: bool
) -> None:
    store.create(anywhere, template(sharded=sharded))
    block = values(5)
    store.write_region(anywhere, block, {"time": slice(5, 10)})
    cube = plainly(anywhere)
    np.testing.assert_array_equal(cube.state.values[5:], block["state"])
    np.testing.assert_array_equal(cube.tb.values[5:], block["tb"])
    assert np.isnan(cube.state.values[:5]).all()


def test_coordinates_are_those_of_the_grid_and_the_days(url: str) -> None:
    store.create(url, template())
    cube = plainly(url)
    np.testing.assert_array_equal(cube.x.values, GRID.x)
    np.testing.assert_array_equal(cube.y.values, GRID.y)
    np.testing.assert_array_equal(
        cube.time.values.astype("datetime64[D]"),
        np.arange("2016-01-01", "2016-01-11", dtype="datetime64[D]"),
    )
    assert (np.diff(cube.time_bnds.values, axis=1) == np.timedelta64(1, "D")).all()
    assert cube.attrs == {"title": "a small store"}
    assert cube.state.attrs["grid_mapping"] == "crs"


def test_integer_variables_say_missing_twice_and_alike(url: str) -> None:
    store.create(url, template())
    group = store.open_raw(url)
    state = store.array(group, "state")
    assert state.fill_value == state.attrs["_FillValue"] == MISSING
    assert state.attrs["flag_values"] == [0, 1]
    tb = store.array(group, "tb")
    assert np.isnan(tb.fill_value)
    assert "_FillValue" not in tb.attrs


def test_sharded_store_writes_one_object_a_shard(url: str) -> None:
    store.create(url, template(sharded=True))
    store.write_region(url, values(10), {})
    names = set(objects.listing(objects.join(url, "tb")))
    assert names == {"zarr.json", "c/0/0/0", "c/1/0/0"}
    tb = store.array(store.open_raw(url), "tb")
    assert (tb.chunks, tb.shards) == ((5, 2, 4), (5, 4, 8))


@pytest.mark.parametrize(
    "region",
    [
        {"time": slice(0, 4)},
        {"time": slice(1, 6)},
        {"time": slice(5, 9)},
        {"time": slice(0, 10, 2)},
    ],
)
def test_a_write_that_cuts_a_chunk_writes_nothing(url: str, region: dict[str, slice]) -> None:
    store.create(url, template())
    before = contents(url)
    block = values(len(range(*region["time"].indices(10))))
    with pytest.raises(MisalignedWrite, match="time in whole units of 5"):
        store.write_region(url, block, region)
    assert contents(url) == before


def test_a_write_that_cuts_a_shard_in_space_is_refused(url: str) -> None:
    store.create(url, template(sharded=True))
    part = {name: block[:, :2] for name, block in values(5).items()}
    with pytest.raises(MisalignedWrite, match="y in whole units of 4"):
        store.write_region(url, part, {"time": slice(0, 5), "y": slice(0, 2)})
    assert np.isnan(plainly(url).state.values).all()


def test_one_wrong_variable_keeps_all_of_a_block_from_being_written(anywhere: str) -> None:
    store.create(anywhere, template())
    before = contents(anywhere)
    block = values(5)
    block["tb"] = block["tb"].astype("float64")
    with pytest.raises(MisalignedWrite, match=r"float32 \(5, 4, 8\).*float64"):
        store.write_region(anywhere, block, {"time": slice(0, 5)})
    with pytest.raises(MisalignedWrite):
        store.write_region(anywhere, values(4), {"time": slice(0, 5)})
    assert contents(anywhere) == before


def test_a_variable_the_store_does_not_have_is_refused(url: str) -> None:
    store.create(url, template())
    with pytest.raises(StoreConflict, match="foreign"):
        store.write_region(url, {"foreign": values(10)["tb"]}, {})


def test_a_short_last_chunk_is_whole_too(url: str) -> None:
    store.create(url, template(last=7))
    block = values(2)
    store.write_region(url, block, {"time": slice(5, 7)})
    np.testing.assert_array_equal(plainly(url).tb.values[5:], block["tb"])


def test_creating_again_changes_no_byte(url: str) -> None:
    store.create(url, template())
    store.write_region(url, values(10), {})
    before = contents(url)
    store.create(url, template())
    assert contents(url) == before


def test_template_grows_in_time_and_keeps_its_values(anywhere: str) -> None:
    store.create(anywhere, template(last=10))
    block = values(10)
    store.write_region(anywhere, block, {})
    store.create(anywhere, template(last=15))
    cube = plainly(anywhere)
    assert cube.sizes["time"] == 15
    assert str(cube.time.values[-1])[:10] == "2016-01-15"
    np.testing.assert_array_equal(cube.state.values[:10], block["state"])
    assert np.isnan(cube.state.values[10:]).all()
    store.write_region(anywhere, values(5, seed=1), {"time": slice(10, 15)})
    np.testing.assert_array_equal(plainly(anywhere).tb.values[10:], values(5, seed=1)["tb"])


def test_grown_store_has_the_bytes_of_one_made_at_once(tmp_path: Path) -> None:
    grown, at_once = str(tmp_path / "grown.zarr"), str(tmp_path / "once.zarr")
    store.create(grown, template(last=10))
    store.create(grown, template(last=15))
    store.create(at_once, template(last=15))
    assert contents(grown) == contents(at_once)


class Broken(RuntimeError):
    """The process ends here, as far as the store can tell."""


def break_at(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    """Let the k-th change of a local Zarr store and all after it fail."""
    count = 0
    kinds = ("set", "set_if_not_exists", "delete", "delete_dir")
    originals = {name: getattr(zarr.storage.LocalStore, name) for name in kinds}

    def wrapped(name: str) -> Any:
        async def change(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count > k:
                raise Broken
            return await originals[name](self, *args, **kwargs)

        return change

    for name in kinds:
        monkeypatch.setattr(zarr.storage.LocalStore, name, wrapped(name))


@pytest.mark.parametrize("extending", [False, True], ids=["new", "extended"])
def test_creation_interrupted_at_any_change_is_finished_by_the_next(
    tmp_path: Path, extending: bool
) -> None:
    unbroken = str(tmp_path / "unbroken.zarr")
    block = values(10)
    if extending:
        store.create(unbroken, template(last=10))
        store.write_region(unbroken, block, {})
    store.create(unbroken, template(last=15))
    expected = contents(unbroken)
    broken_at = []
    for k in range(200):
        url = str(tmp_path / f"{k}.zarr")
        if extending:
            store.create(url, template(last=10))
            store.write_region(url, block, {})
        with pytest.MonkeyPatch.context() as patched:
            break_at(patched, k)
            try:
                store.create(url, template(last=15))
            except Broken:
                broken_at.append(k)
        store.create(url, template(last=15))
        assert contents(url) == expected, f"interrupted at change {k}"
        if k not in broken_at:
            break
    assert len(broken_at) > 10


@pytest.mark.parametrize(("bounds", "named"), [((91, 30, 93, 31), "/x"), ((90, 31, 92, 32), "/y")])
def test_a_store_of_another_grid_is_left_alone(
    url: str, bounds: tuple[float, float, float, float], named: str
) -> None:
    store.create(url, template())
    before = contents(url)
    other = Region("other", "latlon-0.25", bounds).grid
    for last in (10, 20):
        with pytest.raises(StoreConflict, match="another region or period") as refused:
            store.create(url, template(last, grid=other))
        assert named in str(refused.value)
        assert contents(url) == before


def test_another_first_day_is_refused(url: str) -> None:
    store.create(url, template())
    days = DaySpan(date(2016, 1, 2), date(2016, 1, 20))
    later = Template((*time_coordinates(days), *grid_coordinates(GRID)), (STATE, TB), {"time": 5})
    with pytest.raises(StoreConflict, match="keep the first day"):
        store.create(url, later)


def test_another_chunk_length_is_refused(url: str) -> None:
    store.create(url, template())
    before, whole = contents(url), template(20)
    with pytest.raises(StoreConflict, match=r"in chunks \(2, 4, 8\), found uint8 in chunks \(5"):
        store.create(url, Template(whole.coordinates, whole.variables, {"time": 2}))
    assert contents(url) == before


def test_chunks_of_a_checked_template_end_with_a_checksum_and_of_another_as_they_did(
    tmp_path: Path,
) -> None:
    for checked in (False, True):
        url = str(tmp_path / f"{checked}.zarr")
        store.create(url, replace(template(), checked=checked))
        for name in ("state", "tb", "time", "x", "crs"):
            packing = [c.to_dict() for c in store.array(store.open_raw(url), name).compressors]
            blosc: Any = packing[0]
            # Stores of 0.3.0 are of this packing, and are written on.
            assert blosc["configuration"]["cname"] == "zstd"
            assert blosc["configuration"]["clevel"] == 5
            shuffle = "bitshuffle" if name in ("state", "tb") else "shuffle"
            assert blosc["configuration"]["shuffle"] == shuffle
            assert packing[1:] == ([{"name": "crc32c"}] if checked else [])


@pytest.mark.parametrize("checked", [False, True], ids=["without a checksum", "with one"])
@pytest.mark.parametrize("last", [10, 15], ids=["same", "grown"])
def test_a_store_of_another_packing_is_left_alone(url: str, checked: bool, last: int) -> None:
    store.create(url, replace(template(), checked=checked))
    store.write_region(url, values(10), {})
    before = contents(url)
    with pytest.raises(StoreConflict, match="chunks packed by blosc") as refused:
        store.create(url, replace(template(last), checked=not checked))
    told = str(refused.value).partition("found")
    assert ["crc32c" in told[0], "crc32c" in told[2]] == [not checked, checked]
    assert "made anew" in told[2]
    assert contents(url) == before


def test_a_variable_of_another_packing_is_refused_though_its_axes_fit(url: str) -> None:
    whole = replace(template(), checked=True)
    store.create(url, whole)
    group = zarr.open_group(url, mode="r+", use_consolidated=False)
    other = zarr.codecs.BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle")
    group.create_array(
        "tb", shape=(10, 4, 8), chunks=(5, 4, 8), dtype="float32", compressors=other, overwrite=True
    )
    with pytest.raises(
        StoreConflict, match=r"/tb: expected chunks packed by .*crc32c, found blosc"
    ):
        store.create(url, whole)


def test_projected_grid_carries_longitude_and_latitude(tmp_path: Path) -> None:
    grid = Region("alaska", "ease2-north-25km", (-150, 60, -148, 61)).grid
    url = str(tmp_path / "alaska.zarr")
    store.create(url, template(grid=grid))
    cube = plainly(url)
    np.testing.assert_array_equal(cube.lat.values, grid.lonlat[1])
    np.testing.assert_array_equal(cube.lon.values, grid.lonlat[0])
    assert cube.crs.attrs["grid_mapping_name"] == "lambert_azimuthal_equal_area"


def test_replaced_attributes_are_seen_by_readers(anywhere: str) -> None:
    store.create(anywhere, template())
    store.set_attributes(anywhere, {"title": "renamed", "simulated": "true"})
    assert plainly(anywhere).attrs == {"title": "renamed", "simulated": "true"}
    assert store.array(store.open_raw(anywhere), "state").shape == (10, 4, 8)


def test_opened_lazily_and_decoded(url: str) -> None:
    store.create(url, template())
    block = values(5)
    store.write_region(url, block, {"time": slice(0, 5)})
    cube = store.open_cube(url)
    assert not cube.state.variable._in_memory
    np.testing.assert_array_equal(cube.tb.isel(time=2).values, block["tb"][2])


def test_a_store_that_is_not_there_is_named(anywhere: str) -> None:
    for opening in (store.open_cube, store.open_raw):
        with pytest.raises(StoreError, match=r"small\.zarr.*expected a Zarr store"):
            opening(anywhere)


def test_sweep_removes_what_killed_writers_left(tmp_path: Path) -> None:
    url = str(tmp_path / "a.zarr")
    store.create(url, template())
    before = contents(url)
    (tmp_path / "a.zarr" / "tb" / ".0123.partial").write_bytes(b"half")
    (tmp_path / ".4567.partial").write_bytes(b"half")
    assert store.sweep_partials(str(tmp_path)) == 2
    assert contents(url) == before


@pytest.mark.s3
def test_bytes_on_s3_are_the_bytes_on_disk(s3_store: str, tmp_path: Path) -> None:
    local, remote = str(tmp_path / "a.zarr"), objects.join(s3_store, "a.zarr")
    for url in (local, remote):
        store.create(url, template(sharded=True))
        store.write_region(url, values(10), {})
    assert contents(local) == contents(remote)
