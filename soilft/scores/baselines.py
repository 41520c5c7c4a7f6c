"""Baselines of a forest: rules without training, from the same inputs on the same pixel-days.

All functions are pure. States are uint8, 0 thawed, 1 frozen, 255 where a rule has nothing to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from soilft.schema import FROZEN, MISSING, OVERPASSES, THAWED

FREEZING_K = 273.15
Floats = npt.NDArray[Any]
States = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Baseline:
    """A rule: its name, what readers call it, and whether it is a satellite's label itself."""

    name: str
    title: str
    is_satellite_label: bool
    source: str


BASELINES = (
    Baseline(
        "climatology",
        "day-of-year climatology of the pixel's own label, other years",
        False,
        "share of frozen labels within 10 days of the year's day, the row's own window left out; "
        "knows labels of the held-out block that the forest is kept from",
    ),
    Baseline(
        "climatology_nearby",
        "day-of-year climatology of the nearest labels that the forest was trained on",
        False,
        "mean of the 50 nearest training labels within 10 days of the year's day: what can be "
        "known of a held-out block without its own labels",
    ),
    Baseline(
        "gldas",
        "GLDAS 0-10 cm soil below 273.15 K",
        False,
        "daily mean of SoilTMP0_10cm_inst, Rodell et al. 2004",
    ),
    Baseline(
        "discriminant",
        "discriminant function (DFA)",
        False,
        "Zhao et al. 2011, Hydrol. Process. 25, 1704; coefficients as commonly given",
    ),
    Baseline(
        "seasonal_threshold",
        "seasonal threshold at 36.5V (MSTA)",
        False,
        "Kim et al. 2011, IEEE Trans. Geosci. Remote Sens. 49, 949: regression on air temperature",
    ),
    Baseline(
        "persistence",
        "persistence of the label, up to 10 days old",
        True,
        "the last known label of the pixel and overpass before the day",
    ),
)


def discriminant(tb18h: Floats, tb36v: Floats) -> States:
    """Freeze/thaw by the discriminant function, from brightness temperatures in K.

    Frozen where 1.47 TB36.5V + 91.69 Qe - 226.77 > 1.55 TB36.5V + 86.33 Qe - 242.41, with the
    quasi-emissivity Qe = TB18.7H / TB36.5V (Zhao et al. 2011; the coefficients were taken over
    from later work and not checked against the paper).
    """
    quasi = tb18h / tb36v
    frozen = 1.47 * tb36v + 91.69 * quasi - 226.77 > 1.55 * tb36v + 86.33 * quasi - 242.41
    return _states(frozen, np.isfinite(quasi))


def below_freezing(kelvin: Floats) -> States:
    """Frozen below 273.15 K."""
    return _states(kelvin < FREEZING_K, np.isfinite(kelvin))


def _states(frozen: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]) -> States:
    return np.where(known, np.where(frozen, FROZEN, THAWED), MISSING).astype("uint8")


def from_features(names: Sequence[str], features: Floats, overpass: States) -> dict[str, States]:
    """States of the rules that need one pixel-day's predictors alone.

    Parameters
    ----------
    names, features
        Predictors, (row, feature).
    overpass
        Code of each row's overpass: brightness temperatures of the node of that name are used.
    """
    found: dict[str, States] = {}
    column = {name: i for i, name in enumerate(names)}
    nodes = [n for n in ("AM", "PM") if {f"tb_18.7H_{n}", f"tb_36.5V_{n}"} <= set(column)]
    if nodes:
        state = np.full(len(features), MISSING, "uint8")
        for node in nodes:
            here = overpass == OVERPASSES[node]
            h, v = (features[here, column[f"tb_{c}_{node}"]] for c in ("18.7H", "36.5V"))
            state[here] = discriminant(h.astype("float64"), v.astype("float64"))
        found["discriminant"] = state
    soil = "reanalysis_SoilTMP0_10cm_inst_mean"
    if soil in column:
        found["gldas"] = below_freezing(features[:, column[soil]])
    return found


def climatology(label: States, day_of_year: npt.NDArray[Any], half_width: int = 10) -> Floats:
    """Share of frozen labels around the same day of other years.

    Parameters
    ----------
    label
        Codes (day, y, x) on a daily axis without gaps.
    day_of_year
        Of each day, 1 to 366.
    half_width
        Days before and after that count.

    Returns
    -------
    array
        float32 (day, y, x): (frozen + 0.5) / (known + 1) within the window of all years, the
        days within ``half_width`` of the day itself left out; NaN where nothing is known.
    """
    at = np.asarray(day_of_year, "intp") - 1
    shares = []
    for here in (label == FROZEN, (label == FROZEN) | (label == THAWED)):
        by_day = np.zeros((366, *label.shape[1:]), "int32")
        for n in np.unique(at):
            by_day[n] = here[at == n].sum(axis=0)
        whole = _windows(by_day, half_width, circular=True)[at]
        shares.append(whole - _windows(here.astype("int32"), half_width, circular=False))
    frozen, known = (np.maximum(count, 0) for count in shares)
    share = ((frozen + 0.5) / (known + 1)).astype("float32")
    return np.where(known > 0, share, np.float32(np.nan))


def _windows(counts: npt.NDArray[Any], half_width: int, *, circular: bool) -> npt.NDArray[Any]:
    """Sums over 2 * half_width + 1 neighbours along the first axis."""
    width = [(half_width, half_width)] + [(0, 0)] * (counts.ndim - 1)
    padded = np.pad(counts, width, mode="wrap") if circular else np.pad(counts, width)
    sums = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    span = 2 * half_width + 1
    return np.asarray(sums[span:] - sums[:-span])


def nearby_climatology(
    place: Floats,
    season: Floats,
    label: States,
    at: Floats,
    when: Floats,
    *,
    nearest: int = 50,
    half_width: int = 10,
) -> Floats:
    """Share of frozen labels among the nearest known ones of the same time of year.

    Parameters
    ----------
    place, season, label
        Known labels: unit vectors of their places (row, 3), day of the year 1 to 366, and codes.
    at, when
        Places and days of the year to give a share for.
    nearest
        Labels that count.
    half_width
        Days before and after.

    Returns
    -------
    array
        float64 (row,), NaN where there is no label at that time of year.
    """
    from scipy.spatial import cKDTree

    found = np.full(len(at), np.nan)
    for day in np.unique(when):
        apart = np.abs(season - day)
        known = np.flatnonzero(np.minimum(apart, 366 - apart) <= half_width)
        if not len(known):
            continue
        asked = np.flatnonzero(when == day)
        count = min(nearest, len(known))
        _, near = cKDTree(place[known]).query(at[asked], k=np.arange(1, count + 1))
        found[asked] = label[known][near].mean(axis=1)
    return found


def persistence(label: States, longest: int = 10) -> States:
    """The last thawed or frozen label before each day, no older than some days; (day, y, x)."""
    found = np.full(label.shape, MISSING, "uint8")
    state = np.full(label.shape[1:], MISSING, "uint8")
    age = np.full(label.shape[1:], longest + 1, "int32")
    for n in range(len(label)):
        age += 1
        found[n] = np.where(age <= longest, state, MISSING)
        known = label[n] <= FROZEN
        state = np.where(known, label[n], state)
        age[known] = 0
    return found


def seasonal_threshold(
    tb: Floats, air: Floats, year: npt.NDArray[Any], least: int = 30
) -> tuple[States, Floats]:
    """Freeze/thaw by a threshold for each pixel and year.

    A pixel's year of brightness temperature at 36.5V is regressed on air temperature; frozen where
    it lies below the regression's value at 273.15 K (Kim et al. 2011).

    Parameters
    ----------
    tb, air
        K, (day, y, x), NaN where missing.
    year
        Of each day.
    least
        Pairs that a pixel's year needs.

    Returns
    -------
    state : array
        uint8 (day, y, x).
    threshold : array
        K, (year, y, x), years ascending; NaN where there are too few pairs or air and brightness
        temperature do not rise together.
    """
    state = np.full(tb.shape, MISSING, "uint8")
    thresholds = []
    for one in np.unique(year):
        here = year == one
        x, y = (np.asarray(a[here], "float64") for a in (air, tb))
        both = np.isfinite(x) & np.isfinite(y)
        count = both.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_x, mean_y = (np.where(both, a, 0).sum(axis=0) / count for a in (x, y))
            dx, dy = (np.where(both, a - m, 0) for a, m in ((x, mean_x), (y, mean_y)))
            slope = (dx * dy).sum(axis=0) / (dx * dx).sum(axis=0)
            threshold = mean_y + slope * (FREEZING_K - mean_x)
        threshold = np.where((count >= least) & (slope > 0), threshold, np.nan)
        known = np.isfinite(y) & np.isfinite(threshold)
        state[here] = _states(y < threshold, known)
        thresholds.append(threshold)
    return state, np.stack(thresholds)
