"""The best rule that needs no forest: the baseline that a forest gains least over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Share of the held-out rows that a rule must have a state for: one that speaks of a few days alone
# is no way to make a record.
LEAST_SHARE = 0.5


def best_rule(baselines: Sequence[Mapping[str, Any]], held_out: int) -> dict[str, Any]:
    """The rule with the least difference, of those that say something of half of the rows.

    Labels themselves, and persistence of the pixel's own, are no rules: no held-out year or block
    has them. Each rule and the forest are compared on the rows that the rule has a state for, so it
    is their difference that is compared, not their accuracy. To choose the best of several flatters
    the rule, not the forest.

    Parameters
    ----------
    baselines
        Against the label that was learnt; see `soilft.scores.held_out_scores.baselines`.
    held_out
        Number of held-out rows, at least one.

    Returns
    -------
    dict
        ``name``, ``title``, ``rows``, ``overall_accuracy`` and ``difference`` (forest minus rule)
        of the first with the least difference, or the ``reason`` why there is none.
    """
    least_rows = LEAST_SHARE * held_out
    able = [row for row in baselines if row["rows"] >= least_rows and not row["is_label"]]
    if not able:
        return {"reason": "no rule has a state for half of the held-out pixel-days"}
    least = min(able, key=lambda row: row["difference"]["overall_accuracy"])
    return {
        name: least[name] for name in ("name", "title", "rows", "overall_accuracy", "difference")
    }
