"""The scorecard as a page and as text."""

import copy
import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import UndefinedError

from soilft.errors import ConfigError
from soilft.report import page as report
from tests.support.scorecard import card

VOID = {"meta", "img", "br", "hr", "path", "use", "image", "li"}


class Page(HTMLParser):
    """Tags, attributes and text, and whether the tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.headings: list[str] = []
        self.ids: list[str] = []
        self.images_without_alt = 0
        self.headers_without_scope = 0
        self.words: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [str(found[n]) for n in ("src", "href", "xlink:href", "data") if n in found]
        self.ids += [str(found["id"])] if "id" in found else []
        self.images_without_alt += tag == "img" and not found.get("alt")
        self.headers_without_scope += tag == "th" and found.get("scope") not in ("col", "row")
        assert tag not in ("script", "link", "iframe", "object", "base")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_headline_stands_above_all_other_scores_with_its_interval() -> None:
    page = Page(report.render(card()))
    first = re.search(r"\d+\.\d %", page.text)
    assert first is not None
    assert first.group() == "90.0 %"
    assert "95 % interval 88.8 to 91.2 %" in page.text
    assert page.text.index("90.0 %") < page.text.index("97.0 %")


@pytest.mark.parametrize(
    ("years", "blocks", "words"),
    [
        (["2014/15"], 6, "Held-out spatial blocks alone, in 2014/15"),
        (["2013", "2014"], 1, "Held-out years alone"),
        (["2013", "2014"], 6, "Held-out years and blocks"),
    ],
)
def test_headline_names_what_was_held_out(years: list[str], blocks: int, words: str) -> None:
    scorecard = card()
    best = scorecard["experiments"]["year_block"]
    best |= {"title": "Held-out years and spatial blocks", "blocks": blocks}
    best["by"]["year"] = [{**best["by"]["month"][0], "key": year} for year in years]
    against = {**best, "title": "Held-out years and blocks against SMAP, AM", "against": "smap"}
    scorecard["experiments"]["smap_am"] = against
    page = Page(report.render(scorecard))
    assert words in page.headings
    assert f"{words}, against the label" in page.text
    assert f"{words} against SMAP, AM" in page.text
    assert f"HEADLINE  {words}\n" in report.text(scorecard)
    said = page.text + report.text(scorecard)
    assert ("Held-out years and" in said) == (words == "Held-out years and blocks")


def test_random_split_stands_below_under_its_own_name() -> None:
    page = Page(report.render(card()))
    below = page.text[page.text.rindex("For comparison only: random split") :]
    above = page.text[: page.text.rindex("For comparison only: random split")]
    assert "99.0 %" in below
    assert "97.0 %" in below
    assert "99.0 %" not in above
    assert "Random split" not in above


@pytest.mark.parametrize("simulated", [True, False])
def test_simulated_stands_in_the_title_and_on_a_banner_only_where_it_is(simulated: bool) -> None:
    scorecard = {**card(), "simulated": simulated, "cautions": []}
    html = report.render(scorecard)
    assert report.title(scorecard).startswith("SIMULATED: ") is simulated
    assert ("<title>SIMULATED: " in html) is simulated
    assert ("<h1>SIMULATED: " in html) is simulated
    assert ('class="simulated"' in html) is simulated
    assert ("SIMULATED" in Page(html).text) is simulated


def test_nothing_is_loaded_from_elsewhere() -> None:
    drawn = {"accuracy_map": "data:image/png;base64,AAAA", "confusion": "<svg></svg>"}
    html = report.render(card(), drawn)
    page = Page(html)
    assert page.loads == ["data:image/png;base64,AAAA"]
    assert not re.search(r"url\(\s*['\"]?(?!#)|@import", html)


def test_text_of_the_scorecard_is_escaped() -> None:
    hostile = "<script>alert('x')</script>"

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: hostile + v if isinstance(v, str) else spoilt(v) for k, v in value.items()}
        if isinstance(value, list):
            return [hostile + v if isinstance(v, str) else spoilt(v) for v in value]
        return value

    html = report.render(spoilt(card()))
    assert "<script" not in html
    assert "<script>" in unescape(html)
    assert "Plateau &lt;&amp; co&gt;" in html


def test_a_template_escapes_all_text_and_misses_no_value() -> None:
    part = report.templates().get_template("figure.html")
    figure = {"name": '"><b', "words": "<em>'", "png": 'data:"', "svg": ""}
    shown = part.render(figure=figure)
    assert "<b" not in shown
    assert "<em" not in shown
    assert shown.count('"') == 6
    with pytest.raises(UndefinedError, match="words"):
        part.render(figure={name: value for name, value in figure.items() if name != "words"})


def test_templates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    once = report.render(card(), {"confusion": "<svg></svg>"})

    def read(*given: object) -> None:
        pytest.fail("a template was read again")

    monkeypatch.setattr(report.templates().loader, "get_source", read)
    assert report.render(card(), {"confusion": "<svg></svg>"}) == once


def test_every_part_of_the_scorecard_is_shown() -> None:
    text = Page(report.render(card())).text
    for shown in (
        "second caution",
        "a granule & its fault",
        "abababababababab",
        "10 folds; 12 blocks; 200 pixel-days",
        "71.0 %",
        "93.0 %",
        "0.071",
        "0.135",
        "+4.56 (+3.45 to +5.67)",
        "30 : 10, p = 0.002",
        "no 18.7 GHz",
        "88.0 %",
        "+7.89",
        "90.1 %",
        "90.3 %",
        "0.97",
        "151.5",
        "-0.375 a year (-0.5 to +0.25), p = 0.040, 10 years",
        "94.0 to 96.0 %",
        "the cheapest of the good",
        "Chosen: max_features sqrt.",
        "0.888 0.912",
        "0.9123",
        "forest: n estimators",
        "partially frozen",
        "one forest for all radiometers",
        "At stations: Not made: no pixel-day is in both",
    ):
        assert shown in text, shown


SECTIONS = (
    "baselines",
    "ablations",
    "importance",
    "conformal",
    "applicability",
    "annual",
    "noise",
    "search",
    "settings",
    "labels",
)


def without(section: str) -> dict[str, Any]:
    return {name: value for name, value in card().items() if name != section}


@pytest.mark.parametrize("section", SECTIONS)
def test_section_without_content_says_so_in_its_place(section: str) -> None:
    whole = Page(report.render(card()))
    absent = report.render(without(section))
    assert absent == report.render(card() | {section: None})
    page = Page(absent)
    assert page.headings == whole.headings
    assert len(page.words) < len(whole.words)
    assert "Not made." in page.words
    reasoned = card() | {section: {"reason": "no other year"}}
    assert "Not made: no other year" in Page(report.render(reasoned)).words
    assert "HEADLINE" in report.text(reasoned)


@pytest.mark.parametrize("section", ["experiments", "set_aside", "cautions"])
def test_lists_may_be_absent_or_empty(section: str) -> None:
    absent = report.render(without(section))
    assert absent == report.render(card() | {section: None})
    assert Page(absent).headings == Page(report.render(card())).headings
    assert report.text(without(section)).startswith("SIMULATED: ")


def test_headline_that_was_not_made_says_why() -> None:
    scorecard = card()
    scorecard["experiments"]["year_block"] |= {"scores": None, "reason": "one block only"}
    assert "Headline: Not made: one block only" in Page(report.render(scorecard)).text
    assert "one block only" in report.text(scorecard)


def test_unknown_numbers_are_dashes() -> None:
    scorecard = copy.deepcopy(card())
    held = scorecard["experiments"]["year_block"]
    held["intervals"] = None
    held["scores"]["overall_accuracy"] = None
    html = report.render(scorecard)
    assert "<strong>\N{EN DASH}</strong>" in html
    assert "None" not in Page(html).text
    assert "nan" not in Page(html).text.replace("nance", "")


def test_figures_stand_in_the_page_with_words_for_those_who_cannot_see_them() -> None:
    drawn = {
        "confusion": '<svg role="img" aria-label="counts"></svg>',
        "accuracy_map": "data:image/png;base64,AAAA",
        "something_else": "<svg></svg>",
    }
    html = report.render(card(), drawn)
    page = Page(html)
    assert html.count("<figure ") == 3
    assert html.count("<figcaption>") == 3
    assert page.images_without_alt == 0
    assert page.headers_without_scope == 0
    assert len(page.ids) == len(set(page.ids))
    assert "Further figures" in page.headings
    assert "something else" in page.text
    assert "matplotlib" not in page.text


def test_page_without_figures_says_what_is_missing() -> None:
    page = Page(report.render(card(), {}))
    assert "matplotlib" in page.text
    assert "soilft[viz]" in page.text
    assert report.render(card()) == report.render(card(), {})


@pytest.mark.parametrize("drawn", ["https://example.org/a.png", "data:text/html,x", "<img src=x>"])
def test_figure_that_is_neither_markup_nor_image_is_refused(drawn: str) -> None:
    with pytest.raises(ConfigError, match="figure confusion: expected SVG markup"):
        report.render(card(), {"confusion": drawn})


def test_text_gives_headline_then_baselines_then_random_split() -> None:
    text = report.text(card())
    places = [
        text.index(part)
        for part in (
            "SIMULATED: Plateau <& co>",
            "! second caution",
            "HEADLINE  Held-out years and blocks",
            "90.0 % (88.8 to 91.2 %)",
            "GLDAS soil",
            "+4.56 (+3.45 to +5.67)",
            "Against SMAP AM",
            "Random split, train (for comparison only)",
            "Random split, test (for comparison only)",
        )
    ]
    assert places == sorted(places)
    assert "no pixel-day is in both" in text
    assert text.endswith("\n")


def test_page_and_text_of_the_stored_scorecard_are_the_same() -> None:
    stored = json.loads(json.dumps(card(), sort_keys=True))
    assert report.render(stored) == report.render(card())
    assert report.text(stored) == report.text(card())


def test_hand_overs_stand_with_their_intervals_and_the_verdict() -> None:
    page = Page(report.render(card())).text
    for words in (
        "mwri to amsr2, 2012-07-03",
        "+5.54 (+5.36 to +5.71)",
        "-0.19 (-0.46 to +0.08)",
        "No day with both was left out of the fit.",
        "No days link amsr-e to the others",
        "mwri inter-calibrated to amsr2, from 1461 days",
        "offset, slope",
        "+6.25 (+5.10 to +7.30)",
        "+0.31 (-0.40 to +1.02)",
    ):
        assert words in page, words
    assert "There is one radiometer" in report.render({**card(), "harmonization": None})


def test_both_records_stand_side_by_side() -> None:
    page = Page(report.render(card())).text
    for words in (
        "1,234 rows that the record as it was has not, or from another radiometer",
        "81.2 %",
        "90.1 %",
        "0.611",
        "0.822",
        "+8.89 (+7.12 to +10.34)",
        "amsr2 to mwri: Not made: the rows of amsr2 are of one class",
        "mean of 321 sampled cells, on 98,765 pixel-days",
        "156.0",
        "+1.25 a year (+0.5 to +2), p = 0.010, 10 years",
        "2 years have a value",
        "160.8",
        "149.5",
    ):
        assert words in page, words
    made = card()["harmonization"]
    nothing = {"records": [], "reason": "no cell is known"}
    page = report.render({**card(), "harmonization": {**made, "trend": nothing}})
    assert "Frozen days a year: Not made: no cell is known" in Page(page).text
    # A scorecard from before has neither.
    before = {k: v for k, v in made.items() if k not in ("transfer", "trend")}
    assert "judged with another" not in report.render({**card(), "harmonization": before})
