"""Effect of a hand-over between radiometers on the state: its step in frozen days a year.

On the days and pixels that no fit knew, the model is asked twice: with the brightness temperatures
of the radiometer that ends, and with those of the one that begins. All else is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.forest.artefact import ModelRef
from soilft.forest.loaded import loaded
from soilft.predictors.features import FeatureSet, compute
from soilft.predictors.stores import InputRefs, predictor_bytes
from soilft.radiometers.equivalence import CLUSTER_DAYS, MARGIN_DAYS, step

DAYS_A_YEAR = 365.25
# Days of a task: the halo is read once for all of them.
_MOST_DAYS = 30


@dataclass(frozen=True)
class HandOverDays:
    """One task: states of some left-out days by either radiometer.

    Parameters
    ----------
    inputs
        With the store of the transfers that know no left-out pixel and day.
    features
        Of the reference overpass alone.
    before, after
        Numbers of the radiometers.
    days
        Left-out days since 1970-01-01, (day,), within 30 days.
    places
        Number of the cluster of each left-out pixel, -1 of the others; (y, x).
    """

    inputs: InputRefs
    features: FeatureSet
    model: ModelRef
    before: int
    after: int
    days: npt.NDArray[np.int32]
    places: npt.NDArray[np.int32]

    @property
    def span(self) -> DaySpan:
        """From the first of the days to the last."""
        return DaySpan(day_of(int(self.days[0])), day_of(int(self.days[-1])))

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: a block of features, and its rows for the forest."""
        return 3 * predictor_bytes(self.inputs, self.features, self.span)


@dataclass(frozen=True)
class FrozenSteps:
    """Sums over pixel-days that both radiometers saw, (place, time).

    Parameters
    ----------
    raw, harmonized
        Frozen by the next less frozen by the last, without and with inter-calibration.
    raw_count, count
        Number of pixel-days.
    """

    raw: npt.NDArray[Any]
    raw_count: npt.NDArray[Any]
    harmonized: npt.NDArray[Any]
    count: npt.NDArray[Any]


def parts_of(days: npt.NDArray[np.int32]) -> list[npt.NDArray[np.int32]]:
    """Days cut where a task would reach over more than 30, or over a gap of five."""
    parts: list[list[int]] = []
    for day in days.tolist():
        new = not parts or day - parts[-1][0] >= _MOST_DAYS or day - parts[-1][-1] > 5
        if new:
            parts.append([])
        parts[-1].append(day)
    return [np.array(part, "int32") for part in parts]


def frozen_steps(task: HandOverDays) -> dict[int, FrozenSteps]:
    """Compare the states of both radiometers, by number of the month. Runs on a worker."""
    states = {
        (harmonized, number): _states(task, number, harmonized=harmonized)
        for harmonized in (False, True)
        for number in (task.before, task.after)
    }
    places = int(task.places.max()) + 1
    found: dict[int, FrozenSteps] = {}
    for month in np.unique(task.days // CLUSTER_DAYS):
        here = task.days // CLUSTER_DAYS == month
        sums = []
        for harmonized in (False, True):
            last, following = (states[harmonized, n][here] for n in (task.before, task.after))
            both = np.isfinite(last) & np.isfinite(following) & (task.places >= 0)
            where = np.broadcast_to(task.places, both.shape)[both]
            difference = (following - last)[both]
            sums.append(np.bincount(where, difference, minlength=places))
            sums.append(np.bincount(where, minlength=places).astype("float64"))
        found[int(month)] = FrozenSteps(*sums)
    return found


def _states(task: HandOverDays, number: int, *, harmonized: bool) -> npt.NDArray[np.float32]:
    """State of the left-out pixels from one radiometer, (day, y, x), NaN where it saw nothing."""
    model = loaded(task.model)
    opened = task.inputs.open()
    opened = replace(opened, mask=task.places >= 0).of_radiometer(number, harmonized=harmonized)
    predictors = compute(opened, task.features, task.span)
    model.require_features(predictors.names)
    seen = (predictors.usable & (predictors.radiometer == number))[:, 0]
    found = np.full(seen.shape, np.nan, "float32")
    if seen.any():
        rows = predictors.values[:, 0][seen]
        radiometer = predictors.radiometer[:, 0][seen]
        found[seen] = model.frozen_probability(rows, radiometer) > 0.5
    chosen: npt.NDArray[np.float32] = found[task.days - task.days[0]]
    return chosen


def described(parts: Sequence[dict[int, FrozenSteps]]) -> dict[str, Any]:
    """The step in frozen days a year of all left-out days, with what the test says."""
    months = sorted({month for part in parts for month in part})
    places = len(next(iter(parts[0].values())).raw)
    said: dict[str, Any] = {"margin": MARGIN_DAYS}
    for name, counted in (("raw", "raw_count"), ("harmonized", "count")):
        total, count = np.zeros((2, places, len(months)))
        for part in parts:
            for month, sums in part.items():
                total[:, months.index(month)] += getattr(sums, name)
                count[:, months.index(month)] += getattr(sums, counted)
        found = step(total * DAYS_A_YEAR, count)
        said[name] = found.rounded()
        if name == "raw":
            said["raw_equivalent"] = found.within(MARGIN_DAYS)
            said["raw_outside"] = found.outside(MARGIN_DAYS)
        else:
            said["equivalent"] = found.within(MARGIN_DAYS)
            said["pixel_days"] = found.pairs
    return said
