"""Scores of held-out rows, as the plain numbers of the scorecard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.radiometers.gaps import LEVELS
from soilft.schema import MISSING
from soilft.scores import bootstrap, metrics
from soilft.scores.baselines import BASELINES, Baseline
from soilft.scores.predictions import HeldOut
from soilft.training.sampling import seasons
from soilft.training.table import StoredTable
from soilft.uncertainty import conformal

SCHEMA = "soilft-scorecard/2"
SEASONS = ("winter (DJF)", "spring (MAM)", "summer (JJA)", "autumn (SON)")
SHOULDER = "shoulder seasons (MAM and SON)"
_BAND_M = 1000

States = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Draws:
    """How intervals are drawn: resampled clusters of year and block."""

    seed: int
    replicates: int


@dataclass(frozen=True)
class Pool:
    """Rows of all folds, each held out once, in the order of the table."""

    rows: npt.NDArray[np.intp]
    label: States
    raw: npt.NDArray[Any]
    probability: npt.NDArray[Any]
    sets: States
    inside: States
    nearby: npt.NDArray[Any]
    fold: npt.NDArray[np.intp]
    majority: States

    @property
    def state(self) -> States:
        """The more probable class."""
        return (self.probability > 0.5).astype("uint8")

    def part(self, chosen: npt.NDArray[np.bool_]) -> Pool:
        """Some of the rows."""
        return Pool(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def __len__(self) -> int:
        return len(self.rows)


def pooled(parts: Sequence[HeldOut]) -> Pool:
    """Join the folds."""
    names = ("rows", "label", "raw", "probability", "sets", "inside", "nearby")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    counts = [len(part.rows) for part in parts]
    joined["fold"] = np.repeat(np.arange(len(parts)), counts)
    joined["majority"] = np.repeat([part.majority for part in parts], counts).astype("uint8")
    order = np.argsort(joined["rows"], kind="stable")
    return Pool(**{name: array[order] for name, array in joined.items()})


def experiment(
    title: str,
    note: str,
    reference: States,
    predicted: States,
    cluster: npt.NDArray[Any],
    draws: Draws,
    **more: Any,
) -> dict[str, Any]:
    """One set of scores with its intervals; rows that either does not know are left out.

    Parameters
    ----------
    reference, predicted
        Codes, (row,).
    cluster
        What is resampled for the intervals, (row,).
    more
        Further keys of the entry, such as ``against``, ``folds`` or ``by``.
    """
    both = (reference != MISSING) & (predicted != MISSING)
    if not both.any():
        return unmade(title, note, "no pixel-day is in both", **more)
    entry = {"title": title, "note": note, "comparison_only": False, "against": "label", **more}
    found = bootstrap.intervals(
        cluster[both],
        reference[both],
        predicted[both],
        seed=draws.seed,
        replicates=draws.replicates,
    )
    return {
        **entry,
        "scores": metrics.scores(reference[both], predicted[both]),
        "intervals": found,
        "clusters": len(np.unique(cluster[both])),
    }


def unmade(title: str, note: str, reason: str, **more: Any) -> dict[str, Any]:
    """The entry of an experiment without scores, and why there are none."""
    entry = {"title": title, "note": note, "comparison_only": False, "against": "label", **more}
    return {**entry, "scores": None, "intervals": None, "reason": reason}


def of_counts(
    title: str, note: str, counts: npt.NDArray[np.int64], draws: Draws, **more: Any
) -> dict[str, Any]:
    """One set of scores from two-by-two counts by cluster, (cluster, 2, 2)."""
    entry = {"title": title, "note": note, "comparison_only": False, **more}
    if not counts.sum():
        return {**entry, "scores": None, "intervals": None, "reason": "no pixel-day is in both"}
    return {
        **entry,
        "scores": metrics.scores_of_confusion(counts.sum(axis=0)),
        "intervals": bootstrap.intervals_of_counts(
            counts, seed=draws.seed, replicates=draws.replicates
        ),
        "clusters": len(counts),
    }


def groups(table: StoredTable, pool: Pool) -> dict[str, list[dict[str, Any]]]:
    """Scores by month, season, elevation, radiometer, gap level, year, area of applicability."""
    rows = pool.rows
    season = np.array(SEASONS)[seasons(table.day[rows])]
    keys: dict[str, npt.NDArray[Any]] = {
        "month": np.array([f"{m:02d}" for m in table.month[rows]]),
        "season": season,
        "year": table.year_name[rows],
    }
    if "static_elevation" in table.names:
        height = table.features[rows, table.names.index("static_elevation")]
        band = np.floor(np.nan_to_num(height) / _BAND_M).astype(int) * _BAND_M
        keys["elevation"] = np.array([f"{b:5d} to {b + _BAND_M} m" for b in band])
    if table.radiometers:
        names = np.array([*table.radiometers, "none"])
        keys["era"] = names[np.minimum(table.radiometer[rows], len(table.radiometers))]
    if (table.level[rows] != MISSING).any():
        names = np.array([*LEVELS, "none"])
        keys["gap_fill_level"] = names[np.minimum(table.level[rows], len(LEVELS))]
    if (pool.inside != MISSING).any():
        keys["applicability"] = np.where(pool.inside == 1, "inside", "outside")
    found = {name: _by(key, pool) for name, key in keys.items()}
    shoulder = np.isin(season, (SEASONS[1], SEASONS[3]))
    if shoulder.any():
        (both,) = _by(np.full(shoulder.sum(), SHOULDER), pool.part(shoulder))
        found["season"].append(both)
    return found


def _by(key: npt.NDArray[Any], pool: Pool) -> list[dict[str, Any]]:
    """Scores of each group, of its state, its probability and its sets."""
    found = []
    for row in metrics.by(key, pool.label, pool.state):
        part = pool.part(key == row["key"])
        measures = metrics.probability_scores(part.label, part.probability)
        row |= {name: measures[name] for name in ("brier", "calibration_error")}
        if (part.sets != MISSING).any():
            covered = conformal.coverage(part.label, part.sets)
            row |= {name: covered[name] for name in ("coverage_thawed", "coverage_frozen")}
        found.append(row)
    return found


def probabilities(pool: Pool, climatology: npt.NDArray[Any] | None) -> dict[str, Any]:
    """Brier score, its skill over climatologies, calibration error and reliability.

    Parameters
    ----------
    climatology
        Of each pixel's own label, (table row,): it knows the held-out block, as the forest does
        not. ``brier_skill_nearby`` is the skill over what the fold's training labels tell.
    """
    known = None if climatology is None else climatology[pool.rows].astype("float64")
    near = metrics.probability_scores(pool.label, pool.probability, pool.nearby)
    return {
        **metrics.probability_scores(pool.label, pool.probability, known),
        "brier_skill_nearby": near["brier_skill"],
        "reliability": metrics.reliability(pool.label, pool.probability),
    }


def baselines(
    table: StoredTable,
    pool: Pool,
    states: Mapping[str, States],
    others: Mapping[str, str],
    draws: Draws,
    *,
    against: str,
    reference: States,
    truth: States | None = None,
) -> list[dict[str, Any]]:
    """The held-out forest beside each baseline, on the pixel-days that both know.

    Parameters
    ----------
    states
        Of the whole table by name of the baseline or of another label.
    others
        Titles of other labels, which are satellite labels themselves.
    against, reference
        What both are scored against, and its states for the pool's rows.
    truth
        True states of the pool's rows where they are known: by how much they themselves, taken as
        a prediction of the reference, exceed each baseline is the most that there is to gain.
    """
    share = pool.nearby
    nearby = np.where(np.isfinite(share), np.where(share > 0.5, 1, 0), MISSING).astype("uint8")
    rules = [r for r in BASELINES if r.name in states or r.name == "climatology_nearby"]
    rules += [
        Baseline(name, title, True, "its own product")
        for name, title in others.items()
        if name in states
    ]
    cluster = table.clusters(pool.rows)
    found = []
    for rule in rules:
        if rule.name == against:
            continue
        theirs = nearby if rule.name == "climatology_nearby" else states[rule.name][pool.rows]
        both = (theirs <= 1) & (reference <= 1)
        entry: dict[str, Any] = {
            "name": rule.name,
            "title": rule.title,
            "is_satellite_label": rule.is_satellite_label,
            "against": against,
            "source": rule.source,
            "rows": int(both.sum()),
        }
        if not both.any():
            found.append({**entry, "reason": "no pixel-day is in both"})
            continue
        label, ours, other = reference[both], pool.state[both], theirs[both]
        mine, scores = metrics.scores(label, ours), metrics.scores(label, other)
        found.append(
            {
                **entry,
                "overall_accuracy": scores["overall_accuracy"],
                "balanced_accuracy": scores["balanced_accuracy"],
                "model_overall_accuracy": mine["overall_accuracy"],
                "model_balanced_accuracy": mine["balanced_accuracy"],
                "difference": bootstrap.difference(
                    cluster[both],
                    label,
                    ours,
                    other,
                    seed=draws.seed,
                    replicates=draws.replicates,
                ),
                "mcnemar": bootstrap.mcnemar(label, ours, other),
            }
        )
        if truth is not None:
            found[-1]["difference_of_truth"] = bootstrap.difference(
                cluster[both],
                label,
                truth[both],
                other,
                seed=draws.seed,
                replicates=draws.replicates,
            )
    return found


def ablation(
    table: StoredTable, name: str, title: str, features: int, pool: Pool, full: Pool, draws: Draws
) -> dict[str, Any]:
    """A forest without some features beside the full one, both uncalibrated, on the same rows."""
    reduced, whole = ((p.raw > 0.5).astype("uint8") for p in (pool, full))
    return {
        "name": name,
        "title": title,
        "features": features,
        "scores": metrics.scores(pool.label, reduced),
        "difference": bootstrap.difference(
            table.clusters(pool.rows),
            pool.label,
            whole,
            reduced,
            seed=draws.seed,
            replicates=draws.replicates,
        ),
    }


def side_by_side(
    table: StoredTable, raw: HeldOut, harmonized: HeldOut, draws: Draws
) -> dict[str, Any]:
    """Scores of the record without inter-calibration beside those with it, on the same rows.

    Returns
    -------
    dict
        ``rows`` judged, scores of each, and ``difference``, harmonised minus raw; see
        `soilft.scores.bootstrap.difference`.

    Raises
    ------
    ValueError
        Where the two are not of the same rows.
    """
    if not np.array_equal(raw.rows, harmonized.rows):
        raise ValueError("rows differ between the raw and the harmonised record")
    return {
        "rows": len(raw.rows),
        "raw": metrics.scores(raw.label, raw.state),
        "harmonized": metrics.scores(raw.label, harmonized.state),
        "difference": bootstrap.difference(
            table.clusters(raw.rows),
            raw.label,
            harmonized.state,
            raw.state,
            seed=draws.seed,
            replicates=draws.replicates,
        ),
    }


def sets(table: StoredTable, pool: Pool, level: float) -> dict[str, Any] | None:
    """Coverage of the conformal sets on held-out years and blocks, by month and by block."""
    if (pool.sets == MISSING).all():
        return None
    whole = conformal.coverage(pool.label, pool.sets)
    month = np.array([f"{m:02d}" for m in table.month[pool.rows]])
    return {
        "level": level,
        "against": "label",
        "thawed": {"rows": whole["rows_thawed"], "coverage": whole["coverage_thawed"]},
        "frozen": {"rows": whole["rows_frozen"], "coverage": whole["coverage_frozen"]},
        "both": whole["share_both"],
        "neither": whole["share_neither"],
        "by_month": _covered(month, pool),
        "by_region": _covered(table.block[pool.rows], pool),
    }


def _covered(key: npt.NDArray[Any], pool: Pool) -> list[dict[str, Any]]:
    return [
        {
            "key": str(item["group"]),
            "rows": item["rows"],
            "coverage_thawed": item["coverage_thawed"],
            "coverage_frozen": item["coverage_frozen"],
            "both": item["share_both"],
            "neither": item["share_neither"],
        }
        for item in conformal.coverage_by(key, pool.label, pool.sets)
    ]


def plain(value: Any) -> Any:
    """JSON values: numbers that are not finite become null, NumPy's become Python's."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def importance(parts: Sequence[HeldOut]) -> list[dict[str, Any]]:
    """Mean fall of the accuracy over the folds when a group is permuted, largest first."""
    names = parts[0].importance if parts else {}
    weight = np.array([len(part.rows) for part in parts], "float64")
    found = []
    for name in names:
        falls = np.array([part.importance.get(name, np.nan) for part in parts])
        known = np.isfinite(falls)
        mean = float(np.average(falls[known], weights=weight[known]))
        found.append({"group": name, "drop": mean, "folds": falls[known].tolist()})
    return sorted(found, key=lambda item: -item["drop"])
