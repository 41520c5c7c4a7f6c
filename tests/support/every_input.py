"""A run with every input of the mission: six simulated days, on either side of the hand-overs."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from pipelines.config.region_file import REGIONS
from soilft.simulate import Archive, prepare, write_day, write_static, write_stations

BOUNDS = (90.0, 32.0, 93.0, 34.5)
START, END = date(2011, 10, 3), date(2015, 4, 4)
# AMSR-E's last two days and one after; AMSR2 and SMAP beside MWRI.
DAYS = [START + timedelta(days=n) for n in range(3)] + [END - timedelta(days=n) for n in (2, 1, 0)]


def simulate(root: Path) -> Path:
    """Write the native files of every input."""
    archive = Archive(root, BOUNDS, START, END, seed=5)
    prepare(archive)
    write_static(archive)
    write_stations(archive, DAYS)
    for day in DAYS:
        write_day(archive, day, nsidc=True, opening=day in (DAYS[0], DAYS[3]))
    return root


def every_radiometer() -> str:
    """The demo's region file, with AMSR-E, which had ended before its year."""
    folder = "${SOILFT_DEMO_ARCHIVE}/amsre/*"
    ended = f"  amsr-e:\n    product: amsre-l3-25km\n    granules: {folder}\n"
    return (REGIONS / "demo-tibet.yaml").read_text().replace("  mwri:\n", f"{ended}  mwri:\n")


def region_file(folder: Path, archive: Path, **changes: Any) -> Path:
    """Write a region file with every input; ``changes`` replace top-level keys."""
    value = yaml.safe_load(every_radiometer())
    del value["simulation"]
    value |= {
        "region": {"name": "every-input", "grid": "latlon-0.25", "bounds": list(BOUNDS)},
        "period": {"start": START, "end": END},
        "store": str(folder / "store"),
        "chunks": {"ingest_days": 640, "predict_days": 640},
        "cluster": {"workers": 2, "memory": "2GiB", "dashboard": False},
        # Two or three days in common are no overlap to fit.
        "harmonize": {"enabled": False},
    }
    for item in value["inputs"].values():
        item["granules"] = item["granules"].replace("${SOILFT_DEMO_ARCHIVE}", str(archive))
    value["inputs"]["amsr-e-nsidc"] = {
        "product": "amsre-nsidc-0302-25km",
        "granules": f"{archive}/nsidc0302/*",
    }
    value |= changes
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "region.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return path
