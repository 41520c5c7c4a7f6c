"""What the real operator makes of our objects, and what our calls ask of a server (emulated)."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster import ClusterError
from cluster.kubernetes import api, interactive, jobs, render
from cluster.spec import ClusterSpec
from tests.support import kube_emulator
from tests.support.kube_emulator import Emulator
from tests.support.waiting import wait_until

# kr8s leaves its connections to the garbage collector.
pytestmark = [
    pytest.mark.process,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NAMESPACE = "science"
JOB = render.Job("title: a region\n")


def spec(**changes: Any) -> ClusterSpec:
    given = {"kind": "kubernetes", "workers": 2, "image": "registry/soilft:test"}
    return ClusterSpec(**{**given, **changes})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    # kr8s keeps its connection for the life of a process, so there is one server for all tests.
    with (
        pytest.MonkeyPatch.context() as patch,
        kube_emulator.serve(tmp_path_factory.mktemp("kube"), NAMESPACE) as emulator,
    ):
        patch.setenv("KUBECONFIG", str(emulator.kubeconfig))
        yield emulator
        gc.collect()


@pytest.fixture
def emulator(server: Emulator) -> Iterator[Emulator]:
    yield server
    server.clear()


@pytest.fixture
def operator(emulator: Emulator, tmp_path: Path) -> Iterator[None]:
    with kube_emulator.operator(emulator, tmp_path):
        yield


def containers(deployments: dict[str, dict[str, Any]], part: str) -> list[dict[str, Any]]:
    return [
        item["spec"]["template"]["spec"]["containers"][0]
        for item in deployments.values()
        if item["metadata"]["labels"]["dask.org/component"] == part
    ]


@pytest.mark.slow
def test_the_operator_makes_scheduler_and_workers_of_a_cluster(
    emulator: Emulator, operator: None
) -> None:
    api.create(render.dask_cluster(spec(), "ice", NAMESPACE))
    wait_until(lambda: len(emulator.objects("Deployment")) == 3, "the operator's objects", 60)
    deployments = emulator.objects("Deployment")
    (scheduler,) = containers(deployments, "scheduler")
    workers = containers(deployments, "worker")
    assert scheduler["args"][:2] == ["dask", "scheduler"]
    assert [worker["args"][:2] for worker in workers] == [["dask", "worker"]] * 2
    for worker in workers:
        environment = {item["name"]: item["value"] for item in worker["env"]}
        assert environment["DASK_SCHEDULER_ADDRESS"].startswith("tls://ice-scheduler.science.svc")
        assert environment["DASK_WORKER_NAME"].startswith("ice-default-worker-")
    (service,) = emulator.objects("Service").values()
    assert service["metadata"]["name"] == "ice-scheduler"
    assert {port["port"] for port in service["spec"]["ports"]} == {8786, 8787}


@pytest.mark.slow
def test_the_operator_makes_runner_and_cluster_of_a_job_and_cancel_takes_it_away(
    emulator: Emulator, operator: None
) -> None:
    assert jobs.submit(spec(), "ice", JOB) == NAMESPACE
    wait_until(lambda: emulator.objects("Pod"), "the runner", 60)
    (runner,) = emulator.objects("Pod").values()
    assert runner["metadata"]["name"] == "ice-runner"
    assert runner["spec"]["restartPolicy"] == "Never"
    assert runner["spec"]["containers"][0]["args"][:2] == ["soilft", "run"]
    assert list(emulator.objects("DaskCluster")) == ["ice"]
    wait_until(lambda: jobs.state("ice").state == "ClusterCreated", "the job's state", 30)
    assert list(jobs.state("ice").parts) == ["ice-runner"]
    owner = emulator.objects("ConfigMap")["ice"]["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"]) == ("DaskJob", "ice")
    jobs.cancel("ice")
    for kind in ("DaskJob", "ConfigMap", "Secret", "NetworkPolicy", "Role", "ServiceAccount"):
        assert emulator.objects(kind) == {}, kind


def test_a_job_is_sent_with_all_it_needs_and_fresh_certificates(emulator: Emulator) -> None:
    jobs.submit(spec(), "ice", JOB)
    assert list(emulator.objects("DaskJob")) == ["ice"]
    secret = emulator.objects("Secret")["ice-tls"]
    assert secret["type"] == "kubernetes.io/tls"
    assert set(secret["stringData"]) == {"ca.crt", "tls.crt", "tls.key"}
    assert secret["stringData"]["tls.key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert emulator.objects("ConfigMap")["ice"]["data"]["region.yaml"] == JOB.region_file


def test_a_second_job_of_the_name_waits_for_the_first(emulator: Emulator) -> None:
    jobs.submit(spec(), "ice", JOB)
    with pytest.raises(ClusterError, match="soilft cancel") as refused:
        jobs.submit(spec(), "ice", JOB)
    assert refused.value.code == "cluster.job_exists"
    api.DaskJob.get("ice", namespace=NAMESPACE).patch({"status": {"jobStatus": "Failed"}})
    jobs.submit(spec(), "ice", render.Job("title: another\n"))
    assert emulator.objects("ConfigMap")["ice"]["data"]["region.yaml"] == "title: another\n"
    assert jobs.state("ice").state == "NotSeen"


def test_a_refused_object_leaves_nothing(emulator: Emulator) -> None:
    objects = jobs.manifests(spec(), "ice", NAMESPACE, JOB)
    api.create(objects[-1])  # the job's own name is taken, by somebody who is faster
    with pytest.raises(ClusterError) as refused:
        api.create_all(objects)
    assert refused.value.code == "cluster.refused"
    for kind in ("ConfigMap", "NetworkPolicy", "Role", "RoleBinding", "ServiceAccount"):
        assert emulator.objects(kind) == {}, kind


@pytest.mark.parametrize("call", [jobs.state, jobs.cancel, lambda name: list(jobs.logs(name))])
def test_a_job_that_is_not_there_is_said_to_be_so(emulator: Emulator, call: Any) -> None:
    with pytest.raises(ClusterError, match="soilft submit") as refused:
        call("nothing")
    assert refused.value.code == "cluster.no_job"


def test_the_exit_code_of_the_runner_is_told(emulator: Emulator) -> None:
    jobs.submit(spec(), "ice", JOB)
    labels = {"dask.org/cluster-name": "ice", "dask.org/component": "job-runner"}
    ended = {"terminated": {"exitCode": 3, "reason": "Error"}}
    api.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "ice-runner", "namespace": NAMESPACE, "labels": labels},
            "status": {
                "phase": "Failed",
                "containerStatuses": [{"name": "runner", "state": ended}],
            },
        }
    )
    found = jobs.state("ice")
    assert found.exit_code == 3
    assert found.parts == {"ice-runner": "Failed, terminated: Error exit code 3"}


def test_without_an_operator_the_deadline_holds_and_nothing_is_left(emulator: Emulator) -> None:
    with (
        pytest.raises(ClusterError, match="is the operator of dask-kubernetes running") as refused,
        interactive.start(spec(name="ice", connect_timeout=2)),
    ):
        pass
    assert refused.value.code == "cluster.start_failed"
    for kind in ("DaskCluster", "Secret", "NetworkPolicy", "Role", "ServiceAccount"):
        assert emulator.objects(kind) == {}, kind


def test_a_scheduler_that_cannot_start_is_named_with_the_reason(emulator: Emulator) -> None:
    labels = {"dask.org/cluster-name": "ice", "dask.org/component": "scheduler"}
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "ice-scheduler-0", "namespace": NAMESPACE, "labels": labels},
        "status": {"phase": "Pending", "containerStatuses": [{"state": waiting}]},
    }
    api.create(pod)
    with (
        pytest.raises(ClusterError, match="ice-scheduler-0: Pending, waiting: ImagePullBackOff"),
        interactive.start(spec(name="ice", connect_timeout=2)),
    ):
        pass


@pytest.mark.parametrize("config", [os.devnull, "/no/such/file"])
def test_no_server_is_said_to_be_none(config: str) -> None:
    # A process of its own: kr8s keeps its connection.
    code = (
        "from cluster import ClusterError\n"
        "from cluster.kubernetes import jobs\n"
        "try: jobs.state('ice')\n"
        "except ClusterError as error: print(error.code)\n"
    )
    nowhere = {**os.environ, "KUBECONFIG": config, "HOME": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=nowhere,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "cluster.no_kubernetes", done.stderr
