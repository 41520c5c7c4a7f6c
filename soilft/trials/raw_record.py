"""Record without inter-calibration: the predictors of a table's rows, a forest, its states.

Nothing of it is published. The inter-calibrated record is compared with it, on the same rows and
pixel-days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.draws import at_most
from soilft.errors import ModelError
from soilft.forest import strata
from soilft.forest.artefact import ModelRef, save
from soilft.forest.grow import ForestSettings
from soilft.forest.loaded import loaded
from soilft.predictors.features import FeatureSet, compute
from soilft.predictors.stores import InputRefs, predictor_bytes
from soilft.schema import FROZEN, MISSING, OVERPASSES, THAWED
from soilft.scores.evidence import Pair
from soilft.scores.predictions import HeldOut
from soilft.store import zarr as store
from soilft.training.sampling import Table
from soilft.training.table import (
    StoredTable,
    feature_names,
    held_table,
    read_radiometers,
    write_table,
)
from soilft.trials.experiments import folds_of
from soilft.trials.rules import Rules, grown

VERSION = 1
RAW, HARMONIZED, TRUTH = "raw", "harmonized", "truth"

States = npt.NDArray[np.uint8]


def as_they_are(inputs: InputRefs) -> InputRefs:
    """The same stores with no radiometer inter-calibrated, and no gap filled.

    The radiometer in operation on a day stays the same.
    """
    return replace(as_seen(inputs), transfers=None)


def as_seen(inputs: InputRefs) -> InputRefs:
    """The same stores with no gap filled."""
    gaps = inputs.gaps
    unfilled = None if gaps is None else replace(gaps, levels=(), normals=None)
    return replace(inputs, gaps=unfilled)


@dataclass(frozen=True)
class RawRows:
    """One task: raw predictors of the rows of a table that lie on some days.

    Parameters
    ----------
    inputs
        Without inter-calibration; see `as_they_are`.
    features
        As the table was made from.
    """

    inputs: InputRefs
    features: FeatureSet
    table_url: str
    span: DaySpan

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: the block twice, while rows are gathered from it."""
        return 2 * predictor_bytes(self.inputs, self.features, self.span)


@dataclass(frozen=True)
class Gathered:
    """Raw predictors of some rows.

    Parameters
    ----------
    rows
        Numbers of the rows in the table, ascending.
    features
        float32 (row, feature); NaN throughout where ``same`` is false.
    same
        Whether the raw record has the radiometer of the table there, at the same level, (row,).
        It has not where the table's gap was filled, or where what the radiometer in operation saw
        could not be inter-calibrated.
    names
        Of the features, in order.
    """

    rows: npt.NDArray[np.intp]
    features: npt.NDArray[np.float32]
    same: npt.NDArray[np.bool_]
    names: tuple[str, ...]


def raw_rows(task: RawRows) -> Gathered:
    """Gather the rows of a chunk of days. Runs on a worker."""
    columns = ("day", "overpass", "cell", "era", "level")
    day, overpass, cell, radiometer, level = strata.read_columns(task.table_url, *columns)
    numbers = task.span.numbers
    rows = np.flatnonzero((day >= numbers[0]) & (day <= numbers[-1]))
    predictors = compute(task.inputs.open(), task.features, task.span)
    place = {OVERPASSES[target.name]: i for i, target in enumerate(task.features.targets)}
    at = (
        day[rows] - numbers[0],
        np.array([place[int(code)] for code in overpass[rows]], "intp"),
        *np.divmod(cell[rows], task.inputs.region.grid.shape[1]),
    )
    same = (predictors.radiometer[at] == radiometer[rows]) & (predictors.level[at] == level[rows])
    features = predictors.values[at]
    features[~same] = np.nan
    return Gathered(rows, features, same, predictors.names)


class GatheredRows:
    """Raw predictors of all rows of a table, from parts in any order.

    Parameters
    ----------
    count
        Rows of the table.
    names
        Of its features, in order.

    Attributes
    ----------
    features, same
        As in `Gathered`, of all rows; NaN and false where no part has come.
    """

    def __init__(self, count: int, names: tuple[str, ...]) -> None:
        self.names = names
        self.features = np.full((count, len(names)), np.nan, "float32")
        self.same = np.zeros(count, bool)

    def add(self, unit: str, part: Gathered) -> None:
        """Add the rows of a part, of that unit.

        Raises
        ------
        ModelError
            Where its features are not those of the table.
        """
        if part.names != self.names:
            raise ModelError(unit, expected="the features of the table", found="others")
        self.features[part.rows], self.same[part.rows] = part.features, part.same


def write_raw_table(
    url: str, table_url: str, features: npt.NDArray[np.float32], same: npt.NDArray[np.bool_]
) -> str:
    """Write the rows of a table with raw predictors; give the digest of the content.

    Rows and their order are those of the table. One that the raw record has not, or from another
    radiometer, has no predictors and the radiometer 255, so that nothing learns from it.

    Parameters
    ----------
    features
        float32 (row, feature) in the order of the table's.
    same
        Whether the row is of the table's radiometer and level, (row,).
    """
    columns = ("label", "day", "overpass", "cell", "block", "era", "level", "split")
    held = dict(zip(columns, strata.read_columns(table_url, *columns), strict=True))
    split = held.pop("split")
    held["radiometer"] = np.where(same, held.pop("era"), MISSING).astype("uint8")
    # Nobody is drawn from these rows: their order in the draw is not kept.
    table = Table(features, **held, order=np.zeros(len(split), "uint64"))
    about = store.open_raw(table_url).attrs
    radiometers = [str(name) for name in about["eras"]]  # type: ignore[union-attr]
    told = {"simulated": about.get("simulated", "false"), "radiometers": "as they are"}
    return write_table(url, table, split, feature_names(table_url), radiometers, told)


def trainable(table: StoredTable, rules: Rules) -> list[int]:
    """Numbers of the folds of kind ``transfer`` whose training rows are of two classes."""
    folds = folds_of(table, "transfer", rules)
    return [i for i, fold in enumerate(folds) if len(np.unique(table.label[fold.train])) == 2]


def by_pair(
    pairs: Sequence[Pair],
    trained: Sequence[int],
    raw: Sequence[HeldOut],
    harmonized: Sequence[HeldOut],
) -> dict[Pair, tuple[HeldOut, HeldOut] | str]:
    """Predictions by either record for each pair of radiometers, or why there are none.

    Parameters
    ----------
    pairs
        Names of the radiometers trained on and tested on.
    trained
        Numbers of the pairs that forests were grown for; see `trainable`.
    raw, harmonized
        Predictions for these pairs.
    """
    found: dict[Pair, tuple[HeldOut, HeldOut] | str] = {
        (one, other): f"the rows of {one} are of one class" for one, other in pairs
    }
    of_both = zip(raw, harmonized, strict=True)
    return found | {pairs[i]: both for i, both in zip(trained, of_both, strict=True)}


@dataclass(frozen=True)
class GrowRecord:
    """One task: grow a forest on the training rows that both records have, and keep it.

    Parameters
    ----------
    radiometers_of
        URL of the raw table: rows without a radiometer there are left out.
    root
        Folder below which the model is written.
    most
        Rows of the table to know of, all where None; see `soilft.training.table.read_table`.
    """

    table_url: str
    table_content: str
    settings: ForestSettings
    rules: Rules
    radiometers_of: str
    root: str
    most: int | None = None


def grow_record(task: GrowRecord) -> ModelRef:
    """Grow the forest of one record as those of cross-validation are. Runs on a worker.

    Raises
    ------
    ConfigError
        Where the rows are of one class.
    """
    table = held_table(task.table_url, task.table_content, task.most)
    left_out = np.flatnonzero(read_radiometers(task.radiometers_of, task.most) == MISSING)
    rows = np.setdiff1d(table.rows_of("train"), left_out)
    rows = at_most(rows, task.rules.rows_per_fit, task.rules.seed)
    settings = task.rules.forest(task.settings)
    forests = grown(settings, task.rules, table, table.features, table.label, rows)
    facts = {"table_digest": task.table_content, "training_rows": len(rows)}
    return save(task.root, forests, table.names, settings, facts)


def lattice(mask: npt.NDArray[np.bool_], most: int) -> tuple[slice, slice]:
    """Rows and columns of every k-th cell, with the least k that leaves no more than ``most``.

    Parameters
    ----------
    mask
        Cells that count, (y, x).
    """
    height, width = mask.shape
    for k in range(1, max(height, width) + 1):
        rows = slice(min(k // 2, height - 1), height, k)
        columns = slice(min(k // 2, width - 1), width, k)
        if mask[rows, columns].sum() <= most:
            break
    return rows, columns


@dataclass(frozen=True)
class Recorded:
    """One record: its inputs, see `as_they_are` and `as_seen`, and the forest grown on it."""

    name: str
    inputs: InputRefs
    model: ModelRef


@dataclass(frozen=True)
class StateDays:
    """One task: states of a sample of cells on some days, by every record.

    Parameters
    ----------
    features
        Of the reference overpass alone.
    truth_url
        Store with the simulated truth ``freeze_thaw`` (time, overpass, y, x), or None.
    rows, columns
        Of the cells; see `lattice`.
    """

    records: tuple[Recorded, ...]
    features: FeatureSet
    truth_url: str | None
    rows: slice
    columns: slice
    span: DaySpan

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: no more than for all cells of the grid."""
        return 3 * predictor_bytes(self.records[0].inputs, self.features, self.span)


def states(task: StateDays) -> dict[str, States]:
    """States (day, cell) of the cells within the region, by record. Runs on a worker.

    Codes of ``freeze_thaw_state``, 255 where nothing is known. The truth is there where it has a
    store.
    """
    inputs = task.records[0].inputs
    mask = inputs.region.mask[task.rows, task.columns]
    found = {record.name: _states(task, record) for record in task.records}
    if task.truth_url is not None:
        group = store.open_raw(task.truth_url)
        codes = np.asarray(store.array(group, "overpass")[...]).tolist()
        at = codes.index(OVERPASSES[task.features.targets[0].name])
        true: Any = store.array(group, "freeze_thaw")
        days = task.span.within(inputs.whole)
        found[TRUTH] = np.asarray(true[days, at, task.rows, task.columns])
    return {name: state[:, mask] for name, state in found.items()}


def _states(task: StateDays, record: Recorded) -> States:
    """State of one record at the sampled cells, (day, y, x)."""
    model = loaded(record.model)
    opened = record.inputs.open().window(task.rows, task.columns)
    predictors = compute(opened, task.features, task.span)
    model.require_features(predictors.names)
    usable = predictors.usable[:, 0]
    found = np.full(usable.shape, MISSING, "uint8")
    if usable.any():
        values, radiometer = predictors.values[:, 0][usable], predictors.radiometer[:, 0][usable]
        found[usable] = np.where(model.frozen_probability(values, radiometer) > 0.5, FROZEN, THAWED)
    return found
