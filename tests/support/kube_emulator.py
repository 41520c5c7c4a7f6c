"""An API server in memory, on which the real operator makes its objects.

It is `kmock`, which keeps what it is sent: no schema, no pods that run, no garbage collection. What
is added here is what the operator and our own calls need beside that: uids, and selectors.
"""

import asyncio
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kmock
import yaml

RESOURCES = {
    "v1/pods": "Pod",
    "v1/services": "Service",
    "v1/secrets": "Secret",
    "v1/configmaps": "ConfigMap",
    "v1/serviceaccounts": "ServiceAccount",
    "v1/namespaces": "Namespace",
    "v1/events": "Event",
    "apps/v1/deployments": "Deployment",
    "networking.k8s.io/v1/networkpolicies": "NetworkPolicy",
    "rbac.authorization.k8s.io/v1/roles": "Role",
    "rbac.authorization.k8s.io/v1/rolebindings": "RoleBinding",
    "apiextensions.k8s.io/v1/customresourcedefinitions": "CustomResourceDefinition",
    "kubernetes.dask.org/v1/daskclusters": "DaskCluster",
    "kubernetes.dask.org/v1/daskworkergroups": "DaskWorkerGroup",
    "kubernetes.dask.org/v1/daskjobs": "DaskJob",
    "kubernetes.dask.org/v1/daskautoscalers": "DaskAutoscaler",
}
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")


class ApiServer(kmock.KubernetesEmulator):
    """The emulator, with uids, and with lists that honour selectors."""

    async def _handle(self, request: Any) -> Any:
        if request.action == kmock.action.CREATE and isinstance(request.data, dict):
            metadata = request.data.setdefault("metadata", {})
            metadata.setdefault("uid", str(uuid.uuid4()))
            metadata.setdefault("resourceVersion", "1")
            metadata.setdefault("namespace", request.namespace)
            metadata.setdefault("labels", {})
        return await super()._handle(request)

    async def _serve_list(self, request: Any) -> Any:
        found: Any = await super()._serve_list(request)
        labels = _pairs(request.params.get("labelSelector"))
        names = {value for key, value in _pairs(request.params.get("fieldSelector"))}
        found["items"] = [
            item
            for item in found["items"]
            if all(item["metadata"].get("labels", {}).get(key) == value for key, value in labels)
            and (not names or item["metadata"]["name"] in names)
        ]
        return found


def _pairs(selector: str | None) -> list[tuple[str, str]]:
    """Give the parts of a selector of equalities; of fields, the only one asked for is the name."""
    parts = (part.partition("=") for part in (selector or "").split(",") if part)
    return [(key, value.lstrip("=")) for key, _, value in parts]


class Emulator:
    """What tests ask the running server."""

    def __init__(self, server: ApiServer, kubeconfig: Path) -> None:
        self.server, self.kubeconfig = server, kubeconfig

    def objects(self, kind: str) -> dict[str, dict[str, Any]]:
        """Give the objects of a kind by name."""
        plural = {kind_of: key.rpartition("/")[2] for key, kind_of in RESOURCES.items()}[kind]
        return {
            key[2]: item.raw
            for key, item in list(self.server.objects.items())
            if key[0].plural == plural and not item.deleted
        }

    def clear(self) -> None:
        """Forget all objects."""
        for item in list(self.server.objects.values()):
            if not item.deleted:
                item.delete()


@contextmanager
def serve(folder: Path, namespace: str) -> Iterator[Emulator]:
    """Serve on a free loopback port from a thread of this process."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    found: dict[str, Any] = {}
    stop = asyncio.Event()

    async def main() -> None:
        async with ApiServer() as server, kmock.Server(server) as listening:
            # kr8s asks with a slash at the end, and refuses servers older than it knows.
            server["get /api/"] << server._serve_api
            server["get /apis/"] << server._serve_apis
            server["get /version/"] << {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
            for key, kind in RESOURCES.items():
                server.resources[key] = {
                    "kind": kind,
                    "singular": kind.lower(),
                    "namespaced": kind not in ("Namespace", "CustomResourceDefinition"),
                    "verbs": set(VERBS),
                    "shortnames": set(),
                    "categories": set(),
                    "subresources": {"status"},
                }
            found.update(server=server, url=str(listening.url))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(20), "the emulator did not start"
        config = folder / "kubeconfig"
        config.write_text(yaml.safe_dump(_kubeconfig(found["url"], namespace)))
        yield Emulator(found["server"], config)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextmanager
def operator(emulator: Emulator, folder: Path) -> Iterator[None]:
    """Run the operator of dask-kubernetes, as its container does, against the emulator."""
    command = [
        *(sys.executable, "-m", "kopf", "run", "--standalone", "--all-namespaces"),
        *("-m", "dask_kubernetes.operator.controller"),
    ]
    environment = {**os.environ, "KUBECONFIG": str(emulator.kubeconfig)}
    with (folder / "operator.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


def _kubeconfig(url: str, namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "emulator",
        "clusters": [{"name": "emulator", "cluster": {"server": url}}],
        "users": [{"name": "nobody", "user": {"token": "none"}}],
        "contexts": [
            {
                "name": "emulator",
                "context": {"cluster": "emulator", "user": "nobody", "namespace": namespace},
            }
        ],
    }
