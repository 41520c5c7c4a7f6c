"""Predictors of the soil state: a declared list of groups, and the function that computes them.

`compute` is pure: the same days of the same inputs give the same values, whether they become rows
of a training table or the predictors of a published day. Each group is a small function of a
`Window`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from soilft.days import DaySpan, day_of
from soilft.errors import ConfigError
from soilft.predictors.window import (
    MEMORY_DAYS,
    NEIGHBOUR_CHANNELS,
    REMEMBERED,
    Floats,
    Inputs,
    Need,
    Target,
    Window,
    load,
)
from soilft.schema import MISSING

VERSION = 4
# Static fields that describe the soil; all others describe the terrain.
SOIL_FIELDS = frozenset({"sand", "silt", "clay", "bulk_density", "organic_carbon"})

# Why a pixel-day is missing or weaker than others; CF flag_masks of ``quality_flag``.
QUALITY: Mapping[str, int] = MappingProxyType(
    {
        "no_brightness_temperature": 1,
        "some_predictors_missing": 2,
        "short_reanalysis_day": 4,
        "outside_region": 8,
        "too_few_predictors": 16,
        "outside_area_of_applicability": 32,
        "gap_filled": 64,
        "snow": 128,
        "open_water": 256,
        "steep_relief": 512,
    }
)


@dataclass(frozen=True)
class Group:
    """A declared group of features.

    Parameters
    ----------
    needs
        Input without which the group is empty.
    unit
        Unit of its features.
    source
        Where the formula is from.
    compute
        Gives (name, float32 array (day, y, x)) pairs in a fixed order.
    """

    name: str
    needs: Need
    unit: str
    source: str
    compute: Callable[[Window], Iterable[tuple[str, Floats]]]


def _brightness(window: Window) -> Iterable[tuple[str, Floats]]:
    for node in window.inputs.nodes:
        for channel in window.inputs.channels:
            yield f"tb_{channel}_{node}", window.tb[channel, node, 0]


def _frequencies(window: Window) -> list[str]:
    names = window.inputs.channels
    return [c[:-1] for c in names if c.endswith("V") and f"{c[:-1]}H" in names]


def _polarization_ratio(window: Window) -> Iterable[tuple[str, Floats]]:
    for node in window.inputs.nodes:
        for frequency in _frequencies(window):
            v = window.tb[f"{frequency}V", node, 0]
            h = window.tb[f"{frequency}H", node, 0]
            yield f"npr_{frequency}_{node}", (v - h) / (v + h)


def _spectral_gradient(window: Window) -> Iterable[tuple[str, Floats]]:
    if {"36.5", "18.7"} <= set(_frequencies(window)):
        for node in window.inputs.nodes:
            for p in "VH":
                high, low = window.tb[f"36.5{p}", node, 0], window.tb[f"18.7{p}", node, 0]
                yield f"gradient_{p}_{node}", high - low


def _quasi_emissivity(window: Window) -> Iterable[tuple[str, Floats]]:
    if {"18.7H", "36.5V"} <= set(window.inputs.channels):
        for node in window.inputs.nodes:
            h, v = window.tb["18.7H", node, 0], window.tb["36.5V", node, 0]
            yield f"quasi_emissivity_{node}", h / v


def _diurnal_difference(window: Window) -> Iterable[tuple[str, Floats]]:
    if "36.5V" in window.inputs.channels and {"AM", "PM"} <= set(window.inputs.nodes):
        yield "diurnal_36.5V", window.tb["36.5V", "PM", 0] - window.tb["36.5V", "AM", 0]


def _neighbouring_days(window: Window) -> Iterable[tuple[str, Floats]]:
    for node in window.inputs.nodes:
        for channel in NEIGHBOUR_CHANNELS:
            if channel in window.inputs.channels:
                yield f"tb_{channel}_{node}_previous", window.tb[channel, node, -1]
                yield f"tb_{channel}_{node}_following", window.tb[channel, node, 1]


def _reanalysis(window: Window) -> Iterable[tuple[str, Floats]]:
    for name in window.inputs.reanalysis_names:
        yield f"reanalysis_{name}", window.reanalysis[name]


def _memory(window: Window) -> Iterable[tuple[str, Floats]]:
    for name in window.inputs.reanalysis_names:
        if name in REMEMBERED:
            for days in MEMORY_DAYS:
                yield f"reanalysis_{name}_past_{days}d", window.past[name, days]


def _terrain(window: Window) -> Iterable[tuple[str, Floats]]:
    for name in window.inputs.static_names:
        if name not in SOIL_FIELDS:
            yield f"static_{name}", np.broadcast_to(window.static[name], window.shape)


def _soil(window: Window) -> Iterable[tuple[str, Floats]]:
    for name in window.inputs.static_names:
        if name in SOIL_FIELDS:
            yield f"static_{name}", np.broadcast_to(window.static[name], window.shape)


def _season(window: Window) -> Iterable[tuple[str, Floats]]:
    day = np.array([day_of(n).timetuple().tm_yday for n in window.span.numbers], "float64")
    angle = (2 * np.pi * day / 365.25)[:, None, None]
    yield "season_sin", np.broadcast_to(np.sin(angle), window.shape)
    yield "season_cos", np.broadcast_to(np.cos(angle), window.shape)


def _overpass(window: Window) -> Iterable[tuple[str, Floats]]:
    hour = window.target.local_solar_hour
    if hour is not None:
        yield "local_solar_hour", np.full(window.shape, hour)


GROUPS: Mapping[str, Group] = MappingProxyType(
    {
        group.name: group
        for group in (
            Group("brightness", "tb", "K", "the radiometer", _brightness),
            Group(
                "polarization_ratio",
                "tb",
                "1",
                "(V-H)/(V+H), Rautiainen et al. 2016",
                _polarization_ratio,
            ),
            Group(
                "spectral_gradient",
                "tb",
                "K",
                "TB36.5 - TB18.7, Zuerndorfer & England 1992",
                _spectral_gradient,
            ),
            Group(
                "quasi_emissivity",
                "tb",
                "1",
                "TB18.7H / TB36.5V, Zhao et al. 2011",
                _quasi_emissivity,
            ),
            Group("diurnal_difference", "tb", "K", "TB36.5V day - night", _diurnal_difference),
            Group("neighbouring_days", "tb", "K", "same node, a day off", _neighbouring_days),
            Group("reanalysis", "reanalysis", "as the field", "the reanalysis", _reanalysis),
            Group(
                "memory",
                "reanalysis",
                "K",
                "mean of soil and air temperature over the day and those before it",
                _memory,
            ),
            Group("terrain", "static", "as the field", "the DEM", _terrain),
            Group("soil", "static", "as the field", "the soil map", _soil),
            Group("season", "calendar", "1", "sine and cosine of the day of year", _season),
            Group("overpass", "calendar", "h", "local solar hour of the state", _overpass),
        )
    }
)


@dataclass(frozen=True)
class Predictors:
    """Predictors of a chunk of days.

    Parameters
    ----------
    names
        Features in order.
    values
        float32 (day, overpass, y, x, feature), NaN where missing.
    quality
        uint16 bits of `QUALITY`, (day, overpass, y, x); those of the surface are not among them.
    usable
        Where enough predictors are there to predict, (day, overpass, y, x).
    radiometer
        Number of the radiometer record, uint8 (day, overpass, y, x), 255 where none was seen.
    level
        Code of `soilft.radiometers.gaps.LEVELS`, uint8 (day, overpass, y, x), 255 where no
        brightness temperature is known.
    """

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    quality: npt.NDArray[np.uint16]
    usable: npt.NDArray[np.bool_]
    radiometer: npt.NDArray[np.uint8]
    level: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FeatureSet:
    """Which predictors, for which overpasses.

    Parameters
    ----------
    groups
        Names from `GROUPS`, in order; a group whose input is absent adds nothing.
    targets
        Overpasses to describe.
    max_missing
        Share of a pixel-day's predictors that may be missing; beyond it nothing is predicted.
    """

    groups: tuple[str, ...]
    targets: tuple[Target, ...]
    max_missing: float = 0.5

    def __post_init__(self) -> None:
        unknown = [name for name in self.groups if name not in GROUPS]
        if unknown or not self.groups:
            raise ConfigError(
                "features.groups",
                expected=f"some of {', '.join(GROUPS)}",
                found=", ".join(unknown) or "none",
            )


def compute(inputs: Inputs, features: FeatureSet, span: DaySpan) -> Predictors:
    """Compute the predictors of a chunk of days, reading ``REACH_DAYS`` before and 2 after it.

    Parameters
    ----------
    inputs
        Opened stores; only the days needed are read.
    features
        What to compute.
    span
        Days, within ``inputs.whole``.

    Returns
    -------
    Predictors
        Values, quality and usability on (day, overpass, y, x).

    Raises
    ------
    ConfigError
        Where no group has the input that it needs.
    """
    columns: list[list[Floats]] = []
    names: tuple[str, ...] = ()
    needs = {GROUPS[name].needs for name in features.groups}
    windows = load(inputs, features.targets, span, needs)
    for window in windows:
        pairs = [pair for name in features.groups for pair in _of_group(name, window)]
        names = tuple(name for name, _ in pairs)
        columns.append([np.asarray(array, "float32") for _, array in pairs])
    if not names:
        raise ConfigError(
            "features.groups",
            expected="a group whose inputs the region file has",
            found=", ".join(features.groups),
        )
    shape = (len(span), len(features.targets), *inputs.grid.shape, len(names))
    values = np.empty(shape, "float32")
    for o, arrays in enumerate(columns):
        for f, array in enumerate(arrays):
            values[:, o, :, :, f] = array
    values[~np.isfinite(values)] = np.nan
    quality, usable = _quality(inputs, features, names, values, windows)
    radiometer = np.stack([window.radiometer for window in windows], axis=1)
    level = np.stack([window.level for window in windows], axis=1)
    if inputs.tb and inputs.gaps is not None and "tb" in needs:
        usable &= level != MISSING
    quality[(level != 0) & (level != MISSING)] |= QUALITY["gap_filled"]
    return Predictors(names, values, quality, usable, radiometer, level)


def names_by_group(inputs: Inputs, features: FeatureSet) -> list[tuple[str, list[str]]]:
    """Each group with the names of the features it would give, in order, reading no field."""
    day = DaySpan(inputs.whole.first, inputs.whole.first)
    field = np.ones((1, *inputs.grid.shape), "float32")
    tb = {
        (channel, node, shift): field
        for channel in inputs.channels
        for node in inputs.nodes
        for shift in (-1, 0, 1)
    }
    window = Window(
        inputs,
        day,
        features.targets[0],
        tb,
        dict.fromkeys(inputs.reanalysis_names, field),
        dict.fromkeys(inputs.static_names, field[0]),
        {(name, days): field for name in REMEMBERED for days in MEMORY_DAYS},
        np.zeros(field.shape, "uint8"),
        np.zeros(field.shape, "uint8"),
    )
    return [(group, [name for name, _ in _of_group(group, window)]) for group in features.groups]


def kind(feature: str) -> str:
    """Kind of predictor that a feature is: microwave, reanalysis, terrain, soil or calendar.

    Examples
    --------
    >>> kind("npr_36.5_AM"), kind("static_sand")
    ('microwave', 'soil')
    """
    beginning, _, rest = feature.partition("_")
    if beginning == "static":
        return "soil" if rest in SOIL_FIELDS else "terrain"
    if beginning == "reanalysis":
        return "reanalysis"
    return "calendar" if beginning in ("season", "local") else "microwave"


def names_of(inputs: Inputs, features: FeatureSet) -> tuple[str, ...]:
    """Names of the features that `compute` would give, in order, reading no field."""
    return tuple(name for _, names in names_by_group(inputs, features) for name in names)


def _of_group(name: str, window: Window) -> Iterable[tuple[str, Floats]]:
    group = GROUPS[name]
    present = {
        "tb": bool(window.inputs.tb),
        "reanalysis": window.inputs.reanalysis is not None,
        "static": window.inputs.static is not None,
        "calendar": True,
    }
    return group.compute(window) if present[group.needs] else ()


def _quality(
    inputs: Inputs,
    features: FeatureSet,
    names: tuple[str, ...],
    values: npt.NDArray[np.float32],
    windows: Sequence[Window],
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    missing = np.isnan(values)
    share = missing.mean(axis=-1)
    quality = np.zeros(values.shape[:-1], "uint16")
    brightness = [i for i, name in enumerate(names) if name.startswith("tb_")]
    if brightness:
        none = missing[..., brightness].all(axis=-1)
        quality[none] |= QUALITY["no_brightness_temperature"]
    quality[share > 0] |= QUALITY["some_predictors_missing"]
    if inputs.reanalysis is not None:
        rows = inputs.reanalysis.isel(time=windows[0].span.within(inputs.whole))
        counts = [rows[c].values for c in ("instant_count", "interval_count") if c in rows]
        # A kind of granule that the run does not read has the count 0 on every day.
        short = np.any([(c < 8) & (c > 0) for c in counts], axis=0)
        quality[short] |= QUALITY["short_reanalysis_day"]
    usable = share <= features.max_missing
    quality[~usable] |= QUALITY["too_few_predictors"]
    if inputs.mask is not None:
        usable &= inputs.mask
        quality[:, :, ~inputs.mask] |= QUALITY["outside_region"]
    return quality, usable
