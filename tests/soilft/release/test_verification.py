"""Every object of a release is covered: what is changed, gone or added is named."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from soilft.errors import DamagedObject, SoilftError, StoreError
from soilft.release import inventory
from soilft.release.publication import publish
from soilft.release.retention import point_to, prunable, releases
from soilft.release.staged import Staged
from soilft.release.verification import verify
from soilft.store import documents, objects
from tests.support.staged import LAYOUT, stage

VERSION = "v1.1"


def staged(root: str, count: int) -> Staged:
    """Stage what a release can hold: days, a copy for series, a group, companions, and a page."""
    whole = stage(
        root,
        count,
        overpasses=("AM", "PM"),
        layout=replace(LAYOUT, series=2),
        companions={"model": b"{}", "report": b"words", "quicklooks": b"a picture"},
        names=("freeze_thaw_state", "overpass_state"),
    )
    annual = stage(root, 3, seed=5, names=("freeze_thaw_state",))
    page = {"view/index.html": b"<html>", "view/page.js": b"show()"}
    return replace(whole, groups={"annual": (annual.url, "annual")}, files=page)


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Staged]:
    """Give staged cubes by their number of days."""
    root = str(tmp_path_factory.mktemp("staged"))
    return {count: staged(root, count) for count in (9, 12, 13)}


@pytest.fixture(scope="module")
def published(cubes: dict[int, Staged], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store of two releases."""
    root = tmp_path_factory.mktemp("published") / "store"
    for count in (9, 12):
        publish(str(root), cubes[count])
    return root


@pytest.fixture
def store(published: Path, tmp_path: Path) -> Path:
    """Give a copy of it, to do something to."""
    shutil.copytree(published, tmp_path / "store")
    return tmp_path / "store"


def files(store: Path, version: str = VERSION) -> list[Path]:
    found = sorted(p for p in (store / "releases" / version).rglob("*") if p.is_file())
    assert len(found) > 30
    return found


def flip(path: Path, at: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 0x10
    path.write_bytes(content)


def named(store: Path, version: str = VERSION) -> list[str]:
    return [damage.name for damage in verify(str(store), version).damaged]


def each(store: Path, version: str = VERSION) -> Iterator[tuple[Path, str]]:
    """Give each file of a release and its name below the store; whole again after its turn."""
    for path in files(store, version):
        content = path.read_bytes()
        yield path, str(path.relative_to(store))
        path.write_bytes(content)


def test_a_whole_release_is_sound_and_nothing_is_uncovered(store: Path) -> None:
    for version in ("v1.0", VERSION):
        found = verify(str(store), version)
        found.require()
        assert (found.sound, found.uncovered) == (len(files(store, version)), ())
    assert verify(str(store)).version == VERSION


def damaged_together(store: Path, damage: Callable[[Path], None]) -> None:
    """Damage what others are held to by itself, and all others at once: each of them is named."""
    guides = {"release.json", "objects.json"}
    for path, name in each(store):
        if path.name in guides:
            damage(path)
            assert name in named(store)
    others = {str(p.relative_to(store)): p for p in files(store) if p.name not in guides}
    for path in others.values():
        damage(path)
    assert others.keys() <= set(named(store))


@pytest.mark.parametrize("place", [None, -1])
def test_a_flipped_byte_of_every_object_is_named(store: Path, place: int | None) -> None:
    damaged_together(store, lambda path: flip(path, place))


def test_every_object_that_is_gone_is_named_alone(store: Path) -> None:
    for path, name in each(store):
        path.unlink()
        assert named(store) == [name]


def test_every_object_that_is_cut_is_named(store: Path) -> None:
    damaged_together(store, lambda path: os.truncate(path, path.stat().st_size // 2))


def test_what_does_not_belong_is_named(store: Path) -> None:
    for folder in {path.parent for path in files(store)}:
        stranger = folder / "stranger"
        stranger.write_bytes(b"1")
        assert named(store) == [str(stranger.relative_to(store))]
        stranger.unlink()


def test_damage_is_told_by_array_tile_and_days(store: Path) -> None:
    told = {}
    for path, name in each(store):
        path.unlink()
        told[name.removeprefix(f"releases/{VERSION}/")] = verify(str(store)).damaged[0].told
    shards = "cube.zarr/freeze_thaw_state/c", "cube.zarr/overpass_state/c"
    assert (
        told[f"{shards[0]}/1/0/1"]
        == "array freeze_thaw_state, tile of row 0, column 1, days 2016-01-09..2016-01-12"
    )
    assert (
        told[f"{shards[1]}/0/1/0/0"]
        == "array overpass_state, overpass 1, tile of row 0, column 0, days 2016-01-01..2016-01-08"
    )
    series = told["cube.zarr/series/freeze_thaw_state/c/0/0/0"]
    assert series.startswith("array series/freeze_thaw_state, tile of row 0, column 0, days")
    assert told["cube.zarr/annual/freeze_thaw_state/c/0/0/0"] == "array annual/freeze_thaw_state"
    assert told["cube.zarr/time/c/0"] == "array time"
    assert told["cube.zarr/crs/c"] == "array crs"
    assert told["cube.zarr/annual/x/zarr.json"] == "metadata of annual/x"
    assert told["cube.zarr/zarr.json"] == "metadata of the cube, consolidated"
    assert told["model/model.json"] == "the model"
    assert told["view/index.html"] == "the page"
    assert told["collection.json"] == "the catalogue (STAC)"
    assert "beside the cube" not in told.values()


def test_everything_that_is_damaged_is_named_at_once(store: Path) -> None:
    lists = ("release.json", "objects.json")
    flipped = [path for path in files(store) if path.name not in lists]
    for path in flipped:
        flip(path)
    assert named(store) == [str(path.relative_to(store)) for path in flipped]
    with pytest.raises(DamagedObject, match=r"claim\.json.*collection\.json.*soilft rollback"):
        verify(str(store), VERSION).require()
    for name in lists:
        flip(store / "releases" / VERSION / name)
    found = verify(str(store), VERSION)
    assert {damage.name.rpartition("/")[2] for damage in found.damaged} == set(lists)
    assert len(found.uncovered) == len(flipped)


def test_the_catalogue_of_the_store_is_held_to_its_release(store: Path) -> None:
    pointer = store / "latest.json"
    value = json.loads(pointer.read_text())
    changed = {**value, "identity": value["identity"][::-1]}
    pointer.write_bytes(objects.to_json(changed))
    assert named(store) == ["latest.json"]
    assert named(store, "v1.0") == []
    pointer.write_bytes(b"")
    assert named(store, "v1.0") == ["latest.json"]
    pointer.unlink()
    assert named(store) == []


def test_going_back_and_forth_damages_nothing(store: Path) -> None:
    for version in ("v1.0", VERSION):
        point_to(str(store), version)
        assert named(store, "v1.0") == named(store) == []


def test_the_lists_that_publications_copy_by_are_looked_at(store: Path) -> None:
    for path in (store / "releases/parts").glob("*.json"):
        users = [v for v in ("v1.0", VERSION) if path.name in lists_of(store, v)]
        assert users
        content = path.read_bytes()
        other = content.replace(b'"sha256": "', b'"sha256": "0', 1)
        for bad in (b"", b"[]", content[:-9], other):
            path.write_bytes(bad)
            for version in users:
                name = f"releases/parts/{path.name}"
                assert named(store, version) == [name]
        path.write_bytes(content)


def lists_of(store: Path, version: str) -> list[str]:
    said = inventory.described(str(store), version) or {}
    return [inventory.name_of_part(part) for part in said["parts"]]


@pytest.mark.parametrize("version", ["v9.0", "v1", "", "claimed", "../../store"])
def test_a_release_that_is_not_there_is_an_error_that_lists_those_that_are(
    store: Path, version: str
) -> None:
    (store / "releases/v1.7").mkdir()
    (store / "releases/v1.7/claim.json").write_text("{}")
    asked = "v1.7" if version == "claimed" else version
    with pytest.raises(StoreError, match=r"expected one of v1\.0, v1\.1") as error:
        verify(str(store), asked)
    assert error.value.code == "store"


def test_a_store_without_a_release_says_so(tmp_path: Path) -> None:
    for version in (None, "v1.0"):
        with pytest.raises(StoreError, match="expected a release, found"):
            verify(str(tmp_path), version)


@pytest.fixture
def earlier(store: Path) -> Path:
    """Take from a store what 0.3.0 did not write."""
    for version in ("v1.0", VERSION):
        folder = store / "releases" / version
        said = json.loads((folder / "release.json").read_text())
        del said["objects"], said["sha256"]
        (folder / "release.json").write_bytes(objects.to_json(said))
        (folder / "objects.json").unlink()
    return store


def test_a_release_of_before_is_verified_as_far_as_its_manifest_goes(earlier: Path) -> None:
    found = verify(str(earlier), VERSION)
    found.require()
    shards = [path for path in files(earlier) if is_shard(path)]
    assert (found.sound, len(found.uncovered)) == (len(shards), len(files(earlier)) - len(shards))
    assert {"model/model.json", "release.json", "cube.zarr/time/c/0"} < set(found.uncovered)
    for path, name in each(earlier):
        if is_shard(path):
            flip(path)
            assert named(earlier) == [name]
    for gone in ("model/model.json", "cube.zarr/zarr.json", "release.json"):
        path = earlier / "releases" / VERSION / gone
        content = path.read_bytes()
        path.unlink()
        assert f"releases/{VERSION}/{gone}" in named(earlier)
        path.write_bytes(content)


def is_shard(path: Path) -> bool:
    return path.parent.parent.parent.name in ("c", "0", "1") and "annual" not in path.parts


def test_the_next_release_of_an_earlier_store_is_covered_whole(
    earlier: Path, cubes: dict[int, Staged]
) -> None:
    release = publish(str(earlier), cubes[13])
    assert release.version == "v1.2"
    found = verify(str(earlier), "v1.2")
    found.require()
    assert found.uncovered == ()
    assert [kept.damage for kept in releases(str(earlier))] == ["", "", ""]
    assert prunable(str(earlier), timedelta(days=1)) == []


@pytest.mark.parametrize("content", [b"", b'{"version', b"[]", b"{}", b"null", b"\xff\xfe{}"])
def test_a_small_file_of_any_content_is_an_error_that_names_it_and_says_what_to_do(
    published: Path, cubes: dict[int, Staged], content: bytes, tmp_path: Path
) -> None:
    root = str(tmp_path / "store")
    lists = [f"releases/parts/{name}" for name in lists_of(published, VERSION)]
    own = [f"releases/{VERSION}/{n}" for n in ("release.json", "objects.json", "claim.json")]
    for name in ["latest.json", "publisher.json", *own, *lists]:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(published, root)
        objects.write(objects.join(root, name), content)
        refused = [
            error
            for attempt in (
                lambda: releases(root),
                lambda: verify(root, VERSION).require(),
                lambda: publish(root, cubes[13]),
                lambda: point_to(root, "v1.0"),
                lambda: point_to(root, VERSION),
            )
            if (error := refusal(attempt)) is not None
        ]
        assert refused
        for error in refused:
            assert error.code == "damaged-object"
            assert Path(name).name in str(error)
            assert all((error.expected, error.found, error.remedy))


def refusal(attempt: Callable[[], object]) -> SoilftError | None:
    """Give the error that an attempt ends with."""
    try:
        attempt()
    except SoilftError as error:
        return error
    return None


def test_a_description_is_sealed(store: Path) -> None:
    path = store / "releases" / VERSION / "release.json"
    documents.require_seal(str(path), path.read_bytes())
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value))
    with pytest.raises(DamagedObject, match="the bytes that its SHA-256 was made of"):
        inventory.described(str(store), VERSION)
