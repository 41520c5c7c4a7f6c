"""The same region file is sent to every place, and what was sent is followed by its name."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.support import dask_processes
from tests.support.command import soilft
from tests.support.small_run import product_bytes, region_file
from tests.support.waiting import wait_until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@contextmanager
def standing_still(home: Path) -> Iterator[None]:
    """Stop the one job and its workers for a while: it cannot end while others look at it."""
    (record,) = home.rglob("job.json")
    pid = json.loads(record.read_text())["pid"]
    os.killpg(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(pid, signal.SIGCONT)


@pytest.mark.slow
def test_a_job_cancelled_here_goes_on_with_a_running_scheduler_to_the_same_bytes(
    small_archive: Path, unbroken: Path, tmp_path: Path, home: Path
) -> None:
    path = region_file(tmp_path, small_archive, cluster={"connect_timeout": 120})
    sent = soilft("submit", path, "--on", "local", "--workers", "1")
    assert f"soilft logs {path} --on local --follow" in sent.stdout
    recorded = tmp_path / "store" / "ledger" / "ingest"
    try:
        wait_until(lambda: list(recorded.rglob("*.json")), "the first unit done", 120)
        with standing_still(home):
            again = soilft("submit", path, "--on", "local", code=5)
            assert "error[cluster.job_exists]" in again.stderr
            assert "soilft-small: Running" in soilft("status", path, "--on", "local").stdout
    finally:
        soilft("cancel", path, "--on", "local")
    assert not (tmp_path / "store" / "latest.json").exists()
    with dask_processes.scheduler_with_workers(tmp_path, 2, "2GiB") as address:
        soilft("submit", path, "--on", "address", "--scheduler", address)
        written = soilft("logs", path, "--on", "address", "--follow").stdout
    assert "Published v1.0" in written, written
    assert " 0 up to date" not in written.partition("ingest")[2].splitlines()[0], written
    found = soilft("status", path, "--on", "address").stdout
    assert "soilft-small: Successful, exit code 0" in found
    assert product_bytes(tmp_path / "store") == product_bytes(unbroken)
    soilft("cancel", path, "--on", "address")
    assert "error[cluster.no_job]" in soilft("logs", path, "--on", "local", code=5).stderr


def test_what_would_be_sent_is_shown_for_every_place_and_nothing_is_sent(
    tmp_path: Path, home: Path
) -> None:
    path = region_file(tmp_path, tmp_path)
    dry = ("submit", path, "--dry-run", "--store", "s3://bucket/prefix")
    image = {"SOILFT_IMAGE": "registry/soilft:test"}

    here = soilft(*dry, "--on", "local", "--workers", "3").stdout.split()
    assert here[:2] == ["soilft", "run"]
    assert here[3:] == ["--store", "s3://bucket/prefix", "--workers", "3"]

    scheduler = ("--scheduler", "tls://10.0.0.5:8786")
    joined = soilft(*dry, "--on", "address", *scheduler).stdout.split()
    assert joined[3:] == [*dry[3:], "--cluster", "address", *scheduler]

    objects = list(yaml.safe_load_all(soilft(*dry, "--on", "kubernetes", environment=image).stdout))
    (job,) = [item for item in objects if item["kind"] == "DaskJob"]
    (files,) = [item for item in objects if item["kind"] == "ConfigMap"]
    assert job["metadata"]["name"] == "soilft-small"
    assert files["data"]["region.yaml"] == path.read_text()

    pytest.importorskip("coiled", reason="needs the extra coiled")
    script = soilft(*dry, "--on", "coiled", environment=image).stdout
    assert "soilft run region.yaml --cluster local" in script
    assert not home.exists()


def test_a_place_and_a_cluster_of_another_kind_are_refused(tmp_path: Path, home: Path) -> None:
    path = region_file(tmp_path, tmp_path)
    for options in (
        ("--on", "local", "--cluster", "address", "--scheduler", "tcp://10.0.0.5:8786"),
        ("--on", "kubernetes", "--cluster", "laptop", "--store", "s3://bucket/prefix"),
    ):
        assert "error[config]" in soilft("submit", path, *options, code=2).stderr
    # Workers elsewhere do not have this machine's disks.
    nowhere = soilft("submit", path, "--on", "kubernetes", code=5)
    assert "SOILFT_IMAGE" in nowhere.stderr
    away = {"SOILFT_IMAGE": "registry/soilft:test"}
    refused = soilft("submit", path, "--on", "kubernetes", environment=away, code=2)
    assert "--store" in refused.stderr
    assert not home.exists()
