"""Lease on publication: one object, held by one publisher at a time, until it ends or is freed.

``publisher.json`` is made by create-only PUT and changed by compare-and-swap alone. A publisher
that died leaves it to expire; one that died on this machine is seen to be gone at once. The
``fence`` counts the take-overs: whoever takes over raises it in ``latest.json`` first, so that a
publisher that was only asleep finds the pointer changed and cannot move it.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from soilft.errors import DamagedObject, LeaseHeld, LeaseLost, PreconditionFailed, StoreError
from soilft.release import pointer
from soilft.store import documents, objects

SECONDS = 900.0
_SHAPE = {
    "expires": documents.moment,
    "fence": int,
    "freed": bool,
    "host": str,
    "process": int,
    "?started": str,
}
_REMEDY = "Make sure that nobody is publishing, remove it, and start again."


@dataclass
class Lease:
    """A lease that is held. `held` makes one.

    Parameters
    ----------
    root
        The store.
    fence
        Larger than that of every holder who did not free the lease.
    """

    root: str
    fence: int
    seconds: float
    _content: bytes = field(repr=False)
    _until: float = field(repr=False)  # by this process' own clock, which nobody can set

    def renew(self) -> None:
        """Hold on for longer, where a third of the time is gone.

        Raises
        ------
        LeaseLost
            Where it expired, or another publisher holds it.
        """
        self.require()
        if self._until - time.monotonic() > self.seconds * 2 / 3:
            return
        renewed = _content(self.fence, self.seconds)
        until = time.monotonic() + self.seconds
        try:
            objects.swap(_url(self.root), self._content, renewed)
        except PreconditionFailed as error:
            raise self._lost("held by another publisher") from error
        self._content, self._until = renewed, until

    def require(self) -> None:
        """Make sure that the time is not over, by this process' own clock.

        Raises
        ------
        LeaseLost
            Where it is.
        """
        if time.monotonic() >= self._until:
            raise self._lost("expired")

    def confirm(self) -> None:
        """Make sure, by the store, that nobody took over. Called just before a commit.

        Raises
        ------
        LeaseLost
            Where it expired, or another publisher holds it.
        """
        self.require()
        if objects.read(_url(self.root)) != self._content:
            raise self._lost("held by another publisher")

    def free(self) -> None:
        """Let the next publisher in at once."""
        try:
            objects.swap(_url(self.root), self._content, _content(self.fence, 0, freed=True))
        except PreconditionFailed:
            return  # taken over: it is no longer ours to free

    def _lost(self, found: str) -> LeaseLost:
        return LeaseLost(
            _url(self.root),
            expected="this publisher's own lease",
            found=found,
            remedy="Nothing that readers see was changed. Publish again.",
        )


@contextmanager
def held(root: str, seconds: float = SECONDS) -> Iterator[Lease]:
    """Hold the lease for the length of a ``with`` block.

    Raises
    ------
    LeaseHeld
        Where another publisher holds it, naming it and when its lease ends.
    """
    lease = acquire(root, seconds)
    with _freed_at_last(lease):
        yield lease


def check_publishable(root: str) -> None:
    """Take the lease and free it, so that a missing permission shows before any work.

    Unlike `soilft.store.objects.check_writable` it needs no right to delete. Where another holds
    the lease there is nothing to see yet: `held` will tell.

    Raises
    ------
    StorePermission, StoreError
        Where the store does not let us.
    """
    try:
        lease = acquire(root, SECONDS)
    except LeaseHeld:
        return
    except FileNotFoundError as error:
        raise objects.no_place(root, error) from error
    lease.free()


@contextmanager
def _freed_at_last(lease: Lease) -> Iterator[None]:
    """Free the lease where the store lets us, and leave to be told what ended the block.

    What cannot be freed ends by itself.
    """
    try:
        yield
    finally:
        with suppress(StoreError, FileNotFoundError):
            lease.free()


def acquire(root: str, seconds: float = SECONDS) -> Lease:
    """Take the lease where nobody holds it, or where its holder is gone.

    Raises
    ------
    LeaseHeld
        Where another publisher holds it.
    """
    url = _url(root)
    until = time.monotonic() + seconds
    before = objects.read(url)
    fence = 1
    if before is not None:
        holder = documents.parsed(url, before, _SHAPE, _REMEDY)
        if not _is_over(holder):
            raise _held_by(url, holder)
        fence = int(holder["fence"]) + (not holder["freed"])
    content = _content(fence, seconds)
    try:
        objects.swap(url, before, content)
    except PreconditionFailed as error:
        raise _held_by(url, documents.read(url, _SHAPE, _REMEDY) or {}) from error
    lease = Lease(root, fence, seconds, content, until)
    try:
        _raise_fence(root, fence)
    except BaseException:  # such as that the one before was not gone, and has just published
        with _freed_at_last(lease):
            raise
    return lease


def _raise_fence(root: str, fence: int) -> None:
    """Change the pointer, and nothing in it that readers use: whoever read it before loses."""
    url = pointer.url(root)
    seen = objects.read(url)
    if seen is None:
        return
    try:
        value = pointer.parsed(root, seen)
    except DamagedObject:
        return  # whoever read it before it was damaged loses as well
    if (value.get("fence") or 0) < fence:
        objects.swap(url, seen, objects.to_json(pointer.fenced(value, fence)))


def _url(root: str) -> str:
    return objects.join(root, "publisher.json")


def _content(fence: int, seconds: float, *, freed: bool = False) -> bytes:
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    return objects.to_json(
        {
            "expires": expires.isoformat(timespec="milliseconds"),
            "fence": fence,
            "freed": freed,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "started": _started(os.getpid()),
            "token": secrets.token_hex(8),
        }
    )


def _is_over(holder: dict[str, Any]) -> bool:
    if holder["freed"] or datetime.fromisoformat(holder["expires"]) <= datetime.now(UTC):
        return True
    if holder["host"] != socket.gethostname() or holder.get("started") is None:
        return False
    return bool(_started(int(holder["process"])) != holder["started"])


def _started(process: int) -> str | None:
    """When a process of this machine began, in ticks since its start; None where there is none.

    Process numbers are used again, and in containers the same few by everyone: a holder counts as
    gone only where number, start and machine's boot say so.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}/{rest[18]}"


def _held_by(url: str, holder: dict[str, Any]) -> LeaseHeld:
    return LeaseHeld(
        url,
        expected="no other publisher",
        found=f"process {holder.get('process')} on {holder.get('host')}, until "
        f"{holder.get('expires')}",
        remedy="Wait for it to finish. If it is gone, its lease ends at that time by itself.",
    )
