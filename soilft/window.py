"""What a chunk of days is described from: its inputs, read once with a halo and matched in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft import radiometers
from soilft.days import DaySpan
from soilft.grid import Grid
from soilft.matching import nearest
from soilft.overpass import utc_hour

# Days before and after that a window reads: a neighbouring day's pass, and the one it may match.
HALO_DAYS = 2
# Channels whose neighbouring days are features, too.
NEIGHBOUR_CHANNELS = ("18.7H", "36.5V")

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Target:
    """An overpass to describe: its name, and its local solar hour (noon UTC where it has none)."""

    name: str
    local_solar_hour: float | None

    def utc_hours(self, grid: Grid) -> Floats:
        """Hours since 00:00 UTC of the day, shape (y, x)."""
        if self.local_solar_hour is None:
            return np.full(grid.shape, 12.0, "float32")
        return utc_hour(self.local_solar_hour, grid.lonlat[0])


@dataclass(frozen=True)
class Inputs:
    """Opened input stores of one region; those a run does not have are empty or None.

    Parameters
    ----------
    tb
        Records of the radiometers, the preferred one first.
    """

    grid: Grid
    whole: DaySpan
    tb: tuple[xr.Dataset, ...] = ()
    reanalysis: xr.Dataset | None = None
    static: xr.Dataset | None = None
    mask: npt.NDArray[np.bool_] | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Channel names of the brightness temperatures."""
        return radiometers.channels(self.tb)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Overpass names of the brightness temperatures."""
        return radiometers.nodes(self.tb)

    @property
    def reanalysis_names(self) -> tuple[str, ...]:
        """Daily fields of the reanalysis."""
        return _fields(self.reanalysis, {"time", "y", "x"})

    @property
    def static_names(self) -> tuple[str, ...]:
        """Static fields."""
        return _fields(self.static, {"y", "x"})


def _fields(dataset: xr.Dataset | None, dims: set[str]) -> tuple[str, ...]:
    if dataset is None:
        return ()
    # Sorted: the order of a listing must not decide the order of the features.
    return tuple(
        sorted(
            str(name)
            for name, array in dataset.data_vars.items()
            if set(array.dims) == dims and array.dtype == np.float32
        )
    )


@dataclass(frozen=True)
class Window:
    """Loaded predictors of one overpass over some days, matched to the time of its state.

    Brightness temperatures are float32 (day, y, x) by (channel, node, shift in days).
    """

    inputs: Inputs
    span: DaySpan
    target: Target
    tb: Mapping[tuple[str, str, int], Floats]
    reanalysis: Mapping[str, Floats]
    static: Mapping[str, Floats]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(day, y, x)."""
        return (len(self.span), *self.inputs.grid.shape)


def load(inputs: Inputs, targets: Sequence[Target], span: DaySpan) -> list[Window]:
    """Read a chunk of days with its halo once, and match it to each overpass."""
    wide = span.widened(HALO_DAYS, inputs.whole)
    reanalysis: dict[str, Floats] = {}
    if inputs.reanalysis is not None:
        rows = inputs.reanalysis.isel(time=span.within(inputs.whole))
        reanalysis = {name: rows[name].values for name in inputs.reanalysis_names}
    static = (
        {name: inputs.static[name].values for name in inputs.static_names}
        if inputs.static is not None
        else {}
    )
    matched: list[dict[tuple[str, str, int], Floats]] = [{} for _ in targets]
    if inputs.tb:
        tb, observed = radiometers.merged(inputs.tb, wide.within(inputs.whole))
        within = span.within(wide)
        matched = [_match(inputs, target, tb, observed, within) for target in targets]
    return [
        Window(inputs, span, target, fields, reanalysis, static)
        for target, fields in zip(targets, matched, strict=True)
    ]


def _match(
    inputs: Inputs, target: Target, tb: Floats, observed: Floats, days: slice
) -> dict[tuple[str, str, int], Floats]:
    hours = target.utc_hours(inputs.grid)
    matched: dict[tuple[str, str, int], Floats] = {}
    for n, node in enumerate(inputs.nodes):
        for shift in (-1, 0, 1):
            channels = [
                (i, name)
                for i, name in enumerate(inputs.channels)
                if shift == 0 or name in NEIGHBOUR_CHANNELS
            ]
            picked = nearest(
                tb[:, n, [i for i, _ in channels]], observed[:, n], hours, days, shift_days=shift
            )
            for i, (_, name) in enumerate(channels):
                matched[name, node, shift] = picked[:, i]
    return matched
