"""Store of the annual layers: by year with ranges and anomalies, their mean and their trend."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.annual import ranges as annual_ranges
from soilft.annual.phenology import RUN
from soilft.annual.trend import LEVEL
from soilft.days import UNITS, DaySpan, number
from soilft.grid import Grid
from soilft.rows import RowSpan
from soilft.schema import Coordinate, Template, Variable, grid_coordinates

MISSING = -32768
# Rows and columns of an inner chunk; a shard is as many rows and all columns, one year.
CHUNK_CELLS = 64
KNOWN = "known_days"
# Slopes in fiftieths, so that a layer's whole range within a year still fits.
_TENTH, _SLOPE, _P = 0.1, 0.02, 0.0001
_BY_YEAR, _BY_CELL = ("year", "y", "x"), ("y", "x")

_FROST = "day of the freezing year, 1 is its first,"
LONG_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "frozen_days": "frozen days of the freezing year",
        "freeze_onset": f"{_FROST} on which the first frozen spell of {RUN} days or more begins",
        "thaw_onset": f"{_FROST} after the last frozen spell of {RUN} days or more",
        "cycles": "transitions from thawed to frozen in the freezing year",
        "first_frozen_day": f"{_FROST} that is the first to be frozen",
        "last_frozen_day": f"{_FROST} that is the last to be frozen",
        "longest_spell": "days of the longest frozen spell of the freezing year",
    }
)
NAMES = tuple(LONG_NAMES)


def unit(name: str) -> str:
    """Unit of a layer."""
    return "1" if name == "cycles" else "d"


def scale(variable: str) -> float:
    """What a stored integer of a variable stands for."""
    if variable.endswith("_p_value"):
        return _P
    if variable.endswith(("_trend", "_trend_interval")):
        return _SLOPE
    # Days of a year with missing ones are a share of it, so there are tenths.
    tenths = variable.startswith("frozen_days") or variable.endswith(("_mean", "_anomaly"))
    return _TENTH if tenths else 1.0


def variables(*, calibrated: bool) -> tuple[Variable, ...]:
    """All variables of the store."""
    kind = "calibrated probabilities" if calibrated else "uncalibrated shares of votes"
    found = [_stored(KNOWN, _BY_YEAR, "days of the freezing year with a known state", "d")]
    for name, long_name in LONG_NAMES.items():
        of, a_year = unit(name), "year-1" if unit(name) == "1" else "d year-1"
        found += [
            _stored(
                name,
                _BY_YEAR,
                long_name,
                of,
                ancillary_variables=f"{name}_range {KNOWN}",
                comment="From the daily state; missing where too few days are known.",
            ),
            _stored(
                f"{name}_range",
                ("quantile", *_BY_YEAR),
                f"quantiles of: {long_name}",
                of,
                comment=f"Over years drawn from {kind} with errors correlated from day to day, of "
                "what the label would give: its own errors count, so short frosts and thaws are "
                "too many. The layer of the daily state may lie outside.",
            ),
            _stored(f"{name}_anomaly", _BY_YEAR, f"departure from the mean: {long_name}", of),
            _stored(
                f"{name}_mean", _BY_CELL, f"mean over the years: {long_name}", of,
                cell_methods="year: mean",
            ),
            _stored(
                f"{name}_trend", _BY_CELL, f"Theil-Sen slope: {long_name}", a_year,
                references="Theil 1950; Sen 1968, doi:10.1080/01621459.1968.10480934",
                ancillary_variables=f"{name}_trend_interval {name}_trend_p_value",
            ),
            _stored(
                f"{name}_trend_interval",
                ("limit", *_BY_CELL),
                f"{LEVEL:.0%} interval of the Theil-Sen slope: {long_name}",
                a_year,
            ),
            _stored(
                f"{name}_trend_p_value",
                _BY_CELL,
                f"two-sided p-value of the Mann-Kendall test: {long_name}",
                "1",
                references="Mann 1945; Kendall 1975",
            ),
        ]  # fmt: skip
    return tuple(found)


def _stored(name: str, dims: tuple[str, ...], long_name: str, units: str, **more: Any) -> Variable:
    attributes = {"long_name": long_name, "units": units, **more}
    if scale(name) != 1:
        attributes["scale_factor"] = scale(name)
    return Variable(name, dims, "int16", MISSING, attributes)


def template(
    grid: Grid,
    years: Mapping[int, DaySpan],
    level: float,
    attributes: Mapping[str, Any],
    *,
    calibrated: bool,
) -> Template:
    """Structure of the store: a shard is one year of a band of rows, so one task writes it.

    Parameters
    ----------
    years
        Days of each freezing year, by the calendar year in which it begins.
    level
        Share of the draws between the outer quantiles.
    attributes
        Of the root group, `attributes`.
    """
    rows, columns = (min(CHUNK_CELLS, size) for size in grid.shape)
    limits = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    return Template(
        coordinates=(
            *_year_coordinates(years),
            Coordinate(
                "quantile",
                ("quantile",),
                np.array(annual_ranges.shares(level)),
                {"long_name": "share of the drawn years below", "units": "1"},
            ),
            Coordinate(
                "limit",
                ("limit",),
                np.round(limits, 6),
                {"long_name": "confidence limit of the slope", "units": "1"},
            ),
            *grid_coordinates(grid),
        ),
        variables=variables(calibrated=calibrated),
        chunks={"year": 1, "y": rows, "x": columns},
        shards={"year": 1, "y": rows, "x": -(-grid.shape[1] // columns) * columns},
        attributes=attributes,
        checked=True,
    )


def _year_coordinates(years: Mapping[int, DaySpan]) -> tuple[Coordinate, ...]:
    edges = [[number(s.first), number(s.last + timedelta(days=1))] for s in years.values()]
    return (
        Coordinate(
            "year",
            ("year",),
            np.array(list(years), "int32"),
            {"long_name": "calendar year in which the freezing year begins", "units": "1"},
        ),
        Coordinate(
            "year_bounds",
            ("year", "bnds"),
            np.array(edges, "int32"),
            {
                "long_name": "first day of the freezing year, and of the next",
                "units": UNITS,
                "calendar": "proleptic_gregorian",
            },
        ),
    )


def attributes(of_cube: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Root attributes: those of the cube with what differs, and how the layers were made."""
    simulated = of_cube.get("simulated") == "true"
    warning = "SIMULATED INPUTS, not observations. " if simulated else ""
    title = str(of_cube.get("title", "")).removeprefix("SIMULATED: ")
    return {
        **of_cube,
        "title": ("SIMULATED: " if simulated else "") + f"Annual layers: {title}",
        "summary": f"{warning}Frozen days, onsets, freeze-thaw cycles and spells of each freezing "
        "year, with ranges from the probabilities, anomalies, mean and trend. Missing days never "
        "count as thawed.",
        "time_coverage_resolution": "P1Y",
        **about,
    }


def bands(grid: Grid) -> list[RowSpan]:
    """Bands of rows that are whole shards."""
    return RowSpan(0, grid.shape[0]).every(CHUNK_CELLS)


def encode(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Values of a variable as stored; NaN becomes missing."""
    known = np.isfinite(values)
    steps = np.rint(np.where(known, values, 0).astype("float64") / scale(name))
    return np.where(known, np.clip(steps, -32767, 32767), MISSING).astype("int16")


def decode(name: str, stored: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """Values of a variable as they are stored, NaN where missing."""
    return np.where(stored == MISSING, np.nan, stored * scale(name))


def whole_years(period: DaySpan, start_month: int) -> dict[int, DaySpan]:
    """Freezing years that lie wholly within a period, by the year in which they begin.

    Examples
    --------
    >>> found = whole_years(DaySpan(date(2011, 1, 1), date(2013, 7, 31)), 8)
    >>> {year: str(span) for year, span in found.items()}
    {2011: '2011-08-01..2012-07-31', 2012: '2012-08-01..2013-07-31'}
    """
    found: dict[int, DaySpan] = {}
    for year in range(period.first.year, period.last.year + 1):
        span = DaySpan.between(
            date(year, start_month, 1) - timedelta(days=1), date(year + 1, start_month, 1)
        )
        if span.first >= period.first and span.last <= period.last:
            found[year] = span
    return found
