"""Readers of other makes and versions find the values that were written; see ``make readers``.

With ``SOILFT_READERS=all``, as in continuous integration, a reader that is not installed fails.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.cubes import SMALL, Made, make
from tests.support.seaweed import S3Server

HERE = Path(__file__).parent / "readers"
NEWEST = Path(__file__).parents[2] / ".venv-readers" / "bin" / "python"
ZARRITA = HERE / "node_modules" / "zarrita"
pytestmark = [pytest.mark.s3, pytest.mark.slow]


def need(there: object, what: str) -> None:
    if there:
        return
    message = f"needs {what}: make readers"
    if os.environ.get("SOILFT_READERS") == "all":
        pytest.fail(message)
    pytest.skip(message)


def said(*command: object) -> Any:
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run(*command: object) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env={**environment, "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"},
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module", params=SMALL)
def published(
    request: pytest.FixtureRequest, s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Made, str]:
    """Give a cube and its prefix in a bucket that anyone can read."""
    folder = tmp_path_factory.mktemp("readers") / "cube.zarr"
    cube = make(folder, request.param)
    return cube, put(s3, folder, f"readers-{request.param}/cube.zarr")


def put(s3: S3Server, folder: Path, prefix: str) -> str:
    """Put a folder into the public bucket; give its bucket and prefix."""
    client = s3.client()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        key = f"{prefix}/{path.relative_to(folder)}"
        client.put_object(Bucket=s3.public_bucket, Key=key, Body=path.read_bytes())
    client.close()
    return f"{s3.public_bucket}/{prefix}"


def digest(values: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def written(cube: Made) -> dict[str, Any]:
    """What every reader has to find, from the values that were handed to the store."""
    grid, days = cube.region.grid, cube.days.numbers
    values: dict[str, Any] = {
        **cube.values,
        "time": days,
        "time_bnds": np.stack([days, days + 1], axis=1).astype("int32"),
        "y": grid.y,
        "x": grid.x,
        "crs": np.int32(0),
        "overpass": np.array([0, 1], "uint8"),
    }
    if not grid.geographic:
        values["lon"], values["lat"] = grid.lonlat
    found: dict[str, Any] = {}
    for name, value in values.items():
        array = np.asarray(value)
        found[name] = {"shape": list(array.shape), "all": digest(array)}
        if array.ndim > 2:
            found[name] |= {"day": digest(array[2]), "pixel": digest(array[..., 3, 5])}
    return found


def test_this_zarr_python_reads_what_was_written(s3: S3Server, published: tuple[Made, str]) -> None:
    cube, place = published
    expected = written(cube)
    found = said(sys.executable, HERE / "read.py", f"s3://{place}", s3.endpoint, *expected)
    assert found["version"].startswith("3.1.")
    assert found["arrays"] == expected


def test_the_newest_zarr_python_reads_what_was_written(
    s3: S3Server, published: tuple[Made, str]
) -> None:
    need(NEWEST.exists(), "the newest zarr-python in .venv-readers")
    cube, place = published
    expected = written(cube)
    found = said(NEWEST, HERE / "read.py", f"s3://{place}", s3.endpoint, *expected)
    assert found["arrays"] == expected
    assert found["title"].startswith("SIMULATED")


@pytest.mark.parametrize("newest", [False, True], ids=["this", "the newest"])
def test_zarr_python_notices_a_damaged_chunk(s3: S3Server, tmp_path: Path, newest: bool) -> None:
    if newest:
        need(NEWEST.exists(), "the newest zarr-python in .venv-readers")
    cube = make(tmp_path / "cube.zarr", "latlon")
    chunk = Path(cube.url, "freeze_thaw_state/c/0/0/0")
    content = bytearray(chunk.read_bytes())
    content[600] ^= 1
    chunk.write_bytes(content)
    place = put(s3, Path(cube.url), "readers-damaged/cube.zarr")
    reader = (NEWEST if newest else sys.executable, HERE / "read.py", f"s3://{place}", s3.endpoint)
    done = run(*reader, "freeze_thaw_state")
    assert done.returncode != 0
    assert "ValueError: Stored and computed checksum do not match" in done.stderr
    assert said(*reader, "prediction_set")["arrays"]["prediction_set"]


def test_zarrita_in_node_reads_what_was_written(s3: S3Server, published: tuple[Made, str]) -> None:
    node = shutil.which("node")
    need(node, "Node")
    need(ZARRITA.exists(), "zarrita.js")
    cube, place = published
    expected = written(cube)
    found = said(node, HERE / "read.mjs", f"{s3.endpoint}/{place}", *expected)
    assert found["arrays"] == expected
    assert found["title"].startswith("SIMULATED")


def test_geozarr_toolkit_finds_the_conventions_and_nothing_wrong(
    published: tuple[Made, str],
) -> None:
    cube, _ = published
    toolkit = sorted(NEWEST.parents[1].glob("lib/python*/site-packages/geozarr_toolkit"))
    if not toolkit:
        # The main suite validates the same with zarr-cm: see test_zarr_conventions.
        pytest.skip("needs geozarr-toolkit in .venv-readers, for which Python is 3.12 or newer")
    check = (
        "import json, sys, zarr\n"
        "from geozarr_toolkit.helpers.validation import detect_conventions, validate_group\n"
        "group = zarr.open_group(sys.argv[1], mode='r')\n"
        "print(json.dumps([detect_conventions(dict(group.attrs)), validate_group(group)]))\n"
    )
    detected, errors = said(NEWEST, "-c", check, cube.url)
    assert sorted(detected) == ["proj", "spatial"]
    assert errors == {"proj": [], "spatial": [], "zarr_conventions": []}
