"""What the image's health check says of processes that are well, hang, fail, or serve nothing."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import cluster
from cluster import ClusterSpec, healthcheck
from tests.support import dask_processes


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


class Failing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(500)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.mark.process
def test_a_dask_process_that_answers_is_well(tmp_path: Path) -> None:
    with dask_processes.scheduler_with_workers(tmp_path, 1, "512MiB") as address:
        with cluster.start(ClusterSpec(kind="address", address=address)) as client:
            port = client.scheduler_info()["services"]["dashboard"]
        assert healthcheck.main((port,)) == 0


def test_one_that_accepts_and_is_silent_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert healthcheck.main((listener.getsockname()[1],), seconds=0.2) == 1


def test_one_that_fails_is_not() -> None:
    with serving(Failing) as port:
        assert healthcheck.main((port,)) == 1


@pytest.mark.process
def test_it_needs_nothing_but_the_standard_library_and_is_well_where_nothing_is_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    code = (
        "import runpy, sys; "
        f"main = runpy.run_path({healthcheck.__file__!r})['main']; sys.exit(main(({closed},)))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], check=False, timeout=60)
    assert done.returncode == 0
