"""The pointer stays a true catalogue whoever moves it, and one from before there was any works."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from soilft.errors import PreconditionFailed
from soilft.release import lease as leases
from soilft.release import pointer
from soilft.release.publication import latest, publish
from soilft.release.retention import point_to, prune, releases
from soilft.store import objects
from soilft.store import zarr as store
from tests.support.staged import stage

NOW, LONG = timedelta(), timedelta(days=1)


@pytest.fixture
def root(tmp_path: Path) -> str:
    """Give a store of three releases."""
    for count in (4, 9, 10):
        publish(str(tmp_path), stage(str(tmp_path), count))
    return str(tmp_path)


def said(root: str) -> dict[str, Any]:
    value = latest(root)
    assert value is not None
    return value


def links(root: str, rel: str) -> list[str]:
    return [link["version"] for link in said(root).get("links", []) if link["rel"] == rel]


def as_before_there_was_a_catalogue(root: str) -> None:
    """Take from a store what releases of an earlier version of this program did not write."""
    own = {"type", "stac_version", "stac_extensions", "id", "description", "links"}
    kept = {key: value for key, value in said(root).items() if key not in own}
    objects.write(pointer.url(root), objects.to_json(kept))
    for kept_release in releases(root):
        objects.remove(
            objects.join(root, "releases", kept_release.version, pointer.COLLECTION),
        )


def test_whoever_takes_over_leaves_the_catalogue_as_it_is(root: str) -> None:
    before = said(root)
    leases.acquire(root, 0.0)
    leases.acquire(root, 0.0).free()
    after = said(root)
    assert after.pop("fence") > before.pop("fence")
    assert after == before
    assert links(root, "child") == ["v1.2", "v1.1", "v1.0"]


def test_a_store_from_before_goes_on_and_lists_what_comes(root: str) -> None:
    as_before_there_was_a_catalogue(root)
    leases.acquire(root, 0.0)
    leases.acquire(root, 0.0).free()
    assert "links" not in said(root)
    assert publish(root, stage(root, 11)).version == "v1.3"
    assert said(root)["type"] == "Catalog"
    assert links(root, "child") == links(root, "latest-version") == ["v1.3"]
    assert point_to(root, "v1.1")
    # Nothing leads to a collection that is not there.
    assert links(root, "child") == ["v1.3"]
    assert links(root, "latest-version") == []
    assert point_to(root, "v1.3")
    assert [gone.version for gone in prune(root, NOW)] == ["v1.0", "v1.1", "v1.2"]
    assert links(root, "child") == links(root, "latest-version") == ["v1.3"]


def test_a_store_from_before_can_be_pruned_as_it_is(root: str) -> None:
    as_before_there_was_a_catalogue(root)
    assert [gone.version for gone in prune(root, NOW)] == ["v1.0", "v1.1"]
    assert said(root)["replaced"] == {}
    assert said(root)["version"] == "v1.2"
    assert "links" not in said(root)


def test_the_catalogue_lets_go_before_anything_is_removed(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def watched(kind: Any) -> Any:
        def change(url: str) -> None:
            seen.append(links(root, "child"))
            kind(url)

        return change

    monkeypatch.setattr(objects, "remove", watched(objects.remove))
    monkeypatch.setattr(store, "discard", watched(store.discard))
    prune(root, NOW)
    assert len(seen) > 4
    assert all(found == ["v1.2"] for found in seen)


def test_a_prune_that_was_killed_is_ended_by_the_next(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def killed(url: str) -> None:
        raise Killed(url)

    with monkeypatch.context() as patched:
        patched.setattr(objects, "remove", killed)
        with pytest.raises(Killed):
            prune(root, NOW)
    assert links(root, "child") == ["v1.2"]
    assert [kept.version for kept in releases(root)] == ["v1.0", "v1.1", "v1.2"]
    # However long others are to be kept: nobody has been led to these since.
    assert [gone.version for gone in prune(root, LONG)] == ["v1.0", "v1.1"]
    assert [kept.version for kept in releases(root)] == ["v1.2"]


def test_nothing_is_removed_where_the_pointer_moved_meanwhile(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = leases.Lease.confirm

    def late(self: leases.Lease) -> None:
        original(self)
        moved = {**said(root), "version": "v1.0"}
        objects.write(pointer.url(root), objects.to_json(moved))

    monkeypatch.setattr(leases.Lease, "confirm", late)
    with pytest.raises(PreconditionFailed):
        prune(root, NOW)
    assert [kept.version for kept in releases(root)] == ["v1.0", "v1.1", "v1.2"]
    assert all(kept.complete for kept in releases(root))


def test_a_release_that_was_gone_back_from_stays_in_the_catalogue(root: str) -> None:
    point_to(root, "v1.1")
    assert links(root, "child") == ["v1.1", "v1.2", "v1.0"]
    assert links(root, "latest-version") == ["v1.1"]
    assert publish(root, stage(root, 12)).version == "v1.3"
    assert links(root, "child") == ["v1.3", "v1.2", "v1.1", "v1.0"]


def test_a_collection_that_a_killed_publication_wrote_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    root, original = str(tmp_path), objects.create

    def killed(url: str, content: bytes) -> None:
        if url.endswith("release.json"):
            raise Killed(url)
        original(url, content)

    staged = stage(root, 5)
    with monkeypatch.context() as patched:
        patched.setattr(objects, "create", killed)
        with pytest.raises(Killed):
            publish(root, staged)
    url = objects.join(root, "releases/v1.0/collection.json")
    written = json.loads(objects.read(url) or b"")
    marked = objects.to_json({**written, "title": "as the killed one wrote it"})
    objects.write(url, marked)
    assert publish(root, staged).version == "v1.0"
    assert objects.read(url) == marked
