"""A small SIMULATED store of release 0.3.0: ``python -m tests.contract.store_of_0_3_0`` packs it.

The code of `COMMIT`, the last before stores had checksums, does ``soilft run`` on the first days of
the small run's archive, ``soilft update`` when two more have come, and ``soilft run`` once more:
three releases by two forests, and two days of granules that wait. The year is mostly missing, so
that it has annual layers and is small; for the same reason it is made as where matplotlib is not
installed, without pictures. It needs a clone that has the commit, and three minutes.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path

from tests.contract.golden_run import code_of
from tests.support.small_run import region_file, simulate

COMMIT = "f26085933aef19b15076b4b5c36c6fffd811f7f7"
PACKED = Path(__file__).with_name("store_of_0_3_0.tar.xz")
VARIABLE = "SOILFT_DEMO_ARCHIVE"
#: Days whose granules come between run and update, and those that 0.3.0 never sees.
UPDATED, NEW = (date(2015, 10, 9), date(2015, 10, 10)), (date(2015, 10, 11), date(2015, 10, 12))
SETTINGS = {
    "title": "Soil freeze/thaw of 64 cells of the Tibetan Plateau, October 2015, from simulated "
    "granules",
    "region": {"name": "small", "grid": "latlon-0.25", "bounds": [90.0, 32.0, 92.0, 34.0]},
    "period": {"start": date(2014, 11, 1), "end": date(2015, 10, 31)},
    "store": "store",
    "sampling": {"max_rows": 400},
    "forest": {"n_estimators": 6, "min_samples_leaf": 10, "group_size": 3},
    "validation": {
        "folds": 2,
        "block_degrees": 1,
        "ablations": False,
        "replicates": 100,
        "masked_days": 1,
    },
    "annual": {"start_month": 11, "least_known": 0.01, "draws": 20},
    "chunks": {"ingest_days": 10, "predict_days": 10},
    "publication": {"series": True},
}
ABOUT = """SIMULATED: a synthetic Earth, no measurements.

A store that soilft 0.3.0 (commit {commit}) made of simulated granules, with
scikit-learn {sklearn} and zarr {zarr}, by
  python -m tests.contract.store_of_0_3_0
"""
_COMMAND = """
import sys
sys.modules["matplotlib"] = None
from pipelines.cli.main import main
sys.argv[0] = "soilft"
main()
"""


def hold_back(archive: Path, folder: Path, *days: date) -> None:
    """Move the granules of some days out of an archive."""
    for day in days:
        for granule in sorted(archive.rglob(f"*{day:%Y%m%d}*")):
            kept = folder / granule.relative_to(archive)
            kept.parent.mkdir(parents=True, exist_ok=True)
            granule.rename(kept)


def deliver(folder: Path, archive: Path) -> None:
    """Move what was held back into its archive."""
    for granule in sorted(path for path in folder.rglob("*") if path.is_file()):
        granule.rename(archive / granule.relative_to(folder))


def make(folder: Path) -> None:
    """Make store, region file and a word about them in a folder."""
    archive = simulate(folder / "archive")
    hold_back(archive, folder / "later", *NEW)
    hold_back(archive, folder / "soon", *UPDATED)
    region_file(folder, Path(f"${{{VARIABLE}}}"), **SETTINGS)
    libraries = {"sklearn": version("scikit-learn"), "zarr": version("zarr")}
    (folder / "SIMULATED.txt").write_text(ABOUT.format(commit=COMMIT, **libraries))
    with code_of(COMMIT) as code:
        _carry_out(code, folder, "run")
        deliver(folder / "soon", archive)
        _carry_out(code, folder, "update")
        _carry_out(code, folder, "run")


def _carry_out(code: Path, folder: Path, command: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    subprocess.run(
        [sys.executable, "-c", _COMMAND, command, "region.yaml", "--quiet"],
        env={**environment, "PYTHONPATH": str(code), VARIABLE: str(folder / "archive")},
        cwd=folder,
        timeout=900,
        check=True,
    )


def pack(folder: Path) -> bytes:
    """Store, region file and the word about them, packed."""

    def nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=9) as tar:
        for name in ("SIMULATED.txt", "region.yaml", "store"):
            tar.add(folder / name, name, filter=nobodys)
    return packed.getvalue()


def unpack(folder: Path) -> None:
    """Unpack store, region file and the word about them into a folder."""
    with tarfile.open(PACKED) as tar:
        tar.extractall(folder, filter="data")


def main() -> None:
    """Make the store and pack it."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        PACKED.write_bytes(pack(Path(folder)))
    print(f"{PACKED}: {PACKED.stat().st_size} bytes")


if __name__ == "__main__":
    main()
