"""How good is it: the random split for comparison, held-out spatial blocks, and shuffled labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.errors import ConfigError
from soilft.forest.artefact import ModelRef
from soilft.forest.grow import ForestSettings, fit
from soilft.forest.loaded import loaded
from soilft.grid import Region
from soilft.metrics import scores
from soilft.schema import FROZEN, THAWED
from soilft.splits import SPLITS, spatial_blocks
from soilft.table import read_table


@dataclass(frozen=True)
class ScoreSplits:
    """One task: score the model on the three parts of the random split."""

    table_url: str
    model: ModelRef


def score_splits(task: ScoreSplits) -> dict[str, dict[str, Any]]:
    """Scores by part of the random split. Runs on a worker."""
    table = read_table(task.table_url)
    model = loaded(task.model)
    predicted = _state(model.frozen_probability(table.features))
    return {
        part: scores(table.label[rows], predicted[rows])
        for part in SPLITS
        if len(rows := table.rows_of(part))
    }


@dataclass(frozen=True)
class ScoreFold:
    """One task: train without some spatial blocks, predict in them.

    Parameters
    ----------
    fold, folds
        Which of how many.
    block_degrees
        Side of a block.
    shuffle_labels
        Deal the labels out at random first: whatever is learnt then is not about the soil.
    """

    table_url: str
    settings: ForestSettings
    region: Region
    block_degrees: float
    folds: int
    fold: int
    seed: int
    shuffle_labels: bool


@dataclass(frozen=True)
class HeldOut:
    """Labels and predictions of the rows that a fold did not see."""

    truth: npt.NDArray[np.uint8]
    predicted: npt.NDArray[np.uint8]
    blocks: int


def block_folds(
    blocks: npt.NDArray[Any], folds: int, seed: int
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Rows to train on and rows held out, for each fold; no block is on both sides.

    Parameters
    ----------
    blocks
        Number of the block each row lies in.

    Raises
    ------
    ConfigError
        Where there are fewer blocks than folds.
    """
    from sklearn.model_selection import GroupKFold

    count = len(np.unique(blocks))
    if count < folds:
        raise ConfigError(
            "validation.folds",
            expected=f"at most {count}, the number of blocks with labels",
            found=str(folds),
            remedy="Use fewer folds or smaller blocks.",
        )
    splitter = GroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    return list(splitter.split(blocks, groups=blocks))


def score_fold(task: ScoreFold) -> HeldOut:
    """Grow a forest without one fold's blocks and predict in them. Runs on a worker."""
    table = read_table(task.table_url)
    label = table.label
    if task.shuffle_labels:
        label = np.random.default_rng(task.seed).permutation(label)
    blocks = spatial_blocks(task.region.grid, task.block_degrees).ravel()[table.cell]
    train, held_out = block_folds(blocks, task.folds, task.seed)[task.fold]
    forest = fit(task.settings, table.features[train], label[train])
    probability = forest.predict_proba(table.features[held_out])
    frozen = probability[:, forest.classes_ == FROZEN].sum(axis=1)
    return HeldOut(label[held_out], _state(frozen), len(np.unique(blocks[held_out])))


def evaluate(task: ScoreSplits | ScoreFold) -> dict[str, dict[str, Any]] | HeldOut:
    """Do one unit of the stage. Runs on a worker."""
    return score_splits(task) if isinstance(task, ScoreSplits) else score_fold(task)


def pooled(parts: list[HeldOut]) -> dict[str, Any]:
    """Scores of all folds together: every row was held out once."""
    truth = np.concatenate([part.truth for part in parts])
    predicted = np.concatenate([part.predicted for part in parts])
    return {**scores(truth, predicted), "folds": len(parts), "blocks": sum(p.blocks for p in parts)}


def _state(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.where(probability > 0.5, FROZEN, THAWED).astype("uint8")
