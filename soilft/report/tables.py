"""Tables of the report: what stands in each column, and how numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Entry = Mapping[str, Any]
# Heading of a column, and what stands in it for an entry.
Column = tuple[str, Callable[[Entry], str]]

_ABSENT = "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """What stands in a table, the first cell of a row naming it; where it has no row, why."""

    headings: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    caption: str = ""
    reason: str = ""


def percent(value: Any) -> str:
    """A share of one in percent."""
    return _ABSENT if value is None else f"{100 * value:.1f} %"


def score(value: Any) -> str:
    """A number with three decimals."""
    return _ABSENT if value is None else f"{value:.3f}"


def count(value: Any) -> str:
    """A whole number with separators."""
    return _ABSENT if value is None else f"{value:,.0f}"


def days(value: Any) -> str:
    """A number of days with one decimal."""
    return _ABSENT if value is None else f"{value:.1f}"


def points(value: Any) -> str:
    """A difference of shares in percentage points, signed."""
    return _ABSENT if value is None else f"{100 * value:+.2f}"


def plain(value: Any) -> str:
    """Any JSON value."""
    if value is None:
        return _ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    return str(value)


def pairs(values: Entry) -> str:
    """Names and values in one line."""
    return ", ".join(f"{name} {plain(value)}" for name, value in sorted(values.items()))


def interval(entry: Entry, name: str) -> str:
    """The 95 % interval of a score that is a share."""
    return _range((entry.get("intervals") or {}).get(name), lambda v: f"{100 * v:.1f}", " %")


def difference(row: Entry, name: str = "difference") -> str:
    """Difference of the overall accuracies with its interval, in percentage points."""
    found = row.get(name)
    if not found:
        return why(row)
    between = _range(found.get("interval"), points, "")
    return f"{points(found.get('overall_accuracy'))} ({between})"


def _range(bounds: Any, write: Callable[[Any], str], unit: str) -> str:
    if not bounds or any(bound is None for bound in bounds):
        return _ABSENT
    return f"{write(bounds[0])} to {write(bounds[1])}{unit}"


def why(section: Any) -> str:
    """Why a section or an entry has nothing to show, as a sentence."""
    reason = section.get("reason") if isinstance(section, Mapping) else None
    return f"Not made: {reason}" if reason else "Not made."


def facts(values: Entry | None) -> Table:
    """Names and values, nested ones with both names."""
    if not values or set(values) == {"reason"}:
        return Table(reason=why(values))
    rows = [{"name": name, "value": value} for name, value in _flat(values)]
    columns = (
        ("", lambda row: str(row["name"]).replace("_", " ")),
        ("value", lambda row: plain(row["value"])),
    )
    return table(rows, columns)


def _flat(values: Entry, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}: ")
        else:
            yield f"{above}{name}", value


def table(rows: Any, columns: Sequence[Column], caption: str = "") -> Table:
    """Entries as rows, the first column naming them; where there are none, why."""
    if not rows or isinstance(rows, Mapping):
        return Table(reason=why(rows))
    headings = [heading for heading, _ in columns]
    return Table(headings, [[shown(row) for _, shown in columns] for row in rows], caption)


def scored(first: Callable[[Entry], str], heading: str) -> tuple[Column, ...]:
    """Columns of the usual scores, after one that names the row."""
    return (
        (heading, first),
        ("pixel-days", lambda row: count(row.get("rows"))),
        *((label, _of(key, percent)) for key, label in _SHARES),
        *((label, _of(key, score)) for key, label in _NUMBERS),
    )


def grouped(first: Callable[[Entry], str], heading: str) -> tuple[Column, ...]:
    """Columns of one group of pixel-days: the usual scores, its probabilities and its sets."""
    return (
        *scored(first, heading),
        ("Brier score", _of("brier", score)),
        ("calibration error", _of("calibration_error", score)),
        ("coverage thawed", _of("coverage_thawed", percent)),
        ("coverage frozen", _of("coverage_frozen", percent)),
    )


def _of(key: str, write: Callable[[Any], str]) -> Callable[[Entry], str]:
    return lambda row: write(row.get(key))


def _in_scores(column: Column) -> Column:
    return column[0], lambda entry: column[1](entry.get("scores") or {})


def _titled(entry: Entry) -> str:
    note = str(entry.get("note") or "")
    return f"{entry.get('title')}. {note}" if note else str(entry.get("title"))


def _mcnemar(row: Entry) -> str:
    found = row.get("mcnemar")
    if not found:
        return _ABSENT
    p_value = found.get("p_value")
    shown = _ABSENT if p_value is None else "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return (
        f"{count(found.get('only_first_right'))} : {count(found.get('only_second_right'))}, {shown}"
    )


def _step(values: Any) -> str:
    """A mean with its interval, in K."""
    if not values or values[0] is None:
        return _ABSENT
    mean, *bounds = values
    return f"{mean:+.2f} ({_range(bounds if None not in bounds else None, '{:+.2f}'.format, '')})"


def _trend(row: Entry) -> str:
    found = row.get("trend")
    if not found or found.get("slope") is None:
        return _ABSENT
    between = _range(found.get("interval"), lambda v: f"{v:+.3g}", "")
    p_value, years = found.get("p_value"), found.get("years")
    chance = "" if p_value is None else f", p = {p_value:.3f}"
    return f"{found['slope']:+.3g} a year ({between}){chance}, {plain(years)} years"


def record(name: str) -> str:
    """Words for a record of the radiometers."""
    return _RECORDS.get(name, name)


def frozen_by_year(records: Sequence[str]) -> tuple[Column, ...]:
    """Columns of the frozen days of a year, one for each record."""
    return (("year", _of("year", plain)), *((record(name), _of(name, days)) for name in records))


def points_of(found: Sequence[Entry]) -> tuple[Column, ...]:
    """Columns of the points of a search: the settings tried, then scores and costs."""
    names = sorted({name for point in found for name in point.get("params", {})})
    costs = sorted({name for point in found for name in point} - {"params"})
    return (
        *((name, _nested("params", name, plain)) for name in names),
        *((name.replace("_", " "), _of(name, plain)) for name in costs),
    )


def _nested(part: str, key: str, write: Callable[[Any], str]) -> Callable[[Entry], str]:
    return lambda row: write((row.get(part) or {}).get(key))


def _mean_of_series(row: Entry) -> str:
    series = row.get("series") or []
    return days(sum(series) / len(series) if series else None)


def _trend_or_why(row: Entry) -> str:
    found = row.get("trend") or {}
    return str(found["reason"]) if found.get("reason") else _trend(row)


def _folds_or_interval(row: Entry) -> str:
    bounds = row.get("interval") or (
        [min(row["folds"]), max(row["folds"])] if row.get("folds") else None
    )
    return _range(bounds, points, "")


_SHARES = (
    ("overall_accuracy", "overall accuracy"),
    ("balanced_accuracy", "balanced accuracy"),
    ("recall_thawed", "recall thawed"),
    ("recall_frozen", "recall frozen"),
    ("majority_share", "majority class alone"),
)
_RECORDS = {
    "raw": "as they are",
    "harmonized": "harmonised",
    "truth": "simulated truth",
}
_NUMBERS = (("f1_frozen", "F1 frozen"), ("kappa", "kappa"), ("mcc", "MCC"))
_SCORED = tuple(_in_scores(column) for column in scored(str, "")[1:])

CONFUSION: tuple[Column, ...] = (
    ("", lambda row: str(row["name"])),
    ("predicted thawed", _of("thawed", count)),
    ("predicted frozen", _of("frozen", count)),
)
EXPERIMENTS: tuple[Column, ...] = (
    ("experiment", _titled),
    ("against", _of("against", plain)),
    ("95 % interval of overall accuracy", lambda entry: interval(entry, "overall_accuracy")),
    *_SCORED,
)
INTERVALS: tuple[Column, ...] = (
    ("score", lambda row: str(row["name"]).replace("_", " ")),
    ("low", lambda row: score(row["interval"][0])),
    ("high", lambda row: score(row["interval"][1])),
)
BASELINES: tuple[Column, ...] = (
    (
        "baseline",
        lambda row: (
            _titled(row) + (" (a satellite label)" if row.get("is_satellite_label") else "")
        ),
    ),
    ("pixel-days", _of("rows", count)),
    ("overall accuracy", _of("overall_accuracy", percent)),
    ("balanced accuracy", _of("balanced_accuracy", percent)),
    ("forest, overall accuracy", _of("model_overall_accuracy", percent)),
    ("forest minus baseline, points (95 % interval)", difference),
    (
        "truth minus baseline, points",
        lambda row: (
            difference(row, "difference_of_truth") if row.get("difference_of_truth") else _ABSENT
        ),
    ),
    ("McNemar: only forest right : only baseline right", _mcnemar),
)
ABLATIONS: tuple[Column, ...] = (
    ("predictors", _titled),
    ("number", _of("features", count)),
    ("full minus reduced, points (95 % interval)", difference),
    *_SCORED,
)
IMPORTANCE: tuple[Column, ...] = (
    ("group", _of("group", plain)),
    ("loss of overall accuracy, points", _of("drop", points)),
    ("interval, or range over folds", _folds_or_interval),
)
NOISE: tuple[Column, ...] = (
    ("noise", lambda row: f"{plain(row.get('scale'))}x"),
    ("overall accuracy", _of("overall_accuracy", percent)),
    ("95 % interval", lambda row: interval({"intervals": {"": row.get("interval")}}, "")),
    ("label against truth (ceiling)", _of("ceiling", percent)),
    ("forest against truth", _of("against_truth", percent)),
    ("note", lambda row: str(row.get("note") or "")),
)
_FILLED: tuple[Column, ...] = (
    ("pixel-days", _of("rows", count)),
    ("overall accuracy, filled", _of("overall_accuracy", percent)),
    ("overall accuracy, as seen", _of("seen_overall_accuracy", percent)),
    ("balanced accuracy, filled", _of("balanced_accuracy", percent)),
    ("kappa, filled", _of("kappa", score)),
    ("error of brightness temperature, K", lambda row: pairs(row.get("kelvin") or {})),
)
GAP_LEVELS: tuple[Column, ...] = (
    ("level", lambda row: str(row["level"]).replace("_", " ")),
    *_FILLED,
    ("filled minus seen, points (95 % interval)", difference),
)
GAP_MONTHS: tuple[Column, ...] = (("month", _of("key", plain)), *_FILLED)
HAND_OVER: tuple[Column, ...] = (
    ("channel", _of("channel", str)),
    ("node", _of("node", str)),
    ("pairs", _of("pairs", count)),
    ("as they are", lambda row: _step(row.get("raw"))),
    ("harmonised", lambda row: _step(row.get("harmonized"))),
    ("as they are equivalent", _of("raw_equivalent", plain)),
    ("harmonised equivalent", _of("equivalent", plain)),
)
FROZEN_STEP: tuple[Column, ...] = (
    ("pixel-days", _of("pixel_days", count)),
    ("as they are", lambda row: _step(row.get("raw"))),
    ("harmonised", lambda row: _step(row.get("harmonized"))),
    ("as they are equivalent", _of("raw_equivalent", plain)),
    ("harmonised equivalent", _of("equivalent", plain)),
)
BOTH_RECORDS: tuple[Column, ...] = (
    ("trained with", _of("trained", str)),
    ("judged with", _of("judged", str)),
    ("pixel-days", _of("rows", count)),
    *(
        (f"{label}, {words}", _nested(which, key, write))
        for key, label, write in (
            ("overall_accuracy", "overall accuracy", percent),
            ("balanced_accuracy", "balanced accuracy", percent),
            ("kappa", "kappa", score),
        )
        for which, words in list(_RECORDS.items())[:2]
    ),
    ("harmonised minus as they are, points (95 % interval)", difference),
)
FROZEN_TRENDS: tuple[Column, ...] = (
    ("record", lambda row: record(str(row.get("record")))),
    ("mean of the years, days", _mean_of_series),
    ("trend of the regional mean, days (95 % interval)", _trend_or_why),
)
TRANSFERS: tuple[Column, ...] = (
    ("channel", _of("channel", str)),
    ("node", _of("node", str)),
    ("pairs", _of("pairs", count)),
    ("terms", lambda row: plain(row.get("terms"))),
    ("pixels' own terms", lambda row: plain(row.get("own_terms")) or "none"),
    ("spread as they are, K", _of("spread_raw", score)),
    ("spread by region, K", _of("spread_regional", score)),
    ("spread with pixels' own, K", _of("spread_pixel", score)),
)
RELIABILITY: tuple[Column, ...] = (
    ("predicted", _of("predicted", score)),
    ("observed", _of("observed", score)),
    ("pixel-days", _of("rows", count)),
)
SETS: tuple[Column, ...] = (
    ("group", _of("key", plain)),
    ("pixel-days", _of("rows", count)),
    ("coverage thawed", _of("coverage_thawed", percent)),
    ("coverage frozen", _of("coverage_frozen", percent)),
    ("both", _of("both", percent)),
    ("neither", _of("neither", percent)),
)
LAYERS: tuple[Column, ...] = (
    ("layer", lambda row: str(row.get("name")).replace("_", " ")),
    ("unit", _of("unit", plain)),
    ("mean", _of("mean", plain)),
    ("bias", _of("bias", plain)),
    ("mean absolute error", _of("mean_absolute_error", plain)),
    ("pixel-years", _of("rows", count)),
    ("trend (95 % interval)", _trend_or_why),
)
