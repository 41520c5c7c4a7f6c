"""Rows unlike the training rows are found, by a tree as by all pairs."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from soilft.errors import ModelError, NotEnoughRows
from soilft.store.digest import arrays_digest
from soilft.uncertainty.applicability import Applicability, _points, fit

WIDTH = 12
SLACK = 1.25


def rows(count: int, seed: int = 0, missing: float = 0.1) -> np.ndarray:
    """Give correlated predictors of very different units, some missing."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(count, 4)) @ np.random.default_rng(99).normal(size=(4, WIDTH))
    features = (hidden + 0.1 * rng.normal(size=hidden.shape)) * np.logspace(-3, 3, WIDTH) + 250
    features[rng.random(features.shape) < missing] = np.nan
    return features.astype("float32")


IMPORTANCE = np.linspace(-0.1, 1, WIDTH)


def groups_of(count: int, groups: int = 5) -> np.ndarray:
    return np.arange(count) * groups // count


def weighted(area: Applicability, features: np.ndarray) -> np.ndarray:
    """Give all weighted predictors by the definition, without rotation."""
    standard = (features.astype("float64") - area.mean) / area.scale
    return np.nan_to_num(standard) * area.weight


def exact(features: np.ndarray, training: np.ndarray, area: Applicability) -> np.ndarray:
    distance = cdist(weighted(area, features), weighted(area, training))
    return distance.min(axis=1) / area.mean_distance


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_the_index_is_that_of_all_pairs_within_the_stated_bound(
    missing: float, shift: float
) -> None:
    training, new = rows(600, 0, missing), rows(300, 1, missing)
    new = (new + shift * np.nanstd(training, axis=0)).astype("float32")
    area = fit(training, IMPORTANCE, groups_of(600), seed=0)
    found, true = area.dissimilarity(new).astype("float64"), exact(new, training, area)
    own = weighted(area, new)[:, area.weight > 0]
    left = np.linalg.norm(own - own @ area.rotation @ area.rotation.T, axis=1)
    most = area.points[:, -1].max()
    assert area.rotation.shape[1] < WIDTH - 1
    assert (found / SLACK <= true + 1e-6).all()
    bound = np.sqrt(found**2 + 4 * left * most / area.mean_distance**2)
    assert (true <= bound + 1e-6).all()
    assert np.corrcoef(found, true)[0, 1] > 0.98
    assert np.abs(found - true).mean() < 0.1 * true.mean()


def test_means_and_scales_are_those_of_the_rows_that_have_the_predictor() -> None:
    training = rows(500)
    area = fit(training, IMPORTANCE, groups_of(500), seed=0)
    np.testing.assert_allclose(area.mean, np.nanmean(training.astype("float64"), axis=0))
    np.testing.assert_allclose(area.scale, np.nanstd(training.astype("float64"), axis=0))
    clipped = np.maximum(IMPORTANCE, 0)
    np.testing.assert_allclose(area.weight, clipped / clipped.sum())
    assert area.mean_distance == pytest.approx(pdist(weighted(area, training)).mean())


def test_the_threshold_is_the_whisker_of_indices_to_other_groups() -> None:
    training, groups = rows(400, missing=0.0), groups_of(400)
    training[5] += 40 * np.nanstd(training, axis=0)
    area = fit(training, IMPORTANCE, groups, seed=0)
    distance = cdist(area.points, area.points)
    distance[groups[:, None] == groups[None, :]] = np.inf
    index = distance.min(axis=1) / area.mean_distance
    low, high = np.quantile(index, [0.25, 0.75])
    fence = high + 1.5 * (high - low)
    # The tree may find a neighbour that is farther by the slack; here it finds the nearest.
    assert area.threshold == pytest.approx(index[index <= fence].max(), rel=1e-6)
    assert index.max() > area.threshold
    inside = area.inside(area.dissimilarity(training))
    assert inside.mean() > 0.95


def test_training_rows_are_at_zero_and_far_ones_outside() -> None:
    training = rows(500, missing=0.05)
    area = fit(training, IMPORTANCE, groups_of(500), seed=0)
    np.testing.assert_allclose(area.dissimilarity(training), 0, atol=1e-6)
    away = (training + 10 * np.nanstd(training, axis=0)).astype("float32")
    assert not area.inside(area.dissimilarity(away)).any()
    alike = rows(500, 1, missing=0.05)
    assert area.inside(area.dissimilarity(alike)).mean() > 0.9


def test_neighbours_of_the_same_group_do_not_count() -> None:
    # Each group is a tight cluster: only its own rows are near.
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(4), 50)
    training = (10 * groups[:, None] + rng.normal(size=(200, 3))).astype("float32")
    area = fit(training, np.ones(3), groups, seed=0)
    mixed = fit(training, np.ones(3), rng.permutation(groups), seed=0)
    assert area.threshold > 3 * mixed.threshold
    between = np.full((1, 3), 15, "float32")
    assert area.inside(area.dissimilarity(between)).all()
    assert not mixed.inside(mixed.dissimilarity(between)).any()


@given(st.lists(st.integers(1, 5000), max_size=4), st.integers(0, 100))
@settings(deadline=None, max_examples=15)
def test_chunks_change_no_bit(cuts: list[int], seed: int) -> None:
    area = fit(rows(300), IMPORTANCE, groups_of(300), seed=0)
    new = rows(5000, seed)
    parts = [area.dissimilarity(part) for part in np.split(new, sorted(cuts))]
    assert np.concatenate(parts).tobytes() == area.dissimilarity(new).tobytes()


def test_single_rows_and_other_memory_layouts_change_no_bit() -> None:
    area = fit(rows(300), IMPORTANCE, groups_of(300), seed=0)
    new = rows(200, 1)
    whole = area.dissimilarity(new)
    ones = np.concatenate([area.dissimilarity(new[i : i + 1]) for i in range(200)])
    assert ones.tobytes() == whole.tobytes()
    assert area.dissimilarity(np.asfortranarray(new)).tobytes() == whole.tobytes()
    assert area.dissimilarity(new[:0]).shape == (0,)


def test_points_have_the_same_bits_however_many_are_computed_at_once() -> None:
    rng = np.random.default_rng(0)
    own, rotation = rng.normal(size=(75, 300)), np.linalg.qr(rng.normal(size=(75, 30)))[0]
    whole = _points(own, rotation)
    np.testing.assert_allclose(whole[:, :-1], own.T @ rotation, atol=1e-12)
    left = np.linalg.norm(own.T - own.T @ rotation @ rotation.T, axis=1)
    np.testing.assert_allclose(whole[:, -1], left, atol=1e-12)
    for count in (1, 2, 3, 7, 100):
        assert _points(own[:, :count], rotation).tobytes() == whole[:count].tobytes()


def test_features_without_weight_do_not_matter() -> None:
    training = rows(400)
    area = fit(training, IMPORTANCE, groups_of(400), seed=0)
    new = rows(100, 1)
    changed = new.copy()
    changed[:, 0] = np.inf
    assert IMPORTANCE[0] < 0
    np.testing.assert_array_equal(area.dissimilarity(changed), area.dissimilarity(new))


def test_missing_counts_as_the_mean_and_all_missing_as_nothing_known() -> None:
    training = rows(400)
    area = fit(training, IMPORTANCE, groups_of(400), seed=0)
    new = rows(3, 1, missing=0.0).astype("float64")
    new[0, 5] = area.mean[5]
    gap = new.copy()
    gap[0, 5] = np.nan
    gap[1, 1:] = np.nan
    found = area.dissimilarity(gap)
    assert found.dtype == np.float32
    assert found[0] == area.dissimilarity(new)[0]
    assert np.isnan(found[1])
    assert area.inside(found)[1] == np.False_
    assert found[2] == area.dissimilarity(new)[2]


def test_constant_and_empty_predictors_get_no_weight() -> None:
    training = rows(300)
    training[:, 3], training[:, 4] = 0.1, np.nan
    area = fit(training, np.ones(WIDTH), groups_of(300), seed=0)
    assert area.weight[[3, 4]].tolist() == [0, 0]
    assert area.weight.sum() == pytest.approx(1)
    assert np.isfinite(area.dissimilarity(rows(50, 1))).all()


def test_points_are_drawn_by_group_and_seed() -> None:
    groups = np.repeat([3, 5, 9], [700, 298, 2])
    training = rows(1000, missing=0.0)
    training[groups == 9] += 5 * training.std(axis=0)
    area = fit(training, IMPORTANCE, groups, seed=1, max_points=100)
    at_zero = area.dissimilarity(training) < 1e-6
    assert [int(at_zero[groups == g].sum()) for g in (3, 5, 9)] == [70, 29, 1]
    assert len(area.points) == 100
    again = fit(training, IMPORTANCE, groups, seed=1, max_points=100)
    assert arrays_digest(again.to_arrays()) == arrays_digest(area.to_arrays())
    other = fit(training, IMPORTANCE, groups, seed=2, max_points=100)
    assert arrays_digest(other.to_arrays()) != arrays_digest(area.to_arrays())
    full = fit(training, IMPORTANCE, groups, seed=1)
    assert len(full.points) == 1000
    assert full.threshold < area.threshold


@pytest.mark.parametrize(
    ("importance", "kind"), [(0.0, NotEnoughRows), (-1.0, NotEnoughRows), (np.nan, ModelError)]
)
def test_importance_of_nothing_is_refused(importance: float, kind: type[ModelError]) -> None:
    with pytest.raises(ModelError, match="importance") as refused:
        fit(rows(100), np.full(WIDTH, importance), groups_of(100), seed=0)
    assert type(refused.value) is kind


def test_importance_of_constant_predictors_alone_is_refused() -> None:
    training = rows(100)
    training[:, 2] = 7
    with pytest.raises(NotEnoughRows, match="importance"):
        fit(training, np.eye(WIDTH)[2], groups_of(100), seed=0)


def test_importance_of_other_features_is_refused() -> None:
    with pytest.raises(ValueError, match="importances"):
        fit(rows(100), np.ones(WIDTH - 1), groups_of(100), seed=0)


def test_one_group_is_refused() -> None:
    with pytest.raises(NotEnoughRows, match="100 rows with predictors, of 1 groups"):
        fit(rows(100), IMPORTANCE, np.zeros(100, int), seed=0)


def test_other_features_than_trained_on_are_refused() -> None:
    area = fit(rows(100), IMPORTANCE, groups_of(100), seed=0)
    with pytest.raises(ModelError, match="12 features"):
        area.dissimilarity(rows(10)[:, :5])


def test_stored_arrays_give_the_same_area() -> None:
    area = fit(rows(300), IMPORTANCE, groups_of(300), seed=0)
    arrays = {name: array.copy() for name, array in area.to_arrays().items()}
    read = Applicability.from_arrays(arrays)
    new = rows(100, 1)
    assert read.dissimilarity(new).tobytes() == area.dissimilarity(new).tobytes()
    assert arrays_digest(read.to_arrays()) == arrays_digest(area.to_arrays())
    assert isinstance(read.threshold, float)


@pytest.mark.parametrize("name", [f.name for f in fields(Applicability)])
def test_an_absent_or_misshapen_array_is_refused(name: str) -> None:
    arrays = fit(rows(300), IMPORTANCE, groups_of(300), seed=0).to_arrays()
    with pytest.raises(ModelError, match=f"no {name}"):
        Applicability.from_arrays({k: v for k, v in arrays.items() if k != name})
    with pytest.raises(ModelError, match="area of applicability"):
        Applicability.from_arrays(arrays | {name: arrays[name][None, ..., None]})
    with pytest.raises(ModelError, match="finite"):
        Applicability.from_arrays(arrays | {name: np.full_like(arrays[name], np.nan)})


@pytest.mark.parametrize(
    "change",
    [
        {"scale": np.zeros(WIDTH)},
        {"weight": np.full(WIDTH, -1.0)},
        {"mean": np.zeros(WIDTH + 1)},
        {"mean_distance": np.array(0.0)},
        {"threshold": np.array(-1.0)},
    ],
)
def test_values_no_fit_could_give_are_refused(change: dict[str, Any]) -> None:
    arrays = fit(rows(300), IMPORTANCE, groups_of(300), seed=0).to_arrays()
    with pytest.raises(ModelError, match="area of applicability"):
        Applicability.from_arrays(arrays | change)


def test_a_rotation_that_stretches_is_refused() -> None:
    arrays = fit(rows(300), IMPORTANCE, groups_of(300), seed=0).to_arrays()
    with pytest.raises(ModelError, match="orthonormal"):
        Applicability.from_arrays(arrays | {"rotation": 2 * arrays["rotation"]})
