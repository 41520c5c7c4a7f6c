"""Compiled forest against scikit-learn's ``predict_proba``, one thread each.

Peer: ``ExtraTreesClassifier.predict_proba`` with ``n_jobs=1``. Both are given the same forest and
the same rows in this run, in turn; classes must be equal on every row, probabilities within 1e-6.
The rows are SYNTHETIC: a few common factors and noise, 5 % missing, in random order. Of a map the
neighbouring rows are alike: on the product's own rows, a year of the simulated Plateau in the order
of the map, the ratio was 1.2 to 1.4. Seconds are those of this thread on its core, so that other
work on the machine counts less; the ratio is the peer's over ours, above 1 where the compiled form
is faster. ``python benchmarks/forest.py`` prints it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from soilft.forest.grow import ForestSettings, fit


def rows_of(seed: int, rows: int, features: int) -> npt.NDArray[np.float32]:
    """Synthetic predictors (row, feature) of six common factors, 5 % missing."""
    mixing = np.random.default_rng(0).normal(size=(6, features))
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 6)) @ mixing + rng.normal(size=(rows, features))
    values[rng.random(values.shape) < 0.05] = np.nan
    return values.astype("float32")


def label_of(features: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Synthetic classes, of the first predictors and noise."""
    noise = np.random.default_rng(1).normal(size=len(features))
    return (np.nan_to_num(features[:, :3]).sum(axis=1) + noise > 0).astype("uint8")


def seconds(work: Callable[[], npt.NDArray[np.float64]]) -> tuple[float, npt.NDArray[np.float64]]:
    """Processor seconds of this thread, and what the work gave."""
    start = time.thread_time()
    result = work()
    return time.thread_time() - start, result


def arguments_of() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000, help="rows to predict (%(default)s)")
    parser.add_argument("--trees", type=int, default=100, help="of the forest (%(default)s)")
    parser.add_argument("--features", type=int, default=75, help="at least 3 (%(default)s)")
    parser.add_argument(
        "--training-rows", type=int, default=200_000, help="more give larger trees (%(default)s)"
    )
    parser.add_argument(
        "--leaf", type=int, default=20, help="min_samples_leaf; 1 gives the largest (%(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=7, help="pairs of runs (%(default)s)")
    return parser.parse_args()


def main() -> None:
    """Grow, compile, ask both in turn, compare, print."""
    arguments = arguments_of()
    settings = ForestSettings(n_estimators=arguments.trees, min_samples_leaf=arguments.leaf)
    training = rows_of(1, arguments.training_rows, arguments.features)
    forest = fit(settings, training, label_of(training))
    start = time.perf_counter()
    from soilft.forest.compiled import compile_forest

    loading = time.perf_counter() - start
    start = time.perf_counter()
    compiled = compile_forest(forest)
    packing = time.perf_counter() - start
    rows = rows_of(2, arguments.rows, arguments.features)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    print(
        f"SYNTHETIC rows. {arguments.trees} trees of min_samples_leaf {arguments.leaf}, "
        f"{nodes:,} nodes, {compiled.nbytes / 1e6:.1f} MB; {arguments.rows:,} rows x "
        f"{arguments.features} features; loop loaded or compiled in {loading:.2f} s, "
        f"forest packed in {packing:.2f} s"
    )
    ratios, speeds = [], []
    for _ in range(arguments.repeats):
        theirs, known = seconds(lambda: forest.predict_proba(rows))
        ours, found = seconds(lambda: compiled.frozen_probability(rows))
        np.testing.assert_allclose(found, known[:, 1], rtol=0, atol=1e-6)
        np.testing.assert_array_equal(found > 0.5, known.argmax(axis=1) == 1)
        ratios.append(theirs / ours)
        speeds.append(arguments.rows / ours)
        print(f"scikit-learn {theirs:7.3f} s, compiled {ours:7.3f} s")
    print(
        f"{statistics.median(ratios):.2f}x scikit-learn per core "
        f"(min {min(ratios):.2f}, max {max(ratios):.2f}, {arguments.repeats} pairs), "
        f"{statistics.median(speeds):,.0f} rows/s"
    )


if __name__ == "__main__":
    main()
