"""A control plane on loopback for Coiled's real client, which starts real Dask processes over TLS.

It imitates the service's answers as far as a cluster's life and a batch job need them. It proves
what we ask for, and nothing of what Coiled does with it.
"""

import asyncio
import datetime as dt
import gzip
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from cluster import certificates
from tests.support.dask_processes import ROOT

TOKEN = "good-token"
VM_TYPES = (("m6i.large", 2, 8), ("m6i.xlarge", 4, 16), ("m6i.2xlarge", 8, 32))


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat()


def state(name: str, reason: str = "") -> dict[str, str]:
    return {"state": name, "reason": reason, "updated": now()}


def instance(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "created": now(),
        "name": f"instance-{number}",
        "public_ip_address": "127.0.0.1",
        "private_ip_address": "127.0.0.1",
        "current_state": state("ready"),
        "instance_type_id": "m6i.large",
        "instance_type": {"name": "m6i.large"},
        "gpu_name": None,
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Started:
    """A cluster that was asked for, with its processes."""

    number: int
    request: dict[str, Any]
    port: int
    dashboard: int
    state: str = "ready"
    reason: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)


class ControlPlane:
    """The answers of the service, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pair = certificates.make()
        self.pair.write(folder)
        self.clusters: dict[int, Started] = {}
        self.jobs: list[dict[str, Any]] = []
        self.asked: list[str] = []
        # Status and body for a request to create a cluster, where it is to be refused.
        self.refuse: tuple[int, dict[str, str]] | None = None
        self.url = ""

    def _dask(self, *arguments: str) -> subprocess.Popen[bytes]:
        names = {"ca-file": "ca.crt", "cert": "tls.crt", "key": "tls.key"}
        tls = [part for n, f in names.items() for part in (f"--tls-{n}", str(self.folder / f))]
        command = [sys.executable, "-m", "dask", *arguments, *tls]
        with (self.folder / "dask.log").open("ab") as log:
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        number = len(self.clusters) + 1
        made = self.clusters[number] = Started(number, request, free_port(), free_port())
        if not request.get("batch_job_ids"):
            made.scheduler = self._dask(
                *("scheduler", "--host", "tls://127.0.0.1", "--port", str(made.port)),
                *("--dashboard-address", f"127.0.0.1:{made.dashboard}"),
            )
            for _ in range(request["workers"]):
                self._add_worker(made)
        return {"id": number, "existing": False}

    def _add_worker(self, made: Started) -> None:
        name = f"{made.request['name']}-worker-{len(made.workers)}"
        made.workers[name] = self._dask(
            *("worker", f"tls://127.0.0.1:{made.port}", "--name", name, "--no-dashboard"),
            *("--nthreads", "1", "--no-nanny", "--host", "127.0.0.1"),
            *("--local-directory", str(self.folder)),
        )

    def _details(self, made: Started) -> dict[str, Any]:
        workers = [
            {
                "id": number,
                "name": name,
                "created": now(),
                "current_state": state("started" if process.poll() is None else "stopped"),
                "instance": instance(number),
                "process_id": number,
            }
            for number, (name, process) in enumerate(made.workers.items())
        ]
        scheduler = {
            "id": 1,
            "name": "scheduler",
            "created": now(),
            "current_state": state("started"),
            "instance": instance(1000),
            "dashboard_address": f"http://127.0.0.1:{made.dashboard}",
            "public_address": f"tls://127.0.0.1:{made.port}",
        }
        return {
            "id": made.number,
            "name": made.request["name"],
            "created": now(),
            "account": {"id": 1, "slug": "ws", "name": "ws"},
            "current_state": state(made.state, made.reason),
            "desired_workers": made.request["workers"],
            "workers": workers,
            "scheduler": scheduler,
            "scheduler_port": made.port,
            "cluster_options": {"tls_cert": self.pair.certificate, "tls_key": self.pair.key},
            "cluster_infra": {
                "id": 1,
                "give_scheduler_public_ip": True,
                "current_state": state("created"),
            },
            "user": {"username": "tester"},
            "backend_type": "aws",
            "grafana_url": None,
            "auth_token": "x",
            "spot_policy": None,
            "filestores": [],
        }

    def stop(self, made: Started) -> None:
        """End the processes of a cluster."""
        made.state = "stopped"
        for process in (*made.workers.values(), made.scheduler):
            if process is not None:
                process.kill()
                process.wait()

    def forget(self) -> None:
        """End all processes and forget what was asked."""
        for made in self.clusters.values():
            self.stop(made)
        self.clusters.clear()
        self.jobs.clear()
        self.asked.clear()
        self.refuse = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the service does."""
        body = await request.read()
        path, method = request.path, request.method
        self.asked.append(f"{method} {path}")
        if request.headers.get("Authorization") != f"ApiToken {TOKEN}":
            return web.json_response({"detail": "Invalid token."}, status=401)
        if path.startswith("/api/v2/clusters/account/ws"):
            parts = path.removeprefix("/api/v2/clusters/account/ws").strip("/").split("/")
            if self.refuse is not None and parts == [""] and method == "POST":
                return web.json_response(self.refuse[1], status=self.refuse[0])
            status, found = self._cluster(method, parts, body)
            return web.json_response(found, status=status)
        if "/workers/account/ws/cluster/" in path:
            return web.json_response(self._workers(method, request, body))
        if path == "/api/v2/jobs/compressed":
            self.jobs.append(json.loads(gzip.decompress(body)))
            return web.json_response({"id": len(self.jobs)})
        return web.json_response(self._about(path))

    def _about(self, path: str) -> Any:
        account = {"id": 1, "name": "ws", "slug": "ws", "active_backend": "aws", "is_active": True}
        if path == "/api/v2/user/me":
            return {
                "id": 1,
                "username": "tester",
                "email": "t@example.org",
                "default_account": account,
            }
        if path == "/api/v2/user/me/memberships":
            member = {"id": 1, "account": account, "is_admin": True, "is_default_account": True}
            return [{**member, "limit": 10, "primary": True}]
        if path.endswith("/backend_options/"):
            options = {"provider_name": "aws", "region_name": "us-east-2"}
            return {"backend": "vm_aws", "options": options}
        if path == "/api/v1/vm-types/":
            common = {"gpus": 0, "arch": "x86_64", "backend_type": "vm_aws"}
            types = [{"name": n, "cores": c, "memory": m * 1000, **common} for n, c, m in VM_TYPES]
            return {"results": types, "next": None}
        if path.startswith("/api/v2/software-environment/account/ws"):
            build = {"id": 5, "state": "built", "reason": "", "container_uri": "x"}
            return {"id": 3, "name": "se", "latest_spec": {"id": 4, "latest_build": build}}
        return {}

    def _cluster(self, method: str, parts: list[str], body: bytes) -> tuple[int, Any]:
        if parts == [""]:
            if method == "POST":
                return 200, self._create(json.loads(body))
            alive = [c for c in self.clusters.values() if c.state != "stopped"]
            return 200, [self._details(made) for made in alive]
        if parts[0] == "name":
            for made in self.clusters.values():
                if made.request["name"] == parts[1] and made.state != "stopped":
                    return 200, {"id": made.number}
            return 404, {"detail": "not found"}
        made = self.clusters[int(parts[1])]
        if len(parts) == 2 and method == "DELETE":
            self.stop(made)
            return 200, {}
        if len(parts) == 2:
            return 200, self._details(made)
        if parts[2] == "state":
            return 200, state(made.state)
        named = {"name": made.request["name"]}
        return 200, {"cluster": [{**state(made.state), "stateful_object": named}]}

    def _workers(self, method: str, request: web.Request, body: bytes) -> Any:
        made = self.clusters[int(request.path.strip("/").split("/")[-1])]
        if method == "GET":
            if request.query.get("offset", "0") != "0":
                return []
            return [
                {"name": name, "id": number, "current_state": state("started")}
                for number, name in enumerate(made.workers)
            ]
        if method == "POST":
            wanted = json.loads(body).get("n_workers", 0)
            for _ in range(wanted):
                self._add_worker(made)
            made.request["workers"] += wanted
        return {}


@contextmanager
def serve(folder: Path) -> Iterator[ControlPlane]:
    """Serve on a free loopback port from a thread of this process."""
    plane = ControlPlane(folder)
    port, loop, ready = free_port(), asyncio.new_event_loop(), threading.Event()
    stop = asyncio.Event()

    async def main() -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{any:.*}", plane.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert ready.wait(20), "the control plane did not start"
    plane.url = f"http://127.0.0.1:{port}"
    try:
        yield plane
    finally:
        plane.forget()
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
