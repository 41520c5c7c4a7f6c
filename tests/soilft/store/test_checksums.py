"""Checksums of chunks: what is noted on writing, and what is refused on reading."""

from __future__ import annotations

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
