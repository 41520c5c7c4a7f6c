"""Scores held against scikit-learn's own, for any labels and predictions."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from soilft.metrics import confusion, scores

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
