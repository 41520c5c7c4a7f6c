"""Requests to the Kubernetes API server, and the state of pods in words."""

# kr8s is typed in part only.
# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterable
from typing import Any

import httpx
import kr8s
from kr8s.objects import APIObject, Pod, new_class, object_from_spec

from cluster.errors import ClusterError
from cluster.kubernetes.pods import Manifest
from cluster.kubernetes.render import GROUP, NAME_LABEL

DaskCluster = new_class("DaskCluster", GROUP)
DaskJob = new_class("DaskJob", GROUP)


def default_namespace(namespace: str | None) -> str:
    """Give the namespace: the one named, else that of the current context.

    Raises
    ------
    ClusterError
        ``cluster.no_kubernetes`` where no server is configured, or none answers.
    """
    try:
        server = kr8s.api()
        server.version()
    except (kr8s.APITimeoutError, kr8s.ConnectionClosedError, OSError, httpx.HTTPError) as error:
        raise _no_server(error) from error
    except (kr8s.ServerError, ValueError, TypeError, KeyError) as error:
        # The last two are how kr8s reports a configuration without contexts.
        raise _no_server(error) from error
    return namespace or str(server.namespace)


def _no_server(error: Exception) -> ClusterError:
    return ClusterError(
        "cluster.no_kubernetes",
        "Kubernetes",
        expected="an API server that answers",
        found=str(error) or type(error).__name__,
        remedy="Point KUBECONFIG at a cluster, and try: kubectl version",
    )


def create(manifest: Manifest) -> APIObject:
    """Create an object.

    Raises
    ------
    ClusterError
        ``cluster.refused`` with what the server says of it.
    """
    made = object_from_spec(manifest, allow_unknown_type=True)
    try:
        made.create()
    except (kr8s.ServerError, httpx.HTTPStatusError) as error:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        remedy = "Correct what it names, or ask for the permission it names."
        if kind.startswith("Dask") and _status_of(error) == 404:
            remedy = "Install the operator of dask-kubernetes first: its definitions are missing."
        raise ClusterError(
            "cluster.refused",
            f"{kind} {name}",
            expected="to be created",
            found=str(error),
            remedy=remedy,
        ) from error
    return made


def create_all(manifests: Iterable[Manifest]) -> list[APIObject]:
    """Create objects in order; where one is refused, those before it are deleted again."""
    made: list[APIObject] = []
    try:
        made.extend(create(manifest) for manifest in manifests)
    except BaseException:
        delete_all(made)
        raise
    return made


def delete_all(objects: Iterable[APIObject]) -> None:
    """Delete objects, the last first; what is gone already is passed over."""
    for item in reversed(list(objects)):
        delete(item)


def delete(item: Any) -> bool:
    """Delete an object; give whether it was there."""
    try:
        item.delete()
    except kr8s.NotFoundError:
        return False
    except (kr8s.ServerError, httpx.HTTPStatusError) as error:
        if _status_of(error) != 404:
            raise
        return False
    return True


def own(owner: APIObject, others: Iterable[APIObject]) -> None:
    """Let objects go when their owner goes."""
    owner.refresh()
    metadata = owner.raw["metadata"]
    reference = {
        "apiVersion": owner.version,
        "kind": owner.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    for item in others:
        item.patch({"metadata": {"ownerReferences": [reference]}})


def pods_of(name: str, namespace: str) -> list[Pod]:
    """Give the pods of a cluster or job: scheduler, workers, runner."""
    found = Pod.list(namespace=namespace, label_selector={NAME_LABEL: name})
    pods = [pod for pod in found if isinstance(pod, Pod)]
    return sorted(pods, key=lambda pod: str(pod.name))


def condition(pod: Pod) -> str:
    """Say how a pod is: its phase, and why it waits or ended.

    >>> condition(Pod({"metadata": {"name": "a"}, "status": {"phase": "Running"}}))
    'Running'
    """
    status: dict[str, Any] = pod.raw.get("status", {})
    said = [str(status.get("phase", "not seen by a node yet"))]
    said += [
        f"{item.get('reason')}: {item.get('message')}"
        for item in status.get("conditions", [])
        if item.get("type") == "PodScheduled" and item.get("status") == "False"
    ]
    for container in status.get("containerStatuses", []):
        for state in (container.get("state", {}), container.get("lastState", {})):
            said += [
                f"{how}: {_why(state[how])}" for how in ("waiting", "terminated") if how in state
            ]
    return ", ".join(said)


def _why(state: dict[str, Any]) -> str:
    parts = [state.get("reason"), state.get("message")]
    if "exitCode" in state:
        parts.append(f"exit code {state['exitCode']}")
    return " ".join(str(part) for part in parts if part)


def conditions(name: str, namespace: str) -> str:
    """Say how all pods of a cluster are, in one line."""
    pods = pods_of(name, namespace)
    if not pods:
        return "no pods: is the operator of dask-kubernetes running?"
    return "; ".join(f"pod {pod.name}: {condition(pod)}" for pod in pods)


def _status_of(error: kr8s.ServerError | httpx.HTTPStatusError) -> int | None:
    response = error.response
    return None if response is None else response.status_code
