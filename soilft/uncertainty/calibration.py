"""Calibration of the forest's votes to probabilities, on groups that it was not fitted on.

A forest's vote shrinks towards one half (Niculescu-Mizil & Caruana 2005, ICML): it
orders the rows well, but is no probability until a monotone map of few parameters makes it one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from soilft.draws import dealt
from soilft.errors import ConfigError, ModelError, NotEnoughRows
from soilft.schema import FROZEN, THAWED

Method = Literal["none", "sigmoid", "isotonic"]

_STEPS = 100
_HALVINGS = 40
_FLAT = 1e-10
_RIDGE = 1e-12
_LARGEST_LOGIT = 500.0


@dataclass(frozen=True)
class Calibration:
    """A monotone map from the forest's vote to the probability of the frozen class.

    Parameters
    ----------
    method
        ``none`` is the identity.
    x, y
        Of ``isotonic``: knots, linear between them and constant outside. Empty otherwise.
    slope, intercept
        Of ``sigmoid``: the logit of the probability is ``slope * vote + intercept``. 0 otherwise.
    """

    method: Method = "none"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    slope: float = 0.0
    intercept: float = 0.0

    def apply(self, probability: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Calibrated probability of the frozen class.

        Parameters
        ----------
        probability
            Vote for the frozen class, 0..1, any shape.

        Returns
        -------
        ndarray
            float64 of the same shape, 0..1, never falling where the vote rises; NaN where it is.
        """
        vote = np.asarray(probability, "float64")
        if self.method == "sigmoid":
            return _logistic(self.slope * vote + self.intercept)
        if self.method == "isotonic":
            return self._between_knots(vote)
        return np.asarray(np.clip(vote, 0.0, 1.0))

    def _between_knots(self, vote: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        x, y = np.array(self.x), np.array(self.y)
        right = np.searchsorted(x, vote).clip(0, len(x) - 1)
        # Rounding may carry a value past the knot it approaches, and so past its successors.
        return np.asarray(np.minimum(np.interp(vote, x, y), y[right]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes an equal map."""
        return {**asdict(self), "x": list(self.x), "y": list(self.y)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Calibration:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelError
            Where the map would not be finite, monotone and within 0..1.
        """
        try:
            found = cls(
                content["method"],
                tuple(float(value) for value in content["x"]),
                tuple(float(value) for value in content["y"]),
                float(content["slope"]),
                float(content["intercept"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _unsound("method, x, y, slope and intercept", repr(error)) from error
        found._check()
        return found

    def _check(self) -> None:
        if self.method not in tuple(_FITS):
            raise _unsound(f"one of {', '.join(_FITS)}", repr(self.method))
        if (len(self.x) > 0) != (self.method == "isotonic") or len(self.x) != len(self.y):
            raise _unsound("as many x as y, of isotonic alone", f"{len(self.x)}, {len(self.y)}")
        x, y = np.array(self.x), np.array(self.y)
        parameters = np.array([self.slope, self.intercept])
        if not all(np.isfinite(part).all() for part in (x, y, parameters)):
            raise _unsound("finite values", "infinite or NaN ones")
        if (np.diff(x) <= 0).any() or (np.diff(y) < 0).any() or self.slope < 0:
            raise _unsound("a map that never falls", "one that does")
        if len(y) and (y[0] < 0 or y[-1] > 1):
            raise _unsound("probabilities of 0..1", f"{y[0]:g}..{y[-1]:g}")


def _unsound(expected: str, found: str) -> ModelError:
    return ModelError("calibration", expected=expected, found=found)


def _logistic(logit: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -_LARGEST_LOGIT, _LARGEST_LOGIT))))


@dataclass(frozen=True)
class _Votes:
    """Distinct votes, ascending, with the thawed and frozen rows of each: sums free of order."""

    vote: npt.NDArray[np.float64]
    thawed: npt.NDArray[np.float64]
    frozen: npt.NDArray[np.float64]

    @property
    def rows(self) -> npt.NDArray[np.float64]:
        return self.thawed + self.frozen


def _counted(raw: npt.NDArray[Any], label: npt.NDArray[Any]) -> _Votes:
    vote, at = np.unique(np.asarray(raw, "float64"), return_inverse=True)
    frozen = np.bincount(at, label == FROZEN).astype("float64")
    return _Votes(vote, np.bincount(at) - frozen, frozen)


def require_scored_rows(thing: str, probability: npt.NDArray[Any], label: npt.NDArray[Any]) -> None:
    """Refuse rows that nothing can be calibrated on.

    Raises
    ------
    NotEnoughRows
        Where there are none.
    ConfigError
        Where a probability is not of 0..1, or a label neither 0 nor 1.
    """
    if probability.ndim != 1 or probability.shape != label.shape or len(label) == 0:
        kind = NotEnoughRows if label.size == probability.size == 0 else ConfigError
        shapes = f"{probability.shape} and {label.shape}"
        raise kind(thing, expected="a probability and a label a row", found=shapes)
    bad = ~((probability >= 0) & (probability <= 1))
    if bad.any():
        raise ConfigError(thing, expected="probabilities of 0..1", found=f"{bad.sum()} others")
    foreign = (label != THAWED) & (label != FROZEN)
    if foreign.any():
        raise ConfigError(thing, expected="labels 0 and 1", found=f"{foreign.sum()} others")


def fit_none(raw: npt.NDArray[Any], label: npt.NDArray[Any]) -> Calibration:
    """The identity, with the checks of the other fits."""
    require_scored_rows("calibration", raw, label)
    return Calibration()


def fit_isotonic(raw: npt.NDArray[Any], label: npt.NDArray[Any]) -> Calibration:
    """The monotone map of least squares (Zadrozny & Elkan 2002, KDD), by scikit-learn.

    Parameters
    ----------
    raw
        Vote for the frozen class, 0..1, shape (row,).
    label
        0 thawed, 1 frozen, shape (row,).

    Raises
    ------
    NotEnoughRows, ConfigError
        Where there are no rows, or values outside these.
    """
    from sklearn.isotonic import IsotonicRegression

    require_scored_rows("calibration", raw, label)
    votes = _counted(raw, label)
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    fitted.fit(votes.vote, votes.frozen / votes.rows, sample_weight=votes.rows)
    return Calibration(
        "isotonic", tuple(fitted.X_thresholds_.tolist()), tuple(fitted.y_thresholds_.tolist())
    )


def fit_sigmoid(raw: npt.NDArray[Any], label: npt.NDArray[Any]) -> Calibration:
    """The logistic map of greatest likelihood, with the smoothed targets of Platt (1999).

    Newton's method with halved steps, as Lin, Lin & Weng (2007, Mach. Learn. 68, 267). A vote that
    falls as frozen rows become more common is worth nothing: the slope is then 0.

    Parameters
    ----------
    raw
        Vote for the frozen class, 0..1, shape (row,).
    label
        0 thawed, 1 frozen, shape (row,).

    Raises
    ------
    NotEnoughRows, ConfigError
        Where there are no rows, or values outside these.
    """
    require_scored_rows("calibration", raw, label)
    votes = _counted(raw, label)
    thawed, frozen = votes.thawed.sum(), votes.frozen.sum()
    high, low = (frozen + 1) / (frozen + 2), 1 / (thawed + 2)
    target = (votes.frozen * high + votes.thawed * low) / votes.rows
    weight = votes.rows / votes.rows.sum()
    slope, intercept = _most_likely(votes.vote, target, weight)
    if slope < 0:
        mean = float((weight * target).sum())
        slope, intercept = 0.0, math.log(mean / (1 - mean))
    return Calibration("sigmoid", slope=slope, intercept=intercept)


def _most_likely(
    vote: npt.NDArray[np.float64], target: npt.NDArray[np.float64], weight: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and intercept of least cross-entropy between targets and the logistic map."""

    def entropy(a: float, b: float) -> float:
        logit = a * vote + b
        return float((weight * (np.logaddexp(0.0, logit) - target * logit)).sum())

    mean = float((weight * target).sum())
    a, b = 0.0, math.log(mean / (1 - mean))
    reached = entropy(a, b)
    for _ in range(_STEPS):
        p = _logistic(a * vote + b)
        excess, bend = weight * (p - target), weight * p * (1 - p)
        ga, gb = float((excess * vote).sum()), float(excess.sum())
        if max(abs(ga), abs(gb)) < _FLAT:
            break
        haa = float((bend * vote * vote).sum()) + _RIDGE
        hab = float((bend * vote).sum())
        hbb = float(bend.sum()) + _RIDGE
        determinant = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant
        for halving in range(_HALVINGS):
            step = 0.5**halving
            tried = entropy(a - step * da, b - step * db)
            if tried < reached:
                a, b, reached = a - step * da, b - step * db, tried
                break
        else:
            break
    return a, b


_FITS: Mapping[Method, Callable[[npt.NDArray[Any], npt.NDArray[Any]], Calibration]]
_FITS = MappingProxyType({"none": fit_none, "sigmoid": fit_sigmoid, "isotonic": fit_isotonic})


def choose(
    raw: npt.NDArray[Any],
    label: npt.NDArray[Any],
    groups: npt.NDArray[Any],
    seed: int,
    folds: int = 5,
) -> tuple[Calibration, dict[str, Any]]:
    """Fit the map whose Brier score is best on groups of rows it was not fitted on.

    The score (Brier 1950), rather than the log loss: isotonic maps reach 0 and 1, where one row
    of the other class would make the log loss infinite. Of equal scores the simpler map is taken.

    Parameters
    ----------
    raw
        Vote for the frozen class of rows the forest was not grown on, 0..1, shape (row,).
    label
        0 thawed, 1 frozen, shape (row,).
    groups
        Integers, shape (row,), such as the spatial block or year and block: rows of one group are
        never on both sides.
    seed, folds
        Groups are dealt out to folds by `soilft.draws.dealt`.

    Returns
    -------
    Calibration
        Of the chosen method, fitted on all rows.
    dict
        ``criterion``, ``rows``, ``groups``, ``folds``, ``brier`` by method and ``chosen``.

    Raises
    ------
    NotEnoughRows, ConfigError
        Where rows are of one class or one group, or values outside these.
    """
    require_scored_rows("calibration", raw, label)
    frozen, count = int((label == FROZEN).sum()), len(np.unique(groups))
    if not 0 < frozen < len(label) or count < 2:
        raise NotEnoughRows(
            "calibration",
            expected="rows of both classes and of two groups or more",
            found=f"{len(label) - frozen} thawed and {frozen} frozen rows of {count} groups",
            remedy="Calibrate on more years or blocks.",
        )
    fold = dealt(groups, folds, seed)
    brier = {method: _held_out_brier(fit, raw, label, fold) for method, fit in _FITS.items()}
    chosen = min(brier, key=lambda method: brier[method])
    scores = {
        "criterion": "brier",
        "rows": len(label),
        "groups": count,
        "folds": int(fold.max()) + 1,
        "brier": brier,
        "chosen": chosen,
    }
    return _FITS[chosen](raw, label), scores


def _held_out_brier(
    fit: Callable[[npt.NDArray[Any], npt.NDArray[Any]], Calibration],
    raw: npt.NDArray[Any],
    label: npt.NDArray[Any],
    fold: npt.NDArray[np.intp],
) -> float:
    held_out = np.empty(len(raw))
    for number in range(int(fold.max()) + 1):
        test = fold == number
        held_out[test] = fit(raw[~test], label[~test]).apply(raw[test])
    return float(np.mean((held_out - label) ** 2))
