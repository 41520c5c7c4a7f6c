"""Area of applicability: distance of a row's predictors from those of the training rows.

The dissimilarity index of Meyer & Pebesma (2021, Methods Ecol. Evol. 12, 1620): the
distance to the nearest training row, in standardised predictors weighted by importance, over the
mean distance of training rows. Its threshold is the upper whisker of the indices that training
rows have to those of other folds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from soilft.errors import ModelError, NotEnoughRows

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

    from soilft.draws import Rows

MAX_POINTS = 10_000

# Share of the weighted variance whose components the tree sees one by one.
_VARIANCE = 0.999

# The neighbour found is at most this share farther than the nearest.
_SLACK = 0.25

# Rows of which the mean distance is taken: 8 million pairs.
_PAIRED = 4_000

_ROWS_A_BLOCK = 2_048

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Applicability:
    """The training rows as points, and what a distance to them means.

    A point has the leading principal components of the weighted predictors, and last the length of
    what they leave of the row. Distances between points never exceed those between the rows' full
    weighted predictors, and exceed none by more than this: with e the distance in `dissimilarity`,
    r the length left of the row, R the greatest of the points and d the exact distance to the
    nearest, all over ``mean_distance``, ``e / 1.25 <= d <= sqrt(e**2 + 4 * r * R)``.

    Parameters
    ----------
    mean, scale
        Mean and standard deviation of each predictor over all training rows, (feature,).
    weight
        Importance of each predictor, with sum 1, (feature,); 0 where it is constant.
    rotation
        Principal axes, orthonormal, (feature of weight above 0, component).
    points
        Training rows, (point, component + 1).
    mean_distance
        Mean distance of two training rows by their full weighted predictors.
    threshold
        Largest dissimilarity inside the area.
    """

    mean: Floats
    scale: Floats
    weight: Floats
    rotation: Floats
    points: Floats
    mean_distance: float
    threshold: float

    def dissimilarity(self, features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Dissimilarity index of each row.

        A missing predictor counts as the training mean, here as in the training rows: what is
        missing as it was there adds nothing, what is not may add. Each row is computed by itself:
        chunks change no bit.

        Parameters
        ----------
        features
            (row, feature), NaN where missing.

        Returns
        -------
        ndarray
            float32 (row,), 0 at a training row, about 1 as far from the nearest as training rows
            are from each other on average; NaN where all predictors of any weight are missing.

        Raises
        ------
        ModelError
            Where the number of features is not that of the training.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise _unsound(f"rows of {len(self.mean)} features", str(features.shape))
        found = np.empty(len(features), "float32")
        for rows in _blocks(len(features)):
            weighted, known = self._weighted(features[rows])
            distance, _ = self._tree.query(_points(weighted, self.rotation), eps=_SLACK, workers=1)
            found[rows] = np.where(known, distance / self.mean_distance, np.nan)
        return found

    def inside(self, dissimilarity: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Whether rows lie in the area of applicability; not where their dissimilarity is NaN."""
        return np.asarray(dissimilarity <= self.threshold)

    @cached_property
    def _tree(self) -> cKDTree:
        from scipy.spatial import cKDTree

        return cKDTree(self.points)

    def _weighted(self, features: npt.NDArray[Any]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        return _weighted(features, self.mean, self.scale, self.weight)

    def to_arrays(self) -> dict[str, Floats]:
        """Arrays to store and to digest, from which `from_arrays` makes an equal area."""
        return {f.name: np.asarray(getattr(self, f.name), "float64") for f in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Applicability:
        """Read what `to_arrays` gave.

        Raises
        ------
        ModelError
            Where an array is absent, of another shape than the others ask for, or not finite.
        """
        absent = sorted({f.name for f in fields(cls)} - set(arrays))
        if absent:
            raise _unsound("all arrays", f"no {', '.join(absent)}")
        found = {f.name: np.asarray(arrays[f.name], "float64") for f in fields(cls)}
        width, used = found["mean"].size, int((found["weight"] > 0).sum())
        components = found["rotation"].shape[-1] if found["rotation"].ndim == 2 else 0
        shapes = {
            "mean": (width,),
            "scale": (width,),
            "weight": (width,),
            "rotation": (used, components),
            "points": (len(np.atleast_1d(found["points"])), components + 1),
            "mean_distance": (),
            "threshold": (),
        }
        for name, shape in shapes.items():
            if found[name].shape != shape or not found[name].size:
                raise _unsound(f"{name} of shape {shape}", str(found[name].shape))
            if not np.isfinite(found[name]).all():
                raise _unsound(f"finite {name}", "infinite or NaN values")
        for name in ("scale", "mean_distance"):
            if not (found[name] > 0).all():
                raise _unsound(f"{name} above 0", f"{found[name].min():g}")
        for name in ("weight", "threshold"):
            if not (found[name] >= 0).all():
                raise _unsound(f"{name} of 0 or more", f"{found[name].min():g}")
        if not np.allclose(found["rotation"].T @ found["rotation"], np.eye(components), atol=1e-6):
            raise _unsound("an orthonormal rotation", "another")
        return cls(
            found["mean"],
            found["scale"],
            found["weight"],
            found["rotation"],
            found["points"],
            float(found["mean_distance"]),
            float(found["threshold"]),
        )


def _unsound(expected: str, found: str) -> ModelError:
    return ModelError("area of applicability", expected=expected, found=found)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS_A_BLOCK) for start in range(0, count, _ROWS_A_BLOCK))


def _weighted(
    features: npt.NDArray[Any], mean: Floats, scale: Floats, weight: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Standardised, weighted predictors of weight, (feature, row), and whether a row has any."""
    used = weight > 0
    values = features.T[used].astype("float64")
    known = np.isfinite(values)
    values = np.where(known, values - mean[used, None], 0.0) * (weight / scale)[used, None]
    return values, known.any(axis=0)


def _points(weighted: Floats, rotation: Floats) -> Floats:
    """Components of rows and the length of what is left of them, (row, component + 1).

    Added up feature by feature: sums by BLAS depend on how many rows are summed at once.
    """
    count = weighted.shape[1]
    components, squares = np.zeros((rotation.shape[1], count)), np.zeros(count)
    product = np.empty_like(components)
    for values, axes in zip(weighted, rotation, strict=True):
        components += np.multiply(axes[:, None], values, out=product)
        squares += values * values
    for component in components:
        squares -= component * component
    left = np.sqrt(np.maximum(squares, 0.0))
    return np.ascontiguousarray(np.vstack([components, left]).T)


def fit(
    features: npt.NDArray[np.float32],
    importance: npt.NDArray[Any],
    groups: npt.NDArray[Any],
    seed: int,
    max_points: int = MAX_POINTS,
) -> Applicability:
    """Learn the area from the rows the forest was trained on.

    The threshold is the largest cross-validated index that does not exceed the third quartile by
    more than 1.5 interquartile ranges: the whisker as drawn, as in the authors' R package CAST.
    Thinner points make every index larger, and the threshold with them.

    Parameters
    ----------
    features
        float32 (row, feature), NaN where missing.
    importance
        Of each feature, such as by permutation; what is below 0 counts as 0.
    groups
        Integer (row,): the fold of each row. The neighbour of a training row is sought in others.
    seed, max_points
        Of the rows kept as points: as many of each group as is its share, at random, one at least.

    Raises
    ------
    NotEnoughRows
        Where no feature that varies has an importance above 0, or all rows are of one group.
    ModelError
        Where an importance is not finite.
    """
    mean, scale, varies = _moments(features)
    weight = _normalised(importance, varies)
    kept = _drawn(groups, seed, max_points)
    weighted, known = _weighted(features[kept], mean, scale, weight)
    weighted, group = weighted[:, known], groups[kept][known]
    if len(np.unique(group)) < 2 or not (weighted != weighted[:, :1]).any():
        raise NotEnoughRows(
            "area of applicability",
            expected="training rows that differ, of two groups or more",
            found=f"{len(group)} rows with predictors, of {len(np.unique(group))} groups",
        )
    rotation = _principal_axes(weighted)
    points = _points(weighted, rotation)
    mean_distance = _mean_distance(weighted, seed)
    index = (_distance_to_others(points, group) / mean_distance).astype("float32")
    return Applicability(
        mean, scale, weight, rotation, points, mean_distance, _upper_whisker(index)
    )


def _moments(features: npt.NDArray[np.float32]) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Mean and standard deviation of each feature, 0 and 1 where constant; whether it varies."""
    width = features.shape[1]
    mean, scale, varies = np.zeros(width), np.ones(width), np.zeros(width, bool)
    for i in range(width):
        values = features[:, i].astype("float64")
        values = values[np.isfinite(values)]
        if len(values) and values.min() < values.max():
            mean[i], scale[i], varies[i] = values.mean(), values.std(), True
    return mean, scale, varies


def _normalised(importance: npt.NDArray[Any], varies: npt.NDArray[np.bool_]) -> Floats:
    if importance.shape != varies.shape:
        raise ValueError(f"{importance.shape} importances of {varies.shape} features")
    weight = np.where(varies, np.maximum(np.asarray(importance, "float64"), 0.0), 0.0)
    total = float(weight.sum())
    if not 0 < total < np.inf:
        raise (NotEnoughRows if total == 0 else ModelError)(
            "feature importance",
            expected="finite, and above 0 for some feature that varies",
            found=f"a sum of {total:g}",
            remedy="Is the forest better than chance on the rows the importance was taken from?",
        )
    return weight / total


def _drawn(groups: npt.NDArray[Any], seed: int, limit: int) -> Rows:
    """Rows to keep, ascending: of each group its share of the limit, and one at least."""
    order = np.random.default_rng(seed).permutation(len(groups))
    _, at, sizes = np.unique(groups[order], return_inverse=True, return_counts=True)
    share = min(1.0, limit / max(1, len(groups)))
    quota = np.maximum(1, np.floor(sizes * share + 1e-9)).astype("intp")
    grouped = np.argsort(at, kind="stable")
    rank = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(order[grouped[rank < quota[at[grouped]]]])


def _principal_axes(weighted: Floats) -> Floats:
    """Axes that carry the stated share of the variance about the mean, largest first."""
    moments = np.einsum("ir,jr->ij", weighted, weighted) / weighted.shape[1]
    variance, axes = np.linalg.eigh(moments)
    variance, axes = np.maximum(variance[::-1], 0.0), axes[:, ::-1]
    count = int(np.searchsorted(np.cumsum(variance), _VARIANCE * variance.sum())) + 1
    axes = axes[:, :count]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0)
    return np.ascontiguousarray(axes * np.where(largest < 0, -1.0, 1.0))


def _mean_distance(weighted: Floats, seed: int) -> float:
    from scipy.spatial.distance import pdist

    order = np.random.default_rng(seed).permutation(weighted.shape[1])[:_PAIRED]
    return float(pdist(np.ascontiguousarray(weighted[:, np.sort(order)].T)).mean())


def _distance_to_others(points: Floats, group: npt.NDArray[Any]) -> Floats:
    from scipy.spatial import cKDTree

    distance = np.empty(len(points))
    for number in np.unique(group):
        own = group == number
        distance[own], _ = cKDTree(points[~own]).query(points[own], eps=_SLACK, workers=1)
    return distance


def _upper_whisker(index: npt.NDArray[np.float32]) -> float:
    low, high = np.quantile(index.astype("float64"), [0.25, 0.75])
    return float(index[index <= high + 1.5 * (high - low)].max())
