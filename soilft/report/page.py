"""The scorecard as a page that stands alone, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from soilft.errors import ConfigError
from soilft.report import sections, tables
from soilft.report.tables import (
    Entry,
    count,
    difference,
    facts,
    interval,
    percent,
    score,
    table,
    why,
)

HEADLINE = "year_block"
_RANDOM = ("random_train", "random_validation", "random_test")
# Beginnings of the keys of experiments, in the order they are shown; others follow by name.
_ORDER = (
    *_RANDOM,
    HEADLINE,
    "year",
    "block",
    "era_",
    "smap",
    "stations",
    "truth",
    "label_ceiling",
    "shuffled",
)
_RANDOM_NOTE = (
    "Rows of the same days and of neighbouring pixels stand on both sides of a random split. "
    "These scores are no measure of skill."
)
_STYLE = """
:root{color-scheme:light dark;--ink:#1b2733;--soft:#51606e;--line:#d3dbe3;--page:#fff;
--card:#f4f7fa;--warn:#fff3cd;--warn-ink:#5c4400;--accent:#0072b2}
@media (prefers-color-scheme:dark){:root{--ink:#e4e9ee;--soft:#a3b0bd;--line:#36424e;--page:#14191f;
--card:#1d242c;--warn:#4a3a08;--warn-ink:#ffe9a8;--accent:#56b4e9}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;max-width:66rem;margin:0 auto;padding:1.5rem 1rem 4rem;
color:var(--ink);background:var(--page)}
h1{font-size:1.7rem;line-height:1.25;margin:.6rem 0}h2{margin:2.6rem 0 .6rem;font-size:1.3rem;
border-top:1px solid var(--line);padding-top:1.2rem}h3{margin:1.6rem 0 .3rem;font-size:1.05rem}
p,li{max-width:46rem}.note,figcaption,caption{color:var(--soft);font-size:.92rem}
.simulated{background:#d55e00;color:#000;font-weight:700;padding:.6rem 1rem;border-radius:.4rem}
.warn{background:var(--warn);color:var(--warn-ink);border-left:4px solid #d39e00;
padding:.6rem 1rem .6rem 2rem;margin:1rem 0}
.headline{background:var(--card);border-radius:.6rem;padding:1.2rem 1.4rem;margin:1.2rem 0}
.headline strong{display:block;font-size:3.4rem;line-height:1.1;color:var(--accent)}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.8rem 0;
font-variant-numeric:tabular-nums}caption{text-align:left;padding-bottom:.3rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
thead th{border-bottom-width:2px}th:first-child,td:first-child{text-align:left}
th[scope=row]{font-weight:400}figure{margin:1.2rem 0}
figure svg,figure img{max-width:100%;height:auto}
figure img{background:#fff}code{overflow-wrap:anywhere}
@media print{:root{--ink:#000;--page:#fff;--card:#fff;--accent:#000;--soft:#333}
body{font-size:11px;max-width:none}tr,figure,.headline{break-inside:avoid}.scroll{overflow:visible}}
"""
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


def title(scorecard: Entry) -> str:
    """Title of the report; simulated inputs are said first."""
    return ("SIMULATED: " if scorecard["simulated"] else "") + str(scorecard["title"])


def cautions(scorecard: Entry) -> list[str]:
    """Sentences that a reader of the scores must see."""
    return [str(sentence) for sentence in scorecard.get("cautions") or []]


def text(scorecard: Entry) -> str:
    """Scores for a terminal: the headline, the baselines, the rest, and the random split last."""
    tried = _experiments(scorecard)
    lines = [title(scorecard), "", *(f"  ! {sentence}" for sentence in cautions(scorecard)), ""]
    headline = tried.get(HEADLINE) or {}
    lines += [
        f"HEADLINE  {headline.get('title', 'Held-out years and spatial blocks')}",
        *_lines(headline),
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
        if key != HEADLINE and not _comparison(key, entry):
            lines += ["", str(entry["title"]), *_lines(entry)]
    for key, entry in tried.items():
        if _comparison(key, entry):
            lines += ["", f"{entry['title']} (for comparison only)", *_lines(entry)]
    return "\n".join(lines) + "\n"


def render(scorecard: Entry, figures: Mapping[str, str] | None = None) -> str:
    """HTML page with the scores and figures, and nothing loaded from elsewhere.

    Parameters
    ----------
    scorecard
        As ``scorecard.json`` holds it; a section that is absent is said not to have been made.
    figures
        SVG markup or ``data:image/png`` URIs by name, as `soilft.report.figures` draws them.

    Raises
    ------
    ConfigError
        Where a figure is neither.
    """
    drawn = {name: _figure(name, figure) for name, figure in (figures or {}).items()}
    heading = escape(title(scorecard))
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{heading}</title><style>{_STYLE}</style></head><body><main>",
        *_top(scorecard, heading),
    ]
    if not drawn:
        parts.append(
            '<p class="note">No figures: they are drawn where matplotlib is installed, '
            "<code>pip install 'soilft[viz]'</code>. All scores stand in the tables.</p>"
        )
    for name, body in _sections(scorecard, drawn):
        parts += [f"<section><h2>{escape(name)}</h2>", *body, "</section>"]
    return "\n".join([*parts, "</main></body></html>"]) + "\n"


def _top(scorecard: Entry, heading: str) -> Iterator[str]:
    if scorecard["simulated"]:
        yield (
            '<p class="simulated" role="note">SIMULATED: made from simulated inputs, '
            "not from observations</p>"
        )
    yield f"<h1>{heading}</h1>"
    said = [
        str(scorecard.get("period", "")),
        f"{count(scorecard.get('days'))} days",
        f"label: {scorecard.get('label')}",
    ]
    model = escape(str(scorecard.get("model_digest") or "")[:16])
    yield f'<p class="note">{escape(", ".join(said))}, model <code>{model}</code></p>'
    entry = _experiments(scorecard).get(HEADLINE) or {}
    scores = entry.get("scores")
    yield '<div class="headline" id="headline">'
    if scores:
        against = str(entry.get("against", "label"))
        yield (
            f"<strong>{percent(scores.get('overall_accuracy'))}</strong>"
            f"overall accuracy, 95 % interval {interval(entry, 'overall_accuracy')}, "
            f"{escape(str(entry.get('title', '')))}, against the {escape(against)}"
        )
        sizes = [
            f"{count(entry.get(name))} {unit}"
            for name, unit in (("folds", "folds"), ("blocks", "blocks"))
            if entry.get(name) is not None
        ]
        sizes += [
            f"{count(scores.get('rows'))} pixel-days",
            f"balanced accuracy {percent(scores.get('balanced_accuracy'))}",
            f"kappa {score(scores.get('kappa'))}",
            f"the larger class alone {percent(scores.get('majority_share'))}",
        ]
        note = f"{'; '.join(sizes)}. {entry.get('note', '')}"
        yield f'<p class="note">{escape(note)}</p>'
    else:
        yield f"<p>Headline: {escape(why(entry))}</p>"
    yield "</div>"
    if cautions(scorecard):
        items = "".join(f"<li>{escape(sentence)}" for sentence in cautions(scorecard))
        yield f'<ul class="warn">{items}</ul>'


def _sections(scorecard: Entry, drawn: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Headings and bodies in the order of the page; each figure is taken where it belongs."""
    tried = _experiments(scorecard)
    headline = tried.get(HEADLINE) or {}
    others = [e for k, e in tried.items() if k != HEADLINE and not _comparison(k, e)]
    compared = [e for k, e in tried.items() if _comparison(k, e)]

    def take(*names: str) -> list[str]:
        return [drawn.pop(name) for name in names if name in drawn]

    yield "Held-out years and blocks", [*sections.experiment(headline), *take("confusion")]
    yield "Probabilities", [*sections.probability(headline), *take("reliability")]
    yield "By group", [*sections.by_group(headline), *take("monthly")]
    baselines = [*table(scorecard.get("baselines"), tables.BASELINES, "Against the label")]
    if scorecard.get("baselines_held_out_years"):
        known = scorecard["baselines_held_out_years"]
        baselines += table(known, tables.BASELINES, "Held-out years alone: places known to both")
    if scorecard.get("baselines_against_truth"):
        true = scorecard["baselines_against_truth"]
        baselines += table(true, tables.BASELINES, "Against the simulated truth")
    yield "Baselines on the same pixel-days", [*baselines, *take("differences")]
    groups = [
        part
        for entry in others
        if entry.get("by")
        for part in (f"<h3>{escape(str(entry['title']))}</h3>", *sections.by_group(entry))
    ]
    yield "Transfer, other labels, truth and controls", [*sections.overview(others), *groups]
    yield "Without some predictors", [*table(scorecard.get("ablations"), tables.ABLATIONS)]
    importance = [*table(scorecard.get("importance"), tables.IMPORTANCE)]
    yield "Importance of predictors", [*importance, *take("importance")]
    made_alike = scorecard.get("harmonization")
    hand_over = [*sections.hand_overs(made_alike), *take("hand_over")]
    yield "Hand-over between radiometers", [*hand_over, *sections.both_records(made_alike)]
    yield "Filled gaps", [*sections.gap_filling(scorecard.get("gap_filling"))]
    yield "Conformal sets", [*sections.conformal(scorecard.get("conformal"))]
    yield "Area of applicability", [*facts(scorecard.get("applicability"))]
    yield "Annual layers", [*sections.annual(scorecard.get("annual")), *take("annual")]
    yield "Other noise", [*table(scorecard.get("noise"), tables.NOISE), *take("noise")]
    shown = take("accuracy_map", "example_days", "pixel_decade", "availability")
    yield "Maps and days", shown or ["<p>Not made.</p>"]
    if drawn:
        yield "Further figures", take(*list(drawn))
    by_era = [f"<p>{escape(str(found['why']))}</p>"] if (found := scorecard.get("per_era")) else []
    yield "Choice of the forest", [*sections.search(scorecard.get("search")), *by_era]
    yield (
        "For comparison only: random split",
        [
            f'<p class="note">{_RANDOM_NOTE}</p>',
            *sections.overview(compared),
        ],
    )
    yield "Settings", [*facts(scorecard.get("settings"))]
    aside = "".join(f"<li>{escape(str(item))}" for item in scorecard.get("set_aside") or [])
    yield (
        "Labels and inputs",
        [
            *facts(scorecard.get("labels")),
            f"<h3>Set aside</h3><ul>{aside}</ul>" if aside else "<p>No granule was set aside.</p>",
        ],
    )


def _figure(name: str, drawn: str) -> str:
    words = escape(_FIGURES.get(name, name.replace("_", " ")))
    if drawn.startswith("<svg"):
        inner = drawn
    elif drawn.startswith("data:image/png;base64,"):
        inner = f'<img src="{escape(drawn)}" alt="{words}">'
    else:
        raise ConfigError(
            f"figure {name}", expected="SVG markup or a PNG data URI", found=repr(drawn[:40])
        )
    return f'<figure id="{escape(name)}">{inner}<figcaption>{words}</figcaption></figure>'


def _experiments(scorecard: Entry) -> dict[str, Entry]:
    """Experiments in the order of the page: the stored scorecard has its keys sorted."""

    def place(key: str) -> tuple[int, str]:
        return next((n for n, k in enumerate(_ORDER) if key.startswith(k)), len(_ORDER)), key

    found = scorecard.get("experiments") or {}
    return {key: found[key] for key in sorted(found, key=place)}


def _comparison(key: str, entry: Entry) -> bool:
    return key in _RANDOM or bool(entry.get("comparison_only"))


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
