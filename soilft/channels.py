"""Channels of the radiometers: frequency and polarization, and their code on a store's axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from soilft.schema import Coordinate

FREQUENCIES = ("6.9", "7.3", "10.65", "18.7", "23.8", "36.5", "89.0")
CODES: Mapping[str, int] = MappingProxyType(
    {
        f"{frequency}{polarization}": 2 * i + j
        for i, frequency in enumerate(FREQUENCIES)
        for j, polarization in enumerate("VH")
    }
)


def channel_names(codes: Iterable[int]) -> list[str]:
    """Names of channels by their codes."""
    names = {code: name for name, code in CODES.items()}
    return [names[code] for code in codes]


def channel_coordinate(channels: Iterable[str]) -> Coordinate:
    """The channel axis, as codes with their names, such as ``36.5V`` (GHz, polarization)."""
    return Coordinate(
        "channel",
        ("channel",),
        np.array([CODES[name] for name in channels], "uint8"),
        {
            "long_name": "channel of the radiometer: frequency in GHz and polarization",
            "flag_values": list(CODES.values()),
            "flag_meanings": " ".join(CODES),
        },
    )
