"""Publishing: a fresh prefix each time, and readers that see the old cube or the new one."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from soilft import cube, objects, store
from soilft.days import DaySpan
from soilft.errors import PreconditionFailed
from soilft.grid import Region
from soilft.publication import latest, publish
from tests.support.seaweed import S3Server

GRID = Region("small", "latlon-0.25", (90, 30, 92, 31)).grid
DAYS = DaySpan(date(2016, 1, 1), date(2016, 1, 12))
CHUNK = 4


def stage(url: str, seed: int, chunks: int = 3) -> None:
    """Write a staged cube of which the first chunks of days are predicted."""
    store.create(url, cube.template(GRID, DAYS, ["AM"], CHUNK, {"title": "a small cube"}))
    rng = np.random.default_rng(seed)
    for k in range(chunks):
        state, percent = cube.encode(rng.random((CHUNK, *GRID.shape)))
        store.write_region(
            url,
            {
                "freeze_thaw_state": state,
                "frozen_probability": percent,
                "quality_flag": np.zeros_like(state),
            },
            {"time": slice(k * CHUNK, (k + 1) * CHUNK)},
        )


def contents(url: str) -> dict[str, bytes | None]:
    return {name: objects.read(objects.join(url, name)) for name in objects.listing(url)}


def read_latest(root: str) -> xr.Dataset:
    pointer = latest(root)
    assert pointer is not None
    return xr.open_zarr(objects.join(root, pointer["cube"]), chunks=None, consolidated=True)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store, on disk and on S3 in turn."""
    return str(tmp_path) if request.param == "local" else request.getfixturevalue("s3_store")


def test_a_publication_is_the_staged_cube_byte_for_byte(root: str) -> None:
    staging, model = objects.join(root, "runs/a/cube.zarr"), objects.join(root, "models/m")
    stage(staging, 0)
    objects.write(objects.join(model, "card.json"), b"{}")
    steps: list[tuple[int, int]] = []
    release = publish(
        root,
        staging,
        "identity-a",
        {"model": model},
        {"title": "small"},
        lambda done, total: steps.append((done, total)),
    )
    assert (release.version, release.fresh) == ("v1.0", True)
    assert release.cube == objects.join(root, "releases/v1.0/cube.zarr")
    assert contents(release.cube) == contents(staging)
    assert objects.read(objects.join(root, "releases/v1.0/model/card.json")) == b"{}"
    assert latest(root) == {
        "cube": "releases/v1.0/cube.zarr",
        "identity": "identity-a",
        "title": "small",
        "version": "v1.0",
    }
    assert steps[-1] == (len(steps), len(steps))
    np.testing.assert_array_equal(
        read_latest(root).freeze_thaw_state.values,
        store.open_cube(staging).freeze_thaw_state.values,
    )


def test_publishing_again_writes_nothing(root: str) -> None:
    staging = objects.join(root, "runs/a/cube.zarr")
    stage(staging, 0, chunks=1)
    publish(root, staging, "identity-a", {}, {})
    before = contents(root)
    again = publish(root, staging, "identity-a", {}, {"more": 1})
    assert (again.version, again.fresh) == ("v1.0", False)
    assert contents(root) == before


def test_changed_content_takes_a_fresh_prefix_and_the_old_one_stays(root: str) -> None:
    one, two = (objects.join(root, f"runs/{name}/cube.zarr") for name in "ab")
    stage(one, 0)
    stage(two, 1)
    first = publish(root, one, "identity-a", {}, {})
    before = contents(objects.join(root, "releases/v1.0"))
    second = publish(root, two, "identity-b", {}, {})
    assert (second.version, second.fresh) == ("v1.1", True)
    assert contents(objects.join(root, "releases/v1.0")) == before
    assert contents(first.cube) == contents(one)
    assert contents(second.cube) == contents(two)
    assert (latest(root) or {})["version"] == "v1.1"


def test_days_nobody_predicted_read_as_missing(root: str) -> None:
    staging = objects.join(root, "runs/a/cube.zarr")
    stage(staging, 0, chunks=2)
    publish(root, staging, "identity-a", {}, {})
    published = read_latest(root)
    assert published.sizes["time"] == 12
    assert np.isnan(published.freeze_thaw_state.values[8:]).all()
    assert np.isnan(published.frozen_probability.values[8:]).all()
    assert np.isfinite(published.freeze_thaw_state.values[:8]).all()


def test_nobody_can_open_the_cube_before_all_of_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, staging = str(tmp_path), str(tmp_path / "runs/a/cube.zarr")
    stage(staging, 0)
    names: list[str] = []
    for kind in ("copy", "create", "swap", "write"):
        original = getattr(objects, kind)

        def recorded(*args: object, _kind: str = kind, _original=original) -> None:
            names.append(f"{_kind} {args[1] if _kind == 'copy' else args[0]}")
            _original(*args)

        monkeypatch.setattr(objects, kind, recorded)
    publish(root, staging, "identity-a", {}, {})
    assert names[0].endswith("releases/v1.0/claim.json")
    assert names[-3:] == [
        f"create {root}/releases/v1.0/cube.zarr/zarr.json",
        f"swap {root}/latest.json",
        f"create {root}/latest.json",
    ]
    copied = [name for name in names if name.startswith("copy")]
    leaf = [name.endswith("/zarr.json") for name in copied]
    assert leaf == sorted(leaf), "data first, then leaf metadata"


def test_a_publication_that_lost_the_pointer_leaves_the_winner_in_place(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (objects.join(root, f"runs/{name}/cube.zarr") for name in "ab")
    stage(one, 0, chunks=1)
    stage(two, 1, chunks=1)
    original = objects.swap

    def overtaken(url: str, old: bytes | None, new: bytes) -> None:
        monkeypatch.setattr(objects, "swap", original)
        publish(root, two, "identity-b", {}, {})
        original(url, old, new)

    monkeypatch.setattr(objects, "swap", overtaken)
    with pytest.raises(PreconditionFailed):
        publish(root, one, "identity-a", {}, {})
    assert (latest(root) or {})["identity"] == "identity-b"
    assert contents(objects.join(root, "releases/v1.1/cube.zarr")) == contents(two)
    # Tried again, it is the newest: complete under the prefix it had claimed.
    again = publish(root, one, "identity-a", {}, {})
    assert again.version == "v1.0"
    assert (latest(root) or {})["identity"] == "identity-a"


@pytest.mark.s3
def test_anyone_reads_a_public_release_with_plain_xarray(
    s3: S3Server, s3_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = s3_store.rsplit("/", 1)[-1]
    root = f"s3://{s3.public_bucket}/{prefix}"
    staging = objects.join(root, "runs/a/cube.zarr")
    stage(staging, 0, chunks=2)
    release = publish(root, staging, "identity-a", {}, {})
    expected = store.open_cube(staging).load()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    anonymous = {"anon": True, "client_kwargs": {"endpoint_url": s3.endpoint}}
    found = xr.open_zarr(release.cube, storage_options=anonymous)
    xr.testing.assert_identical(found.load(), expected)
