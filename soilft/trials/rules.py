"""Settings of the forests that are grown for cross-validation, and their growing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from soilft.errors import ConfigError
from soilft.forest.by_radiometer import Forests, fit_by_radiometer
from soilft.forest.grow import ForestSettings, fit
from soilft.scores.predictions import Rows
from soilft.training.table import StoredTable


@dataclass(frozen=True)
class Rules:
    """Settings of the forests that experiments grow, the same for all of them.

    Parameters
    ----------
    folds, inner_folds
        Of years and blocks together; the inner ones are cut from a fold's training rows.
    rows_per_fit, trees_per_fit
        At most, so that all folds can be grown; recorded in the scorecard.
    level
        Of the conformal sets.
    per_era
        Whether each radiometer's rows grow a forest of their own.
    """

    folds: int
    inner_folds: int
    rows_per_fit: int
    trees_per_fit: int
    level: float
    seed: int
    per_era: bool = False

    def forest(self, settings: ForestSettings) -> ForestSettings:
        """The published forest's settings with no more trees than allowed."""
        return replace(settings, n_estimators=min(settings.n_estimators, self.trees_per_fit))


def grown(
    settings: ForestSettings,
    rules: Rules,
    table: StoredTable,
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
    rows: Rows,
) -> Forests:
    """Grow the forest of some rows of a table, or one for each radiometer, in this process.

    Raises
    ------
    ConfigError
        Where the rows are not of both classes.
    """
    classes = np.unique(label[rows])
    if len(classes) < 2:
        raise ConfigError(
            "validation",
            expected="rows of both classes to train on",
            found=f"{len(rows)} rows of {len(classes)} class",
            remedy="Use fewer folds, a longer period or a larger region.",
        )
    if rules.per_era:
        return fit_by_radiometer(settings, features[rows], label[rows], table.radiometer[rows])
    return Forests(fit(settings, features[rows], label[rows]))
