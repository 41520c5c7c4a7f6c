"""Policies of readers, workers and publishers: each right is needed, and they suffice."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import xarray as xr

from pipelines.cli.served import Served
from soilft.errors import StorePermission
from soilft.release import retention, verification
from soilft.release.lease import check_publishable
from soilft.release.publication import latest, publish
from soilft.release.staged import Staged
from soilft.store import objects
from tests.conftest import forget_s3
from tests.support import unwilling
from tests.support.rights import POLICIES, limited, policy, without
from tests.support.seaweed import S3Server
from tests.support.staged import stage

BUCKET = "arn:aws:s3:::BUCKET"
NAMES = ("publisher", "reader", "worker")


def under(place: str) -> str:
    return f"{BUCKET}/STORE/{place}"


def test_the_policies_that_are_promised_ship() -> None:
    assert sorted(path.stem for path in POLICIES.glob("*.json")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_has_the_shape_of_aws_and_grants_nothing_wholesale(name: str) -> None:
    value = policy(name)
    assert value.keys() == {"Version", "Statement"}
    assert value["Version"] == "2012-10-17"
    for statement in value["Statement"]:
        assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
        assert re.fullmatch("[A-Za-z0-9]+", statement["Sid"])
        assert statement["Effect"] == "Allow"
        listing = statement["Action"] == ["s3:ListBucket"]
        for resource in statement["Resource"]:
            assert resource == BUCKET if listing else resource.startswith(under(""))
            assert resource != under("*")


def actions(name: str) -> set[str]:
    return {action for statement in policy(name)["Statement"] for action in statement["Action"]}


def test_a_reader_cannot_write_and_a_publisher_cannot_delete() -> None:
    assert actions("reader") == {"s3:ListBucket", "s3:GetObject"}
    assert actions("publisher") == actions("reader") | {"s3:PutObject"}
    assert actions("worker") == actions("publisher") | {"s3:DeleteObject"}


def test_a_worker_deletes_what_stages_make_anew_and_chunks_that_become_empty() -> None:
    (removed,) = [s for s in policy("worker")["Statement"] if "s3:DeleteObject" in s["Action"]]
    stores = ("inputs/*", "harmonization/*", "normals/*", "training/*", "runs/*")
    others = ("models/checkpoints/*", "ledger/probe-*")
    assert set(removed["Resource"]) == {under(place) for place in (*stores, *others)}


@pytest.fixture
def second(s3_store: str) -> Staged:
    """Give what is to be published next in a store with one release, staged by its owner."""
    publish(s3_store, stage(s3_store, 20))
    return stage(s3_store, 21)


@pytest.mark.s3
def test_a_reader_opens_the_latest_cube_and_writes_nothing(
    s3: S3Server, s3_store: str, second: Staged
) -> None:
    with limited(s3, s3_store, policy("reader")):
        place = (latest(s3_store) or {})["cube"]
        cube = xr.open_zarr(f"{s3_store}/{place}", chunks=None).load()
        assert cube.sizes["time"] == 20
        assert not verification.verify(s3_store, "v1.0").damaged
        assert Served.of(s3_store).answer("/cube.zarr/zarr.json") is not None
        for name in ("latest.json", "releases/v1.0/mine", "inputs/mine", "ledger/mine"):
            with pytest.raises(StorePermission):
                objects.write(objects.join(s3_store, name), b"mine")
        with pytest.raises(StorePermission):
            objects.remove(objects.join(s3_store, "latest.json"))
        with pytest.raises(StorePermission):
            objects.read(objects.join(second.url, "zarr.json"))


def read_all(store: str) -> None:
    xr.open_zarr(f"{store}/{(latest(store) or {})['cube']}", chunks=None).load()
    verification.verify(store, "v1.0").require()
    retention.releases(store)


@pytest.mark.s3
def test_a_reader_needs_each_right(s3: S3Server, s3_store: str, second: Staged) -> None:
    for action, resource in (
        ("s3:GetObject", under("latest.json")),
        ("s3:GetObject", under("releases/*")),
        ("s3:ListBucket", BUCKET),
    ):
        rights = without(policy("reader"), action, resource)
        with limited(s3, s3_store, rights), pytest.raises((StorePermission, PermissionError)):
            read_all(s3_store)
    with limited(s3, s3_store, policy("reader")):
        read_all(s3_store)


@pytest.mark.s3
@pytest.mark.slow
def test_a_publisher_needs_each_right(s3: S3Server, s3_store: str, second: Staged) -> None:
    """But for what the staged cube of this test does not read: models, inputs and the ledger."""
    for action, resource in (
        ("s3:ListBucket", BUCKET),
        ("s3:GetObject", under("runs/*")),
        ("s3:GetObject", under("releases/*")),
        ("s3:PutObject", under("releases/*")),
        ("s3:GetObject", under("publisher.json")),
        ("s3:PutObject", under("publisher.json")),
        ("s3:GetObject", under("latest.json")),
        ("s3:PutObject", under("latest.json")),  # the last: it fails when all is written
    ):
        rights = without(policy("publisher"), action, resource)
        with limited(s3, s3_store, rights), pytest.raises(StorePermission):
            publish(s3_store, second)
        assert (latest(s3_store) or {})["version"] == "v1.0"
    with limited(s3, s3_store, policy("publisher")):
        assert publish(s3_store, second).version == "v1.1"


@pytest.fixture
def proxy(
    s3: S3Server, s3_store: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[unwilling.Unwilling]:
    """Give a proxy that counts, before the server of the store."""
    with unwilling.before(s3.endpoint) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
        forget_s3()
        yield made
        forget_s3()


@pytest.mark.s3
@pytest.mark.slow
def test_a_publisher_replaces_a_damaged_copy_without_a_deletion_and_cannot_prune(
    s3: S3Server, s3_store: str, second: Staged, proxy: unwilling.Unwilling
) -> None:
    url = objects.join(s3_store, "releases/v1.0/cube.zarr/freeze_thaw_state/c/0/0/0")
    objects.write(url, bytes(reversed(objects.read(url) or b"")))
    before = len(proxy.asked)
    with limited(s3, s3_store, policy("publisher")):
        check_publishable(s3_store)
        assert publish(s3_store, second).damaged == (url,)
        retention.point_to(s3_store, "v1.0")
        retention.point_to(s3_store, "v1.1")
        asked = proxy.asked[before:]
        assert {method for method, _, _ in asked} == {"HEAD", "GET", "PUT"}
        assert not [one for one in asked if one[2] in (401, 403)]
        with pytest.raises(StorePermission):
            retention.prune(s3_store, timedelta(0))
    assert not verification.verify(s3_store, "v1.1").damaged


@pytest.mark.s3
def test_a_missing_right_to_publish_shows_before_any_work(s3: S3Server, s3_store: str) -> None:
    with limited(s3, s3_store, policy("worker")), pytest.raises(StorePermission):
        check_publishable(s3_store)
    assert objects.listing(s3_store) == {}


@pytest.mark.s3
def test_a_worker_changes_what_stages_make_and_no_release(
    s3: S3Server, s3_store: str, second: Staged
) -> None:
    rights: dict[str, Any] = policy("worker")
    with limited(s3, s3_store, rights):
        objects.check_writable(s3_store)
        stage(s3_store, 22)
        for name in ("latest.json", "publisher.json", "releases/v1.0/claim.json"):
            for change in (partial(objects.write, content=b"mine"), objects.remove):
                with pytest.raises(StorePermission):
                    change(objects.join(s3_store, name))
    for action, place in (("s3:PutObject", "ledger/*"), ("s3:DeleteObject", "ledger/probe-*")):
        fewer = without(rights, action, under(place))
        with limited(s3, s3_store, fewer), pytest.raises(StorePermission):
            objects.check_writable(s3_store)
