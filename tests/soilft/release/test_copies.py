"""Copies from an earlier release, or of what a stage has made: damage does not travel."""

from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import xarray as xr
from zarr.codecs import BloscCodec, Crc32cCodec

from soilft.errors import DamagedChunk
from soilft.release import inventory, shards
from soilft.release.prefix import Prefix
from soilft.release.publication import latest, publish
from soilft.release.retention import point_to
from soilft.release.verification import verify
from soilft.store import checksums, objects
from soilft.store import zarr as store
from tests.support.staged import stage


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store, on disk and on S3 in turn."""
    return str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_store")


@pytest.mark.parametrize("how", ["flipped", "lost", "cut", "killed"])
def test_a_damaged_object_is_not_copied_on(root: str, how: str) -> None:
    publish(root, stage(root, 20))
    second = stage(root, 21)
    url = objects.join(root, "releases/v1.0/cube.zarr/freeze_thaw_state/c/0/0/0")
    content = objects.read(url) or b""
    if how == "lost":
        objects.remove(url)
    else:
        half = len(content) // 2
        flipped = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
        objects.write(url, content[:half] if how == "cut" else flipped)
    if how == "killed":
        # A publication that was killed had copied it, before copies were held against anything.
        objects.copy(url, url.replace("v1.0", "v1.1"))
    release = publish(root, second)
    assert release.damaged == (url,)
    published = xr.open_zarr(release.cube, chunks=None, consolidated=True)
    xr.testing.assert_identical(published.load(), store.open_cube(second.url).load())
    # The next has sound objects to copy.
    third = publish(root, stage(root, 22))
    assert (third.version, third.damaged) == ("v1.2", ())


def pack_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let shards be packed at another level, which the metadata do not tell."""
    packed = BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle", typesize=1)
    others = mock.Mock(wraps=store, compressors=lambda _: (packed, Crc32cCodec()))
    monkeypatch.setattr(shards, "store", others)


def test_days_packed_by_another_library_after_a_rollback_damage_no_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(tmp_path)
    publish(root, stage(root, 4))
    publish(root, stage(root, 20))
    point_to(root, "v1.0")
    pack_otherwise(monkeypatch)
    release = publish(root, stage(root, 20, other={19: 5}))
    assert release.version == "v1.2"
    for version in ("v1.0", "v1.1", "v1.2"):
        verify(root, version).require()
    assert not publish(root, stage(root, 21)).damaged


def test_a_killed_publication_that_another_library_ends_describes_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(tmp_path)
    staged = stage(root, 20)
    with monkeypatch.context() as patch:
        patch.setattr(Prefix, "check", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publish(root, staged)
    assert inventory.described(root, "v1.0")
    pack_otherwise(monkeypatch)
    assert publish(root, staged).version == "v1.0"
    verify(root, "v1.0").require()
    assert not publish(root, stage(root, 21)).damaged


def test_a_part_with_a_damaged_object_is_written_whole_though_its_bytes_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library of another release packs the same values into other bytes."""
    root = str(tmp_path)
    publish(root, stage(root, 20))
    second = stage(root, 21)
    url = objects.join(root, "releases/v1.0/cube.zarr/freeze_thaw_state/c/0/0/0")
    objects.write(url, (objects.read(url) or b"")[1:])
    pack_otherwise(monkeypatch)
    release = publish(root, second)
    assert release.damaged == (url,)
    verify(root, release.version).require()
    published = xr.open_zarr(release.cube, chunks=None, consolidated=True)
    xr.testing.assert_identical(published.load(), store.open_cube(second.url).load())


@pytest.mark.parametrize("content", [b"{}", b"", b"{", b"[1]"])
@pytest.mark.parametrize("what", ["releases/parts/{}", "releases/v1.0/objects.json"])
def test_nothing_is_copied_by_a_damaged_list(tmp_path: Path, what: str, content: bytes) -> None:
    root = str(tmp_path)
    publish(root, stage(root, 20))
    part = (inventory.described(root, "v1.0") or {})["parts"][0]
    url = objects.join(root, what.format(inventory.name_of_part(part)))
    objects.write(url, content)
    second = stage(root, 21)
    release = publish(root, second)
    assert url in release.damaged or "objects.json" in what
    published = xr.open_zarr(release.cube, chunks=None, consolidated=True)
    xr.testing.assert_identical(published.load(), store.open_cube(second.url).load())


def test_a_server_that_states_what_it_holds_is_not_read(
    s3_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where it states another digest, as for objects that it encrypts, the copy is read."""
    asked: list[str] = []
    read = objects.read

    def counted(url: str) -> bytes | None:
        asked.append(url)
        return read(url)

    monkeypatch.setattr(objects, "read", counted)
    publish(s3_store, stage(s3_store, 20))
    for read_back in (False, True):
        if read_back:
            monkeypatch.setattr(objects, "stated_md5", lambda _: "of an encrypted object")
        asked.clear()
        release = publish(s3_store, stage(s3_store, 22 if read_back else 21))
        closed = [url for url in asked if release.version in url and "freeze_thaw_state/c/0" in url]
        assert len(closed) == (2 if read_back else 0)
        assert not release.damaged


@pytest.mark.parametrize("name", ["", "quality_flag/zarr.json", "quality_flag/c/0/0/0", "x/c/0"])
@pytest.mark.parametrize("how", ["changed", "lost"])
def test_a_finished_group_that_was_damaged_is_not_published(
    tmp_path: Path, name: str, how: str
) -> None:
    root = str(tmp_path)
    staged = stage(root, 12)
    group = objects.join(root, "runs/annual.zarr")
    template = replace(staged.template, attributes={"title": "layers"})
    values = {
        v.name: np.asarray(store.array(store.open_raw(staged.url), v.name)[...])
        for v in template.variables
    }
    with checksums.noting() as noted:
        store.create(group, template)
        store.write_region(group, values, {})
    known = {place.removeprefix(f"{root}/"): value for place, value in noted.items()}
    with_group = replace(staged, groups={"annual": (group, "its content")})
    url = objects.join(group, name)
    if name and how == "lost":
        objects.remove(url)
    elif name:
        objects.write(url, (objects.read(url) or b"").replace(b"e", b"a", 1) + b" ")
    with checksums.expect(root, known):
        if not name:
            assert publish(root, with_group).fresh
            return
        with pytest.raises(DamagedChunk, match=url):
            publish(root, with_group)
    assert latest(root) is None
