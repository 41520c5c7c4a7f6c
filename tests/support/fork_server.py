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
# What distributed measures of itself for a dashboard that nobody looks at here: a fifth of the
# processor time of small tasks. Processes that tests start have it from their environment.
MEASURED = {"admin.tick.interval": "1s", "worker.profile.enabled": "False"}
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
    "soilft.forest.compiled",
    "xarray",
    "zarr",
)


def use() -> None:
    """Let the clusters of this process fork their workers."""
    from distributed.utils import get_mp_context

    for name, value in MEASURED.items():
        os.environ[f"DASK_DISTRIBUTED__{name.upper().replace('.', '__')}"] = value
    dask.config.refresh()
    dask.config.set(METHOD)
    get_mp_context()  # sets a list of its own, once
    multiprocessing.get_context("forkserver").set_forkserver_preload(list(MODULES))


@contextmanager
def variables_of_today() -> Iterator[None]:
    """Give workers the variables of now: the fork server has those of its start."""
    with dask.config.set({"distributed.nanny.environ": dict(os.environ)}):
        yield
