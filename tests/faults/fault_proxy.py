"""A proxy before a test server that plays a bad network: each fault is done to the requests that a rule picks."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from urllib.parse import unquote, urlsplit

from objfs.testing.wire import Head, Wire

FOREVER = 1 << 30
_UPLOAD = re.compile(r"[?&]upload_id=([^&]+)")
# What a silent server waits at most for the client to give up: far longer than any client in these tests waits.
_SILENCE_SECONDS = 60.0
# How far into a body a name is looked for.
_NAMES_BYTES = 4096


@dataclass
class Answer:
    """What the server behind has answered, its body whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    length: int

    def head(self, **changed: str) -> bytes:
        """The head as bytes; ``content_length="3"`` replaces a header."""
        headers = {name.lower(): (name, value) for name, value in self.headers}
        headers["content-length"] = ("Content-Length", str(self.length))
        for name, value in changed.items():
            headers[name.replace("_", "-")] = (name.replace("_", "-"), value)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.values())
        return f"HTTP/1.1 {self.status} proxied\r\n{lines}\r\n".encode("latin-1")


@dataclass
class Exchange:
    """One request on its way through the proxy, whole; what a fault may do with it."""

    client: Wire
    request: Head
    body: bytes
    upstream: str
    own_address: str
    over: threading.Event = field(repr=False)
    # What is done to the requests of an upload that the answer has begun: nothing in them names the object.
    arm: Callable[[str, Rule], None] = field(repr=False)
    rule: Rule | None = None

    def forward(self, *, without: str = "", body: bytes | None = None) -> Answer:
        """Let the server behind answer; ``without`` is a header that gets lost on the way."""
        upstream = HTTPConnection(self.upstream, timeout=_SILENCE_SECONDS)
        upstream.putrequest(self.request.method, self.request.target, skip_host=True, skip_accept_encoding=True)
        for line in self.request.raw.decode("latin-1").split("\r\n")[1:]:
            name, colon, value = line.partition(":")
            if colon and name.lower() not in {"connection", "expect", without}:
                # Links that the server hands out go through the proxy, too.
                upstream.putheader(name, value.strip())
        upstream.endheaders(self.body if body is None else body)
        try:
            answer = upstream.getresponse()
            data = answer.read()
            headers = self._links_to_here(answer.headers)
            begun = _UPLOAD.search(answer.headers.get("location", ""))
            if begun and self.rule is not None:
                self.arm(begun[1], self.rule)
            length = len(data) if self.request.method != "HEAD" else int(answer.headers.get("content-length", 0))
            return Answer(answer.status, headers, data, length)
        finally:
            upstream.close()

    def _links_to_here(self, headers: HTTPMessage) -> list[tuple[str, str]]:
        dropped = {"connection", "transfer-encoding", "keep-alive"}
        return [
            (name, value.replace(self.upstream, self.own_address))
            for name, value in headers.items()
            if name.lower() not in dropped
        ]

    def spare(self, answer: Answer) -> bool:
        """Pass the answer on, as nothing can be done to it; the request was not hit."""
        if self.rule is not None:
            self.rule.hits -= 1
        self.send(answer.head() + answer.body)
        return True

    def send(self, data: bytes) -> None:
        """Send bytes to the client."""
        self.client.send(data)

    def reset(self) -> None:
        """End the connection by a reset (RST) in place of a proper end (FIN)."""
        self.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.sock.close()

    def wait_for_hang_up(self) -> None:
        """Say nothing until the client gives up, or the proxy ends."""
        deadline = time.monotonic() + _SILENCE_SECONDS
        while not self.over.is_set() and time.monotonic() < deadline and self.client.is_idle():
            self.over.wait(0.02)


# Does to an exchange what the fault is about; the connection may go on where it returns True.
Act = Callable[[Exchange], bool | None]


@dataclass
class Rule:
    """What is done to the requests that name one thing.

    Parameters
    ----------
    act
        The fault; None does nothing, and the requests are counted all the same.
    pattern
        Found in the ``METHOD target`` of those that are hit.
    times
        How many are hit.
    requests, hits
        How many there were, and how many of them were hit.
    """

    act: Act | None
    pattern: str = ""
    times: int = FOREVER
    requests: int = 0
    hits: int = 0

    def act_on(self, request: Head) -> Act:
        """What is done to a request, which is counted."""
        self.requests += 1
        line = f"{request.method} {request.target}"
        if self.act is None or self.hits >= self.times or not re.search(self.pattern, line):
            return pass_on
        self.hits += 1
        return self.act


class FaultProxy:
    """A proxy on a free port of loopback, before the server at an endpoint; a thread for each connection.

    Parameters
    ----------
    endpoint
        ``http://host:port`` of the server, or a longer URL.
    """

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self._upstream = parts.netloc
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._rules: dict[str, Rule] = {}
        self._connections: set[Wire] = set()
        self._listener = _Listener(self._serve)
        self.address = f"127.0.0.1:{self._listener.server_address[1]}"
        self.endpoint = parts._replace(netloc=self.address).geturl()

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Serve until the end of the block."""
        serving = threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True)
        serving.start()
        try:
            yield self
        finally:
            self._over.set()
            self._listener.shutdown()
            self._listener.server_close()
            for wire in list(self._connections):
                wire.hang_up()

    def arm(self, mark: str, rule: Rule) -> None:
        """Go by this rule for the requests that have the mark in their target or body."""
        with self._lock:
            self._rules[mark] = rule

    def disarm(self, mark: str) -> None:
        """Pass on what has the mark."""
        with self._lock:
            self._rules.pop(mark, None)

    def _rule_for(self, request: Head, body: bytes) -> Rule:
        target = unquote(request.target)
        with self._lock:
            # Keys that are deleted together are named in the body.
            found = (
                rule for mark, rule in self._rules.items() if mark in target or mark.encode() in body[:_NAMES_BYTES]
            )
            return next(found, Rule(None))

    def _carry_out(self, exchange: Exchange) -> bool:
        rule = self._rule_for(exchange.request, exchange.body)
        with self._lock:
            act = rule.act_on(exchange.request)
        exchange.rule = rule
        goes_on = act(exchange)
        return bool(goes_on) and exchange.request.keeps_alive

    def _serve(self, sock: socket.socket) -> None:
        wire = Wire(sock)
        self._connections.add(wire)
        try:
            while (request := wire.read_head()) is not None:
                if request.expects_continue:
                    wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = b"".join(bytes(piece) for piece in wire.body(request.framing()))
                exchange = Exchange(wire, request, body, self._upstream, self.address, self._over, self.arm)
                if not self._carry_out(exchange):
                    return
        except (OSError, ValueError):  # the client hung up
            pass
        finally:
            self._connections.discard(wire)
            with contextlib.suppress(OSError):
                wire.close()


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                serve(self.request)

        super().__init__(("127.0.0.1", 0), Handler)


def pass_on(exchange: Exchange) -> bool:
    """No fault."""
    answer = exchange.forward()
    exchange.send(answer.head() + answer.body)
    return True
