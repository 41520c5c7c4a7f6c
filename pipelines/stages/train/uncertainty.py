"""Stage train, uncertainty: calibration, conformal sets and applicability of the forest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.stages.train.forest import STAGE, rows_that_fit
from pipelines.stages.train.inner_votes import inner_votes
from pipelines.work import Work
from soilft.draws import at_most
from soilft.errors import NotEnoughRows
from soilft.forest.grow import ForestSettings
from soilft.store.ledger import Done
from soilft.training.table import held_table
from soilft.trials.inner_folds import FOLDS, measures
from soilft.trials.rules import Rules
from soilft.uncertainty import applicability
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

    Returns
    -------
    uncertainty : Uncertainty or None
        None where the rows do not suffice.
    reason : str
        One sentence for the card.
    """
    most = rows_that_fit(work.run, work.client, STAGE, table)
    rows, votes = inner_votes(work, table, settings, how, "calibration", most)
    held = held_table(work.run.table_url(), table.content, most)
    try:
        calibration, sets = measures(held, rows, votes, held.label[rows], how)
        train = at_most(held.rows_of("train"), how.rows_per_fit, how.seed)
        area = applicability.fit(
            held.features[train],
            forest.feature_importances_,
            held.clusters(train),
            how.seed,
        )
    except NotEnoughRows as error:
        return None, f"not fitted: {error}"
    method = "no" if calibration.method == "none" else calibration.method
    said = (
        f"{method} calibration and {100 * how.level:g} % sets on {len(rows)} rows of "
        f"{FOLDS} folds of held-out years and blocks"
    )
    return Uncertainty(calibration, sets, area), said
