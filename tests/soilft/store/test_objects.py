"""Whole, create-only and compare-and-swap writes, on a disk and on a real S3 server."""

import os
import threading
from pathlib import Path

import pytest

from soilft.errors import (
    ConfigError,
    PreconditionFailed,
    StoreConflict,
    StoreError,
    StorePermission,
)
from soilft.store import objects
from soilft.store import zarr as store


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty place, on disk and on S3 in turn."""
    return str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_store")


def test_written_object_reads_back(root: str) -> None:
    url = objects.join(root, "a", "b.json")
    assert objects.read(url) is None
    assert not objects.exists(url)
    objects.write(url, b"one")
    objects.write(url, b"two")
    assert objects.read(url) == b"two"
    assert objects.exists(url)


def test_a_path_that_fsspec_would_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep" / "thesis.txt").write_text("years of work")
    url = f"{tmp_path}/keep::new/inputs/static.zarr"
    with pytest.raises(ConfigError, match=r"keep::new.*expected one path or URL, found ::"):
        store.discard(url)
    with pytest.raises(ConfigError, match="expected one path or URL"):
        objects.write(url, b"1")
    assert [path.name for path in tmp_path.rglob("*")] == ["keep", "thesis.txt"]


def test_json_reads_back_and_is_written_sorted(root: str) -> None:
    url = objects.join(root, "card.json")
    assert objects.read_json(url) is None
    objects.write(url, objects.to_json({"b": 1, "a": ["\u2103"]}))
    assert objects.read_json(url) == {"a": ["\u2103"], "b": 1}
    assert objects.read(url) == '{\n  "a": [\n    "\u2103"\n  ],\n  "b": 1\n}\n'.encode()


def test_create_makes_only_what_is_not_there(root: str) -> None:
    url = objects.join(root, "claim.json")
    objects.create(url, b"mine")
    with pytest.raises(PreconditionFailed) as refused:
        objects.create(url, b"yours")
    assert "claim.json" in str(refused.value)
    assert objects.read(url) == b"mine"


def test_create_of_the_same_content_passes(root: str) -> None:
    url = objects.join(root, "claim.json")
    objects.create(url, b"mine")
    objects.create(url, b"mine")
    assert objects.read(url) == b"mine"


def test_swap_replaces_what_was_read(root: str) -> None:
    url = objects.join(root, "latest.json")
    objects.swap(url, None, b"v1")
    objects.swap(url, b"v1", b"v2")
    assert objects.read(url) == b"v2"


def test_lost_swap_changes_nothing(root: str) -> None:
    url = objects.join(root, "latest.json")
    objects.write(url, b"v1")
    objects.write(url, b"other")
    with pytest.raises(PreconditionFailed):
        objects.swap(url, b"v1", b"v2")
    with pytest.raises(PreconditionFailed):
        objects.swap(url, None, b"v2")
    assert objects.read(url) == b"other"


def test_swap_of_a_removed_object_is_lost(root: str) -> None:
    url = objects.join(root, "latest.json")
    objects.write(url, b"v1")
    objects.remove(url)
    with pytest.raises(PreconditionFailed):
        objects.swap(url, b"v1", b"v2")
    assert objects.read(url) is None


def test_of_many_swaps_from_one_content_exactly_one_wins(root: str) -> None:
    url = objects.join(root, "latest.json")
    objects.write(url, b"start")
    won: list[bytes] = []
    barrier = threading.Barrier(6)

    def race(mine: bytes) -> None:
        barrier.wait()
        try:
            objects.swap(url, b"start", mine)
        except PreconditionFailed:
            return
        won.append(mine)

    threads = [threading.Thread(target=race, args=(b"writer %d" % i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert objects.read(url) == won[0]


def test_listing_gives_names_below_and_sizes(root: str) -> None:
    assert objects.listing(objects.join(root, "cube.zarr")) == {}
    for name, content in {"c/0/0": b"123", "zarr.json": b"{}", "time/c/0": b""}.items():
        objects.write(objects.join(root, "cube.zarr", name), content)
    objects.write(objects.join(root, "cube.zarr2"), b"beside")
    assert objects.listing(objects.join(root, "cube.zarr")) == {
        "c/0/0": 3,
        "time/c/0": 0,
        "zarr.json": 2,
    }


def test_listing_sees_what_others_have_just_written(root: str) -> None:
    objects.write(objects.join(root, "one"), b"1")
    assert set(objects.listing(root)) == {"one"}
    objects.write(objects.join(root, "two"), b"2")
    assert set(objects.listing(root)) == {"one", "two"}


def test_copy_makes_the_same_bytes(root: str) -> None:
    content = os.urandom(100_000)
    source, target = objects.join(root, "staging/c/0"), objects.join(root, "releases/v1.0/c/0")
    objects.write(source, content)
    objects.copy(source, target)
    assert objects.read(target) == objects.read(source) == content


def test_remove_is_silent_where_nothing_is(root: str) -> None:
    url = objects.join(root, "probe")
    objects.remove(url)
    objects.write(url, b"")
    objects.remove(url)
    assert objects.read(url) is None


def test_check_writable_leaves_nothing(root: str) -> None:
    objects.check_writable(root)
    assert objects.listing(root) == {}


def test_join_puts_single_slashes() -> None:
    assert objects.join("s3://bucket/a/", "/b/", "c.json") == "s3://bucket/a/b/c.json"


def test_failed_local_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "latest.json")
    objects.write(url, b"old")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StoreError, match="No space left"):
        objects.write(url, b"new, and longer")
    with pytest.raises(StoreError, match="No space left"):
        objects.copy(url, str(tmp_path / "copy.json"))
    assert objects.read(url) == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["latest.json"]


def test_create_leaves_no_temporary_file(tmp_path: Path) -> None:
    url = str(tmp_path / "claim.json")
    objects.create(url, b"mine")
    with pytest.raises(PreconditionFailed):
        objects.create(url, b"yours")
    assert [path.name for path in tmp_path.iterdir()] == ["claim.json"]


def test_conditional_writes_are_refused_where_they_cannot_be_kept() -> None:
    objects.write("memory://soilft/latest.json", b"old")
    with pytest.raises(StoreConflict, match="expected a local path or s3://"):
        objects.swap("memory://soilft/latest.json", b"old", b"new")
    assert objects.read("memory://soilft/latest.json") == b"old"


@pytest.mark.s3
def test_wrong_keys_are_named_as_such(s3_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(StorePermission, match="AWS_SECRET_ACCESS_KEY") as refused:
        objects.check_writable(s3_store)
    assert refused.value.code == "store-permission"
