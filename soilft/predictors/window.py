"""Inputs of a chunk of days: read once with a halo, and matched in time to each state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.days import DaySpan
from soilft.grid import Grid
from soilft.overpass import utc_hour
from soilft.radiometers import gaps, withholding
from soilft.radiometers import record as radiometers
from soilft.radiometers.matching import nearest
from soilft.radiometers.opened import Radiometers
from soilft.radiometers.record import Overpasses
from soilft.schema import MISSING

# Days before and after that a window reads: a neighbouring day's pass, and the one it may match.
HALO_DAYS = 2
# Days whose reanalysis goes into running means: the soil remembers its last weeks.
MEMORY_DAYS = (5, 15)
# Days before a chunk that any of its features may depend on.
REACH_DAYS = max(HALO_DAYS, *(days - 1 for days in MEMORY_DAYS))
# Daily fields of the reanalysis that are averaged so.
REMEMBERED = ("SoilTMP0_10cm_inst_mean", "Tair_f_inst_mean")
# Channels whose neighbouring days are features, too.
NEIGHBOUR_CHANNELS = ("18.7H", "36.5V")

Floats = npt.NDArray[Any]
Codes = npt.NDArray[np.uint8]
_Matched = tuple[dict[tuple[str, str, int], Floats], Codes, Codes]


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
class Inputs(Radiometers):
    """Opened input stores of one region; those a run does not have are empty or None.

    Parameters
    ----------
    mask
        Cells of the region, (y, x); all where None.
    """

    reanalysis: xr.Dataset | None = None
    static: xr.Dataset | None = None
    mask: npt.NDArray[np.bool_] | None = None

    def window(self, rows: slice, columns: slice) -> Self:
        """The same inputs of some adjoining rows and columns, still unread."""

        def cut(dataset: xr.Dataset | None) -> xr.Dataset | None:
            return None if dataset is None else dataset.isel(y=rows, x=columns)

        return replace(
            super().window(rows, columns),
            reanalysis=cut(self.reanalysis),
            static=cut(self.static),
            mask=None if self.mask is None else self.mask[rows, columns],
        )

    def near(self, span: DaySpan) -> Self:
        """The same inputs of some days and of all that describes them, read into memory."""
        days = span.widened(REACH_DAYS, self.whole)
        rows = days.within(self.whole)
        filling = self.gaps
        if filling is not None:
            filling = replace(filling, operating=filling.operating[rows])
        reanalysis = self.reanalysis
        return replace(
            self,
            whole=days,
            tb=tuple(record.isel(time=rows).load() for record in self.tb),
            reanalysis=None if reanalysis is None else reanalysis.isel(time=rows).load(),
            gaps=filling,
        )

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

    Parameters
    ----------
    tb
        Brightness temperatures in K, float32 (day, y, x), by (channel, node, shift in days). No
        value comes from a coarser gap-filling level than the pixel-day's own flag.
    past
        Means of the reanalysis over the day and the days before it, float32 (day, y, x), by field
        and number of days.
    radiometer
        Number of the radiometer record they are from, uint8 (day, y, x): of the node that is named
        like the overpass, else of the first that was seen; 255 where none was.
    level
        Code of `soilft.radiometers.gaps.LEVELS`, uint8 (day, y, x): of the node that is named like
        the overpass, else the lowest of any; 255 where nothing is known.
    """

    inputs: Inputs
    span: DaySpan
    target: Target
    tb: Mapping[tuple[str, str, int], Floats]
    reanalysis: Mapping[str, Floats]
    static: Mapping[str, Floats]
    past: Mapping[tuple[str, int], Floats]
    radiometer: npt.NDArray[np.uint8]
    level: npt.NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(day, y, x)."""
        return (len(self.span), *self.inputs.grid.shape)


Need = Literal["tb", "reanalysis", "static", "calendar"]


def load(
    inputs: Inputs,
    targets: Sequence[Target],
    span: DaySpan,
    needs: Collection[Need] = ("tb", "reanalysis", "static"),
) -> list[Window]:
    """Read a chunk of days with its halo once, and match it to each overpass.

    Parameters
    ----------
    needs
        Kinds of input to read; the others stay empty.
    """
    reanalysis: dict[str, Floats] = {}
    past: dict[tuple[str, int], Floats] = {}
    if inputs.reanalysis is not None and "reanalysis" in needs:
        reach = span.widened(REACH_DAYS, inputs.whole)
        days = DaySpan(reach.first, span.last)
        within = span.within(days)
        for name in inputs.reanalysis_names:
            if name in REMEMBERED:
                long = inputs.reanalysis[name].isel(time=days.within(inputs.whole)).values
                reanalysis[name] = long[within]
                past |= {(name, n): running_mean(long, within, n) for n in MEMORY_DAYS}
            else:
                short = inputs.reanalysis[name].isel(time=span.within(inputs.whole))
                reanalysis[name] = short.values
    static = (
        {name: inputs.static[name].values for name in inputs.static_names}
        if inputs.static is not None and "static" in needs
        else {}
    )
    nothing = np.full((len(span), *inputs.grid.shape), MISSING, "uint8")
    matched: list[_Matched] = [({}, nothing, nothing) for _ in targets]
    if inputs.tb and "tb" in needs:
        halo = HALO_DAYS + (0 if inputs.gaps is None else inputs.gaps.reach)
        wide = span.widened(halo, inputs.whole)
        overpasses = _overpasses(inputs, wide, targets)
        matched = [_match(inputs, target, overpasses, span.within(wide)) for target in targets]
    return [
        Window(inputs, span, target, tb, reanalysis, static, past, radiometer, level)
        for target, (tb, radiometer, level) in zip(targets, matched, strict=True)
    ]


def running_mean(values: Floats, days: slice, length: int) -> Floats:
    """Mean of each day and the days before it, of those that are known.

    Added up day by day in one order, so that no chunking changes a bit.

    Parameters
    ----------
    values
        Shape (day, y, x), with days before those asked for, as far as there are any.
    days
        Range on the first axis that is asked for.
    length
        Days, the day itself included.

    Returns
    -------
    array
        float32, shape (asked day, y, x); NaN where no day is known.
    """
    total = np.zeros((days.stop - days.start, *values.shape[1:]), "float64")
    count = np.zeros(total.shape, "uint8")
    for back in range(length):
        skipped = min(max(0, back - days.start), len(total))
        part = values[days.start + skipped - back : max(0, days.stop - back)]
        known = np.isfinite(part)
        total[skipped:] += np.where(known, part, 0)
        count[skipped:] += known
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / count, "float32")


def _overpasses(inputs: Inputs, wide: DaySpan, targets: Sequence[Target]) -> Overpasses:
    """Brightness temperatures of some days, their gaps filled as the inputs ask for."""
    rows, filling = wide.within(inputs.whole), inputs.gaps
    if filling is None:
        return radiometers.merged(inputs.tb, rows, inputs.transfers)
    operating = filling.operating[rows]
    first, others = radiometers.layered(inputs.tb, rows, inputs.transfers, operating)
    if filling.hidden is not None:
        (target,) = targets
        day = int(filling.hidden.number - wide.numbers[0])
        node = inputs.nodes.index(target.name)
        hours = target.utc_hours(inputs.grid)
        first, others = withholding.hide(first, others, filling.hidden, hours, day, node)
    able = radiometers.able(inputs.tb, inputs.transfers)
    longitude = inputs.grid.lonlat[0]
    return gaps.filled(first, others, filling, wide.numbers, operating, able, longitude)


def _match(inputs: Inputs, target: Target, overpasses: Overpasses, days: slice) -> _Matched:
    """Brightness temperatures of a state, the radiometer they are from, and their level."""
    hours = target.utc_hours(inputs.grid)
    matched: dict[tuple[str, str, int], Floats] = {}
    levels: dict[tuple[str, int], Codes] = {}
    seen_by: dict[str, Codes] = {}
    for n, node in enumerate(inputs.nodes):
        flags = np.stack([overpasses.level[:, n], overpasses.radiometer[:, n]], axis=1).astype(
            "float32"
        )
        for shift in (-1, 0, 1):
            channels = [
                (i, name)
                for i, name in enumerate(inputs.channels)
                if shift == 0 or name in NEIGHBOUR_CHANNELS
            ]
            given = np.concatenate([overpasses.tb[:, n, [i for i, _ in channels]], flags], axis=1)
            picked = nearest(
                given,
                overpasses.observed[:, n],
                hours,
                days,
                shift_days=shift,
                rank=overpasses.level[:, n],
            )
            for i, (_, name) in enumerate(channels):
                matched[name, node, shift] = picked[:, i]
            level, radiometer = (
                np.where(np.isnan(flag), MISSING, flag).astype("uint8")
                for flag in (picked[:, -2], picked[:, -1])
            )
            levels[node, shift] = level
            if shift == 0:
                seen_by[node] = radiometer
    own = target.name if target.name in inputs.nodes else None
    if own is not None and inputs.gaps is not None:
        declared, seen = levels[own, 0], seen_by[own]
    else:
        declared = np.minimum.reduce([levels[node, 0] for node in inputs.nodes])
        seen = np.full(declared.shape, MISSING, "uint8")
        for node in sorted(inputs.nodes, key=lambda node: node != own):
            here = (seen == MISSING) & (levels[node, 0] <= declared)
            seen = np.where(here, seen_by[node], seen)
    for (_, node, shift), values in matched.items():
        values[levels[node, shift] > declared] = np.nan
    return matched, seen, declared
