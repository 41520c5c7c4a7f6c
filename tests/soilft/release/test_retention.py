"""Releases: listed, gone back to, verified, and removed when their time is over."""

from datetime import timedelta
from pathlib import Path

import pytest
import xarray as xr

from soilft.errors import DamagedObject, LeaseHeld, StoreError
from soilft.release import lease as leases
from soilft.release.publication import latest, publish
from soilft.release.retention import point_to, prunable, prune, releases
from soilft.release.verification import verify
from soilft.store import objects
from soilft.store import zarr as store
from tests.support.staged import contents, stage

NOW, LONG = timedelta(), timedelta(days=1)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give a store of three releases, on disk and on S3 in turn."""
    url = str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_store")
    for count in (4, 9, 10):
        publish(url, stage(url, count, companions={"model": b"{}"}))
    return url


def states(root: str) -> dict[str, tuple[bool, bool, bool]]:
    return {
        kept.version: (kept.complete, kept.current, kept.replaced is not None)
        for kept in releases(root)
    }


def test_releases_are_listed_with_what_became_of_them(root: str) -> None:
    assert states(root) == {
        "v1.0": (True, False, True),
        "v1.1": (True, False, True),
        "v1.2": (True, True, False),
    }
    assert [kept.period for kept in releases(root)][-1] == "2016-01-01..2016-01-10"


def test_going_back_moves_the_pointer_and_nothing_else(root: str) -> None:
    before = contents(objects.join(root, "releases"))
    assert point_to(root, "v1.0")
    assert contents(objects.join(root, "releases")) == before
    pointer = latest(root) or {}
    assert (pointer["version"], pointer["period"]) == ("v1.0", "2016-01-01..2016-01-04")
    cube = xr.open_zarr(objects.join(root, pointer["cube"]), chunks=None)
    assert cube.sizes["time"] == 4
    assert states(root)["v1.2"] == (True, False, True)
    assert not point_to(root, "v1.0")


def test_publishing_after_going_back_takes_a_new_version_or_the_same_cube_again(root: str) -> None:
    point_to(root, "v1.0")
    assert publish(root, stage(root, 9, companions={"model": b"{}"})).version == "v1.1"
    point_to(root, "v1.0")
    assert publish(root, stage(root, 11)).version == "v1.3"


def test_only_a_complete_release_can_be_the_latest(root: str) -> None:
    objects.write(objects.join(root, "releases/v1.7/claim.json"), b"{}")
    for version in ("v9.0", "v1.7"):
        with pytest.raises(StoreError, match=r"v1\.0, v1\.1, v1\.2"):
            point_to(root, version)


def test_pruning_keeps_the_latest_and_what_was_replaced_lately(root: str) -> None:
    assert prune(root, LONG) == []
    assert [kept.version for kept in prunable(root, NOW)] == ["v1.0", "v1.1"]
    kept = contents(objects.join(root, "releases/v1.2"))
    assert [gone.version for gone in prune(root, NOW)] == ["v1.0", "v1.1"]
    assert list(states(root)) == ["v1.2"]
    assert contents(objects.join(root, "releases/v1.2")) == kept
    verify(root, "v1.2").require()
    # No name is used twice, even when its cube is gone.
    assert publish(root, stage(root, 12)).version == "v1.3"
    assert objects.listing(objects.join(root, "releases/v1.0")).keys() == {"claim.json"}


def test_a_publication_that_never_finished_is_removed(root: str) -> None:
    objects.write(objects.join(root, "releases/v1.3/claim.json"), b"{}")
    objects.write(objects.join(root, "releases/v1.3/cube.zarr/freeze_thaw_state/c/0/0/0"), b"x")
    assert states(root)["v1.3"] == (False, False, False)
    assert [gone.version for gone in prune(root, LONG)] == ["v1.3"]


def test_nothing_is_removed_while_somebody_publishes(root: str) -> None:
    with leases.held(root), pytest.raises(LeaseHeld):
        prune(root, NOW)
    assert len(releases(root)) == 3


def test_a_damaged_object_is_named(root: str) -> None:
    shard = objects.join(root, "releases/v1.2/cube.zarr/quality_flag/c/0/0/0")
    content = objects.read(shard)
    assert content is not None
    objects.write(shard, content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DamagedObject, match="quality_flag/c/0/0/0"):
        verify(root, "v1.2").require()
    store.discard(shard)
    with pytest.raises(DamagedObject, match="no object"):
        verify(root, "v1.2").require()


def test_releases_are_listed_though_one_is_damaged(root: str) -> None:
    objects.write(objects.join(root, "releases/v1.1/release.json"), b"{")
    assert [bool(kept.damage) for kept in releases(root)] == [False, True, False]
    with pytest.raises(DamagedObject, match=r"v1\.1/release\.json"):
        point_to(root, "v1.1")
    assert point_to(root, "v1.0")


def test_what_a_damaged_release_needs_is_not_pruned(root: str) -> None:
    lists = objects.join(root, "releases/parts")
    before = objects.listing(lists)
    objects.write(objects.join(root, "releases/v1.2/release.json"), b"{")
    assert [gone.version for gone in prune(root, NOW)] == ["v1.0", "v1.1"]
    assert objects.listing(lists) == before


def test_nothing_is_removed_while_it_is_lost_what_readers_should_see(root: str) -> None:
    objects.remove(objects.join(root, "latest.json"))
    before = contents(objects.join(root, "releases"))
    for remove in (prunable, prune):
        with pytest.raises(DamagedObject, match=r"latest\.json.*soilft rollback"):
            remove(root, NOW)
    assert contents(objects.join(root, "releases")) == before
    assert point_to(root, "v1.1")
    assert [gone.version for gone in prune(root, NOW)] == ["v1.0", "v1.2"]


def test_a_first_publication_that_never_finished_is_removed(tmp_path: Path) -> None:
    objects.write(objects.join(str(tmp_path), "releases/v1.0/cube.zarr/time/zarr.json"), b"{}")
    assert [gone.version for gone in prune(str(tmp_path), LONG)] == ["v1.0"]


@pytest.mark.parametrize("damaged", [None, b"", b"{"])
def test_a_pointer_that_is_lost_is_made_anew_by_going_back(
    root: str, damaged: bytes | None
) -> None:
    place = objects.join(root, "latest.json")
    before = latest(root) or {}
    if damaged is None:
        objects.remove(place)
    else:
        objects.write(place, damaged)
        with pytest.raises(DamagedObject, match=r"latest\.json.*soilft rollback"):
            publish(root, stage(root, 11))
        with pytest.raises(DamagedObject, match=r"latest\.json"):
            prune(root, NOW)
    assert point_to(root, "v1.2")
    after = latest(root) or {}
    assert after["links"] == before["links"]
    assert after["replaced"].keys() == before["replaced"].keys() == {"v1.0", "v1.1"}
    assert prunable(root, LONG) == []
    verify(root, "v1.2").require()
    assert publish(root, stage(root, 11)).version == "v1.3"
