"""Extremely randomised trees (Geurts et al. 2006), grown in groups for any number of workers.

scikit-learn draws each tree's seed in sequence from one generator. A group of trees that starts
where the seeds of the trees before it were drawn is therefore, tree for tree, the part of the one
forest that a single ``ExtraTreesClassifier.fit`` grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from soilft.table import read_table

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier


@dataclass(frozen=True)
class ForestSettings:
    """What scikit-learn's ``ExtraTreesClassifier`` is asked for."""

    n_estimators: int = 100
    max_features: float | Literal["sqrt", "log2"] = "sqrt"
    min_samples_leaf: int = 20
    class_weight: Literal["balanced"] | None = None
    seed: int = 0

    def estimator(self) -> ExtraTreesClassifier:
        """An unfitted forest of one thread."""
        from sklearn.ensemble import ExtraTreesClassifier

        return ExtraTreesClassifier(
            n_estimators=self.n_estimators,
            max_features=self.max_features,
            min_samples_leaf=self.min_samples_leaf,
            random_state=self.seed,
            n_jobs=1,
        )

    def sample_weight(self, label: npt.NDArray[Any]) -> npt.NDArray[np.float64] | None:
        """Weight of each row, or None where all count the same."""
        if self.class_weight is None:
            return None
        from sklearn.utils.class_weight import compute_sample_weight

        return np.asarray(compute_sample_weight(self.class_weight, label), "float64")

    def groups(self, size: int) -> list[range]:
        """Numbers of the trees of each group."""
        return [
            range(start, min(start + size, self.n_estimators))
            for start in range(0, self.n_estimators, size)
        ]


def fit(
    settings: ForestSettings, features: npt.NDArray[np.float32], label: npt.NDArray[np.uint8]
) -> ExtraTreesClassifier:
    """Grow the whole forest in this process: the reference that groups are held against."""
    return settings.estimator().fit(features, label, settings.sample_weight(label))


def grow_group(
    settings: ForestSettings,
    trees: range,
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
) -> ExtraTreesClassifier:
    """Grow some consecutive trees of the forest.

    Parameters
    ----------
    features
        float32 (row, feature), NaN where missing.
    label
        uint8 (row,).

    Returns
    -------
    ExtraTreesClassifier
        A fitted forest whose ``estimators_`` are the trees of the group alone.
    """
    forest = settings.estimator()
    forest.set_params(n_estimators=trees.stop, warm_start=True)
    # A warm start skips the seeds of the trees it has: placeholders stand for those of others.
    forest.estimators_ = [None] * trees.start
    # scikit-learn refuses read-only memory where it holds NaN.
    forest.fit(np.require(features, requirements="W"), label, settings.sample_weight(label))
    forest.estimators_ = forest.estimators_[trees.start :]
    return forest


def assemble(
    settings: ForestSettings, groups: Sequence[ExtraTreesClassifier]
) -> ExtraTreesClassifier:
    """Join groups of trees, in order, to the one forest.

    Raises
    ------
    ValueError
        Where trees are missing.
    """
    trees = [tree for group in groups for tree in group.estimators_]
    if len(trees) != settings.n_estimators:
        raise ValueError(f"{len(trees)} of {settings.n_estimators} trees")
    forest = groups[0]
    forest.set_params(n_estimators=len(trees), warm_start=False)
    forest.estimators_ = trees
    return forest


@dataclass(frozen=True)
class GrowTrees:
    """One task: grow a group of trees on the training rows of a stored table."""

    table_url: str
    table_digest: str
    settings: ForestSettings
    trees: range


def grow_trees(task: GrowTrees) -> ExtraTreesClassifier:
    """Grow a group of trees. Runs on a worker, which reads the table once."""
    features, label = _training_rows(task.table_url, task.table_digest)
    return grow_group(task.settings, task.trees, features, label)


@lru_cache(maxsize=1)
def _training_rows(
    url: str,
    content: str,  # noqa: ARG001  a table written anew is another entry of the cache
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    table = read_table(url)
    rows = table.rows_of("train")
    return table.features[rows], table.label[rows]
