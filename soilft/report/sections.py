"""Bodies of the report's sections: tables and sentences of one part of the scorecard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from soilft.report import tables
from soilft.report.tables import Entry, count, facts, percent, table, why

_GROUPS = {
    "month": "month",
    "season": "season",
    "elevation": "elevation band",
    "era": "sensor era",
    "year": "year",
    "gap_fill_level": "gap-fill level",
    "applicability": "area of applicability",
}


def experiment(entry: Entry) -> Iterator[str]:
    """Confusion matrix and all scores of one experiment."""
    scores = entry.get("scores")
    if not scores:
        yield f"<p>{escape(why(entry))}</p>"
        return
    against = str(entry.get("against", "label"))
    (tt, tf), (ft, ff) = scores["confusion"]
    rows = [
        {"name": f"{against} thawed", "thawed": tt, "frozen": tf},
        {"name": f"{against} frozen", "thawed": ft, "frozen": ff},
    ]
    yield from table(
        rows,
        (
            ("", lambda row: str(row["name"])),
            ("predicted thawed", lambda row: count(row["thawed"])),
            ("predicted frozen", lambda row: count(row["frozen"])),
        ),
        "Pixel-days",
    )
    yield from overview([entry])
    bounds = [
        {"name": k, "interval": v} for k, v in sorted((entry.get("intervals") or {}).items()) if v
    ]
    if bounds:
        yield from table(bounds, tables.INTERVALS, "95 % intervals")


def overview(entries: Sequence[Entry]) -> Iterator[str]:
    """One row for each experiment; what was not made is said below."""
    made = [entry for entry in entries if entry.get("scores")]
    if made or not entries:
        yield from table(made, tables.EXPERIMENTS)
    for entry in entries:
        if not entry.get("scores"):
            yield f"<p>{escape(str(entry.get('title')))}: {escape(why(entry))}</p>"


def by_group(entry: Entry) -> Iterator[str]:
    """Scores by month, season and whatever else the headline is split by."""
    groups: Entry = entry.get("by") or {}
    if not groups:
        yield f"<p>{escape(why(groups))}</p>"
    for name in sorted(groups, key=[*_GROUPS, *sorted(groups)].index):
        if rows := groups[name]:
            heading = _GROUPS.get(name, name.replace("_", " "))
            yield from table(
                rows, tables.grouped(lambda row: str(row["key"]), heading), f"By {heading}"
            )


def probability(entry: Entry) -> Iterator[str]:
    """Brier score, its skill, calibration error and the bins of the reliability."""
    found = entry.get("probability")
    yield from facts(found and {k: v for k, v in found.items() if k != "reliability"})
    if found and found.get("reliability"):
        yield from table(found["reliability"], tables.RELIABILITY, "Reliability by bin")


def conformal(found: Entry | None) -> Iterator[str]:
    """Coverage of the sets, by month and by spatial block."""
    if not found or "level" not in found:
        yield f"<p>{escape(why(found))}</p>"
        return
    yield (
        f"<p>Sets at {percent(found['level'])}, against the "
        f"{escape(str(found.get('against', 'label')))}.</p>"
    )
    for group, caption in (("by_month", "By month"), ("by_region", "By spatial block")):
        whole = {
            "key": "all",
            "rows": sum(found[name]["rows"] for name in ("thawed", "frozen")),
            **{f"coverage_{name}": found[name]["coverage"] for name in ("thawed", "frozen")},
            "both": found.get("both"),
            "neither": found.get("neither"),
        }
        yield from table([whole, *(found.get(group) or [])], tables.SETS, caption)


def annual(found: Entry | None) -> Iterator[str]:
    """Annual layers: means, errors and trends."""
    if not found or not found.get("layers"):
        yield f"<p>{escape(why(found))}</p>"
        return
    if found.get("reference"):
        yield f"<p>Errors against: {escape(str(found['reference']))}.</p>"
    yield from table(
        found["layers"], tables.LAYERS, "Mean over all years; trend of the regional mean"
    )


def search(found: Entry | None) -> Iterator[str]:
    """How the forest's settings were chosen."""
    if not found or not found.get("points"):
        yield f"<p>{escape(why(found))}</p>"
        return
    yield f"<p>{escape(str(found.get('why', '')))}</p>"
    yield f"<p>Chosen: {escape(tables.pairs(found.get('chosen') or {}))}.</p>"
    names = sorted({name for point in found["points"] for name in point.get("params", {})})
    costs = sorted({name for point in found["points"] for name in point} - {"params"})
    columns = [(n, lambda row, n=n: tables.plain(row.get("params", {}).get(n))) for n in names]
    columns += [(n.replace("_", " "), lambda row, n=n: tables.plain(row.get(n))) for n in costs]
    yield from table(found["points"], columns, "Points that were scored")


def hand_overs(found: Entry | None) -> Iterator[str]:
    """Steps of the brightness temperatures where one radiometer hands over to the next."""
    if not found:
        yield "<p>There is one radiometer, or several as they are.</p>"
        return
    for name in found.get("unreached") or []:
        yield f"<p>No days link {escape(str(name))} to the others: it is left out.</p>"
    for change in found["hand_overs"]:
        heading = f"{change['before']} to {change['after']}, {change['day']}"
        if not change["steps"]:
            yield f"<h3>{escape(heading)}</h3><p>{escape(why(change))}</p>"
            continue
        yield from table(
            change["steps"],
            tables.HAND_OVER,
            f"{heading}: step in K with its 90 % interval, left-out pixels and days; equivalent "
            f"where the interval lies within {change['margin']:g} K",
        )
        if change.get("frozen_days"):
            yield from table(
                [change["frozen_days"]],
                tables.FROZEN_STEP,
                f"{heading}: step in frozen days a year, by the published model on left-out "
                f"pixels and days; margin {change['frozen_days']['margin']:g} days",
            )
    for link in found["links"]:
        heading = (
            f"{link['one']} made like {link['other']}, from {link['days']} days, "
            f"{link['first']} to {link['last']}"
        )
        yield from table(link["channels"], tables.TRANSFERS, heading)


def gap_filling(found: Entry | None) -> Iterator[str]:
    """Scores of each gap-filling level, on observed pixel-days that were withheld."""
    if not found:
        yield "<p>There are no brightness temperatures to fill.</p>"
        return
    allowed = ", ".join(name.replace("_", " ") for name in found["allowed"]) or "none"
    yield f"<p>Levels allowed: {escape(allowed)}.</p>"
    if not found["levels"]:
        yield "<p>No known pixel-day was masked and filled: none could be judged.</p>"
        return
    yield from table(
        found["levels"],
        tables.GAP_LEVELS,
        f"Known pixel-days of {count(found['days'])} days, held out with their years and blocks, "
        "as each level alone would have filled them",
    )
    for entry in found["levels"]:
        name = str(entry["level"]).replace("_", " ")
        yield from table(entry["by_month"], tables.GAP_MONTHS, f"By month: {name}")


def both_records(found: Entry | None) -> Iterator[str]:
    """Scores and trend of the record without and with inter-calibration."""
    transfer, trend = ((found or {}).get(name) for name in ("transfer", "trend"))
    if transfer:
        yield from table(
            [pair for pair in transfer["pairs"] if not pair.get("reason")],
            tables.BOTH_RECORDS,
            "Trained with one radiometer, judged with another, the same pixel-days of both "
            f"records; {count(transfer['left_out'])} rows that the record as it was has not, or "
            "from another radiometer, are left out",
        )
        for pair in transfer["pairs"]:
            if pair.get("reason"):
                words = f"{pair['trained']} to {pair['judged']}: {why(pair)}"
                yield f"<p>{escape(words)}</p>"
    if not trend:
        return
    if not trend["records"]:
        yield f"<p>Frozen days a year: {escape(why(trend))}</p>"
        return
    said = (
        f"Frozen days a year, mean of {count(trend['cells'])} sampled cells, on "
        f"{count(trend['pixel_days'])} pixel-days that all records know"
    )
    yield from table(trend["records"], tables.FROZEN_TRENDS, said)
    rows = [
        {"year": year, **{r["record"]: r["series"][n] for r in trend["records"]}}
        for n, year in enumerate(trend["years"])
    ]
    names = [str(each["record"]) for each in trend["records"]]
    yield from table(rows, tables.frozen_by_year(names), "Frozen days by year")
