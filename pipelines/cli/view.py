"""Command ``soilft view``: a release in the browser, served from this machine to nobody else.

The standard library's server does: one reader, small objects, nothing to install. It answers only
GET and HEAD, only below the release, and only browsers that asked for it by its own name, so that a
page elsewhere cannot read through a name that it points here.
"""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any, cast

from pipelines.cli.served import OutsideOfObject, Served, span_of
from pipelines.cli.terminal import err, out
from soilft import __version__
from soilft.errors import ConfigError, StoreError
from soilft.release import page as viewer
from soilft.store import objects

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")


def serve(path: str, port: int, *, browser: bool) -> None:
    """Serve a release until Ctrl-C, and open it where there is a screen."""
    served = Served.of(path)
    with listening(served, port) as server:
        address = f"http://{HOST}:{server.server_port}/{viewer.PAGE}"
        try:
            out.print(f"{served.cube}\n{address}\nCtrl-C ends it.", highlight=False, markup=False)
            if browser and _has_screen():
                webbrowser.open(address)
            # An interrupt that comes just before a wait without end would not end it.
            while not threading.Event().wait(1):
                pass
        except KeyboardInterrupt:
            out.print("Ended.", highlight=False)


@contextmanager
def listening(served: Served, port: int = 0) -> Iterator[ThreadingHTTPServer]:
    """Serve for the length of a ``with`` block.

    Raises
    ------
    ConfigError
        Where the port is not free.
    """
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, served))
    except OSError as error:
        raise ConfigError(
            f"--port {port}",
            expected="a free port of this machine",
            found=os.strerror(error.errno or 0),
            remedy="Leave it out to take a free one.",
        ) from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _has_screen() -> bool:
    """Whether somebody sits at a terminal, and a browser would not take that terminal over."""
    if not sys.stdout.isatty():
        return False
    graphical = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform != "linux" or any(os.environ.get(name) for name in graphical)


class _Handler(BaseHTTPRequestHandler):
    """Answers one browser's requests from what is served."""

    protocol_version = "HTTP/1.1"
    server_version = f"soilft/{__version__}"
    sys_version = ""
    # A browser keeps connections; one that it forgot must not keep a thread for ever.
    timeout = 60

    def __init__(self, served: Served, *arguments: Any) -> None:
        self.served = served
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with an object, or the bytes of it that were asked for."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answer as `do_GET` would, without the bytes."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        host = self.headers.get("Host", "")
        port = cast("ThreadingHTTPServer", self.server).server_port
        if host not in {f"{name}:{port}" for name in _NAMES}:
            self._refuse(HTTPStatus.FORBIDDEN, f"This is {HOST}, not {host!r}.", body=body)
            return
        path = self.path.partition("?")[0]
        if path in ("/", f"/{viewer.FOLDER}", f"/{viewer.FOLDER}/"):
            self._send(HTTPStatus.FOUND, {"Location": f"/{viewer.PAGE}"}, b"", body=body)
            return
        try:
            found = self.served.answer(path)
            if found is None:
                self._refuse(HTTPStatus.NOT_FOUND, "There is no such object.", body=body)
                return
            span = span_of(self.headers.get("Range"), found.size)
            pieces = found.pieces(span)
            first = next(pieces, b"") if body else b""  # what the store refuses is told by a status
        except OutsideOfObject as error:
            more = {"Content-Range": f"bytes */{found.size}" if found else "bytes */0"}
            self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, str(error), more, body=body)
            return
        except StoreError as error:
            err.print(f"error[{error.code}]: {error}", highlight=False, markup=False)
            self._refuse(HTTPStatus.BAD_GATEWAY, str(error), body=body)
            return
        headers = {"Content-Type": objects.content_type(path), "Accept-Ranges": "bytes"}
        if span is not None:
            headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{found.size}"
        status = HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT
        size = found.size if span is None else span.stop - span.start
        self._head(status, headers, size)
        if body:
            self._body(chain([first], pieces))

    def _body(self, pieces: Iterable[bytes]) -> None:
        """Send an object; what is cut off by the store or the browser ends the connection."""
        try:
            for piece in pieces:
                self.wfile.write(piece)
        except StoreError as error:
            err.print(f"error[{error.code}]: {error}", highlight=False, markup=False)
            self.close_connection = True
        except OSError:
            self.close_connection = True

    def _refuse(
        self,
        status: HTTPStatus,
        why: str,
        more: dict[str, str] | None = None,
        *,
        body: bool,
    ) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8", **(more or {})}
        self._send(status, headers, f"{why}\n".encode(), body=body)

    def _send(
        self, status: HTTPStatus, headers: dict[str, str], content: bytes, *, body: bool
    ) -> None:
        self._head(status, headers, len(content))
        if body:
            self._body([content])

    def _head(self, status: HTTPStatus, headers: dict[str, str], size: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        # The next release that is served at this port has other bytes under the same names.
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing of each request; failures of the store are said where they occur."""
