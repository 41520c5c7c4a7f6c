"""Comparisons of a scorecard: held-out rows and the cube, each against a reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.schema import MISSING, OVERPASSES
from soilft.scores import at_stations, baselines, metrics, reference_states
from soilft.scores import held_out_scores as scorecard
from soilft.scores.ablations import ABLATIONS
from soilft.scores.evidence import HEADLINE, SHUFFLED, TRUTH, Evidence, Folds
from soilft.scores.held_out_scores import Draws, Pool, States
from soilft.scores.predictions import HeldOut
from soilft.scores.subject import Subject
from soilft.training.held_out import SPLITS, held_out_together
from soilft.training.table import StoredTable

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
# Of the headline, by what its folds hold out; and the beginning of its kin's titles.
_AT_ONCE = {
    "years and blocks": (
        "Held-out years and spatial blocks",
        "Each fold's year and blocks are neither trained nor calibrated on.",
        "Held-out years and blocks",
    ),
    "years": (
        "Held-out years alone",
        "Each fold's years are neither trained nor calibrated on.",
        "Held-out years alone",
    ),
    "blocks": (
        "Held-out spatial blocks alone",
        "Each fold's blocks are neither trained nor calibrated on.",
        "Held-out spatial blocks alone",
    ),
}
_IN_DOUBT = "Pixel-days whose flags say that the retrieval is in doubt are left out."


@dataclass(frozen=True)
class Compared:
    """What a record's scores are taken from.

    Parameters
    ----------
    pool
        Rows held out by year and block.
    states
        Of every rule, other label and the truth, for the table's rows; see `states`.
    """

    subject: Subject
    evidence: Evidence
    pool: Pool
    states: Mapping[str, States]

    @classmethod
    def of(cls, subject: Subject, evidence: Evidence) -> Compared:
        """Join the folds, and name the states."""
        pool = scorecard.pooled(evidence.folds[HEADLINE].parts)
        return cls(subject, evidence, pool, states(evidence))

    @property
    def draws(self) -> Draws:
        """How intervals are drawn."""
        return self.subject.draws

    @cached_property
    def cluster(self) -> npt.NDArray[Any]:
        """Year and block of the table's rows, (row,)."""
        return self.evidence.table.clusters(np.arange(len(self.evidence.table)))

    @property
    def truth(self) -> States | None:
        """True states of the table's rows, None where they are not known."""
        return self.states.get(TRUTH)

    @cached_property
    def named(self) -> tuple[str, str, str]:
        """Title and note of the headline, and the beginning of the titles of its kin.

        A record of one winter is called as longer ones are, as in release 0.3.0: that it holds out
        blocks alone is for its cautions, and for whoever shows it, to say.
        """
        table = self.evidence.table
        held_out = held_out_together(table.year, table.block)
        return _AT_ONCE["years and blocks" if self.subject.one_winter else held_out]

    def held_out(self, folds: Folds, title: str, note: str, /, **more: Any) -> dict[str, Any]:
        """Scores of the rows of some folds against the label that they were tested on."""
        headline = self.evidence.folds[HEADLINE].parts
        more |= {
            "folds": len(folds.parts),
            "rows_per_fit": max(part.trained_on for part in headline),
            "trees_per_fit": self.subject.settings["trees_per_fit"],
        }
        if folds.left_out:
            numbered = folds.left_out.items()
            more["left_out"] = [{"fold": n + 1, "rows": rows} for n, rows in numbered]
        if not folds.parts:
            reason = "no fold has rows of both classes to train on"
            return scorecard.unmade(title, note, reason, **more)
        pool = scorecard.pooled(folds.parts)
        cluster = self.cluster[pool.rows]
        return scorecard.experiment(
            title, note, pool.label, pool.state, cluster, self.draws, **more
        )


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
        found["climatology"] = reference_states.climatology_state(evidence.columns)
    return found | baselines.from_features(table.names, table.features, table.overpass)


def experiments(compared: Compared) -> dict[str, Any]:
    """Every experiment of the scorecard by its key, in the order in which they are told."""
    return {
        **_random_split(compared),
        HEADLINE: _headline(compared),
        **_alone(compared),
        **_shuffled(compared),
        **_transfers(compared),
        **_other_labels(compared),
        **_stations(compared),
        **_truth(compared),
    }


def _random_split(compared: Compared) -> dict[str, Any]:
    """Parts of the random split, for comparison with records that are scored that way."""
    table, predicted = compared.evidence.table, compared.evidence.split
    if predicted is None:
        return {}
    rows_of = {part: table.rows_of(part) for part in SPLITS}
    return {
        f"random_{part}": scorecard.experiment(
            f"Random split, {part}",
            "Neighbouring pixel-days share weather, ground and label errors: it flatters.",
            table.label[rows],
            predicted[rows],
            compared.cluster[rows],
            compared.draws,
            comparison_only=True,
        )
        for part, rows in rows_of.items()
        if len(rows)
    }


def _headline(compared: Compared) -> dict[str, Any]:
    """Rows of which both year and block were held out, with their probabilities and groups."""
    evidence, pool = compared.evidence, compared.pool
    title, note, _ = compared.named
    return compared.held_out(
        evidence.folds[HEADLINE],
        title,
        note,
        **_beyond(evidence.table, pool),
        blocks=len(np.unique(evidence.table.block[pool.rows])),
        probability=scorecard.probabilities(pool, evidence.columns.get("climatology_probability")),
        by=scorecard.groups(evidence.table, pool),
    )


def _beyond(table: StoredTable, pool: Pool) -> dict[str, str]:
    """What the folds hold out, where the years and blocks of the rows that are left hide it."""
    held_out = held_out_together(table.year, table.block)
    shown = held_out_together(table.year[pool.rows], table.block[pool.rows])
    return {} if held_out == shown else {"held_out": held_out}


def _alone(compared: Compared) -> dict[str, Any]:
    """Years or blocks held out alone: what a known place or a known year is worth."""
    found = {}
    for kind, (title, note) in ALONE.items():
        folds = compared.evidence.folds.get(kind)
        if folds is not None:
            found[kind] = compared.held_out(folds, title, note)
    return found


def _shuffled(compared: Compared) -> dict[str, Any]:
    """The negative control."""
    folds = compared.evidence.folds.get(SHUFFLED)
    if folds is None:
        return {}
    title, note = (
        "Control: shuffled labels",
        "What is learnt from labels dealt out at random: chance.",
    )
    return {SHUFFLED: compared.held_out(folds, title, note)}


def _transfers(compared: Compared) -> dict[str, Any]:
    """Each radiometer's rows predicted by what another's taught."""
    return {
        f"era_{one}_to_{other}": _transfer(compared, one, other, held)
        for (one, other), held in compared.evidence.transfer_experiments.items()
    }


def _transfer(compared: Compared, one: str, other: str, held: HeldOut | str) -> dict[str, Any]:
    title = f"Trained with {one}, judged with {other}"
    note = "Another radiometer's years; the pixels may be the same."
    if isinstance(held, str):
        return scorecard.unmade(title, note, held)
    return scorecard.experiment(
        title,
        note,
        held.label,
        held.state,
        compared.cluster[held.rows],
        compared.draws,
        rows_per_fit=held.trained_on,
    )


def _other_labels(compared: Compared) -> dict[str, Any]:
    """Other satellites' labels, by overpass: on held-out rows, and over the whole cube."""
    found: dict[str, Any] = {}
    for name in compared.subject.others:
        for overpass in compared.subject.overpasses:
            key = f"{name}_{overpass.lower()}"
            if name in compared.states:
                found[key] = _beside_label(compared, name, overpass)
            found[f"{key}_cube"] = _cube_beside_label(compared, name, overpass)
    return found


def _beside_label(compared: Compared, name: str, overpass: str) -> dict[str, Any]:
    table, pool = compared.evidence.table, compared.pool
    here = table.overpass[pool.rows] == OVERPASSES[overpass]
    return scorecard.experiment(
        f"{compared.named[2]} against {name.upper()}, {overpass}",
        f"{_IN_DOUBT} Its own masks use a radiometer and reanalysis: not fully independent.",
        compared.states[name][pool.rows][here],
        pool.state[here],
        table.clusters(pool.rows[here]),
        compared.draws,
        against=name,
    )


def _cube_beside_label(compared: Compared, name: str, overpass: str) -> dict[str, Any]:
    totals = compared.evidence.totals
    return scorecard.of_counts(
        f"The published cube against {name.upper()}, {overpass}",
        _IN_DOUBT,
        totals.of(name, (overpass,)),
        compared.draws,
        against=name,
        by={
            "month": [
                {"key": f"{month:02d}", **metrics.scores_of_confusion(counts)}
                for month, counts in totals.by_month(name, (overpass,)).items()
            ]
        },
    )


def _stations(compared: Compared) -> dict[str, Any]:
    found = compared.evidence.at_stations
    if found is None:
        return {}
    return at_stations.experiments(found, compared.subject.days, compared.draws)


def _truth(compared: Compared) -> dict[str, Any]:
    """The simulated truth: beside held-out rows, the label that was learnt, and the cube."""
    true, pool, draws = compared.truth, compared.pool, compared.draws
    if true is None:
        return {}
    reference, cluster = true[pool.rows], compared.cluster[pool.rows]
    return {
        "truth_year_block": scorecard.experiment(
            f"{compared.named[2]} against the simulated truth",
            "SIMULATED truth at the label's pass, on the same pixel-days as the headline.",
            reference,
            pool.state,
            cluster,
            draws,
            against=TRUTH,
        ),
        "label_ceiling": scorecard.experiment(
            "The label itself against the simulated truth",
            "What a forest that learnt the label perfectly would score against the truth.",
            reference,
            pool.label,
            cluster,
            draws,
            against=TRUTH,
        ),
        "truth_cube": scorecard.of_counts(
            "The published cube against the simulated truth",
            "All pixel-days; the forest was trained on some of them, with the label's errors.",
            compared.evidence.totals.of(TRUTH, compared.subject.overpasses),
            draws,
            against=TRUTH,
        ),
    }


def ablations(compared: Compared) -> list[dict[str, Any]]:
    """Forests kept from groups of features beside the full one."""
    evidence = compared.evidence
    return [
        scorecard.ablation(
            evidence.table,
            name,
            ablation.title,
            evidence.folds[name].features,
            scorecard.pooled(evidence.folds[name].parts),
            compared.pool,
            compared.draws,
        )
        for name, ablation in ABLATIONS.items()
        if name in evidence.folds
    ]


def beside_baselines(compared: Compared) -> list[dict[str, Any]]:
    """The headline's rows beside every baseline and other label, against the label learnt."""
    pool, true = compared.pool, compared.truth
    return scorecard.baselines(
        compared.evidence.table,
        pool,
        compared.states,
        _titles(compared.subject),
        compared.draws,
        against="label",
        reference=pool.label,
        truth=None if true is None else true[pool.rows],
    )


def beside_baselines_of_years(compared: Compared) -> list[dict[str, Any]] | None:
    """Rows of held-out years beside the baselines; None where no years are held out alone."""
    folds = compared.evidence.folds.get("year")
    if folds is None or not folds.parts:
        return None
    years = scorecard.pooled(folds.parts)
    found = scorecard.baselines(
        compared.evidence.table,
        years,
        compared.states,
        {},
        compared.draws,
        against="label",
        reference=years.label,
    )
    return [row for row in found if "difference" in row]


def beside_baselines_of_truth(compared: Compared) -> list[dict[str, Any]] | None:
    """The headline's rows, the label learnt and the baselines, all against the truth, or None."""
    true, pool, learnt = compared.truth, compared.pool, compared.subject.label
    if true is None:
        return None
    table = compared.evidence.table
    return scorecard.baselines(
        table,
        pool,
        {**compared.states, learnt: table.label},
        {learnt: f"{learnt.upper()} label, which was learnt", **_titles(compared.subject)},
        compared.draws,
        against=TRUTH,
        reference=true[pool.rows],
    )


def _titles(subject: Subject) -> dict[str, str]:
    return {name: f"{name.upper()} label" for name in subject.others}
