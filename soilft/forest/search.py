"""Choice of the forest's settings: a grid search on blocked folds, the cheapest good point.

The one module that uses dask-ml: its ``GridSearchCV`` makes the graph, any dask scheduler runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from soilft.draws import Rows, at_most
from soilft.errors import ConfigError
from soilft.forest.grow import ForestSettings
from soilft.forest.strata import read_columns
from soilft.training.held_out import SPLITS, Fold, held_out_together, year_block_folds

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

_MEASURES = ("accuracy", "nodes", "visits", "seconds")


@dataclass(frozen=True)
class Candidates:
    """Values of each setting; the grid is all their combinations."""

    min_samples_leaf: tuple[int, ...]
    max_features: tuple[float | Literal["sqrt", "log2"], ...]
    class_weight: tuple[Literal["balanced"] | None, ...]
    n_estimators: tuple[int, ...]


@dataclass(frozen=True)
class Point:
    """One point of the grid and what was measured of it.

    Parameters
    ----------
    accuracies
        Overall accuracy on the held-out rows of each fold.
    nodes
        Nodes of the forest, mean of the folds.
    visits
        Nodes a row passes on its way through all trees, mean of the training rows and folds.
    seconds
        What scikit-learn took for a thousand held-out rows, mean of the folds. Measured, so no
        choice depends on it.
    """

    settings: ForestSettings
    accuracies: tuple[float, ...]
    nodes: float
    visits: float
    seconds: float

    @property
    def accuracy(self) -> float:
        """Mean over the folds."""
        return float(np.mean(self.accuracies))

    @property
    def standard_error(self) -> float:
        """Of the mean over the folds."""
        return float(np.std(self.accuracies, ddof=1) / np.sqrt(len(self.accuracies)))

    def to_dict(self) -> dict[str, Any]:
        """As plain values; the measured seconds are left out."""
        return {
            "params": _params(self.settings),
            "score": self.accuracy,
            "standard_error": self.standard_error,
            "nodes": round(self.nodes),
            "visits": self.visits,
        }


@dataclass(frozen=True)
class Choice:
    """All points, the best by accuracy, the one that was taken, and what the folds held out."""

    points: tuple[Point, ...]
    best: Point
    chosen: Point
    held_out: str = "years and blocks"

    @property
    def why(self) -> str:
        """The choice in one sentence."""
        best, chosen, folds = self.best, self.chosen, len(self.best.accuracies)
        cost = f"{chosen.visits:.0f} node visits a row and {chosen.nodes:.0f} nodes"
        if chosen is best:
            return (
                f"Of {len(self.points)} points, none that is cheaper comes within one standard "
                f"error of the best accuracy on {folds} folds of held-out {self.held_out}, "
                f"{best.accuracy:.4f}: {cost}."
            )
        short, error = shortfall(chosen, best)
        return (
            f"Of {len(self.points)} points, the cheapest that falls short of the best accuracy on "
            f"{folds} folds of held-out {self.held_out}, {best.accuracy:.4f}, by no more than one "
            f"standard error of what it falls short by: {short:.4f}, standard error {error:.4f}; "
            f"{cost}, where the best takes {best.visits:.0f} and {best.nodes:.0f}."
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values, the same on every run."""
        return {
            "chosen": _params(self.chosen.settings),
            "best": _params(self.best.settings),
            "why": self.why,
            "points": [point.to_dict() for point in self.points],
        }


def _params(settings: ForestSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name != "seed"}


def blocked_folds(
    label: npt.NDArray[np.uint8],
    year: npt.NDArray[Any],
    block: npt.NDArray[Any],
    folds: int,
    seed: int,
) -> list[Fold]:
    """Folds of held-out years and blocks that a forest can be trained and tested on.

    Raises
    ------
    ConfigError
        Where fewer than two have rows to test on and both classes to train on: one score has no
        standard error.
    """
    found = [
        fold
        for fold in year_block_folds(year, block, folds, seed)
        if len(fold.test) and len(np.unique(label[fold.train])) == 2
    ]
    if len(found) < 2:
        raise ConfigError(
            "forest.search",
            expected="at least two folds with rows to judge and both classes to train on",
            found=str(len(found)),
            remedy="Use a longer period, a larger region or more rows, or switch the search off.",
        )
    return found


def rows_and_folds(url: str, most: int, folds: int, seed: int) -> tuple[Rows, list[Fold]]:
    """Training rows of a stored table to search on, and their folds; see `blocked_folds`.

    Parameters
    ----------
    most
        Rows at most; a random part where there are more.

    Returns
    -------
    rows
        Numbers of the rows in the table, ascending, (row,).
    folds
        Of places among ``rows``.
    """
    split, label, block = read_columns(url, "split", "label", "block")
    rows = at_most(np.flatnonzero(split == SPLITS["train"]), most, seed)
    return rows, blocked_folds(label[rows], _years(url)[rows], block[rows], folds, seed)


def held_out(url: str, rows: Rows) -> str:
    """What folds of some rows of a stored table hold out; see `held_out_together`."""
    (block,) = read_columns(url, "block")
    return held_out_together(_years(url)[rows], block[rows])


def _years(url: str) -> npt.NDArray[Any]:
    (day,) = read_columns(url, "day")
    return day.astype("datetime64[D]").astype("datetime64[Y]")


def search(
    settings: ForestSettings,
    candidates: Candidates,
    features: Any,
    label: Any,
    folds: Sequence[Fold],
    scheduler: Callable[..., Any] | str | None = None,
) -> Choice:
    """Score every point of the grid on the folds, and choose.

    A forest of the most trees is grown for each combination of the other settings; its first trees
    are the forests of fewer.

    Parameters
    ----------
    settings
        Gives the seed.
    features, label
        float32 (row, feature) and uint8 (row,), or dask delayed values of them, so that they are
        read where the forests grow.
    scheduler
        Called with a graph and its keys, or a name that dask knows. A function around
        ``Client.get`` fails where a fit fails; with the method itself dask-ml tries for ever.

    Raises
    ------
    Exception
        Whatever a fit raised.
    """
    from dask_ml.model_selection import GridSearchCV

    sizes = sorted(set(candidates.n_estimators))
    base = replace(settings, n_estimators=sizes[-1], class_weight=None)
    # Folds are a list: dask-ml's own would not be stratified, for it no longer knows a classifier.
    grid = GridSearchCV(
        base.estimator(),
        {
            "min_samples_leaf": list(dict.fromkeys(candidates.min_samples_leaf)),
            "max_features": list(dict.fromkeys(candidates.max_features)),
            "class_weight": list(dict.fromkeys(candidates.class_weight)),
        },
        scoring={f"{what}_{size}": _Measure(size, what) for size in sizes for what in _MEASURES},
        cv=[(fold.train, fold.test) for fold in folds],
        iid=False,
        refit=False,
        return_train_score=False,
        cache_cv=False,
        scheduler=scheduler,
    )
    results = grid.fit(features, label).cv_results_
    points = [
        _point(replace(base, n_estimators=size, **params), results, number, len(folds))
        for number, params in enumerate(results["params"])
        for size in sizes
    ]
    return choose(points)


def _point(settings: ForestSettings, results: Any, number: int, folds: int) -> Point:
    def of_folds(what: str) -> tuple[float, ...]:
        name = f"test_{what}_{settings.n_estimators}"
        return tuple(float(results[f"split{fold}_{name}"][number]) for fold in range(folds))

    nodes, visits, seconds = (float(np.mean(of_folds(what))) for what in _MEASURES[1:])
    return Point(settings, of_folds("accuracy"), nodes, visits, seconds)


def shortfall(point: Point, best: Point) -> tuple[float, float]:
    """By how much a point's accuracy is below another's, and the standard error of that.

    Both are held against the same folds, so what makes a fold hard for all points cancels.
    """
    short = np.subtract(best.accuracies, point.accuracies)
    return float(short.mean()), float(short.std(ddof=1) / np.sqrt(len(short)))


def choose(points: Sequence[Point]) -> Choice:
    """Take the cheapest point within one standard error of the best.

    The one-standard-error rule of Breiman et al. (1984, Classification and Regression Trees,
    section 3.4.3), with the standard error, over the folds, of the difference to the best: that of
    the accuracy itself is as large as years and blocks are unlike, and would let anything pass.
    Cheapest is by node visits a row, which is what prediction does, then by nodes, which is what it
    holds in memory.
    """
    best = min(points, key=lambda point: (-point.accuracy, point.visits, point.nodes))
    near = [point for point in points if _is_near(point, best)]
    chosen = min(near, key=lambda point: (point.visits, point.nodes, -point.accuracy))
    return Choice(tuple(points), best, chosen)


def _is_near(point: Point, best: Point) -> bool:
    short, error = shortfall(point, best)
    return short <= error


@dataclass(frozen=True)
class _Measure:
    """A scorer of dask-ml: one measure of the first trees of a fitted forest."""

    trees: int
    what: str

    def __call__(
        self,
        forest: ExtraTreesClassifier,
        features: npt.NDArray[np.float32],
        label: npt.NDArray[np.uint8],
    ) -> float:
        # All measures of a forest are asked for in turn, on the same rows.
        held: dict[int, dict[str, float]] = forest.__dict__.setdefault("soilft_measures", {})
        if self.trees not in held:
            held[self.trees] = measure(forest, self.trees, features, label)
        return held[self.trees][self.what]


def measure(
    forest: ExtraTreesClassifier,
    count: int,
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
) -> dict[str, float]:
    """Accuracy and cost of the first ``count`` trees of a forest.

    Returns
    -------
    dict
        ``accuracy`` on the rows given; ``nodes``; ``visits``, the sum over trees of the mean path
        length of the training rows, root and leaf included; ``seconds`` a thousand rows.
    """
    trees = forest.estimators_[:count]
    start = perf_counter()
    votes = np.zeros((len(features), len(forest.classes_)))
    for tree in trees:
        votes += tree.predict_proba(features)
    state = np.asarray(forest.classes_)[votes.argmax(axis=1)]
    seconds = perf_counter() - start
    visited = [tree.tree_.n_node_samples for tree in trees]
    return {
        "accuracy": float(np.mean(state == label)),
        "nodes": float(sum(len(samples) for samples in visited)),
        "visits": float(sum(samples.sum() / samples[0] for samples in visited)),
        "seconds": 1000 * seconds / len(features),
    }
