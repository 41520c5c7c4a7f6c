"""Ingest of ground: the newest file that can be used, and no prediction without one."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft.errors import GranuleEndsWorker, UnreadableGranule
from soilft.grid import Grid
from soilft.ingest.archive import discover
from soilft.ingest.granules import StaticFields, ingest_static, static_template
from soilft.sources import Dem
from soilft.store import zarr as store

GRID = Grid("EPSG:4326", 90.0, 35.0, 0.25, 0.25, (2, 3))


def ground(folder: Path, metres: float) -> Path:
    """Write flat ground as a NetCDF file of the same name in each folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lat, lon = np.arange(33.05, 36, 0.1), np.arange(89.05, 92, 0.1)
    height = np.full((lat.size, lon.size), metres, "float32")
    path = folder / "ground.nc"
    xr.Dataset({"z": (("lat", "lon"), height, {"units": "m"})}, {"lat": lat, "lon": lon}).to_netcdf(
        path
    )
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.fixture
def task(tmp_path: Path) -> StaticFields:
    """Ground of 100 m in one folder, and of 200 m in a second, which counts."""
    for name, metres in (("1", 100.0), ("2", 200.0)):
        ground(tmp_path / "archive" / name, metres)
    source, url = Dem(), str(tmp_path / "static.zarr")
    store.create(url, static_template([source], GRID))
    found = discover(source, [f"{tmp_path}/archive/*/ground.nc"])
    return StaticFields(url, source, GRID, tuple(found))


def elevation(task: StaticFields) -> set[float]:
    with xr.open_zarr(task.url) as opened:
        return set(np.unique(opened.elevation.values).tolist())


def test_the_file_that_counts_is_read(task: StaticFields) -> None:
    assert ingest_static(task).set_aside == ()
    assert elevation(task) == {200.0}


def test_a_file_that_cannot_be_used_displaces_no_other(task: StaticFields, tmp_path: Path) -> None:
    cut(tmp_path / "archive/2/ground.nc")
    (item,) = ingest_static(task).set_aside
    assert (item.granule, item.code) == ("ground.nc", "unreadable-granule")
    assert item.reason.endswith("ground.nc is read in its place.")
    assert elevation(task) == {100.0}


def test_a_file_at_which_workers_end_displaces_no_other(task: StaticFields) -> None:
    (found,) = task.found
    fatal = StaticFields(task.url, task.source, GRID, task.found, frozenset({found.granule.url}))
    (item,) = ingest_static(fatal).set_aside
    assert item.code == "granule-ends-worker"
    assert elevation(task) == {100.0}
    (older,) = found.older
    both = frozenset({found.granule.url, older.granule.url})
    with pytest.raises(GranuleEndsWorker, match=r"ground\.nc"):
        ingest_static(StaticFields(task.url, task.source, GRID, task.found, both))


def test_without_any_that_can_be_used_there_is_no_ground(
    task: StaticFields, tmp_path: Path
) -> None:
    for name in "12":
        cut(tmp_path / "archive" / name / "ground.nc")
    with pytest.raises(UnreadableGranule, match=r"ground\.nc"):
        ingest_static(task)
