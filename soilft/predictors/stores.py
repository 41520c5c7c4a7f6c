"""Input stores of a region, as a small value that travels to workers and opens them there."""

from __future__ import annotations

from dataclasses import dataclass

from soilft.days import DaySpan
from soilft.predictors.features import FeatureSet, names_of
from soilft.predictors.window import HALO_DAYS, REACH_DAYS, REMEMBERED, Inputs
from soilft.radiometers.normals import PARTS
from soilft.radiometers.opened import RadiometerRefs
from soilft.store import zarr as store


@dataclass(frozen=True)
class InputRefs(RadiometerRefs):
    """URLs of input stores by role; those a region does not have are empty or None."""

    reanalysis: str | None = None
    static: str | None = None

    def open(self) -> Inputs:
        """Open the stores lazily."""
        radiometers = super().open()
        return Inputs(
            radiometers.grid,
            radiometers.whole,
            radiometers.tb,
            radiometers.transfers,
            radiometers.gaps,
            reanalysis=None if self.reanalysis is None else store.open_cube(self.reanalysis),
            static=None if self.static is None else store.open_cube(self.static),
            mask=self.region.mask,
        )


def predictor_bytes(references: InputRefs, features: FeatureSet, span: DaySpan) -> int:
    """Memory that computing predictors needs at most, from its shapes.

    The features twice (as fields, and gathered by pixel), and the brightness temperatures of the
    span with its halo: merged, of one radiometer before that, and for each overpass as matched.
    Where gaps are filled, also those of other radiometers, the anomalies from the normals, what
    they are filled with, and the normals themselves.
    """
    inputs = references.open()
    cells = 4 * inputs.grid.shape[0] * inputs.grid.shape[1]
    width, targets = len(names_of(inputs, features)), len(features.targets)
    axes = len(inputs.nodes) * len(inputs.channels)
    tb = (len(span) + 2 * HALO_DAYS) * axes
    past = (len(span) + REACH_DAYS) * len(set(REMEMBERED) & set(inputs.reanalysis_names))
    filling = 0
    if inputs.gaps is not None:
        reach = 2 * inputs.gaps.reach * axes
        kept = 0 if inputs.gaps.normals is None else PARTS * axes
        filling = 4 * (tb + reach) + kept + 2 * reach
    return cells * (2 * len(span) * targets * width + tb * (2 + 2 * targets) + 4 * past + filling)
