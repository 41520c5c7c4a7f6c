"""A store that refuses for a while is asked again; one that refuses for good is told as it is."""

from collections.abc import Callable, Iterator

import pytest

from soilft.errors import StoreError, StorePermission
from soilft.release.publication import latest, publish
from soilft.store import objects
from soilft.store import zarr as store
from tests.conftest import forget_s3
from tests.support import unwilling
from tests.support.seaweed import S3Server
from tests.support.staged import stage

pytestmark = pytest.mark.s3


@pytest.fixture
def proxy(
    s3: S3Server, s3_store: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[unwilling.Unwilling]:
    """Give a proxy that stands before the server of the store."""
    with unwilling.before(s3.endpoint) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.endpoint)
        forget_s3()
        yield made
        forget_s3()


def first(count: int, status: int, code: str) -> Callable[[str, str], tuple[int, str] | None]:
    """Refuse so many requests, then no more."""
    left = iter(range(count))
    return lambda method, path: None if next(left, None) is None else (status, code)  # noqa: ARG005


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (503, "ServiceUnavailable"), (504, "Timeout")],
)
def test_a_burst_of_refusals_passes_without_a_word(
    proxy: unwilling.Unwilling, s3_store: str, status: int, code: str
) -> None:
    url = objects.join(s3_store, "object")
    proxy.refuses = first(3, status, code)
    objects.create(url, b"content")
    assert [answer for *_, answer in proxy.asked[:4]] == [status] * 3 + [200]
    assert objects.read(url) == b"content"


@pytest.mark.slow
def test_a_server_that_only_fails_is_asked_six_times_in_all(
    proxy: unwilling.Unwilling, s3_store: str
) -> None:
    proxy.refuses = lambda method, path: (500, "InternalError")  # noqa: ARG005
    with pytest.raises(StoreError, match="a store that answers"):
        objects.write(objects.join(s3_store, "object"), b"content")
    assert len(proxy.asked) == 6


def test_an_answer_that_is_lost_after_a_change_is_no_defeat(
    proxy: unwilling.Unwilling, s3_store: str
) -> None:
    url = objects.join(s3_store, "object")
    for change in (
        lambda: objects.create(url, b"first"),
        lambda: objects.swap(url, b"first", b"second"),
    ):
        lost = iter([True])
        proxy.loses = lambda method, path, lost=lost: method == "PUT" and next(lost, False)  # noqa: ARG005
        proxy.asked.clear()
        change()
        # Done the first time, and refused the second, for it had been done.
        assert [status for method, _, status in proxy.asked if method == "PUT"] == [200, 412]
    assert objects.read(url) == b"second"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ExpiredToken"),
        (400, "InvalidToken"),
        (403, "AccessDenied"),
        (401, "Unheard"),
        (403, "Unheard"),
        (403, "RequestExpired"),
    ],
)
def test_refused_credentials_are_told_by_profile_and_bucket(
    proxy: unwilling.Unwilling,
    s3: S3Server,
    s3_store: str,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
) -> None:
    url = objects.join(s3_store, "object")
    proxy.refuses = lambda method, path: (status, code)  # noqa: ARG005
    told = rf"in the bucket {s3.bucket}, found \w+ with the credentials of the environment\. Renew"
    for change in (lambda: objects.write(url, b""), lambda: objects.read(url)):
        with pytest.raises(StorePermission, match=told) as refused:
            change()
        assert s3.access_key not in str(refused.value)
    # Once each, but that botocore asks a bucket that says 400 for its region.
    assert {path for _, path, _ in proxy.asked} <= {f"/{url[5:]}", f"/{s3.bucket}"}
    assert len(proxy.asked) <= 3
    monkeypatch.setenv("AWS_PROFILE", "winter")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    forget_s3()
    with pytest.raises(StorePermission, match="the credentials of the profile winter"):
        objects.read(url)


def test_a_denial_of_values_that_are_read_late_is_told_the_same(
    proxy: unwilling.Unwilling, s3_store: str
) -> None:
    staged = stage(s3_store, 4)
    cube = store.open_cube(staged.url)
    proxy.refuses = lambda method, path: (400, "ExpiredToken")  # noqa: ARG005
    with pytest.raises(StorePermission, match=r"freeze_thaw_state/c/.*found 400 with"):
        cube["freeze_thaw_state"].load()
    with pytest.raises(StorePermission, match=r"found (400|ExpiredToken) with"):
        store.create(staged.url, staged.template)


def test_the_first_refusal_of_a_publication_is_told_and_the_next_goes_on(
    proxy: unwilling.Unwilling, s3_store: str
) -> None:
    staged = stage(s3_store, 12)

    def no_more(method: str, path: str) -> tuple[int, str] | None:
        began = any("/cube.zarr/quality_flag" in asked for verb, asked, _ in proxy.asked)
        return (403, "AccessDenied") if method == "PUT" and began else None

    proxy.asked.clear()
    proxy.refuses = no_more
    with pytest.raises(StorePermission, match=r"releases/v1\.0/cube\.zarr/") as refused:
        publish(s3_store, staged)
    assert "publisher.json" not in str(refused.value)
    proxy.refuses = lambda method, path: None  # noqa: ARG005
    # The publisher of this process still lives, and could not free its lease.
    assert latest(s3_store) is None
    holder = objects.read_json(objects.join(s3_store, "publisher.json"))
    assert holder["freed"] is False
    holder["started"] = "another boot/1"
    objects.write(objects.join(s3_store, "publisher.json"), objects.to_json(holder))
    assert publish(s3_store, staged).version == "v1.0"
