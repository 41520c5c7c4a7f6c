"""The scorecard as a page that stands alone, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;
color:#1b2733}
table{border-collapse:collapse;margin:1rem 0}
th,td{padding:.3rem .8rem;border-bottom:1px solid #d5dde5;text-align:right}
th:first-child,td:first-child{text-align:left}
.warn{background:#fff3cd;padding:.8rem;border-left:4px solid #d39e00}
"""
_SCORES = (
    ("overall_accuracy", "overall accuracy"),
    ("balanced_accuracy", "balanced accuracy"),
    ("kappa", "kappa"),
    ("mcc", "MCC"),
    ("f1_frozen", "F1 frozen"),
    ("recall_thawed", "recall thawed"),
    ("recall_frozen", "recall frozen"),
    ("majority_share", "majority class alone"),
    ("rows", "pixel-days"),
)


def cautions(scorecard: Mapping[str, Any]) -> list[str]:
    """Sentences that a reader of the scores must see."""
    found = []
    if scorecard["simulated"]:
        found.append(
            "SIMULATED: the inputs were made by a simulator. No score here says anything about "
            "the accuracy of a product made from observations."
        )
    if scorecard["days"] == 1:
        found.append(
            "One day only: all scores are of that day. No multi-day prediction from real "
            "observations was run."
        )
    found.append(
        "In the random split neighbouring pixel-days share state, which can flatter the scores; it "
        "is given for comparison with records scored that way."
    )
    if scorecard["set_aside"]:
        found.append(f"{len(scorecard['set_aside'])} granules were set aside as unusable.")
    return found


def title(scorecard: Mapping[str, Any]) -> str:
    """Title of the report; simulated inputs are said first."""
    return ("SIMULATED: " if scorecard["simulated"] else "") + str(scorecard["title"])


def sections(scorecard: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Named sets of scores, in the order they are shown."""
    splits = scorecard["random_split_for_comparison_only"]
    for part in ("train", "validation", "test"):
        if part in splits:
            yield f"Random split, {part} (for comparison only)", splits[part]
    blocks = scorecard["spatial_blocks"]
    degrees = scorecard["validation"]["block_degrees"]
    yield f"Held-out {degrees:g}-degree blocks, {blocks['folds']} folds", blocks
    if scorecard["shuffled_labels"] is not None:
        yield "Control: the same with shuffled labels", scorecard["shuffled_labels"]


def text(scorecard: Mapping[str, Any]) -> str:
    """Confusion matrices and scores for a terminal."""
    lines = [title(scorecard), ""]
    lines += [f"  ! {caution}" for caution in cautions(scorecard)]
    for name, values in sections(scorecard):
        (tt, tf), (ft, ff) = values["confusion"]
        lines += [
            "",
            name,
            f"  {'':16}{'predicted thawed':>18}{'predicted frozen':>18}",
            f"  {'label thawed':16}{tt:>18,}{tf:>18,}",
            f"  {'label frozen':16}{ft:>18,}{ff:>18,}",
            _summary(values),
        ]
    return "\n".join(lines) + "\n"


def _summary(values: Mapping[str, Any]) -> str:
    return (
        f"  overall accuracy {values['overall_accuracy']:.3f}, balanced accuracy "
        f"{values['balanced_accuracy']:.3f}, kappa {values['kappa']:.3f}, majority class alone "
        f"{values['majority_share']:.3f}"
    )


def render(scorecard: Mapping[str, Any]) -> str:
    """HTML page with every number of the scorecard and nothing loaded from elsewhere."""
    heading = escape(title(scorecard))
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{heading}</title>',
        f"<style>{_STYLE}</style><h1>{heading}</h1>",
    ]
    model = escape(scorecard["model_digest"][:16])
    period, label = escape(scorecard["period"]), escape(scorecard["label"])
    parts.append(f"<p>{period}, label: {label}, model <code>{model}</code></p>")
    parts += [f'<p class="warn">{escape(caution)}</p>' for caution in cautions(scorecard)]
    for name, values in sections(scorecard):
        (tt, tf), (ft, ff) = values["confusion"]
        parts.append(
            f"<h2>{escape(name)}</h2><table><tr><th><th>predicted thawed<th>predicted frozen"
            f"<tr><td>label thawed<td>{tt:,}<td>{tf:,}<tr><td>label frozen<td>{ft:,}<td>{ff:,}"
            "</table><table>"
        )
        for key, label in _SCORES:
            value = values[key]
            shown = f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
            parts.append(f"<tr><td>{label}<td>{shown}")
        parts.append("</table>")
    return "\n".join(parts) + "\n"
