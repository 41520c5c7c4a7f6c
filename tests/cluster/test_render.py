"""Every object that is rendered is one that an API server takes, and says what was promised."""

import copy
from typing import Any

import pytest
import yaml

from cluster.kubernetes import plain, render
from cluster.kubernetes.pods import SCRATCH, pod_memory
from cluster.spec import ClusterSpec, Toleration

pytest.importorskip("dask_kubernetes", reason="needs the extra kubernetes")

import kubernetes_validate
from dask_kubernetes.operator.controller import controller

from tests.support import strict_crd

#: The oldest and the newest server that the schemas are held against.
VERSIONS = ("1.27", "1.37")
NAME, NAMESPACE = "ice", "science"
REGION = "title: ${TITLE}\nstore: s3://bucket/prefix\n"


def spec(**changes: Any) -> ClusterSpec:
    given = {
        "kind": "kubernetes",
        "workers": 3,
        "memory": "4GiB",
        "image": "registry/soilft:test",
        "environment": (("AWS_DEFAULT_REGION", "eu-north-1"),),
        "secrets": ("store-keys",),
        "tags": (("team", "cryosphere"),),
        "spot": "fallback",
        "node_selectors": (("disk", "fast"),),
        "tolerations": (Toleration("cloud.google.com/gke-spot", "true", "NoSchedule"),),
        "egress": ("0.0.0.0/0:443", "10.0.0.0/8:9000"),
    }
    return ClusterSpec(**{**given, **changes})


JOB = render.Job(REGION, ("--store", "s3://bucket/other"))


def everything(one: ClusterSpec) -> list[dict[str, Any]]:
    return [
        render.dask_cluster(one, NAME, NAMESPACE),
        render.dask_job(one, NAME, NAMESPACE, JOB),
        *render.surroundings(one, NAME, NAMESPACE),
        *render.surroundings(one, NAME, NAMESPACE, JOB),
    ]


def pods_of(one: ClusterSpec) -> dict[str, dict[str, Any]]:
    """Pods as the operator's own functions make them of our objects."""
    cluster = render.dask_cluster(one, NAME, NAMESPACE)["spec"]
    job = render.dask_job(one, NAME, NAMESPACE, JOB)["spec"]["job"]
    labels = {"app.kubernetes.io/name": "soilft"}
    scheduler = controller.build_scheduler_deployment_spec(
        NAME, cluster["scheduler"]["spec"], {}, labels
    )
    worker = controller.build_worker_deployment_spec(
        f"{NAME}-default", NAMESPACE, NAME, "0", cluster["worker"]["spec"], {}, labels
    )
    runner = controller.build_job_pod_spec(NAME, NAME, NAMESPACE, job["spec"], {}, labels)
    return {
        "scheduler": scheduler["spec"]["template"]["spec"],
        "worker": worker["spec"]["template"]["spec"],
        "runner": runner["spec"],
        "deployments": {"scheduler": scheduler, "worker": worker, "runner": runner},
    }


SPECS = {
    "full": spec(),
    "plain": ClusterSpec(kind="kubernetes", image="registry/soilft:test"),
    "without tls": spec(tls=False),
    "only spot": spec(spot="only"),
    "own account": spec(service_account="with-identity"),
}


@pytest.mark.process
@pytest.mark.parametrize("one", SPECS.values(), ids=SPECS)
def test_every_object_is_valid_on_a_strict_server(one: ClusterSpec) -> None:
    for manifest in everything(one):
        if manifest["apiVersion"] == render.GROUP:
            assert strict_crd.errors(manifest) == []
        else:
            for version in VERSIONS:
                kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("one", SPECS.values(), ids=SPECS)
def test_what_the_operator_makes_of_them_is_valid_too(one: ClusterSpec) -> None:
    for manifest in pods_of(one)["deployments"].values():
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(
    ("damage", "path"),
    [
        (lambda m: m["spec"]["worker"].update(replicas="2"), "spec/worker/replicas"),
        (lambda m: m["spec"]["scheduler"].pop("service"), "spec/scheduler"),
        (
            lambda m: m["spec"]["worker"]["spec"]["containers"][0].update(imagePullpolicy="Always"),
            "spec/worker/spec/containers/0",
        ),
    ],
)
def test_the_strict_schema_refuses_what_a_server_refuses(damage: Any, path: str) -> None:
    manifest = copy.deepcopy(render.dask_cluster(spec(), NAME, NAMESPACE))
    damage(manifest)
    assert [error.split(":")[0] for error in strict_crd.errors(manifest)] == [path]


@pytest.mark.parametrize("part", ["scheduler", "worker", "runner"])
def test_pods_are_hardened(part: str) -> None:
    pod = pods_of(spec())[part]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    memory = container["resources"]
    assert memory["requests"]["memory"] == memory["limits"]["memory"]


@pytest.mark.parametrize("part", ["scheduler", "worker", "runner"])
def test_all_that_is_written_goes_to_scratch(part: str) -> None:
    pod = pods_of(spec())[part]
    (container,) = pod["containers"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    for name in ("HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR", "TMPDIR"):
        assert environment[name].startswith(SCRATCH)
    writable = [m["name"] for m in container["volumeMounts"] if not m.get("readOnly")]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert writable == ["scratch"]
    assert "emptyDir" in volumes["scratch"]


def test_the_nanny_ends_a_worker_before_the_kernel_ends_the_pod() -> None:
    (container,) = pods_of(spec(memory="4GiB"))["worker"]["containers"]
    args = container["args"]
    nanny = int(args[args.index("--memory-limit") + 1])
    assert nanny == 4 * 2**30
    assert container["resources"]["limits"]["memory"] == f"{pod_memory(nanny) // 2**20}Mi"
    assert pod_memory(nanny) >= nanny + 512 * 2**20


def test_a_worker_hands_over_before_it_goes() -> None:
    pod = pods_of(spec())["worker"]
    command = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command == ["python", "-m", "cluster.drain"]
    assert pod["terminationGracePeriodSeconds"] >= 110


@pytest.mark.parametrize("part", ["scheduler", "worker"])
def test_health_is_asked_where_dask_serves_it(part: str) -> None:
    (container,) = pods_of(spec())[part]["containers"]
    ports = {port["name"] for port in container["ports"]}
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == "/health"
        assert container[probe]["httpGet"]["port"] in ports


def test_commands_are_those_that_this_distributed_has() -> None:
    pods = pods_of(spec())
    assert pods["scheduler"]["containers"][0]["args"][:2] == ["dask", "scheduler"]
    assert pods["worker"]["containers"][0]["args"][:2] == ["dask", "worker"]


@pytest.mark.parametrize("part", ["scheduler", "worker", "runner"])
def test_everybody_talks_tls_with_certificates_from_a_secret(part: str) -> None:
    pod = pods_of(spec())[part]
    (container,) = pod["containers"]
    environment = {item["name"]: item["value"] for item in container["env"]}
    (tls,) = [volume for volume in pod["volumes"] if volume["name"] == "tls"]
    assert tls["secret"]["secretName"] == f"{NAME}-tls"
    assert environment["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] == "True"
    # The operator fills in a plain address where none is given.
    if part != "scheduler":
        assert environment["DASK_SCHEDULER_ADDRESS"].startswith("tls://ice-scheduler.science.svc")


def test_only_those_who_reach_the_store_get_its_keys() -> None:
    pods = pods_of(spec())
    keys = [{"secretRef": {"name": "store-keys"}}]
    assert pods["worker"]["containers"][0]["envFrom"] == keys
    assert pods["runner"]["containers"][0]["envFrom"] == keys
    assert "envFrom" not in pods["scheduler"]["containers"][0]


def test_scheduler_and_runner_never_go_to_machines_that_may_be_taken() -> None:
    pods = pods_of(spec(spot="only"))
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    for part, operators in (("scheduler", {"NotIn"}), ("runner", {"NotIn"}), ("worker", {"In"})):
        terms = pods[part]["affinity"]["nodeAffinity"][required]["nodeSelectorTerms"]
        assert {e["operator"] for term in terms for e in term["matchExpressions"]} == operators
    assert pods["worker"]["nodeSelector"] == {"disk": "fast"}
    assert "nodeSelector" not in pods["scheduler"]
    assert "tolerations" not in pods["runner"]


def test_the_network_is_closed_but_for_the_cluster_names_and_the_store() -> None:
    (policy,) = [
        m for m in render.surroundings(spec(), NAME, NAMESPACE) if m["kind"] == "NetworkPolicy"
    ]
    inside, names, *outside = policy["spec"]["egress"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert inside["to"] == [{"podSelector": {"matchLabels": {"dask.org/cluster-name": NAME}}}]
    assert {port["port"] for port in names["ports"]} == {53}
    assert [(rule["to"][0]["ipBlock"], rule["ports"][0]["port"]) for rule in outside] == [
        ({"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}, 443),
        ({"cidr": "10.0.0.0/8"}, 9000),
    ]
    assert all("from" in rule for rule in policy["spec"]["ingress"])


def test_a_job_runs_the_region_file_as_it_was_written() -> None:
    (files,) = [
        m for m in render.surroundings(spec(), NAME, NAMESPACE, JOB) if m["kind"] == "ConfigMap"
    ]
    (container,) = pods_of(spec())["runner"]["containers"]
    assert files["data"]["region.yaml"] == REGION  # with its variables: they are filled in there
    assert yaml.safe_load(files["data"]["cluster.yaml"])["kind"] == "address"
    assert container["args"] == [
        *("soilft", "run", "/etc/soilft/run/region.yaml"),
        *("--cluster", "/etc/soilft/run/cluster.yaml", "--store", "s3://bucket/other"),
    ]
    assert pods_of(spec())["runner"]["restartPolicy"] == "Never"


def test_no_secret_is_rendered() -> None:
    kinds = {manifest["kind"] for manifest in everything(spec())}
    assert "Secret" not in kinds


def test_yaml_holds_every_object_in_full() -> None:
    objects = everything(spec())
    text = render.to_yaml(objects)
    assert list(yaml.safe_load_all(text)) == objects
    assert "&id" not in text


@pytest.mark.parametrize("name", plain.files())
def test_plain_manifests_are_what_is_rendered(name: str) -> None:
    assert (plain.FOLDER / name).read_text() == plain.files()[name], "run: make manifests"


def test_plain_manifests_are_valid_on_a_strict_server() -> None:
    for name in ("cluster.yaml", "job.yaml"):
        for manifest in yaml.safe_load_all((plain.FOLDER / name).read_text()):
            if manifest["apiVersion"] == render.GROUP:
                assert strict_crd.errors(manifest) == []
            else:
                kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)
