"""An HTTP proxy before an S3 server that refuses requests, loses answers, and counts all."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Unwilling:
    """What the proxy does at present, and what it was asked.

    Parameters
    ----------
    refuses
        Called with method and path; gives the status and code to answer with, or None to pass the
        request on.
    loses
        Called with method and path of what was passed on; whether 500 is answered in place of what
        the server said.
    asked
        Method and path of each request in order, with the status of its answer.
    """

    endpoint: str
    refuses: Callable[[str, str], tuple[int, str] | None] = lambda method, path: None  # noqa: ARG005
    loses: Callable[[str, str], bool] = lambda method, path: False  # noqa: ARG005
    asked: list[tuple[str, str, int]] = field(default_factory=list)


@contextmanager
def before(endpoint: str) -> Iterator[Unwilling]:
    """Give a proxy before a server for the length of a block; a signed host passes as it is."""
    target = endpoint.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            refused = state.refuses(self.command, self.path)
            if refused is not None:
                status, code = refused
                text = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
                state.asked.append((self.command, self.path, status))
                self.send_response(status)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else text)
                return
            there = http.client.HTTPConnection(target, timeout=30)
            there.request(self.command, self.path, content, dict(self.headers))
            response = there.getresponse()
            body = response.read()
            state.asked.append((self.command, self.path, response.status))
            lost = state.loses(self.command, self.path)
            self.send_response_only(500 if lost else response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    self.send_header(name, value)
            length = response.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            there.close()

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = Unwilling(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
