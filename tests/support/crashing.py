"""A reader that crashes at files which end in `MARK`, in place of a library's crash on real bytes.

Workers load it by Dask's setting ``distributed.worker.preload``.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from soilft.ingest import ground, reading
from soilft.sources.files import open_granule

MARK = b"a worker ends here"


@contextmanager
def crashing(source: Any, granule: Any) -> Iterator[Any]:
    """As `open_granule`, but for the crash."""
    if Path(granule.url).read_bytes().endswith(MARK):
        os.kill(os.getpid(), signal.SIGSEGV)
    with open_granule(source, granule) as opened:
        yield opened


def dask_setup(worker: object) -> None:
    """Let the worker read by `crashing`."""
    reading.open_granule = ground.open_granule = crashing  # type: ignore[assignment]
