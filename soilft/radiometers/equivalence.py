"""Equivalence test of the step where one radiometer hands over to the next.

Two one-sided tests at 5 % each (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657): equivalent
where the whole 90 % interval of the step lies within the margin. A wide interval never passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.channels import channel_names
from soilft.days import day_of
from soilft.geo.spatial_blocks import spatial_blocks
from soilft.grid import Grid
from soilft.radiometers.eras import HandOver, Numbers
from soilft.radiometers.intercalibration import Axes, Transfer
from soilft.radiometers.pairs import TEST, Codes, Pairing, pairs
from soilft.rows import RowSpan
from soilft.schema import overpass_names

LEVEL = 0.90
# What a step may be: of brightness temperature, and of frozen days in a year.
MARGIN_K, MARGIN_DAYS = 0.5, 2.0
# Days of a cluster in time. A cluster of places is as wide as two blocks that are left out: more
# than a footprint, so that what neighbouring pixels share does not make an interval too narrow.
CLUSTER_DAYS, CLUSTER_BLOCKS = 30, 2

# Days around a hand-over whose pairs tell of its step.
WINDOW_DAYS = 365

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A mean step and its interval; NaN where too little is known."""

    mean: float
    low: float
    high: float
    pairs: int

    def rounded(self) -> list[float | None]:
        """Mean, low and high for JSON, to a ten-thousandth; None where NaN."""
        values = (self.mean, self.low, self.high)
        return [round(v, 4) if np.isfinite(v) else None for v in values]

    def within(self, margin: float) -> bool:
        """Whether the whole interval lies within the margin."""
        return bool(-margin <= self.low and self.high <= margin)

    def outside(self, margin: float) -> bool:
        """Whether the whole interval lies beyond the margin, on one side."""
        return bool(self.low > margin or self.high < -margin)


def step(total: Floats, count: Floats) -> Step:
    """Mean of differences and its 90 % interval, for errors shared within places and times.

    Parameters
    ----------
    total, count
        Sum of the differences and their number, (place, time): clusters of pixels and of days.

    Returns
    -------
    Step
        Student's interval with as many degrees of freedom as the fewer clusters allow; the
        variance of the mean is that of Cameron, Gelbach and Miller (2011, J. Bus. Econ. Stat. 29,
        238): between places, plus between times, less between both, and no less than either.
    """
    from scipy.stats import t as student

    pairs = float(count.sum())
    places, times = (int((count.sum(axis=axis) > 0).sum()) for axis in (1, 0))
    if not pairs:
        return Step(np.nan, np.nan, np.nan, 0)
    mean = float(total.sum() / pairs)
    fewer = min(places, times)
    if fewer < 2:
        return Step(mean, np.nan, np.nan, int(pairs))
    residual = (total - mean * count) / pairs
    if not residual.any():
        # Nothing varies: an interval of no width would claim certainty.
        return Step(mean, np.nan, np.nan, int(pairs))

    def between(values: Floats) -> float:
        groups = int((np.abs(values) > 0).sum())
        return float((values**2).sum()) * groups / max(1, groups - 1)

    place, time = between(residual.sum(axis=1)), between(residual.sum(axis=0))
    variance = max(place, time, place + time - between(residual))
    half = float(student.ppf((1 + LEVEL) / 2, fewer - 1)) * np.sqrt(variance)
    return Step(mean, mean - half, mean + half, int(pairs))


@dataclass(frozen=True)
class StepBand:
    """One task: the steps of the left-out pixels in some rows, on left-out days.

    Parameters
    ----------
    pairing
        From the radiometer that ends to the one that begins; its days are those left out.
    transfers
        Of either, None for the reference; fitted without these pixels and days.
    places
        Number of the cluster of each left-out pixel, -1 of the others; (y, x) of the whole grid.
    """

    pairing: Pairing
    transfers: tuple[Transfer | None, Transfer | None]
    band: RowSpan
    places: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Steps:
    """Sums of steps, (overpass, channel, place, time): next less last radiometer, in K."""

    raw: Floats
    harmonized: Floats
    count: Floats

    def __add__(self, other: Steps) -> Steps:
        return Steps(
            self.raw + other.raw, self.harmonized + other.harmonized, self.count + other.count
        )


def places_of(grid: Grid, pixel_role: Codes, block_degrees: float) -> npt.NDArray[np.int32]:
    """Number of the cluster of each left-out pixel, from 0, and -1 of the others, (y, x).

    Parameters
    ----------
    block_degrees
        Side of the blocks that are left out.
    """
    blocks = spatial_blocks(grid, CLUSTER_BLOCKS * block_degrees)
    held = pixel_role == TEST
    found = np.full(blocks.shape, -1, "int32")
    found[held] = np.unique(blocks[held], return_inverse=True)[1]
    return found


def days_left_out(
    days: Mapping[str, Numbers], change: HandOver, known: Mapping[str, Numbers]
) -> Numbers:
    """Days of both radiometers around a hand-over that no fit knows, ascending.

    Parameters
    ----------
    days
        Days since 1970-01-01 with data, by radiometer.
    known
        Days that the fit of a radiometer and the choice of its form know, by radiometer.
    """
    common = np.intersect1d(days[change.before], days[change.after])
    common = common[np.abs(common - change.day) <= WINDOW_DAYS]
    for name in (change.before, change.after):
        common = np.setdiff1d(common, known.get(name, np.empty(0, "int32")))
    return common.astype("int32")


def steps_of_band(task: StepBand) -> Steps:
    """Differences of the two radiometers, raw and inter-calibrated. Runs on a worker."""
    overpasses, channels = task.pairing.axes()
    months, time = np.unique(task.pairing.days // CLUSTER_DAYS, return_inverse=True)
    places = int(task.places.max()) + 1
    shape = (len(overpasses), len(channels), places, len(months))
    found = Steps(*(np.zeros(shape) for _ in range(3)))
    rows = task.band.slice
    here = task.places[rows]
    held = here >= 0
    last, following = (
        None if t is None else t.on_axes(overpasses, channels).window(rows, slice(None))
        for t in task.transfers
    )
    for at, one, other in pairs(task.pairing, task.band):
        numbers = task.pairing.days[at]
        harmonized_one = one if last is None else last.apply(one, numbers)
        harmonized_other = other if following is None else following.apply(other, numbers)
        raw = other.astype("float64") - one
        harmonized = harmonized_other.astype("float64") - harmonized_one
        for d, month in enumerate(time[at]):
            for o, c in np.ndindex(*shape[:2]):
                known = held & np.isfinite(raw[d, o, c]) & np.isfinite(harmonized[d, o, c])
                where = here[known]
                for values, into in ((raw, found.raw), (harmonized, found.harmonized)):
                    weights = values[d, o, c][known]
                    into[o, c, :, month] += np.bincount(where, weights, minlength=places)
                found.count[o, c, :, month] += np.bincount(where, minlength=places)
    return found


def described_untested(change: HandOver) -> dict[str, Any]:
    """A hand-over without days to test it on, for ledger and scorecard."""
    reason = "No day with both was left out of the fit."
    return {**_of(change), "steps": [], "reason": reason}


def described_test(change: HandOver, left_out: Numbers, steps: Steps, axes: Axes) -> dict[str, Any]:
    """A hand-over and its steps, for ledger and scorecard.

    Parameters
    ----------
    left_out
        Days since 1970-01-01 that it was tested on.
    axes
        Codes of the overpasses and channels of the steps.
    """
    return {
        **_of(change),
        "steps": described(steps, axes),
        "left_out": left_out.tolist(),
        "margin": MARGIN_K,
    }


def _of(change: HandOver) -> dict[str, Any]:
    return {"before": change.before, "after": change.after, "day": str(day_of(change.day))}


def described(steps: Steps, axes: Axes) -> list[dict[str, Any]]:
    """The step of each channel and node, raw and harmonised, with what the test says."""
    overpasses, channels = axes
    found = []
    for o, node in enumerate(overpass_names(overpasses)):
        for c, name in enumerate(channel_names(channels)):
            raw, harmonized = (
                step(total[o, c], steps.count[o, c]) for total in (steps.raw, steps.harmonized)
            )
            found.append(
                {
                    "channel": name,
                    "node": node,
                    "pairs": harmonized.pairs,
                    "raw": raw.rounded(),
                    "harmonized": harmonized.rounded(),
                    "equivalent": harmonized.within(MARGIN_K),
                    "raw_equivalent": raw.within(MARGIN_K),
                    "raw_outside": raw.outside(MARGIN_K),
                }
            )
    return found
