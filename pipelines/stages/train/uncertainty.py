"""Stage train, uncertainty: calibration, conformal sets and applicability of the forest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.stages.train.forest import STAGE, rows_that_fit
from pipelines.stages.train.inner_votes import inner_votes
from pipelines.work import Work
from soilft.forest.grow import ForestSettings
from soilft.store.ledger import Done
from soilft.training.table import held_table
from soilft.trials import uncertainty_fit
from soilft.trials.rules import Rules
from soilft.uncertainty.bundle import Uncertainty

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier


def fit_uncertainty(
    work: Work,
    table: Done,
    forest: ExtraTreesClassifier,
    settings: ForestSettings,
    how: Rules,
) -> tuple[Uncertainty | None, str]:
    """Fit on folds of the training rows; the rows of validation and test stay unseen.

    None where the rows do not suffice; and a sentence for the card.
    """
    most = rows_that_fit(work.run, work.client, STAGE, table)
    rows, votes = inner_votes(work, table, settings, how, "calibration", most)
    held = held_table(work.run.table_url(), table.content, most)
    return uncertainty_fit.fit(held, rows, votes, forest.feature_importances_, how)
