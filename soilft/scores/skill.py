"""Skill of a forest: its gain over always naming the majority class, on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from soilft.scores import bootstrap
from soilft.scores.evidence import HEADLINE
from soilft.scores.held_out_scores import Draws, Pool
from soilft.training.table import StoredTable


@dataclass(frozen=True)
class Skill:
    """By how much a forest is right more often than a rule that knows one class alone.

    Parameters
    ----------
    gain
        Overall accuracy of the forest minus that of the class of most of the rows that its fold was
        grown on, -1 to 1, on the same held-out rows.
    low, high
        95 % interval of it, by the bootstrap of clusters of year and block.
    rows
        Held-out rows that both are judged on.
    """

    gain: float
    low: float
    high: float
    rows: int

    @classmethod
    def of(cls, table: StoredTable, pool: Pool, draws: Draws) -> Skill | None:
        """Skill on the rows of all folds; None where they lie in fewer than two clusters.

        See `soilft.scores.bootstrap.difference`, which pairs the two on the same rows.
        """
        found = bootstrap.difference(
            table.clusters(pool.rows),
            pool.label,
            pool.state,
            pool.majority,
            seed=draws.seed,
            replicates=draws.replicates,
        )
        if found["interval"] is None:
            return None
        low, high = found["interval"]
        return cls(found["overall_accuracy"], low, high, found["rows"])

    @classmethod
    def of_scorecard(cls, scorecard: Mapping[str, Any]) -> Skill | None:
        """Skill as a scorecard alone shows it; None where its headline has no interval.

        The share of the larger class among the held-out rows stands for the accuracy of the rule,
        and does not vary with the clusters that are drawn.
        """
        headline = scorecard["experiments"][HEADLINE]
        if not headline["scores"] or not headline["intervals"]:
            return None
        scores, share = headline["scores"], headline["scores"]["majority_share"]
        gain, low, high = (
            accuracy - share
            for accuracy in (scores["overall_accuracy"], *headline["intervals"]["overall_accuracy"])
        )
        return cls(gain, low, high, scores["rows"])

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Skill:
        """The skill that `to_json` wrote."""
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        """JSON values by name."""
        return asdict(self)

    def exceeds(self, least: float) -> bool:
        """Whether the whole interval of the gain lies above some gain."""
        return self.low > least

    @property
    def caution(self) -> str:
        """What a reader must be told; empty where the forest beats the majority class."""
        if self.exceeds(0):
            return ""
        return (
            "The forest does not beat the majority class: on held-out rows its accuracy minus that "
            f"of always naming the class of most training rows is {self}."
        )

    def __str__(self) -> str:
        return f"{self.gain:+.4f} (95 % {self.low:+.4f} to {self.high:+.4f}, {self.rows} rows)"
