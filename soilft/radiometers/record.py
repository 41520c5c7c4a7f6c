"""Multi-radiometer record: of each pixel and pass the radiometer in operation, and the others.

Channels of one pixel and pass always come from one radiometer, so that ratios and differences of
channels never mix two. Where inter-calibration coefficients exist, each radiometer is adjusted to
the reference radiometer first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.channels import CODES, channel_names
from soilft.radiometers.intercalibration import Transfer
from soilft.schema import MISSING, OVERPASSES, overpass_names

Floats = npt.NDArray[Any]


def channels(records: Sequence[xr.Dataset]) -> tuple[str, ...]:
    """Channels that any of the records has, by rising code."""
    return tuple(channel_names(_codes(records, "channel")))


def nodes(records: Sequence[xr.Dataset]) -> tuple[str, ...]:
    """Overpasses that any of the records has, by rising code."""
    return tuple(overpass_names(_codes(records, "overpass")))


def _codes(records: Sequence[xr.Dataset], axis: str) -> list[int]:
    return sorted({int(code) for record in records for code in record[axis].values})


@dataclass(frozen=True)
class Overpasses:
    """Brightness temperatures of some days on the common axes.

    Parameters
    ----------
    overpasses, channels
        Codes of the axes, in the order of `nodes` and `channels`.
    tb
        K, float32 (day, node, channel, y, x). A channel that the radiometer does not have, such as
        6.9 GHz of MWRI, is NaN.
    observed
        Hours since 00:00 UTC of the day, float32 (day, node, y, x).
    radiometer
        Number of the radiometer that each pixel and pass is from, uint8 (day, node, y, x), 255
        where there is none.
    level
        Code of `soilft.radiometers.gaps.LEVELS`, uint8 (day, node, y, x), 255 where nothing is
        known.
    """

    overpasses: tuple[int, ...]
    channels: tuple[int, ...]
    tb: Floats
    observed: Floats
    radiometer: npt.NDArray[np.uint8]
    level: npt.NDArray[np.uint8]

    def without(self, hidden: npt.NDArray[np.bool_]) -> Overpasses:
        """The same with some passes not seen, (day, node, y, x)."""
        nothing = np.uint8(MISSING)
        return Overpasses(
            self.overpasses,
            self.channels,
            np.where(hidden[:, :, None], np.float32(np.nan), self.tb),
            np.where(hidden, np.float32(np.nan), self.observed),
            np.where(hidden, nothing, self.radiometer),
            np.where(hidden, nothing, self.level),
        )


def merged(
    records: Sequence[xr.Dataset], rows: slice, transfers: Sequence[Transfer | None] = ()
) -> Overpasses:
    """Some days of all radiometers: of each pixel and pass, the first that saw it.

    Parameters
    ----------
    records
        Input stores with ``tb`` (time, overpass, channel, y, x) in K and ``observation_time``
        (time, overpass, y, x) in hours, the preferred one first; all on one axis of days.
    rows
        Days on that axis.
    transfers
        Inter-calibration of each record to the reference, None for the reference itself; none
        where empty. A pixel and pass of which no channel can be adjusted counts as not seen.
    """
    (found,) = _gathered(records, rows, transfers, None)
    return found


def layered(
    records: Sequence[xr.Dataset],
    rows: slice,
    transfers: Sequence[Transfer | None],
    operating: npt.NDArray[np.uint8],
) -> tuple[Overpasses, Overpasses]:
    """What the radiometer in operation saw, and what others saw; see `merged`.

    Parameters
    ----------
    operating
        Number of the radiometer in operation on each of the days, 255 where none was, (day,).
    """
    first, others = _gathered(records, rows, transfers, operating)
    return first, others


def able(
    records: Sequence[xr.Dataset], transfers: Sequence[Transfer | None]
) -> npt.NDArray[np.bool_]:
    """Whether each radiometer can give a channel at a node, bool (radiometer, node, channel)."""
    bands = [CODES[name] for name in channels(records)]
    passes = [OVERPASSES[name] for name in nodes(records)]
    found = np.zeros((len(records), len(passes), len(bands)), bool)
    for number, record in enumerate(records):
        transfer = transfers[number] if transfers else None
        for o, code in enumerate(record["overpass"].values.tolist()):
            for c, channel in enumerate(record["channel"].values.tolist()):
                known = transfer is None or bool(np.isfinite(transfer.regional[o, c]).all())
                found[number, passes.index(code), bands.index(channel)] = known
    return found


def _gathered(
    records: Sequence[xr.Dataset],
    rows: slice,
    transfers: Sequence[Transfer | None],
    operating: npt.NDArray[np.uint8] | None,
) -> list[Overpasses]:
    bands = tuple(CODES[name] for name in channels(records))
    passes = tuple(OVERPASSES[name] for name in nodes(records))
    sizes = records[0].isel(time=rows).sizes
    shape = sizes["time"], len(passes), len(bands), sizes["y"], sizes["x"]
    layers = [_empty(passes, bands, shape) for _ in range(1 if operating is None else 2)]
    for number, record in enumerate(records):
        part = record.isel(time=rows)
        time, values = part["observation_time"].values, part["tb"].values
        transfer = transfers[number] if transfers else None
        if transfer is not None:
            numbers = part["time"].values.astype("datetime64[D]").astype("int64")
            values = transfer.apply(values, numbers)
        seen = np.isfinite(time)
        if transfer is not None:
            seen &= np.isfinite(values).any(axis=2)
        at = [bands.index(int(code)) for code in record["channel"].values]
        own = np.ones(shape[0], bool) if operating is None else operating == number
        for i, code in enumerate(record["overpass"].values):
            node = passes.index(int(code))
            for layer, days in zip(layers, (own, ~own), strict=False):
                new = seen[:, i] & days[:, None, None] & (layer.radiometer[:, node] == MISSING)
                layer.observed[:, node][new] = time[:, i][new]
                layer.radiometer[:, node][new] = number
                layer.level[:, node][new] = 0
                for j, band in enumerate(at):
                    layer.tb[:, node, band][new] = values[:, i, j][new]
    return layers


def _empty(
    passes: tuple[int, ...], bands: tuple[int, ...], shape: tuple[int, int, int, int, int]
) -> Overpasses:
    seen = (shape[0], shape[1], *shape[3:])
    return Overpasses(
        passes,
        bands,
        np.full(shape, np.nan, "float32"),
        np.full(seen, np.nan, "float32"),
        np.full(seen, MISSING, "uint8"),
        np.full(seen, MISSING, "uint8"),
    )
