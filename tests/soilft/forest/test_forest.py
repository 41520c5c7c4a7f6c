"""Groups of trees of any size, on any number of workers, are the one forest."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from sklearn.ensemble import ExtraTreesClassifier

import cluster
from soilft.errors import ConfigError, ModelError
from soilft.forest import grow, strata
from soilft.forest.artefact import model_digest
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import (
    ForestSettings,
    GrowTrees,
    assemble,
    discard_groups,
    fit,
    fit_strata,
    grow_group,
    grow_trees,
    keep_group,
    kept_group,
)
from soilft.training import table as stored
from soilft.training.held_out import random_split
from soilft.training.table import read_table
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


def digest_of(forest: ExtraTreesClassifier) -> str:
    return model_digest(Forests(forest), NAMES, SETTINGS)


def assert_same_forest(one: ExtraTreesClassifier, other: ExtraTreesClassifier) -> None:
    assert len(one.estimators_) == len(other.estimators_)
    for i, (a, b) in enumerate(zip(one.estimators_, other.estimators_, strict=True)):
        for name in FIELDS:
            first, second = getattr(a.tree_, name), getattr(b.tree_, name)
            assert first.tobytes() == second.tobytes(), f"tree {i}: {name}"
    features = data(900)[0]
    np.testing.assert_array_equal(one.predict_proba(features), other.predict_proba(features))
    np.testing.assert_array_equal(one.classes_, other.classes_)
    assert model_digest(Forests(one), NAMES, SETTINGS) == model_digest(
        Forests(other), NAMES, SETTINGS
    )


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
    assert model_digest(Forests(fit(SETTINGS, features, label)), NAMES, SETTINGS) != model_digest(
        Forests(fit(other, features, label)), NAMES, SETTINGS
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


def grown_on(
    client: "Client", url: str, content: str, size: int, count: int = 1
) -> ExtraTreesClassifier:
    tasks = [
        GrowTrees(url, content, SETTINGS, trees, count) for trees in SETTINGS.groups(size, count)
    ]
    futures = [client.submit(grow_trees, task, pure=False) for task in tasks]
    return assemble(SETTINGS, client.gather(futures))


def test_two_workers_grow_the_forest_of_one_process(dask_client: "Client", tmp_path: Path) -> None:
    url, content, features, label = stored_table(tmp_path)
    assert_same_forest(grown_on(dask_client, url, content, 3), fit(SETTINGS, features, label))


def reads_of_the_table() -> int:
    """Times this process has read a table since the counting began."""
    return int(vars(stored)["reads"])


def count_reads() -> None:
    read = stored.read_table
    vars(stored)["reads"] = 0

    def counted(url: str, most: int | None = None) -> stored.StoredTable:
        vars(stored)["reads"] += 1
        return read(url, most)

    vars(stored)["uncounted"] = read
    stored.read_table = counted


def stop_counting() -> None:
    stored.read_table = vars(stored).pop("uncounted")


def test_each_worker_reads_the_table_once(dask_client: "Client", tmp_path: Path) -> None:
    url, content, _, _ = stored_table(tmp_path)
    dask_client.run(count_reads)
    try:
        grown_on(dask_client, url, content, 1)
        reads = dask_client.run(reads_of_the_table)
    finally:
        dask_client.run(stop_counting)
    assert len(reads) == 2
    assert all(times <= 1 for times in reads.values())
    assert sum(reads.values()) >= 1


@given(total=st.integers(1, 300), share=st.floats(0, 1))
def test_every_tree_grows_on_one_stratum(total: int, share: float) -> None:
    count = 1 + int(share * (total - 1))
    found = strata.trees(total, count)
    assert [tree for trees in found for tree in trees] == list(range(total))
    assert {len(trees) for trees in found} <= {total // count, total // count + 1}
    for number, trees in enumerate(found):
        assert {strata.of_tree(tree, total, count) for tree in trees} == {number}


def test_no_group_is_in_two_strata() -> None:
    groups = SETTINGS.groups(5, 3)
    assert groups == [range(4), range(4, 8), range(8, 12)]
    assert ForestSettings(n_estimators=10).groups(3, 2) == [
        range(3),
        range(3, 5),
        range(5, 8),
        range(8, 10),
    ]


def test_strata_are_as_few_as_fit_and_a_power_of_two() -> None:
    rows, features = 10**7, 20

    def fewest(memory: int | None, most: int = 50) -> int:
        return strata.fewest(rows, features, memory, most)

    whole = strata.peak_bytes(rows, features)
    assert fewest(None) == fewest(whole) == 1
    assert fewest(whole - 1) == 2
    assert fewest(strata.peak_bytes(rows, features, 8)) == 8
    assert fewest(strata.peak_bytes(rows, features, 5)) == 8
    assert fewest(0) == 32
    assert fewest(0, most=1) == 1
    assert (strata.most_parts(999), strata.most_parts(2000)) == (1, 2)


def test_more_strata_than_trees_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most one stratum a tree, 12, found 13"):
        SETTINGS.groups(1, 13)


def strata_of(url: str, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = read_table(url)
    rows = table.rows_of("train")
    day, overpass, cell = table.day[rows], table.overpass[rows], table.cell[rows]
    return (
        table.features[rows],
        table.label[rows],
        strata.of_rows(SETTINGS.seed, day, overpass, cell, count),
    )


@pytest.mark.parametrize("rows_a_chunk", [170, 50_000])
def test_strata_are_the_training_rows_dealt_out(
    rows_a_chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "ROWS_A_CHUNK", rows_a_chunk)
    url, _, features, label = stored_table(tmp_path)
    assert stored.store.array(stored.store.open_raw(url), "features").chunks[0] == min(
        rows_a_chunk, 600
    )
    _, _, stratum = strata_of(url, 3)
    for number in range(3):
        found = strata.read(url, number, 3, SETTINGS.seed)
        np.testing.assert_array_equal(found[0], features[stratum == number])
        np.testing.assert_array_equal(found[1], label[stratum == number])
    sizes = strata.sizes(url, 3, SETTINGS.seed)
    assert sizes == np.bincount(stratum, minlength=3).tolist()
    assert sum(sizes) == len(label)
    assert min(sizes) > 0.2 * len(label)


def test_strata_are_drawn_across_all_days() -> None:
    day = np.repeat(np.arange(200), 50)
    cell = np.tile(np.arange(50), 200)
    stratum = strata.of_rows(0, day, np.zeros_like(day), cell, 4)
    by_time = np.array([np.bincount(part, minlength=4) for part in np.split(stratum, 10)])
    assert (np.abs(by_time - 250) < 80).all()
    other = strata.of_rows(1, day, np.zeros_like(day), cell, 4)
    assert 0.2 < np.mean(stratum == other) < 0.3


def test_some_rows_are_read_without_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored, "ROWS_A_CHUNK", 100)
    url, _, _, _ = stored_table(tmp_path)
    rows = np.array([0, 3, 99, 100, 350, 599])
    features, label = strata.read_rows(url, rows)
    table = read_table(url)
    np.testing.assert_array_equal(features, table.features[rows])
    np.testing.assert_array_equal(label, table.label[rows])
    assert strata.read_rows(url, rows[:0])[0].shape == (0, 5)
    split, day = strata.read_columns(url, "split", "day")
    np.testing.assert_array_equal(split, table.split)
    np.testing.assert_array_equal(day, table.day)


@pytest.mark.parametrize("size", [2, 100])
def test_two_workers_grow_the_stratified_forest_of_one_process(
    size: int, dask_client: "Client", tmp_path: Path
) -> None:
    url, content, features, label = stored_table(tmp_path)
    found = grown_on(dask_client, url, content, size, 3)
    here = fit_strata(SETTINGS, *strata_of(url, 3), 3)
    assert_same_forest(found, here)
    whole = fit(SETTINGS, features, label)
    assert model_digest(Forests(found), NAMES, SETTINGS) != model_digest(
        Forests(whole), NAMES, SETTINGS
    )


def test_one_stratum_is_the_whole_table() -> None:
    features, label = data()
    found = fit_strata(SETTINGS, features, label, np.zeros(len(label), int), 1)
    assert_same_forest(found, fit(SETTINGS, features, label))


def test_a_stratum_of_one_class_is_refused() -> None:
    features, label = data()
    with pytest.raises(ConfigError, match="rows of 1 class in stratum 0"):
        fit_strata(SETTINGS, features, label, label, 2)


def test_a_finished_group_is_read_back_and_not_grown_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, content, features, label = stored_table(tmp_path)
    folder = str(tmp_path / "kept")
    task = GrowTrees(url, content, SETTINGS, range(3, 6), checkpoints=folder)
    grown = grow_trees(task)

    def never(*_: object) -> None:
        raise AssertionError("grown again")

    monkeypatch.setattr(grow, "grow_group", never)
    kept = grow_trees(task)
    with pytest.raises(AssertionError, match="grown again"):
        grow_trees(replace(task, trees=range(6)))
    monkeypatch.undo()
    others = [grow_group(SETTINGS, trees, features, label) for trees in (range(3), range(6, 12))]
    assert grown is not kept
    assert_same_forest(
        assemble(SETTINGS, [others[0], kept, others[1]]), fit(SETTINGS, features, label)
    )
    discard_groups(folder)
    assert kept_group(folder, range(3, 6)) is None
    discard_groups(folder)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_a_damaged_group_is_grown_again(damage: str, tmp_path: Path) -> None:
    url, content, features, label = stored_table(tmp_path)
    folder = tmp_path / "kept"
    task = GrowTrees(url, content, SETTINGS, range(12), checkpoints=str(folder))
    grow_trees(task)
    (file,) = folder.iterdir()
    found = file.read_bytes()
    middle = len(found) // 2
    file.write_bytes(
        {
            "cut": found[:middle],
            "flipped": found[:middle] + bytes([found[middle] ^ 1]) + found[middle + 1 :],
            "empty": b"",
        }[damage]
    )
    assert kept_group(str(folder), range(12)) is None
    assert_same_forest(assemble(SETTINGS, [grow_trees(task)]), fit(SETTINGS, features, label))
    assert kept_group(str(folder), range(12)) is not None


def test_what_is_no_group_of_these_trees_is_refused(tmp_path: Path) -> None:
    import skops.io

    features, label = data(100)
    folder = str(tmp_path)
    keep_group(folder, range(5), grow_group(SETTINGS, range(4), features, label))
    with pytest.raises(ModelError, match="expected 5 trees, found 4"):
        kept_group(folder, range(5))
    content = skops.io.dumps(ForestSettings())
    (tmp_path / grow._group_name(range(7), content)).write_bytes(content)
    with pytest.raises(ModelError, match="ForestSettings"):
        kept_group(folder, range(7))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_grows_the_same_forest(workers: int, tmp_path: Path) -> None:
    url, content, features, label = stored_table(tmp_path)
    with cluster.start(cluster.ClusterSpec(workers=workers, memory="1GiB")) as client:
        forest = grown_on(client, url, content, 2)
        by_strata = grown_on(client, url, content, 2, 3)
    assert_same_forest(forest, fit(SETTINGS, features, label))
    assert_same_forest(by_strata, fit_strata(SETTINGS, *strata_of(url, 3), 3))
