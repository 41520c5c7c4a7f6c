"""Truth of the synthetic Earth, for validation of what was made of the other files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import h5py
import numpy as np

from soilft.simulate.container import coordinate, label, replaced, text
from soilft.simulate.domain import Archive, Field, Mask
from soilft.simulate.eras import SENSORS
from soilft.simulate.overpass import seen_at
from soilft.simulate.soil import FREEZING
from soilft.simulate.world import World

PASSES = tuple((sensor, node) for sensor in SENSORS for node in ("ascending", "descending"))


def name(day: date) -> str:
    """File name of a UTC day."""
    return f"simulated_truth_{day:%Y%m%d}.nc"


def at_pass(world: World, sensor: str, node: str, day: date) -> tuple[Field, Field, Mask]:
    """Hours of a pass, temperature of 0-5 cm, K, and whether it is frozen, each (lat, lon)."""
    hours = seen_at(world.domain, sensor, node, day)
    top = world.top(hours)
    return hours, top, top < FREEZING


def write(archive: Archive, day: date, world: World | None = None) -> list[Path]:
    """Write the temperature of 0-5 cm and the state at every pass of a UTC day, seen or not.

    Passes of instruments that do not work that day are there too: the ground has a state anyway.

    Parameters
    ----------
    archive : Archive
        Where, and what world.
    day : date
        UTC day.
    world : World, optional
        Of the archive's domain, knowing that day; ``World.of`` by default.
    """
    domain = archive.domain
    world = world or World.of(domain)
    path = archive.root / "truth" / name(day)
    with replaced(path) as part, h5py.File(part, "w") as file:
        lat = coordinate(file, "lat", domain.lat, {"units": "degrees_north"})
        lon = coordinate(file, "lon", domain.lon, {"units": "degrees_east"})
        for sensor, node in PASSES:
            hours, top, frozen = at_pass(world, sensor, node, day)
            for key, values, words in (
                ("utc_hour", hours - domain.hours(day), {"units": "hours of the UTC day"}),
                ("soil_temperature", top, {"units": "K", "long_name": "0-5 cm"}),
                ("frozen", frozen, {"long_name": "0-5 cm below 273.15 K"}),
            ):
                dataset = file.create_dataset(
                    f"{key}_{sensor}_{node}",
                    data=values.astype(np.uint8 if key == "frozen" else np.float32),
                    compression="gzip",
                    compression_opts=1,
                    shuffle=True,
                    track_times=False,
                )
                text(dataset, **words)
                dataset.dims[0].attach_scale(lat)
                dataset.dims[1].attach_scale(lon)
        text(file, title="SIMULATED truth of soil freeze/thaw", date=f"{day:%Y-%m-%d}")
        label(file, domain)
    return [path]
