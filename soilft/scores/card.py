"""Scorecard of a run, put together from what was measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.facts import Harmonized, TrainingTable
from pipelines.run import Run
from pipelines.stages.validate.evidence import ABLATIONS, TRUTH, Evidence, references
from soilft.forest.artefact import ModelRef
from soilft.schema import MISSING, OVERPASSES
from soilft.scores import baselines as rule
from soilft.scores import beside as judges
from soilft.scores import gap_levels as gap_scores
from soilft.scores import metrics, scorecard
from soilft.scores.scorecard import Draws, Pool
from soilft.store import objects
from soilft.store import zarr as store
from soilft.training.folds import SPLITS

HEADLINE = "year_block"
ALONE = {
    "year": (
        "Held-out years alone",
        "The same places in other years are trained on: another year of the same region.",
    ),
    "block": (
        "Held-out spatial blocks alone",
        "Other places in the same years are trained on: a neighbouring region.",
    ),
}
# Kelvin around the melting point within which a station's state is in doubt.
DOUBT_K = 0.5


def assemble(run: Run, model: ModelRef, evidence: Evidence) -> dict[str, Any]:
    """The scorecard as JSON values."""
    config, table = run.config, evidence.table
    section = config.validation
    draws = Draws(section.seed, section.replicates)
    pool = scorecard.pooled(evidence.folds[HEADLINE].parts)
    columns = states(evidence)
    card: dict[str, Any] = objects.read_json(objects.join(model.url, "card.json"))
    facts = TrainingTable.of(evidence.record)
    found = {
        "schema": scorecard.SCHEMA,
        "title": config.title,
        "simulated": run.is_simulated(),
        "period": str(config.days),
        "days": len(config.days),
        "label": config.label.input,
        "overpasses": list(config.label.overpasses),
        "model_digest": model.digest,
        "set_aside": [item.reason for item in run.set_aside()],
        "labels": facts.labels,
        "settings": {
            **section.model_dump(mode="json"),
            "block_degrees": facts.block_degrees,
            "correlation_range_degrees": facts.correlation_range["degrees"],
            "table_rows": facts.rows,
            "judged_rows": len(table),
            "folds_made": len(evidence.folds[HEADLINE].parts),
            "forest": card["settings"],
        },
        "experiments": _experiments(run, evidence, pool, columns, draws),
        "baselines": scorecard.baselines(
            table,
            pool,
            columns,
            _other_labels(run),
            draws,
            against="label",
            reference=pool.label,
            truth=columns[TRUTH][pool.rows] if TRUTH in columns else None,
        ),
        "ablations": _ablations(evidence, draws),
        "importance": scorecard.importance(evidence.folds[HEADLINE].parts),
        "conformal": scorecard.sets(table, pool, section.level),
        "calibration": sorted({part.calibration for part in evidence.folds[HEADLINE].parts}),
        "applicability": _applicability(card, pool),
        "annual": None if evidence.annual is None else evidence.annual.summary(TRUTH),
        "harmonization": _harmonization(run, evidence, draws),
        "gap_filling": _gap_filling(run, evidence, draws),
        "search": card.get("search"),
        "per_era": card.get("per_era"),
    }
    if "year" in evidence.folds:
        years = scorecard.pooled(evidence.folds["year"].parts)
        beside = scorecard.baselines(
            table, years, columns, {}, draws, against="label", reference=years.label
        )
        found["baselines_held_out_years"] = [row for row in beside if "difference" in row]
    if TRUTH in columns:
        learnt = run.config.label.input
        found["baselines_against_truth"] = scorecard.baselines(
            table,
            pool,
            {**columns, learnt: table.label},
            {learnt: f"{learnt.upper()} label, which was learnt", **_other_labels(run)},
            draws,
            against=TRUTH,
            reference=columns[TRUTH][pool.rows],
        )
    found["cautions"] = cautions(run, found)
    return dict(scorecard.plain(found))


def _harmonization(run: Run, evidence: Evidence, draws: Draws) -> dict[str, Any] | None:
    """Inter-calibration of the radiometers, and the steps left at the hand-overs."""
    record = run.harmonization()
    if record is None:
        return None
    facts = Harmonized.of(record).told
    changes = []
    for change, frozen in zip(facts["hand_overs"], evidence.frozen_steps, strict=True):
        told = {key: value for key, value in change.items() if key != "left_out"}
        changes.append({**told, "days": len(change.get("left_out", [])), "frozen_days": frozen})
    beside = None if evidence.raw is None else evidence.raw.summary(evidence.table, draws)
    return {**facts, "hand_overs": changes, **(beside or {})}


def _gap_filling(run: Run, evidence: Evidence, draws: Draws) -> dict[str, Any] | None:
    """Scores of each gap-filling level on withheld pixel-days."""
    if not run.radiometers():
        return None
    section = run.config.gap_filling
    judged = [part.masked for part in evidence.folds[HEADLINE].parts if part.masked is not None]
    found: dict[str, Any] = {"allowed": list(section.levels), "levels": []}
    if evidence.masked is not None:
        found["levels"] = gap_scores.by_level(evidence.masked, judged, draws)
        found["days"] = len(np.unique(evidence.masked.day))
    return found


def states(evidence: Evidence) -> dict[str, Any]:
    """State of every rule, other label and the truth, for the table's rows."""
    table = evidence.table
    found = {
        name: values
        for name, values in evidence.columns.items()
        if values.dtype == np.uint8 and not name.endswith("_quality")
    }
    for name in list(found):
        quality = evidence.columns.get(f"{name}_quality")
        if quality is not None:
            doubtful = (quality != 0) & (quality != MISSING)
            found[name] = np.where(doubtful, MISSING, found[name]).astype("uint8")
    if "climatology_probability" in evidence.columns:
        found["climatology"] = judges.climatology_state(evidence.columns)
    return found | rule.from_features(table.names, table.features, table.overpass)


def _other_labels(run: Run) -> dict[str, str]:
    skip = {TRUTH, run.config.label.input}
    return {name: f"{name.upper()} label" for name in references(run) if name not in skip}


def _experiments(
    run: Run, evidence: Evidence, pool: Pool, columns: dict[str, Any], draws: Draws
) -> dict[str, Any]:
    table, config = evidence.table, run.config
    cluster = table.clusters(np.arange(len(table)))
    found: dict[str, Any] = {}
    if evidence.split is not None:
        for part in SPLITS:
            rows = table.rows_of(part)
            if len(rows):
                found[f"random_{part}"] = scorecard.experiment(
                    f"Random split, {part}",
                    "Neighbouring pixel-days share weather, ground and label errors: it flatters.",
                    table.label[rows],
                    evidence.split[rows],
                    cluster[rows],
                    draws,
                    comparison_only=True,
                )
    parts = evidence.folds[HEADLINE].parts
    how = {
        "folds": len(parts),
        "rows_per_fit": max(part.trained_on for part in parts),
        "trees_per_fit": run.config.validation.trees_per_fit,
    }
    mine = cluster[pool.rows]
    found[HEADLINE] = scorecard.experiment(
        "Held-out years and spatial blocks",
        "Each fold's year and blocks are neither trained nor calibrated on.",
        pool.label,
        pool.state,
        mine,
        draws,
        **how,
        blocks=len(np.unique(table.block[pool.rows])),
        probability=scorecard.probabilities(pool, evidence.columns.get("climatology_probability")),
        by=scorecard.groups(table, pool),
    )
    for kind, (title, note) in ALONE.items():
        if kind in evidence.folds:
            held_out = evidence.folds[kind].parts
            alone = scorecard.pooled(held_out)
            found[kind] = scorecard.experiment(
                title,
                note,
                alone.label,
                alone.state,
                cluster[alone.rows],
                draws,
                **{**how, "folds": len(held_out)},
            )
    if "shuffled_labels" in evidence.folds:
        dealt = scorecard.pooled(evidence.folds["shuffled_labels"].parts)
        found["shuffled_labels"] = scorecard.experiment(
            "Control: shuffled labels",
            "What is learnt from labels dealt out at random: chance.",
            dealt.label,
            dealt.state,
            cluster[dealt.rows],
            draws,
            **how,
        )
    for (one, other), held in evidence.transfers.items():
        found[f"era_{one}_to_{other}"] = scorecard.experiment(
            f"Trained with {one}, judged with {other}",
            "Another radiometer's years; the pixels may be the same.",
            held.label,
            held.state,
            cluster[held.rows],
            draws,
            rows_per_fit=held.trained_on,
        )
    found |= _independent(run, evidence, pool, columns, draws)
    if TRUTH in columns:
        true = columns[TRUTH]
        found["truth_year_block"] = scorecard.experiment(
            "Held-out years and blocks against the simulated truth",
            "SIMULATED truth at the label's pass, on the same pixel-days as the headline.",
            true[pool.rows],
            pool.state,
            mine,
            draws,
            against=TRUTH,
        )
        found["label_ceiling"] = scorecard.experiment(
            "The label itself against the simulated truth",
            "What a forest that learnt the label perfectly would score against the truth.",
            true[pool.rows],
            pool.label,
            mine,
            draws,
            against=TRUTH,
        )
        found["truth_cube"] = scorecard.of_counts(
            "The published cube against the simulated truth",
            "All pixel-days; the forest was trained on some of them, with the label's errors.",
            evidence.totals.of(TRUTH, config.label.overpasses),
            draws,
            against=TRUTH,
        )
    return found


def _independent(
    run: Run, evidence: Evidence, pool: Pool, columns: dict[str, Any], draws: Draws
) -> dict[str, Any]:
    """Other satellites' labels, by overpass, and stations."""
    table = evidence.table
    found: dict[str, Any] = {}
    for name in _other_labels(run):
        for overpass in run.config.label.overpasses:
            here = table.overpass[pool.rows] == OVERPASSES[overpass]
            key = f"{name}_{overpass.lower()}"
            note = "Pixel-days whose flags say that the retrieval is in doubt are left out."
            if name in columns:
                found[key] = scorecard.experiment(
                    f"Held-out years and blocks against {name.upper()}, {overpass}",
                    f"{note} Its own masks use a radiometer and reanalysis: not fully independent.",
                    columns[name][pool.rows][here],
                    pool.state[here],
                    table.clusters(pool.rows[here]),
                    draws,
                    against=name,
                )
            found[f"{key}_cube"] = scorecard.of_counts(
                f"The published cube against {name.upper()}, {overpass}",
                note,
                evidence.totals.of(name, (overpass,)),
                draws,
                against=name,
                by={
                    "month": [
                        {"key": f"{month:02d}", **metrics.scores_of_confusion(counts)}
                        for month, counts in evidence.totals.by_month(name, (overpass,)).items()
                    ]
                },
            )
    return found | _stations(run, evidence, draws)


def _stations(run: Run, evidence: Evidence, draws: Draws) -> dict[str, Any]:
    """The cube at the stations: 0-5 cm below 273.15 K, and the same half a kelvin off."""
    at = evidence.totals.at_stations
    ours = np.concatenate([at[f"cube {span}"] for span in run.predict_spans()])
    if not ours.shape[2]:
        return {}
    group = store.open_raw(run.places.stations)
    codes = np.asarray(store.array(group, "overpass")[...]).tolist()
    wanted = [OVERPASSES[name] for name in run.config.label.overpasses]
    if not set(wanted) <= set(codes):
        return {}
    kelvin = np.asarray(store.array(group, "soil_temperature")[...])
    kelvin = kelvin[:, [codes.index(code) for code in wanted]]
    day = run.config.days.numbers.astype("datetime64[D]").astype("datetime64[Y]").astype("int64")
    number = np.arange(ours.shape[2])
    cluster = np.broadcast_to((day[:, None, None] << 32) + number, ours.shape)
    found = {}
    for key, melting, words in (
        ("stations", 0.0, "0 degC"),
        ("stations_colder", -DOUBT_K, "-0.5 degC"),
        ("stations_warmer", DOUBT_K, "+0.5 degC"),
    ):
        theirs = np.where(kelvin < rule.FREEZING_K + melting, 1, 0)
        theirs = np.where(np.isfinite(kelvin), theirs, MISSING).astype("uint8")
        found[key] = scorecard.experiment(
            f"The published cube at stations, frozen below {words}",
            "0-5 cm soil temperature of stations that were never trained on.",
            theirs.ravel(),
            ours.ravel(),
            cluster.ravel(),
            draws,
            against="stations",
        )
    return found


def _ablations(evidence: Evidence, draws: Draws) -> list[dict[str, Any]]:
    full = scorecard.pooled(evidence.folds[HEADLINE].parts)
    return [
        scorecard.ablation(
            evidence.table,
            name,
            title,
            evidence.folds[name].features,
            scorecard.pooled(evidence.folds[name].parts),
            full,
            draws,
        )
        for name, (title, _) in ABLATIONS.items()
        if name in evidence.folds
    ]


def _applicability(card: dict[str, Any], pool: Pool) -> dict[str, Any] | None:
    asked = pool.inside[pool.inside != MISSING]
    if not len(asked):
        return None
    return {"threshold": card.get("applicability_threshold"), "inside_share": float(asked.mean())}


def cautions(run: Run, found: dict[str, Any]) -> list[str]:
    """Sentences that a reader of the scores must see."""
    said = []
    if found["simulated"]:
        said.append(
            "SIMULATED: the inputs were made by a simulator. No score here says anything about "
            "the accuracy of a product made from observations."
        )
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
    if run.config.days.first.year == run.config.days.last.year:
        said.append("One calendar year: blocks alone are held out, no year is.")
    if found["set_aside"]:
        said.append(f"{len(found['set_aside'])} granules were set aside as unusable.")
    return said
