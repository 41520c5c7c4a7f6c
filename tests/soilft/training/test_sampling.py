"""Who is drawn depends on where and when a row is, and on nothing else."""

from dataclasses import fields
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soilft.days import DaySpan
from soilft.draws import hashes
from soilft.errors import ConfigError, ModelError
from soilft.predictors.features import Predictors
from soilft.schema import FROZEN, MISSING, PARTIAL, THAWED
from soilft.training import sampling
from soilft.training.sampling import (
    Drawn,
    DrawnRows,
    Table,
    merge,
    rows,
    seasons,
    strata,
    stratified,
)

WHOLE = DaySpan(date(2016, 1, 1), date(2016, 1, 30))
SHAPE = (6, 5)
CODES = np.array([0, 1], "uint8")


def world(seed: int = 0) -> tuple[Predictors, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = (len(WHOLE), 2, *SHAPE)
    values = rng.normal(size=(*shape, 3)).astype("float32")
    usable = rng.random(shape) > 0.2
    radiometer = rng.choice(np.array([0, 1, MISSING], "uint8"), shape, p=(0.7, 0.2, 0.1))
    label = rng.choice(np.array([THAWED, FROZEN, PARTIAL, MISSING], "uint8"), shape)
    level = np.where(radiometer == MISSING, MISSING, 0).astype("uint8")
    return Predictors(
        ("a", "b", "c"), values, np.zeros(shape, "uint8"), usable, radiometer, level
    ), label


BLOCKS = np.arange(SHAPE[0] * SHAPE[1], dtype="int32").reshape(SHAPE) // 8


def pool(spans: list[DaySpan], limit: int, seed: int = 7) -> Drawn:
    block, label = world()
    parts = []
    for span in spans:
        at = span.within(WHOLE)
        cut = Predictors(
            block.names,
            block.values[at],
            block.quality[at],
            block.usable[at],
            block.radiometer[at],
            block.level[at],
        )
        found = rows(cut, label[at], CODES, span, blocks=BLOCKS, seed=seed, limit=limit)
        parts.append(found)
    return merge(parts, limit)


def drawn(spans: list[DaySpan], limit: int, seed: int = 7) -> Table:
    return stratified(pool(spans, limit, seed), limit)


def assert_same(one: Table, other: Table) -> None:
    for field in fields(Table):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_chunking_in_any_order_draws_the_same_rows(data: st.DataObject) -> None:
    limit = data.draw(st.sampled_from([1, 10, 200, 10_000]))
    spans = WHOLE.chunks(data.draw(st.integers(1, 40)))
    assert_same(drawn(data.draw(st.permutations(spans)), limit), drawn([WHOLE], limit))


def test_rows_that_come_one_chunk_at_a_time_are_few_and_those_of_all_chunks() -> None:
    limit = 20
    parts = [pool([span], limit) for span in WHOLE.chunks(2)]
    found = DrawnRows(limit)
    for part in reversed(parts):
        found.add(part, ("a", "b", "c"))
        assert sum(len(item.table) for item in found.parts) <= 4 * limit
    assert len(found.parts) < len(parts)
    assert found.names == ("a", "b", "c")
    whole = merge(parts, limit)
    assert_same(found.merged().table, whole.table)
    assert (found.merged().strata, found.merged().labels) == (whole.strata, whole.labels)


def test_rows_of_other_features_are_not_joined() -> None:
    part, found = pool([WHOLE], 20), DrawnRows(20)
    found.add(part, ("a", "b", "c"))
    with pytest.raises(ModelError, match=r"expected features.*'b', 'c'.*found.*'c', 'b'"):
        found.add(part, ("a", "c", "b"))
    assert len(found.parts) == 1


@pytest.mark.parametrize("limit", [1, 17, 300])
def test_exactly_as_many_rows_as_asked_for(limit: int) -> None:
    assert len(drawn(WHOLE.chunks(8), limit)) == limit


def test_fewer_rows_than_asked_for_are_all_drawn() -> None:
    block, label = world()
    expected = int((block.usable & (label < 2)).sum())
    assert len(drawn(WHOLE.chunks(8), 10**6)) == expected


def test_every_stratum_has_its_share_of_all_candidates() -> None:
    block, label = world()
    whole = pool([WHOLE], 10**6)
    limit = 400
    table = drawn(WHOLE.chunks(7), limit)
    found = strata(table.label, table.day, table.block, table.radiometer)
    total = sum(whole.strata.values())
    assert total == int((block.usable & (label < 2)).sum())
    for name, count in whole.strata.items():
        assert abs(int((found == name).sum()) - limit * count / total) <= 1.5, name
    # Without strata, chance would leave the classes several rows off.
    frozen = sum(n for name, n in whole.strata.items() if (name >> 32) // 1024 == FROZEN)
    assert abs(int(table.label.sum()) - limit * frozen / total) <= 3


def test_a_stratum_that_chance_left_short_is_filled_from_the_others() -> None:
    whole = pool([WHOLE], 10**6)
    names = sorted(whole.strata)
    # The pool holds none of the first stratum, though there were candidates.
    table = whole.table
    here = strata(table.label, table.day, table.block, table.radiometer) == names[0]
    short = Drawn(table.take(np.flatnonzero(~here)), whole.strata)
    assert len(stratified(short, 300)) == 300


def test_what_was_left_out_is_counted() -> None:
    block, label = world()
    doubtful = np.zeros(label.shape, bool)
    doubtful[:, 0] = True
    found = rows(block, label, CODES, WHOLE, blocks=BLOCKS, seed=1, limit=50, doubtful=doubtful)
    assert set(found.table.overpass) == {1}
    evening, usable = label[:, 1], block.usable[:, 1]
    assert found.labels == {
        "thawed": int(((evening == THAWED) & usable).sum()),
        "frozen": int(((evening == FROZEN) & usable).sum()),
        "partially_frozen": int((label == PARTIAL).sum()),
        "low_quality": int((label[:, 0] != MISSING).sum()),
        "without_predictors": int(((evening < 2) & ~usable).sum()),
    }


def test_seasons_are_those_of_the_calendar() -> None:
    days = [date(2016, month, 1) for month in range(1, 13)]
    numbers = np.array([(day - date(1970, 1, 1)).days for day in days])
    assert seasons(numbers).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0]


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
    np.testing.assert_array_equal(table.radiometer, block.radiometer[d, table.overpass, y, x])
    np.testing.assert_array_equal(table.block, BLOCKS[y, x])
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


def test_a_table_of_one_class_is_refused() -> None:
    table = drawn([WHOLE], 100)
    sampling.require_both_classes(table)
    frozen = table.take(np.flatnonzero(table.label == FROZEN))
    with pytest.raises(ConfigError, match=r"both classes, found 0 thawed and \d+ frozen"):
        sampling.require_both_classes(frozen)
    with pytest.raises(ConfigError, match="0 thawed and 0 frozen"):
        sampling.require_both_classes(frozen.take(np.array([], int)))
