"""Cross-validation experiments: training rows, test rows and predictions of each fold.

A fold's uncertainty is fitted on folds within its own training rows, so neither calibration nor
conformal sets use a row that they are evaluated on, nor any row of its year or spatial block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from soilft.draws import at_most
from soilft.errors import NotEnoughRows
from soilft.forest.artefact import ModelRef
from soilft.forest.by_radiometer import Forests
from soilft.forest.grow import ForestSettings
from soilft.forest.loaded import loaded
from soilft.grid import Region
from soilft.schema import FROZEN, MISSING, THAWED
from soilft.scores.baselines import nearby_climatology
from soilft.scores.evidence import Pair
from soilft.scores.predictions import Floats, HeldOut, Rows
from soilft.training.held_out import Fold, group_folds, radiometer_pairs, year_block_folds
from soilft.training.table import StoredTable, held_table, read_radiometers, read_table
from soilft.trials.inner_folds import inner_folds, inner_votes, measures
from soilft.trials.rules import Rules, grown
from soilft.uncertainty.calibration import Calibration
from soilft.uncertainty.conformal import Conformal

Kind = Literal["year_block", "year", "block", "transfer"]


@dataclass(frozen=True)
class Experiment:
    """One task: train a forest on some rows and evaluate it on others.

    Parameters
    ----------
    kind
        ``year_block``: fold number ``fold`` of years and blocks; ``year`` and ``block``: of years
        or of blocks alone. ``transfer``: pair number ``fold`` of radiometers, trained on the one,
        tested on the other.
    columns
        Features to use, all where None.
    groups
        Columns of each group of features whose importance is asked for.
    shuffle
        Deal the labels out at random first: whatever is learnt then is not about the soil.
    uncertainty
        Whether to fit and apply calibration, conformal sets and the area of applicability.
    withheld
        URL and digest of a table of withheld pixel-days, see `soilft.trials.withheld_days`, to be
        predicted as well.
    most
        Rows of the table to know of, all where None; see `soilft.training.table.read_table`.
    radiometers_of
        Table of the same rows whose radiometers count in place of this one's, or None.
    """

    table_url: str
    table_content: str
    settings: ForestSettings
    rules: Rules
    fold: int
    region: Region
    kind: Kind = "year_block"
    columns: tuple[int, ...] | None = None
    groups: tuple[tuple[str, tuple[int, ...]], ...] = ()
    shuffle: bool = False
    uncertainty: bool = False
    withheld: tuple[str, str] | None = None
    most: int | None = None
    radiometers_of: str | None = None

    def width(self, table: StoredTable) -> int:
        """Number of features of the table that it uses."""
        return len(table.names if self.columns is None else self.columns)

    def each_fold(self, table: StoredTable) -> list[Experiment]:
        """The experiment on every fold of the table that teaches both classes, in order."""
        left_out = self.left_out(table)
        count = len(folds_of(table, self.kind, self.rules))
        return [replace(self, fold=number) for number in range(count) if number not in left_out]

    def left_out(self, table: StoredTable) -> dict[int, str]:
        """Folds that no forest can be grown on, by number, and the rows that there are to train on.

        They are of one class alone, or there are none.
        """
        label, found = self.label(table), {}
        for number, fold in enumerate(folds_of(table, self.kind, self.rules)):
            classes = np.unique(label[replace(self, fold=number).training(fold)])
            if len(classes) < 2:
                alone = {FROZEN: "frozen rows alone", THAWED: "thawed rows alone"}
                found[number] = alone[int(classes[0])] if len(classes) else "no rows"
        return found

    def label(self, table: StoredTable) -> npt.NDArray[np.uint8]:
        """Labels that are learnt and tested on, (row,): the table's, or dealt out at random."""
        if not self.shuffle:
            return table.label
        return np.random.default_rng(self.rules.seed).permutation(table.label)

    def training(self, fold: Fold) -> Rows:
        """Rows of the fold that the forest is grown on: no more than allowed."""
        return at_most(fold.train, self.rules.rows_per_fit, self.seed)

    @property
    def seed(self) -> int:
        """Of the draws of the fold."""
        return self.rules.seed + 101 * self.fold


def folds_of(table: StoredTable, kind: Kind, rules: Rules) -> list[Fold]:
    """Rows to train on and to test on, fold by fold, before any limit on their number.

    Raises
    ------
    ConfigError
        Where years and blocks are to be held out and there is one of each.
    """
    if kind == "transfer":
        pairs = radiometer_pairs(table.radiometer)
        return [
            Fold(np.flatnonzero(table.radiometer == one), np.flatnonzero(table.radiometer == other))
            for one, other in pairs
        ]
    if kind == "year_block":
        return year_block_folds(table.year, table.block, rules.folds, rules.seed)
    values = table.year if kind == "year" else table.block
    return group_folds(values, rules.folds, rules.seed)


def transfer_experiment_pairs(table: StoredTable) -> list[Pair]:
    """Names of the radiometers trained on and tested on, for each fold of kind ``transfer``."""
    names = table.radiometers
    return [(names[one], names[other]) for one, other in radiometer_pairs(table.radiometer)]


def by_pair(
    transfer: Experiment, table: StoredTable, held: Sequence[HeldOut]
) -> dict[Pair, HeldOut | str]:
    """Predictions for each pair of radiometers, or why there are none.

    Parameters
    ----------
    transfer
        The experiment of kind ``transfer``.
    held
        Predictions of its folds in order; see `Experiment.each_fold`.
    """
    left_out, made = transfer.left_out(table), iter(held)
    return {
        (one, other): f"there are {left_out[number]} of {one} to train on"
        if number in left_out
        else next(made)
        for number, (one, other) in enumerate(transfer_experiment_pairs(table))
    }


def run(experiment: Experiment) -> HeldOut:
    """Grow the forest of one experiment and test it. Runs on a worker."""
    table = held_table(experiment.table_url, experiment.table_content, experiment.most)
    if experiment.radiometers_of is not None:
        table = replace(
            table, radiometer=read_radiometers(experiment.radiometers_of, experiment.most)
        )
    rules, seed, label = experiment.rules, experiment.seed, experiment.label(table)
    fold = folds_of(table, experiment.kind, rules)[experiment.fold]
    train = experiment.training(fold)
    test = at_most(fold.test, rules.rows_per_fit, seed)
    features = _columns(table, experiment.columns)
    settings = rules.forest(experiment.settings)
    forests = grown(settings, rules, table, features, label, train)
    raw = forests.votes(features[test], table.radiometer[test])
    nothing = np.full(len(test), MISSING, "uint8")
    unknown = np.full(len(test), np.nan)
    held = HeldOut(test, label[test], raw, raw, nothing, nothing, unknown, len(train))
    held = replace(held, majority=FROZEN if np.mean(label[train] == FROZEN) > 0.5 else THAWED)
    calibration: Calibration | None = None
    if experiment.uncertainty and len(test):
        try:
            calibration, sets = _measures(table, experiment, fold.train, features, label)
        except NotEnoughRows as error:  # the votes stay as they are
            held = replace(held, calibration=f"none: {error}")
        else:
            held = replace(
                held,
                probability=calibration.apply(raw),
                sets=sets.sets(raw),
                calibration=calibration.method,
            )
        inside = _inside(forests, table, train, features, test, seed)
        nearby = _nearby(experiment, table, fold.train, test)
        held = replace(held, inside=inside, nearby=nearby)
    if experiment.withheld is not None:
        held = replace(
            held, withheld=_withheld(experiment.withheld[0], table, fold.test, forests, calibration)
        )
    if experiment.groups and len(test):
        held = replace(
            held, importance=_importance(experiment, forests, table, features, held, seed)
        )
    return held


def _columns(table: StoredTable, columns: tuple[int, ...] | None) -> npt.NDArray[np.float32]:
    return table.features if columns is None else table.features[:, list(columns)]


def _measures(
    table: StoredTable,
    experiment: Experiment,
    within: Rows,
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
) -> tuple[Calibration, Conformal]:
    """Calibration and conformal sets from folds within a fold's training rows."""
    rules = experiment.rules
    settings = rules.forest(experiment.settings)
    inner = inner_folds(table, within, rules.inner_folds, rules.seed)
    parts = [inner_votes(table, fold, within, settings, rules, features, label) for fold in inner]
    if not parts:
        raise NotEnoughRows("calibration", expected="two years or two blocks", found="one of each")
    rows, raw = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return measures(table, rows, raw, label[rows], rules)


def _inside(
    forests: Forests,
    table: StoredTable,
    train: Rows,
    features: npt.NDArray[np.float32],
    test: Rows,
    seed: int,
) -> npt.NDArray[np.uint8]:
    from soilft.uncertainty import applicability

    try:
        area = applicability.fit(
            features[train], forests.whole.feature_importances_, table.clusters(train), seed
        )
    except NotEnoughRows:  # such as rows of one cluster: there is no neighbour to measure by
        return np.full(len(test), MISSING, "uint8")
    return area.inside(area.dissimilarity(features[test])).astype("uint8")


def _nearby(experiment: Experiment, table: StoredTable, train: Rows, test: Rows) -> Floats:
    """What the labels around a held-out block say of it, from all rows of the fold's training."""
    lon, lat = (axis.ravel()[table.cell] for axis in experiment.region.grid.lonlat)
    x, y = np.radians(lon), np.radians(lat)
    place = np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)
    day = table.day.astype("datetime64[D]")
    season = (day - day.astype("datetime64[Y]")).astype("int64") + 1
    found = np.full(len(test), np.nan)
    for code in np.unique(table.overpass[test]):
        known = train[table.overpass[train] == code]
        asked = np.flatnonzero(table.overpass[test] == code)
        rows = test[asked]
        found[asked] = nearby_climatology(
            place[known], season[known], table.label[known], place[rows], season[rows]
        )
    return found


def _withheld(
    url: str,
    table: StoredTable,
    held_out: Rows,
    forests: Forests,
    calibration: Calibration | None,
) -> tuple[Rows, Floats]:
    """What a fold says of withheld pixel-days of the years and blocks that it holds out."""
    other = read_table(url)
    every = np.arange(len(other))
    rows = np.flatnonzero(np.isin(other.clusters(every), table.clusters(held_out)))
    votes = (
        forests.votes(other.features[rows], other.radiometer[rows]) if len(rows) else np.empty(0)
    )
    return rows, votes if calibration is None else calibration.apply(votes)


def _importance(
    experiment: Experiment,
    forests: Forests,
    table: StoredTable,
    features: npt.NDArray[np.float32],
    held: HeldOut,
    seed: int,
) -> dict[str, float]:
    """Fall of the raw accuracy when the columns of a group are permuted together (Breiman 2001)."""
    right = float(np.mean((held.raw > 0.5) == (held.label == FROZEN)))
    given = features[held.rows]
    order = np.random.default_rng(seed).permutation(len(given))
    found = {}
    for name, columns in experiment.groups:
        permuted = given.copy()
        permuted[:, list(columns)] = given[order][:, list(columns)]
        state = forests.votes(permuted, table.radiometer[held.rows]) > 0.5
        found[name] = right - float(np.mean(state == (held.label == FROZEN)))
    return found


@dataclass(frozen=True)
class SplitStates:
    """One task: what the published model says of every row of its table."""

    table_url: str
    table_content: str
    model: ModelRef
    most: int | None = None


def split_states(task: SplitStates) -> npt.NDArray[np.uint8]:
    """State of every row, in the order of the table. Runs on a worker."""
    table = held_table(task.table_url, task.table_content, task.most)
    model = loaded(task.model)
    model.require_features(table.names)
    return (model.frozen_probability(table.features, table.radiometer) > 0.5).astype("uint8")


def evaluate(task: Experiment | SplitStates) -> HeldOut | npt.NDArray[np.uint8]:
    """Do one unit of cross-validation. Runs on a worker."""
    return run(task) if isinstance(task, Experiment) else split_states(task)
