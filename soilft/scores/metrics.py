"""Scores of a classification into thawed and frozen, by scikit-learn's definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.schema import FROZEN, THAWED

BINS = 15

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Names = Mapping[Any, str] | Sequence[str]


def known(*states: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Rows that are thawed or frozen in each of some arrays of codes, (row,)."""
    rows = [(codes == THAWED) | (codes == FROZEN) for codes in states]
    return np.asarray(np.logical_and.reduce(rows), "bool")


def confusion(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> Counts:
    """Counts, shape (2, 2): rows are the truth, columns the prediction; thawed, then frozen.

    Rows of another code, such as missing, are left out.
    """
    return confusions(np.zeros(len(truth), "intp"), 1, truth, predicted).reshape(2, 2)


def confusions(
    group: npt.NDArray[np.intp],
    groups: int,
    truth: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
) -> Counts:
    """`confusion` of each group, shape (group, 2, 2).

    Parameters
    ----------
    group
        Number of each row's group, 0 to ``groups - 1``, shape (row,).
    groups
        How many there are; one without rows has zeros.
    truth, predicted
        Codes, (row,).
    """
    rows = known(truth, predicted)
    code = group[rows] * 4 + (truth[rows] == FROZEN) * 2 + (predicted[rows] == FROZEN)
    return np.bincount(code, minlength=4 * groups).reshape(groups, 2, 2).astype("int64")


def rates(matrix: npt.NDArray[Any]) -> dict[str, Floats]:
    """Scores of two-by-two counts, over any leading axes at once.

    Parameters
    ----------
    matrix
        Counts, shape (..., 2, 2): rows the truth, columns the prediction; thawed, then frozen.

    Returns
    -------
    dict
        float64 arrays of shape (...): ``majority_share`` (what naming the larger class everywhere
        would reach), ``overall_accuracy``, ``balanced_accuracy`` (mean recall of the classes that
        occur), ``recall_thawed``, ``recall_frozen``, ``precision_frozen``, ``f1_frozen``,
        ``kappa`` (Cohen 1960) and ``mcc`` (Matthews 1975). NaN where a score is undefined: a
        recall without rows of its class, a precision where nothing was named frozen, kappa where
        only one class occurs, all without rows. As in scikit-learn, ``f1_frozen`` and ``mcc`` are
        0 where their denominator is.
    """
    counts = np.asarray(matrix, "float64")
    true, named = counts.sum(axis=-1), counts.sum(axis=-2)
    rows = true.sum(axis=-1)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    recall = _ratio(hits, true)
    agreement = _ratio(hits.sum(axis=-1), rows)
    by_chance = _ratio((true * named).sum(axis=-1), rows**2)
    product = true.prod(axis=-1) * named.prod(axis=-1)
    crossed = hits.prod(axis=-1) - counts[..., 0, 1] * counts[..., 1, 0]
    f1 = _ratio(2 * hits[..., 1], true[..., 1] + named[..., 1])
    mcc = _ratio(crossed, np.sqrt(product))
    empty = rows == 0
    return {
        "majority_share": _ratio(true.max(axis=-1), rows),
        "overall_accuracy": agreement,
        "balanced_accuracy": _ratio(np.nansum(recall, axis=-1), (true > 0).sum(axis=-1)),
        "recall_thawed": recall[..., 0],
        "recall_frozen": recall[..., 1],
        "precision_frozen": _ratio(hits[..., 1], named[..., 1]),
        "f1_frozen": np.where(np.isnan(f1) & ~empty, 0.0, f1),
        "kappa": _ratio(agreement - by_chance, 1 - by_chance),
        "mcc": np.where(np.isnan(mcc) & ~empty, 0.0, mcc),
    }


def _ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> Floats:
    """Quotient, NaN where the denominator is 0."""
    above, below = np.broadcast_arrays(np.asarray(above, "float64"), np.asarray(below, "float64"))
    quotient = np.full(below.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient


def scores_of_confusion(matrix: npt.NDArray[Any]) -> dict[str, Any]:
    """All scores of one two-by-two table as plain numbers.

    Parameters
    ----------
    matrix
        Counts, (2, 2), as from `confusion`.

    Returns
    -------
    dict
        ``rows``, ``confusion`` and what `rates` gives.
    """
    counts = np.asarray(matrix, "int64")
    return {
        "rows": int(counts.sum()),
        "confusion": counts.tolist(),
        **{name: float(value) for name, value in rates(counts).items()},
    }


def scores(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> dict[str, Any]:
    """All scores of a classification as plain numbers: `scores_of_confusion` of its rows.

    Parameters
    ----------
    truth, predicted
        Codes 0 and 1, shape (row,); rows of another code are left out.
    """
    return scores_of_confusion(confusion(truth, predicted))


def by(
    groups: npt.NDArray[Any],
    label: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    names: Names | None = None,
) -> list[dict[str, Any]]:
    """Scores of each group that has rows, such as the month or the elevation band, ascending.

    Parameters
    ----------
    groups
        Group of each row, (row,).
    label, predicted
        Codes, (row,).
    names
        Name of each group; its value as text where None.

    Returns
    -------
    list of dict
        ``key``, the group's name, and its `scores`.
    """
    values, group = np.unique(groups, return_inverse=True)
    matrices = confusions(group.ravel(), len(values), label, predicted)
    return [
        {
            "key": str(value) if names is None else names[value],
            **scores_of_confusion(matrix),
        }
        for value, matrix in zip(values.tolist(), matrices, strict=True)
        if matrix.any()
    ]


def probability_scores(
    label: npt.NDArray[Any],
    probability: npt.NDArray[Any],
    climatology: npt.NDArray[Any] | None = None,
) -> dict[str, Any]:
    """Scores of the probability of frozen.

    Parameters
    ----------
    label
        Codes 0 and 1, (row,); rows of another code are left out.
    probability
        Of frozen, (row,); rows of NaN are left out.
    climatology
        Another probability of frozen to compare with, (row,); NaN where it does not know.

    Returns
    -------
    dict
        ``brier``, the mean squared error (Brier 1950); ``brier_skill``, 1 - brier / brier of the
        climatology, both on the rows that the climatology knows, NaN without one or where the
        climatology makes no error; ``calibration_error``, the expected calibration error (Naeini
        et al. 2015) over 15 bins of equal mass (Nixon et al. 2019), as binned by `reliability`;
        ``log_loss`` in nats, probabilities clipped by the float64 machine epsilon.
    """
    truth, p, other = _scored(label, probability, climatology)
    error = (p - truth) ** 2
    clipped = np.clip(p, np.finfo("float64").eps, 1 - np.finfo("float64").eps)
    likelihood = np.where(truth == 1, clipped, 1 - clipped)
    bins = reliability(truth, p)
    gaps = [b["rows"] * abs(b["observed"] - b["predicted"]) for b in bins]
    return {
        "brier": _mean(error),
        "brier_skill": _skill(error, (other - truth) ** 2),
        "calibration_error": float(sum(gaps) / len(truth)) if len(truth) else float("nan"),
        "log_loss": _mean(-np.log(likelihood)),
    }


def reliability(
    label: npt.NDArray[Any], probability: npt.NDArray[Any], bins: int = BINS
) -> list[dict[str, Any]]:
    """Predicted and observed share of frozen in bins of equal mass, ascending.

    Rows are binned by the rank of their probability; equal ones keep their order, so that a bin's
    edge may run through them. Sizes differ by one row at most; bins without rows are left out.

    Parameters
    ----------
    label, probability
        Codes 0 and 1, and the probability of frozen, (row,); rows of another code or of NaN are
        left out.

    Returns
    -------
    list of dict
        ``predicted``, the bin's mean probability; ``observed``, its share of frozen; ``rows``.
    """
    truth, p, _ = _scored(label, probability, None)
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return [
        {
            "predicted": float(p[rows].mean()),
            "observed": float(truth[rows].mean()),
            "rows": len(rows),
        }
        for rows in parts
        if len(rows)
    ]


def _scored(
    label: npt.NDArray[Any],
    probability: npt.NDArray[Any],
    climatology: npt.NDArray[Any] | None,
) -> tuple[Floats, Floats, Floats]:
    """Rows with a label and a probability, the climatology NaN where there is none."""
    rows = known(label) & ~np.isnan(probability)
    other = np.full(int(rows.sum()), np.nan) if climatology is None else climatology[rows]
    return label[rows].astype("float64"), probability[rows].astype("float64"), other


def _skill(error: Floats, reference: Floats) -> float:
    both = ~np.isnan(reference)
    worst = _mean(reference[both])
    return 1 - _mean(error[both]) / worst if worst > 0 else float("nan")


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
