"""Who is drawn depends on where and when a row is, and on nothing else."""

from dataclasses import fields
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft import sampling
from soilft.days import DaySpan
from soilft.errors import ConfigError
from soilft.features import Block
from soilft.grid import Region
from soilft.sampling import Table, hashes, merge, random_split, rows, spatial_blocks
from soilft.schema import FROZEN, MISSING, PARTIAL, THAWED

WHOLE = DaySpan(date(2016, 1, 1), date(2016, 1, 30))
SHAPE = (6, 5)
CODES = np.array([0, 1], "uint8")


def world(seed: int = 0) -> tuple[Block, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (len(WHOLE), 2, *SHAPE)
    values = rng.normal(size=(*shape, 3)).astype("float32")
    usable = rng.random(shape) > 0.2
    label = rng.choice(np.array([THAWED, FROZEN, PARTIAL, MISSING], "uint8"), shape)
    return Block(("a", "b", "c"), values, np.zeros(shape, "uint8"), usable), label


def drawn(spans: list[DaySpan], limit: int, seed: int = 7) -> Table:
    block, label = world()
    tables = []
    for span in spans:
        part = span.within(WHOLE)
        cut = Block(block.names, block.values[part], block.quality[part], block.usable[part])
        tables.append(rows(cut, label[part], CODES, span, seed=seed, limit=limit))
    return merge(tables, limit)


def assert_same(one: Table, other: Table) -> None:
    for field in fields(Table):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_chunking_in_any_order_draws_the_same_rows(data: st.DataObject) -> None:
    limit = data.draw(st.sampled_from([1, 10, 200, 10_000]))
    spans = WHOLE.chunks(data.draw(st.integers(1, 40)))
    assert_same(drawn(data.draw(st.permutations(spans)), limit), drawn([WHOLE], limit))


@pytest.mark.parametrize("limit", [1, 17, 300])
def test_exactly_as_many_rows_as_asked_for(limit: int) -> None:
    assert len(drawn(WHOLE.chunks(8), limit)) == limit


def test_fewer_rows_than_asked_for_are_all_drawn() -> None:
    block, label = world()
    expected = int((block.usable & (label < 2)).sum())
    assert len(drawn(WHOLE.chunks(8), 10**6)) == expected


def test_a_smaller_table_is_part_of_a_larger_one() -> None:
    small, large = drawn([WHOLE], 50), drawn([WHOLE], 100)
    assert set(small.order) < set(large.order)
    assert small.order.max() < np.delete(large.order, np.isin(large.order, small.order)).min()


def test_another_seed_draws_other_rows() -> None:
    one, other = drawn([WHOLE], 50, seed=1), drawn([WHOLE], 50, seed=2)
    assert set(zip(one.day, one.cell, strict=True)) != set(zip(other.day, other.cell, strict=True))


def test_rows_carry_their_own_predictors_and_label() -> None:
    block, label = world()
    table = drawn(WHOLE.chunks(4), 400)
    d = table.day - WHOLE.numbers[0]
    y, x = table.cell // SHAPE[1], table.cell % SHAPE[1]
    np.testing.assert_array_equal(table.features, block.values[d, table.overpass, y, x])
    np.testing.assert_array_equal(table.label, label[d, table.overpass, y, x])
    assert block.usable[d, table.overpass, y, x].all()


def test_partially_frozen_and_missing_are_never_drawn() -> None:
    assert set(np.unique(drawn([WHOLE], 10**6).label)) == {THAWED, FROZEN}


def test_rows_are_in_order_of_day_overpass_and_cell() -> None:
    table = drawn(WHOLE.chunks(3)[::-1], 300)
    keys = list(zip(table.day, table.overpass, table.cell, strict=True))
    assert keys == sorted(keys)


def test_hashes_are_uniform_and_do_not_repeat() -> None:
    day, cell = np.meshgrid(np.arange(16_000, 16_100), np.arange(1000), indexing="ij")
    found = hashes(3, day.ravel(), np.zeros(day.size, "uint8"), cell.ravel())
    assert len(np.unique(found)) == day.size
    counts, _ = np.histogram(found.astype("float64"), bins=64, range=(0, 2.0**64))
    expected = day.size / 64
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < 110  # 63 degrees of freedom: exceeded once in 4000 times
    # Neighbours in space and in time have nothing to do with each other.
    share = (found.reshape(day.shape) / 2.0**64).astype("float64")
    assert abs(np.corrcoef(share[:, :-1].ravel(), share[:, 1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(share[:-1].ravel(), share[1:].ravel())[0, 1]) < 0.02


def test_hashes_do_not_change_between_releases() -> None:
    found = hashes(0, np.array([16801]), np.array([2], "uint8"), np.array([4711], "int32"))
    again = hashes(0, np.array([1, 16801]), np.array([0, 2]), np.array([5, 4711]))
    assert found[0] == again[1]
    # Written out once with Python's own integers.
    mask = (1 << 64) - 1

    def mix(z: int) -> int:
        z = (z + 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    state = 0
    for part in (16801, 2, 4711):
        state = mix(state ^ mix(part))
    assert int(found[0]) == state


@pytest.mark.parametrize(
    ("count", "fractions", "expected"),
    [
        (1000, (0.7, 0.15, 0.15), [700, 150, 150]),
        (10, (0.6, 0.2, 0.2), [6, 2, 2]),
        (7, (0.5, 0.25, 0.25), [4, 1, 2]),
        (6389, (0.7, 0.15, 0.15), [4472, 959, 958]),
    ],
)
def test_split_has_exact_shares(
    count: int, fractions: tuple[float, ...], expected: list[int]
) -> None:
    split = random_split(count, fractions, seed=5)
    assert np.bincount(split, minlength=3).tolist() == expected
    np.testing.assert_array_equal(split, random_split(count, fractions, seed=5))
    assert (split != random_split(count, fractions, seed=6)).any()


def test_blocks_are_squares_of_latitude_and_longitude() -> None:
    grid = Region("plateau", "latlon-0.25", (73, 26, 105, 40)).grid
    blocks = spatial_blocks(grid, 2.0)
    assert len(np.unique(blocks)) == 17 * 7  # columns from 72 to 106, rows from 26 to 40
    lon, lat = grid.lonlat
    for number in np.unique(blocks)[::17]:
        inside = blocks == number
        assert np.ptp(np.floor(lon[inside] / 2)) == 0
        assert np.ptp(np.floor(lat[inside] / 2)) == 0


def test_blocks_of_two_grids_agree() -> None:
    # The number of a block is of the Earth, not of a grid.
    one = Region("a", "latlon-0.25", (73, 26, 105, 40)).grid
    part = Region("b", "latlon-0.25", (80, 30, 90, 35)).grid
    rows, columns = one.overlapping(part, margin=0)
    np.testing.assert_array_equal(
        spatial_blocks(one, 2.0)[rows, columns], spatial_blocks(part, 2.0)
    )


def test_stored_table_reads_back(tmp_path) -> None:
    table = drawn([WHOLE], 120)
    split = random_split(120, (0.7, 0.15, 0.15), seed=0)
    url = str(tmp_path / "table.zarr")
    content = sampling.write_table(url, table, split, ["a", "b", "c"])
    found = sampling.read_table(url)
    for name in ("features", "label", "cell"):
        np.testing.assert_array_equal(getattr(found, name), getattr(table, name))
    np.testing.assert_array_equal(found.split, split)
    assert found.names == sampling.feature_names(url) == ("a", "b", "c")
    assert [len(found.rows_of(part)) for part in ("train", "validation", "test")] == [84, 18, 18]
    assert content == sampling.write_table(str(tmp_path / "again.zarr"), table, split, "abc")


def test_a_table_of_one_class_is_refused() -> None:
    table = drawn([WHOLE], 100)
    sampling.require_both_classes(table)
    frozen = table.take(np.flatnonzero(table.label == FROZEN))
    with pytest.raises(ConfigError, match=r"both classes, found 0 thawed and \d+ frozen"):
        sampling.require_both_classes(frozen)
    with pytest.raises(ConfigError, match="0 thawed and 0 frozen"):
        sampling.require_both_classes(frozen.take(np.array([], int)))
