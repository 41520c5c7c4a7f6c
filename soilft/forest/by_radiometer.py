"""Forests by radiometer: one for each radiometer's rows, beside the forest of all rows.

Rows of a radiometer without a forest of its own, and those that no radiometer saw, are left to the
forest of all rows; so a set of forests has something to say wherever the one forest has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from soilft.forest.grow import ForestSettings, fit

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

    from soilft.forest.compiled import CompiledForest


@dataclass(frozen=True)
class Forests:
    """What votes on a row: the forest of its radiometer, else that of all rows.

    Parameters
    ----------
    whole
        Grown on all rows.
    by_radiometer
        Grown on the rows of one radiometer each, by its number; empty for one forest altogether.
    """

    whole: ExtraTreesClassifier
    by_radiometer: Mapping[int, ExtraTreesClassifier] = field(default_factory=dict)

    @cached_property
    def compiled(self) -> CompiledForest:
        """The forest of all rows as it is walked; compiled on first use."""
        from soilft.forest.compiled import compile_forest

        return compile_forest(self.whole)

    @cached_property
    def _compiled_by_radiometer(self) -> dict[int, CompiledForest]:
        from soilft.forest.compiled import compile_forest

        return {number: compile_forest(forest) for number, forest in self.by_radiometer.items()}

    def votes(
        self, features: npt.NDArray[np.float32], radiometer: npt.NDArray[np.uint8] | None = None
    ) -> npt.NDArray[np.float64]:
        """Share of the votes for frozen, shape (row,).

        Parameters
        ----------
        features
            float32 (row, feature), NaN where missing.
        radiometer
            Number of each row's radiometer, 255 where none was seen, shape (row,).

        Raises
        ------
        ValueError
            Where there are forests by radiometer and ``radiometer`` is not given.
        """
        if not len(features):
            return np.empty(0)
        features = np.ascontiguousarray(features)
        if not self.by_radiometer:
            return self.compiled.frozen_probability(features)
        if radiometer is None:
            raise ValueError("the radiometer of each row is needed")
        found = np.empty(len(features))
        left = np.ones(len(features), bool)
        for number, forest in self._compiled_by_radiometer.items():
            here = radiometer == number
            left &= ~here
            if here.any():
                found[here] = forest.frozen_probability(features[here])
        if left.any():
            found[left] = self.compiled.frozen_probability(features[left])
        return found


def radiometers_to_grow(label: npt.NDArray[Any], radiometer: npt.NDArray[Any]) -> list[int]:
    """Numbers of the radiometers whose rows have both classes; none where there is only one.

    Parameters
    ----------
    label, radiometer
        Of the training rows, shape (row,).
    """
    seen = [number for number in np.unique(radiometer).tolist() if number != 255]
    if len(np.unique(radiometer)) < 2:
        return []
    return [number for number in seen if len(np.unique(label[radiometer == number])) == 2]


def fit_by_radiometer(
    settings: ForestSettings,
    features: npt.NDArray[np.float32],
    label: npt.NDArray[np.uint8],
    radiometer: npt.NDArray[np.uint8],
) -> Forests:
    """Grow the forest of all rows and one for each radiometer, in this process.

    Parameters
    ----------
    radiometer
        Number of each row's radiometer, shape (row,).
    """
    own = {
        number: fit(settings, features[radiometer == number], label[radiometer == number])
        for number in radiometers_to_grow(label, radiometer)
    }
    return Forests(fit(settings, features, label), own)
