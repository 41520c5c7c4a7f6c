"""Ingest of ground: the newest file that can be used, and no prediction without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from soilft.errors import FormatMismatch, GranuleEndsWorker, UnreadableGranule
from soilft.grid import Grid
from soilft.ingest import reading
from soilft.ingest.archive import discover
from soilft.ingest.ground import StaticFields, ingest_static, static_template
from soilft.schema import measured
from soilft.sources import Dem
from soilft.sources.protocol import Arrays, Granule, Role
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
    # Of two files of one name the place is said.
    assert item.reason.endswith("/1/ground.nc is read in its place.")
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


class Broken(BackendArray):
    """An array that opens, and lets its library fail in a way of its own when it is read."""

    shape, dtype = (2, 3), np.dtype("float32")

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        raise AttributeError("no attribute of this number")


@dataclass(frozen=True)
class Layers:
    """A ground of two files, a and b, that are added; a file may be broken."""

    role: ClassVar[Role] = "static"
    product: ClassVar[str] = "layers"
    version: ClassVar[str] = "0.4.0"
    references: ClassVar[str] = "these tests"
    coordinates = ()
    variables = (measured("height", ("y", "x"), "m", "height"),)

    def granule(self, url: str) -> Granule | None:
        name = url.rpartition("/")[2]
        return Granule((), name, "", url) if name in ("a", "b") else None

    def read(self, path: Path) -> xr.Dataset:
        if path.read_text() == "foreign":
            raise FormatMismatch("what a link leads to", expected="heights", found="depths")
        if path.read_text() == "broken":
            return xr.Dataset({"height": (("y", "x"), indexing.LazilyIndexedArray(Broken()))})
        return xr.Dataset({"height": (("y", "x"), np.full((2, 3), float(path.read_text())))})

    def peak_bytes(self, sizes: Sequence[int], grid: Grid) -> int:  # noqa: ARG002
        return 0

    def place(self, tiles: Sequence[tuple[Granule, xr.Dataset]], grid: Grid) -> Arrays:  # noqa: ARG002
        return {"height": np.sum([d.height.values for _, d in tiles], axis=0, dtype="float32")}


def layers(folder: Path, **texts: str) -> StaticFields:
    """Two folders of files: the second counts."""
    for name, text in texts.items():
        place, file = name.split("_")
        path = folder / place / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    source, url = Layers(), str(folder / "static.zarr")
    store.create(url, static_template([source], GRID))
    return StaticFields(url, source, GRID, tuple(discover(source, [f"{folder}/*/[ab]"])))


def test_whatever_a_file_lets_a_library_raise_is_said_of_that_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableGranule, match=r"^b: .*AttributeError"):
        ingest_static(layers(tmp_path, x_a="1", x_b="broken"))


def test_a_broken_file_displaces_its_own_older_one_alone(tmp_path: Path) -> None:
    task = layers(tmp_path, x_a="1", y_a="10", x_b="100", y_b="broken")
    (item,) = ingest_static(task).set_aside
    assert (item.granule, item.code) == ("b", "unreadable-granule")
    with xr.open_zarr(task.url) as opened:
        assert set(np.unique(opened.height.values).tolist()) == {110.0}


def test_a_file_that_does_not_open_displaces_no_older_one_whatever_its_error_names(
    tmp_path: Path,
) -> None:
    task = layers(tmp_path, x_a="1", y_a="foreign", x_b="100")
    (item,) = ingest_static(task).set_aside
    assert (item.granule, item.code) == ("a", "format-mismatch")
    with xr.open_zarr(task.url) as opened:
        assert set(np.unique(opened.height.values).tolist()) == {101.0}


def test_a_link_that_leads_nowhere_displaces_no_older_file(tmp_path: Path) -> None:
    task = layers(tmp_path, x_a="1", y_a="10", x_b="100")
    (tmp_path / "y/a").unlink()
    (tmp_path / "y/a").symlink_to(tmp_path / "gone")
    (item,) = ingest_static(task).set_aside
    assert item.granule == "a"
    with xr.open_zarr(task.url) as opened:
        assert set(np.unique(opened.height.values).tolist()) == {101.0}


def test_all_of_a_file_is_read_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WINDOW_BYTES", 24)
    whole = xr.Dataset({"a": (("y", "x"), np.ones((5, 3), "float32")), "b": ((), 1.0)})
    reading.read_through(whole)
    broken = xr.Dataset({"height": (("y", "x"), indexing.LazilyIndexedArray(Broken()))})
    with pytest.raises(AttributeError):
        reading.read_through(broken)
