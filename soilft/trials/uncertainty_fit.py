"""Uncertainty of a forest, fitted on held-out votes for its training rows."""

from __future__ import annotations

from soilft.draws import at_most
from soilft.errors import NotEnoughRows
from soilft.scores.predictions import Floats, Rows
from soilft.training.held_out import held_out_together
from soilft.training.table import StoredTable
from soilft.trials.inner_folds import FOLDS, measures
from soilft.trials.rules import Rules
from soilft.uncertainty import applicability
from soilft.uncertainty.bundle import Uncertainty


def fit(
    table: StoredTable, rows: Rows, votes: Floats, importances: Floats, rules: Rules
) -> tuple[Uncertainty | None, str]:
    """Fit calibration and sets on held-out votes, the area of applicability on training rows.

    Parameters
    ----------
    rows, votes
        Training rows that were held out in one of `FOLDS` inner folds, and the votes for them,
        (row,).
    importances
        Of the forest's features, (feature,).

    Returns
    -------
    uncertainty : Uncertainty or None
        None where the rows do not suffice.
    reason : str
        One sentence for the card.
    """
    within = table.rows_of("train")
    train = at_most(within, rules.rows_per_fit, rules.seed)
    try:
        calibration, sets = measures(table, rows, votes, table.label[rows], rules)
        area = applicability.fit(
            table.features[train], importances, table.clusters(train), rules.seed
        )
    except NotEnoughRows as error:
        return None, f"not fitted: {error}"
    method = "no" if calibration.method == "none" else calibration.method
    reason = (
        f"{method} calibration and {100 * rules.level:g} % sets on {len(rows)} rows of "
        f"{FOLDS} folds of held-out {held_out_together(table.year[within], table.block[within])}"
    )
    return Uncertainty(calibration, sets, area), reason
