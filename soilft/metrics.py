"""Scores of a classification into thawed and frozen, by scikit-learn's definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.schema import FROZEN, THAWED


def confusion(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Counts, shape (2, 2): rows are the truth, columns the prediction; thawed, then frozen."""
    from sklearn import metrics

    return np.asarray(metrics.confusion_matrix(truth, predicted, labels=[THAWED, FROZEN]), "int64")


def scores(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> dict[str, Any]:
    """All scores of a classification as plain numbers.

    Parameters
    ----------
    truth, predicted
        Codes 0 and 1, shape (row,), at least one row.

    Returns
    -------
    dict
        ``rows``, ``confusion`` and the usual scores; ``majority_share`` is what naming the larger
        class everywhere would reach.
    """
    from sklearn import metrics

    matrix = confusion(truth, predicted)
    recall = [
        float(matrix[i, i] / matrix[i].sum()) if matrix[i].sum() else float("nan") for i in (0, 1)
    ]
    # Where only one class occurs in truth and prediction, kappa is undefined, and the correlation
    # is 0 by definition; scikit-learn would warn.
    both = int((matrix.sum(axis=0) + matrix.sum(axis=1) > 0).sum()) == 2
    return {
        "rows": int(matrix.sum()),
        "confusion": matrix.tolist(),
        "majority_share": float(matrix.sum(axis=1).max() / matrix.sum()),
        "overall_accuracy": float(np.trace(matrix) / matrix.sum()),
        "balanced_accuracy": float(np.nanmean(recall)),
        "recall_thawed": recall[0],
        "recall_frozen": recall[1],
        "f1_frozen": float(metrics.f1_score(truth, predicted, pos_label=FROZEN, zero_division=0)),
        "kappa": float(metrics.cohen_kappa_score(truth, predicted)) if both else float("nan"),
        "mcc": float(metrics.matthews_corrcoef(truth, predicted)) if both else 0.0,
    }
