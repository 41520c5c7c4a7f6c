"""New days and late granules, published without a new forest; and what is refused."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from distributed import Client

from pipelines.config.region_file import load
from pipelines.events import silent
from pipelines.run import Run
from pipelines.stages.order import Finished, run_all
from pipelines.stages.update import pinned, update
from soilft.errors import StoreConflict, StoreError
from soilft.release.publication import described
from tests.support.command import soilft
from tests.support.small_run import END, START, latest, product_bytes, region_file

LATE = "GW1AM2_20151007_01D_EQM?_L3SGT*.h5"
FIRST_END = date(2015, 10, 8)

pytestmark = pytest.mark.slow


def run_of(folder: Path, archive: Path, end: date = END, **changes: object) -> Run:
    period = {"start": START, "end": end}
    return Run(load(region_file(folder, archive, period=period, **changes)))


def state(folder: Path, version: str) -> xr.DataArray:
    cube = xr.open_zarr(folder / f"store/releases/{version}/cube.zarr", mask_and_scale=False)
    return cube.freeze_thaw_state.load()


def counts(finished: Finished, stage: str) -> tuple[int, int]:
    [outcomes] = [o for o in finished.outcomes if o.stage == stage]
    assert not outcomes.failed
    return outcomes.done, outcomes.skipped


@pytest.fixture(scope="module")
def released(
    small_archive: Path, dask_client: Client, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a store whose first release lacks the last days and one day's radiometer."""
    folder = tmp_path_factory.mktemp("released")
    archive = folder / "archive"
    shutil.copytree(small_archive, archive)
    late = list((archive / "amsr2").glob(LATE))
    assert late
    for granule in late:
        granule.rename(folder / granule.name)
    finished = run_all(run_of(folder, archive, FIRST_END), dask_client, silent)
    assert finished.release is not None
    assert finished.release.version == "v1.0"
    return folder


@pytest.fixture
def folder(released: Path, tmp_path: Path) -> Path:
    """Give a copy of that store and its archive, to do something to."""
    shutil.copytree(released, tmp_path / "it")
    return tmp_path / "it"


def deliver(folder: Path) -> None:
    """Let the late granules come."""
    for granule in folder.glob(LATE):
        granule.rename(folder / "archive/amsr2" / granule.name)


def test_new_and_late_days_are_published_by_the_released_forest(
    folder: Path, small_archive: Path, dask_client: Client, tmp_path: Path
) -> None:
    archive = folder / "archive"
    deliver(folder)
    at_once = update(run_of(folder, archive), dask_client, silent)
    assert at_once.release is not None
    assert at_once.release.version == "v1.1"
    # Of six chunks, the first ends more than four days before anything that is new.
    assert counts(at_once, "predict") == (5, 1)
    before, after = state(folder, "v1.0"), state(folder, "v1.1")
    assert (before.sizes["time"], after.sizes["time"]) == (8, 12)
    np.testing.assert_array_equal(after[:1], before[:1])
    assert (after[8:] != 255).any()
    said = described(str(folder / "store"), "v1.1")
    assert said is not None
    assert said["method"] == (described(str(folder / "store"), "v1.0") or {})["method"]
    assert said["changed"]["days_added"] == 4
    # In two steps and by another number of workers' chunks, the cube is the same.
    other = tmp_path / "other"
    shutil.copytree(folder, other, ignore=shutil.ignore_patterns("v1.1"))
    shutil.rmtree(other / "store")
    restart = run_of(other, archive, FIRST_END, chunks={"ingest_days": 2, "predict_days": 3})
    assert update_in_steps(restart, folder, other, archive, dask_client) == "v1.2"
    released = [
        {
            name.split("/", 2)[2]: digest
            for name, digest in product_bytes(where / "store").items()
            if name.startswith(f"releases/{version}/cube.zarr")
        }
        for where, version in ((folder, "v1.1"), (other, "v1.2"))
    ]
    assert released[0] == released[1]


def update_in_steps(
    first: Run, folder: Path, other: Path, archive: Path, client: Client
) -> str | None:
    """Release without the late granule, then with it, then with the last days."""
    late = list((archive / "amsr2").glob(LATE))
    for granule in late:
        granule.rename(folder / granule.name)
    run_all(first, client, silent)
    deliver(folder)
    chunks = {"ingest_days": 2, "predict_days": 3}
    update(run_of(other, archive, FIRST_END, chunks=chunks), client, silent)
    last = update(run_of(other, archive, chunks=chunks), client, silent)
    return None if last.release is None else last.release.version


def test_nothing_new_is_nothing_published(folder: Path, dask_client: Client) -> None:
    before = {p: p.stat().st_mtime_ns for p in (folder / "store").rglob("*") if p.is_file()}
    run = run_of(folder, folder / "archive", FIRST_END)
    again = update(run, dask_client, silent)
    assert again.release is not None
    assert (again.release.version, again.release.fresh) == ("v1.0", False)
    assert counts(again, "predict") == (0, 4)
    assert {p: p.stat().st_mtime_ns for p in (folder / "store").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("how", ["gone", "damaged"])
def test_the_released_forest_is_found_beside_the_cube_if_need_be(
    folder: Path, dask_client: Client, how: str
) -> None:
    if how == "gone":
        shutil.rmtree(folder / "store/models")
    else:
        for forest in (folder / "store/models").glob("*/forest.skops"):
            forest.write_bytes(forest.read_bytes()[:-1])
    deliver(folder)
    done = update(run_of(folder, folder / "archive", FIRST_END), dask_client, silent)
    assert done.release is not None
    assert done.release.version == "v1.1"


def test_an_update_needs_a_release_and_its_region_file(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="found none"):
        pinned(run_of(tmp_path / "new", folder / "archive"))
    other = run_of(folder, folder / "archive", gap_filling={"levels": []})
    with pytest.raises(StoreConflict, match="asks for another product"):
        pinned(other)


def test_the_commands_update_list_go_back_and_prune(folder: Path) -> None:
    deliver(folder)
    config = region_file(folder, folder / "archive", period={"start": START, "end": FIRST_END})
    done = soilft("update", config, "--until", END, "--quiet")
    assert "Published v1.1" in done.stdout
    assert "changes since v1.0: 4 days added" in done.stderr
    listed = soilft("releases", config).stdout
    assert "v1.0" in listed
    assert "2015-10-01..2015-10-12" in listed
    verified = soilft("verify", config).stdout
    assert verified.startswith("v1.1: ")
    assert verified.endswith(" objects are as they were published\n")
    assert "Now the latest: v1.0" in soilft("rollback", config, "v1.0").stdout
    assert latest(folder / "store")["version"] == "v1.0"
    assert "Nothing to remove" in soilft("prune", config).stdout
    assert "would remove v1.1" in soilft("prune", config, "--keep-days", 0, "--dry-run").stdout
    assert "removed v1.1" in soilft("prune", config, "--keep-days", 0).stdout
    assert not (folder / "store/releases/v1.1/cube.zarr").exists()
    assert "from 2015-10-01 on" in soilft("update", config, "--until", "2015-09-01", code=2).stderr
    soilft("rollback", config, "v1.1", code=4)
