"""Daily UTC axis: days since 1970-01-01 as integers, and spans of days aligned to chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from soilft.errors import ConfigError

EPOCH = date(1970, 1, 1)
UNITS = "days since 1970-01-01"


def number(day: date) -> int:
    """Days since 1970-01-01 of a calendar day."""
    return (day - EPOCH).days


def day_of(days_since_epoch: int) -> date:
    """Calendar day of a number of days since 1970-01-01."""
    return EPOCH + timedelta(days=int(days_since_epoch))


@dataclass(frozen=True, order=True)
class DaySpan:
    """Consecutive UTC days, ``first`` to ``last``, both included.

    Examples
    --------
    >>> span = DaySpan(date(2016, 1, 1), date(2016, 1, 31))
    >>> len(span)
    31
    >>> [str(part) for part in span.chunks(20)]
    ['2016-01-01..2016-01-20', '2016-01-21..2016-01-31']
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"a span of days ends {self.last} before it starts {self.first}")

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=i) for i in range(len(self)))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def __str__(self) -> str:
        return f"{self.first}..{self.last}"

    @classmethod
    def of(cls, text: str) -> DaySpan:
        """Span of a text: two ISO dates with ``..`` between, or one day.

        Raises
        ------
        ConfigError
            Where the text is neither.
        """
        first, _, last = text.partition("..")
        try:
            return cls(date.fromisoformat(first), date.fromisoformat(last or first))
        except ValueError as error:
            raise ConfigError(
                "days", expected="2015-01-30..2015-01-31 or 2015-01-30", found=text
            ) from error

    @classmethod
    def between(cls, before: date, after: date) -> DaySpan:
        """Days after one day and before another."""
        return cls(before + timedelta(days=1), after - timedelta(days=1))

    @property
    def numbers(self) -> npt.NDArray[np.int32]:
        """Days since 1970-01-01, shape (len(self),)."""
        return np.arange(number(self.first), number(self.last) + 1, dtype="int32")

    def chunks(self, days: int) -> list[DaySpan]:
        """Cut into spans of ``days`` days, counted from the first day; the last may be shorter."""
        return [
            DaySpan(first, min(first + timedelta(days=days - 1), self.last))
            for first in (self.first + timedelta(days=start) for start in range(0, len(self), days))
        ]

    def first_days(self, most: int) -> DaySpan:
        """Its first ``most`` days, or all where it has fewer."""
        return self.chunks(most)[0]

    def within(self, whole: DaySpan) -> slice:
        """Index range of this span on the axis of ``whole``.

        Raises
        ------
        ValueError
            Where this span does not lie inside ``whole``.
        """
        if self.first < whole.first or self.last > whole.last:
            raise ValueError(f"{self} does not lie within {whole}")
        start = (self.first - whole.first).days
        return slice(start, start + len(self))

    def touches(self, other: DaySpan) -> bool:
        """Whether the two have a day in common."""
        return self.first <= other.last and other.first <= self.last

    def widened(self, days: int, limit: DaySpan) -> DaySpan:
        """Widen by ``days`` on either side, cut off at ``limit``."""
        halo = timedelta(days=days)
        return DaySpan(max(self.first - halo, limit.first), min(self.last + halo, limit.last))
