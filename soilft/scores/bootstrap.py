"""Confidence intervals of scores by cluster bootstrap, and two classifications compared.

Rows of one cluster, such as a year of a spatial block, share weather, ground and label errors;
resampling single rows would make every interval too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.scores.metrics import confusions, known, rates

REPLICATES = 1000
LEVEL = 0.95
# Below so many rows on which only one of two is right, McNemar's test is exact.
EXACT_BELOW = 25
# Scores that have an interval; the share of the larger class is not one of the classification.
SCORES = (
    "overall_accuracy",
    "balanced_accuracy",
    "recall_thawed",
    "recall_frozen",
    "precision_frozen",
    "f1_frozen",
    "kappa",
    "mcc",
)
_WEIGHTS_AT_ONCE = 4_000_000

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def resamples(blocks: int, *, seed: int, replicates: int = REPLICATES) -> Iterator[Counts]:
    """How often each block is drawn, with replacement and as many as there are, by replicate.

    Yields
    ------
    array
        int64 (replicate, block), some replicates at a time so that memory stays bounded; together
        ``replicates`` of them, the same whatever came at a time.
    """
    rng = np.random.default_rng(seed)
    step = max(1, _WEIGHTS_AT_ONCE // blocks)
    share = np.full(blocks, 1 / blocks)
    for start in range(0, replicates, step):
        yield rng.multinomial(blocks, share, size=min(step, replicates - start))


def intervals(
    block: npt.NDArray[Any],
    label: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    *,
    seed: int,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> dict[str, list[float] | None] | None:
    """Percentile interval of every score, by the bootstrap of blocks.

    Blocks are drawn with replacement (the cluster bootstrap: Field & Welsh 2007, J. R. Stat. Soc.
    B 69, 369), scores are those of the pooled counts, and bounds are percentiles of the replicates
    (Efron & Tibshirani 1993, ch. 13).

    Parameters
    ----------
    block
        Number of the space-time cluster of each row, (row,).
    label, predicted
        Codes, (row,); a row that either does not know is left out.
    seed
        Of the draws: the same rows in any order give the same intervals.
    replicates
        How often the blocks are drawn.
    level
        Share of the replicates within the interval.

    Returns
    -------
    dict or None
        ``[low, high]`` of each of `SCORES`, None for one that no replicate defines. None
        altogether where fewer than two blocks have rows: nothing varies between blocks then, and
        an interval of no width would claim certainty.
    """
    return intervals_of_counts(
        _by_block(block, label, predicted), seed=seed, replicates=replicates, level=level
    )


def intervals_of_counts(
    counts: Counts, *, seed: int, replicates: int = REPLICATES, level: float = LEVEL
) -> dict[str, list[float] | None] | None:
    """`intervals` from the two-by-two counts of each block, shape (block, 2, 2)."""
    filled = counts[counts.any(axis=(1, 2))]
    if len(filled) < 2:
        return None
    drawn = rates(_resampled(filled, seed, replicates))
    return {name: _percentiles(drawn[name], level) for name in SCORES}


def difference(
    block: npt.NDArray[Any],
    label: npt.NDArray[Any],
    first: npt.NDArray[Any],
    second: npt.NDArray[Any],
    *,
    seed: int,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> dict[str, Any]:
    """By how much the first of two classifications is better, paired on identical rows.

    Both are scored on the same drawn blocks, so that what makes a block hard for both cancels.

    Parameters
    ----------
    block, label
        As in `intervals`.
    first, second
        Codes, (row,). A row that the label or either of them does not know is left out of both.

    Returns
    -------
    dict
        ``overall_accuracy`` and ``balanced_accuracy``, first minus second, with their percentile
        intervals ``interval`` and ``balanced_accuracy_interval``, each ``[low, high]``, or None
        where fewer than two blocks have rows; ``rows`` compared, ``left_out`` and ``blocks``. The
        differences are NaN without rows.
    """
    rows = known(label, first, second)
    one, other = (_by_block(block[rows], label[rows], codes[rows]) for codes in (first, second))
    whole = _gains(one.sum(axis=0), other.sum(axis=0))
    found: dict[str, list[float] | None] = dict.fromkeys(whole)
    if len(one) >= 2:
        drawn = _resampled(np.stack([one, other], axis=1), seed, replicates)
        found = {
            name: _percentiles(gain, level)
            for name, gain in _gains(drawn[:, 0], drawn[:, 1]).items()
        }
    return {
        "overall_accuracy": float(whole["overall_accuracy"]),
        "interval": found["overall_accuracy"],
        "balanced_accuracy": float(whole["balanced_accuracy"]),
        "balanced_accuracy_interval": found["balanced_accuracy"],
        "rows": int(rows.sum()),
        "left_out": int((~rows).sum()),
        "blocks": len(one),
    }


def mcnemar(
    label: npt.NDArray[Any], first: npt.NDArray[Any], second: npt.NDArray[Any]
) -> dict[str, Any]:
    """McNemar's test of whether two classifications are right equally often.

    McNemar (1947) with the continuity correction of Edwards (1948); the exact binomial test where
    fewer than 25 rows decide. It takes rows for independent: where they share blocks, its p-value
    is too small, and the interval of `difference` is the one to read.

    Parameters
    ----------
    label, first, second
        Codes, (row,). A row that any of them does not know is left out.

    Returns
    -------
    dict
        ``only_first_right``, ``only_second_right``; ``test``, ``exact binomial`` or
        ``chi-square``; ``statistic``, chi-square with one degree of freedom, None where exact;
        ``p_value``, two-sided, 1 where no row decides.
    """
    from scipy import stats

    rows = known(label, first, second)
    right, other = first[rows] == label[rows], second[rows] == label[rows]
    one, two = int((right & ~other).sum()), int((other & ~right).sum())
    decisive = one + two
    exact = decisive < EXACT_BELOW
    statistic = None if exact else max(abs(one - two) - 1, 0) ** 2 / decisive
    if statistic is not None:
        p_value = float(stats.chi2.sf(statistic, 1))
    else:
        p_value = float(stats.binomtest(one, decisive).pvalue) if decisive else 1.0
    return {
        "only_first_right": one,
        "only_second_right": two,
        "test": "exact binomial" if exact else "chi-square",
        "statistic": statistic,
        "p_value": p_value,
    }


def _by_block(
    block: npt.NDArray[Any], label: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> Counts:
    values, at = np.unique(block, return_inverse=True)
    return confusions(at.ravel(), len(values), label, predicted)


def _resampled(counts: Counts, seed: int, replicates: int) -> Floats:
    """Sums of the blocks' counts by replicate, (replicate, ...), of counts (block, ...).

    Products of whole numbers in float64, exact and the same whatever BLAS does.
    """
    flat = counts.reshape(len(counts), -1).astype("float64")
    sums = [
        drawn.astype("float64") @ flat
        for drawn in resamples(len(counts), seed=seed, replicates=replicates)
    ]
    return np.concatenate(sums).reshape(-1, *counts.shape[1:])


def _gains(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> dict[str, Floats]:
    ours, theirs = rates(one), rates(other)
    return {name: ours[name] - theirs[name] for name in ("overall_accuracy", "balanced_accuracy")}


def _percentiles(values: Floats, level: float) -> list[float] | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return None
    tail = (1 - level) / 2
    return [float(bound) for bound in np.quantile(finite, [tail, 1 - tail])]
