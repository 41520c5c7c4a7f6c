"""Workers forked from a process that has loaded what they need, one for the whole of a test run.

A worker that is spawned, as those of the product are, takes two seconds of a processor to load its
modules. Commands that tests start as processes of their own still spawn theirs.
"""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dask

METHOD = {"distributed.worker.multiprocessing-method": "forkserver"}
MODULES = (
    "distributed.nanny",
    "distributed.worker",
    "distributed.http.worker",
    "h5py",
    "netCDF4",
    "pipelines.stages.order",
    "rasterio",
    "s3fs",
    "skops.io",
    "xarray",
    "zarr",
)


def use() -> None:
    """Let the clusters of this process fork their workers."""
    from distributed.utils import get_mp_context

    dask.config.set(METHOD)
    get_mp_context()  # sets a list of its own, once
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(MODULES))


@contextmanager
def variables_of_today() -> Iterator[None]:
    """Give workers the variables of now: the fork server has those of its start."""
    with dask.config.set({"distributed.nanny.environ": dict(os.environ)}):
        yield
