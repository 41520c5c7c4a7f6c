"""Several radiometers as one record: of each pixel and pass, the first that has it.

Channels of one pixel and pass always come from one radiometer, so that ratios and differences of
channels never mix two. Where there are transfers, each radiometer is made like the reference first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from soilft.channels import CODES
from soilft.schema import MISSING, OVERPASSES
from soilft.transfer import Transfer

Floats = npt.NDArray[Any]


def channels(records: Sequence[xr.Dataset]) -> tuple[str, ...]:
    """Channels that any of the records has, by rising code."""
    return _names(records, "channel", {code: name for name, code in CODES.items()})


def nodes(records: Sequence[xr.Dataset]) -> tuple[str, ...]:
    """Overpasses that any of the records has, by rising code."""
    return _names(records, "overpass", {code: name for name, code in OVERPASSES.items()})


def _names(records: Sequence[xr.Dataset], axis: str, names: dict[int, str]) -> tuple[str, ...]:
    codes = {int(code) for record in records for code in record[axis].values}
    return tuple(names[code] for code in sorted(codes))


def merged(
    records: Sequence[xr.Dataset], rows: slice, transfers: Sequence[Transfer | None] = ()
) -> tuple[Floats, Floats, npt.NDArray[np.uint8]]:
    """Brightness temperature and time of observation of some days, from all records.

    Parameters
    ----------
    records
        Input stores with ``tb`` (time, overpass, channel, y, x) in K and ``observation_time``
        (time, overpass, y, x) in hours, the preferred one first; all on one axis of days.
    rows
        Days on that axis.
    transfers
        What makes each record like the reference, None for the reference itself; as they are where
        empty. A pixel and pass of which no channel can be made so counts as not seen.

    Returns
    -------
    tb : array
        float32, shape (day, node, channel, y, x) in the order of `nodes` and `channels`. A channel
        that the radiometer does not have, such as 6.9 GHz of MWRI, is NaN.
    observed : array
        float32 hours since 00:00 UTC of the day, shape (day, node, y, x).
    origin : array
        uint8 number of the record that each pixel and pass is from, 255 where none has it, shape
        (day, node, y, x).
    """
    bands = [CODES[name] for name in channels(records)]
    passes = [OVERPASSES[name] for name in nodes(records)]
    first = records[0].isel(time=rows)
    days, y, x = first.sizes["time"], first.sizes["y"], first.sizes["x"]
    tb = np.full((days, len(passes), len(bands), y, x), np.nan, "float32")
    observed = np.full((days, len(passes), y, x), np.nan, "float32")
    origin = np.full(observed.shape, MISSING, "uint8")
    for number, record in enumerate(records):
        part = record.isel(time=rows)
        time, values = part["observation_time"].values, part["tb"].values
        transfer = transfers[number] if transfers else None
        if transfer is not None:
            numbers = part["time"].values.astype("datetime64[D]").astype("int64")
            values = transfer.apply(values, numbers)
            time = np.where(np.isfinite(values).any(axis=2), time, np.float32(np.nan))
        at = [bands.index(int(code)) for code in record["channel"].values]
        for i, code in enumerate(record["overpass"].values):
            node = passes.index(int(code))
            new = np.isfinite(time[:, i]) & np.isnan(observed[:, node])
            observed[:, node][new] = time[:, i][new]
            origin[:, node][new] = number
            for j, band in enumerate(at):
                tb[:, node, band][new] = values[:, i, j][new]
    return tb, observed, origin
