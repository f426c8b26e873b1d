"""A proxy before the GCS server of the tests: it keeps what is asked, and answers in its place when told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

_OWN = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.method} {unquote(self.path)}"


@dataclass
class Rule:
    """What to answer to the next requests of a kind."""

    matches: Callable[[Asked], bool]
    status: int
    body: bytes
    times: int
    headers: Mapping[str, str] = field(default_factory=dict)


class GCSProxy(ThreadingHTTPServer):
    """The proxy.

    Parameters
    ----------
    upstream
        ``http://host:port``.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: list[Asked] = []
        self.rules: list[Rule] = []

    def answer(
        self, status: int, method: str, part: str = "", *, body: bytes = b"{}", times: int = 1, token: str = ""
    ) -> None:
        """Answer the next requests of a method, whose path has a part and that carry a token, with a status."""

        def matches(asked: Asked) -> bool:
            return asked.method == method and part in asked.path and token in asked.headers.get("authorization", "")

        self.rules.append(Rule(matches, status, body, times))

    def count(self, method: str, part: str = "") -> int:
        """How many requests of a method had a part in their path."""
        return sum(asked.method == method and part in asked.path for asked in self.asked)

    def ruled(self, asked: Asked) -> Rule | None:
        """The rule for a request."""
        for rule in self.rules:
            if rule.times and rule.matches(asked):
                rule.times -= 1
                return rule
        return None


def has_expired_token(asked: Asked) -> bool:
    """Whether a request has no token, or one whose time is over: it ends in a dot and Unix seconds with a fraction."""
    _, _, end = asked.headers.get("authorization", "").partition(" ya29.")[2].partition(".")
    return not end or time.time() >= float(end)


Proxy = TypeVar("Proxy", bound=GCSProxy)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: GCSProxy

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.server.asked.append(asked)
        rule = self.server.ruled(asked)
        if rule is not None:
            self._answer(rule.status, {"Content-Type": "application/json", **rule.headers}, rule.body)
            return
        parts = urlsplit(self.server.upstream)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            sent = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            connection.request(self.command, self.path, body=body, headers={**sent, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            found = {name: value for name, value in answer.getheaders() if name.lower() not in _OWN}
            if "Location" in found:
                # Uploads go on through the proxy.
                found["Location"] = found["Location"].replace(self.server.upstream, self.server.endpoint)
            self._answer(answer.status, found, answer.read(), length=answer.getheader("Content-Length"))
        finally:
            connection.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, length: str | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def running(upstream: str) -> Iterator[GCSProxy]:
    """The proxy, in a thread of its own."""
    with serving(GCSProxy(upstream)) as proxy:
        yield proxy


@contextmanager
def serving(proxy: Proxy) -> Iterator[Proxy]:
    """Any proxy of this kind, in a thread of its own."""
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
