"""Values of the report's sections, in the order of the page, as their templates show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from soilft.errors import ConfigError
from soilft.report import tables
from soilft.report.experiments import HEADLINE, experiments, for_comparison, held_out
from soilft.report.tables import Entry, Table, count, facts, interval, percent, score, table, why

_GROUPS = {
    "month": "month",
    "season": "season",
    "elevation": "elevation band",
    "era": "radiometer",
    "year": "year",
    "gap_fill_level": "gap-fill level",
    "applicability": "area of applicability",
}
_FIGURES = {
    "confusion": "Confusion matrix of the held-out pixel-days, with the share of each class.",
    "reliability": "Observed share of frozen against the predicted probability; on the diagonal "
    "the probabilities hold.",
    "monthly": "Overall accuracy and recall of each class by month, held-out pixel-days.",
    "differences": "Overall accuracy of the forest minus that of each baseline, with 95 % "
    "intervals.",
    "importance": "Loss of accuracy when a group of predictors is permuted on held-out blocks.",
    "annual": "Annual layers, mean over the region, by year.",
    "hand_over": "Steps of brightness temperature where one radiometer hands over to the next, as "
    "they are and harmonised, with 90 % intervals; shaded: the margin of equivalence.",
    "noise": "Overall accuracy at several scales of label and sensor noise.",
    "accuracy_map": "Share of right days of each pixel, with the coast.",
    "example_days": "Maps of the state on example days.",
    "pixel_decade": "All days of one pixel, a row for each year.",
    "availability": "Share of the region's cells with data, by source and day.",
}
_MAPS = ("accuracy_map", "example_days", "pixel_decade", "availability")


def values(scorecard: Entry) -> dict[str, Any]:
    """What each section shows, by the name that the templates give it."""
    tried = experiments(scorecard)
    best = tried.get(HEADLINE) or {}
    others = [e for k, e in tried.items() if k != HEADLINE and not for_comparison(k, e)]
    harmonized = scorecard.get("harmonization")
    return {
        "headline": headline(best),
        "held_out": experiment(best),
        "held_out_together": held_out(best),
        "probabilities": probability(best),
        "by_group": by_group(best),
        "baselines": baselines(scorecard),
        "transfer": {
            **overview(others),
            "groups": [(e["title"], by_group(e)) for e in others if e.get("by")],
        },
        "ablations": [table(scorecard.get("ablations"), tables.ABLATIONS)],
        "importance": [table(scorecard.get("importance"), tables.IMPORTANCE)],
        "hand_over": hand_overs(harmonized),
        "both_records": both_records(harmonized),
        "filled_gaps": filled_gaps(scorecard.get("gap_filling")),
        "conformal": conformal(scorecard.get("conformal")),
        "applicability": [facts(scorecard.get("applicability"))],
        "annual": annual(scorecard.get("annual")),
        "noise": [table(scorecard.get("noise"), tables.NOISE)],
        "choice": {
            **choice(scorecard.get("search")),
            "by_era": (scorecard.get("per_era") or {}).get("why"),
        },
        "random_split": overview([e for k, e in tried.items() if for_comparison(k, e)]),
        "settings": [facts(scorecard.get("settings"))],
        "labels": [facts(scorecard.get("labels"))],
        "set_aside": scorecard.get("set_aside") or [],
    }


def figures(drawn: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Figures by name, none or one each; ``maps`` and ``further`` hold several.

    Parameters
    ----------
    drawn
        SVG markup or ``data:image/png`` URIs by name.

    Raises
    ------
    ConfigError
        Where a figure is neither.
    """
    shown = {name: _figure(name, markup) for name, markup in drawn.items()}
    return {
        **{name: [shown[name]] if name in shown else [] for name in _FIGURES},
        "maps": [shown[name] for name in _MAPS if name in shown],
        "further": [figure for name, figure in shown.items() if name not in _FIGURES],
    }


def headline(entry: Entry) -> dict[str, Any]:
    """The score above all others, or the ``reason`` why there is none."""
    scores = entry.get("scores")
    if not scores:
        return {"reason": why(entry)}
    sizes = [
        f"{count(entry.get(name))} {name}"
        for name in ("folds", "blocks")
        if entry.get(name) is not None
    ]
    sizes += [
        f"{count(scores.get('rows'))} pixel-days",
        f"balanced accuracy {percent(scores.get('balanced_accuracy'))}",
        f"kappa {score(scores.get('kappa'))}",
        f"the larger class alone {percent(scores.get('majority_share'))}",
    ]
    return {
        "reason": "",
        "accuracy": percent(scores.get("overall_accuracy")),
        "interval": interval(entry, "overall_accuracy"),
        "title": entry.get("title", ""),
        "against": entry.get("against", "label"),
        "sizes": sizes,
        "note": entry.get("note", ""),
    }


def experiment(entry: Entry) -> list[Table]:
    """Confusion matrix and all scores of one experiment."""
    scores = entry.get("scores")
    if not scores:
        return [Table(reason=why(entry))]
    against = str(entry.get("against", "label"))
    (tt, tf), (ft, ff) = scores["confusion"]
    rows = [
        {"name": f"{against} thawed", "thawed": tt, "frozen": tf},
        {"name": f"{against} frozen", "thawed": ft, "frozen": ff},
    ]
    bounds = [
        {"name": k, "interval": v} for k, v in sorted((entry.get("intervals") or {}).items()) if v
    ]
    return [
        table(rows, tables.CONFUSION, "Pixel-days"),
        table([entry], tables.EXPERIMENTS),
        *([table(bounds, tables.INTERVALS, "95 % intervals")] if bounds else []),
    ]


def overview(entries: Sequence[Entry]) -> dict[str, Any]:
    """One row for each experiment, and why others were not made."""
    made = [entry for entry in entries if entry.get("scores")]
    return {
        "tables": [table(made, tables.EXPERIMENTS)] if made or not entries else [],
        "unmade": [
            {"title": entry.get("title"), "reason": why(entry)}
            for entry in entries
            if not entry.get("scores")
        ],
    }


def by_group(entry: Entry) -> list[Table]:
    """Scores by month, season and whatever else an experiment is split by."""
    groups: Entry = entry.get("by") or {}
    if not groups:
        return [Table(reason=why(groups))]
    found = []
    for name in sorted(groups, key=[*_GROUPS, *sorted(groups)].index):
        if rows := groups[name]:
            heading = _GROUPS.get(name, name.replace("_", " "))
            columns = tables.grouped(lambda row: str(row["key"]), heading)
            found.append(table(rows, columns, f"By {heading}"))
    return found


def probability(entry: Entry) -> list[Table]:
    """Brier score, its skill, calibration error and the bins of the reliability."""
    found = entry.get("probability")
    shown = [facts(found and {k: v for k, v in found.items() if k != "reliability"})]
    if found and found.get("reliability"):
        shown.append(table(found["reliability"], tables.RELIABILITY, "Reliability by bin"))
    return shown


def baselines(scorecard: Entry) -> list[Table]:
    """The forest beside other rules, against the label and what else is known."""
    found = [table(scorecard.get("baselines"), tables.BASELINES, "Against the label")]
    for name, caption in (
        ("baselines_held_out_years", "Held-out years alone: places known to both"),
        ("baselines_against_truth", "Against the simulated truth"),
    ):
        if scorecard.get(name):
            found.append(table(scorecard[name], tables.BASELINES, caption))
    return found


def hand_overs(found: Entry | None) -> dict[str, Any]:
    """Steps of the brightness temperatures where one radiometer hands over to the next."""
    if not found:
        return {"alone": True, "unreached": [], "changes": [], "links": []}
    links = []
    for link in found["links"]:
        heading = (
            f"{link['one']} inter-calibrated to {link['other']}, from {link['days']} days, "
            f"{link['first']} to {link['last']}"
        )
        links.append(table(link["channels"], tables.TRANSFERS, heading))
    return {
        "alone": False,
        "unreached": found.get("unreached") or [],
        "changes": [_hand_over(change) for change in found["hand_overs"]],
        "links": links,
    }


def _hand_over(change: Entry) -> dict[str, Any]:
    heading = f"{change['before']} to {change['after']}, {change['day']}"
    if not change["steps"]:
        return {"heading": heading, "reason": why(change), "tables": []}
    found = [
        table(
            change["steps"],
            tables.HAND_OVER,
            f"{heading}: step in K with its 90 % interval, left-out pixels and days; equivalent "
            f"where the interval lies within {change['margin']:g} K",
        )
    ]
    if change.get("frozen_days"):
        caption = (
            f"{heading}: step in frozen days a year, by the published model on left-out "
            f"pixels and days; margin {change['frozen_days']['margin']:g} days"
        )
        found.append(table([change["frozen_days"]], tables.FROZEN_STEP, caption))
    return {"heading": heading, "reason": "", "tables": found}


def both_records(found: Entry | None) -> dict[str, Any]:
    """Scores and trend of the record without and with inter-calibration."""
    transfer, trend = ((found or {}).get(name) for name in ("transfer", "trend"))
    shown: dict[str, Any] = {"transfer": [], "unmade": [], "no_trend": "", "trend": []}
    if transfer:
        shown["transfer"] = [
            table(
                [pair for pair in transfer["pairs"] if not pair.get("reason")],
                tables.BOTH_RECORDS,
                "Trained with one radiometer, judged with another, the same pixel-days of both "
                f"records; {count(transfer['left_out'])} rows that the record as it was has not, "
                "or from another radiometer, are left out",
            )
        ]
        shown["unmade"] = [
            {**pair, "reason": why(pair)} for pair in transfer["pairs"] if pair.get("reason")
        ]
    if trend and trend["records"]:
        shown["trend"] = _trends(trend)
    elif trend:
        shown["no_trend"] = why(trend)
    return shown


def _trends(found: Entry) -> list[Table]:
    caption = (
        f"Frozen days a year, mean of {count(found['cells'])} sampled cells, on "
        f"{count(found['pixel_days'])} pixel-days that all records know"
    )
    rows = [
        {"year": year, **{r["record"]: r["series"][n] for r in found["records"]}}
        for n, year in enumerate(found["years"])
    ]
    names = [str(each["record"]) for each in found["records"]]
    return [
        table(found["records"], tables.FROZEN_TRENDS, caption),
        table(rows, tables.frozen_by_year(names), "Frozen days by year"),
    ]


def filled_gaps(found: Entry | None) -> dict[str, Any]:
    """Scores of each gap-filling level, on observed pixel-days that were withheld."""
    if not found:
        return {"allowed": None, "tables": []}
    allowed = ", ".join(name.replace("_", " ") for name in found["allowed"]) or "none"
    if not found["levels"]:
        return {"allowed": allowed, "tables": []}
    caption = (
        f"Known pixel-days of {count(found['days'])} days that the folds hold out, as each level "
        "alone would have filled them"
    )
    by_month = [
        table(
            entry["by_month"],
            tables.GAP_MONTHS,
            f"By month: {str(entry['level']).replace('_', ' ')}",
        )
        for entry in found["levels"]
    ]
    return {
        "allowed": allowed,
        "tables": [table(found["levels"], tables.GAP_LEVELS, caption), *by_month],
    }


def conformal(found: Entry | None) -> dict[str, Any]:
    """Coverage of the sets, by month and by spatial block."""
    if not found or "level" not in found:
        return {"level": None, "tables": [Table(reason=why(found))]}
    whole = {
        "key": "all",
        "rows": sum(found[name]["rows"] for name in ("thawed", "frozen")),
        **{f"coverage_{name}": found[name]["coverage"] for name in ("thawed", "frozen")},
        "both": found.get("both"),
        "neither": found.get("neither"),
    }
    return {
        "level": percent(found["level"]),
        "against": found.get("against", "label"),
        "tables": [
            table([whole, *(found.get(group) or [])], tables.SETS, caption)
            for group, caption in (("by_month", "By month"), ("by_region", "By spatial block"))
        ],
    }


def annual(found: Entry | None) -> dict[str, Any]:
    """Annual layers: means, errors and trends."""
    if not found or not found.get("layers"):
        return {"reference": None, "tables": [Table(reason=why(found))]}
    caption = "Mean over all years; trend of the regional mean"
    return {
        "reference": found.get("reference"),
        "tables": [table(found["layers"], tables.LAYERS, caption)],
    }


def choice(found: Entry | None) -> dict[str, Any]:
    """How the forest's settings were chosen."""
    if not found or not found.get("points"):
        return {"chosen": None, "tables": [Table(reason=why(found))]}
    return {
        "why": found.get("why", ""),
        "chosen": tables.pairs(found.get("chosen") or {}),
        "tables": [
            table(found["points"], tables.points_of(found["points"]), "Points that were scored")
        ],
    }


def _figure(name: str, drawn: str) -> dict[str, str]:
    svg = drawn.startswith("<svg")
    if not svg and not drawn.startswith("data:image/png;base64,"):
        raise ConfigError(
            f"figure {name}", expected="SVG markup or a PNG data URI", found=repr(drawn[:40])
        )
    words = _FIGURES.get(name, name.replace("_", " "))
    return {"name": name, "words": words, "svg": drawn if svg else "", "png": "" if svg else drawn}
