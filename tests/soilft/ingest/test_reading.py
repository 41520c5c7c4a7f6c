"""A failure that passes is waited for, a damaged file is set aside, and an older one stands in."""

import errno
import fcntl
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from soilft.errors import FormatMismatch, GranuleBusy, StorePermission, UnreadableGranule
from soilft.ingest import reading
from soilft.ingest.granules import Ingested, ingest_days, template_for
from soilft.sources import files
from soilft.store import objects
from soilft.store import zarr as store
from tests.soilft.ingest.test_granules import DAYS, GRID, Numbers, task

NAME = "number_20150101_A_v10.json"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the pauses that were made, none of which takes any time."""
    made: list[float] = []
    monkeypatch.setattr(reading.time, "sleep", made.append)
    return made


def hindered(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    """Let the granule fail to open a number of times."""
    whole, left = Numbers.read, [times]

    def read(self: Numbers, path: Path) -> xr.Dataset:
        if path.name == NAME and left[0]:
            left[0] -= 1
            raise error
        return whole(self, path)

    monkeypatch.setattr(Numbers, "read", read)


def ingest(archive: Path, url: Path) -> tuple[list[float], Ingested]:
    work = task(archive, str(url))
    store.create(work.url, template_for(Numbers(), GRID, DAYS, len(DAYS)))
    made = ingest_days(work)
    return store.open_cube(work.url).number.values[:, 0, 0].tolist(), made


def wrapped(number: int) -> Exception:
    """An error as readers raise it: HDF5 tells the number in its text alone."""
    try:
        raise OSError(f"Can't read data (file read failed: time = x, errno = {number}, ...)")
    except OSError as error:
        refused = UnreadableGranule(NAME, expected="readable data", found=str(error))
        refused.__cause__ = error
        return refused


PASSING = [
    *(OSError(n, os.strerror(n)) for n in (errno.EAGAIN, errno.EMFILE, errno.EIO, errno.ESTALE)),
    wrapped(errno.EIO),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_a_failure_that_passes_is_waited_for(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pauses: list[float],
    error: Exception,
) -> None:
    hindered(monkeypatch, error, 3)
    values, made = ingest(archive, tmp_path / "a.zarr")
    assert values[0] == 3.0
    assert made.set_aside == ()
    assert pauses == sorted(pauses) == list(reading.PAUSES_SECONDS)


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_one_that_does_not_pass_fails_the_unit_and_sets_nothing_aside(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pauses: list[float],
    error: Exception,
) -> None:
    hindered(monkeypatch, error, 100)
    with pytest.raises(GranuleBusy, match=NAME):
        ingest(archive, tmp_path / "a.zarr")
    assert len(pauses) == len(reading.PAUSES_SECONDS)


def test_what_could_not_be_read_is_read_once_more_before_it_counts_as_damaged(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    # As netCDF4 says it, of a disk and of damaged bytes alike.
    hindered(monkeypatch, RuntimeError("NetCDF: HDF error"), 1)
    values, made = ingest(archive, tmp_path / "a.zarr")
    assert (values[0], made.set_aside, pauses) == (3.0, (), [])


def test_a_store_that_refuses_is_not_asked_again(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    hindered(monkeypatch, StorePermission("s3://bucket/granule", found="AccessDenied"), 1)
    with pytest.raises(StorePermission):
        ingest(archive, tmp_path / "a.zarr")
    assert pauses == []


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("no such thing"),
        KeyError("dims"),
        MemoryError("Unable to allocate 64.0 GiB"),
        OverflowError("too large"),
        SystemError("error return without exception set"),
        OSError(errno.ENOENT, "a link inside leads nowhere"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_damaged_file_raises_sets_it_aside_by_name(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pauses: list[float],
    error: Exception,
) -> None:
    hindered(monkeypatch, error, 100)
    values, made = ingest(archive, tmp_path / "a.zarr")
    np.testing.assert_array_equal(values, [2.0, np.nan, 4.0, np.nan])
    (item,) = made.set_aside
    assert (item.granule, item.code) == (NAME, "unreadable-granule")
    assert type(error).__name__ in item.reason or "leads nowhere" in item.reason
    assert pauses == []


def test_an_older_version_stands_in_for_one_that_cannot_be_used(
    archive: Path, tmp_path: Path
) -> None:
    (archive / "number_20150101_A_v11.json").write_text("cut o")
    (archive / "number_20150101_A_v09.json").write_text("500.0")
    values, made = ingest(archive, tmp_path / "a.zarr")
    assert values[0] == 3.0
    (item,) = made.set_aside
    assert item.granule == "number_20150101_A_v11.json"
    assert item.reason.endswith(f" {NAME} is read in its place.")
    assert made.facts["replaced"] == {}
    assert NAME in made.facts["sha256"]


def test_where_no_version_can_be_used_each_is_named(archive: Path, tmp_path: Path) -> None:
    for version in (10, 11):
        (archive / f"number_20150101_A_v{version}.json").write_text("cut o")
    values, made = ingest(archive, tmp_path / "a.zarr")
    assert values[0] == 2.0
    assert [item.granule for item in made.set_aside] == ["number_20150101_A_v11.json", NAME]


def test_a_file_that_could_stand_in_is_part_of_the_key(archive: Path, tmp_path: Path) -> None:
    (archive / "number_20150101_A_v11.json").write_text(json.dumps(7.0))
    before = task(archive, str(tmp_path)).key
    (archive / NAME).write_text(json.dumps(100.0))
    assert task(archive, str(tmp_path)).key != before


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file in another process, as tools that copy or mirror do."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        held = path.open("rb")
        fcntl.flock(held, fcntl.LOCK_EX)
        os.write(writer, b"x")
        signal.pause()
    os.read(reader, 1)
    try:
        yield
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


@pytest.mark.process
def test_a_lock_of_another_process_passes(tmp_path: Path) -> None:
    path = tmp_path / "granule.h5"
    with h5py.File(path, "w") as file:
        file["lat"] = np.arange(3.0)
    with locked(path), pytest.raises(UnreadableGranule) as refused:
        files.open_netcdf(path)
    assert reading.passing(refused.value)
    with files.open_netcdf(path) as opened:
        assert opened.lat.size == 3


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((2**33,), (2**10,)), ((2**20, 2**14), (64, 64)), ((1, 1), (2**17, 2**13))],
)
def test_what_declares_more_than_a_granule_can_hold_is_refused_unread(
    tmp_path: Path, shape: tuple[int, ...], chunks: tuple[int, ...]
) -> None:
    path = tmp_path / "granule.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("lat", shape, "float64", chunks=chunks, maxshape=(None,) * len(shape))
    with pytest.raises(FormatMismatch, match=f"{path.name}: expected arrays of at most .* lat of"):
        files.open_netcdf(path)


def test_bytes_of_a_store_are_asked_for_again(pauses: list[float]) -> None:
    granule = Numbers().granule(f"s3://bucket/{NAME}")
    assert granule is not None
    answers: list[Exception | int] = [OSError(errno.EIO, "503 Slow Down"), 5]

    def read() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            with objects.explained(granule.url):
                raise answer
        return answer

    assert reading.patiently(granule, read) == 5
    assert len(pauses) == 1
