"""The scorecard as a whole: which comparisons it is made of, and what it warns of."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from soilft.days import DaySpan
from soilft.report import page as report
from soilft.schema import MISSING
from soilft.scores.ablations import ABLATIONS
from soilft.scores.comparisons import states
from soilft.scores.evidence import Evidence, Folds
from soilft.scores.predictions import HeldOut
from soilft.scores.scorecard import assemble, cautions, skill
from soilft.scores.skill import Skill
from soilft.scores.subject import Subject
from soilft.store.ledger import Done
from soilft.training.table import StoredTable, read_table
from tests.support import tables

ROWS = 400
SUBJECT = Subject(
    "A record",
    DaySpan(date(2012, 1, 1), date(2013, 2, 3)),
    "smos",
    ("AM",),
    ("smap",),
    False,
    (),
    "0" * 64,
    {"settings": {"n_estimators": 5}},
    ROWS,
    {"frozen": 200},
    1.0,
    0.8,
    {"seed": 1, "replicates": 100, "level": 0.9, "trees_per_fit": 5},
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    rng = np.random.default_rng(3)
    made = tables.table_of(rng.normal(size=(ROWS, 2)), rng.integers(0, 2, ROWS))
    return read_table(tables.stored_table(tmp_path_factory.mktemp("table"), made)[0])


def held(table: StoredTable, rows: np.ndarray) -> HeldOut:
    """Give rows that a forest got right but for every tenth."""
    label = table.label[rows]
    probability = np.where(rows % 10 == 0, 1 - label, label) * 0.8 + 0.1
    none = np.full(len(rows), MISSING, "uint8")
    unknown = np.full(len(rows), np.nan)
    return HeldOut(rows, label, probability, probability, none, none, unknown, 100)


@pytest.fixture
def evidence(table: StoredTable) -> Evidence:
    parts = tuple(held(table, rows) for rows in np.split(np.arange(ROWS), 4))
    folds = {name: Folds(parts, 2) for name in ("year_block", "year", "shuffled_labels")}
    return Evidence(table, Done("", ""), folds=folds)


def test_experiments_are_those_that_there_is_evidence_for(evidence: Evidence) -> None:
    card = assemble(SUBJECT, evidence)
    assert list(card["experiments"]) == ["year_block", "year", "shuffled_labels", "smap_am_cube"]
    headline = card["experiments"]["year_block"]
    assert headline["scores"]["overall_accuracy"] == pytest.approx(0.9)
    assert headline["folds"] == 4
    assert headline["rows_per_fit"] == 100
    assert card["settings"]["judged_rows"] == ROWS
    assert "baselines_held_out_years" in card
    assert "baselines_against_truth" not in card
    assert card["gap_filling"] is None
    assert card["harmonization"] is None


def test_a_known_truth_adds_what_is_judged_by_it(evidence: Evidence, table: StoredTable) -> None:
    evidence.columns["truth"] = table.label
    evidence.columns["smap"] = table.label
    card = assemble(SUBJECT, evidence)
    told = card["experiments"]
    assert list(told)[-3:] == ["truth_year_block", "label_ceiling", "truth_cube"]
    assert told["label_ceiling"]["scores"]["overall_accuracy"] == 1.0
    assert told["smap_am"]["scores"]["overall_accuracy"] == pytest.approx(0.9)
    (learnt,) = [b for b in card["baselines_against_truth"] if b["name"] == "smos"]
    assert learnt["overall_accuracy"] == 1.0


def test_an_ablation_is_compared_on_the_same_rows(evidence: Evidence) -> None:
    evidence.folds["without_season"] = Folds(evidence.folds["year_block"].parts, 1)
    (row,) = assemble(SUBJECT, evidence)["ablations"]
    assert row["title"] == ABLATIONS["without_season"].title
    assert row["features"] == 1
    assert row["difference"]["overall_accuracy"] == 0


def test_a_retrieval_in_doubt_is_no_state(evidence: Evidence) -> None:
    evidence.columns["smap"] = np.zeros(ROWS, "uint8")
    quality = np.zeros(ROWS, "uint8")
    quality[:3] = (1, MISSING, 4)
    evidence.columns["smap_quality"] = quality
    found = states(evidence)
    assert found["smap"][:4].tolist() == [MISSING, 0, MISSING, 0]
    assert "smap_quality" not in found


def test_of_inter_calibration_the_steps_are_told_and_the_days_counted(evidence: Evidence) -> None:
    change = {"before": "a", "after": "b", "left_out": [1, 2]}
    evidence.frozen_steps = [{"step": 0.1}]
    subject = replace(
        SUBJECT,
        harmonization={"hand_overs": [change], "unreached": []},
        gap_levels=("climatology",),
    )
    card = assemble(subject, evidence)
    told = {"before": "a", "after": "b", "days": 2, "frozen_days": {"step": 0.1}}
    assert card["harmonization"] == {"hand_overs": [told], "unreached": []}
    assert card["gap_filling"] == {"allowed": ["climatology"], "levels": []}


SETTINGS = {
    "judged_rows": ROWS,
    "table_rows": ROWS,
    "correlation_range_degrees": 0.8,
    "block_degrees": 1.0,
}
PLAIN = {
    "simulated": False,
    "search": None,
    "settings": SETTINGS,
    "days": 400,
    "set_aside": [],
    "experiments": {"year_block": {"title": "Held out", "folds": 4}},
}
BOTH = "years and blocks"
BETTER = Skill(0.2, 0.1, 0.3, ROWS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"simulated": True}, "SIMULATED: the inputs were made by a simulator"),
        ({"search": {"why": "best"}}, "may flatter by that choice"),
        ({"settings": {**SETTINGS, "judged_rows": 30}}, "30 of its 400 rows"),
        ({"settings": {**SETTINGS, "block_degrees": 0.5}}, "0.5 degrees are smaller than the 0.8"),
        ({"days": 1}, "One day only"),
        ({"set_aside": ["a", "b"]}, "2 granules were set aside"),
        (
            {
                "experiments": {
                    "year": {
                        "title": "Years",
                        "folds": 3,
                        "left_out": [{"fold": 2, "rows": "none"}],
                    }
                }
            },
            "1 of 4 folds are left out of Years, for want of rows of both classes to train on",
        ),
    ],
)
def test_each_weakness_has_its_sentence(change: dict[str, Any], words: str) -> None:
    usual = cautions(PLAIN, SUBJECT, BETTER, BOTH)
    assert len(usual) == 1
    assert "random split" in usual[0]
    found = cautions({**PLAIN, **change}, SUBJECT, BETTER, BOTH)
    assert len(found) == 2
    assert words in " ".join(found)


def test_what_inputs_lack_is_said() -> None:
    subject = replace(SUBJECT, lacking=("inputs.gldas: found none. Get it.", "inputs.smap: few"))
    said = ["inputs.gldas: found none. Get it.", "inputs.smap: few."]
    usual = cautions(PLAIN, SUBJECT, BETTER, BOTH)
    assert cautions(PLAIN, subject, BETTER, BOTH) == [*usual, *said]


def test_one_calendar_year_is_said() -> None:
    subject = replace(SUBJECT, days=DaySpan(date(2012, 1, 1), date(2012, 3, 1)))
    assert "One calendar year" in cautions(PLAIN, subject, BETTER, "blocks")[-1]


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        ("years", "All labels lie in one block: years alone are held out, no block is."),
        ("blocks", "All labels lie in one year: blocks alone are held out, no year is."),
    ],
)
def test_what_is_not_held_out_is_said(held_out: str, words: str) -> None:
    assert cautions(PLAIN, SUBJECT, BETTER, held_out)[-1] == words


def test_a_forest_no_better_than_the_majority_class_is_said_first() -> None:
    found = cautions({**PLAIN, "simulated": True}, SUBJECT, Skill(0.01, -0.02, 0.04, 90), BOTH)
    assert found[1] == (
        "The forest does not beat the majority class: on held-out rows its accuracy minus that of "
        "always naming the class of most training rows is +0.0100 (95 % -0.0200 to +0.0400, 90 "
        "rows)."
    )
    unknown = cautions(PLAIN, SUBJECT, None, BOTH)
    assert "nothing tells whether the forest beats the majority class" in unknown[0]
    assert unknown[1:] == cautions(PLAIN, SUBJECT, BETTER, BOTH)


def test_skill_is_of_the_headline_beside_the_majority_of_its_training(
    evidence: Evidence, table: StoredTable
) -> None:
    parts = tuple(replace(p, majority=0) for p in evidence.folds["year_block"].parts)
    evidence.folds["year_block"] = Folds(parts, 2)
    found = skill(SUBJECT, evidence)
    assert found is not None
    assert found.rows == ROWS
    assert found.gain == pytest.approx(0.9 - (table.label == 0).mean())
    assert 0 < found.low < found.gain < found.high
    told = " ".join(assemble(SUBJECT, evidence)["cautions"])
    assert "does not beat" not in told
    wrong = tuple(replace(p, probability=1 - p.probability) for p in parts)
    evidence.folds["year_block"] = Folds(wrong, 2)
    assert "does not beat the majority class" in assemble(SUBJECT, evidence)["cautions"][0]


def of_one(table: StoredTable, evidence: Evidence, what: str) -> dict[str, Any]:
    """Give the scorecard of a table whose rows are of one block, or of one year."""
    one = (
        {"block": np.zeros_like(table.block)}
        if what == "block"
        else {"day": 15340 + np.arange(ROWS, dtype="int32") % 300}
    )
    evidence.table = replace(table, **one)
    evidence.columns["truth"] = evidence.columns["smap"] = table.label
    return assemble(SUBJECT, evidence)


@pytest.mark.parametrize(
    ("what", "title"),
    [("block", "Held-out years alone"), ("year", "Held-out spatial blocks alone")],
)
def test_titles_name_what_was_held_out(
    table: StoredTable, evidence: Evidence, what: str, title: str
) -> None:
    told = of_one(table, evidence, what)
    titles = {key: entry["title"] for key, entry in told["experiments"].items()}
    assert titles["year_block"] == title
    assert titles["smap_am"] == f"{title} against SMAP, AM"
    assert titles["truth_year_block"] == f"{title} against the simulated truth"
    assert f"one {what}:" in told["cautions"][-1]
    assert f"HEADLINE  {title}" in report.text(told)


def test_what_is_held_out_is_said_where_the_rows_left_hide_it(
    table: StoredTable, evidence: Evidence
) -> None:
    rows = np.flatnonzero(table.block == table.block[0])
    folds = Folds((held(table, rows),), 2, {1: "frozen rows alone"})
    evidence.folds = {"year_block": folds, "year": Folds((), 2, {0: "no rows"})}
    told = assemble(SUBJECT, evidence)
    headline = told["experiments"]["year_block"]
    assert (headline["blocks"], headline["held_out"]) == (1, "years and blocks")
    assert headline["left_out"] == [{"fold": 2, "rows": "frozen rows alone"}]
    assert told["experiments"]["year"]["scores"] is None
    assert "baselines_held_out_years" not in told
    said = " ".join(told["cautions"])
    assert "1 of 2 folds are left out of the headline" in said
    assert "fold 2 has frozen rows alone" in said
    text = report.text(told)
    assert "HEADLINE  Held-out years and blocks" in text
    assert "no fold has rows of both classes to train on" in text


def test_radiometers_of_one_class_are_said_not_to_be_judged(evidence: Evidence) -> None:
    evidence.transfer_experiments = {("a", "b"): "there are frozen rows alone of a to train on"}
    entry = assemble(SUBJECT, evidence)["experiments"]["era_a_to_b"]
    assert entry["scores"] is None
    assert entry["reason"] == "there are frozen rows alone of a to train on"
