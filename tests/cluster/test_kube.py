"""The real thing: pods on the cluster that KUBECONFIG names. Skipped where there is none."""

import os
import secrets
import time
from pathlib import Path

import pytest

import cluster
from cluster.unattended import ENDED
from tests.support import kube
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.kube,
    pytest.mark.slow,
    # kr8s leaves its connections to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def slowly(number: int) -> int:
    """Take a second, so that work is going on when something is lost."""
    time.sleep(1)
    return number**2


def test_scale_up_and_down_and_the_cluster_is_gone_afterwards() -> None:
    from cluster.kubernetes import api

    spec = kube.spec(name=f"soilft-{secrets.token_hex(4)}")
    with cluster.start(spec) as client:
        for workers in (2, 4, 1):
            client.cluster.scale(workers)
            wait_until(lambda n=workers: len(client.nthreads()) == n, f"{workers} workers", 300)
            assert client.gather(client.map(slowly, range(8), pure=False)) == [
                n**2 for n in range(8)
            ]
    namespace = api.default_namespace(None)
    wait_until(lambda: not api.pods_of(str(spec.name), namespace), "the pods gone", 180)


def test_a_worker_pod_killed_in_the_middle_changes_no_result() -> None:
    from cluster.kubernetes import api

    spec = kube.spec(name=f"soilft-{secrets.token_hex(4)}")
    with cluster.start(spec) as client:
        client.wait_for_workers(2, timeout=300)
        futures = client.map(slowly, range(40), pure=False)
        wait_until(lambda: any(f.done() for f in futures), "work going on", 60)
        pods = api.pods_of(str(spec.name), api.default_namespace(None))
        worker = next(p for p in pods if p.labels["dask.org/component"] == "worker")
        worker.delete(grace_period=0)
        assert client.gather(futures) == [n**2 for n in range(40)]


def test_a_job_runs_to_its_end_and_another_is_cancelled() -> None:
    from cluster.kubernetes import jobs, render

    # Needs a store and an archive that pods reach: the region file is the tester's.
    path = os.environ.get("SOILFT_KUBE_REGION")
    if not path:
        pytest.skip("needs a region file whose store and granules pods reach: SOILFT_KUBE_REGION")
    job = render.Job(Path(path).read_text(encoding="utf-8"))
    holds = os.environ.get("SOILFT_KUBE_SECRET")
    spec = kube.spec(secrets=() if holds is None else (holds,))
    name = f"soilft-{secrets.token_hex(4)}"
    jobs.submit(spec, name, job)
    try:
        wait_until(lambda: jobs.state(name).state in ENDED, "the job's end", 3000)
        assert jobs.state(name).state == "Successful", "\n".join(jobs.logs(name))
        assert any("Published" in line for line in jobs.logs(name))
    finally:
        jobs.cancel(name)
    jobs.submit(spec, name, job)
    wait_until(lambda: jobs.state(name).state == "Running", "the job to run", 300)
    jobs.cancel(name)
    with pytest.raises(cluster.ClusterError, match="soilft submit"):
        jobs.state(name)
