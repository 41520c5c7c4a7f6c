"""Time zones of tables: what is taken from a local time to give UTC."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from soilft.errors import ConfigError

#: A time zone of each place's own: the hour of its meridian, without summer time.
OF_THE_MERIDIAN = "of the meridian"
#: A time zone that each time states itself, such as 2020-01-01T06:00-07:00.
AS_STATED = "as stated"
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d)")

Offset = Callable[[datetime, float], timedelta]


def seconds(local: datetime, offset: Offset, hours: float) -> int | None:
    """Seconds since 1970 of a local time where the meridian is so many hours east.

    None where the clock changes, and the time is twice or never.
    """
    if local.tzinfo is not None:
        return int(local.timestamp())
    early, late = (offset(local.replace(fold=fold), hours) for fold in (0, 1))
    if early != late:
        return None
    return int((local.replace(tzinfo=UTC) - early).timestamp())


def zone(text: str, product: str) -> Offset:
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
    if match and int(match["hours"]) <= 14 and int(match["minutes"]) < 60:
        sign = -1 if match["sign"] == "-" else 1
        fixed = sign * timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
        return lambda _, __: fixed
    if text not in _zones():
        raise ConfigError(
            f"{product}: time_zone",
            expected=f"UTC, an offset such as -07:00, a name such as America/Denver, "
            f"'{OF_THE_MERIDIAN}' or '{AS_STATED}'",
            found=text or "none",
            remedy="Say in which time zone the table's times are: nothing is guessed.",
        )
    named = ZoneInfo(text)
    return lambda local, _: named.utcoffset(local) or timedelta()


@cache
def _zones() -> frozenset[str]:
    """Names of time zones, but for those that are of a machine's own."""
    return frozenset(available_timezones() - {"localtime", "posixrules", "Factory"})
