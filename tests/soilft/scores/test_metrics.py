"""Scores held against scikit-learn's own, for any labels and predictions."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from soilft.schema import MISSING, PARTIAL
from soilft.scores.metrics import (
    by,
    confusion,
    probability_scores,
    rates,
    reliability,
    scores,
    scores_of_confusion,
)

CODES = st.sampled_from([0, 1, PARTIAL, MISSING])
TABLES = st.lists(st.integers(0, 40), min_size=4, max_size=4).map(
    lambda counts: np.array(counts, "int64").reshape(2, 2)
)
FORECASTS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(np.linspace(0, 1, 21).tolist())),
    min_size=1,
    max_size=80,
)
PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


def arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    truth, predicted = np.array(pairs, dtype="uint8").T
    return truth, predicted


@given(PAIRS)
@settings(deadline=None)
def test_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = arrays(pairs)
    found = scores(truth, predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "overall_accuracy": reference.accuracy_score(truth, predicted),
            "f1_frozen": reference.f1_score(truth, predicted, pos_label=1, zero_division=0),
            "mcc": reference.matthews_corrcoef(truth, predicted),
            "balanced_accuracy": reference.balanced_accuracy_score(truth, predicted),
        }
        kappa = reference.cohen_kappa_score(truth, predicted)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name
    both = len(set(truth) | set(predicted)) == 2
    assert found["kappa"] == pytest.approx(kappa) if both else np.isnan(found["kappa"])
    if (predicted == 1).any():
        precision = reference.precision_score(truth, predicted)
        assert found["precision_frozen"] == pytest.approx(precision)
    else:
        assert np.isnan(found["precision_frozen"])
    for label, name in enumerate(("recall_thawed", "recall_frozen")):
        rows = truth == label
        if rows.any():
            assert found[name] == pytest.approx((predicted[rows] == label).mean())
        else:
            assert np.isnan(found[name])
    assert found["rows"] == len(pairs)
    assert found["majority_share"] == max((truth == 0).mean(), (truth == 1).mean())


@given(PAIRS)
def test_rows_of_the_confusion_are_the_truth(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = arrays(pairs)
    matrix = confusion(truth, predicted)
    for t in (0, 1):
        for p in (0, 1):
            assert matrix[t, p] == sum((t, p) == pair for pair in pairs)


def test_scores_of_a_known_table() -> None:
    truth = np.repeat([0, 0, 1, 1], [40, 10, 5, 45]).astype("uint8")
    predicted = np.repeat([0, 1, 0, 1], [40, 10, 5, 45]).astype("uint8")
    found = scores(truth, predicted)
    assert found["confusion"] == [[40, 10], [5, 45]]
    assert found["overall_accuracy"] == 0.85
    assert found["balanced_accuracy"] == pytest.approx(0.85)
    assert found["kappa"] == pytest.approx(0.70)
    assert found["f1_frozen"] == pytest.approx(90 / 105)


def test_scores_are_plain_numbers_that_json_takes() -> None:
    import json

    found = scores(np.array([0, 1], "uint8"), np.array([1, 1], "uint8"))
    assert json.loads(json.dumps(found))["rows"] == 2


def rows_of(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([0, 0, 1, 1], table.ravel()), np.repeat([0, 1, 0, 1], table.ravel())


@given(TABLES.filter(lambda table: table.any()))
def test_scores_of_counts_are_those_of_their_rows(table: np.ndarray) -> None:
    found = scores_of_confusion(table)
    assert found["confusion"] == table.tolist()
    np.testing.assert_equal(found, scores(*rows_of(table)))


@given(st.lists(TABLES, min_size=1, max_size=6))
def test_many_tables_at_once_score_as_one_by_one(tables: list[np.ndarray]) -> None:
    together = rates(np.stack(tables)[:, None])
    for i, table in enumerate(tables):
        for name, value in rates(table).items():
            assert together[name].shape == (len(tables), 1)
            np.testing.assert_equal(together[name][i, 0], value)


def test_no_rows_have_no_scores() -> None:
    found = scores_of_confusion(np.zeros((2, 2), "int64"))
    assert found.pop("rows") == 0
    assert found.pop("confusion") == [[0, 0], [0, 0]]
    assert np.isnan(list(found.values())).all()


def test_counts_of_a_decade_neither_overflow_nor_lose_digits() -> None:
    table = np.array([[4, 1], [1, 4]], "int64")
    np.testing.assert_equal(rates(table * 10**9), rates(table))


@given(st.lists(st.tuples(CODES, CODES), min_size=1, max_size=60))
def test_what_is_not_a_class_is_not_scored(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = arrays(pairs)
    known = (truth <= 1) & (predicted <= 1)
    np.testing.assert_array_equal(
        confusion(truth, predicted), confusion(truth[known], predicted[known])
    )
    assert scores(truth, predicted)["rows"] == known.sum()


@given(st.lists(st.tuples(st.integers(1, 12), CODES, CODES), min_size=1, max_size=60))
def test_each_group_is_scored_by_its_own_rows(drawn: list[tuple[int, int, int]]) -> None:
    month, truth, predicted = np.array(drawn).T
    found = by(month, truth, predicted, {m: f"month {m}" for m in range(1, 13)})
    known = (truth <= 1) & (predicted <= 1)
    assert [item["key"] for item in found] == [f"month {m}" for m in np.unique(month[known])]
    for item in found:
        rows = month == int(item["key"].removeprefix("month "))
        key = {"key": item["key"]}
        np.testing.assert_equal(item, key | scores(truth[rows], predicted[rows]))


def test_groups_without_names_go_by_their_values() -> None:
    season = np.array(["winter", "summer", "winter"])
    found = by(season, np.array([1, 0, 1]), np.array([1, 0, 0]))
    assert [(item["key"], item["rows"]) for item in found] == [("summer", 1), ("winter", 2)]
    named = by(np.array([1, 0]), np.array([1, 0]), np.array([1, 0]), ["amsre", "amsr2"])
    assert [item["key"] for item in named] == ["amsre", "amsr2"]


def forecast(pairs: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    label, probability = zip(*pairs, strict=True)
    return np.array(label, "uint8"), np.array(probability, "float64")


@given(FORECASTS)
@settings(deadline=None)
def test_brier_score_and_log_loss_are_those_of_scikit_learn(
    pairs: list[tuple[int, float]],
) -> None:
    label, probability = forecast(pairs)
    found = probability_scores(label, probability)
    brier = reference.brier_score_loss(label, probability, labels=[0, 1])
    assert found["brier"] == pytest.approx(brier)
    log_loss = reference.log_loss(label, probability, labels=[0, 1])
    assert found["log_loss"] == pytest.approx(log_loss)
    assert np.isnan(found["brier_skill"])


def test_skill_is_what_is_gained_over_the_climatology() -> None:
    label = np.array([0, 0, 1, 1], "uint8")
    climatology = np.full(4, 0.5)
    assert probability_scores(label, climatology, climatology)["brier_skill"] == 0
    assert probability_scores(label, label.astype(float), climatology)["brier_skill"] == 1
    assert probability_scores(label, 1.0 - label, climatology)["brier_skill"] == -3
    perfect = label.astype(float)
    assert np.isnan(probability_scores(label, climatology, perfect)["brier_skill"])


def test_skill_compares_only_where_the_climatology_knows() -> None:
    label = np.array([0, 1, 1, MISSING], "uint8")
    probability = np.array([0.2, 0.6, 0.0, 0.5])
    climatology = np.array([0.5, 0.5, np.nan, 0.5])
    found = probability_scores(label, probability, climatology)
    assert found["brier_skill"] == pytest.approx(1 - (0.04 + 0.16) / (0.25 + 0.25))
    assert found["brier"] == pytest.approx((0.04 + 0.16 + 1.0) / 3)


def test_calibration_error_of_known_bins() -> None:
    probability = np.repeat([0.1, 0.9], 50)
    label = np.concatenate([np.arange(50) < 10, np.arange(50) < 45]).astype("uint8")
    bins = reliability(label, probability, bins=2)
    assert [b["rows"] for b in bins] == [50, 50]
    assert [b["predicted"] for b in bins] == pytest.approx([0.1, 0.9])
    assert [b["observed"] for b in bins] == pytest.approx([0.2, 0.9])
    shares = np.concatenate([np.full(10, 0.1), np.full(5, 0.9)])
    found = probability_scores(np.array([1, 1, *[0] * 8, *[1] * 5], "uint8"), shares)
    assert found["calibration_error"] == pytest.approx((2 * 0.9 + 8 * 0.1 + 5 * 0.1) / 15)


def test_equal_probabilities_are_binned_in_the_order_of_their_rows() -> None:
    bins = reliability(np.array([1, 1, 0, 0], "uint8"), np.full(4, 0.5), bins=2)
    assert [b["observed"] for b in bins] == [1, 0]
    bins = reliability(np.array([1, 0, 1, 0], "uint8"), np.full(4, 0.5), bins=2)
    assert [b["observed"] for b in bins] == [0.5, 0.5]


@given(FORECASTS)
def test_bins_hold_equal_mass_and_all_rows(pairs: list[tuple[int, float]]) -> None:
    label, probability = forecast(pairs)
    bins = reliability(label, probability)
    rows = np.array([b["rows"] for b in bins])
    assert rows.sum() == len(pairs)
    assert np.ptp(rows) <= 1
    assert len(bins) == min(15, len(pairs))
    predicted = np.array([b["predicted"] for b in bins])
    assert (np.diff(predicted) >= -1e-12).all()
    assert (rows * predicted).sum() == pytest.approx(probability.sum())
    assert sum(b["rows"] * b["observed"] for b in bins) == pytest.approx(label.sum())
    error = sum(b["rows"] * abs(b["observed"] - b["predicted"]) for b in bins) / len(pairs)
    assert probability_scores(label, probability)["calibration_error"] == pytest.approx(error)


def test_a_calibrated_forecast_has_little_calibration_error_and_a_bold_one_much() -> None:
    rng = np.random.default_rng(0)
    true = rng.random(20_000)
    label = (rng.random(len(true)) < true).astype("uint8")
    assert probability_scores(label, true)["calibration_error"] < 0.015
    bold = (true > 0.5).astype(float)
    # Off by a quarter in every bin but the middle one of fifteen, which holds both halves.
    expected = 14 / 15 * 0.25
    assert probability_scores(label, bold)["calibration_error"] == pytest.approx(expected, abs=0.01)


def test_probabilities_that_are_not_known_are_left_out() -> None:
    label = np.array([1, 0, MISSING, 1], "uint8")
    probability = np.array([0.8, np.nan, 0.1, 0.6])
    assert probability_scores(label, probability)["brier"] == pytest.approx((0.04 + 0.16) / 2)
    assert sum(b["rows"] for b in reliability(label, probability)) == 2
    nothing = probability_scores(label[:0], probability[:0])
    assert np.isnan(list(nothing.values())).all()
    assert reliability(label[:0], probability[:0]) == []
