"""A cluster that does not fit is refused before work is sent, and the table says why."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
from distributed import Client

import cluster
from cluster import ClusterError, ClusterSpec, preflight
from cluster.preflight import Finding, Machine
from tests.support import dask_processes

pytestmark = pytest.mark.process


def write(path: str) -> None:
    """Write a file, as a store's probe would."""
    Path(path).write_text("here")


def write_where_the_environment_says() -> None:
    """Need what only the worker's own environment may have."""
    Path(os.environ["SOILFT_TEST_STORE"], "probe").write_text(os.environ["SOILFT_TEST_STORE"])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("dask")
    with (
        dask_processes.scheduler_with_workers(folder, 1, "512MiB") as address,
        cluster.start(ClusterSpec(kind="address", address=address)) as client,
    ):
        yield client


def test_a_fitting_cluster_passes(client: Client, tmp_path: Path) -> None:
    probe = tmp_path / "probe"
    preflight.check(client, peak_bytes=2**20, reaches_store=partial(write, str(probe)))
    assert probe.read_text() == "here"


def test_the_store_is_tried_by_the_worker_with_what_the_worker_has(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set here, after the worker was started: the worker does not have it.
    monkeypatch.setenv("SOILFT_TEST_STORE", str(tmp_path))
    (worker,) = client.nthreads()
    (found,) = preflight.findings(client, reaches_store=write_where_the_environment_says)
    assert (found.where, found.what) == (worker, "store")
    assert "SOILFT_TEST_STORE" in found.found


def end_the_first(path: str) -> None:
    """End the first worker that comes here."""
    with suppress(FileExistsError):
        Path(path).mkdir()
        os._exit(1)


def test_a_worker_that_ends_while_it_is_asked_is_not_asked_again(tmp_path: Path) -> None:
    with (
        dask_processes.scheduler_with_workers(tmp_path, 2, "512MiB") as address,
        cluster.start(ClusterSpec(kind="address", address=address)) as client,
    ):
        client.wait_for_workers(2)
        assert not preflight.findings(
            client, reaches_store=partial(end_the_first, str(tmp_path / "ended"))
        )
        assert len(client.nthreads()) == 1


def test_a_plan_that_needs_more_memory_is_refused_with_both_numbers(client: Client) -> None:
    with pytest.raises(ClusterError) as refused:
        preflight.check(client, peak_bytes=2**30)
    assert refused.value.code == "cluster.preflight"
    assert "1024 MiB for the largest task" in str(refused.value)
    assert "a limit of 512 MiB" in str(refused.value)
    assert "memory" in refused.value.remedy


#: A worker in a process where an installed package, and Python, say they have another version.
OTHER_VERSION = """
import importlib.metadata as m, sys
true = m.version
m.version = lambda name: {"zarr": "0.0.1"}.get(name) or true(name)
import cluster.preflight
cluster.preflight.version = m.version
import cluster.preflight, time
cluster.preflight.sys = type("older", (), {"version_info": (3, 9, 1)})
if "--late" in sys.argv:
    sys.argv.remove("--late")
    real = time.time
    cluster.preflight.time = type("late", (), {"time": staticmethod(lambda: real() - 3600)})
from distributed.cli.dask_worker import main
main()
"""


def foreign_worker(
    folder: Path, scheduler: str, code: str, *options: str
) -> subprocess.Popen[bytes]:
    arguments = [scheduler, "--host", "127.0.0.1", "--no-dashboard", "--no-nanny", *options]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--local-directory", str(folder)],
        env={**os.environ, "PYTHONPATH": str(dask_processes.ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_another_version_and_a_late_clock_are_named_with_the_image_to_use(tmp_path: Path) -> None:
    with dask_processes.scheduler(tmp_path) as address:
        worker = foreign_worker(tmp_path, address, OTHER_VERSION, "--late")
        try:
            spec = ClusterSpec(kind="address", address=address)
            with cluster.start(spec) as client, pytest.raises(ClusterError) as refused:
                preflight.check(client)
        finally:
            worker.kill()
            worker.wait()
    said = str(refused.value)
    lines = {line.split("  ")[0]: line for line in said.splitlines()}
    assert version("zarr") in said
    assert "0.0.1" in said
    assert "3600 s behind" in said
    here = ".".join(map(str, sys.version_info[:2]))
    assert any(line.split()[1:] == ["python", here, "3.9"] for line in said.splitlines()), said
    assert preflight.image_tag() in refused.value.remedy
    assert "scheduler" not in lines


@pytest.mark.slow
def test_workers_without_soilft_are_named(tmp_path: Path) -> None:
    # A worker that cannot import the package at all: a finder refuses it.
    without = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'cluster': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from distributed.cli.dask_worker import main\nmain()\n"
    )
    with dask_processes.scheduler(tmp_path) as address:
        worker = foreign_worker(tmp_path, address, without)
        try:
            spec = ClusterSpec(kind="address", address=address)
            with cluster.start(spec) as client:
                found = preflight.findings(client, reaches_store=write_where_the_environment_says)
                workers = list(client.nthreads())
        finally:
            worker.kill()
            worker.wait()
    assert [(item.where, item.what) for item in found] == [(workers[0], "soilft")]
    assert "ModuleNotFoundError" in found[0].found


def test_equal_findings_share_a_line() -> None:
    found = [Finding(f"tcp://10.0.0.{n}:1", "zarr", "3.4.2", "3.1.6") for n in range(3)]
    lines = preflight.table(found).splitlines()
    assert len(lines) == 2
    assert "tcp://10.0.0.0:1 and 2 more" in lines[1]


def test_a_description_travels_as_text() -> None:
    here = preflight.machine(("soilft", "no-such-package"))
    assert here.packages["no-such-package"] == ""
    assert here.packages["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert json.loads(json.dumps(here.packages)) == Machine(here.packages, 0.0).packages
