"""Layout of freeze/thaw labels, one for all products."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from soilft.schema import FROZEN, PARTIAL, THAWED, Variable, flagged, measured

DIMS = ("time", "overpass", "y", "x")
#: Of SMOS and SMAP, ascending and descending as each flies.
LOCAL_SOLAR_HOUR: Mapping[str, float] = MappingProxyType({"AM": 6.0, "PM": 18.0})


def label_variables(origin: str) -> tuple[Variable, ...]:
    """``freeze_thaw`` and ``observation_time`` (time, overpass, y, x) of a label product."""
    return (
        flagged(
            "freeze_thaw",
            DIMS,
            f"freeze/thaw state: {origin}",
            {"thawed": THAWED, "frozen": FROZEN, "partially_frozen": PARTIAL},
        ),
        observation_time(),
    )


def observation_time() -> Variable:
    """Hours since 00:00 UTC of the day that the value stands under; may leave 0..24."""
    return measured("observation_time", DIMS, "h", "time of observation since 00:00 UTC of the day")
