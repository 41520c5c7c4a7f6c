"""Computation of the annual layers: by year and band of rows, then their mean and trend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.annual import day_correlation
from soilft.annual import ranges as annual_ranges
from soilft.annual import trend as pixel_trend
from soilft.annual.day_correlation import DayCorrelation
from soilft.annual.phenology import of_year
from soilft.annual.store import KNOWN, NAMES, decode, encode
from soilft.days import DaySpan
from soilft.rows import RowSpan
from soilft.store import zarr as store
from soilft.store.digest import arrays_digest

VERSION = 1
# Share of the years that must be known for their mean (WMO-No. 1203, 2017).
LEAST_YEARS_KNOWN = 0.8
_CELLS_AT_ONCE = 4096

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drawing:
    """How ranges are drawn.

    Parameters
    ----------
    weights
        Of `soilft.annual.day_correlation.DayCorrelation`; None where no label tells it, and there
        are no ranges then.
    """

    weights: tuple[float, ...] | None
    draws: int
    seed: int
    level: float


@dataclass(frozen=True)
class YearBand:
    """One task: all layers of one freezing year of some rows of the grid.

    Parameters
    ----------
    cube_url
        The staging cube, complete.
    annual_url
        The store of annual layers, its template made.
    period, span
        Days of the cube, and of the year.
    year, index
        Calendar year in which it begins, and its place on the axis.
    rows
        First row and one past the last, whole shards.
    columns
        Columns of the grid.
    """

    cube_url: str
    annual_url: str
    period: DaySpan
    span: DaySpan
    year: int
    index: int
    rows: RowSpan
    columns: int
    least_known: float
    drawing: Drawing

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: state and probability, thrice, and the draws."""
        cells = self.rows.height * self.columns
        days = len(self.span)
        return 8 * days * cells + annual_ranges.peak_bytes(days, cells, self.drawing.draws)


@dataclass(frozen=True)
class SummaryBand:
    """One task: anomalies, mean and trend of some rows of the grid, every year being there."""

    annual_url: str
    years: int
    rows: RowSpan
    columns: int

    @property
    def peak_bytes(self) -> int:
        """Memory the task needs at most: all years of a layer, and slopes of a block of cells."""
        cells = self.rows.height * self.columns
        pairs = self.years * (self.years - 1) // 2
        block = min(cells, _CELLS_AT_ONCE)
        return cells * (40 * self.years + 80) + block * (40 * pairs + 17 * self.years**2)


def make_year(task: YearBand) -> str:
    """Compute and write the layers of one year; give their digest. Runs on a worker."""
    cube = store.open_raw(task.cube_url)
    days, band = task.span.within(task.period), task.rows.slice
    state = np.asarray(store.array(cube, "freeze_thaw_state")[days, band])
    percent = np.asarray(store.array(cube, "frozen_probability")[days, band])
    values = year_layers(state, percent, task.year, task.least_known, task.drawing)
    region = {"year": slice(task.index, task.index + 1), "y": band}
    store.write_region(task.annual_url, values, region)
    return arrays_digest(values)


def year_layers(
    state: npt.NDArray[np.uint8],
    percent: npt.NDArray[np.uint8],
    year: int,
    least_known: float,
    drawing: Drawing,
) -> dict[str, npt.NDArray[np.int16]]:
    """Layers and ranges of one year as stored.

    Parameters
    ----------
    state, percent
        State and probability of frozen in hundredths, (day, y, x), 255 missing.
    year
        Decides, with the seed, which years are drawn.
    """
    layers = of_year(state, least_known=least_known)
    known = layers.pop("known") * np.float32(len(state))
    found = {KNOWN: encode(KNOWN, known[None])}
    found |= {name: encode(name, layers[name][None]) for name in NAMES}
    if drawing.weights is None:
        return found
    correlation = DayCorrelation(drawing.weights)
    latent = correlation.draw(drawing.draws, len(state), (drawing.seed, year))
    flat = percent.reshape(len(percent), -1)
    drawn = annual_ranges.ranges(flat, latent, drawing.level, least_known=least_known)
    for name in NAMES:
        ranged = drawn[name].reshape(3, 1, *percent.shape[1:])
        found[f"{name}_range"] = encode(f"{name}_range", ranged)
    return found


def make_summary(task: SummaryBand) -> str:
    """Compute and write anomalies, mean and trend of a band. Runs on a worker."""
    group, band = store.open_raw(task.annual_url), task.rows.slice
    years = np.asarray(store.array(group, "year")[...])
    digests: dict[str, npt.NDArray[Any]] = {}
    for name in NAMES:
        values = decode(name, np.asarray(store.array(group, name)[:, band]))
        found = {n: encode(n, v) for n, v in summary_of(name, years, values).items()}
        store.write_region(task.annual_url, found, {"y": band})
        digests |= found
    return arrays_digest(digests)


def summary_of(name: str, years: npt.NDArray[Any], values: Floats) -> dict[str, Floats]:
    """Anomalies, mean and trend of one layer, by name of the variable.

    Parameters
    ----------
    values
        (year, y, x), NaN where missing.

    Returns
    -------
    dict
        The mean is over all years of the store, missing where fewer than 80 % are known (WMO-No.
        1203, 2017); anomalies are differences from it. The trend is as `pixel_trend` gives it.
    """
    known = np.isfinite(values)
    count = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(count, 1)
    mean = np.where(count >= max(1, LEAST_YEARS_KNOWN * len(years)), mean, np.nan)
    flat = values.reshape(len(values), -1)
    parts = [
        pixel_trend.pixel_trend(years, flat[:, start : start + _CELLS_AT_ONCE])
        for start in range(0, flat.shape[1], _CELLS_AT_ONCE)
    ]
    trend = {
        key: np.concatenate([part[key] for part in parts]).reshape(mean.shape) for key in parts[0]
    }
    return {
        f"{name}_anomaly": values - mean,
        f"{name}_mean": mean,
        f"{name}_trend": trend["slope"],
        f"{name}_trend_interval": np.stack([trend["low"], trend["high"]]),
        f"{name}_trend_p_value": trend["p_value"],
    }


def versions() -> tuple[int, ...]:
    """Versions of all that decides the layers."""
    return (VERSION, annual_ranges.VERSION, day_correlation.VERSION, pixel_trend.VERSION)
