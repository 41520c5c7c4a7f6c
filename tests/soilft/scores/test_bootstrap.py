"""Intervals held against an explicit loop over rows, and tests of pairs against scipy."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from soilft.schema import MISSING
from soilft.scores import bootstrap
from soilft.scores.bootstrap import difference, intervals, intervals_of_counts, mcnemar, resamples
from soilft.scores.metrics import confusion, scores

ROWS = 400
BLOCKS = 12


def classified(seed: int = 0, rows: int = ROWS, blocks: int = BLOCKS) -> tuple[np.ndarray, ...]:
    """Blocks, labels, a good and a worse classification whose errors cluster by block."""
    rng = np.random.default_rng(seed)
    block = rng.integers(0, blocks, rows)
    label = rng.integers(0, 2, rows).astype("uint8")
    hard = rng.uniform(0.02, 0.3, blocks)[block]
    first = np.where(rng.random(rows) < hard, 1 - label, label).astype("uint8")
    second = np.where(rng.random(rows) < hard + 0.1, 1 - label, label).astype("uint8")
    return block, label, first, second


def drawn_rows(block: np.ndarray, seed: int, replicates: int) -> Iterator[np.ndarray]:
    """Rows of each replicate, block by block, of the draws that the module makes."""
    names = np.unique(block)
    draws = np.concatenate(list(resamples(len(names), seed=seed, replicates=replicates)))
    for times in draws:
        assert times.sum() == len(names)
        chosen = np.repeat(names, times)
        yield np.concatenate([np.flatnonzero(block == name) for name in chosen])


def percentiles(values: list[float]) -> list[float]:
    return [float(v) for v in np.quantile(values, [0.025, 0.975])]


def test_intervals_are_those_of_a_loop_over_resampled_rows() -> None:
    block, label, predicted, _ = classified()
    found = intervals(block, label, predicted, seed=3, replicates=60)
    assert found is not None
    slow: dict[str, list[float]] = {name: [] for name in found}
    for rows in drawn_rows(block, 3, 60):
        truth, named = label[rows], predicted[rows]
        slow["overall_accuracy"].append(reference.accuracy_score(truth, named))
        slow["balanced_accuracy"].append(reference.balanced_accuracy_score(truth, named))
        slow["recall_thawed"].append(reference.recall_score(truth, named, pos_label=0))
        slow["recall_frozen"].append(reference.recall_score(truth, named))
        slow["precision_frozen"].append(reference.precision_score(truth, named))
        slow["f1_frozen"].append(reference.f1_score(truth, named))
        slow["kappa"].append(reference.cohen_kappa_score(truth, named))
        slow["mcc"].append(reference.matthews_corrcoef(truth, named))
    for name, values in slow.items():
        assert found[name] == pytest.approx(percentiles(values)), name


def test_differences_are_those_of_a_loop_over_resampled_rows() -> None:
    block, label, first, second = classified()
    first[:20] = MISSING
    second[10:40] = MISSING
    found = difference(block, label, first, second, seed=5, replicates=200)
    both = (first != MISSING) & (second != MISSING)
    block, label, first, second = (a[both] for a in (block, label, first, second))
    slow: dict[str, list[float]] = {"overall_accuracy": [], "balanced_accuracy": []}
    for rows in drawn_rows(block, 5, 200):
        one, other = scores(label[rows], first[rows]), scores(label[rows], second[rows])
        for name, values in slow.items():
            values.append(one[name] - other[name])
    assert found["interval"] == pytest.approx(percentiles(slow["overall_accuracy"]))
    assert found["balanced_accuracy_interval"] == pytest.approx(
        percentiles(slow["balanced_accuracy"])
    )
    gain = (first == label).mean() - (second == label).mean()
    assert found["overall_accuracy"] == pytest.approx(gain)
    assert (found["rows"], found["left_out"], found["blocks"]) == (360, 40, BLOCKS)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_changes_nothing(random: Any) -> None:
    arrays = classified()
    order = np.array(random.sample(range(ROWS), ROWS))
    shuffled = [a[order] for a in arrays]
    block, label, first, second = arrays
    assert intervals(*shuffled[:3], seed=1, replicates=50) == intervals(
        block, label, first, seed=1, replicates=50
    )
    assert difference(*shuffled, seed=1, replicates=50) == difference(
        block, label, first, second, seed=1, replicates=50
    )


def test_the_seed_decides_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    block, label, predicted, _ = classified()
    once = intervals(block, label, predicted, seed=1, replicates=100)
    assert once != intervals(block, label, predicted, seed=2, replicates=100)
    monkeypatch.setattr(bootstrap, "_WEIGHTS_AT_ONCE", 7 * BLOCKS)
    assert once == intervals(block, label, predicted, seed=1, replicates=100)


def test_counts_by_block_give_the_intervals_of_their_rows() -> None:
    block, label, predicted, _ = classified()
    counts = np.array([confusion(label[block == b], predicted[block == b]) for b in range(BLOCKS)])
    empty = np.zeros((3, 2, 2), "int64")
    found = intervals_of_counts(np.concatenate([counts, empty]), seed=9, replicates=50)
    assert found == intervals(block, label, predicted, seed=9, replicates=50)


def test_rows_that_are_not_known_do_not_count_and_their_block_is_not_drawn() -> None:
    block, label, predicted, _ = classified()
    absent = block == 4
    left = intervals(block[~absent], label[~absent], predicted[~absent], seed=0, replicates=50)
    predicted[absent] = MISSING
    assert intervals(block, label, predicted, seed=0, replicates=50) == left


def test_fewer_than_two_blocks_have_no_interval() -> None:
    _, label, first, second = classified()
    one = np.zeros(ROWS, int)
    assert intervals(one, label, first, seed=0) is None
    found = difference(one, label, first, second, seed=0)
    assert found["interval"] is None
    assert found["balanced_accuracy_interval"] is None
    assert found["overall_accuracy"] == pytest.approx(
        (first == label).mean() - (second == label).mean()
    )
    nothing = np.full(ROWS, MISSING, "uint8")
    assert intervals(np.arange(ROWS), label, nothing, seed=0) is None
    found = difference(one, label, first, nothing, seed=0)
    assert (found["rows"], found["left_out"], found["interval"]) == (0, ROWS, None)
    assert np.isnan(found["overall_accuracy"])


def test_a_score_that_no_replicate_defines_has_no_interval() -> None:
    block = np.repeat([0, 1], 10)
    thawed = np.zeros(20, "uint8")
    found = intervals(block, thawed, thawed, seed=0, replicates=50)
    assert found is not None
    assert found["overall_accuracy"] == [1.0, 1.0]
    assert found["recall_frozen"] is None
    assert found["kappa"] is None


def test_a_classification_is_no_better_than_itself() -> None:
    block, label, first, _ = classified()
    found = difference(block, label, first, first, seed=0, replicates=50)
    assert found["overall_accuracy"] == 0
    assert found["interval"] == found["balanced_accuracy_interval"] == [0.0, 0.0]


def test_clustered_errors_widen_the_interval() -> None:
    block = np.repeat(np.arange(20), 50)
    label = np.tile([0, 1], 500).astype("uint8")
    predicted = np.where(block < 4, 1 - label, label).astype("uint8")
    whole = intervals(block, label, predicted, seed=0)
    single = intervals(np.arange(1000), label, predicted, seed=0)
    assert whole is not None
    assert single is not None
    wide, narrow = (np.ptp(found["overall_accuracy"]) for found in (whole, single))
    binomial = 2 * 1.96 * np.sqrt(0.8 * 0.2 / np.array([20, 1000]))
    assert [wide, narrow] == pytest.approx(binomial.tolist(), rel=0.15)


def test_intervals_cover_the_true_accuracy_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(1)
    covered = []
    for trial in range(200):
        accuracy = rng.beta(16, 4, 40)
        right = rng.binomial(30, accuracy)
        counts = np.zeros((40, 2, 2), "int64")
        counts[:, 0, 0], counts[:, 0, 1] = right, 30 - right
        found = intervals_of_counts(counts, seed=trial, replicates=200)
        assert found is not None
        assert found["overall_accuracy"] is not None
        low, high = found["overall_accuracy"]
        covered.append(low <= 0.8 <= high)
    assert 0.88 <= np.mean(covered) <= 0.99


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None)
def test_mcnemar_counts_the_rows_that_only_one_names_rightly(one: int, other: int) -> None:
    label = np.tile([0, 1], one + other + 10)[: one + other + 10].astype("uint8")
    first, second = label.copy(), label.copy()
    second[:one] ^= 1
    first[one : one + other] ^= 1
    first[-5:] ^= 1
    second[-5:] ^= 1
    found = mcnemar(label, first, second)
    assert (found["only_first_right"], found["only_second_right"]) == (one, other)
    if one + other < 25:
        exact = stats.binom.cdf(min(one, other), one + other, 0.5) * 2
        assert found["test"] == "exact binomial"
        assert found["statistic"] is None
        assert found["p_value"] == pytest.approx(min(exact, 1.0))
    else:
        corrected = max(abs(one - other) - 1, 0) ** 2 / (one + other)
        assert found["test"] == "chi-square"
        assert found["statistic"] == pytest.approx(corrected)
        assert found["p_value"] == pytest.approx(stats.chi2.sf(corrected, 1))


def test_mcnemar_of_a_known_table() -> None:
    label = np.ones(1000, "uint8")
    first, second = label.copy(), label.copy()
    second[:150] = 0
    first[150:236] = 0
    second[900:] = MISSING
    found = mcnemar(label, first, second)
    assert (found["only_first_right"], found["only_second_right"]) == (150, 86)
    assert found["statistic"] == pytest.approx(63**2 / 236)
    assert found["p_value"] == pytest.approx(4.115e-5, rel=1e-3)


def test_mcnemar_without_a_deciding_row_finds_nothing() -> None:
    label = np.array([0, 1, 1], "uint8")
    assert mcnemar(label, label, label)["p_value"] == 1
