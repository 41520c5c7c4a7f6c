"""Publishing: a fresh prefix each time, and readers that see the old cube or the new one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft.errors import LeaseHeld, LeaseLost, PreconditionFailed, ReleaseRefused
from soilft.release import inventory
from soilft.release import lease as leases
from soilft.release.publication import described, latest, publish
from soilft.release.staged import Staged
from soilft.store import objects
from soilft.store import zarr as store
from tests.support.seaweed import S3Server
from tests.support.staged import LAYOUT, contents, stage


def read_latest(root: str) -> xr.Dataset:
    pointer = latest(root)
    assert pointer is not None
    return xr.open_zarr(objects.join(root, pointer["cube"]), chunks=None, consolidated=True)


def assert_published(root: str, staged: Staged) -> None:
    published, expected = read_latest(root), store.open_cube(staged.url)
    assert set(published.data_vars) == set(expected.data_vars)
    xr.testing.assert_identical(published.load(), expected.load())


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store, on disk and on S3 in turn."""
    return str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_store")


@pytest.fixture
def changes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the changes of objects that are made from now on, in order."""
    found: list[str] = []
    for kind in ("copy", "create", "swap", "write"):
        original = getattr(objects, kind)

        def recorded(*args: object, _kind: str = kind, _original=original) -> None:
            found.append(f"{_kind} {args[1] if _kind == 'copy' else args[0]}")
            _original(*args)

        monkeypatch.setattr(objects, kind, recorded)
    return found


def test_a_publication_holds_the_staged_values_and_what_lies_beside(root: str) -> None:
    staged = stage(root, 12, companions={"model": b"{}"}, overpasses=("AM", "PM"), names=None)
    steps: list[tuple[int, int]] = []
    release = publish(root, staged, lambda done, total: steps.append((done, total)))
    assert (release.version, release.fresh, release.changed) == ("v1.0", True, None)
    assert release.cube == objects.join(root, "releases/v1.0/cube.zarr")
    assert objects.read(objects.join(root, "releases/v1.0/model/model.json")) == b"{}"
    assert steps[-1] == (len(steps), len(steps))
    assert_published(root, staged)
    pointer, said = latest(root), described(root, "v1.0")
    assert pointer is not None
    assert said is not None
    assert pointer["cube"] == said["cube"] == "releases/v1.0/cube.zarr"
    assert pointer["identity"] == said["identity"] == staged.identity
    assert said["layout"] == LAYOUT.as_json()
    assert [part["last"] for part in said["parts"]] == ["2016-01-08", "2016-01-12"]


def test_shards_are_those_zarr_itself_would_write(tmp_path: Path) -> None:
    staged = stage(str(tmp_path), 12, overpasses=("AM", "PM"), names=None)
    cube = publish(str(tmp_path), staged).cube
    itself = str(tmp_path / "itself.zarr")
    store.create(itself, staged.layout.published(staged.template))
    raw = store.open_raw(staged.url)
    values = {v.name: np.asarray(store.array(raw, v.name)[...]) for v in staged.template.variables}
    store.write_region(itself, values, {})
    assert contents(cube) == contents(itself)


def test_a_grid_of_large_tiles_has_its_series_copied(tmp_path: Path) -> None:
    layout = replace(LAYOUT, series=2)
    staged = stage(str(tmp_path), 12, layout=layout)
    cube = publish(str(tmp_path), staged).cube
    series = xr.open_zarr(cube, group="series", chunks=None)
    whole = store.open_cube(staged.url)
    for name in whole.data_vars:
        np.testing.assert_array_equal(series[name].values, whole[name].values)
    assert store.array(store.open_raw(cube), "series/freeze_thaw_state").chunks == (8, 2, 2)


def test_publishing_again_writes_nothing(root: str) -> None:
    staged = stage(root, 5)
    publish(root, staged)
    before = contents(root)
    again = publish(root, staged)
    assert (again.version, again.fresh) == ("v1.0", False)
    assert contents(root) == before


def test_a_day_more_copies_closed_shards_and_writes_the_open_one(
    root: str, changes: list[str]
) -> None:
    first = stage(root, 20)
    publish(root, first)
    second = stage(root, 21)
    before = contents(objects.join(root, "releases/v1.0"))
    changes.clear()
    release = publish(root, second)
    assert release.version == "v1.1"
    assert contents(objects.join(root, "releases/v1.0")) == before
    assert_published(root, second)
    shards = [
        line.split("cube.zarr/")[0].split()[0] + " " + line.split("/c/")[1]
        for line in changes
        if "cube.zarr/" in line and line.count("/c/") and "_bnds" not in line
    ]
    data = [shard for shard in shards if shard.count("/") == 2]
    assert {shard.split("/")[0] for shard in data if shard.startswith("copy")} == {
        "copy 0",
        "copy 1",
    }
    assert {shard.split("/")[0] for shard in data if shard.startswith("create")} == {"create 2"}


def test_a_late_day_writes_its_own_shard_again(root: str, changes: list[str]) -> None:
    publish(root, stage(root, 20))
    changes.clear()
    late = stage(root, 20, other={3: 9})
    assert publish(root, late).version == "v1.1"
    assert_published(root, late)
    states = [line.split("/c/") for line in changes if "freeze_thaw_state/c/" in line]
    written = {(head.split()[0], place[0]) for head, place in states}
    assert written == {("create", "0"), ("copy", "1"), ("copy", "2")}


def test_another_method_is_another_version_and_says_what_changed(root: str) -> None:
    publish(root, stage(root, 8))
    staged = stage(root, 8, seed=1, method={"model": "other"})
    release = publish(root, staged, compared=lambda cube: {"cube": cube})
    assert release.version == "v2.0"
    assert release.changed == {
        "since": "v1.0",
        "cube": objects.join(root, "releases/v1.0/cube.zarr"),
    }
    assert (described(root, "v2.0") or {})["changed"] == release.changed
    assert publish(root, stage(root, 9, seed=1, method={"model": "other"})).version == "v2.1"


def test_a_claim_of_another_method_is_never_shared(root: str) -> None:
    publish(root, stage(root, 4))
    claim = {"identity": "of somebody who was killed", "method": "a third one"}
    url = objects.join(root, "releases/v2.0/claim.json")
    objects.create(url, objects.to_json(claim))
    assert publish(root, stage(root, 4, method={"model": "b"})).version == "v3.0"


def test_days_nobody_predicted_read_as_missing(root: str) -> None:
    staged = stage(root, 12)
    raw = objects.join(staged.url, "freeze_thaw_state/c/1")
    store.discard(raw)
    publish(root, staged)
    state = read_latest(root).freeze_thaw_state.values
    assert np.isnan(state[5:10]).all()
    assert np.isfinite(state[:5]).any()


def test_nobody_can_open_the_cube_before_all_of_it_is_there(
    tmp_path: Path, changes: list[str]
) -> None:
    root = str(tmp_path)
    staged = stage(root, 12, companions={"model": b"{}"})
    changes.clear()
    publish(root, staged)
    kept = [line for line in changes if "publisher.json" not in line]
    assert kept[0].endswith("releases/v1.0/claim.json")
    assert kept[-3:] == [
        f"create {root}/releases/v1.0/cube.zarr/zarr.json",
        f"swap {root}/latest.json",
        f"create {root}/latest.json",
    ]
    assert kept[-4].endswith("releases/v1.0/release.json")
    place = [i for i, line in enumerate(kept) if "/c/" in line and "time" not in line]
    leaves = [i for i, line in enumerate(kept) if line.endswith("_state/zarr.json")]
    assert max(place) > 0
    assert leaves


def test_an_object_that_the_store_did_not_keep_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(tmp_path)
    publish(root, stage(root, 4))
    original = objects.create

    def damaged(url: str, content: bytes) -> None:
        flip = "/quality_flag/c/" in url
        original(url, bytes([content[0] ^ 1]) + content[1:] if flip else content)

    monkeypatch.setattr(objects, "create", damaged)
    with pytest.raises(ReleaseRefused, match="quality_flag"):
        publish(root, stage(root, 5))
    assert (latest(root) or {})["version"] == "v1.0"


def test_an_object_that_does_not_belong_is_found(tmp_path: Path) -> None:
    root = str(tmp_path)
    objects.write(objects.join(root, "releases/v1.0/cube.zarr/stray"), b"x")
    with pytest.raises(ReleaseRefused, match="stray: expected no object"):
        publish(root, stage(root, 4))
    assert latest(root) is None


def test_a_manifest_holds_every_object_of_a_part(root: str) -> None:
    staged = stage(root, 8)
    publish(root, staged)
    part = (described(root, "v1.0") or {})["parts"][0]
    said = inventory.of_part(root, part)
    assert said is not None
    shards = objects.listing(objects.join(root, "releases/v1.0/cube.zarr/freeze_thaw_state/c"))
    assert {n for n in said if n.startswith("freeze_thaw_state/")} == {
        f"freeze_thaw_state/c/{name}" for name in shards
    }


def test_one_publisher_at_a_time(root: str) -> None:
    staged = stage(root, 4)
    with leases.held(root), pytest.raises(LeaseHeld, match="process"):
        publish(root, staged)
    assert latest(root) is None
    assert publish(root, staged).fresh


@pytest.mark.parametrize(("looks", "refusal"), [(1, LeaseLost), (2, PreconditionFailed)])
def test_a_lease_that_is_over_cannot_commit(
    root: str, looks: int, refusal: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher that slept through its lease wakes up after another has taken over."""
    publish(root, stage(root, 4))
    slow, quick = stage(root, 5), stage(root, 6)
    original = leases.Lease.confirm
    left, woken = iter(range(looks - 1)), []

    def sleepy(self: leases.Lease) -> None:
        if next(left, None) is not None:
            return
        monkeypatch.setattr(leases.Lease, "confirm", original)
        holder = json.loads(objects.read(objects.join(root, "publisher.json")) or b"")
        holder["expires"] = "2000-01-01T00:00:00+00:00"
        objects.write(objects.join(root, "publisher.json"), objects.to_json(holder))
        woken.append(publish(root, quick).version)
        # After its last look at its lease only the fence in the pointer can hold it back.

    monkeypatch.setattr(leases.Lease, "confirm", sleepy)
    with pytest.raises(refusal):
        publish(root, slow)
    assert (latest(root) or {})["version"] == woken[0]
    assert_published(root, quick)


def test_taking_over_changes_nothing_in_the_pointer_that_readers_use(root: str) -> None:
    publish(root, stage(root, 4))
    before = latest(root)
    gone = leases.acquire(root, 0.0)  # over at once, and never freed
    with leases.held(root) as lease:
        assert lease.fence == gone.fence + 1
        after = latest(root)
    assert before is not None
    assert after is not None
    assert after.pop("fence") > before.pop("fence")
    assert after == before


def test_the_next_success_leaves_no_half_written_file(tmp_path: Path) -> None:
    publish(str(tmp_path), stage(str(tmp_path), 4))
    places = ("", "releases/parts", "releases/v1.0", "releases/v9.9/cube.zarr/time")
    for place in places:
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / ".0a1b.partial").write_bytes(b"half")
    publish(str(tmp_path), stage(str(tmp_path), 5))
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.process
def test_a_publisher_that_died_on_this_machine_is_not_waited_for(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = "import sys; from soilft.release.lease import acquire; acquire(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert publish(str(tmp_path), stage(str(tmp_path), 4)).fresh


@pytest.mark.s3
def test_anyone_reads_a_public_release_with_plain_xarray(
    s3: S3Server, s3_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = s3_store.rsplit("/", 1)[-1]
    root = f"s3://{s3.public_bucket}/{prefix}"
    staged = stage(root, 8)
    release = publish(root, staged)
    expected = store.open_cube(staged.url).load()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    anonymous = {"anon": True, "client_kwargs": {"endpoint_url": s3.endpoint}}
    found = xr.open_zarr(release.cube, storage_options=anonymous)
    xr.testing.assert_identical(found.load(), expected)


def test_a_finished_group_is_published_within_the_cube(root: str, changes: list[str]) -> None:
    staged = stage(root, 12)
    whole = store.open_raw(staged.url)
    group = objects.join(root, "runs/annual.zarr")
    names = ("freeze_thaw_state", "quality_flag")
    template = replace(
        staged.template,
        variables=tuple(v for v in staged.template.variables if v.name in names),
        attributes={"title": "layers"},
    )
    store.create(group, template)
    values = {name: np.asarray(store.array(whole, name)[...]) for name in names}
    store.write_region(group, values, {})
    changes.clear()
    cube = publish(root, replace(staged, groups={"annual": (group, "its content")})).cube
    found = xr.open_zarr(cube, group="annual", chunks=None)
    xr.testing.assert_identical(found.load(), store.open_cube(group).load())
    # One consolidated object tells of it, too, and its values were copied by the server.
    assert store.array(store.open_raw(cube), "annual/quality_flag").shape == (12, 4, 8)
    placed = [line.split()[0] for line in changes if "/annual/" in line and "/c/" in line]
    assert placed.count("copy") >= 4


def test_files_that_come_with_soilft_lie_beside_the_cube_and_are_part_of_what_is_published(
    root: str, changes: list[str]
) -> None:
    staged = stage(root, 12, companions={"report": b"{}"})
    files = {"view/index.html": b"a page", "view/viewer.js": b"its script"}
    paged = replace(staged, files=files)
    assert publish(root, paged).version == "v1.0"
    assert publish(root, paged).fresh is False
    prefix = objects.join(root, "releases/v1.0")
    for name, content in files.items():
        assert objects.read(objects.join(prefix, name)) == content
    said = described(root, "v1.0")
    assert said is not None
    assert said["companions"] == {"report": ["report.json"], "view": ["index.html", "viewer.js"]}
    changes.clear()
    # Another page is another release of the same method, and no value is written again.
    assert (
        publish(root, replace(staged, files={**files, "view/index.html": b"b"})).version == "v1.1"
    )
    created = [line for line in changes if line.startswith("create") and "/v1.1/" in line]
    assert not [line for line in created if "_state/c/" in line]
    assert objects.read(objects.join(prefix, "view/index.html")) == b"a page"


def test_without_files_the_identity_is_what_it_was(root: str) -> None:
    staged = stage(root, 4)
    assert replace(staged, files={}).identity == staged.identity
    assert replace(staged, files={"view/index.html": b""}).identity != staged.identity


def test_a_page_comes_before_the_cube_can_be_opened(tmp_path: Path, changes: list[str]) -> None:
    root = str(tmp_path)
    staged = replace(stage(root, 4), files={"view/index.html": b"a page"})
    changes.clear()
    publish(root, staged)
    page = next(i for i, line in enumerate(changes) if line.endswith("view/index.html"))
    assert page < changes.index(f"create {root}/releases/v1.0/cube.zarr/zarr.json")


def test_objects_without_a_value_are_named_as_absent(root: str) -> None:
    staged = stage(root, 12)
    for chunk in ("1", "2"):
        store.discard(objects.join(staged.url, f"quality_flag/c/{chunk}"))
    publish(root, staged)
    said = described(root, "v1.0")
    assert said is not None
    # Days 8 to 12, in the two tiles of the second shard.
    assert said["absent"] == ["quality_flag/c/1/0/0", "quality_flag/c/1/0/1"]
    cube = objects.listing(objects.join(root, "releases/v1.0/cube.zarr"))
    assert not cube.keys() & set(said["absent"])


@pytest.mark.s3
def test_a_bucket_knows_the_kind_of_each_object(s3_store: str) -> None:
    files = {"view/index.html": b"a page", "view/viewer.js": b"", "view/viewer.css": b""}
    publish(s3_store, replace(stage(s3_store, 4), files=files))
    fs, prefix = objects.filesystem(objects.join(s3_store, "releases/v1.0"))
    for name, kind in (
        ("view/index.html", "text/html; charset=utf-8"),
        ("view/viewer.js", "text/javascript; charset=utf-8"),
        ("view/viewer.css", "text/css; charset=utf-8"),
        ("release.json", "application/json"),
        ("cube.zarr/freeze_thaw_state/c/0/0/0", "application/octet-stream"),
    ):
        assert fs.info(f"{prefix}/{name}")["ContentType"] == kind
