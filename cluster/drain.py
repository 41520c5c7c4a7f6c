"""Draining of a worker before its machine is taken: ``python -m cluster.drain``.

The pods of workers run this before they are sent SIGTERM. It asks the scheduler to give the worker
nothing more, to move its results to others, and to forget it; then SIGTERM finds an idle process.
"""

# distributed is typed in part only.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import os
import sys

from distributed import Security
from distributed.core import rpc

from cluster.kubernetes.pods import DRAIN_SECONDS


async def drain(scheduler: str, worker: str, seconds: float = DRAIN_SECONDS) -> bool:
    """Retire a worker by name; give whether it was there and everything found another place.

    Raises
    ------
    OSError
        Where the scheduler does not answer; `TimeoutError` is one, too.
    """
    security = Security().get_connection_args("worker")
    async with (
        asyncio.timeout(seconds),
        rpc(scheduler, connection_args=security) as listener,
    ):
        retired = await listener.retire_workers(names=[worker], close_workers=False, remove=True)
    return bool(retired)


def main() -> int:
    """Drain the worker that the environment names; the exit code says whether it was done."""
    scheduler = os.environ["DASK_SCHEDULER_ADDRESS"]
    worker = os.environ["DASK_WORKER_NAME"]
    try:
        done = asyncio.run(drain(scheduler, worker))
    except OSError as error:
        print(f"{worker}: not drained: {error!r}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"{worker}: {'drained' if done else 'not known to the scheduler'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
