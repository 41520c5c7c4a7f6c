"""Dask clusters of every kind, started or joined in one way.

It turns a `ClusterSpec` into a connected ``distributed.Client``. It knows no science: of soilft it
takes the tree of errors alone.

>>> from cluster import ClusterSpec, start
>>> with start(ClusterSpec(kind="local", workers=2, memory="2GiB")) as client:  # doctest: +SKIP
...     client.submit(pow, 2, 10).result()
1024

- `spec`: the description of a cluster, as a value.
- `profiles`: descriptions that ship with soilft, by name.
- `registry`: the kinds of cluster.
- `errors`: what is raised.

Kinds of cluster:

- `local`: processes on this machine.
- `address`: a cluster that somebody else runs.
- `kubernetes`: Kubernetes, by the operator.
- `on_coiled`: Coiled.

What they need:

- `certificates`: TLS certificates of one cluster.
- `preflight`: checks before work is sent to somebody else's environment.
- `workers`: questions to workers that may end and come meanwhile.
- `watch`: the end of a block whose scheduler is lost.
- `drain`: a worker emptied before its machine is taken.
- `healthcheck`: the health of a Dask process in a container.

Unattended runs:

- `unattended`: their states and refusals, wherever they go.
- `background`: those on this machine.

Policies of S3 for readers, workers and publishers are JSON files in ``policies/``.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from cluster.registry import starter
from cluster.spec import ClusterSpec

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["ClusterError", "ClusterSpec", "dashboard_link", "start", "worker_memory_limit"]


def start(spec: ClusterSpec) -> "AbstractContextManager[Client]":
    """Start or join the cluster that `spec` describes, for the length of a ``with`` block.

    The client does not become the process's default: work goes where it is submitted. To let
    ``.compute()`` of a collection run on the cluster, say so with ``client.as_current()``.

    Parameters
    ----------
    spec
        The cluster. Its kind chooses the module, which is imported only now.

    Returns
    -------
    context manager of distributed.Client
        Connected, with at least one worker. What was started is stopped at the end of the block,
        what was joined is left running.

    Raises
    ------
    ClusterError
        Where the cluster cannot be started or joined, or its scheduler is lost; the code tells the
        case.
    """
    started = starter(spec.kind)(spec)
    if spec.kind == "local":  # its scheduler is in this process
        return started
    from cluster.watch import watched

    return watched(started, spec)


def dashboard_link(client: "Client") -> str | None:
    """Give the URL of the cluster's dashboard, or None where it serves none."""
    services = client.scheduler_info(n_workers=0)["services"]
    return str(client.dashboard_link) if "dashboard" in services else None


def worker_memory_limit(client: "Client") -> int | None:
    """Give the smallest memory limit of the workers, in bytes; None where none has a limit.

    A task goes to any worker, so its peak must fit the smallest.
    """
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return min(
        (worker["memory_limit"] for worker in workers if worker["memory_limit"]), default=None
    )
