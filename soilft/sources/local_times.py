"""Time zones of tables: what is taken from a local time to give UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from soilft.errors import ConfigError

#: A time zone of each place's own: the hour of its meridian, without summer time.
OF_THE_MERIDIAN = "of the meridian"
#: A time zone that each time states itself, such as 2020-01-01T06:00-07:00.
AS_STATED = "as stated"
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)")

Offset = Callable[[datetime, float], timedelta]


def seconds(moment: datetime, offset: Offset, hours: float) -> int:
    """Seconds since 1970 of a local time where the meridian is so many hours east."""
    if moment.tzinfo is not None:
        return int(moment.timestamp())
    return int((moment.replace(tzinfo=UTC) - offset(moment, hours)).timestamp())


def zone(text: str, said: str) -> Offset:
    """What is to be taken from a local time, by the time and the hours of the meridian.

    Raises
    ------
    ConfigError
        Where there is no such time zone, or none is given.
    """
    match = _OFFSET.fullmatch(text)
    if text in ("UTC", AS_STATED):
        return lambda _, __: timedelta()
    if text == OF_THE_MERIDIAN:
        return lambda _, hours: timedelta(hours=hours)
    if match:
        sign = -1 if match["sign"] == "-" else 1
        fixed = sign * timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        return lambda _, __: fixed
    try:
        named = ZoneInfo(text) if text else None
    except (ZoneInfoNotFoundError, ValueError):
        named = None
    if named is None:
        raise ConfigError(
            f"{said}time_zone",
            expected=f"UTC, an offset such as -07:00, a name such as America/Denver, "
            f"'{OF_THE_MERIDIAN}' or '{AS_STATED}'",
            found=text or "none",
            remedy="Say in which time zone the table's times are: nothing is guessed.",
        )
    return lambda moment, _: named.utcoffset(moment) or timedelta()
