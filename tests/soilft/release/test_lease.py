"""A lease ends by its holder's own clock, whatever the store says."""

import time
from pathlib import Path

import pytest

from soilft.errors import LeaseHeld, LeaseLost
from soilft.release import lease as leases


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
