"""Checksums of chunks: what is noted on writing, and what is refused on reading."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from soilft.errors import DamagedChunk
from soilft.grid import Region
from soilft.schema import Template, Variable, grid_coordinates
from soilft.store import checksums, disk, objects
from soilft.store import zarr as store

GRID = Region("small", "latlon-0.25", (90, 30, 92, 31)).grid
PLAIN = Template(
    coordinates=grid_coordinates(GRID),
    variables=(
        Variable("seen", ("y", "x"), "uint8", 255, {}),
        Variable("empty", ("y", "x"), "uint8", 255, {}),
    ),
    chunks={"y": 2},
    attributes={},
)
SHARDED = replace(PLAIN, shards={"y": 4})


@pytest.fixture(params=[PLAIN, SHARDED], ids=["plain", "sharded"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, str | None]]:
    """A store with values in one variable, fill in the other, and what was noted of its chunks."""
    url = str(tmp_path / "a.zarr")
    store.create(url, request.param)
    seen = np.arange(np.prod(GRID.shape), dtype="uint8").reshape(GRID.shape)
    with checksums.noting() as noted:
        store.write_region(url, {"seen": seen, "empty": np.full_like(seen, 255)}, {})
    # Chunks are written side by side.
    return url, {place.removeprefix(f"{tmp_path}/"): noted[place] for place in sorted(noted)}


def read(url: str, rows: slice = slice(None)) -> np.ndarray:
    return np.asarray(store.array(store.open_raw(url), "seen")[rows])


def test_every_chunk_is_noted_and_one_of_fill_has_no_object(written, tmp_path: Path) -> None:
    _, noted = written
    assert {place.split("/")[1] for place in noted} == {"seen", "empty"}
    for place, value in noted.items():
        assert value == checksums.checksum(objects.read(str(tmp_path / place)))
        assert (value is None) == place.startswith("a.zarr/empty")


def test_what_is_as_it_was_written_is_read(written, tmp_path: Path) -> None:
    url, noted = written
    plain = read(url)
    with checksums.expect(str(tmp_path), noted):
        assert np.array_equal(read(url), plain)
        # A part of a shard is asked for by ranges of bytes.
        assert np.array_equal(read(url, slice(0, 2)), plain[:2])
        assert np.array_equal(read(url, slice(1, 3)), plain[1:3])


def test_a_changed_lost_or_unknown_chunk_is_told_by_name(written, tmp_path: Path) -> None:
    url, noted = written
    place = next(place for place, value in noted.items() if value)
    path, content = tmp_path / place, (tmp_path / place).read_bytes()
    empty = next(place for place, value in noted.items() if value is None)
    with checksums.expect(str(tmp_path), noted):
        for at in range(len(content)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            with pytest.raises(DamagedChunk, match="found an object of SHA-256") as changed:
                read(url, slice(0, 1))
            assert changed.value.thing == str(path)
        path.unlink()
        with pytest.raises(DamagedChunk, match="found no object"):
            read(url)
        path.write_bytes(content)
        (tmp_path / empty).parent.mkdir(parents=True)
        (tmp_path / empty).write_bytes(content)
        with pytest.raises(DamagedChunk, match="expected no object"):
            np.asarray(store.array(store.open_raw(url), "empty")[...])


def test_nothing_is_held_outside_the_block_or_without_a_checksum(written, tmp_path: Path) -> None:
    url, noted = written
    place = next(place for place, value in noted.items() if value)
    (tmp_path / place).unlink()
    assert (read(url) == 255).any()
    with checksums.expect(str(tmp_path), {}):
        read(url)
    with checksums.expect(str(tmp_path / "elsewhere"), noted):
        read(url)
    with checksums.expect(str(tmp_path), noted):
        pass
    read(url)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Files and folders in the order in which the disk was asked to keep them."""
    kept: list[Path] = []
    fsync = os.fsync

    def told(number: int) -> None:
        kept.append(Path(f"/proc/self/fd/{number}").readlink())
        fsync(number)

    monkeypatch.setattr(os, "fsync", told)
    return kept


def test_chunks_and_the_folders_that_name_them_are_kept(
    written, tmp_path: Path, synced: list[Path]
) -> None:
    _, noted = written
    disk.keep(str(tmp_path), noted)
    files = [tmp_path / place for place, value in noted.items() if value]
    for file in files:
        for folder in file.parents:
            if folder.is_relative_to(tmp_path):
                assert synced.index(file) < synced.index(folder)


def test_a_small_object_and_its_name_are_kept(tmp_path: Path, synced: list[Path]) -> None:
    url = str(tmp_path / "ledger" / "ingest" / "a.json")
    objects.write(url, b"{}")
    # The folders on the way, the content under its first name, and then the folder that names it.
    *folders, content, name = synced
    assert folders == [tmp_path, tmp_path / "ledger"]
    assert content.suffix == ".partial"
    assert name == tmp_path / "ledger" / "ingest"


def test_a_file_system_that_keeps_no_folder_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file, a refusal is one."""
    refused = tmp_path
    fsync = os.fsync

    def invalid(number: int) -> None:
        if Path(f"/proc/self/fd/{number}").readlink() == refused:
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(number)

    monkeypatch.setattr(os, "fsync", invalid)
    objects.write(str(tmp_path / "a.json"), b"{}")
    refused = tmp_path / "a.json"
    with pytest.raises(OSError, match="Invalid argument"):
        disk.keep(str(tmp_path), ["a.json"])


def test_a_store_of_one_task_is_noted_whole_also_the_second_time(tmp_path: Path) -> None:
    url = str(tmp_path / "a.zarr")
    values = {name: np.zeros(GRID.shape, "uint8") for name in ("seen", "empty")}
    noted = []
    for _ in range(2):
        with checksums.noting() as each:
            store.write_whole(url, PLAIN, values)
        noted.append(each)
    assert noted[0] == noted[1]
    assert set(objects.listing(url)) == {place.removeprefix(f"{url}/") for place in noted[0]}
