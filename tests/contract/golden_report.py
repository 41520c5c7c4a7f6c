"""The golden pages of the report: ``python -m tests.contract.golden_report`` writes them anew.

One shows every section and figure, one has next to nothing to show, and one holds markup in every
text.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from soilft.report import page
from tests.support.scorecard import card, experiment, scores

FOLDER = Path(__file__).with_name("golden_report")
HOSTILE = "</p><script>alert(\"x\" + 'y')</script> &amp; "
FIGURES = (
    "confusion",
    "reliability",
    "monthly",
    "differences",
    "importance",
    "annual",
    "hand_over",
    "noise",
    "accuracy_map",
    "example_days",
    "pixel_decade",
    "availability",
    "one_more",
)


def whole() -> dict[str, Any]:
    """Give a scorecard with every optional part."""
    found = card()
    baseline = found["baselines"][0]
    satellite = baseline | {
        "title": "ESA CCI's flag",
        "note": 'of "the same" day',
        "is_satellite_label": True,
        "difference_of_truth": {"overall_accuracy": -0.02, "interval": [None, None]},
        "mcnemar": {"only_first_right": 3000, "only_second_right": 1, "p_value": 1e-9},
    }
    filled = {
        "rows": 40,
        "overall_accuracy": 0.81,
        "seen_overall_accuracy": 0.84,
        "balanced_accuracy": 0.8,
        "kappa": 0.55,
        "kelvin": {"36.5V": 2.5, "18.7H": None},
    }
    level = {
        "level": "same_day_other_node",
        **filled,
        "difference": {"overall_accuracy": -0.03, "interval": [-0.04, -0.01]},
        "by_month": [{"key": "01", **filled}],
    }
    shuffled = experiment("Shuffled labels", 51, by={"soil": [{"key": "loam", **scores(52)}]})
    return found | {
        "baselines": [baseline, satellite, *found["baselines"][1:]],
        "baselines_held_out_years": [baseline],
        "baselines_against_truth": [satellite],
        "experiments": found["experiments"] | {"shuffled": shuffled},
        "importance": [*found["importance"], {"group": "soil", "drop": 0.01, "folds": [0, 0.02]}],
        "gap_filling": {"allowed": ["same_day_other_node"], "days": 1234, "levels": [level]},
    }


def bare() -> dict[str, Any]:
    """Give the least that a report can be made of."""
    return {"title": "Nothing yet", "simulated": False}


def hostile() -> dict[str, Any]:
    """Give the whole scorecard, every text and the names of settings with markup before them."""
    found: dict[str, Any] = _spoilt(whole())
    return found | {
        "settings": {HOSTILE + name: value for name, value in found["settings"].items()}
    }


def pages() -> dict[str, str]:
    """Give the HTML of each page by name."""
    drawn = {name: f'<svg role="img" aria-label="{name}"></svg>' for name in FIGURES}
    drawn["accuracy_map"] = "data:image/png;base64,AAAA"
    return {
        "whole": page.render(whole(), drawn),
        "bare": page.render(bare()),
        "hostile": page.render(hostile(), {HOSTILE: "<svg></svg>"}),
    }


def _spoilt(value: Any) -> Any:
    if isinstance(value, str):
        return HOSTILE + value
    if isinstance(value, dict):
        return {name: _spoilt(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_spoilt(held) for held in value]
    return value


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, html in pages().items():
        (FOLDER / f"{name}.html").write_text(html, encoding="utf-8")


if __name__ == "__main__":
    main()
