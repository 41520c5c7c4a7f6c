"""Ranges of one year's annual layers, by Monte Carlo draws from calibrated probabilities.

Possible years are drawn: each day is frozen with its own probability, and days of a pixel err
together as far as `soilft.annual.day_correlation` found. The same draws serve every pixel, so
neither the cut into bands nor the number of workers changes a range, and neighbours differ by their
probabilities alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from soilft.annual.day_correlation import quantiles
from soilft.annual.phenology import LAYERS, MORE_LAYERS, RUN, Layer, of_year
from soilft.schema import FROZEN, MISSING, THAWED

VERSION = 1
NAMES = (*LAYERS, *MORE_LAYERS)
# Share of the drawn years that must have a layer, such as an onset.
LEAST_DRAWN = 0.5
_CELLS_AT_ONCE = 8192
_PIXELS_AT_ONCE = 16384


def peak_bytes(days: int, cells: int, draws: int) -> int:
    """Memory that `ranges` needs at most."""
    block = min(cells, _CELLS_AT_ONCE)
    width = max(block, _PIXELS_AT_ONCE)
    # Probabilities and results; quantiles of a block; states of a batch and its walk; all draws.
    return (
        cells * (2 * days + 16 * len(NAMES))
        + block * (9 * days + 12 * draws * len(NAMES))
        + width * (4 * days + 64)
        + 24 * days * draws
    )


def ranges(
    percent: npt.NDArray[np.uint8],
    latent: npt.NDArray[np.float64],
    level: float,
    *,
    run: int = RUN,
    least_known: float,
) -> dict[str, Layer]:
    """Quantiles of each layer over drawn years.

    Missing days stay missing in every draw: the range holds what the probabilities of the known
    days leave open, not what a missing day may have been.

    Parameters
    ----------
    percent
        Calibrated probability of frozen, hundredths, (day, cell), 255 missing.
    latent
        Standard normals (draw, day), as `soilft.annual.day_correlation.DayCorrelation.draw` gives
        them.
    level
        Share of the draws between the outer quantiles, such as 0.9.
    run, least_known
        As for `soilft.annual.phenology.of_year`.

    Returns
    -------
    dict
        By layer, float32 (3, cell): the lower quantile, the median and the upper one, each the
        value of one draw. NaN where the year is too little known, or where fewer than half of the
        draws have the layer, such as an onset.
    """
    found = {name: np.full((3, percent.shape[1]), np.nan, "float32") for name in NAMES}
    enough = np.flatnonzero((percent != MISSING).mean(axis=0) >= least_known)
    for start in range(0, len(enough), _CELLS_AT_ONCE):
        cells = enough[start : start + _CELLS_AT_ONCE]
        drawn = _drawn(percent[:, cells], latent, run, least_known)
        for name, values in drawn.items():
            found[name][:, cells] = _quantiles(values, level)
    return found


def _drawn(
    percent: npt.NDArray[np.uint8],
    latent: npt.NDArray[np.float64],
    run: int,
    least_known: float,
) -> dict[str, Layer]:
    """Layers of every draw, (draw, cell)."""
    draws, cells = len(latent), percent.shape[1]
    missing = percent == MISSING
    threshold = quantiles()[np.where(missing, 0, percent)]
    found = {name: np.empty((draws, cells), "float32") for name in NAMES}
    batch = max(1, _PIXELS_AT_ONCE // cells)
    for first in range(0, draws, batch):
        these = slice(first, first + batch)
        frozen = latent[these].T[:, :, None] < threshold[:, None, :]
        states = np.where(frozen, np.uint8(FROZEN), np.uint8(THAWED))
        states[np.broadcast_to(missing[:, None], states.shape)] = MISSING
        layers = of_year(states, run=run, least_known=least_known)
        for name in NAMES:
            found[name][these] = layers[name]
    return found


def _quantiles(values: Layer, level: float) -> Layer:
    """Lower quantile, median and upper one of the draws that have a value, (3, cell)."""
    ordered = np.sort(values, axis=0)
    has = np.isfinite(values).sum(axis=0)
    found = np.empty((3, values.shape[1]), "float32")
    for row, share in enumerate(((1 - level) / 2, 0.5, (1 + level) / 2)):
        at = np.rint(share * np.maximum(has - 1, 0)).astype("int64")
        found[row] = np.take_along_axis(ordered, at[None], axis=0)[0]
    found[:, has < LEAST_DRAWN * len(values)] = np.nan
    return found


def shares(level: float) -> tuple[float, float, float]:
    """The quantiles that `ranges` gives."""
    return (round((1 - level) / 2, 6), 0.5, round((1 + level) / 2, 6))
