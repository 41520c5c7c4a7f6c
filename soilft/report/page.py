"""The scorecard as a page that stands alone, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from soilft.report import sections
from soilft.report.experiments import HEADLINE, experiments, for_comparison, held_out
from soilft.report.tables import Entry, count, difference, interval, percent, score, why

if TYPE_CHECKING:
    from jinja2 import Environment


def title(scorecard: Entry) -> str:
    """Title of the report; simulated inputs are said first."""
    return ("SIMULATED: " if scorecard["simulated"] else "") + str(scorecard["title"])


def cautions(scorecard: Entry) -> list[str]:
    """Sentences that a reader of the scores must see."""
    return [str(sentence) for sentence in scorecard.get("cautions") or []]


def text(scorecard: Entry) -> str:
    """Scores for a terminal: the headline, the baselines, the rest, and the random split last."""
    tried = experiments(scorecard)
    lines = [title(scorecard), "", *(f"  ! {sentence}" for sentence in cautions(scorecard)), ""]
    best = tried.get(HEADLINE) or {}
    lines += [
        f"HEADLINE  {held_out(best)}",
        *_lines(best),
    ]
    rows = scorecard.get("baselines")
    lines += ["", "Baselines on the same pixel-days (forest minus baseline, 95 % interval)"]
    if rows and not isinstance(rows, Mapping):
        widest = max(len(str(row["title"])) for row in rows)
        for row in rows:
            mark = "*" if row.get("is_satellite_label") else " "
            lines.append(
                f" {mark}{row['title']!s:{widest}}{percent(row.get('overall_accuracy')):>9}  "
                f"{difference(row)}"
            )
        lines.append("  * itself a satellite label")
    else:
        lines.append(f"  {why(rows)}")
    for key, entry in tried.items():
        if key != HEADLINE and not for_comparison(key, entry):
            lines += ["", str(entry["title"]), *_lines(entry)]
    for key, entry in tried.items():
        if for_comparison(key, entry):
            lines += ["", f"{entry['title']} (for comparison only)", *_lines(entry)]
    return "\n".join(lines) + "\n"


def render(scorecard: Entry, figures: Mapping[str, str] | None = None) -> str:
    """HTML page with the scores and figures, and nothing loaded from elsewhere.

    Parameters
    ----------
    scorecard
        As ``scorecard.json`` holds it; a section that is absent is said not to have been made.
    figures
        SVG markup or ``data:image/png`` URIs by name, as the modules of this room draw them.

    Raises
    ------
    ConfigError
        Where a figure is neither.
    """
    page = templates().get_template("page.html")
    return page.render(
        title=title(scorecard),
        simulated=scorecard["simulated"],
        period=scorecard.get("period", ""),
        days=count(scorecard.get("days")),
        label=scorecard.get("label"),
        model=str(scorecard.get("model_digest") or "")[:16],
        cautions=cautions(scorecard),
        drawn=bool(figures),
        figures=sections.figures(figures or {}),
        **sections.values(scorecard),
    )


@cache
def templates() -> Environment:
    """Templates of the page, each read once: all text is escaped, a value left out is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("soilft.report"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _lines(entry: Entry) -> Iterator[str]:
    """Confusion matrix and main scores for a terminal."""
    scores = entry.get("scores")
    if not scores:
        yield f"  {why(entry)}"
        return
    (tt, tf), (ft, ff) = scores["confusion"]
    against = str(entry.get("against", "label"))
    yield f"  {'':16}{'predicted thawed':>18}{'predicted frozen':>18}"
    yield f"  {against + ' thawed':16}{tt:>18,}{tf:>18,}"
    yield f"  {against + ' frozen':16}{ft:>18,}{ff:>18,}"
    yield (
        f"  overall accuracy {percent(scores.get('overall_accuracy'))} "
        f"({interval(entry, 'overall_accuracy')}), balanced accuracy "
        f"{percent(scores.get('balanced_accuracy'))}, kappa {score(scores.get('kappa'))}, "
        f"majority class alone {percent(scores.get('majority_share'))}"
    )
