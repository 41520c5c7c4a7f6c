"""Experiments of a scorecard in the order of the page, and what their folds held out."""

from __future__ import annotations

from typing import Any

from soilft.report.tables import Entry

HEADLINE = "year_block"
# Beginnings of the titles of what folds hold out together, as scorecards have them of any record.
_TOGETHER = ("Held-out years and spatial blocks", "Held-out years and blocks")
_EACH_FOLD = ("Each fold's year and blocks are", "What a fold holds out is")
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


def experiments(scorecard: Entry) -> dict[str, Entry]:
    """Experiments in the order of the page: the stored scorecard has its keys sorted.

    The titles of those that hold out years and blocks name what there was several of.
    """

    def place(key: str) -> tuple[int, str]:
        return next((n for n, k in enumerate(_ORDER) if key.startswith(k)), len(_ORDER)), key

    found = scorecard.get("experiments") or {}
    what = held_out(found.get(HEADLINE) or {})
    return {key: _named(found[key], what) for key in sorted(found, key=place)}


def _named(entry: Entry, what: str) -> dict[str, Any]:
    """The entry, with what was held out in its title and its note."""
    title, note = str(entry.get("title", "")), str(entry.get("note", ""))
    for together in _TOGETHER:
        if title.startswith(together):
            title = what + title.removeprefix(together)
    return {**entry, "title": title, "note": note.replace(*_EACH_FOLD)}


def held_out(best: Entry) -> str:
    """What the headline's folds hold out: of one winter blocks alone, of one block years alone.

    It shows in the years and blocks that were judged, unless the headline says so itself.
    """
    years = [str(row["key"]) for row in (best.get("by") or {}).get("year") or []]
    several = {"years": len(years) != 1, "blocks": best.get("blocks") != 1}
    shown = " and ".join(name for name, there in several.items() if there)
    kinds = best.get("held_out", shown or "blocks")
    if kinds == "blocks":
        return "Held-out spatial blocks alone" + (f", in {years[0]}" if len(years) == 1 else "")
    return "Held-out years alone" if kinds == "years" else "Held-out years and blocks"


def for_comparison(key: str, entry: Entry) -> bool:
    """Whether an experiment is no measure of skill."""
    return key in _RANDOM or bool(entry.get("comparison_only"))
