"""Day-to-day correlation of the errors of calibrated probabilities, estimated from labels.

A pixel-day is frozen where a standard normal lies below the quantile of its probability (a Gaussian
copula). The correlation of two days' normals is that which gives the products of their errors,
label less probability, their observed mean; the correlations at several lags become a mixture of
exponential decays, so that a whole year can be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan
from soilft.rows import RowSpan
from soilft.schema import FROZEN, OVERPASSES, THAWED
from soilft.store import zarr as store

VERSION = 1
LAGS = (1, 2, 4, 8, 16, 32, 64, 128)
# Decays to mix, days; the last stays the same all year.
SCALES = (2.0, 8.0, 32.0, 128.0, float("inf"))
# Pairs of known pixel-days below which a lag says nothing.
LEAST_PAIRS = 1000
_MOST = 0.999
_NODES = 64

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PairsOfBand:
    """One task: pairs of labelled days of some rows of the grid.

    Parameters
    ----------
    cube_url
        The staging cube.
    label_url
        Store of the label, with ``freeze_thaw`` (time, overpass, y, x).
    overpass
        The reference overpass.
    period
        Days on the axes of both.
    span
        Days to compare, the first of the period, so that new days change nothing.
    rows
        First row and one past the last.
    columns
        Cells of a row.
    """

    cube_url: str
    label_url: str
    overpass: str
    period: DaySpan
    span: DaySpan
    rows: RowSpan
    columns: int

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: both stores' days, and the numbers of one lag's pairs."""
        return len(self.span) * self.rows.height * self.columns * (2 + 4 + 4 * 8)


@dataclass(frozen=True)
class DayCorrelation:
    """Correlation of the latent normals of two days.

    Parameters
    ----------
    weights
        Share of the variance that decays over each of `SCALES`; what is left of 1 is of each day
        alone.
    """

    weights: tuple[float, ...]

    def at(self, lags: Sequence[int] | Floats) -> Floats:
        """Correlation at each lag in days."""
        days = np.asarray(lags, "float64")[:, None]
        return np.asarray(np.exp(-days / np.array(SCALES)) @ np.array(self.weights))

    def draw(self, draws: int, days: int, seed: Sequence[int]) -> Floats:
        """Standard normals (draw, day), correlated along the days; one seed, one array."""
        rng = np.random.default_rng(list(seed))
        left = max(0.0, 1.0 - sum(self.weights))
        found: Floats = np.sqrt(left) * rng.standard_normal((draws, days))
        for weight, scale in zip(self.weights, SCALES, strict=True):
            decay = float(np.exp(-1.0 / scale))
            fresh = rng.standard_normal((draws, days))
            part = fresh[:, 0]
            for day in range(days):
                if day:
                    part = decay * part + np.sqrt(1.0 - decay * decay) * fresh[:, day]
                found[:, day] += np.sqrt(weight) * part
        return found


def pairs(task: PairsOfBand) -> Counts:
    """Counts of pairs of one band, as `pairs_of` gives them. Runs on a worker."""
    cube, label = store.open_raw(task.cube_url), store.open_raw(task.label_url)
    band, days = task.rows.slice, task.span.within(task.period)
    percent = np.asarray(store.array(cube, "frozen_probability")[days, band])
    codes = np.asarray(store.array(label, "overpass")[...]).tolist()
    at = codes.index(OVERPASSES[task.overpass])
    state = np.asarray(store.array(label, "freeze_thaw")[days, at, band])
    return pairs_of(percent, state)


def pairs_of(percent: npt.NDArray[np.uint8], state: npt.NDArray[np.uint8]) -> Counts:
    """Pairs of days of one pixel, by lag, by both labels, by both probabilities.

    Counts add up over any cut into bands. Days that are sure either way, 0 or 100, say nothing
    about the correlation and are left out.

    Parameters
    ----------
    percent
        Probability of frozen in hundredths, (day, ...), 255 missing.
    state
        Labels, (day, ...); those that are neither thawed nor frozen are left out.

    Returns
    -------
    array
        (lag, 2, 2, 101, 101): lags of `LAGS`; label of the earlier day and of the later; hundredths
        of the earlier day and of the later.
    """
    known = (percent >= 1) & (percent <= 99) & ((state == THAWED) | (state == FROZEN))
    # One number a pixel-day: its label and its probability.
    number = np.where(known, state.astype("int32") * 101 + percent, -1)
    size = 2 * 101
    found = np.zeros((len(LAGS), size * size), "int64")
    for row, lag in enumerate(LAGS):
        if lag >= len(number):
            break
        one, other = number[:-lag], number[lag:]
        both = (one >= 0) & (other >= 0)
        code = one[both] * size + other[both]
        found[row] = np.bincount(code, minlength=size * size)
    return found.reshape(len(LAGS), 2, 101, 2, 101).transpose(0, 1, 3, 2, 4)


def correlations(counts: Counts) -> list[float | None]:
    """Correlation of the latent normals at each lag; None where there are too few pairs.

    By moments: the sum of the products of the two days' errors is what the copula would make of
    it. Errors that the calibration left in the mean count as errors that stay.
    """
    labels = np.arange(2.0)
    p = np.arange(101) / 100
    error = labels[:, None] - p
    product = error[:, None, :, None] * error[None, :, None, :]
    found: list[float | None] = []
    for of_lag in counts:
        number = of_lag.sum(axis=(0, 1))
        if number.sum() < LEAST_PAIRS:
            found.append(None)
            continue
        found.append(_matching(number, float((of_lag * product).sum())))
    return found


def _matching(number: Counts, observed: float) -> float:
    """The correlation at which pairs of these probabilities have this sum of products."""
    low, high = 0.0, _MOST

    def expected(rho: float) -> float:
        return float((number[1:100, 1:100] * excess(rho)).sum())

    if observed <= 0:
        return 0.0
    if observed >= expected(high):
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if expected(middle) < observed else (low, middle)
    return (low + high) / 2


def excess(rho: float) -> Floats:
    """Covariance of two frozen days of 1 to 99 hundredths, (99, 99), under the copula.

    The bivariate normal's share below both quantiles less the product of the probabilities, by
    integrating its density over the correlation (Plackett 1954, Biometrika 41, 351; the angle as
    in Drezner and Wesolowsky 1990, J. Stat. Comput. Simul. 35, 101), Gauss-Legendre.
    """
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    top = np.arcsin(rho)
    angles = top * (nodes + 1) / 2
    z = quantiles()[1:100]
    square = z[:, None] ** 2 + z[None, :] ** 2
    cross = z[:, None] * z[None, :]
    total = np.zeros((99, 99))
    for angle, weight in zip(angles, weights, strict=True):
        total += weight * np.exp(-(square - 2 * cross * np.sin(angle)) / (2 * np.cos(angle) ** 2))
    return np.asarray(total * top / 2 / (2 * np.pi))


@lru_cache(maxsize=1)
def quantiles() -> Floats:
    """Standard normal quantile of each hundredth, 0 to 100, and beyond: -inf at 0, inf at 100."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.arange(101) / 100))


def fitted(found: Sequence[float | None]) -> DayCorrelation | None:
    """Mixture of decays nearest to the correlations by least squares; None without any.

    No weight is negative (Lawson and Hanson 1974) and they add up to 1 at most, so that it is a
    correlation at all lags.
    """
    from scipy.optimize import nnls

    known = [i for i, value in enumerate(found) if value is not None]
    if not known:
        return None
    lags = np.array([LAGS[i] for i in known], "float64")
    decays = np.exp(-lags[:, None] / np.array(SCALES))
    weights, _ = nnls(decays, np.array([found[i] for i in known], "float64"))
    weights = weights / max(1.0, float(weights.sum()))
    return DayCorrelation(tuple(float(w) for w in weights))


def described(counts: Counts) -> dict[str, Any]:
    """Correlations and their mixture, as JSON values."""
    found = correlations(counts)
    mixture = fitted(found)
    return {
        "lags": list(LAGS),
        "pairs": counts.sum(axis=(1, 2, 3, 4)).tolist(),
        "correlations": found,
        "scales": [scale if np.isfinite(scale) else None for scale in SCALES],
        "weights": None if mixture is None else list(mixture.weights),
    }
