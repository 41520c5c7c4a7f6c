"""What is true in the synthetic Earth, for judging what was made of the other files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import h5py
import numpy as np

from soilft.simulate.container import coordinate, label, replaced, text
from soilft.simulate.domain import Archive
from soilft.simulate.overpass import seen_at
from soilft.simulate.soil import FREEZING, history

PASSES = tuple(
    (sensor, node) for sensor in ("amsr2", "smos") for node in ("ascending", "descending")
)


def name(day: date) -> str:
    """File name of a UTC day."""
    return f"simulated_truth_{day:%Y%m%d}.nc"


def write(archive: Archive, day: date) -> list[Path]:
    """Write the temperature of 0-5 cm and the state at every pass of a UTC day, seen or not."""
    domain = archive.domain
    path = archive.root / "truth" / name(day)
    with replaced(path) as part, h5py.File(part, "w") as file:
        lat = coordinate(file, "lat", domain.lat, {"units": "degrees_north"})
        lon = coordinate(file, "lon", domain.lon, {"units": "degrees_east"})
        for sensor, node in PASSES:
            hours = seen_at(domain, sensor, node, day)
            top = history(domain).at(hours).top
            for key, values, words in (
                ("utc_hour", hours - domain.hours(day), {"units": "hours of the UTC day"}),
                ("soil_temperature", top, {"units": "K", "long_name": "0-5 cm"}),
                ("frozen", top < FREEZING, {"long_name": "0-5 cm below 273.15 K"}),
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
        label(file, domain.seed)
    return [path]
