"""Pod specifications: no root, nothing writable but scratch, limits that hold, probes."""

from dataclasses import dataclass
from typing import Any

from cluster.spec import ClusterSpec, SpotPolicy, Toleration

#: An object of the Kubernetes API, or a part of one.
Manifest = dict[str, Any]

USER = 10001
SCRATCH = "/scratch"
CERTIFICATES = "/etc/soilft/tls"

SCHEDULER_PORT, SCHEDULER_HTTP = 8786, 8787
# Fixed, so that a network policy can name them; every pod has an address of its own.
WORKER_HTTP, WORKER_PORT, NANNY_PORT = 8788, 8789, 8790

#: What a worker has to hand over its results when it is asked to go; spot machines give from 30 s
#: (Google, Azure) to 120 s (AWS).
DRAIN_SECONDS = 110

#: Labels that clouds give to nodes that may be taken away.
SPOT_LABELS = (
    ("cloud.google.com/gke-spot", "true"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("karpenter.sh/capacity-type", "spot"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
)

#: Annotations that keep autoscalers from moving a pod that must not be interrupted.
STAY = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
# The root file system is read-only, and these libraries write at import or at first use.
_CACHES = {
    "HOME": SCRATCH,
    "TMPDIR": SCRATCH,
    "XDG_CACHE_HOME": f"{SCRATCH}/cache",
    "NUMBA_CACHE_DIR": f"{SCRATCH}/numba",
    "MPLCONFIGDIR": f"{SCRATCH}/matplotlib",
    "DASK_TEMPORARY_DIRECTORY": SCRATCH,
}


@dataclass(frozen=True)
class Part:
    """What tells scheduler, worker and runner apart.

    Parameters
    ----------
    name
        Name of the container.
    args
        What it runs; ``args``, not ``command``, so that the image's tini stays the first process,
        and because KubeCluster reads ``args``.
    memory_bytes
        Request and limit of the container.
    ports
        Port by name.
    environment
        Variables beside those that all have.
    secrets
        Names of Secrets whose keys become variables.
    configuration
        Name of the ConfigMap below ``/etc/soilft/run``, if any.
    """

    name: str
    args: tuple[str, ...]
    cores: float
    memory_bytes: int
    ports: tuple[tuple[str, int], ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()
    configuration: str | None = None


def pod_memory(limit_bytes: int) -> int:
    """Memory of a pod whose nanny ends its worker at ``limit_bytes``.

    The rest is the nanny's own, what a worker allocates between two looks of the nanny, and what
    the kernel counts of the pages of files. Below the pod's limit the nanny restarts one process
    and says so; at the pod's limit the kernel kills the pod, and nobody says anything.
    """
    return limit_bytes + max(512 * 2**20, limit_bytes // 8)


def pod(part: Part, spec: ClusterSpec, certificates: str | None, account: str) -> Manifest:
    """Give the PodSpec of a part: hardened, with scratch, certificates and configuration mounted.

    Parameters
    ----------
    certificates
        Name of the Secret with ``ca.crt``, ``tls.crt`` and ``tls.key``; None talks plainly.
    """
    volumes: list[Manifest] = [
        {"name": "scratch", "emptyDir": {"sizeLimit": quantity(4 * part.memory_bytes)}}
    ]
    mounts: list[Manifest] = [{"name": "scratch", "mountPath": SCRATCH}]
    if certificates is not None:
        secret = {"secretName": certificates, "defaultMode": 0o440}
        volumes.append({"name": "tls", "secret": secret})
        mounts.append({"name": "tls", "mountPath": CERTIFICATES, "readOnly": True})
    if part.configuration is not None:
        volumes.append({"name": "run", "configMap": {"name": part.configuration}})
        mounts.append({"name": "run", "mountPath": "/etc/soilft/run", "readOnly": True})
    return {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(part, spec, certificates, mounts)],
        "volumes": volumes,
    }


def _container(
    part: Part, spec: ClusterSpec, certificates: str | None, mounts: list[Manifest]
) -> Manifest:
    environment = {
        **_ONE_THREAD,
        **_CACHES,
        **(tls_environment() if certificates is not None else {}),
        **dict(spec.environment),
        **dict(part.environment),
    }
    memory = quantity(part.memory_bytes)
    container: Manifest = {
        "name": part.name,
        "image": spec.image,
        "args": list(part.args),
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "resources": {
            "requests": {"cpu": f"{round(1000 * part.cores)}m", "memory": memory},
            "limits": {"memory": memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    if part.ports:
        container["ports"] = [
            {"name": name, "containerPort": port, "protocol": "TCP"} for name, port in part.ports
        ]
    if part.secrets:
        container["envFrom"] = [{"secretRef": {"name": name}} for name in part.secrets]
    return container


def tls_environment(folder: str = CERTIFICATES) -> dict[str, str]:
    """Give the variables by which Dask's processes talk over TLS, and refuse to talk otherwise."""
    pair = {"CERT": f"{folder}/tls.crt", "KEY": f"{folder}/tls.key"}
    return {
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": f"{folder}/ca.crt",
        **{
            f"DASK_DISTRIBUTED__COMM__TLS__{role}__{item}": path
            for role in ("SCHEDULER", "WORKER", "CLIENT")
            for item, path in pair.items()
        },
    }


def probes(port: str, *, patience: int) -> Manifest:
    """Give both probes, on the health route of a dashboard.

    Parameters
    ----------
    patience
        How many times in a row the process may be too busy to answer before it is restarted; a
        probe waits ten seconds, and they come every twenty.
    """
    check = {"path": "/health", "port": port}
    return {
        "readinessProbe": {"httpGet": check, "periodSeconds": 5, "timeoutSeconds": 10},
        "livenessProbe": {
            "httpGet": check,
            "initialDelaySeconds": 30,
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": patience,
        },
    }


def affinity(policy: SpotPolicy) -> Manifest:
    """Give the affinity to nodes that may be taken away, by the labels clouds give them."""
    if policy == "never":
        # NotIn holds on nodes without the label.
        expressions = [
            {"key": key, "operator": "NotIn", "values": [value]} for key, value in SPOT_LABELS
        ]
        return _required([{"matchExpressions": expressions}])
    terms = [
        {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
        for key, value in SPOT_LABELS
    ]
    if policy == "only":
        return _required(terms)
    preferred = [{"weight": 100, "preference": term} for term in terms]
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _required(terms: list[Manifest]) -> Manifest:
    selector = {"nodeSelectorTerms": terms}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}


def toleration(value: Toleration) -> Manifest:
    """Give a toleration as the API has it."""
    given = {"key": value.key, "operator": "Exists" if value.value is None else "Equal"}
    if value.value is not None:
        given["value"] = value.value
    if value.effect is not None:
        given["effect"] = value.effect
    return given


def quantity(size: int) -> str:
    """Give bytes as Kubernetes has them, rounded up to a mebibyte.

    >>> quantity(4 * 2**30)
    '4096Mi'
    """
    return f"{-(-size // 2**20)}Mi"
