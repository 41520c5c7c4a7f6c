"""Watch on the scheduler: where it is lost the block ends, in place of waiting without end."""

import _thread
import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

from distributed import Client

from cluster.errors import ClusterError
from cluster.spec import ClusterSpec

# Not SIGINT: a shell without a terminal has it ignored in what it starts in the background, and a
# signal that is ignored interrupts nobody.
SIGNAL = signal.SIGUSR2


class _Lost(BaseException):
    """Raised in the main thread, past whatever handles what goes wrong in the work itself."""


@contextmanager
def watched(started: AbstractContextManager[Client], spec: ClusterSpec) -> Iterator[Client]:
    """Give the client of a started cluster, and leave the block when its scheduler is gone.

    Dask's client tries to connect again, and whoever waits for its futures in the meantime may wait
    for ever. After ``spec.connect_timeout`` without a scheduler the main thread is interrupted.
    Where the client gives up first, it cancels its futures, and that is the same error. This can go
    when futures of a client that lost its scheduler raise by themselves.

    Raises
    ------
    ClusterError
        ``cluster.lost``.
    """
    with started as client:
        if threading.current_thread() is not threading.main_thread():
            yield client  # only the main thread can be interrupted
            return
        left = threading.Event()

        def leave(_signal: int, _frame: FrameType | None) -> None:
            if not left.is_set():
                raise _Lost

        before = signal.signal(SIGNAL, leave)
        arguments = (client, spec.connect_timeout, left)
        threading.Thread(target=_look, args=arguments, name="watch", daemon=True).start()
        try:
            yield client
        except (_Lost, asyncio.CancelledError, futures.CancelledError) as raised:
            if not isinstance(raised, _Lost) and client.status == "running":
                raise
            raise ClusterError(
                "cluster.lost",
                "cluster",
                expected="a scheduler for as long as there is work",
                found=f"none for {spec.connect_timeout:g} s",
                remedy="Start the same command again: it goes on where this one stopped.",
            ) from None
        finally:
            left.set()
            signal.signal(SIGNAL, signal.SIG_DFL if before is None else before)


def _look(client: Client, seconds: float, left: threading.Event) -> None:
    seen = time.monotonic()
    while not left.wait(0.5):
        if client.status == "running":
            seen = time.monotonic()
        elif time.monotonic() - seen > seconds:
            _thread.interrupt_main(SIGNAL)
            return
