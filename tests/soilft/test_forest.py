"""Groups of trees of any size, on any number of workers, are the one forest."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

import cluster
from soilft.forest.artefact import model_digest
from soilft.forest.grow import ForestSettings, GrowTrees, assemble, fit, grow_group, grow_trees
from soilft.splits import random_split
from tests.support import tables

if TYPE_CHECKING:
    from distributed import Client

NAMES = ("a", "b", "c", "d", "e")
SETTINGS = ForestSettings(n_estimators=12, min_samples_leaf=3, seed=42)
FIELDS = (
    "children_left",
    "children_right",
    "feature",
    "threshold",
    "value",
    "impurity",
    "n_node_samples",
    "weighted_n_node_samples",
    "missing_go_to_left",
)


def data(rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, len(NAMES))).astype("float32")
    label = (features[:, 0] + features[:, 1] ** 2 + rng.normal(0, 0.5, rows) > 1.2).astype("uint8")
    features[rng.random(features.shape) < 0.15] = np.nan
    return features, label


def assert_same_forest(one: ExtraTreesClassifier, other: ExtraTreesClassifier) -> None:
    assert len(one.estimators_) == len(other.estimators_)
    for i, (a, b) in enumerate(zip(one.estimators_, other.estimators_, strict=True)):
        for name in FIELDS:
            first, second = getattr(a.tree_, name), getattr(b.tree_, name)
            assert first.tobytes() == second.tobytes(), f"tree {i}: {name}"
    features = data(900)[0]
    np.testing.assert_array_equal(one.predict_proba(features), other.predict_proba(features))
    np.testing.assert_array_equal(one.classes_, other.classes_)
    assert model_digest(one, NAMES, SETTINGS) == model_digest(other, NAMES, SETTINGS)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("size", [1, 5, 12, 100])
def test_groups_of_any_size_are_the_forest_of_one_fit(size: int, class_weight: str | None) -> None:
    settings = replace(SETTINGS, class_weight=class_weight)
    features, label = data()
    groups = [grow_group(settings, trees, features, label) for trees in settings.groups(size)]
    assert_same_forest(assemble(settings, groups), fit(settings, features, label))


def test_the_reference_is_scikit_learns_own_forest() -> None:
    features, label = data()
    own = ExtraTreesClassifier(12, min_samples_leaf=3, random_state=42).fit(features, label)
    assert_same_forest(fit(SETTINGS, features, label), own)


def test_balanced_is_scikit_learns_own_weighting() -> None:
    features, label = data()
    own = ExtraTreesClassifier(
        12, min_samples_leaf=3, random_state=42, class_weight="balanced"
    ).fit(features, label)
    found = fit(replace(SETTINGS, class_weight="balanced"), features, label)
    np.testing.assert_allclose(found.predict_proba(features), own.predict_proba(features))


def test_missing_values_decide_in_some_node() -> None:
    features, label = data()
    forest = fit(SETTINGS, features, label)
    went_left = np.concatenate([e.tree_.missing_go_to_left for e in forest.estimators_])
    assert 0 < went_left.sum() < went_left.size
    assert np.isfinite(forest.predict_proba(np.full((1, 5), np.nan, "float32"))).all()


def test_read_only_rows_can_be_learnt_from() -> None:
    features, label = data()
    features.flags.writeable = False
    forest = assemble(SETTINGS, [grow_group(SETTINGS, range(12), features, label)])
    assert_same_forest(forest, fit(SETTINGS, data()[0], label))


def test_another_seed_is_another_forest() -> None:
    features, label = data()
    other = replace(SETTINGS, seed=43)
    assert model_digest(fit(SETTINGS, features, label), NAMES, SETTINGS) != model_digest(
        fit(other, features, label), NAMES, SETTINGS
    )


def test_a_forest_with_missing_trees_is_not_assembled() -> None:
    features, label = data(100)
    with pytest.raises(ValueError, match="5 of 12 trees"):
        assemble(SETTINGS, [grow_group(SETTINGS, range(5), features, label)])


def stored_table(folder: Path) -> tuple[str, str, np.ndarray, np.ndarray]:
    """Store a table of which the training rows are not all; give its URL, digest and rows."""
    features, label = data()
    url, content = tables.stored_table(folder, tables.table_of(features, label), seed=1)
    split = random_split(len(label), (0.7, 0.15, 0.15), seed=1)
    return url, content, features[split == 0], label[split == 0]


def grown_on(client: "Client", url: str, content: str, size: int) -> ExtraTreesClassifier:
    tasks = [GrowTrees(url, content, SETTINGS, trees) for trees in SETTINGS.groups(size)]
    futures = [client.submit(grow_trees, task, pure=False) for task in tasks]
    return assemble(SETTINGS, client.gather(futures))


def test_two_workers_grow_the_forest_of_one_process(dask_client: "Client", tmp_path: Path) -> None:
    url, content, features, label = stored_table(tmp_path)
    assert_same_forest(grown_on(dask_client, url, content, 3), fit(SETTINGS, features, label))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_grows_the_same_forest(workers: int, tmp_path: Path) -> None:
    url, content, features, label = stored_table(tmp_path)
    with cluster.start(cluster.ClusterSpec(workers=workers, memory="1GiB")) as client:
        forest = grown_on(client, url, content, 2)
    assert_same_forest(forest, fit(SETTINGS, features, label))
