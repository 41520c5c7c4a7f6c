"""Fitting of the normals: sums over bands of rows, added up in one order on any workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.channels import CODES
from soilft.days import DaySpan
from soilft.radiometers import record as radiometers
from soilft.radiometers.gaps import from_days, from_other_node
from soilft.radiometers.normals import CARRIED, PARTS, Normals, part_of
from soilft.radiometers.opened import RadiometerRefs, Radiometers
from soilft.radiometers.record import Overpasses
from soilft.rows import RowSpan
from soilft.schema import MISSING, OVERPASSES

VERSION = 1
# Observations of a part of the year below which its mean is not known.
LEAST_SEEN = 3
# Pairs below which the carried share of an anomaly is not known.
LEAST_PAIRS = 100
_DAYS_AT_ONCE = 30

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class NormalsBand:
    """One task: normals of some rows of the grid.

    Parameters
    ----------
    inputs
        With the radiometers inter-calibrated, and with which of them was in operation.
    span
        Days to know, the first of the period, so that new days change no normal.
    """

    inputs: RadiometerRefs
    span: DaySpan
    band: RowSpan

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: its pixels on all days, thrice, and what is summed."""
        opened = self.inputs.open()
        cells = self.band.height * self.inputs.region.grid.shape[1]
        axes = len(opened.nodes) * len(opened.channels)
        a_day = 4 * axes * cells
        return a_day * (3 * len(self.span) + 4 * PARTS + 2 * 3 * _DAYS_AT_ONCE)


@dataclass(frozen=True)
class NormalsOfBand:
    """Normals of a band, and sums that are added up over all bands.

    Parameters
    ----------
    mean
        As in `Normals`, of the band's rows.
    cross, square, pairs
        Sums of products of the missing pass's anomaly and the anomaly it is estimated from, of
        the latter's square, and their number; float64 (way, overpass, channel).
    turn
        Sums of cosine and sine of the local solar hour of every pass, float64 (2, overpass).
    """

    mean: npt.NDArray[np.float32]
    cross: Floats
    square: Floats
    pairs: Floats
    turn: Floats


def fit_band(task: NormalsBand) -> NormalsOfBand:
    """Normals of some rows, and sums for the carried share of anomalies. Runs on a worker."""
    whole = task.inputs.open()
    inputs = whole.window(task.band.slice, slice(0, whole.grid.shape[1]))
    overpasses = _overpasses(inputs, task.span)
    numbers = task.span.numbers
    mean = _means(overpasses, numbers)
    normals = replace(_empty(inputs), mean=mean)
    ways = np.zeros((3, len(CARRIED), *mean.shape[:2]))
    seen = overpasses.level != MISSING
    anomaly = np.empty(overpasses.tb.shape, "float32")
    for n, code in enumerate(overpasses.overpasses):
        for c, channel in enumerate(overpasses.channels):
            anomaly[:, n, c] = overpasses.tb[:, n, c] - normals.expected(code, channel, numbers)
    for n in range(len(overpasses.overpasses)):
        told = (
            from_other_node(anomaly, overpasses.radiometer, seen, n)[0],
            from_days(anomaly[:, n], overpasses.radiometer[:, n], 1)[0],
            from_days(anomaly[:, n], overpasses.radiometer[:, n], 2)[0],
        )
        for way, values in enumerate(told):
            ways[:, way, n] = _products(anomaly[:, n], values)
    return NormalsOfBand(mean, ways[0], ways[1], ways[2], _turn(overpasses, inputs))


def _overpasses(inputs: Radiometers, span: DaySpan) -> Overpasses:
    """What the radiometers in operation saw, read some days at a time."""
    if inputs.gaps is None:
        raise RuntimeError("normals without knowing who was in operation")
    parts = []
    for days in span.chunks(_DAYS_AT_ONCE):
        rows = days.within(inputs.whole)
        operating = inputs.gaps.operating[rows]
        parts.append(radiometers.layered(inputs.tb, rows, inputs.transfers, operating)[0])
    arrays = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("tb", "observed", "radiometer", "level")
    )
    return Overpasses(parts[0].overpasses, parts[0].channels, *arrays)


def _means(overpasses: Overpasses, numbers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    part = part_of(numbers)
    shape = (*overpasses.tb.shape[1:3], PARTS, *overpasses.tb.shape[3:])
    found = np.full(shape, np.nan, "float32")
    for p in np.unique(part):
        values = overpasses.tb[part == p]
        known = np.isfinite(values)
        count = known.sum(axis=0)
        # One day after the other: a pairwise sum would depend on how many there are.
        total = np.zeros(values.shape[1:])
        for day in range(len(values)):
            total += np.where(known[day], values[day], 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(count >= LEAST_SEEN, total / count, np.nan)
        found[:, :, p] = mean
    return found


def _products(missing: Floats, told: Floats) -> Floats:
    """Sums over days and pixels, float64 (3, channel): cross, square, pairs."""
    both = np.isfinite(missing) & np.isfinite(told)
    one = np.where(both, missing, 0).astype("float64")
    other = np.where(both, told, 0).astype("float64")
    over = (0, 2, 3)
    return np.stack([(one * other).sum(axis=over), (other**2).sum(axis=over), both.sum(axis=over)])


def _turn(overpasses: Overpasses, inputs: Radiometers) -> Floats:
    angle = 2 * np.pi / 24 * (overpasses.observed + inputs.grid.lonlat[0] / 15.0)
    known = np.isfinite(angle)
    parts = (np.where(known, turned, 0).sum(axis=(0, 2, 3)) for turned in _turned(angle))
    return np.stack(list(parts)).astype("float64")


def _turned(angle: Floats) -> tuple[Floats, Floats]:
    return np.cos(angle, dtype="float64"), np.sin(angle, dtype="float64")


def _empty(inputs: Radiometers) -> Normals:
    overpasses = tuple(OVERPASSES[name] for name in inputs.nodes)
    channels = tuple(CODES[name] for name in inputs.channels)
    where = len(overpasses), len(channels)
    return Normals(
        overpasses,
        channels,
        np.full((*where, PARTS, *inputs.grid.shape), np.nan, "float32"),
        np.full((len(CARRIED), *where), np.nan),
        np.full(len(overpasses), np.nan),
    )


def joined(parts: Sequence[NormalsOfBand], inputs: Radiometers) -> Normals:
    """The normals of all bands, from north to south.

    The carried share of an anomaly is the one that fits the pairs best, of all pixels and days
    together (least squares through the origin), and no more than 1.
    """
    cross, square, pairs, turn = (
        np.stack([getattr(part, name) for part in parts]).sum(axis=0)
        for name in ("cross", "square", "pairs", "turn")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.clip(cross / square, 0, 1)
    seen = np.abs(turn).sum(axis=0) > 0
    hour = np.arctan2(turn[1], turn[0]) * 24 / (2 * np.pi) % 24
    return replace(
        _empty(inputs),
        mean=np.concatenate([part.mean for part in parts], axis=-2),
        carried=np.where(pairs >= LEAST_PAIRS, share, np.nan),
        hour=np.where(seen, hour, np.nan),
    )
