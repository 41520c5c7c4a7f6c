"""`soilft view`: a cube for one browser on this machine, and for nobody else."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.cli.served import PIECE_BYTES, Answer, OutsideOfObject, Served, Span, span_of
from pipelines.cli.view import listening
from soilft.errors import ConfigError, StoreError
from soilft.release import page as viewer
from soilft.release.publication import publish
from soilft.store import objects
from tests.support.command import soilft
from tests.support.cubes import make
from tests.support.staged import stage


@dataclass
class Told:
    """A server's answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(address: str, path: str, *, method: str = "GET", **headers: str) -> Told:
    """Send a path as it is: a client that tidies it up would hide what the server does with it."""
    line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        line.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            line.putheader(name, value)
        line.endheaders()
        answer = line.getresponse()
        return Told(answer.status, dict(answer.getheaders()), answer.read())
    finally:
        line.close()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a published release that was made before pages were."""
    root = tmp_path_factory.mktemp("store")
    publish(str(root), stage(str(root), 12, companions={"report": b'{"a": 1}'}))
    (root / "secret.txt").write_text("not below the release")
    place = root / "releases" / "v1.0"
    (place / "way-out").symlink_to(root / "secret.txt")
    return place


@pytest.fixture(scope="module")
def address(release: Path) -> Iterator[str]:
    """Give the address at which that release is served."""
    with listening(Served.of(str(release))) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_path_may_be_a_store_a_release_or_a_cube(release: Path, tmp_path: Path) -> None:
    cube = str(release / "cube.zarr")
    for path in (release.parents[1], release, release / "cube.zarr", f"{release}/"):
        assert Served.of(str(path)) == Served(cube, str(release))
    alone = make(tmp_path / "mine.zarr", "latlon").url
    assert Served.of(alone) == Served(alone, None)


def test_a_path_without_a_cube_is_refused_with_what_is_there(release: Path, tmp_path: Path) -> None:
    (tmp_path / "v1.0").mkdir()
    (tmp_path / "v1.0" / "x").touch()
    (tmp_path / "release").touch()
    with pytest.raises(StoreError, match=r"expected a store .*found release, v1\.0") as refused:
        Served.of(str(tmp_path))
    assert str(tmp_path) in str(refused.value)
    with pytest.raises(StoreError, match="found nothing"):
        Served.of(str(tmp_path / "not-there"))
    with pytest.raises(StoreError, match="found a file"):
        Served.of(str(tmp_path / "release"))
    done = soilft("view", tmp_path / "not-there", code=4)
    assert "error[store]" in done.stderr


@pytest.mark.s3
def test_a_cube_in_a_private_bucket_is_read_with_ones_own_keys(s3_store: str) -> None:
    publish(s3_store, stage(s3_store, 5))
    with listening(Served.of(s3_store)) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        name = "cube.zarr/freeze_thaw_state/c/0/0/0"
        whole = objects.read(f"{s3_store}/releases/v1.0/{name}")
        assert whole is not None
        assert ask(address, f"/{name}").body == whole
        part = ask(address, f"/{name}", Range="bytes=-20")
        assert (part.status, part.body) == (206, whole[-20:])
        assert ask(address, "/cube.zarr/nothing/c/0").status == 404


def test_the_page_of_the_package_shows_a_release_that_has_none(address: str) -> None:
    for name, content in viewer.files().items():
        assert ask(address, f"/{name}").body == content
    page = ask(address, f"/{viewer.PAGE}")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    moved = ask(address, "/")
    assert (moved.status, moved.headers["Location"]) == (302, f"/{viewer.PAGE}")


def test_the_page_of_a_release_comes_before_that_of_the_package(tmp_path: Path) -> None:
    make(tmp_path / "cube.zarr", "latlon")
    (tmp_path / "view").mkdir()
    (tmp_path / "view" / "index.html").write_text("its own")
    with listening(Served(str(tmp_path / "cube.zarr"), str(tmp_path))) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        assert ask(address, "/view/index.html").body == b"its own"


def test_ranges_are_answered_as_http_has_them(address: str, release: Path) -> None:
    name = "/cube.zarr/freeze_thaw_state/c/0/0/0"
    whole = (release / name[1:]).read_bytes()
    size = len(whole)
    for asked, start, stop in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=5-", 5, size),
        (f"bytes=3-{size + 50}", 3, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=-{size + 50}", 0, size),
    ):
        told = ask(address, name, Range=asked)
        assert (told.status, told.body) == (206, whole[start:stop])
        assert told.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
        assert told.headers["Content-Length"] == str(stop - start)
    refused = (
        f"bytes={size}-",
        f"bytes={'9' * 5000}-",
        "bytes=-0",
        "bytes=9-5",
        "bytes=-",
        "bytes=",
        "bytes=--5",
        "bytes=a-b",
        "bytes=1-2-3",
        "bytes=\u00b2-",
    )
    for asked in refused:
        told = ask(address, name, Range=asked)
        assert (told.status, told.headers["Content-Range"]) == (416, f"bytes */{size}")
    for asked in (f"bytes=0-{'9' * 5000}", f"bytes=-{'9' * 5000}", f"BYTES={'0' * 5000}-"):
        told = ask(address, name, Range=asked)
        assert (told.status, told.body) == (206, whole)
    many = "bytes=" + ",".join(["0-"] * 10000)
    for asked in ("bytes=0-1,3-4", many, "lines=1-2", "gibberish", "", "=", "\u00e4\u00f6"):
        told = ask(address, name, Range=asked)
        assert (told.status, told.body) == (200, whole)
    head = ask(address, name, method="HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(size))
    assert head.headers["Accept-Ranges"] == "bytes"
    assert head.headers["Cache-Control"] == "no-store"


def test_an_object_is_never_whole_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(3 * PIECE_BYTES + 5)
    sizes = [len(piece) for piece in Answer(path.stat().st_size, str(path)).pieces(None)]
    assert sizes == [PIECE_BYTES] * 3 + [5]
    within = Span(7, PIECE_BYTES + 9)
    sizes = [len(piece) for piece in Answer(path.stat().st_size, str(path)).pieces(within)]
    assert sizes == [PIECE_BYTES, 2]


def test_ranges_of_an_empty_object_hold_nothing() -> None:
    assert span_of("bytes=0-4", 3) == Span(0, 3)
    with pytest.raises(OutsideOfObject):
        span_of("bytes=0-", 0)


@pytest.mark.parametrize(
    "path",
    [
        "/../../secret.txt",
        "/cube.zarr/../../../secret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/cube.zarr/..%2f..%2f..%2fsecret.txt",
        "/..\\..\\secret.txt",
        "//etc/passwd",
        "/cube.zarr//etc/passwd",
        "/way-out",
        "/cube.zarr/time%00",
        "/cube.zarr",
        "/report",
        "/latest.json",
    ],
)
def test_nothing_but_objects_below_the_release_is_answered(address: str, path: str) -> None:
    told = ask(address, path)
    assert told.status == 404
    assert b"not below" not in told.body


def test_a_name_that_somebody_pointed_here_is_refused(address: str) -> None:
    port = address.rpartition(":")[2]
    for host in (
        "example.org",
        f"example.org:{port}",
        "127.0.0.1",
        f"127.0.0.1.example.org:{port}",
    ):
        assert ask(address, "/release.json", Host=host).status == 403
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert ask(address, "/release.json", Host=host).status == 200


def test_nothing_can_be_written(address: str, release: Path) -> None:
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert ask(address, "/release.json", method=method).status == 501
    assert json.loads((release / "release.json").read_text())["version"] == "v1.0"


def test_a_cube_by_itself_has_no_release_to_tell_of(tmp_path: Path) -> None:
    cube = make(tmp_path / "mine.zarr", "latlon").url
    (tmp_path / "beside.txt").write_text("no part of a cube")
    with listening(Served.of(cube)) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        assert ask(address, "/release.json").body == b"{}"
        assert ask(address, "/beside.txt").status == 404
        assert ask(address, "/cube.zarr/zarr.json").status == 200


def test_a_port_that_is_taken_is_named(address: str, release: Path) -> None:
    port = int(address.rpartition(":")[2])
    with (
        pytest.raises(ConfigError, match=f"--port {port}"),
        listening(Served.of(str(release)), port),
    ):
        pass
    done = soilft("view", release, "--port", port, code=2)
    assert "a free port" in done.stderr
