"""Bands of a grid's rows."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np


class RowSpan(NamedTuple):
    """A band of a grid's rows, as a tuple: the first row, and one past the last.

    Examples
    --------
    >>> [str(band) for band in RowSpan(0, 5).every(2)]
    ['0..1', '2..3', '4..4']
    """

    first: int
    stop: int

    def __str__(self) -> str:
        return f"{self.first}..{self.stop - 1}"

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.stop - self.first

    @property
    def slice(self) -> slice:
        """The rows as an index."""
        return slice(self.first, self.stop)

    def every(self, most: int) -> list[RowSpan]:
        """Cut into bands of that many rows, from the first; the last may be less high."""
        edges = range(self.first, self.stop, most)
        return [RowSpan(a, min(a + most, self.stop)) for a in edges]

    def cut(self, parts: int) -> list[RowSpan]:
        """Cut into bands of about one height, as many as asked for or one a row."""
        edges = np.linspace(self.first, self.stop, min(self.height, parts) + 1).round().astype(int)
        return [RowSpan(int(a), int(b)) for a, b in pairwise(edges) if b > a]
