"""What the S3 server of the tests promises, and how its refusals reach a caller of s3fs."""

import errno
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import botocore.session
import pytest
import s3fs
from botocore.exceptions import ClientError

from tests.support import seaweed
from tests.support.started import started

pytestmark = pytest.mark.s3


def request(server: seaweed.S3Server, method: str, path: str, body: bytes | None = None) -> bytes:
    """Send one unsigned request."""
    unsigned = urllib.request.Request(f"{server.endpoint}/{path}", data=body, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(unsigned, timeout=10) as answer:
        return answer.read()


@pytest.fixture
def published(s3: seaweed.S3Server) -> str:
    client = s3.client()
    client.put_object(Bucket=s3.public_bucket, Key="cube/zarr.json", Body=b"{}")
    client.close()
    return f"{s3.public_bucket}/cube/zarr.json"


def test_anyone_reads_and_lists_the_public_bucket(s3: seaweed.S3Server, published: str) -> None:
    assert request(s3, "GET", published) == b"{}"
    listing = request(s3, "GET", f"{s3.public_bucket}?list-type=2&prefix=cube/")
    assert b"<Key>cube/zarr.json</Key>" in listing


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_nobody_changes_the_public_bucket_without_keys(
    s3: seaweed.S3Server, published: str, method: str
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        request(s3, method, published, b"[]" if method == "PUT" else None)
    refused.value.close()
    assert refused.value.code == 403
    assert request(s3, "GET", published) == b"{}"


def test_the_private_bucket_is_closed_to_the_unsigned(s3: seaweed.S3Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        request(s3, "GET", f"{s3.bucket}?list-type=2")
    refused.value.close()
    assert refused.value.code == 403


def test_a_wrong_secret_is_refused(s3: seaweed.S3Server) -> None:
    client = botocore.session.Session().create_client(
        "s3",
        region_name=seaweed.REGION,
        endpoint_url=s3.endpoint,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key="wrong",
    )
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket=s3.bucket, Key="x", Body=b"x")
    client.close()
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_s3fs_finds_the_server_by_its_environment(s3_store: str) -> None:
    fs = s3fs.S3FileSystem()
    fs.pipe_file(f"{s3_store}/a", b"frozen")
    assert fs.cat_file(f"{s3_store}/a") == b"frozen"


def failed_precondition(error: BaseException) -> str:
    """Give the S3 code behind an error of s3fs.

    s3fs has no errno for a failed precondition and raises a plain ``OSError`` with EINVAL; the code
    of the server stands in the response of its cause.
    """
    assert isinstance(error, OSError)
    assert error.errno == errno.EINVAL
    assert isinstance(error.__cause__, ClientError)
    return error.__cause__.response["Error"]["Code"]


def test_create_only_put_fails_where_the_object_is(s3_store: str) -> None:
    fs = s3fs.S3FileSystem()
    path = f"{s3_store}/zarr.json"
    fs.pipe_file(path, b"first", mode="create")
    with pytest.raises(OSError) as refused:  # noqa: PT011 - errno is asserted below
        fs.pipe_file(path, b"second", mode="create")
    assert failed_precondition(refused.value) == "PreconditionFailed"
    assert fs.cat_file(path) == b"first"


def test_compare_and_swap_succeeds_once_for_each_version(s3_store: str) -> None:
    fs = s3fs.S3FileSystem()
    path = f"{s3_store}/latest.json"
    fs.pipe_file(path, b"v1")
    etag = fs.info(path, refresh=True)["ETag"]
    fs.pipe_file(path, b"v2", IfMatch=etag)
    with pytest.raises(OSError) as refused:  # noqa: PT011 - errno is asserted below
        fs.pipe_file(path, b"v3", IfMatch=etag)
    assert failed_precondition(refused.value) == "PreconditionFailed"
    assert fs.cat_file(path) == b"v2"


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_foreground_server_prints_its_environment_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "tests.support.seaweed", "--bucket", "mine"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with started(command, stdout=subprocess.PIPE, env=environment) as foreground:
        assert foreground.stdout is not None
        printed = [foreground.stdout.readline() for _ in range(6)]
        assert "s3://mine is private" in printed[0]
        exported = dict(line.removeprefix("export ").strip().split("=", 1) for line in printed[2:])
        foreground.send_signal(number)
        assert foreground.wait(timeout=30) == 0
    assert set(exported) == {
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    }
    assert list(tmp_path.iterdir()) == []
    port = int(exported["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])
    assert seaweed._is_free(port)
