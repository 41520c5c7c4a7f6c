"""Votes become probabilities by a monotone map that never saw the rows it is judged on."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

from soilft.errors import ConfigError, ModelError, NotEnoughRows, SoilftError
from soilft.store.digest import digest
from soilft.uncertainty.calibration import (
    Calibration,
    choose,
    fit_isotonic,
    fit_none,
    fit_sigmoid,
)

FITS = {"none": fit_none, "isotonic": fit_isotonic, "sigmoid": fit_sigmoid}
ROWS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=1, max_size=60)


def drawn(rows: int, shrunk: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Give votes drawn towards one half by the factor, and labels of the true probability."""
    rng = np.random.default_rng(seed)
    true = rng.beta(0.6, 0.6, rows)
    return 0.5 + shrunk * (true - 0.5), (rng.random(rows) < true).astype("uint8")


def brier(probability: np.ndarray, label: np.ndarray) -> float:
    return float(np.mean((probability - label) ** 2))


@given(ROWS, st.sampled_from(sorted(FITS)))
@settings(deadline=None)
def test_maps_are_monotone_and_stay_within_0_and_1(
    pairs: list[tuple[int, int]], method: str
) -> None:
    raw, label = np.array(pairs).T
    found = FITS[method](raw / 20, label.astype("uint8")).apply(np.linspace(0, 1, 1001))
    assert found.dtype == np.float64
    assert (np.diff(found) >= -1e-15).all()
    assert found.min() >= 0
    assert found.max() <= 1


@given(ROWS)
@settings(deadline=None)
def test_isotonic_is_scikit_learns_own(pairs: list[tuple[int, int]]) -> None:
    raw, label = np.array(pairs).T
    own = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(raw / 20, label)
    everywhere = np.linspace(0, 1, 101)
    found = fit_isotonic(raw / 20, label.astype("uint8")).apply(everywhere)
    np.testing.assert_allclose(found, own.predict(everywhere), atol=1e-12)


@pytest.mark.parametrize("shrunk", [0.3, 1.0])
def test_sigmoid_is_scikit_learns_own(shrunk: float) -> None:
    raw, label = drawn(2000, shrunk)
    own = _SigmoidCalibration().fit(raw, label)
    found = fit_sigmoid(raw, label)
    # Where scikit-learn's own minimiser stops, the likelihood is flat to this.
    np.testing.assert_allclose(found.apply(raw), own.predict(raw), atol=1e-4)


def test_sigmoid_keeps_the_mean_of_the_smoothed_targets() -> None:
    raw, label = drawn(500, 0.5)
    frozen, thawed = int(label.sum()), int((1 - label).sum())
    target = np.where(label == 1, (frozen + 1) / (frozen + 2), 1 / (thawed + 2))
    assert fit_sigmoid(raw, label).apply(raw).mean() == pytest.approx(target.mean(), abs=1e-8)


def test_separable_votes_have_a_finite_sigmoid() -> None:
    raw, label = np.repeat([0.1, 0.9], 50), np.repeat([0, 1], 50).astype("uint8")
    found = fit_sigmoid(raw, label).apply(np.array([0.1, 0.9]))
    np.testing.assert_allclose(found, [1 / 52, 51 / 52], atol=1e-6)


def test_votes_that_point_the_wrong_way_give_the_share_of_frozen_rows() -> None:
    raw, label = drawn(2000, 1.0)
    found = fit_sigmoid(1 - raw, label)
    assert found.slope == 0
    np.testing.assert_allclose(found.apply(raw), label.mean(), atol=2e-3)


@pytest.mark.parametrize("method", sorted(FITS))
def test_order_of_rows_changes_no_bit(method: str) -> None:
    raw, label = drawn(3000, 0.6)
    mixed = np.random.default_rng(1).permutation(3000)
    assert FITS[method](raw[mixed], label[mixed]) == FITS[method](raw, label)


@pytest.mark.parametrize("method", sorted(FITS))
def test_missing_votes_stay_missing_and_chunks_change_nothing(method: str) -> None:
    raw, label = drawn(1000, 0.6)
    calibration = FITS[method](raw, label)
    raw[::7] = np.nan
    whole = calibration.apply(raw)
    np.testing.assert_array_equal(np.isnan(whole), np.isnan(raw))
    parts = [calibration.apply(part) for part in np.split(raw, [1, 10, 503])]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_a_knot_is_not_passed_by_rounding() -> None:
    x, y = (9.714664927314398e-05, 0.0009164274013578692), (0.0, 0.4314982131639793)
    before = np.nextafter(x[1], 0)
    assert np.interp(before, x, y) > y[1]
    assert Calibration("isotonic", x, y).apply(np.array([before]))[0] == y[1]


def test_between_knots_isotonic_never_falls() -> None:
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.random(50)), np.sort(rng.random(50))
    calibration = Calibration("isotonic", tuple(x), tuple(y))
    near = np.sort(np.concatenate([x, np.nextafter(x, 0), np.nextafter(x, 1), rng.random(5000)]))
    assert (np.diff(calibration.apply(near)) >= 0).all()
    assert calibration.apply(np.array([0.0, 1.0])).tolist() == [y[0], y[-1]]


def test_shrunken_votes_are_stretched_and_right_ones_left_alone() -> None:
    raw, label = drawn(20_000, 0.4)
    groups = np.arange(20_000) // 100
    calibration, scores = choose(raw, label, groups, seed=3)
    assert scores["chosen"] == calibration.method != "none"
    assert scores["brier"][calibration.method] == min(scores["brier"].values())
    assert scores["brier"]["none"] == pytest.approx(brier(raw, label))
    fresh, truth = drawn(20_000, 0.4, seed=1)
    assert brier(calibration.apply(fresh), truth) < brier(fresh, truth) - 0.02
    right, label = drawn(3000, 1.0)
    assert choose(right, label, np.arange(3000) // 100, seed=3)[0] == Calibration()


def test_the_held_out_group_is_not_learnt() -> None:
    # Each group has votes of its own whose state is opposite to what its neighbours say: only a
    # map fitted on the group itself could score well on it.
    groups = np.repeat(np.arange(10), 40)
    raw = np.round(0.05 + groups / 11 + np.tile([0.0, 0.01], 200), 6)
    label = (groups % 2).astype("uint8")
    _, scores = choose(raw, label, groups, seed=0, folds=10)
    learnt = brier(fit_isotonic(raw, label).apply(raw), label)
    assert scores["folds"] == 10
    assert scores["brier"]["isotonic"] > learnt + 0.02


def test_the_choice_is_that_of_the_seed() -> None:
    raw, label = drawn(2000, 0.7)
    groups = np.arange(2000) // 50
    assert choose(raw, label, groups, seed=1) == choose(raw, label, groups, seed=1)
    one, other = (choose(raw, label, groups, seed=seed)[1]["brier"] for seed in (1, 2))
    assert one["isotonic"] != other["isotonic"]
    assert one["none"] == pytest.approx(other["none"])


@pytest.mark.parametrize(
    ("label", "groups"), [([0, 0, 0, 0], [1, 1, 2, 2]), ([0, 1, 0, 1], [1, 1, 1, 1])]
)
def test_one_class_or_one_group_cannot_choose(label: list[int], groups: list[int]) -> None:
    with pytest.raises(NotEnoughRows, match="both classes and of two groups"):
        choose(np.array([0.1, 0.2, 0.3, 0.4]), np.array(label), np.array(groups), seed=0)


@pytest.mark.parametrize("method", sorted(FITS))
@pytest.mark.parametrize(
    ("raw", "label", "kind", "message"),
    [
        ([], [], NotEnoughRows, "a row"),
        ([], [1], ConfigError, "a row"),
        ([0.5, 0.5], [1], ConfigError, "a row"),
        ([0.5, np.nan], [0, 1], ConfigError, "1 others"),
        ([0.5, 1.5], [0, 1], ConfigError, "1 others"),
        ([0.5, 0.5], [0, 255], ConfigError, "1 others"),
    ],
)
def test_rows_outside_the_contract_are_refused(
    method: str, raw: list[float], label: list[int], kind: type[SoilftError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        FITS[method](np.array(raw), np.array(label))


@pytest.mark.parametrize("method", sorted(FITS))
def test_json_gives_the_same_map_and_digest(method: str) -> None:
    calibration = FITS[method](*drawn(2000, 0.6))
    read = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert read == calibration
    assert digest(read.to_dict()) == digest(calibration.to_dict())
    other = replace(calibration, slope=calibration.slope + 1)
    assert digest(other.to_dict()) != digest(calibration.to_dict())


@pytest.mark.parametrize(
    "change",
    [
        {"method": "spline"},
        {"method": ["isotonic"]},
        {"method": "sigmoid"},
        {"x": [0.0, 0.5]},
        {"x": [0.0, 0.5, 0.5]},
        {"x": [0.0, 0.5, float("nan")]},
        {"x": "abc"},
        {"x": None},
        {"x": [], "y": []},
        {"y": [0.0, 0.6, 0.4]},
        {"y": [-0.1, 0.5, 0.9]},
        {"y": [0.0, 0.5, 1.1]},
        {"slope": -1.0},
        {"intercept": float("inf")},
    ],
)
def test_a_damaged_map_is_refused(change: dict[str, Any]) -> None:
    sound = Calibration("isotonic", (0.0, 0.5, 1.0), (0.0, 0.4, 0.9)).to_dict()
    assert Calibration.from_dict(sound).y == (0.0, 0.4, 0.9)
    with pytest.raises(ModelError, match="calibration"):
        Calibration.from_dict(sound | change)


def test_an_incomplete_map_is_refused() -> None:
    with pytest.raises(ModelError, match="slope"):
        Calibration.from_dict({"method": "none", "x": [], "y": []})
