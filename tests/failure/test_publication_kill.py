"""A publication killed at any moment leaves a whole cube to read, and the next one completes it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft import cube, store
from soilft.days import DaySpan
from soilft.grid import Region
from soilft.publication import latest, publish

ROOT = Path(__file__).parents[2]
GRID = Region("small", "latlon-0.25", (90, 30, 92, 31)).grid
DAYS = DaySpan(date(2016, 1, 1), date(2016, 1, 8))
NEW = "identity-b"

# Publishes in every folder named, in a process of its own that kills itself at the k-th moment:
# before a change of an object, when its temporary file is written, or after it.
DRIVER = """
import json, os, signal, sys
from soilft import objects
from soilft.publication import publish

moments = 0

def killed_around(original, at):
    def change(*arguments):
        pass_by(at)
        result = original(*arguments)
        pass_by(at)
        return result
    return change

def pass_by(at):
    global moments
    if moments == at:
        os.kill(os.getpid(), signal.SIGKILL)
    moments += 1

def run(root, at):
    for name in ("copy", "create", "swap", "write", "_temporary_beside"):
        setattr(objects, name, killed_around(getattr(objects, name), at))
    publish(root, root + "/runs/b/cube.zarr", "identity-b", {"model": root + "/models/m"}, {})

statuses = []
for at, root in enumerate(json.loads(sys.stdin.read())):
    child = os.fork()
    if child == 0:
        run(root, at)
        os._exit(0)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(statuses))
"""


def stage(url: str, seed: int) -> None:
    store.create(url, cube.template(GRID, DAYS, ["AM"], 4, {"title": "a small cube"}))
    state, percent = cube.encode(np.random.default_rng(seed).random((8, *GRID.shape)))
    values = {
        "freeze_thaw_state": state,
        "frozen_probability": percent,
        "quality_flag": np.zeros_like(state),
    }
    store.write_region(url, values, {})


def released(root: Path) -> dict[str, bytes]:
    """Give every object that readers of releases could meet."""
    files = [path for path in (root / "releases").rglob("*") if path.is_file()]
    files.append(root / "latest.json")
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def state_read_through_the_pointer(root: Path) -> tuple[str, np.ndarray]:
    pointer = latest(str(root))
    assert pointer is not None
    with xr.open_zarr(root / pointer["cube"], chunks=None, consolidated=True) as published:
        return pointer["version"], published.freeze_thaw_state.values


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("first", [True, False], ids=["first-release", "second-release"])
def test_publication_killed_at_any_moment_is_completed_by_the_next(
    tmp_path: Path, first: bool
) -> None:
    before = tmp_path / "before"
    stage(str(before / "runs/a/cube.zarr"), 0)
    stage(str(before / "runs/b/cube.zarr"), 1)
    (before / "models/m").mkdir(parents=True)
    (before / "models/m/card.json").write_text("{}")
    if not first:
        publish(str(before), str(before / "runs/a/cube.zarr"), "identity-a", {}, {})
    version = "v1.0" if first else "v1.1"

    def publish_new(root: Path) -> None:
        staging, model = str(root / "runs/b/cube.zarr"), str(root / "models/m")
        assert publish(str(root), staging, NEW, {"model": model}, {}).version == version

    unbroken = tmp_path / "unbroken"
    shutil.copytree(before, unbroken)
    publish_new(unbroken)
    old = None if first else state_read_through_the_pointer(before)
    new = state_read_through_the_pointer(unbroken)

    roots = [tmp_path / f"at-{k}" for k in range(150)]
    for root in roots:
        shutil.copytree(before, root)
    driver = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps([str(root) for root in roots]),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    statuses = json.loads(driver.stdout)
    kills = statuses.count(-signal.SIGKILL)
    assert statuses == [-signal.SIGKILL] * kills + [0] * (len(roots) - kills)
    # Four moments for each object copied, and those of claim, root metadata and pointer.
    objects_copied = len(released(unbroken)) - len(released(before) if not first else {}) - 3
    assert 4 * objects_copied < kills < len(roots)

    seen = []
    for root in roots[: kills + 1]:
        if not (root / "latest.json").exists():
            assert first
            seen.append("nothing")
        else:
            found, state = state_read_through_the_pointer(root)
            expected = new if found == version else old
            assert expected is not None
            assert found == expected[0]
            np.testing.assert_array_equal(state, expected[1])
            seen.append(found)
        publish_new(root)
        assert released(root) == released(unbroken), root.name
    # Readers pass from the old to the new once.
    before_that = "nothing" if first else "v1.0"
    turned = seen.index(version)
    assert seen == [before_that] * turned + [version] * (len(seen) - turned)
    assert turned > 0
