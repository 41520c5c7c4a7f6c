"""A fitted forest in compact nodes, walked eight rows at once, tree by tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from soilft.schema import FROZEN

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier


@dataclass(frozen=True)
class CompiledForest:
    """Nodes of all trees, one after the other."""

    root: npt.NDArray[np.int64]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    missing_left: npt.NDArray[np.uint8]
    value: npt.NDArray[np.float64]

    def frozen_probability(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Share of the votes for frozen, float64 (row,)."""
        rows = np.ascontiguousarray(features, "float32")
        total = np.zeros(len(rows))
        for start in range(0, len(rows), 4096):
            _walk(
                rows[start : start + 4096],
                self.root,
                self.feature,
                self.threshold,
                self.left,
                self.right,
                self.missing_left,
                self.value,
                total[start : start + 4096],
            )
        return total / len(self.root)


def compile_forest(forest: ExtraTreesClassifier) -> CompiledForest:
    """Pack a fitted forest of the classes 0 and 1."""
    trees = [estimator.tree_ for estimator in forest.estimators_]
    column = int(np.flatnonzero(forest.classes_ == FROZEN)[0])
    sizes = [tree.node_count for tree in trees]
    root = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype("int64")

    def joined(name: str, kind: str) -> Any:
        return np.concatenate([np.asarray(getattr(tree, name)) for tree in trees]).astype(kind)

    threshold = joined("threshold", "float64")
    narrow = threshold.astype("float32")
    above = narrow.astype("float64") > threshold
    narrow[above] = np.nextafter(narrow[above], np.float32(-np.inf))
    value = np.concatenate([tree.value[:, 0, column] for tree in trees])
    return CompiledForest(
        root,
        joined("feature", "int32"),
        narrow,
        joined("children_left", "int32"),
        joined("children_right", "int32"),
        joined("missing_go_to_left", "uint8"),
        value,
    )


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _walk(
    rows: Any,
    root: Any,
    feature: Any,
    threshold: Any,
    left: Any,
    right: Any,
    missing_left: Any,
    value: Any,
    total: Any,
) -> None:
    for tree in range(len(root)):
        base = root[tree]
        for row in range(len(rows)):
            node = base
            while feature[node] >= 0:
                x = rows[row, feature[node]]
                if np.isnan(x):
                    go_left = missing_left[node] == 1
                else:
                    go_left = x <= threshold[node]
                node = base + (left[node] if go_left else right[node])
            total[row] += value[node]
