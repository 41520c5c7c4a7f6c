"""Normals of brightness temperature, by pixel and day of the year.

With the share of an anomaly that is carried to another pass, so that a missing one can be filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

# The year in equal parts of 15 days; between their middles the normal is interpolated.
PARTS = 24
YEAR_DAYS = 365.25
# How an anomaly is carried to a missing pass: from the other node of the day, and from the same
# node a day or two away.
CARRIED = ("other_node", "one_day", "two_days")

Floats = npt.NDArray[Any]


def place_in_year(numbers: npt.NDArray[Any]) -> Floats:
    """Where days since 1970-01-01 lie in the year, in parts: 0 <= p < 24.4, float64 (day,)."""
    day = np.asarray(numbers, "int64").astype("datetime64[D]")
    since = (day - day.astype("datetime64[Y]")).astype("int64")
    return np.asarray((since + 0.5) / YEAR_DAYS * PARTS)


def part_of(numbers: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Number of the part of the year of days since 1970-01-01, (day,)."""
    part: npt.NDArray[np.intp] = place_in_year(numbers).astype("intp")
    return np.minimum(part, PARTS - 1)


@dataclass(frozen=True)
class Normals:
    """Normals of the merged record, by node, channel and pixel.

    Parameters
    ----------
    overpasses, channels
        Codes of the axes.
    mean
        Mean brightness temperature of each part of the year in K, float32 (overpass, channel, part,
        y, x); NaN where too few were seen.
    carried
        Share of an anomaly that is carried, for each of `CARRIED`, float64 (way, overpass,
        channel); NaN where there were too few pairs.
    hour
        Mean local solar hour of each node's passes, float64 (overpass,); NaN where none was seen.
    """

    overpasses: tuple[int, ...]
    channels: tuple[int, ...]
    mean: npt.NDArray[np.float32]
    carried: Floats
    hour: Floats

    def expected(self, overpass: int, channel: int, numbers: npt.NDArray[Any]) -> Floats:
        """The normal of a node and channel on some days.

        Between the middles of two parts of the year it runs in a straight line; next to a part of
        which too little is known it stays at its own part's mean.

        Parameters
        ----------
        overpass, channel
            Codes.
        numbers
            Days since 1970-01-01, (day,).

        Returns
        -------
        array
            float32 K, (day, y, x); NaN where the day's part of the year is not known.
        """
        at = self.overpasses.index(overpass), self.channels.index(channel)
        mean = self.mean[at]
        middle = place_in_year(numbers) - 0.5
        before = np.floor(middle)
        weight = (middle - before)[:, None, None].astype("float32")
        one, next_one = (mean[(before + k).astype("intp") % PARTS] for k in (0, 1))
        own = np.where(weight < 0.5, one, next_one)
        between = one + weight * (next_one - one)
        return np.asarray(np.where(np.isnan(between), own, between), "float32")

    def share(self, way: str, overpass: int, channel: int) -> np.float32:
        """Share of an anomaly that is carried to a node and channel, NaN where not known."""
        at = self.overpasses.index(overpass), self.channels.index(channel)
        return np.float32(self.carried[(CARRIED.index(way), *at)])

    def window(self, rows: slice, columns: slice) -> Normals:
        """The same for some rows and columns of the grid."""
        return replace(self, mean=self.mean[..., rows, columns])

    def with_channels(self, codes: Sequence[int]) -> Normals:
        """The same with some channels alone."""
        at = [i for i, code in enumerate(self.channels) if code in codes]
        return replace(
            self,
            channels=tuple(self.channels[i] for i in at),
            mean=self.mean[:, at],
            carried=self.carried[:, :, at],
        )
