"""Application of one forest to many chunks on a cluster: a model loaded once a worker, by digest.

Peer: ``dask_ml.wrappers.ParallelPostFit``, which carries the fitted forest in the graph. Both apply
the same scikit-learn forest to the same rows on the same two worker processes, in this run; the
probabilities are compared. The rows are SYNTHETIC, independent noise. On the product's own rows, a
year of the simulated Plateau, the whole predict stage was 0.8 times as fast as the peer, which
gives no uncertainty. ``python benchmarks/apply_forest.py`` prints the ratio.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask_ml.wrappers import ParallelPostFit
from distributed import Client

import cluster
from pipelines.events import silent
from pipelines.outcomes import Outcomes, collect
from soilft.forest.artefact import ModelRef, save
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings, fit
from soilft.forest.loaded import forget, loaded


@dataclass(frozen=True)
class Chunk:
    """One task of ours: a model by reference, and the seed of the chunk's rows."""

    model: ModelRef
    seed: int
    rows: int
    features: int


def rows_of(seed: int, rows: int, features: int) -> npt.NDArray[np.float32]:
    """The rows of a chunk, made on the worker: the benchmark is not about moving them."""
    return np.random.default_rng(seed).normal(size=(rows, features)).astype("float32")


def apply(task: Chunk) -> npt.NDArray[np.float64]:
    """Probability of the frozen class for a chunk."""
    return loaded(task.model).frozen_probability(rows_of(task.seed, task.rows, task.features))


def ours(
    client: Client, model: ModelRef, arguments: argparse.Namespace
) -> list[npt.NDArray[np.float64]]:
    """One small task a chunk, a bounded number in flight."""
    client.run(forget)  # each repetition pays for the loading
    results: dict[str, npt.NDArray[np.float64]] = {}
    tasks = {
        str(i): Chunk(model, i, arguments.rows, arguments.features) for i in range(arguments.chunks)
    }
    collect(client, apply, tasks, results.__setitem__, Outcomes("apply"), silent)
    return [results[unit] for unit in tasks]


def peer(
    client: Client, forest: object, arguments: argparse.Namespace
) -> list[npt.NDArray[np.float64]]:
    """dask-ml's wrapper on a dask array of the same chunks."""
    make = partial(_chunk_of_array, rows=arguments.rows, features=arguments.features)
    shape = (arguments.rows * arguments.chunks, arguments.features)
    array = da.map_blocks(
        make,
        chunks=((arguments.rows,) * arguments.chunks, (arguments.features,)),
        dtype="float32",
        meta=np.empty((0, 0), "float32"),
    )
    assert array.shape == shape
    wrapped = ParallelPostFit(forest, predict_proba_meta=np.empty((0, 2)))
    with client.as_current():
        probability = wrapped.predict_proba(array).compute()
    return list(probability[:, 1].reshape(arguments.chunks, arguments.rows))


def _chunk_of_array(rows: int, features: int, block_info: object = None) -> npt.NDArray[np.float32]:
    number = block_info[None]["chunk-location"][0]  # type: ignore[index]
    return rows_of(int(number), rows, features)


def timed(work: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each repetition."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Grow, apply both ways, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--training-rows", type=int, default=40_000)
    parser.add_argument("--features", type=int, default=40)
    parser.add_argument("--chunks", type=int, default=20)
    parser.add_argument("--rows", type=int, default=2_000, help="rows a chunk")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    settings = ForestSettings(n_estimators=arguments.trees, min_samples_leaf=1)
    features = rows_of(10**6, arguments.training_rows, arguments.features)
    noise = np.random.default_rng(1).normal(size=len(features))
    label = (features[:, 0] + features[:, 1] * features[:, 2] + noise > 0).astype("uint8")
    forest = fit(settings, features, label)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    names = tuple(f"f{i}" for i in range(arguments.features))
    spec = cluster.ClusterSpec(kind="local", workers=2, memory="4GiB")
    with tempfile.TemporaryDirectory() as root, cluster.start(spec) as client:
        model = save(root, Forests(forest), names, settings, {"simulated": True})
        expected = peer(client, forest, arguments)
        found = ours(client, model, arguments)
        for ours_chunk, peer_chunk in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours_chunk, peer_chunk, atol=1e-12)
        ratios = []
        for _ in range(arguments.repeats):
            theirs = timed(lambda: peer(client, forest, arguments), 1)[0]
            mine = timed(lambda: ours(client, model, arguments), 1)[0]
            ratios.append(theirs / mine)
            print(f"dask-ml ParallelPostFit {theirs:6.2f} s, model by reference {mine:6.2f} s")
    print(
        f"{arguments.trees} trees, {nodes:,} nodes, {arguments.chunks} chunks of {arguments.rows} "
        f"rows x {arguments.features} features, 2 workers: {statistics.median(ratios):.1f}x "
        f"(min {min(ratios):.1f}, max {max(ratios):.1f})"
    )


if __name__ == "__main__":
    main()
