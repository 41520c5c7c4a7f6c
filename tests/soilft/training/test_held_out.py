"""Who teaches and who judges: no pixel, block or year on both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.draws import at_most, dealt
from soilft.errors import ConfigError
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.grid import Region
from soilft.training.held_out import (
    group_folds,
    held_out_together,
    radiometer_pairs,
    random_split,
    year_block_folds,
)


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


@pytest.mark.parametrize("degrees", [2.0, 4.5])
def test_blocks_are_about_as_wide_as_high_and_never_narrower(degrees: float) -> None:
    grid = Region("north", "latlon-0.25", (-180, 20, 180, 80)).grid
    blocks = spatial_blocks(grid, degrees)
    lon, lat = grid.lonlat
    inner = 0
    for number in np.unique(blocks)[::23]:
        inside = blocks == number
        south, north = lat[inside].min() - 0.125, lat[inside].max() + 0.125
        if np.isclose(north - south, degrees, atol=0.3) and lon[inside].min() > -179:
            width = (np.ptp(lon[inside]) + 0.25) * np.cos(np.radians((south + north) / 2))
            assert 0.9 * degrees < width < 2 * degrees
            inner += 1
    assert inner > 20


def test_blocks_of_two_grids_agree() -> None:
    # The number of a block is of the Earth, not of a grid.
    one = Region("a", "latlon-0.25", (73, 26, 105, 40)).grid
    part = Region("b", "latlon-0.25", (80, 30, 90, 35)).grid
    rows, columns = one.overlapping(part, margin=0)
    np.testing.assert_array_equal(
        spatial_blocks(one, 2.0)[rows, columns], spatial_blocks(part, 2.0)
    )


@given(
    st.lists(st.tuples(st.integers(2011, 2016), st.integers(0, 12)), min_size=2, max_size=300),
    st.integers(2, 10),
    st.integers(0, 99),
)
@settings(deadline=None, max_examples=150)
def test_no_year_and_no_block_is_on_both_sides(
    rows: list[tuple[int, int]], folds: int, seed: int
) -> None:
    year, block = np.array(rows).T
    if len(set(year)) == len(set(block)) == 1:
        return
    held: list[int] = []
    for fold in year_block_folds(year, block, folds, seed):
        if len(set(year)) > 1:
            assert not set(year[fold.train]) & set(year[fold.test])
        if len(set(block)) > 1:
            assert not set(block[fold.train]) & set(block[fold.test])
        assert not set(fold.train) & set(fold.test)
        assert list(fold.test) == sorted(fold.test)
        held.extend(fold.test)
    assert len(held) == len(set(held))


def test_ten_folds_of_ten_years_hold_out_each_year_and_each_block_once() -> None:
    year, block = (a.ravel() for a in np.meshgrid(np.arange(2011, 2021), np.arange(40)))
    folds = year_block_folds(year, block, 10, seed=3)
    assert len(folds) == 10
    assert sorted(int(y) for fold in folds for y in set(year[fold.test])) == list(range(2011, 2021))
    assert sorted(int(b) for fold in folds for b in set(block[fold.test])) == list(range(40))
    for fold in folds:
        assert len(fold.test) == 4
        assert len(fold.train) == 9 * 36


@given(st.lists(st.integers(0, 12), min_size=1, max_size=200), st.integers(2, 10))
@settings(deadline=None)
def test_groups_are_held_out_whole_and_each_row_once(values: list[int], folds: int) -> None:
    value = np.array(values)
    found = group_folds(value, folds, seed=4)
    distinct = len(set(values))
    assert len(found) == (min(folds, distinct) if distinct > 1 else 0)
    for fold in found:
        assert not set(value[fold.train]) & set(value[fold.test])
        assert len(fold.train) + len(fold.test) == len(value)
    held = [row for fold in found for row in fold.test]
    assert sorted(held) == (list(range(len(value))) if found else [])


def test_one_year_holds_out_blocks_alone_and_one_block_years_alone() -> None:
    number = np.arange(60)
    for year, block in ((0 * number, number % 6), (number % 6, 0 * number)):
        folds = year_block_folds(year, block, 3, seed=0)
        held = np.concatenate([fold.test for fold in folds])
        assert sorted(held) == list(number)
    with pytest.raises(ConfigError, match=r"two years or two spatial blocks.*one of each in 60"):
        year_block_folds(0 * number, 0 * number, 3, seed=0)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=99), st.integers(1, 9), st.integers(0, 9))
@settings(deadline=None)
def test_values_are_dealt_out_evenly_and_whole(values: list[int], groups: int, seed: int) -> None:
    array = np.array(values)
    found = dealt(array, groups, seed)
    distinct = [set(found[array == value]) for value in set(values)]
    assert all(len(group) == 1 for group in distinct)
    sizes = np.bincount([group.pop() for group in distinct])
    assert sizes.max() - sizes.min() <= 1
    assert len(sizes) == min(groups, len(set(values)))


def test_transfers_are_all_ordered_pairs_of_radiometers_seen() -> None:
    radiometer = np.array([0, 2, 2, 255, 1], "uint8")
    assert radiometer_pairs(radiometer) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
    assert radiometer_pairs(np.array([0, 255, 0])) == []


def test_a_part_of_the_rows_is_theirs_and_the_same_again() -> None:
    rows = np.arange(100, 400, 3)
    part = at_most(rows, 20, seed=1)
    assert len(set(part)) == 20
    assert set(part) < set(rows)
    np.testing.assert_array_equal(part, at_most(rows, 20, seed=1))
    assert (part != at_most(rows, 20, seed=2)).any()
    np.testing.assert_array_equal(at_most(rows, 200, seed=1), rows)


@pytest.mark.parametrize(
    ("years", "blocks", "words"),
    [(3, 4, "years and blocks"), (3, 1, "years"), (1, 4, "blocks"), (1, 1, "")],
)
def test_what_is_held_out_is_named_by_what_there_is_several_of(
    years: int, blocks: int, words: str
) -> None:
    number = np.arange(60)
    year, block = 2012 + number % years, number // 4 % blocks
    assert held_out_together(year, block) == words
    if words:
        for fold in year_block_folds(year, block, 3, seed=1):
            assert ("years" in words) is not bool(set(year[fold.train]) & set(year[fold.test]))
            assert ("blocks" in words) is not bool(set(block[fold.train]) & set(block[fold.test]))
