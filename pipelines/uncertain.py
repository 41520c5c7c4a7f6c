"""Stage 2, last part: calibration, conformal sets and applicability of the forest just grown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from distributed import Client

from pipelines.events import Emit
from pipelines.outcomes import Outcomes, collect
from pipelines.run import Run
from soilft.errors import ConfigError
from soilft.experiments import InnerFold, Rules, clusters, measures, run_inner
from soilft.forest.grow import ForestSettings
from soilft.ledger import Record
from soilft.splits import at_most
from soilft.table import held_table
from soilft.uncertainty import applicability
from soilft.uncertainty.bundle import Uncertainty

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

# Folds of years and blocks that the final model's uncertainty is fitted on.
FOLDS = 5


def rules(run: Run) -> Rules:
    """How forests for judging are grown, from the region file."""
    section = run.config.validation
    return Rules(
        section.folds,
        section.inner_folds,
        section.rows_per_fit,
        section.trees_per_fit,
        section.level,
        section.seed,
    )


def fit_uncertainty(
    run: Run,
    client: Client,
    emit: Emit,
    outcomes: Outcomes,
    table: Record,
    forest: ExtraTreesClassifier,
    settings: ForestSettings,
) -> tuple[Uncertainty | None, str]:
    """Fit on folds of the training rows; the rows of validation and test stay unseen.

    Returns
    -------
    uncertainty : Uncertainty or None
        None where the rows do not suffice, or a fold failed, which is then in ``outcomes``.
    reason : str
        One sentence for the card.
    """
    url, content, how = run.table_url(), table.content, rules(run)
    tasks = {
        f"calibration fold {fold}": InnerFold(url, content, settings, how, "train", FOLDS, fold)
        for fold in range(FOLDS)
    }
    found: dict[str, Any] = {}
    part = Outcomes("calibration")
    collect(client, run_inner, tasks, found.__setitem__, part, emit)
    if part.failed:
        outcomes.failed |= part.failed
        return None, "not fitted: a fold failed"
    rows, votes = (
        np.concatenate(arrays) for arrays in zip(*(found[u] for u in tasks), strict=True)
    )
    held = held_table(url, content)
    try:
        calibration, sets = measures(held, rows, votes, held.label[rows], how)
        train = at_most(held.rows_of("train"), how.rows_per_fit, how.seed)
        area = applicability.fit(
            held.features[train],
            forest.feature_importances_,
            clusters(held, train),
            how.seed,
        )
    except ConfigError as error:
        return None, f"not fitted: {error}"
    said = (
        f"{calibration.method} calibration and {100 * how.level:g} % sets on {len(rows)} rows of "
        f"{FOLDS} folds of held-out years and blocks"
    )
    return Uncertainty(calibration, sets, area), said
