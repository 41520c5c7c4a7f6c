"""The golden record of the small run: ``python -m tests.contract.golden_run`` writes it anew.

It holds the digest of every object of the inputs and of the staging and released cubes, and the key
and content of every ledger record. Bits depend on libraries and on the instructions of a processor:
the record names those that it holds for. Elsewhere the code that made it, by its commit, is run
beside today's.
"""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.small_run import product_bytes, region_file, simulate

RECORD = Path(__file__).with_name("golden_run.json")
ROOT = Path(__file__).parents[2]
# Attributes name the version of the code: the record is made and compared at this one.
VERSION = "0.3.0"
LIBRARIES = [
    "dask",
    "h5py",
    "netCDF4",
    "numba",
    "numcodecs",
    "numpy",
    "pandas",
    "pyproj",
    "pyresample",
    "rasterio",
    "scikit-learn",
    "scipy",
    "shapely",
    "xarray",
    "zarr",
]
# What decides the record: the code, and the run that it makes.
CODE = ("soilft", "cluster", "pipelines")
MAKERS = (*CODE, "tests/support/small_run.py")
# In 0.3.0 the command lay in the module `pipelines.cli`.
_COMMAND = """
import sys
try:
    from pipelines.cli.main import main
except ImportError:
    from pipelines.cli import main
sys.argv[0] = "soilft"
main()
"""


def setting() -> dict[str, Any]:
    """What the bits depend on besides the code: libraries and the instructions of the processor."""
    simd: Any = np.show_config(mode="dicts")
    return {
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "instructions": simd["SIMD Extensions"]["found"],
        "openblas": os.environ.get("OPENBLAS_CORETYPE", ""),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except ModuleNotFoundError:
        return None


def made_by(code: Path, folder: Path) -> dict[str, Any]:
    """Objects and ledger of the small run, made by the code in a folder at the fixed version."""
    archive = folder / "archive"
    if not archive.exists():
        simulate(archive)
    folder = Path(tempfile.mkdtemp(dir=folder))
    named = folder / "version" / f"soilft-{VERSION}.dist-info"
    named.mkdir(parents=True)
    (named / "METADATA").write_text(f"Metadata-Version: 2.1\nName: soilft\nVersion: {VERSION}\n")
    environment = {k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, "run", str(region_file(folder, archive)), "--quiet"],
        env={**environment, "PYTHONPATH": f"{named.parent}{os.pathsep}{code}"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return content_of(folder / "store")


def content_of(store: Path) -> dict[str, Any]:
    """Objects and ledger of a store."""
    return {"objects": product_bytes(store), "ledger": _ledger(store / "ledger")}


def _ledger(root: Path) -> dict[str, dict[str, str]]:
    """Key and content of every record, by stage and unit."""
    found = {}
    for path in sorted(root.rglob("*.json")):
        value = json.loads(path.read_text())
        unit = str(path.relative_to(root).with_suffix(""))
        found[unit] = {"key": value["key"], "content": value["content"]}
    return found


@contextmanager
def code_of(commit: str) -> Iterator[Path]:
    """Give a folder with the code of a commit of this repository.

    Raises
    ------
    LookupError
        Where there is no such commit: a shallow clone, or no clone.
    """
    if shutil.which("git") is None:
        raise LookupError("there is no git")
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, *CODE, "CITATION.cff"],
        capture_output=True,
        check=False,
    )
    if packed.returncode != 0:
        raise LookupError(packed.stderr.decode())
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as tree:
            tree.extractall(folder, filter="data")
        yield Path(folder)


def main() -> None:
    """Write the record with the code of the commit that is checked out."""
    changed = subprocess.run(
        ["git", "-C", str(ROOT), "status", "--porcelain", *MAKERS],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    if changed:
        sys.exit(f"golden: expected the code as it is committed, found changes:\n{changed}")
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        made = made_by(ROOT, Path(folder))
    value = {"commit": commit, "version": VERSION, "setting": setting(), **made}
    RECORD.write_text(json.dumps(value, indent=1) + "\n")
    print(f"{RECORD}: {len(made['objects'])} objects, {len(made['ledger'])} ledger records")


if __name__ == "__main__":
    main()
