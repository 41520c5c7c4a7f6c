"""Scorecard of a record: every score, and the cautions that they are to be read with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from soilft.schema import MISSING
from soilft.scores import comparisons, gap_levels
from soilft.scores import held_out_scores as scorecard
from soilft.scores.comparisons import Compared
from soilft.scores.evidence import HEADLINE, TRUTH, Evidence
from soilft.scores.held_out_scores import Pool
from soilft.scores.skill import Skill
from soilft.scores.subject import Subject
from soilft.training.held_out import held_out_together


def assemble(subject: Subject, evidence: Evidence) -> dict[str, Any]:
    """The scorecard as JSON values.

    Parameters
    ----------
    subject
        The record and its settings.
    evidence
        Complete: with held-out rows of the headline.
    """
    compared = Compared.of(subject, evidence)
    parts = evidence.folds[HEADLINE].parts
    found = {
        **_about(subject),
        "settings": _settings(subject, evidence),
        "experiments": comparisons.experiments(compared),
        "baselines": comparisons.beside_baselines(compared),
        "ablations": comparisons.ablations(compared),
        "importance": scorecard.importance(parts),
        "conformal": scorecard.sets(evidence.table, compared.pool, subject.settings["level"]),
        "calibration": sorted({part.calibration for part in parts}),
        "applicability": _applicability(subject.model_card, compared.pool),
        "annual": None if evidence.annual is None else evidence.annual.summary(TRUTH),
        "harmonization": _harmonization(subject, evidence),
        "gap_filling": _gap_filling(subject, evidence),
        "search": subject.model_card.get("search"),
        "per_era": subject.model_card.get("per_era"),
    }
    of_years = comparisons.beside_baselines_of_years(compared)
    if of_years is not None:
        found["baselines_held_out_years"] = of_years
    of_truth = comparisons.beside_baselines_of_truth(compared)
    if of_truth is not None:
        found["baselines_against_truth"] = of_truth
    held_out = held_out_together(evidence.table.year, evidence.table.block)
    found["cautions"] = cautions(found, subject, skill(subject, evidence), held_out)
    return dict(scorecard.plain(found))


def skill(subject: Subject, evidence: Evidence) -> Skill | None:
    """Gain over the majority class on the headline's rows; None where they have no interval."""
    pool = scorecard.pooled(evidence.folds[HEADLINE].parts)
    return Skill.of(evidence.table, pool, subject.draws)


def _about(subject: Subject) -> dict[str, Any]:
    return {
        "schema": scorecard.SCHEMA,
        "title": subject.title,
        "simulated": subject.simulated,
        "period": str(subject.days),
        "days": len(subject.days),
        "label": subject.label,
        "overpasses": list(subject.overpasses),
        "model_digest": subject.model_digest,
        "set_aside": list(subject.set_aside),
        "labels": subject.labels,
    }


def _settings(subject: Subject, evidence: Evidence) -> dict[str, Any]:
    return {
        **subject.settings,
        "block_degrees": subject.block_degrees,
        "correlation_range_degrees": subject.correlation_degrees,
        "table_rows": subject.table_rows,
        "judged_rows": len(evidence.table),
        "folds_made": len(evidence.folds[HEADLINE].parts),
        "forest": subject.model_card["settings"],
    }


def _harmonization(subject: Subject, evidence: Evidence) -> dict[str, Any] | None:
    """Inter-calibration of the radiometers, and the steps left at the hand-overs."""
    if subject.harmonization is None:
        return None
    changes = []
    hand_overs = subject.harmonization["hand_overs"]
    for change, frozen in zip(hand_overs, evidence.frozen_steps, strict=True):
        told = {key: value for key, value in change.items() if key != "left_out"}
        changes.append({**told, "days": len(change.get("left_out", [])), "frozen_days": frozen})
    raw = {} if evidence.raw is None else evidence.raw.summary(evidence.table, subject.draws)
    return {**subject.harmonization, "hand_overs": changes, **raw}


def _gap_filling(subject: Subject, evidence: Evidence) -> dict[str, Any] | None:
    """Scores of each gap-filling level on withheld pixel-days."""
    if subject.gap_levels is None:
        return None
    judged = [part.withheld for part in evidence.folds[HEADLINE].parts if part.withheld is not None]
    found: dict[str, Any] = {"allowed": list(subject.gap_levels), "levels": []}
    if evidence.withheld is not None:
        found["levels"] = gap_levels.by_level(evidence.withheld, judged, subject.draws)
        found["days"] = len(np.unique(evidence.withheld.day))
    return found


def _applicability(model_card: Mapping[str, Any], pool: Pool) -> dict[str, Any] | None:
    asked = pool.inside[pool.inside != MISSING]
    if not len(asked):
        return None
    threshold = model_card.get("applicability_threshold")
    return {"threshold": threshold, "inside_share": float(asked.mean())}


def cautions(
    found: Mapping[str, Any], subject: Subject, skill: Skill | None, held_out: str
) -> list[str]:
    """Sentences that a reader of the scores must see.

    Parameters
    ----------
    skill
        Of the headline; None where it has no interval.
    held_out
        What its folds hold out; see `soilft.training.held_out.held_out_together`.
    """
    said = []
    if found["simulated"]:
        said.append(
            "SIMULATED: the inputs were made by a simulator. No score here says anything about "
            "the accuracy of a product made from observations."
        )
    if skill is None:
        said.append(
            "The held-out rows lie in one year of one block: nothing tells whether the forest "
            "beats the majority class."
        )
    elif skill.caution:
        said.append(skill.caution)
    for key, entry in found["experiments"].items():
        if "left_out" in entry:
            said.append(_left_out("the headline" if key == HEADLINE else entry["title"], entry))
    if found["search"] is not None:
        said.append(
            "The forest's settings were searched on training rows of all years and blocks, among "
            "them those that a fold holds out: the held-out scores may flatter by that choice."
        )
    judged, drawn = (found["settings"][key] for key in ("judged_rows", "table_rows"))
    if judged < drawn:
        said.append(
            f"The training table fits no worker: a random part of it is judged, {judged} of its "
            f"{drawn} rows."
        )
    if found["days"] == 1:
        said.append(
            "One day only: all scores are of that day. No multi-day prediction from real "
            "observations was run."
        )
    said.append(
        "In the random split neighbouring pixel-days share state, which can flatter the scores; it "
        "is given for comparison with records scored that way."
    )
    reach, side = found["settings"]["correlation_range_degrees"], found["settings"]["block_degrees"]
    if reach is not None and side < reach:
        said.append(
            f"The spatial blocks of {side:g} degrees are smaller than the {reach:g} degrees over "
            "which the predictors are correlated: even the held-out scores may flatter."
        )
    if subject.days.first.year == subject.days.last.year:
        said.append("One calendar year: blocks alone are held out, no year is.")
    elif subject.one_winter:
        said.append("One winter: blocks alone are held out, no year is.")
    elif held_out != "years and blocks":
        one = "block" if held_out == "years" else "year"
        said.append(f"All labels lie in one {one}: {held_out} alone are held out, no {one} is.")
    if found["set_aside"]:
        said.append(f"{len(found['set_aside'])} granules were set aside as unusable.")
    return [*said, *(f"{sentence.rstrip('.')}." for sentence in subject.lacking)]


def _left_out(what: str, entry: Mapping[str, Any]) -> str:
    """How many folds of an experiment are left out, which, and why."""
    folds = entry["left_out"]
    which = ", ".join(f"fold {fold['fold']} has {fold['rows']}" for fold in folds)
    return (
        f"{len(folds)} of {len(folds) + entry['folds']} folds are left out of {what}, for want of "
        f"rows of both classes to train on: {which}. The others are judged."
    )
