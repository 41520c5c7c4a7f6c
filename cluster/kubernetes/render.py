"""Kubernetes objects of a cluster or a job, rendered from a description; nothing is sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from cluster.kubernetes.pods import (
    DRAIN_SECONDS,
    NANNY_PORT,
    SCHEDULER_HTTP,
    SCHEDULER_PORT,
    STAY,
    WORKER_HTTP,
    WORKER_PORT,
    Manifest,
    Part,
    affinity,
    pod,
    pod_memory,
    probes,
    toleration,
)
from cluster.spec import ClusterSpec

GROUP = "kubernetes.dask.org/v1"
NAME_LABEL = "dask.org/cluster-name"  # the operator puts it on every pod it makes
SCHEDULER_BYTES = 2 * 2**30
REGION_FILE, CLUSTER_FILE = "region.yaml", "cluster.yaml"

# The operator asks the scheduler over HTTP who is to retire and since when it has been idle. The
# route is not among Dask's defaults, and the operator's second way, Dask's own protocol, knows no
# TLS. The list can go when the operator brings certificates.
_ROUTES = [
    "distributed.http.scheduler.prometheus",
    "distributed.http.scheduler.info",
    "distributed.http.scheduler.json",
    "distributed.http.scheduler.api",
    "distributed.http.health",
    "distributed.http.proxy",
    "distributed.http.statics",
]


@dataclass(frozen=True)
class Job:
    """An unattended run.

    Parameters
    ----------
    region_file
        Text of the region file, as written: variables are filled in where it runs.
    arguments
        Further arguments of ``soilft run``.
    """

    region_file: str
    arguments: tuple[str, ...] = ()


def scheduler_address(spec: ClusterSpec, name: str, namespace: str) -> str:
    """Give the address at which pods find the scheduler."""
    scheme = "tls" if spec.tls else "tcp"
    return f"{scheme}://{name}-scheduler.{namespace}.svc.cluster.local:{SCHEDULER_PORT}"


def certificates_name(spec: ClusterSpec, name: str) -> str | None:
    """Give the name of the Secret with the certificates, or None where nothing is encrypted."""
    return f"{name}-tls" if spec.tls else None


def dask_cluster(spec: ClusterSpec, name: str, namespace: str) -> Manifest:
    """Give the DaskCluster that the operator makes scheduler and workers of."""
    return {
        "apiVersion": GROUP,
        "kind": "DaskCluster",
        "metadata": _metadata(spec, name, namespace),
        "spec": {
            "idleTimeout": round(spec.idle_timeout),
            "scheduler": _scheduler(spec, name),
            "worker": _workers(spec, name, namespace),
        },
    }


def dask_job(spec: ClusterSpec, name: str, namespace: str, job: Job) -> Manifest:
    """Give the DaskJob: a runner pod, and a cluster that lives as long as the runner.

    The operator drops ``idleTimeout`` from a job's cluster, so it is not given: the cluster ends
    with the runner, whatever becomes of it. It can be given when a release keeps it.
    """
    return {
        "apiVersion": GROUP,
        "kind": "DaskJob",
        "metadata": _metadata(spec, name, namespace),
        "spec": {
            "job": {"metadata": {"annotations": STAY}, "spec": _runner(spec, name, namespace, job)},
            "cluster": {
                "spec": {
                    "scheduler": _scheduler(spec, name),
                    "worker": _workers(spec, name, namespace),
                }
            },
        },
    }


def surroundings(
    spec: ClusterSpec, name: str, namespace: str, job: Job | None = None
) -> list[Manifest]:
    """Give what a cluster or job needs beside itself: account, role, network policy, files.

    The Secrets are referred to, never rendered.
    """
    metadata = _metadata(spec, name, namespace)
    found: list[Manifest] = []
    if spec.service_account is None:
        found += _account(metadata, name, "daskclusters" if job is None else "daskjobs")
    found.append(_network_policy(spec, metadata, name))
    if job is not None:
        settings = f"kind: address\nconnect_timeout: {spec.connect_timeout:g}\n"
        data = {REGION_FILE: job.region_file, CLUSTER_FILE: settings}
        found.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    return found


def certificates_secret(
    spec: ClusterSpec, name: str, namespace: str, contents: dict[str, str]
) -> Manifest:
    """Give the Secret with a cluster's certificates. It is sent, and never printed."""
    metadata = _metadata(spec, name, namespace)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {**metadata, "name": certificates_name(spec, name)},
        "stringData": contents,
    }


class _Plain(yaml.SafeDumper):
    """Writes equal parts out in full: manifests are read by people."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def to_yaml(objects: Iterable[Manifest]) -> str:
    """Give objects as one text of YAML documents, as ``kubectl apply`` takes them."""
    return yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=100, explicit_start=True)


def _metadata(spec: ClusterSpec, name: str, namespace: str) -> Manifest:
    labels = {
        **dict(spec.tags),
        "app.kubernetes.io/name": "soilft",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/managed-by": "soilft",
    }
    return {"name": name, "namespace": namespace, "labels": labels}


def _account_name(spec: ClusterSpec, name: str) -> str:
    return name if spec.service_account is None else spec.service_account


def _scheduler(spec: ClusterSpec, name: str) -> Manifest:
    ports = (("tcp-comm", SCHEDULER_PORT), ("http-dashboard", SCHEDULER_HTTP))
    part = Part(
        "scheduler",
        (
            # Releases of dask-kubernetes up to 2026.3 give `dask-scheduler`, which distributed
            # 2026.6 no longer has (dask/distributed#9335); ours is given in full, here and below.
            # It can be left to the operator's defaults with the first release that gives these.
            *("dask", "scheduler", "--protocol", "tls" if spec.tls else "tcp"),
            *("--port", str(SCHEDULER_PORT), "--dashboard-address", f":{SCHEDULER_HTTP}"),
        ),
        cores=1,
        memory_bytes=SCHEDULER_BYTES,
        ports=ports,
        environment=(("DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES", repr(_ROUTES)),),
    )
    template = pod(part, spec, certificates_name(spec, name), _account_name(spec, name))
    template["containers"][0] |= probes("http-dashboard", patience=6)
    template["affinity"] = affinity("never")
    selector = {NAME_LABEL: name, "dask.org/component": "scheduler"}
    service = {
        "type": "ClusterIP",
        "selector": selector,
        "ports": [
            {"name": port_name, "protocol": "TCP", "port": port, "targetPort": port_name}
            for port_name, port in ports
        ],
    }
    return {"metadata": {"annotations": STAY}, "spec": template, "service": service}


def _workers(spec: ClusterSpec, name: str, namespace: str) -> Manifest:
    part = Part(
        "worker",
        (
            *("dask", "worker", "--name", "$(DASK_WORKER_NAME)"),
            *("--nworkers", "1", "--nthreads", str(spec.threads)),
            *("--memory-limit", str(spec.worker_memory_bytes)),
            *("--worker-port", str(WORKER_PORT), "--nanny-port", str(NANNY_PORT)),
            *("--dashboard-address", f":{WORKER_HTTP}", "--local-directory", "/scratch"),
            *("--death-timeout", f"{spec.connect_timeout:g}"),
        ),
        cores=spec.worker_cores,
        memory_bytes=pod_memory(spec.worker_memory_bytes),
        ports=(("http-dashboard", WORKER_HTTP), ("tcp-comm", WORKER_PORT), ("nanny", NANNY_PORT)),
        environment=(("DASK_SCHEDULER_ADDRESS", scheduler_address(spec, name, namespace)),),
        secrets=spec.secrets,
    )
    template = pod(part, spec, certificates_name(spec, name), _account_name(spec, name))
    container = template["containers"][0]
    # A worker that holds the interpreter lock in one long call is busy, not dead.
    container |= probes("http-dashboard", patience=15)
    # Comes before SIGTERM, on deletion and on eviction: results go to other workers first.
    drain = {"exec": {"command": ["python", "-m", "cluster.drain"]}}
    container["lifecycle"] = {"preStop": drain}
    template["terminationGracePeriodSeconds"] = DRAIN_SECONDS + 10
    template["affinity"] = affinity(spec.spot)
    if spec.node_selectors:
        template["nodeSelector"] = dict(spec.node_selectors)
    if spec.tolerations:
        template["tolerations"] = [toleration(value) for value in spec.tolerations]
    return {"replicas": spec.workers, "spec": template}


def _runner(spec: ClusterSpec, name: str, namespace: str, job: Job) -> Manifest:
    folder = "/etc/soilft/run"
    part = Part(
        "runner",
        (
            *("soilft", "run", f"{folder}/{REGION_FILE}"),
            *("--cluster", f"{folder}/{CLUSTER_FILE}", *job.arguments),
        ),
        cores=1,
        memory_bytes=pod_memory(spec.worker_memory_bytes),
        environment=(("DASK_SCHEDULER_ADDRESS", scheduler_address(spec, name, namespace)),),
        secrets=spec.secrets,
        configuration=name,
    )
    template = pod(part, spec, certificates_name(spec, name), _account_name(spec, name))
    template["affinity"] = affinity("never")
    # The operator takes the end of this pod for the end of the job: a restart would hide it.
    template["restartPolicy"] = "Never"
    return template


def _account(metadata: Manifest, name: str, resource: str) -> list[Manifest]:
    """Give the account of the pods, which may read the object they belong to and nothing else.

    No token is mounted: the account is what cloud identities and policies are attached to.
    """
    rule = {
        "apiGroups": ["kubernetes.dask.org"],
        "resources": [resource],
        "resourceNames": [name],
        "verbs": ["get"],
    }
    group = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": metadata["namespace"]}
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
            "automountServiceAccountToken": False,
        },
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [subject],
        },
    ]


def _network_policy(spec: ClusterSpec, metadata: Manifest, name: str) -> Manifest:
    """Give the policy: pods of the cluster talk to each other, to the store and to names."""
    pods = {"podSelector": {"matchLabels": {NAME_LABEL: name}}}
    inside = [{"protocol": "TCP", "port": SCHEDULER_PORT, "endPort": NANNY_PORT}]
    operator = {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "dask-kubernetes-operator"}},
    }
    http = [{"protocol": "TCP", "port": SCHEDULER_HTTP}]
    names = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata,
        "spec": {
            **pods,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [pods], "ports": inside}, {"from": [operator], "ports": http}],
            "egress": [
                {"to": [pods], "ports": inside},
                {"ports": names},
                *(_outside(rule) for rule in spec.egress),
            ],
        },
    }


def _outside(rule: str) -> Manifest:
    block, _, port = rule.rpartition(":")
    ip: Manifest = {"cidr": block}
    if block == "0.0.0.0/0":
        # The address at which clouds give a node's own credentials to whoever asks.
        ip["except"] = ["169.254.0.0/16"]
    return {"to": [{"ipBlock": ip}], "ports": [{"protocol": "TCP", "port": int(port)}]}
