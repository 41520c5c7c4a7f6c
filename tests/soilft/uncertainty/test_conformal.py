"""Sets of states hold the true one as often as they promise, class by class."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from soilft.errors import ConfigError, ModelError, NotEnoughRows
from soilft.uncertainty.conformal import (
    BOTH,
    NEITHER,
    Conformal,
    coverage,
    coverage_by,
    fit,
    rows_needed,
)

LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95])


def drawn(rows: int, sharpness: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give probabilities and the labels drawn from them; the larger the sharpness, the surer."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(1 / sharpness, 1 / sharpness, rows)
    return probability, (rng.random(rows) < probability).astype("uint8")


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.8, 0.9, 0.95]), st.sampled_from([1.0, 4.0]))
@settings(deadline=None, max_examples=30)
def test_coverage_of_new_rows_is_the_level(seed: int, level: float, sharpness: float) -> None:
    conformal = fit(*drawn(3000, sharpness, seed), level)
    probability, label = drawn(3000, sharpness, seed + 1)
    found = coverage(label, conformal.sets(probability))
    for name, used in (("thawed", conformal.rows_thawed), ("frozen", conformal.rows_frozen)):
        rank = int(np.ceil((used + 1) * Fraction(str(level))))
        rows = found[f"rows_{name}"]
        # Covered new rows are beta-binomial (Vovk 2012), where scores do not tie.
        low, high = stats.betabinom.ppf([1e-7, 1 - 1e-7], rows, rank, used + 1 - rank)
        assert low <= round(found[f"coverage_{name}"] * rows) <= high


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 1)), max_size=80), LEVELS)
@settings(deadline=None)
def test_calibration_rows_are_covered_even_where_scores_tie(
    pairs: list[tuple[int, int]], level: float
) -> None:
    least = [(50, 0), (50, 1)] * rows_needed(level)
    percent, label = np.array(pairs + least).T
    found = coverage(label, fit(percent * 0.01, label, level).sets(percent * 0.01))
    assert found["coverage_thawed"] >= level - 1e-12
    assert found["coverage_frozen"] >= level - 1e-12


@given(st.integers(0, 10_000), LEVELS)
@settings(deadline=None, max_examples=30)
def test_threshold_is_the_stated_order_statistic(seed: int, level: float) -> None:
    probability, label = drawn(200, 1.0, seed)
    conformal = fit(probability, label, level)
    for state, threshold in ((0, conformal.threshold_thawed), (1, conformal.threshold_frozen)):
        scores = np.sort(np.where(state == 1, 1 - probability, probability)[label == state])
        reached = Fraction(int((scores <= threshold).sum()), len(scores) + 1)
        before = Fraction(int((scores < threshold).sum()), len(scores) + 1)
        assert before < Fraction(str(level)) <= reached


def test_order_of_rows_changes_nothing() -> None:
    probability, label = drawn(1000, 2.0, 0)
    mixed = np.random.default_rng(1).permutation(1000)
    assert fit(probability[mixed], label[mixed]) == fit(probability, label)


@pytest.mark.parametrize(("level", "fewest"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19)])
def test_fewest_rows_of_a_class_are_named(level: float, fewest: int) -> None:
    assert rows_needed(level) == fewest
    label = np.repeat([0, 1], [fewest, 50]).astype("uint8")
    probability = np.linspace(0, 1, len(label))
    assert fit(probability, label, level).threshold_thawed == probability[fewest - 1]
    with pytest.raises(NotEnoughRows, match=f"expected {fewest} thawed rows or more, found"):
        fit(probability[1:], label[1:], level)


def test_above_the_level_some_sets_are_empty_and_none_holds_both() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 5000).astype("uint8")
    probability = np.clip(np.where(label == 1, 0.8, 0.2) + rng.normal(0, 0.15, 5000), 0, 1)
    accuracy = ((probability > 0.5) == label).mean()
    assert accuracy > 0.95
    found = coverage(label, fit(probability, label, 0.9).sets(probability))
    assert found["share_neither"] > 0.05
    assert found["share_both"] == 0
    sure = coverage(label, fit(probability, label, 0.999).sets(probability))
    assert sure["share_neither"] == 0
    assert sure["share_both"] > 0.05


def test_codes_say_which_states_are_left() -> None:
    conformal = Conformal(0.9, 0.25, 0.5, 100, 100)
    probability = np.array([[0.0, 0.25, 0.375], [0.5, 1.0, np.nan]])
    found = conformal.sets(probability)
    assert found.dtype == np.uint8
    assert found.tolist() == [[0, 0, NEITHER], [1, 1, 255]]
    wide = Conformal(0.9, 0.75, 0.5, 100, 100).sets(probability.astype("float32"))
    assert wide.tolist() == [[0, 0, 0], [BOTH, 1, 255]]


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 255]), st.sampled_from([0, 1, 2, 3, 255])), max_size=40
    )
)
def test_coverage_counts_known_rows_one_by_one(pairs: list[tuple[int, int]]) -> None:
    label, sets = np.array(pairs, "uint8").reshape(-1, 2).T
    known = [(a, b) for a, b in pairs if a != 255 and b != 255]
    found = coverage(label, sets)
    assert found["rows"] == len(known)
    for state, name in ((0, "thawed"), (1, "frozen")):
        own = [b in (a, 2) for a, b in known if a == state]
        assert found[f"rows_{name}"] == len(own)
        share = np.mean(own) if own else np.nan
        np.testing.assert_equal(found[f"coverage_{name}"], share)
    for code, name in ((2, "both"), (3, "neither")):
        share = np.mean([b == code for _, b in known]) if known else np.nan
        np.testing.assert_equal(found[f"share_{name}"], share)


def test_each_group_is_counted_by_itself() -> None:
    label, sets = np.array([0, 1, 1, 0], "uint8"), np.array([0, 0, 2, 3], "uint8")
    months = np.array([7, 1, 1, 7])
    found = coverage_by(months, label, sets)
    assert [group["group"] for group in found] == [1, 7]
    assert found[0]["coverage_frozen"] == 0.5
    assert found[1]["coverage_thawed"] == 0.5
    assert found[1]["share_neither"] == 0.5
    for group in found:
        own = months == group["group"]
        np.testing.assert_equal(
            {k: group[k] for k in group if k != "group"}, coverage(label[own], sets[own])
        )
    assert json.loads(json.dumps(found))[0]["rows"] == 2


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, float("nan")])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ConfigError, match="level"):
        fit(*drawn(100, 1.0, 0), level)


def test_rows_without_probability_or_label_are_refused() -> None:
    probability, label = drawn(100, 1.0, 0)
    with pytest.raises(ConfigError, match="labels 0 and 1"):
        fit(probability, np.where(label == 1, 255, label))
    probability[3] = np.nan
    with pytest.raises(ConfigError, match=r"probabilities of 0\.\.1, found 1 others"):
        fit(probability, label)


def test_json_gives_the_same_sets() -> None:
    probability, label = drawn(500, 2.0, 4)
    conformal = fit(probability, label)
    read = Conformal.from_dict(json.loads(json.dumps(conformal.to_dict())))
    assert read == conformal
    np.testing.assert_array_equal(read.sets(probability), conformal.sets(probability))


@pytest.mark.parametrize(
    "change",
    [
        {"level": 1.0},
        {"level": "high"},
        {"threshold_thawed": 1.5},
        {"threshold_frozen": float("nan")},
        {"threshold_frozen": None},
        {"rows_frozen": 8},
        {"rows_thawed": float("inf")},
    ],
)
def test_damaged_thresholds_are_refused(change: dict[str, Any]) -> None:
    sound = fit(*drawn(500, 2.0, 4)).to_dict()
    with pytest.raises(ModelError, match="conformal sets"):
        Conformal.from_dict(sound | change)
    with pytest.raises(ModelError, match=next(iter(change))):
        Conformal.from_dict({k: v for k, v in sound.items() if k not in change})
