"""Conformal sets of states: each class is missed in no more than a stated share of its rows.

Split conformal prediction, each class by itself (Mondrian: Vovk, Gammerman & Shafer 2005,
Algorithmic Learning in a Random World, chapter 4), with the scores of Sadinle, Lei & Wasserman
(2019, JASA 114, 223): a class fits a row the worse, the smaller its probability.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.errors import ConfigError, ModelError, NotEnoughRows
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.uncertainty.calibration import require_scored_rows

BOTH, NEITHER = 2, 3

# Code of the set by whether thawed (1) and frozen (2) are in it.
_CODES = np.array([NEITHER, THAWED, FROZEN, BOTH], "uint8")


@dataclass(frozen=True)
class Conformal:
    """Which states a probability leaves open.

    Parameters
    ----------
    level
        Share of the rows of each class whose set holds that class, at least: above 0, below 1.
    threshold_thawed, threshold_frozen
        Largest score, one less the probability of the class, with which it is in the set.
    rows_thawed, rows_frozen
        Rows that each threshold was taken from.
    """

    level: float
    threshold_thawed: float
    threshold_frozen: float
    rows_thawed: int
    rows_frozen: int

    def sets(self, probability: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Set of states of each row.

        Parameters
        ----------
        probability
            Of the frozen class, any shape, as exact as that of the calibration rows: what is
            rounded here must have been rounded there.

        Returns
        -------
        ndarray
            uint8 of the same shape: 0 thawed, 1 frozen, 2 both, 3 neither, 255 where NaN.
        """
        frozen = np.asarray(probability, "float64")
        with_thawed = _thawed_score(frozen) <= self.threshold_thawed
        with_frozen = _frozen_score(frozen) <= self.threshold_frozen
        codes = _CODES[with_thawed + 2 * with_frozen.astype("intp")]
        return np.where(np.isnan(frozen), np.uint8(MISSING), codes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes equal sets."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Conformal:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelError
            Where a value is absent, or none that a fit could give.
        """
        try:
            found = cls(
                float(content["level"]),
                float(content["threshold_thawed"]),
                float(content["threshold_frozen"]),
                int(content["rows_thawed"]),
                int(content["rows_frozen"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _unsound("level, thresholds and rows", repr(error)) from error
        if not 0 < found.level < 1:
            raise _unsound("a level between 0 and 1", f"{found.level:g}")
        for threshold in (found.threshold_thawed, found.threshold_frozen):
            if not 0 <= threshold <= 1:
                raise _unsound("thresholds of 0..1", f"{threshold:g}")
        fewest = rows_needed(found.level)
        if min(found.rows_thawed, found.rows_frozen) < fewest:
            counts = f"{found.rows_thawed} and {found.rows_frozen}"
            raise _unsound(f"{fewest} rows of each class or more", counts)
        return found


def _unsound(expected: str, found: str) -> ModelError:
    return ModelError("conformal sets", expected=expected, found=found)


def _thawed_score(frozen: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return frozen


def _frozen_score(frozen: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1.0 - frozen


def rows_needed(level: float) -> int:
    """Fewest rows of a class from which a threshold of this level can be taken."""
    exact = Fraction(str(level))
    return math.ceil(exact / (1 - exact))


def fit(probability: npt.NDArray[Any], label: npt.NDArray[Any], level: float = 0.9) -> Conformal:
    """Take the thresholds from rows that neither the forest nor the calibration has seen.

    The threshold of a class is the k-th smallest score of its n rows, with k = ceil((n + 1) level).
    A new row of the class, exchangeable with them, is then covered with a probability of at least
    the level, and where scores do not tie of at most level + 1 / (n + 1) (Lei et al. 2018, JASA
    113, 1094, theorem 2.2).

    Parameters
    ----------
    probability
        Of the frozen class, 0..1, shape (row,).
    label
        0 thawed, 1 frozen, shape (row,).
    level
        Nominal coverage of each class.

    Raises
    ------
    ConfigError
        Where the level is none, or values are outside these.
    NotEnoughRows
        Where a class has too few rows for the level.
    """
    if not 0 < level < 1:
        raise ConfigError("conformal level", expected="between 0 and 1", found=f"{level:g}")
    require_scored_rows("conformal sets", probability, label)
    frozen = np.asarray(probability, "float64")
    thawed_scores = _thawed_score(frozen[label == THAWED])
    frozen_scores = _frozen_score(frozen[label == FROZEN])
    return Conformal(
        level,
        _threshold("thawed", thawed_scores, level),
        _threshold("frozen", frozen_scores, level),
        len(thawed_scores),
        len(frozen_scores),
    )


def _threshold(name: str, scores: npt.NDArray[np.float64], level: float) -> float:
    # As a fraction: in binary, 0.9 * 10 and its like may come out just above a whole number.
    rank = math.ceil((len(scores) + 1) * Fraction(str(level)))
    if rank > len(scores):
        raise NotEnoughRows(
            f"conformal sets at level {level:g}",
            expected=f"{rows_needed(level)} {name} rows or more",
            found=str(len(scores)),
            remedy="Calibrate on more rows, or ask for a lower level.",
        )
    return float(np.partition(scores, rank - 1)[rank - 1])


def coverage(label: npt.NDArray[Any], sets: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """How often the sets hold the label, and how often they say nothing.

    Parameters
    ----------
    label
        0 thawed, 1 frozen; rows of any other code are left out.
    sets
        Codes of `Conformal.sets`, shape of ``label``; missing ones are left out.

    Returns
    -------
    dict
        ``rows``, ``rows_thawed``, ``rows_frozen``; ``coverage_thawed`` and ``coverage_frozen``, the
        shares of the rows of a class whose set holds it; ``share_both`` and ``share_neither`` of
        all rows. A share of no rows is NaN.
    """
    known = ((label == THAWED) | (label == FROZEN)) & (sets != MISSING)
    label, sets = label[known], sets[known]
    covered = (sets == label) | (sets == BOTH)
    thawed, frozen = label == THAWED, label == FROZEN
    return {
        "rows": len(label),
        "rows_thawed": int(thawed.sum()),
        "rows_frozen": int(frozen.sum()),
        "coverage_thawed": _share(covered[thawed]),
        "coverage_frozen": _share(covered[frozen]),
        "share_both": _share(sets == BOTH),
        "share_neither": _share(sets == NEITHER),
    }


def _share(rows: npt.NDArray[np.bool_]) -> float:
    return float(rows.mean()) if len(rows) else float("nan")


def coverage_by(
    groups: npt.NDArray[Any], label: npt.NDArray[Any], sets: npt.NDArray[np.uint8]
) -> list[dict[str, Any]]:
    """`coverage` of each group, such as the month or the region, ascending, with its ``group``.

    Parameters
    ----------
    groups
        Group of each row, shape of ``label``.
    """
    return [
        {"group": group.item(), **coverage(label[groups == group], sets[groups == group])}
        for group in np.unique(groups)
    ]
