"""A server on loopback that answers each request with whatever a function makes of it, and remembers the requests."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request: its headers have names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """Without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """Decoded."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query, True).items()}


@dataclass(frozen=True)
class Answer:
    """What the server says.

    Parameters
    ----------
    body
        One text, or pieces that are sent one by one until the client has enough.
    headers
        ``Content-Length`` is that of `body` unless it is given here.
    """

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Answering:
    """The running server.

    Parameters
    ----------
    endpoint
        ``http://127.0.0.1:PORT``, or ``https``.
    asked
        The requests so far.
    sent
        Bytes of bodies that were sent so far.
    """

    endpoint: str = ""
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0


@contextlib.contextmanager
def answering(answer: Callable[[Asked], Answer], context: ssl.SSLContext | None = None) -> Iterator[Answering]:
    """Serve on a free port, a thread for each connection; by TLS with a context."""
    state = Answering()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client has had enough
                super().handle_one_request()

        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            state.asked.append(asked)
            told = answer(asked)
            pieces = [told.body] if isinstance(told.body, bytes) else told.body
            length = {"Content-Length": str(len(told.body))} if isinstance(told.body, bytes) else {}
            self.send_response(told.status)
            for name, value in {"Content-Type": "application/xml", **length, **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                for piece in pieces:
                    self.wfile.write(piece)
                    state.sent += len(piece)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = reply  # noqa: N815 - the names are http.server's

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        state.endpoint = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
