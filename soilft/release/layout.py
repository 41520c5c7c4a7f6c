"""Chunk layout of the published cube: few requests for a day's map and for a pixel's series.

A shard is one tile of the region over many days; its inner chunks are the same tile over few days.
A reader of a map fetches of every tile the shard's index and one inner chunk: two requests a tile.
A reader of a pixel's series asks for all inner chunks of its tile's shards, which Zarr then reads
whole: s3fs asks for an object's size and then for the object, two requests a shard; only the last
shard, where it is still open, is read chunk by chunk. What a map
fetches too much is bounded by the days of an inner chunk, what a series fetches too much by the
cells of a tile. Where tiles get too large for a series, a group ``series`` holds the same values
once more, in inner chunks as long as a shard and few cells wide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from soilft.release.versions import method_digest
from soilft.schema import Template

# Days of an inner chunk: a map receives at most this many times what it asked for.
CHUNK_DAYS = 15
# Tiles at most: two requests each for a map.
MOST_TILES = 6
# Cells that a tile need not fall below: a series receives at most this many times what it asked
# for, before compression.
TILE_CELLS = 1300
# Cells of a tile from which on a series has a copy of its own.
SERIES_FROM_CELLS = 2500
# Cells on a side of an inner chunk of the copy.
SERIES_CELLS = 24
# The fewest and most days of a shard: a day more writes one shard of every tile again.
LEAST_DAYS, MOST_DAYS = 240, 480


@dataclass(frozen=True)
class Layout:
    """Lengths of chunks and shards of a published cube.

    Parameters
    ----------
    chunk_days, shard_days
        Days of an inner chunk and of a shard, a multiple of it.
    rows, columns
        Cells of a tile along y and x.
    series
        Cells on a side of an inner chunk of the group ``series``; 0 where there is none.

    Examples
    --------
    >>> Layout.of((60, 128), 3653)
    Layout(chunk_days=15, shard_days=405, rows=30, columns=43, series=0)
    """

    chunk_days: int
    shard_days: int
    rows: int
    columns: int
    series: int = 0

    def __post_init__(self) -> None:
        if self.shard_days % self.chunk_days:
            raise ValueError(f"{self.shard_days} days are no multiple of {self.chunk_days}")
        if self.series and (self.rows % self.series or self.columns % self.series):
            raise ValueError(f"tiles of {self.rows} x {self.columns} in chunks of {self.series}")

    @classmethod
    def of(cls, shape: tuple[int, int], days: int, *, series: bool | None = None) -> Layout:
        """The layout for a grid and a period.

        Parameters
        ----------
        shape
            Rows and columns of the grid.
        days
            Length of the period.
        series
            Whether there is a copy for series; None decides by the size of a tile.
        """
        rows, columns = _tile(shape)
        if series is None:
            series = rows * columns > SERIES_FROM_CELLS
        side = min(SERIES_CELLS, rows, columns) if series else 0
        if side:
            rows, columns = (-(-n // side) * side for n in (rows, columns))
        return cls(CHUNK_DAYS, _shard_days(days), rows, columns, side)

    @classmethod
    def following(
        cls,
        before: Mapping[str, Any] | None,
        method: Mapping[str, Any],
        shape: tuple[int, int],
        days: int,
        *,
        series: bool | None = None,
    ) -> Layout:
        """The layout of the latest release where it is of the method, so that its shards can stay.

        Parameters
        ----------
        before
            What the latest release says of itself; None before the first.
        method
            What decides the values, JSON values.
        shape, days, series
            Of the layout where there is no such release; see `of`.
        """
        if before is not None and method_digest(before["method"]) == method_digest(method):
            return cls.parse(before["layout"])
        return cls.of(shape, days, series=series)

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Layout:
        """The layout that `as_json` gave."""
        return cls(**value)

    def as_json(self) -> dict[str, int]:
        """The layout as JSON values."""
        return asdict(self)

    def published(self, template: Template) -> Template:
        """The template cut for maps and, where tiles are small enough, for series."""
        return self._cut(template, (self.chunk_days, self.rows, self.columns))

    def copied(self, template: Template) -> Template:
        """The template of the group ``series``, cut for series alone."""
        return self._cut(template, (self.shard_days, self.series, self.series))

    def _cut(self, template: Template, chunk: tuple[int, int, int]) -> Template:
        days, rows, columns = chunk
        return replace(
            template,
            chunks={"time": days, "overpass": 1, "y": rows, "x": columns},
            shards={
                "time": self.shard_days,
                "overpass": 1,
                "y": self.rows,
                "x": self.columns,
            },
            checked=True,
        )


def requests_of_series(days: int, shard_days: int) -> int:
    """Requests for a pixel's series: two a closed shard; of the open one, the index and chunks.

    Zarr reads a shard whole only where all its inner chunks are asked for, and the open one has
    chunks for days that are not on the axis yet.
    """
    closed, left = divmod(days, shard_days)
    return 2 * closed + (1 + -(-left // CHUNK_DAYS) if left else 0)


def _shard_days(days: int) -> int:
    """The shard with the fewest requests for a series, the shortest of equals."""
    lengths = range(LEAST_DAYS, MOST_DAYS + 1, CHUNK_DAYS)
    return min(lengths, key=lambda length: (requests_of_series(days, length), length))


def _tile(shape: tuple[int, int]) -> tuple[int, int]:
    """The squarest tile of the fewest tiles that are small enough, or of the most allowed."""
    cuts = [
        (-(-shape[0] // down), -(-shape[1] // across))
        for down in range(1, MOST_TILES + 1)
        for across in range(1, MOST_TILES // down + 1)
    ]

    def worth(tile: tuple[int, int]) -> tuple[int, int, float]:
        tiles = math.prod(-(-n // size) for n, size in zip(shape, tile, strict=True))
        cells = math.prod(tile)
        excess = max(cells - TILE_CELLS, 0)
        return (excess, tiles, max(tile) / min(tile))

    return min(cuts, key=worth)
