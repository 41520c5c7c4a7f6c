"""A lease ends by its holder's own clock, whatever the store says."""

import time
from pathlib import Path

import pytest

from soilft.errors import LeaseHeld, LeaseLost, ReleaseRefused, StoreError
from soilft.release import lease as leases
from soilft.store import objects


@pytest.mark.parametrize("step", ["require", "renew", "confirm"])
def test_a_holder_that_slept_too_long_knows_it_by_its_own_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lease = leases.acquire(str(tmp_path), 60.0)
    getattr(lease, step)()
    awake = time.monotonic() + 61.0
    monkeypatch.setattr(time, "monotonic", lambda: awake)
    # By the store it is still held: the machine's clock was set, or runs behind.
    with pytest.raises(LeaseHeld):
        leases.acquire(str(tmp_path), 60.0)
    with pytest.raises(LeaseLost, match="expired"):
        getattr(lease, step)()


def test_a_lease_is_renewed_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = leases.acquire(str(tmp_path), 60.0)
    start = time.monotonic()
    for seconds in (30.0, 70.0, 110.0):
        monkeypatch.setattr(time, "monotonic", lambda later=start + seconds: later)
        lease.renew()
    lease.require()


def test_what_ends_a_publication_is_told_though_its_lease_cannot_be_freed(tmp_path: Path) -> None:
    def publish() -> None:
        with leases.held(str(tmp_path)):
            (tmp_path / "publisher.json").unlink()
            (tmp_path / "publisher.json").mkdir()
            raise ReleaseRefused("first")

    with pytest.raises(ReleaseRefused, match="first"):
        publish()


def test_what_was_published_is_no_failure_where_its_lease_cannot_be_freed(tmp_path: Path) -> None:
    with leases.held(str(tmp_path)):
        (tmp_path / "publisher.json").unlink()
        (tmp_path / "publisher.json").mkdir()


def test_a_lease_is_free_again_whatever_ends_its_taking(tmp_path: Path) -> None:
    leases.acquire(str(tmp_path), 0.0)  # over at once, and never freed
    (tmp_path / "latest.json").mkdir()
    with pytest.raises(StoreError, match=r"latest\.json"):
        leases.acquire(str(tmp_path))
    assert objects.read_json(str(tmp_path / "publisher.json"))["freed"] is True


def test_a_look_before_any_work_leaves_the_lease_free_and_a_holder_undisturbed(
    tmp_path: Path,
) -> None:
    leases.check_publishable(str(tmp_path))
    assert objects.read_json(str(tmp_path / "publisher.json"))["freed"] is True
    with leases.held(str(tmp_path)) as lease:
        leases.check_publishable(str(tmp_path))
        lease.confirm()


def test_a_place_that_cannot_be_is_told_before_any_work() -> None:
    with pytest.raises(StoreError, match="Create it first"):
        leases.check_publishable("/proc/nothing/store")
