"""AMSR-E quarter-degree brightness temperature of NSIDC (NSIDC-0302): flat binary files.

A file has no header, so it cannot say of itself that it is simulated: ``SIMULATED.txt`` beside
the files does.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from soilft.simulate import radiometer
from soilft.simulate.container import note, replaced
from soilft.simulate.domain import CELL, Archive, Domain, Field
from soilft.simulate.world import World

SENSOR = "amsr-e"
BANDS = ("06", "10", "18", "23", "36", "89")
NODES = {"A": "ascending", "D": "descending"}
SHAPE = (720, 1440)
SCALE = 0.1
"""K for each count."""


@dataclass(frozen=True)
class Layout:
    """What the public documents of the product leave open.

    Attributes
    ----------
    no_data : int
        Count of a cell nobody saw.
    no_time : int
        Minutes of a cell nobody saw.
    order : {"<", ">"}
        Byte order; the product's is little-endian.
    """

    no_data: int = 0
    no_time: int = 0
    order: str = "<"


DEFAULT = Layout()


def name(channel: str, node: str, day: date, *, compressed: bool = False) -> str:
    """File name of a channel, e.g. "36V", or "TIM", and node ("A" or "D") of a day."""
    ending = ".gz" if compressed else ""
    return f"ID2r1-AMSRE-D.25{day:%Y%j}{node}.v03.{channel}{ending}"


def place(domain: Domain) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row from the NORTH and column from 180 W of every cell, (lat, lon)."""
    lat, lon = domain.mesh
    rows = np.rint((90.0 - lat) / CELL - 0.5).astype(np.intp)
    return rows, np.rint((lon + 180.0) / CELL - 0.5).astype(np.intp) % SHAPE[1]


def _save(path: Path, grid: NDArray[np.integer]) -> None:
    raw = grid.tobytes()
    with replaced(path) as part:
        # a time of 0 and no name inside: the same bytes every time
        part.write_bytes(gzip.compress(raw, 6, mtime=0) if path.suffix == ".gz" else raw)


def _grid(
    domain: Domain, values: Field, seen: NDArray[np.bool_], fill: int, kind: str
) -> NDArray[Any]:
    rows, cols = place(domain)
    grid = np.full(SHAPE, fill, dtype=kind)
    grid[rows[seen], cols[seen]] = np.rint(values[seen]).astype(kind)
    return grid


def write(
    archive: Archive,
    day: date,
    world: World | None = None,
    *,
    bands: Iterable[str] = BANDS,
    nodes: Iterable[str] = NODES,
    compressed: bool = True,
    layout: Layout = DEFAULT,
) -> list[Path]:
    """Write the files of a UTC day below ``nsidc0302``: two a band and node, one of time a node.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    day : date
        UTC day of the daily files.
    world : World, optional
        Of the archive's domain, knowing that day; ``World.of`` by default.
    bands, nodes : iterable of str
        Those to write; all by default.
    compressed : bool
        Whether to write ``.gz``; a plain file has 2 MB.
    layout : Layout
        One reading of what the documents leave open.
    """
    domain = archive.domain
    world = world or World.of(domain)
    folder = archive.root / "nsidc0302"
    chosen = tuple(bands)
    written = [note(folder, domain)]
    for node in nodes:
        seen = radiometer.observe(world, SENSOR, NODES[node], day, bands=chosen)
        for band in chosen:
            for letter in "VH":
                tenths = seen.tb[band, letter] / SCALE
                grid = _grid(domain, tenths, seen.seen, layout.no_data, f"{layout.order}u2")
                path = folder / name(f"{band}{letter}", node, day, compressed=compressed)
                _save(path, grid)
                written.append(path)
        minutes = 60.0 * (seen.hours - domain.hours(day))
        path = folder / name("TIM", node, day, compressed=compressed)
        _save(path, _grid(domain, minutes, seen.seen, layout.no_time, f"{layout.order}i2"))
        written.append(path)
    return written
