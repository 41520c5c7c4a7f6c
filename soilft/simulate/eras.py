"""Periods of operation of the simulated instruments."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from soilft.simulate.parameters import table

SENSORS = ("amsr-e", "mwri", "amsr2", "smos", "smap")


@lru_cache(maxsize=8)
def era(sensor: str) -> tuple[date, date, tuple[tuple[date, date], ...]]:
    """First day, last day, and the outages (first and last day, inclusive) of a sensor."""
    entry = table()["eras"][sensor]["value"]
    first, last, *gaps = [date.fromisoformat(str(day)) for day in entry]
    return first, last, tuple(zip(gaps[::2], gaps[1::2], strict=True))


def operating(sensor: str, day: date) -> bool:
    """Whether a sensor gives data on a UTC day.

    Parameters
    ----------
    sensor : {"amsr-e", "mwri", "amsr2", "smos", "smap"}
        Instrument.
    day : date
        UTC day.
    """
    first, last, gaps = era(sensor)
    return first <= day <= last and not any(start <= day <= end for start, end in gaps)
