"""A granule at which workers end: found, set aside by its name, and no other day is the worse."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dask
import pytest
import yaml
from distributed import Client

import cluster
from pipelines.config.region_file import load
from pipelines.run import Run
from pipelines.stages.ingest.stage import ingest
from tests.support.crashing import MARK
from tests.support.small_run import product_bytes, region_file

pytestmark = [pytest.mark.process, pytest.mark.slow]

DAY = "20151005"
LATE = f"GLDAS_NOAH025_3H.A{DAY}.2100.021.nc4"
CODE = "granule-ends-worker"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two workers that crash where a file says so, given up after the second crash."""
    settings = {
        "distributed.worker.preload": ["tests.support.crashing"],
        "distributed.scheduler.allowed-failures": 1,
    }
    spec = cluster.ClusterSpec(kind="local", workers=2, memory="1GiB")
    with dask.config.set(settings), cluster.start(spec) as client:
        yield client


def archive_with(small_archive: Path, folder: Path, *names: str) -> Path:
    """A copy of the archive in which workers end at these files; sound ones keep their stamps."""
    archive = shutil.copytree(small_archive, folder / "archive")
    for name in names:
        (path,) = archive.rglob(name)
        path.write_bytes(path.read_bytes() + MARK)
    return Path(archive)


def test_it_is_set_aside_and_every_other_chunk_is_as_without_it(
    client: Client, small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    archive = archive_with(small_archive, tmp_path, LATE)
    run = Run(load(region_file(tmp_path, archive)))
    outcomes = ingest(run, client)
    assert outcomes.failed == {}
    (item,) = run.set_aside()
    assert (item.granule, item.code) == (LATE, CODE)
    assert "every worker that read it ended" in item.reason
    here, there = product_bytes(tmp_path / "store"), product_bytes(unbroken)
    inputs = {name for name in there if name.startswith("inputs/")}
    other = {name for name in inputs if here[name] != there[name]}
    # The chunk of two days from 5 October on.
    assert {name.split("/c/")[1].split("/")[0] for name in other if "/c/" in name} == {"2"}
    assert all("/gldas.zarr/" in name for name in other if "/c/" in name)
    # What is done is done: nothing reads the file again until it is asked for.
    assert ingest(run, client).done == 0


def test_an_older_version_is_read_in_its_place(
    client: Client, small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    newer = LATE.replace(".021.", ".022.")
    archive = archive_with(small_archive, tmp_path)
    (sound,) = archive.rglob(LATE)
    sound.with_name(newer).write_bytes(sound.read_bytes() + MARK)
    run = Run(load(region_file(tmp_path, archive)))
    assert ingest(run, client).failed == {}
    (item,) = run.set_aside()
    assert item.granule == newer
    assert item.reason.endswith(f"{LATE} is read in its place.")
    here, there = product_bytes(tmp_path / "store"), product_bytes(unbroken)
    assert {name for name in here if name.startswith("inputs/") and here[name] != there[name]} == (
        set()
    )


def test_ground_is_no_granule_to_do_without(
    client: Client, small_archive: Path, tmp_path: Path
) -> None:
    file = yaml.safe_load(region_file(tmp_path, small_archive).read_text())
    (terrain,) = Path(file["inputs"]["terrain"]["granules"]).parent.glob("*")
    archive = archive_with(small_archive, tmp_path, terrain.name)
    outcomes = ingest(Run(load(region_file(tmp_path, archive))), client)
    (failed,) = outcomes.failed.values()
    assert terrain.name in failed
    assert "every worker that read it ended" in failed
