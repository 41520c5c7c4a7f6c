"""What Coiled's real client asks a control plane for when we start a cluster or send a job."""

import base64
import gc
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("coiled", reason="needs the extra coiled")

import dask.config

import cluster
from cluster import ClusterError, ClusterSpec, on_coiled
from tests.support import coiled_server
from tests.support.coiled_server import ControlPlane

# The client leaves its sessions to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def spec(**changes: Any) -> ClusterSpec:
    given = {
        "kind": "coiled",
        "workers": 2,
        "cores": 2,
        "memory": "7GiB",
        "image": "registry/soilft:test",
        "spot": "fallback",
        "idle_timeout": 900.0,
        "tags": (("team", "cryosphere"),),
        "region": "us-east-2",
        "name": "ice",
        "connect_timeout": 60.0,
    }
    return ClusterSpec(**{**given, **changes})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    # The client keeps its connection for the life of a process, so there is one for all tests.
    with (
        pytest.MonkeyPatch.context() as patch,
        coiled_server.serve(tmp_path_factory.mktemp("coiled")) as plane,
        dask.config.set({"coiled.server": plane.url, "coiled.token": coiled_server.TOKEN}),
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        yield plane
        gc.collect()


@pytest.fixture
def plane(server: ControlPlane) -> Iterator[ControlPlane]:
    yield server
    server.forget()


def refusal(plane: ControlPlane, one: ClusterSpec) -> ClusterError:
    started = time.monotonic()
    with pytest.raises(ClusterError) as refused, cluster.start(one):
        pass
    assert time.monotonic() - started < 60
    return refused.value


@pytest.mark.slow
def test_a_cluster_works_over_tls_and_is_gone_afterwards(plane: ControlPlane) -> None:
    with cluster.start(spec()) as client:
        client.wait_for_workers(2, timeout=60)
        assert client.scheduler.address.startswith("tls://")
        assert client.gather(client.map(pow, range(10), [3] * 10)) == [n**3 for n in range(10)]
        assert set(client.run(os.getpid).values()).isdisjoint({os.getpid()})
    (made,) = plane.clusters.values()
    assert made.state == "stopped"
    asked = made.request
    assert asked["name"] == "ice"
    assert asked["workers"] == 2
    assert asked["tags"] == {"team": "cryosphere"}
    assert asked["scheduler_options"] == {"idle_timeout": "900 seconds"}
    assert asked["worker_options"] == {"nthreads": 1, "memory_limit": 7 * 2**30}
    assert "m6i.large" in asked["worker_instance_types"]
    assert not asked.get("dask_config")


@pytest.mark.parametrize("token", [None, "bad-token"])
def test_a_missing_or_bad_login_is_found_before_anything_starts(
    plane: ControlPlane, token: str | None
) -> None:
    with dask.config.set({"coiled.token": token}):
        error = refusal(plane, spec())
    assert (error.code, error.remedy) == ("cluster.login", "Run: coiled login")
    assert plane.clusters == {}
    assert not any("api-tokens" in asked for asked in plane.asked)  # the interactive login


def test_a_service_that_does_not_answer_is_reported(plane: ControlPlane) -> None:
    with dask.config.set({"coiled.server": "http://127.0.0.1:9"}):
        assert refusal(plane, spec()).code == "cluster.unreachable"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"code": "PERMISSIONS_ERROR", "message": "no permission"}),
        (400, {"message": "Quota exceeded"}),
    ],
)
def test_what_the_service_refuses_is_told_in_its_words(
    plane: ControlPlane, status: int, body: dict[str, str]
) -> None:
    plane.refuse = (status, body)
    error = refusal(plane, spec())
    assert error.code == "cluster.refused"
    assert body["message"].lower() in error.found.lower()


def test_a_job_is_one_machine_for_all_workers_with_the_region_file(plane: ControlPlane) -> None:
    text = "title: ${TITLE}\nstore: s3://bucket/prefix\n"
    number = on_coiled.submit(spec(workers=4), "soilft-ice", text, ("--store", "s3://b/o"))
    (job,) = plane.jobs
    (script,) = job["user_files"]
    lines = script["content"].splitlines()
    encoded = next(line for line in lines if line.startswith("echo "))
    assert base64.b64decode(encoded.split()[1]).decode() == text
    assert lines[-1] == (
        "soilft run region.yaml --cluster local --workers 4 --memory 7GiB --store s3://b/o"
    )
    assert job["max_retries"] == 3
    asked = plane.clusters[number].request
    assert asked["name"] == "soilft-ice"
    assert asked["workers"] == 0


def test_a_job_without_an_image_is_refused(plane: ControlPlane) -> None:
    with pytest.raises(ClusterError, match="SOILFT_IMAGE"):
        on_coiled.submit(spec(image=None), "soilft-ice", "title: x\n", ())
    assert plane.jobs == []


def test_a_machine_has_more_memory_than_its_workers_may_use() -> None:
    assert on_coiled.memory(spec(), 1) == ["7.875 GiB", "15.75 GiB"]
    assert on_coiled.cores(spec(), 4) == 8
