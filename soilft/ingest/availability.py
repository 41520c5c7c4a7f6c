"""Availability of the sources by day: a table, as JSON and as lines of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from soilft.days import DaySpan


@dataclass(frozen=True)
class SourceDays:
    """What one source has on each day of a period.

    Parameters
    ----------
    granules
        Usable granules of each day.
    coverage
        Share of the region's cells with any value on each day, 0 to 1.
    """

    granules: tuple[int, ...]
    coverage: tuple[float, ...]

    @property
    def days_with_data(self) -> int:
        """Days on which at least one cell has a value."""
        return sum(share > 0 for share in self.coverage)

    @property
    def mean_coverage(self) -> float:
        """Mean share of cells over the days with data; 0 where there is none."""
        return sum(self.coverage) / max(self.days_with_data, 1)


@dataclass(frozen=True)
class Availability:
    """Days and sources of one region's input stores."""

    days: DaySpan
    sources: Mapping[str, SourceDays]

    def to_json(self) -> dict[str, Any]:
        """JSON value: the period, and granules and coverage of each source day by day."""
        return {
            "first": str(self.days.first),
            "last": str(self.days.last),
            "sources": {
                name: {"granules": list(source.granules), "coverage": list(source.coverage)}
                for name, source in self.sources.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Availability:
        """The table that `to_json` wrote."""
        days = DaySpan(date.fromisoformat(value["first"]), date.fromisoformat(value["last"]))
        sources = {
            name: SourceDays(tuple(item["granules"]), tuple(item["coverage"]))
            for name, item in value["sources"].items()
        }
        return cls(days, sources)

    def longest_gap(self, name: str) -> DaySpan | None:
        """Longest run of days without data between the source's first and last day, or None."""
        have = [
            day
            for day, share in zip(self.days, self.sources[name].coverage, strict=True)
            if share > 0
        ]
        gaps = [
            DaySpan.between(before, after)
            for before, after in pairwise(have)
            if (after - before).days > 1
        ]
        return max(gaps, key=len, default=None)


def joined(days: DaySpan, parts: Sequence[tuple[DaySpan, SourceDays]]) -> SourceDays:
    """One source over a period, from what is known of parts of it; the other days have nothing."""
    granules, coverage = [0] * len(days), [0.0] * len(days)
    for span, source in parts:
        rows = span.within(days)
        granules[rows], coverage[rows] = source.granules, source.coverage
    return SourceDays(tuple(granules), tuple(coverage))
