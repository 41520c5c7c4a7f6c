"""AMSR-E level-3 brightness temperature of JAXA, version 8: HDF5 in the layout of AMSR2.

One file for each band and node of a day, six bands from 6.9 to 89 GHz.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from soilft.simulate import radiometer
from soilft.simulate.container import label, put, replaced, text
from soilft.simulate.domain import CELL, Archive, Domain, Field
from soilft.simulate.world import World

SENSOR = "amsr-e"
BANDS = ("06", "10", "18", "23", "36", "89")
NODES = {"A": "ascending", "D": "descending"}
SHAPE = (720, 1440)
SCALE = 0.01
"""K for each count."""
UNOBSERVED, OUT_OF_RANGE = 65535, 65534
UNUSABLE = 0.001
"""Share of observations stored as outside the range of the parameter; assumed."""


@dataclass(frozen=True)
class Layout:
    """What the public documents of the product leave open.

    Attributes
    ----------
    prefix : str
        Platform and sensor at the start of the file name.
    platform, sensor : str
        Values of ``PlatformShortName`` and ``SensorShortName``.
    counts : dtype
        Type of the stored counts.
    """

    prefix: str = "PM1AME"
    platform: str = "AQUA"
    sensor: str = "AMSR-E"
    counts: DTypeLike = np.uint16


DEFAULT = Layout()


def name(band: str, node: str, day: date, layout: Layout = DEFAULT) -> str:
    """File name of a band and node ("A" or "D") of a day: 0.25 degree, equirectangular."""
    return f"{layout.prefix}_{day:%Y%m%d}_01D_EQM{node}_L3SGT{band}LA8800800.h5"


def counts(temperature: Field) -> NDArray[np.uint16]:
    """Counts of brightness temperatures, K; what does not fit becomes ``OUT_OF_RANGE``."""
    raw = np.rint(temperature / SCALE)
    return np.where((raw < 0) | (raw >= OUT_OF_RANGE), OUT_OF_RANGE, raw).astype(np.uint16)


def place(domain: Domain) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row from the NORTH and column from Greenwich (0..360 E) of every cell, (lat, lon)."""
    lat, lon = domain.mesh
    rows = np.rint((90.0 - lat) / CELL - 0.5).astype(np.intp)
    cols = np.rint(np.mod(lon, 360.0) / CELL - 0.5).astype(np.intp)
    return rows, cols


def write(
    archive: Archive,
    day: date,
    world: World | None = None,
    *,
    bands: Iterable[str] = BANDS,
    nodes: Iterable[str] = NODES,
    layout: Layout = DEFAULT,
) -> list[Path]:
    """Write the twelve files of a UTC day below ``amsre``.

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
    layout : Layout
        One reading of what the documents leave open.
    """
    domain = archive.domain
    world = world or World.of(domain)
    rows, cols = place(domain)
    chosen = tuple(bands)
    written = []
    for node in nodes:
        direction = NODES[node]
        seen = radiometer.observe(world, SENSOR, direction, day, bands=chosen)
        where = (rows[seen.seen], cols[seen.seen])
        for band in chosen:
            random = domain.stream("amsre unusable", day, node, band)
            path = archive.root / "amsre" / name(band, node, day, layout)
            with replaced(path) as part, h5py.File(part, "w") as file:
                for letter in "HV":
                    raw = counts(seen.tb[band, letter][seen.seen])
                    raw[random.random(raw.shape) < UNUSABLE] = OUT_OF_RANGE
                    dataset = put(
                        file,
                        f"Brightness Temperature ({letter})",
                        SHAPE,
                        where,
                        raw.astype(layout.counts),
                        np.asarray(UNOBSERVED, dtype=np.uint16).astype(layout.counts).item(),
                    )
                    dataset.attrs["SCALE FACTOR"] = np.float32(SCALE)
                    text(dataset, UNIT="K")
                text(
                    file,
                    PlatformShortName=layout.platform,
                    SensorShortName=layout.sensor,
                    ProductName="AMSR-E-L3",
                    GranuleID=path.stem,
                    ObservationStartDateTime=f"{day:%Y-%m-%d}T00:00:00.000Z",
                    ObservationEndDateTime=f"{day:%Y-%m-%d}T23:59:59.999Z",
                    OrbitDirection=direction.capitalize(),
                    title="SIMULATED AMSR-E level-3 brightness temperature",
                )
                label(file, domain)
            written.append(path)
    return written
