"""Clusters as users start them: what is tested here is their processes."""

from collections.abc import Iterator

import dask
import pytest

from tests.support import fork_server


@pytest.fixture(scope="module", autouse=True)
def spawned_workers(forked_workers: None) -> Iterator[None]:
    """Spawn workers, though other tests fork theirs."""
    with dask.config.set({"distributed.worker.multiprocessing-method": "spawn"}):
        yield
    fork_server.use()  # some tests here read Dask's settings anew
