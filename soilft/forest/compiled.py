"""Compiled prediction of a fitted forest: compact nodes, walked eight rows at once.

A node takes eight bytes. Its first word holds where its children lie, its feature, and whether
missing values go left; its second word holds the threshold. Thresholds and features are compared as
unsigned integers in the order of the floats (`ranks`), with missing as the largest. A node that
sends missing values left adds one to both sides: the missing rank wraps round to zero, and every
other comparison stays as it was. So one integer comparison does for all values.

Rows are taken in blocks, and each tree walks a whole block before the next, so that a tree stays in
cache while it is used. Each row adds its trees in their order whatever the block, and the sums are
those that scikit-learn forms, in double precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types

from soilft.errors import ModelError
from soilft.schema import FROZEN, THAWED

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

# Rows walked at once, and rows that one tree walks before the next: a multiple of the former.
_LANES = 8
_BLOCK = 4096
# Steps between two looks at whether all lanes stand at their leaves.
_STEPS = 2
_MISSING = 0xFFFFFFFF
_WORD = 32


def ranks(bits: Any) -> Any:
    """Unsigned integers in the order of the float32 values whose bits are given.

    The sign bit is set where it was clear, and all bits are inverted where it was set; both zeros
    are equal, and every NaN is the largest uint32. Works on an array or, compiled, on one value.
    """
    negative = bits >> np.uint32(31)
    rank = bits ^ (negative * np.uint32(0x7FFFFFFF) + np.uint32(0x80000000))
    minus_zero = bits == np.uint32(0x80000000)
    missing = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    return (rank + minus_zero * np.uint32(1)) | (missing * np.uint32(_MISSING))


def _child(nodes: Any, block: Any, root: Any, shift: Any, lane: int, at: Any) -> Any:
    """The node that a row goes to from the node ``at``; a leaf leads to itself."""
    one, mask = np.uint32(1), np.uint32((np.uint64(1) << np.uint64(shift)) - np.uint64(1))
    link = nodes[at, 0]
    rank = block[np.uint64((link & mask) >> one), np.uint64(lane)]
    left = np.uint32(rank + (link & one)) <= nodes[at, 1]
    return root + np.uint64(link >> shift) + np.uint64(left)


_rank = numba.njit(ranks)
_next = numba.njit(_child)


def _walk(
    nodes: npt.NDArray[np.uint32],
    values: npt.NDArray[np.float64],
    roots: npt.NDArray[np.int64],
    shift: np.uint32,
    bits: npt.NDArray[np.uint32],
    sums: npt.NDArray[np.float64],
) -> None:
    """Add the value of each tree's leaf to the sum of each row; ``sums`` (group, lane) is padded.

    Indices are unsigned: signed ones cost a test for counting from the end. The lanes are eight
    variables, because an array of them is kept in memory and not in registers.
    """
    rows, width = bits.shape
    block = np.empty((min(_BLOCK, rows + _LANES) // _LANES, width, _LANES), np.uint32)
    for start in range(0, rows, _BLOCK):
        groups = (min(_BLOCK, rows - start) + _LANES - 1) // _LANES
        for i in range(groups * _LANES):
            row = min(start + i, rows - 1)
            for j in range(width):
                block[i // _LANES, j, i % _LANES] = _rank(bits[row, j])
        for tree in range(len(roots) - 1):
            root = np.uint64(roots[tree])
            for group in range(groups):
                eight = block[group]
                a = b = c = d = e = f = g = h = root
                moved = np.uint64(1)
                while moved:
                    was = a, b, c, d, e, f, g, h
                    for _ in range(_STEPS):
                        a = _next(nodes, eight, root, shift, 0, a)
                        b = _next(nodes, eight, root, shift, 1, b)
                        c = _next(nodes, eight, root, shift, 2, c)
                        d = _next(nodes, eight, root, shift, 3, d)
                        e = _next(nodes, eight, root, shift, 4, e)
                        f = _next(nodes, eight, root, shift, 5, f)
                        g = _next(nodes, eight, root, shift, 6, g)
                        h = _next(nodes, eight, root, shift, 7, h)
                    moved = (was[0] ^ a) | (was[1] ^ b) | (was[2] ^ c) | (was[3] ^ d)
                    moved |= (was[4] ^ e) | (was[5] ^ f) | (was[6] ^ g) | (was[7] ^ h)
                total = sums[start // _LANES + group]
                total[0] += values[a]
                total[1] += values[b]
                total[2] += values[c]
                total[3] += values[d]
                total[4] += values[e]
                total[5] += values[f]
                total[6] += values[g]
                total[7] += values[h]


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Compile now, or read what an earlier process compiled.

    Where neither the package's folder nor the user's cache can be written, nothing is kept.
    """
    try:
        return _jitted(function, cache=True)
    except (RuntimeError, OSError):
        return _jitted(function, cache=False)


def _jitted(function: Callable[..., None], *, cache: bool) -> Callable[..., None]:
    def read(dtype: Any, dims: int) -> Any:
        return types.Array(dtype, dims, "C", readonly=True)

    signature = types.void(
        read(types.uint32, 2),
        read(types.float64, 1),
        read(types.int64, 1),
        types.uint32,
        read(types.uint32, 2),
        types.Array(types.float64, 2, "C"),
    )
    jitted: Any = numba.njit([signature], cache=cache, nogil=True, error_model="numpy")
    walk: Callable[..., None] = jitted(function)
    return walk


_walk_all = _compiled(_walk)


@dataclass(frozen=True)
class CompiledForest:
    """A forest of two classes, ready to be walked. Made by `compile_forest`.

    Parameters
    ----------
    nodes
        uint32 (node, 2), tree after tree, each in breadth-first order. First word, from the lowest
        bit: whether missing values go left, the feature, and from bit ``shift`` the right child's
        place in its tree; the left child is the next. A leaf is its own right child, and no rank
        is as small as its threshold, 0. Second word: rank of the threshold, plus the lowest bit.
    frozen, thawed
        Share of each class among the rows of a leaf, float64 (node,).
    roots
        First node of each tree, and the number of all nodes, int64 (tree + 1,).
    width
        Number of features.
    doubt
        How far from one half the probability of one class leaves open which class has more.
    """

    nodes: npt.NDArray[np.uint32]
    frozen: npt.NDArray[np.float64]
    thawed: npt.NDArray[np.float64]
    roots: npt.NDArray[np.int64]
    shift: int
    width: int
    doubt: float

    @property
    def nbytes(self) -> int:
        """Bytes of all nodes and values."""
        return sum(a.nbytes for a in (self.nodes, self.frozen, self.thawed, self.roots))

    def frozen_probability(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Probability of the class frozen: the mean of the trees, as scikit-learn forms it.

        It exceeds 0.5 exactly where scikit-learn's ``predict`` gives frozen. Rounding can leave the
        two classes of a tie above one half together, or apart by one unit in the last place; such
        rows are set to one half, or to the next number above it. Of all others the probability
        equals ``predict_proba`` of ``n_jobs=1``.

        Runs on one thread and lets go of Python's lock.

        Parameters
        ----------
        features
            float32 (row, feature), NaN where missing; infinite values are compared as they are.
            Copied first where it is not contiguous float32.

        Returns
        -------
        ndarray
            float64 (row,).

        Raises
        ------
        ModelError
            Where the number of features is not that of the training.
        """
        rows = np.ascontiguousarray(features, "float32")
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise ModelError(
                "features", expected=f"shape (row, {self.width})", found=f"shape {rows.shape}"
            )
        probability = self._mean(self.frozen, rows)
        near = np.flatnonzero(np.abs(probability - 0.5) <= self.doubt)
        if len(near):
            found = probability[near]
            more = found > self._mean(self.thawed, rows[near])
            above = np.nextafter(0.5, 1.0)
            probability[near] = np.where(more, np.maximum(found, above), np.minimum(found, 0.5))
        return probability

    def _mean(
        self, values: npt.NDArray[np.float64], rows: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        sums = np.zeros((-(-len(rows) // _LANES), _LANES))
        bits = rows.view(np.uint32)
        _walk_all(self.nodes, values, self.roots, np.uint32(self.shift), bits, sums)
        return sums.reshape(-1)[: len(rows)] / (len(self.roots) - 1)


def compile_forest(forest: ExtraTreesClassifier) -> CompiledForest:
    """Pack a fitted forest of the classes thawed and frozen.

    Raises
    ------
    ModelError
        Where the forest has other classes, or a tree has more nodes than a word can number.
    """
    classes = np.asarray(forest.classes_).tolist()
    if sorted(classes) != [THAWED, FROZEN]:
        raise ModelError("forest", expected=f"classes {[THAWED, FROZEN]}", found=str(classes))
    width = int(forest.n_features_in_)
    shift = (2 * width - 1).bit_length()
    trees = [estimator.tree_ for estimator in forest.estimators_]
    largest = max(tree.node_count for tree in trees)
    if largest > 1 << (_WORD - shift):
        raise ModelError(
            "forest",
            expected=f"at most {1 << (_WORD - shift)} nodes a tree of {width} features",
            found=str(largest),
            remedy="Raise min_samples_leaf.",
        )
    orders = [_breadth_first(tree) for tree in trees]
    pairs = list(zip(trees, orders, strict=True))
    values = np.concatenate([tree.value[order, 0] for tree, order in pairs])
    return CompiledForest(
        np.concatenate([_packed(tree, order, shift) for tree, order in pairs]),
        np.ascontiguousarray(values[:, classes.index(FROZEN)]),
        np.ascontiguousarray(values[:, classes.index(THAWED)]),
        np.cumsum([0, *(len(order) for order in orders)], dtype="int64"),
        shift,
        width,
        _doubt(values, len(trees)),
    )


def _breadth_first(tree: Any) -> npt.NDArray[np.int64]:
    """Numbers of a tree's nodes level by level, each right child just before its sibling."""
    levels = [np.zeros(1, "int64")]
    while len(levels[-1]):
        inner = levels[-1][tree.children_left[levels[-1]] >= 0]
        pair = tree.children_right[inner], tree.children_left[inner]
        levels.append(np.stack(pair, axis=1).reshape(-1).astype("int64"))
    return np.concatenate(levels)


def _packed(tree: Any, order: npt.NDArray[np.int64], shift: int) -> npt.NDArray[np.uint32]:
    inner = tree.children_left[order] >= 0
    missing_left = tree.missing_go_to_left[order].astype("uint32")
    right = np.arange(len(order))
    right[inner] = 1 + 2 * np.arange(int(inner.sum()))
    which = np.where(inner, 2 * tree.feature[order] + missing_left, 0)
    cut = ranks(_rounded_down(tree.threshold[order]).view(np.uint32)) + missing_left
    nodes = np.empty((len(order), 2), np.uint32)
    nodes[:, 0] = right << shift | which
    nodes[:, 1] = np.where(inner, cut, 0)
    return nodes


def _rounded_down(threshold: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The largest float32 not above a threshold: the same float32 values are not above either."""
    with np.errstate(over="ignore"):
        near = threshold.astype("float32")
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def _doubt(values: npt.NDArray[np.float64], trees: int) -> float:
    """Bound of |p + q - 1|, p and q the means of both classes over the trees.

    What the shares of one leaf miss of 1, and the rounding of two recursive sums of ``trees`` terms
    of at most 1 (Higham 2002, eq. 4.4), of the division and of this sum itself.
    """
    missed = float(np.abs(values.sum(axis=1) - 1).max())
    return missed + 4 * (trees + 2) * float(np.finfo("float64").eps)
