"""Extremely randomised trees (Geurts et al. 2006), grown in groups for any number of workers.

scikit-learn draws each tree's seed in sequence from one generator. A group of trees that starts
where the seeds of the trees before it were drawn is therefore, tree for tree, the part of the one
forest that a single ``ExtraTreesClassifier.fit`` grows.

Where the table does not fit a worker, trees grow on random strata of its rows (random patches:
Louppe & Geurts 2012), drawn by hash, so that the forest is the same on any number of workers again.

A finished group is kept in the store until the model is saved, so that a lost worker or client
loses at most a group in flight.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from soilft.errors import ModelError
from soilft.forest import stored, strata
from soilft.store import objects
from soilft.store import zarr as store
from soilft.training.table import held_table

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

    def groups(self, size: int, count: int = 1) -> list[range]:
        """Numbers of the trees of each group, no group in two of ``count`` strata."""
        return [
            range(start, min(start + size, within.stop))
            for within in strata.trees(self.n_estimators, count)
            for start in range(within.start, within.stop, size)
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


def fit_strata(
    settings: ForestSettings,
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
    stratum: npt.NDArray[Any],
    count: int,
) -> ExtraTreesClassifier:
    """Grow a whole forest here, the trees of each stratum on its rows alone.

    Parameters
    ----------
    stratum
        Number of the stratum of each row, 0 to ``count`` - 1, shape (row,).

    Raises
    ------
    ConfigError
        Where a stratum has rows of one class only, or there are more strata than trees.
    """
    groups = []
    for number, trees in enumerate(strata.trees(settings.n_estimators, count)):
        rows = np.flatnonzero(stratum == number)
        strata.require_both_classes(label[rows], number, count)
        groups.append(grow_group(settings, trees, features[rows], label[rows]))
    return assemble(settings, groups)


@dataclass(frozen=True)
class GrowTrees:
    """One task: grow a group of trees on the training rows of a stored table.

    Parameters
    ----------
    strata
        How many the training rows are dealt out to; 1 is the whole table for every tree.
    checkpoints
        Folder that keeps finished groups, or None.
    radiometer
        Number of the radiometer whose rows alone teach, or None for all.
    """

    table_url: str
    table_digest: str
    settings: ForestSettings
    trees: range
    strata: int = 1
    checkpoints: str | None = None
    radiometer: int | None = None


def grow_trees(task: GrowTrees) -> ExtraTreesClassifier:
    """Grow a group of trees, or read it back where it is finished. Runs on a worker.

    A worker reads the table once, whatever the number of its groups.
    """
    kept = kept_group(task.checkpoints, task.trees) if task.checkpoints else None
    if kept is not None:
        return kept
    group = grow_group(task.settings, task.trees, *_training_rows(task))
    if task.checkpoints:
        keep_group(task.checkpoints, task.trees, group)
    return group


def _training_rows(task: GrowTrees) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    if task.strata == 1:
        table = held_table(task.table_url, task.table_digest)
        rows = table.rows_of("train")
        if task.radiometer is not None:
            rows = rows[table.radiometer[rows] == task.radiometer]
        return table.features[rows], table.label[rows]
    number = strata.of_tree(task.trees.start, task.settings.n_estimators, task.strata)
    return _held_stratum(task.table_url, task.table_digest, number, task.strata, task.settings.seed)


@lru_cache(maxsize=1)
def _held_stratum(
    url: str,
    content: str,  # noqa: ARG001  a table written anew is another entry of the cache
    number: int,
    count: int,
    seed: int,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    features, label = strata.read(url, number, count, seed)
    strata.require_both_classes(label, number, count)
    return features, label


def keep_group(folder: str, trees: range, group: ExtraTreesClassifier) -> None:
    """Keep a finished group: an object named by its trees and by the SHA-256 of its bytes."""
    content = stored.to_bytes(group)
    objects.write(objects.join(folder, _group_name(trees, content)), content)


def kept_group(folder: str, trees: range) -> ExtraTreesClassifier | None:
    """Give a group that was kept, or None where there is none whose bytes are those of its name.

    Raises
    ------
    ModelError
        Where the bytes are those of the name, and yet no group of these trees.
    """
    for name in objects.listing(folder):
        url = objects.join(folder, name)
        if name.startswith(_group_prefix(trees)):
            content = objects.read(url)
            if content is not None and name == _group_name(trees, content):
                return _loaded_group(url, trees, content)
    return None


def discard_groups(folder: str) -> None:
    """Remove all groups that were kept."""
    store.discard(folder)


def _group_prefix(trees: range) -> str:
    return f"{trees.start:05d}-{trees.stop - 1:05d}-"


def _group_name(trees: range, content: bytes) -> str:
    return f"{_group_prefix(trees)}{hashlib.sha256(content).hexdigest()}.skops"


def _loaded_group(url: str, trees: range, content: bytes) -> ExtraTreesClassifier:
    group = stored.from_bytes(url, content)
    if len(group.estimators_) != len(trees):
        raise ModelError(url, expected=f"{len(trees)} trees", found=str(len(group.estimators_)))
    return group
