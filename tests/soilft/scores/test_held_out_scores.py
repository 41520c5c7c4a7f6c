"""Parts of the scorecard, from rows whose scores are known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from soilft.scores import held_out_scores as scorecard
from soilft.scores import metrics
from soilft.scores.held_out_scores import Draws, pooled
from soilft.scores.predictions import HeldOut
from soilft.training.table import StoredTable, read_table
from tests.support import tables

DRAWS = Draws(seed=1, replicates=200)
ROWS = 400


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, ROWS)
    made = tables.table_of(
        rng.normal(size=(ROWS, 2)), label, radiometer=rng.choice([0, 1, 255], ROWS)
    )
    return read_table(tables.stored_table(tmp_path_factory.mktemp("table"), made)[0])


def held(table: StoredTable, rows: np.ndarray, right: float = 0.8, seed: int = 0) -> HeldOut:
    rng = np.random.default_rng(seed)
    label = table.label[rows]
    state = np.where(rng.random(len(rows)) < right, label, 1 - label)
    probability = np.where(state == 1, 0.9, 0.1)
    return HeldOut(
        rows,
        label,
        probability,
        probability,
        state.astype("uint8"),
        rng.integers(0, 2, len(rows)).astype("uint8"),
        np.full(len(rows), np.nan),
        100,
        "none",
        {"a": 0.1 * seed, "b": 0.3},
    )


def folds(table: StoredTable) -> list[HeldOut]:
    order = np.random.default_rng(0).permutation(ROWS)
    return [held(table, np.sort(part), seed=n) for n, part in enumerate(np.split(order, 4))]


def test_folds_are_pooled_in_the_order_of_the_table(table: StoredTable) -> None:
    parts = folds(table)
    pool = pooled(parts)
    np.testing.assert_array_equal(pool.rows, np.arange(ROWS))
    np.testing.assert_array_equal(pool.label, table.label)
    for n, part in enumerate(parts):
        np.testing.assert_array_equal(pool.fold[part.rows], n)
        np.testing.assert_array_equal(pool.probability[part.rows], part.probability)


def test_groups_hold_every_row_once_and_the_shoulder_seasons(table: StoredTable) -> None:
    pool = pooled(folds(table))
    found = scorecard.groups(table, pool)
    for name in ("month", "year", "era", "applicability"):
        assert sum(item["rows"] for item in found[name]) == ROWS, name
    assert {item["key"] for item in found["era"]} == {"one", "two", "none"}
    season = {item["key"]: item["rows"] for item in found["season"]}
    shoulder = season.pop("shoulder seasons (MAM and SON)")
    assert sum(season.values()) == ROWS
    assert shoulder == season["spring (MAM)"] + season["autumn (SON)"]


def test_a_group_has_the_measures_of_its_own_probabilities_and_sets(table: StoredTable) -> None:
    pool = pooled(folds(table))
    found = {item["key"]: item for item in scorecard.groups(table, pool)["applicability"]}
    for key, code in (("inside", 1), ("outside", 0)):
        here = pool.inside == code
        label, probability = pool.label[here], pool.probability[here]
        assert found[key]["brier"] == pytest.approx(np.mean((probability - label) ** 2))
        for state, name in ((0, "thawed"), (1, "frozen")):
            sets = pool.sets[here][label == state]
            covered = np.mean((sets == state) | (sets == 2))
            assert found[key][f"coverage_{name}"] == pytest.approx(covered)
        assert 0 <= found[key]["calibration_error"] <= 1
    assert found["inside"]["brier"] != found["outside"]["brier"]


def test_the_skill_is_told_over_both_climatologies(table: StoredTable) -> None:
    pool = pooled(folds(table))
    near = np.where(table.label == 1, 0.7, 0.3)
    own = np.where(table.label == 1, 0.9, 0.1)
    found = scorecard.probabilities(replace(pool, nearby=near), own)
    error = np.mean((pool.probability - pool.label) ** 2)
    assert found["brier_skill"] == pytest.approx(1 - error / 0.1**2)
    assert found["brier_skill_nearby"] == pytest.approx(1 - error / 0.3**2)


def test_a_baseline_is_compared_on_the_rows_that_both_know(table: StoredTable) -> None:
    pool = pooled(folds(table))
    rng = np.random.default_rng(9)
    worse = np.where(rng.random(ROWS) < 0.6, table.label, 1 - table.label).astype("uint8")
    worse[:100] = 255
    found = scorecard.baselines(
        table,
        pool,
        {"gldas": worse, "smap": table.label},
        {"smap": "SMAP label"},
        DRAWS,
        against="label",
        reference=pool.label,
    )
    by_name = {item["name"]: item for item in found}
    assert by_name["climatology_nearby"]["reason"] == "no pixel-day is in both"
    gldas = by_name["gldas"]
    assert gldas["rows"] == 300
    mine = metrics.scores(pool.label[100:], pool.state[100:])["overall_accuracy"]
    assert gldas["model_overall_accuracy"] == mine
    theirs = (worse[100:] == table.label[100:]).mean()
    assert gldas["difference"]["overall_accuracy"] == pytest.approx(mine - theirs)
    low, high = gldas["difference"]["interval"]
    assert low < mine - theirs < high
    assert by_name["smap"]["is_satellite_label"]
    assert by_name["smap"]["difference"]["overall_accuracy"] < 0


def test_an_experiment_without_common_rows_says_so(table: StoredTable) -> None:
    nothing = np.full(ROWS, 255, "uint8")
    found = scorecard.experiment("t", "n", table.label, nothing, table.block, DRAWS)
    assert found["scores"] is None
    assert found["reason"] == "no pixel-day is in both"


def test_counts_and_rows_give_the_same_scores_and_intervals(table: StoredTable) -> None:
    pool = pooled(folds(table))
    rows = scorecard.experiment("t", "n", pool.label, pool.state, table.block, DRAWS)
    counts = metrics.confusions(
        np.unique(table.block, return_inverse=True)[1],
        len(np.unique(table.block)),
        pool.label,
        pool.state,
    )
    summed = scorecard.of_counts("t", "n", counts, DRAWS)
    assert rows["scores"] == summed["scores"]
    assert rows["intervals"] == summed["intervals"]


def test_importance_is_the_mean_over_the_rows_of_all_folds(table: StoredTable) -> None:
    found = scorecard.importance(folds(table))
    assert [item["group"] for item in found] == ["b", "a"]
    assert found[0]["drop"] == pytest.approx(0.3)
    assert found[1]["drop"] == pytest.approx((0 + 0.1 + 0.2 + 0.3) / 4)


def test_plain_values_are_json_without_nan() -> None:
    value = {1: np.float32(0.5), "b": [np.nan, np.int64(3), (np.inf, True)], "c": np.arange(2)}
    text = json.dumps(scorecard.plain(value), allow_nan=False)
    assert json.loads(text) == {"1": 0.5, "b": [None, 3, [None, True]], "c": [0, 1]}


def test_both_records_are_scored_on_the_same_rows_and_compared_in_pairs(
    table: StoredTable,
) -> None:
    rows = np.arange(50, ROWS)
    raw, harmonized = held(table, rows, 0.7, 1), held(table, rows, 0.9, 2)
    found = scorecard.side_by_side(table, raw, harmonized, DRAWS)
    assert found["rows"] == len(rows)
    for name, part in (("raw", raw), ("harmonized", harmonized)):
        assert found[name] == metrics.scores(table.label[rows], part.state)
    gain = (harmonized.state == raw.label).mean() - (raw.state == raw.label).mean()
    assert found["difference"]["overall_accuracy"] == pytest.approx(gain)
    low, high = found["difference"]["interval"]
    assert 0 < low < gain < high
    with pytest.raises(ValueError, match="rows differ"):
        scorecard.side_by_side(table, held(table, rows[1:]), harmonized, DRAWS)
