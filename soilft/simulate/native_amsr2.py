"""AMSR2 level-3 brightness temperature: one HDF5 file for each band and node of a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import h5py
import numpy as np

from soilft.simulate.container import label, put, replaced, text
from soilft.simulate.domain import CELL, Archive, Domain, Field
from soilft.simulate.eras import operating
from soilft.simulate.parameters import number
from soilft.simulate.radiometer import bands, observe
from soilft.simulate.world import World

NODES = {"A": "ascending", "D": "descending"}
SHAPE = (720, 1440)
SCALE = 0.01
"""K for each count."""
UNOBSERVED, OUT_OF_RANGE = 65535, 65534


def name(band: str, node: str, day: date) -> str:
    """File name of a band and node ("A" or "D") of a day: 0.25 degree, equirectangular."""
    return f"GW1AM2_{day:%Y%m%d}_01D_EQM{node}_L3SGT{band}LA2220220.h5"


def counts(temperature: Field) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Counts of brightness temperatures, K; what does not fit becomes ``OUT_OF_RANGE``."""
    raw = np.rint(temperature / SCALE)
    return np.where((raw < 0) | (raw >= OUT_OF_RANGE), OUT_OF_RANGE, raw).astype(np.uint16)


def place(domain: Domain) -> tuple[Field, Field]:
    """Row from the NORTH and column from Greenwich (0..360 E) of every cell, (lat, lon)."""
    lat, lon = domain.mesh
    rows = np.rint((90.0 - lat) / CELL - 0.5).astype(int)
    cols = np.rint(np.mod(lon, 360.0) / CELL - 0.5).astype(int)
    return rows, cols


def write(archive: Archive, day: date, world: World | None = None) -> list[Path]:
    """Write the twelve files of a UTC day; none where AMSR2 does not yet work.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    day : date
        UTC day.
    world : World, optional
        Of the archive's domain, knowing that day; ``World.of`` by default.
    """
    if not operating("amsr2", day):
        return []
    domain = archive.domain
    rows, cols = place(domain)
    world = world or World.of(domain)
    written = []
    for node, direction in NODES.items():
        made = observe(world, "amsr2", direction, day)
        seen = made.seen
        for band in bands("amsr2"):
            random = domain.stream("amsr2 unusable", day, node, band)
            path = archive.root / "amsr2" / name(band, node, day)
            with replaced(path) as part, h5py.File(part, "w") as file:
                for letter in "HV":
                    raw = counts(made.tb[band, letter])
                    raw[random.random(raw.shape) < number("amsr2.unusable")] = OUT_OF_RANGE
                    dataset = put(
                        file,
                        f"Brightness Temperature ({letter})",
                        SHAPE,
                        (rows[seen], cols[seen]),
                        raw[seen],
                        UNOBSERVED,
                    )
                    dataset.attrs["SCALE FACTOR"] = np.float32(SCALE)
                    text(dataset, UNIT="K")
                text(
                    file,
                    PlatformShortName="GCOM-W1",
                    SensorShortName="AMSR2",
                    ProductName="AMSR2-L3",
                    GranuleID=path.stem,
                    ObservationStartDateTime=f"{day:%Y-%m-%d}T00:00:00.000Z",
                    ObservationEndDateTime=f"{day:%Y-%m-%d}T23:59:59.999Z",
                    OrbitDirection=direction.capitalize(),
                    title="SIMULATED AMSR2 level-3 brightness temperature",
                )
                label(file, domain)
            written.append(path)
    return written
