"""Masked pixel-days: which days, and what their scores say beside the same days as seen."""

from pathlib import Path

import numpy as np
import pytest

from soilft.days import day_of
from soilft.radiometers.gaps import LEVELS
from soilft.scores.gap_levels import by_level
from soilft.scores.held_out_scores import Draws
from soilft.training.sampling import Table
from soilft.training.table import StoredTable, read_table
from soilft.trials.experiments import folds_of
from soilft.trials.rules import Rules
from soilft.trials.withheld_days import blocks_by_day, days_to_withhold
from tests.support import tables

DRAWS = Draws(seed=0, replicates=200)
NAMES = ("tb_18.7H_AM", "tb_36.5V_AM", "tb_36.5V_PM")


def test_days_are_spread_over_the_months_and_the_years() -> None:
    days = np.arange("2011-01-01", "2014-12-31", dtype="datetime64[D]").astype("int32")
    chosen = days_to_withhold(np.repeat(days, 3), 4)
    dates = chosen.astype("datetime64[D]")
    month = dates.astype("datetime64[M]").astype("int64") % 12
    np.testing.assert_array_equal(np.bincount(month), np.full(12, 4))
    years = dates.astype("datetime64[Y]").astype("int64") + 1970
    assert {years[month == m].min() for m in range(12)} == {2011}
    assert {years[month == m].max() for m in range(12)} == {2014}
    few = days[:10]
    np.testing.assert_array_equal(days_to_withhold(few, 20), few)


def test_of_a_day_the_blocks_are_withheld_that_a_fold_holds_out_in_its_year(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    day = 15340 + rng.integers(0, 3 * 365, 400)
    rows = tables.table_of(
        np.zeros((400, 1)), np.arange(400) % 2, day=day, block=rng.integers(0, 8, 400)
    )
    table = read_table(tables.stored_table(tmp_path, rows)[0])
    rules = Rules(folds=3, inner_folds=2, rows_per_fit=100, trees_per_fit=5, level=0.9, seed=1)
    blocks = blocks_by_day(table, rules, 2)
    held = [fold.test for fold in folds_of(table, "year_block", rules)]
    np.testing.assert_array_equal(
        list(blocks), days_to_withhold(table.day[np.concatenate(held)], 2)
    )
    for number, found in blocks.items():
        year = day_of(number).year
        of_year = {int(b) for at in held for b in table.block[at][table.year[at] == year]}
        assert found == tuple(sorted(of_year))
        assert 0 < len(found) < 8


def test_of_one_winter_every_day_has_the_blocks_of_all_folds(tmp_path: Path) -> None:
    day = 16283 + np.arange(360)  # from 1 August 2014 on
    rows = tables.table_of(
        np.zeros((360, 1)), np.arange(360) % 2, day=day, block=np.arange(360) % 8
    )
    table = read_table(tables.stored_table(tmp_path, rows)[0])
    rules = Rules(folds=3, inner_folds=2, rows_per_fit=100, trees_per_fit=5, level=0.9, seed=1)
    blocks = blocks_by_day(table, rules, 2)
    assert {day_of(number).year for number in blocks} == {2014, 2015}
    assert set(blocks.values()) == {tuple(range(8))}


def stored(count: int = 60) -> tuple[StoredTable, np.ndarray]:
    """Pixel-days as seen, and the same by two levels; and the probabilities they are given."""
    rng = np.random.default_rng(0)
    label = (np.arange(count) % 2).astype("uint8")
    day = np.repeat(np.arange(15340, 15340 + count // 6), 6).astype("int32")
    cell = np.tile(np.arange(6), count // 6).astype("int32")
    overpass = (cell % 2).astype("uint8")
    parts, given = [], []
    for level, error, right in ((0, 0.0, 1.0), (1, 2.0, 0.9), (4, 5.0, 0.6)):
        features = np.full((count, 3), 250.0, "float32") + np.float32(error)
        taken = np.ones(count, bool) if level < 4 else rng.random(count) < 0.7
        wrong = np.arange(count) >= right * count
        probability = np.where(wrong, 1 - label, label).astype(float)
        parts.append(
            [
                array[taken]
                for array in (
                    features,
                    label,
                    day,
                    overpass,
                    cell,
                    cell // 2,
                    np.zeros(count, "uint8"),
                    np.full(count, level, "uint8"),
                    np.zeros(count, "uint64"),
                )
            ]
        )
        given.append(probability[taken])
    table = Table(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    read = StoredTable(
        table.features,
        table.label,
        np.zeros(len(table), "uint8"),
        table.day,
        table.overpass,
        table.cell,
        table.block,
        table.radiometer,
        table.level,
        NAMES,
        ("one",),
    )
    return read, np.concatenate(given)


def test_each_level_is_scored_beside_the_same_pixel_days_as_seen() -> None:
    table, given = stored()
    rows = np.arange(len(table))
    half = rows % 2 == 0
    found = by_level(table, [(rows[half], given[half]), (rows[~half], given[~half])], DRAWS)
    assert [entry["level"] for entry in found] == ["other_node", "climatology"]
    near, far = found
    assert near["overall_accuracy"] == pytest.approx(0.9)
    assert near["seen_overall_accuracy"] == 1
    assert near["difference"]["overall_accuracy"] == pytest.approx(-0.1)
    assert near["kelvin"] == {"18.7H": pytest.approx(2), "36.5V": pytest.approx(2)}
    assert far["kelvin"]["36.5V"] == pytest.approx(5)
    assert far["rows"] == (table.level == LEVELS["climatology"]).sum()
    assert sum(row["rows"] for row in far["by_month"]) == far["rows"]


def test_a_filled_pixel_day_without_the_same_as_seen_is_refused() -> None:
    table, given = stored()
    rows = np.arange(len(table))[1:]
    with pytest.raises(RuntimeError, match="without the same as seen"):
        by_level(table, [(rows, given[1:])], DRAWS)


def test_folds_that_hold_out_no_withheld_day_say_nothing() -> None:
    table, _ = stored()
    assert by_level(table, [], DRAWS) == []
