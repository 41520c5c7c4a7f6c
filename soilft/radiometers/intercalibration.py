"""Inter-calibration coefficients of one radiometer to another, applied to any days.

The correction of a channel and node is a short linear form in brightness temperature, polarization
and season, the same for the region, and a deviation of each pixel from it. Polarization is there
for the ground: angles of incidence differ in effect over vegetation, bare soil and water.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from soilft.days import day_of

TERMS = (
    "offset",
    "slope",
    "bend",
    "polarization",
    "annual_cos",
    "annual_sin",
    "semiannual_cos",
    "semiannual_sin",
)
PIXEL_TERMS = TERMS[:2]
# Brightness temperature goes into the form as (TB - 260 K) / 30 K, polarization as (V - H) / 10 K.
CENTRE_K, SCALE_K = 260.0, 30.0
POLARIZATION_K = 10.0

Floats = npt.NDArray[Any]
# Codes of the overpasses, and of the channels.
Axes: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]


def warmth(kelvin: Floats) -> Floats:
    """Brightness temperature as the form takes it: 0 at 260 K, 1 at 290 K; float64."""
    return (np.asarray(kelvin, "float64") - CENTRE_K) / SCALE_K


def polarization(tb: Floats, channels: Sequence[int], place: int) -> Floats:
    """V - H of a channel's frequency as the form takes it, float64.

    Parameters
    ----------
    tb
        K, the channels on the third axis.
    channels
        Their codes, see `soilft.channels`: even of V, odd of H.
    place
        Which of them; 0 where the other polarization is not among them.
    """
    code = int(channels[place])
    other = code ^ 1
    mine = np.asarray(tb[:, :, place], "float64")
    if other not in channels:
        return np.zeros_like(mine)
    sign = 1 - 2 * (code % 2)
    return np.asarray(sign * (mine - tb[:, :, list(channels).index(other)]) / POLARIZATION_K)


def seasonal(numbers: npt.NDArray[Any]) -> Floats:
    """The seasonal terms of days since 1970-01-01, float64 (term, day)."""
    day = np.array([day_of(int(n)).timetuple().tm_yday for n in numbers], "float64")
    angle = 2 * np.pi * day / 365.25
    return np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)])


@dataclass(frozen=True)
class Transfer:
    """Inter-calibration of a radiometer to another: what is added to brightness temperatures.

    Parameters
    ----------
    overpasses, channels
        Codes of the axes, in the order of the radiometer's own store.
    regional
        Coefficients of `TERMS` in K, float64 (overpass, channel, term); NaN for a channel that
        cannot be inter-calibrated, which is missing then.
    deviation
        Coefficients of `PIXEL_TERMS` in K, float32 (overpass, channel, term, y, x): by how much a
        pixel differs from the region, 0 where nothing is known.
    low, high
        Brightness temperatures in K that the form was fitted on, (overpass, channel); beyond them
        it stays as it is there.
    """

    overpasses: tuple[int, ...]
    channels: tuple[int, ...]
    regional: Floats
    deviation: Floats
    low: Floats
    high: Floats

    def apply(self, tb: Floats, numbers: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Brightness temperatures as the other radiometer would have given them.

        Parameters
        ----------
        tb
            K, (day, overpass, channel, y, x).
        numbers
            Days since 1970-01-01, (day,).

        Returns
        -------
        array
            float32 K, of the same shape; NaN where the channel has no coefficients.
        """
        turn = seasonal(numbers)
        found = np.empty(tb.shape, "float32")
        for c in range(tb.shape[2]):
            pole = polarization(tb, self.channels, c)
            for o in range(tb.shape[1]):
                beta, own = self.regional[o, c], self.deviation[o, c]
                t = warmth(np.clip(tb[:, o, c], self.low[o, c], self.high[o, c]))
                season = (turn * beta[4:, None]).sum(axis=0)
                added = beta[0] + own[0] + t * (beta[1] + own[1] + t * beta[2])
                added = added + beta[3] * pole[:, o]
                found[:, o, c] = tb[:, o, c] + (added + season[:, None, None])
        return found

    def on_axes(self, overpasses: Sequence[int], channels: Sequence[int]) -> Transfer:
        """The same on the axes of a store; NaN where it has an overpass or channel more."""
        common = [
            (i, j, self.overpasses.index(code), self.channels.index(channel))
            for i, code in enumerate(overpasses)
            for j, channel in enumerate(channels)
            if code in self.overpasses and channel in self.channels
        ]

        def taken(values: Floats, fill: float) -> Floats:
            shape = (len(overpasses), len(channels), *values.shape[2:])
            found = np.full(shape, fill, values.dtype)
            for i, j, o, c in common:
                found[i, j] = values[o, c]
            return found

        return Transfer(
            tuple(int(code) for code in overpasses),
            tuple(int(code) for code in channels),
            taken(self.regional, np.nan),
            taken(self.deviation, 0.0),
            taken(self.low, np.nan),
            taken(self.high, np.nan),
        )

    def window(self, rows: slice, columns: slice) -> Transfer:
        """The same for some rows and columns of the grid."""
        return replace(self, deviation=self.deviation[..., rows, columns])


def unknown(overpasses: Sequence[int], channels: Sequence[int], shape: tuple[int, int]) -> Transfer:
    """No inter-calibration to be had: everything that the radiometer saw is missing."""
    where = (len(overpasses), len(channels))
    nothing = np.full(where, np.nan)
    return Transfer(
        tuple(overpasses),
        tuple(channels),
        np.full((*where, len(TERMS)), np.nan),
        np.broadcast_to(np.float32(0), (*where, len(PIXEL_TERMS), *shape)),
        nothing,
        nothing,
    )
