"""The compiled forest gives scikit-learn's class on every row, and its probability."""

import os
import pickle
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.ensemble import ExtraTreesClassifier

import soilft
from soilft.errors import ModelError
from soilft.forest.compiled import compile_forest, ranks

WIDTH = 4
FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)
SMALL = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, np.nan, np.inf, -np.inf])


def learnt(
    rows: int = 400, width: int = WIDTH, seed: int = 0, **options: object
) -> ExtraTreesClassifier:
    """A small forest on rows with missing values."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, width)).round(1).astype("float32")
    label = (features[:, 0] + features[:, -1] ** 2 + rng.normal(0, 0.7, rows) > 0.8).astype("uint8")
    features[rng.random(features.shape) < 0.2] = np.nan
    return grown(features, label, **{"random_state": seed, **options})


def grown(features: np.ndarray, label: np.ndarray, **options: object) -> ExtraTreesClassifier:
    return ExtraTreesClassifier(**{"n_estimators": 7, "n_jobs": 1, **options}).fit(features, label)


@cache
def kept(trees: int, leaf: int) -> ExtraTreesClassifier:
    return learnt(n_estimators=trees, min_samples_leaf=leaf)


def expected(forest: ExtraTreesClassifier, features: np.ndarray) -> np.ndarray:
    """Both classes' probabilities; the trees are asked, for the forest refuses infinite values."""
    total = np.zeros((len(features), 2))
    for tree in forest.estimators_:
        total += tree.predict_proba(features, check_input=False)
    return total / len(forest.estimators_)


def assert_same(forest: ExtraTreesClassifier, features: np.ndarray) -> None:
    found = compile_forest(forest).frozen_probability(features)
    known = expected(forest, features)
    frozen = forest.classes_.tolist().index(1)
    np.testing.assert_allclose(found, known[:, frozen], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found > 0.5, forest.classes_[known.argmax(axis=1)] == 1)


def thresholds_of(forest: ExtraTreesClassifier) -> np.ndarray:
    return np.concatenate([e.tree_.threshold[e.tree_.feature >= 0] for e in forest.estimators_])


def test_the_expectation_is_scikit_learns_own_answer() -> None:
    forest, features = kept(7, 3), np.random.default_rng(1).normal(size=(99, WIDTH))
    known = expected(forest, features.astype("float32"))
    np.testing.assert_array_equal(known, forest.predict_proba(features.astype("float32")))


@given(
    arrays("float32", st.tuples(st.integers(1, 40), st.just(WIDTH)), elements=SMALL | FLOATS),
    st.sampled_from([(1, 1), (1, 20), (7, 1), (7, 3), (40, 20)]),
)
@settings(max_examples=150, deadline=None)
def test_any_row_has_scikit_learns_class(features: np.ndarray, kind: tuple[int, int]) -> None:
    assert_same(kept(*kind), features)


@given(st.data(), st.integers(2, 30), st.integers(1, 5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_forest_has_scikit_learns_classes(
    data: st.DataObject, rows: int, leaf: int, balanced: bool
) -> None:
    finite = st.sampled_from([-1.0, 0.0, 0.5, 1.0, np.nan])
    features = data.draw(arrays("float32", (rows, WIDTH), elements=finite))
    label = data.draw(arrays("uint8", rows, elements=st.integers(0, 1)))
    label[:2] = 0, 1
    weight = "balanced" if balanced else None
    forest = grown(features, label, min_samples_leaf=leaf, class_weight=weight, random_state=0)
    asked = data.draw(arrays("float32", (17, WIDTH), elements=SMALL))
    assert_same(forest, np.concatenate([features, asked]))


def test_values_at_a_threshold_and_next_to_it_go_where_scikit_learn_sends_them() -> None:
    forest = kept(40, 1)
    near = thresholds_of(forest).astype("float32")
    for values in (near, np.nextafter(near, np.float32(9)), np.nextafter(near, np.float32(-9))):
        assert_same(forest, np.repeat(values[:, None], WIDTH, axis=1))


@pytest.mark.parametrize("threshold", [np.inf, -np.inf, 1e300, -1e300, 0.0, -0.0, 0.1, 1e-46])
def test_thresholds_that_float32_cannot_hold_compare_as_in_double(threshold: float) -> None:
    forest = learnt(n_estimators=1)
    tree = forest.estimators_[0].tree_
    tree.threshold[tree.feature >= 0] = threshold
    values = [np.inf, -np.inf, np.nan, 0.0, -0.0, 0.1, 1e-45, -1e-45, 3.4028235e38, -3.4028235e38]
    assert_same(forest, np.repeat(np.array(values, "float32")[:, None], WIDTH, axis=1))


def test_missing_values_go_both_ways() -> None:
    forest = kept(40, 1)
    went_left = np.concatenate([e.tree_.missing_go_to_left for e in forest.estimators_])
    assert 0 < went_left.sum() < went_left.size
    features = np.random.default_rng(5).normal(size=(300, WIDTH)).astype("float32")
    for feature in range(WIDTH):
        missing = features.copy()
        missing[:, feature] = np.nan
        assert_same(forest, missing)
        assert_same(forest, np.where(np.arange(WIDTH) == feature, features, np.float32(np.nan)))


def test_trees_of_one_leaf() -> None:
    forest = learnt(min_samples_leaf=400)
    assert {tree.tree_.node_count for tree in forest.estimators_} == {1}
    assert_same(forest, np.zeros((13, WIDTH), "float32"))


def test_features_that_no_node_uses_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    features = np.zeros((200, 70), "float32")
    features[:, 69] = rng.normal(size=200)
    forest = grown(features, (features[:, 69] > 0.3).astype("uint8"), random_state=0)
    asked = rng.normal(size=(50, 70)).astype("float32")
    assert_same(forest, asked)
    other = asked.copy()
    other[:, :69] = np.nan
    compiled = compile_forest(forest)
    np.testing.assert_array_equal(
        compiled.frozen_probability(other), compiled.frozen_probability(asked)
    )


def test_a_forest_of_one_feature() -> None:
    assert_same(learnt(width=1), np.linspace(-3, 3, 77, dtype="float32")[:, None])


def leaves(*shares: tuple[float, float]) -> ExtraTreesClassifier:
    """A forest of one leaf a tree, with these shares of thawed and frozen."""
    forest = learnt(rows=60, n_estimators=len(shares), min_samples_leaf=60)
    for tree, share in zip(forest.estimators_, shares, strict=True):
        tree.tree_.value[0, 0] = share
    return forest


def test_ties_of_any_rounding_have_scikit_learns_class() -> None:
    rng = np.random.default_rng(3)
    features = np.zeros((9, WIDTH), "float32")
    apart = set()
    for trees in rng.integers(2, 12, 60):
        frozen = rng.integers(1, 20, trees) / 20
        frozen[-1] = trees / 2 - frozen[:-1].sum()
        forest = leaves(*zip(1 - frozen, frozen, strict=True))
        apart.update((expected(forest, features)[0] - 0.5 > 0).tolist())
        assert_same(forest, features)
    assert apart == {True, False}


def test_classes_that_rounding_leaves_on_one_side_of_a_half_are_compared() -> None:
    above, below = np.nextafter(0.5, 1.0), np.nextafter(0.5, 0.0)
    features = np.zeros((9, WIDTH), "float32")
    for shares, found in (((above, above), 0.5), ((below, 0.5), above), ((0.5, 0.5), 0.5)):
        assert_same(leaves(shares), features)
        assert set(compile_forest(leaves(shares)).frozen_probability(features)) == {found}


@pytest.mark.parametrize("length", [1, 7, 8, 9, 1000, 4096, 4097])
def test_probabilities_are_the_same_bytes_for_any_chunks(length: int) -> None:
    features = np.random.default_rng(4).normal(size=(9001, WIDTH)).astype("float32")
    features[::3, 1] = np.nan
    compiled = compile_forest(kept(7, 3))
    rows = features if length > 9 else features[:500]
    parts = [compiled.frozen_probability(rows[i : i + length]) for i in range(0, len(rows), length)]
    assert np.concatenate(parts).tobytes() == compiled.frozen_probability(rows).tobytes()
    assert_same(kept(7, 3), features)


def test_no_rows_have_no_probabilities() -> None:
    found = compile_forest(kept(7, 3)).frozen_probability(np.empty((0, WIDTH), "float32"))
    assert found.shape == (0,)
    assert found.dtype == np.float64


def test_read_only_and_strided_rows_are_taken() -> None:
    features = np.random.default_rng(6).normal(size=(100, 2 * WIDTH)).astype("float32")
    compiled = compile_forest(kept(7, 3))
    known = compiled.frozen_probability(features[:, ::2].copy())
    np.testing.assert_array_equal(compiled.frozen_probability(features[:, ::2]), known)
    fixed = np.asfortranarray(features[:, ::2])
    fixed.flags.writeable = False
    np.testing.assert_array_equal(compiled.frozen_probability(fixed), known)


def test_threads_give_the_same_bytes() -> None:
    features = np.random.default_rng(7).normal(size=(5000, WIDTH)).astype("float32")
    compiled = compile_forest(kept(40, 1))
    found: dict[int, bytes] = {}

    def ask(number: int) -> None:
        found[number] = compiled.frozen_probability(features).tobytes()

    threads = [Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[n] for n in range(4)] == [compiled.frozen_probability(features).tobytes()] * 4


def test_a_compiled_forest_travels_to_a_worker() -> None:
    features = np.zeros((3, WIDTH), "float32")
    compiled = compile_forest(kept(7, 3))
    other = pickle.loads(pickle.dumps(compiled))
    np.testing.assert_array_equal(
        other.frozen_probability(features), compiled.frozen_probability(features)
    )


def test_a_node_takes_eight_bytes_and_its_shares_sixteen() -> None:
    forest = kept(7, 3)
    nodes = sum(e.tree_.node_count for e in forest.estimators_)
    assert compile_forest(forest).nbytes == nodes * 24 + 8 * 8


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ModelError, match=r"expected shape \(row, 4\), found shape \(2, 5\)"):
        compile_forest(kept(7, 3)).frozen_probability(np.zeros((2, 5), "float32"))


def test_other_classes_are_refused() -> None:
    features = np.arange(6, dtype="float32")[:, None]
    with pytest.raises(ModelError, match=r"expected classes \[0, 1\], found \[0, 1, 2\]"):
        compile_forest(grown(features, np.array([0, 1, 2, 0, 1, 2])))


def test_a_tree_too_large_to_number_is_refused() -> None:
    forest = learnt(rows=50)
    forest.n_features_in_ = 1 << 28
    with pytest.raises(ModelError, match="at most 8 nodes a tree"):
        compile_forest(forest)


@given(arrays("float32", 50, elements=FLOATS), arrays("float32", 50, elements=SMALL | FLOATS))
def test_ranks_are_in_the_order_of_the_values(one: np.ndarray, other: np.ndarray) -> None:
    known = ~np.isnan(one) & ~np.isnan(other)
    first, second = ranks(one.view("uint32")), ranks(other.view("uint32"))
    np.testing.assert_array_equal((first <= second)[known], (one <= other)[known])
    np.testing.assert_array_equal(first == 0xFFFFFFFF, np.isnan(one))
    assert first.dtype == np.uint32
    assert (first > 0).all()


@pytest.mark.slow
def test_an_installation_that_cannot_keep_compiled_code_still_predicts(tmp_path: Path) -> None:
    source = Path(soilft.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(source, tmp_path / "soilft", ignore=ignored)
    (tmp_path / "soilft" / "forest" / "__pycache__").write_text("not a folder")
    script = (
        "import soilft.forest.compiled as c; print(c.__file__, c._walk_all.stats.cache_path);"
        "from sklearn.ensemble import ExtraTreesClassifier as E;"
        "f = E(2, min_samples_leaf=2).fit([[0], [0], [1], [1]], [0, 0, 1, 1]);"
        "print(c.compile_forest(f).frozen_probability([[0], [1]]))"
    )
    nowhere = str(tmp_path / "soilft" / "forest" / "__pycache__" / "home")
    kept_out = {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "PYTHONPATH": str(tmp_path)}
    left = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=left | kept_out,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    file, rest = done.stdout.split(" ", 1)
    assert Path(file).is_relative_to(tmp_path)
    assert rest.split() == ["None", "[0.", "1.]"]
