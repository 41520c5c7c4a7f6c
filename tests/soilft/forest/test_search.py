"""The search scores every point on blocked folds and takes the cheapest good one."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import numpy as np
import pytest
from dask.delayed import delayed
from hypothesis import given

from soilft.errors import ConfigError
from soilft.forest.grow import ForestSettings, fit
from soilft.forest.search import (
    Candidates,
    Choice,
    Point,
    blocked_folds,
    choose,
    held_out,
    measure,
    rows_and_folds,
    search,
    shortfall,
)
from soilft.training.table import read_table
from tests.support.tables import stored_table, table_of

if TYPE_CHECKING:
    from distributed import Client

SETTINGS = ForestSettings(n_estimators=7, seed=5)
CANDIDATES = Candidates((2, 30), ("sqrt", 1.0), (None, "balanced"), (4, 9))


def rows(count: int = 500) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(count, 4)).astype("float32")
    label = (features[:, 0] + features[:, 1] ** 2 + rng.normal(0, 0.5, count) > 1.2).astype("uint8")
    features[rng.random(features.shape) < 0.1] = np.nan
    return features, label, rng.integers(2011, 2015, count), rng.integers(0, 9, count)


def searched(scheduler: Any = "synchronous") -> Choice:
    features, label, year, block = rows()
    folds = blocked_folds(label, year, block, 3, 0)
    return search(SETTINGS, CANDIDATES, features, label, folds, scheduler)


@pytest.fixture(scope="module")
def choice() -> Choice:
    return searched()


def test_every_point_is_scored_by_its_own_forest_on_held_out_years_and_blocks(
    choice: Choice,
) -> None:
    features, label, year, block = rows()
    folds = blocked_folds(label, year, block, 3, 0)
    expected = set(itertools.product((2, 30), ("sqrt", 1.0), (None, "balanced"), (4, 9)))
    asked = [point.settings for point in choice.points]
    assert expected == {
        (s.min_samples_leaf, s.max_features, s.class_weight, s.n_estimators) for s in asked
    }
    assert len(asked) == len(expected)
    for point in choice.points:
        assert point.settings.seed == SETTINGS.seed
        for fold, accuracy in zip(folds, point.accuracies, strict=True):
            assert not set(year[fold.train]) & set(year[fold.test])
            assert not set(block[fold.train]) & set(block[fold.test])
            forest = fit(point.settings, features[fold.train], label[fold.train])
            found = forest.predict(features[fold.test])
            # scikit-learn weighs classes in the other order, so a tie may fall otherwise.
            slack = 0 if point.settings.class_weight is None else 1.5 / len(fold.test)
            assert abs(accuracy - np.mean(found == label[fold.test])) <= slack


def test_training_rows_of_a_table_are_searched_no_more_than_asked_for(tmp_path: Path) -> None:
    features, label, _, block = rows()
    made = table_of(features, label, block=block)
    url, _ = stored_table(tmp_path, made)
    table = read_table(url)
    for most in (100, 10_000):
        found, folds = rows_and_folds(url, most, 2, 3)
        train = table.rows_of("train")
        assert len(found) == min(most, len(train))
        assert set(found) <= set(train)
        assert (np.diff(found) > 0).all()
        expected = blocked_folds(made.label[found], table.year[found], block[found], 2, 3)
        assert len(folds) == len(expected) == 2
        assert held_out(url, found) == "years and blocks"
        for fold, other in zip(folds, expected, strict=True):
            np.testing.assert_array_equal(fold.train, other.train)
            np.testing.assert_array_equal(fold.test, other.test)


def test_cost_is_counted_in_nodes_and_in_nodes_on_the_way() -> None:
    features, label, _, _ = rows(200)
    forest = fit(ForestSettings(n_estimators=6, min_samples_leaf=3), features, label)
    found = measure(forest, 4, features, label)
    path, _ = forest.decision_path(features)
    first = [tree.tree_.node_count for tree in forest.estimators_[:4]]
    assert found["nodes"] == sum(first)
    visits = path[:, : sum(first)].sum() / len(features)
    assert found["visits"] == pytest.approx(visits)
    state = np.mean([t.predict_proba(features) for t in forest.estimators_[:4]], axis=0).argmax(1)
    assert found["accuracy"] == np.mean(state == label)
    assert found["seconds"] > 0


def test_workers_choose_what_one_process_chooses(dask_client: "Client", choice: Choice) -> None:
    features, label, year, block = rows()
    folds = blocked_folds(label, year, block, 3, 0)

    def on_cluster(graph: Any, keys: Any, **_: Any) -> Any:
        return dask_client.get(graph, keys)

    found = search(SETTINGS, CANDIDATES, delayed(features), delayed(label), folds, on_cluster)
    assert found.to_dict() == choice.to_dict()
    assert found.chosen.settings == choice.chosen.settings


def test_a_fit_that_fails_ends_the_search(dask_client: "Client") -> None:
    features, label, year, block = rows()
    folds = blocked_folds(label, year, block, 3, 0)

    def on_cluster(graph: Any, keys: Any, **_: Any) -> Any:
        return dask_client.get(graph, keys)

    wrong = Candidates((0,), ("sqrt",), (None,), (3,))
    with pytest.raises(ValueError, match="min_samples_leaf"):
        search(SETTINGS, wrong, features, label, folds, on_cluster)


def point(accuracies: tuple[float, ...], visits: float, nodes: float = 100, leaf: int = 1) -> Point:
    return Point(ForestSettings(min_samples_leaf=leaf), accuracies, nodes, visits, 0.1)


def test_the_cheapest_within_one_standard_error_of_the_difference_is_taken() -> None:
    best = point((0.90, 0.92, 0.94), 500)
    near = point((0.91, 0.90, 0.93), 200, leaf=20)  # short by 0.0067, standard error 0.0088
    dear = point((0.90, 0.92, 0.94), 600, leaf=5)
    steadily_worse = point((0.89, 0.91, 0.93), 50, leaf=100)
    assert shortfall(near, best) == pytest.approx((0.02 / 3, 0.00881917))
    found = choose([steadily_worse, best, dear, near])
    assert found.best is best
    assert found.chosen is near
    assert found.why == (
        "Of 4 points, the cheapest that falls short of the best accuracy on 3 folds of held-out "
        "years and blocks, 0.9200, by no more than one standard error of what it falls short by: "
        "0.0067, standard error 0.0088; 200 node visits a row and 100 nodes, where the best takes "
        "500 and 100."
    )
    assert "on 3 folds of held-out blocks, 0.9200" in replace(found, held_out="blocks").why


def test_what_is_worse_in_every_fold_alike_is_not_taken_however_unlike_the_folds_are() -> None:
    best, worse = point((0.7, 0.8, 0.9, 1.0), 500), point((0.69, 0.79, 0.89, 0.99), 5, leaf=100)
    assert best.standard_error > 0.06
    found = choose([best, worse])
    assert found.chosen is best
    assert "none that is cheaper comes within" in found.why


def test_of_equal_visits_fewer_nodes_count() -> None:
    one, other = point((0.9, 0.9), 200, 900), point((0.9, 0.9), 200, 800, leaf=2)
    assert choose([one, other]).chosen is other


accuracies = st.lists(st.floats(0, 1), min_size=3, max_size=3).map(tuple)


@given(st.lists(st.tuples(accuracies, st.integers(1, 9), st.integers(1, 9)), min_size=1))
def test_whatever_is_taken_is_good_and_nothing_good_is_cheaper(drawn: list[Any]) -> None:
    points = [
        point(scores, visits, nodes, leaf + 1) for leaf, (scores, visits, nodes) in enumerate(drawn)
    ]
    found = choose(points)
    near = [p for p in points if shortfall(p, found.best)[0] <= shortfall(p, found.best)[1]]
    assert found.best.accuracy == max(p.accuracy for p in points)
    assert found.chosen in near
    cost = (found.chosen.visits, found.chosen.nodes)
    assert all((p.visits, p.nodes) >= cost for p in near)


def test_measured_seconds_are_no_part_of_the_choice(choice: Choice) -> None:
    assert "seconds" not in str(choice.to_dict())
    slow = Point(SETTINGS, (0.9, 0.9), 10, 5, 1e9)
    assert choose([slow, point((0.9, 0.9), 6)]).chosen is slow


def test_folds_without_rows_or_classes_are_left_out() -> None:
    _, label, year, block = rows()
    assert len(blocked_folds(label, year, block, 3, 0)) == 3
    with pytest.raises(ConfigError, match="at least two folds"):
        blocked_folds(np.zeros_like(label), year, block, 3, 0)
