"""A run small enough for tests: the demo's region file, cut to few cells, days and trees."""

import json
import os
import shutil
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from pipelines.config.region_file import REGIONS
from pipelines.stages import order
from soilft.simulate import Archive, write_day, write_static
from soilft.sources import GldasNoah3h

BOUNDS = (90.0, 32.0, 94.0, 35.0)
START, END = date(2015, 10, 1), date(2015, 10, 12)
MODIFIED = 1_600_000_000


def simulate(root: Path) -> Path:
    """Write the native files of the small run."""
    archive = Archive(root, BOUNDS, START, END, seed=3)
    write_static(archive)
    for day in archive.days():
        write_day(archive, day, gldas=GldasNoah3h().variables_read)
    # The time of modification is part of a granule's stamp, and so of keys.
    for path in root.rglob("*"):
        os.utime(path, (MODIFIED, MODIFIED))
    return root


def region_file(folder: Path, archive: Path, **changes: Any) -> Path:
    """Write the region file of the small run; ``changes`` replace top-level keys."""
    value = yaml.safe_load((REGIONS / "demo-tibet.yaml").read_text())
    value |= {
        # As the golden record has them.
        "title": "Soil freeze/thaw of the central Tibetan Plateau, sampled days 2011-2015, "
        "from simulated granules",
        "harmonize": {"block_degrees": 1, "block_days": 2},
        "region": {"name": "small", "grid": "latlon-0.25", "bounds": list(BOUNDS)},
        "period": {"start": START, "end": END},
        "store": str(folder / "store"),
        "sampling": {"max_rows": 3000},
        "forest": {"n_estimators": 12, "min_samples_leaf": 5, "group_size": 4},
        "validation": {"folds": 2, "block_degrees": 1, "ablations": False, "replicates": 100},
        "chunks": {"ingest_days": 2, "predict_days": 2},
        "cluster": {"workers": 2, "memory": "2GiB", "dashboard": False},
    }
    del value["simulation"]
    value["inputs"] = {n: value["inputs"][n] for n in ("amsr2", "gldas", "terrain", "smos")}
    for item in value["inputs"].values():
        item["granules"] = item["granules"].replace("${SOILFT_DEMO_ARCHIVE}", str(archive))
    value["inputs"]["amsr2"]["bands"] = ["18", "36"]
    value |= changes
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "region.yaml"
    path.write_text(yaml.safe_dump(value))
    return path


def product_bytes(store: Path) -> dict[str, str]:
    """Digest of every object that must not depend on how a run went."""
    return {
        str(path.relative_to(store)): sha256(path.read_bytes()).hexdigest()
        for part in ("inputs", "runs", "releases")
        for path in sorted((store / part).rglob("*"))
        if path.is_file() and (part == "inputs" or "cube.zarr" in path.parts)
    }


def before(stage: str, store: Path) -> None:
    """Take out of a store what this stage and those after it have made."""
    later = order.NAMES[order.NAMES.index(stage) :]
    ledgers = (f"ledger/{name}" for name in (*later, "stores/runs"))
    for part in ("runs", "releases", *ledgers):
        shutil.rmtree(store / part, ignore_errors=True)
    (store / "latest.json").unlink()


def latest(store: Path) -> dict[str, Any]:
    """What ``latest.json`` says, without when it was said."""
    value: dict[str, Any] = json.loads((store / "latest.json").read_text())
    return {key: said for key, said in value.items() if key not in ("since", "fence", "replaced")}
