"""Clusters by Coiled, in the user's own cloud account.

The service was not at hand when this was written: the real client was driven against a control
plane of the tests. See docs/run-on-coiled.md for what that leaves open.
"""

# distributed and coiled are typed in part only.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import base64
import math
import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import aiohttp
import coiled
import coiled.batch
import dask.config
from coiled.errors import ClusterCreationError, ServerError
from coiled.exceptions import CoiledException
from coiled.utils import handle_credentials
from distributed import Client

from cluster import workers
from cluster.errors import ClusterError
from cluster.spec import ClusterSpec, SpotPolicy

_SPOT: dict[SpotPolicy, str] = {
    "never": "on-demand",
    "fallback": "spot_with_fallback",
    "only": "spot",
}
_FAILURES = (CoiledException, ServerError, ClusterCreationError, aiohttp.ClientError, OSError)


@contextmanager
def start(spec: ClusterSpec) -> Iterator[Client]:
    """Start a cluster by Coiled, and shut it down at the end.

    ``client.cluster.scale(n)`` changes the number of workers. Without an image, the packages of
    this environment are copied to the machines: good for development, not for a release.

    Raises
    ------
    ClusterError
        ``cluster.login`` before anything starts, where there is no login or a bad one;
        ``cluster.refused`` where Coiled refuses, ``cluster.no_workers`` where no worker comes.
    """
    check_login(spec)
    try:
        started = coiled.Cluster(
            name=spec.name,
            n_workers=spec.workers,
            workspace=spec.workspace,
            region=spec.region,
            spot_policy=_SPOT[spec.spot],
            idle_timeout=f"{spec.idle_timeout:g} seconds",
            tags=dict(spec.tags),
            environ=dict(spec.environment),
            worker_cpu=cores(spec, 1),
            worker_memory=memory(spec, 1),
            worker_options={"nthreads": spec.threads, "memory_limit": spec.worker_memory_bytes},
            wait_for_workers=False,
            shutdown_on_close=True,
            show_widget=False,
            # What this machine's Dask is set to is of no use there, and may be nobody's business.
            send_dask_config=False,
            timeout=spec.connect_timeout,
            **_software(spec),
        )
    except _FAILURES as error:
        raise _refused("a cluster", error) from error
    except TimeoutError as error:
        raise _refused(f"a cluster within {spec.connect_timeout:g} s", error) from error
    with started, Client(started, set_as_default=False) as client:
        try:
            workers.wait_for_one(client, spec.connect_timeout)
        except TimeoutError as error:
            raise ClusterError(
                "cluster.no_workers",
                f"Coiled cluster {started.name}",
                expected=f"a worker that takes tasks within {spec.connect_timeout:g} s",
                found=str(error),
                remedy="Look at the cluster's page for quota and capacity, or take another region.",
            ) from error
        yield client


def check_login(spec: ClusterSpec) -> None:
    """Find a missing or bad login now: Coiled's client would open a browser and wait ten minutes.

    It can go when the client raises where nobody can log in.

    Raises
    ------
    ClusterError
        ``cluster.login``, or ``cluster.unreachable`` where the service does not answer.
    """
    token = dask.config.get("coiled.token", None)
    if not token:
        raise _login("none: no token in Dask's configuration or DASK_COILED__TOKEN")
    asked = handle_credentials(
        token=token,
        workspace=spec.workspace,
        retry=False,
        save=False,
        print_invalid_token_messages=False,
    )
    # In a thread because a notebook has an event loop already.
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(asyncio.run, asyncio.wait_for(_awaited(asked), 30)).result()
        except CoiledException as error:
            raise _login(f"one that is refused: {str(error) or type(error).__name__}") from error
        except (aiohttp.ClientError, OSError, ServerError) as error:
            raise ClusterError(
                "cluster.unreachable",
                "Coiled",
                expected="an answer within 30 s",
                found=str(error) or type(error).__name__,
                remedy="Check the network, and coiled.server in Dask's configuration.",
            ) from error


async def _awaited(asked: Any) -> Any:
    return await asked


def cores(spec: ClusterSpec, workers: int) -> int:
    """Cores of a machine that holds so many workers."""
    return max(1, math.ceil(workers * spec.worker_cores))


def memory(spec: ClusterSpec, workers: int) -> list[str]:
    """Least and most memory of a machine for so many workers.

    A machine has an eighth more than its workers may use: the system lives there, too.
    """
    least = workers * spec.worker_memory_bytes * 9 / 8 / 2**30
    return [f"{least:.4g} GiB", f"{2 * least:.4g} GiB"]


def _software(spec: ClusterSpec) -> dict[str, str]:
    # Without an image the client copies the packages of this environment.
    return {} if spec.image is None else {"container": spec.image}


def submit(spec: ClusterSpec, name: str, region_file: str, arguments: Sequence[str]) -> int:
    """Send an unattended run as a batch job on one machine as large as all workers; give its id.

    A machine that is taken away is replaced, and the run goes on where the ledger says it stopped.

    Parameters
    ----------
    region_file
        Text of the region file, as written: variables are filled in on the machine.
    arguments
        Further arguments of ``soilft run``.

    Raises
    ------
    ClusterError
        As `start`, and ``cluster.invalid_spec`` without an image: the machine of a job has no
        environment to copy.
    """
    if spec.image is None:
        raise ClusterError(
            "cluster.invalid_spec",
            "cluster image",
            expected="the image that the job runs, in cluster.image or SOILFT_IMAGE",
            found="none",
            remedy="Build it with cluster/Dockerfile, and push it where Coiled can read it.",
        )
    check_login(spec)
    largest = memory(spec, spec.workers)
    try:
        sent = coiled.batch.run(
            script(spec, region_file, arguments),
            name=name,
            workspace=spec.workspace,
            container=spec.image,
            ignore_container_entrypoint=True,
            region=spec.region,
            spot_policy=_SPOT[spec.spot],
            cpu=cores(spec, spec.workers),
            memory="-".join(largest),
            env=dict(spec.environment),
            tag=dict(spec.tags),
            ntasks=1,
            max_retries=3,
        )
    except _FAILURES as error:
        raise _refused(f"the job {name}", error) from error
    return int(sent["cluster_id"])


def script(spec: ClusterSpec, region_file: str, arguments: Sequence[str]) -> str:
    """Give what the machine of a job runs: the region file put down, and one command."""
    # Encoded, so that no quoting matters and Coiled's client finds no file names to upload.
    text = base64.b64encode(region_file.encode()).decode()
    command = shlex.join(
        (
            *("soilft", "run", "region.yaml", "--cluster", "local"),
            *("--workers", str(spec.workers), "--memory", spec.memory),
            *arguments,
        )
    )
    return (
        f'#!/bin/sh\nset -e\ncd "$(mktemp -d)"\necho {text} | base64 -d > region.yaml\n{command}\n'
    )


def _login(found: str) -> ClusterError:
    return ClusterError(
        "cluster.login", "Coiled", expected="a login", found=found, remedy="Run: coiled login"
    )


def _refused(expected: str, error: Exception) -> ClusterError:
    return ClusterError(
        "cluster.refused",
        "Coiled",
        expected=expected,
        found=str(error) or type(error).__name__,
        remedy="Correct what it names, or ask the owner of the workspace.",
    )
