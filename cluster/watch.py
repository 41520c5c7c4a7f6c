"""A scheduler that is lost ends the block, in place of waiting for it without end."""

import _thread
import threading
import time
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from distributed import Client

from cluster.errors import ClusterError
from cluster.spec import ClusterSpec


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
        lost, left = threading.Event(), threading.Event()
        arguments = (client, spec.connect_timeout, lost, left)
        threading.Thread(target=_look, args=arguments, name="watch", daemon=True).start()
        try:
            yield client
        except (KeyboardInterrupt, CancelledError) as raised:
            gave_up = isinstance(raised, CancelledError) and client.status != "running"
            if not (lost.is_set() or gave_up):
                raise
            raise ClusterError(
                "cluster.lost",
                "cluster",
                "a scheduler for as long as there is work",
                f"none for {spec.connect_timeout:g} s",
                "Start the same command again: it goes on where this one stopped.",
            ) from None
        finally:
            left.set()


def _look(client: Client, seconds: float, lost: threading.Event, left: threading.Event) -> None:
    seen = time.monotonic()
    while not left.wait(0.5):
        if client.status == "running":
            seen = time.monotonic()
        elif time.monotonic() - seen > seconds:
            lost.set()
            _thread.interrupt_main()
            return
