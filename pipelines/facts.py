"""Names of units, and facts that stages leave each other in the ledger, as values."""

from __future__ import annotations

from dataclasses import dataclass

from soilft.days import DaySpan


@dataclass(frozen=True)
class InputUnit:
    """Name of an ingested unit: an input, and what of it.

    Parameters
    ----------
    part
        First day of a chunk of days; ``static`` or ``stations`` for what has none.
    """

    source: str
    part: str

    @classmethod
    def of_days(cls, source: str, span: DaySpan) -> InputUnit:
        """A chunk of days of an input."""
        return cls(source, str(span.first))

    @classmethod
    def of_static(cls, source: str) -> InputUnit:
        """All fields of an input without time."""
        return cls(source, "static")

    @classmethod
    def of_stations(cls, source: str) -> InputUnit:
        """All stations of an input."""
        return cls(source, "stations")

    @property
    def is_static(self) -> bool:
        """Whether it is of an input without time."""
        return self.part == "static"

    def __str__(self) -> str:
        return f"{self.source}/{self.part}"
