"""A web service on loopback whose answers a test sets: a catalog that vends, or any other that speaks JSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request: path without the query, header names in lower case, the body as JSON where it is some."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """An answer with a status of its own; bytes are sent as they are, those of an iterator one after the other."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class FakeService:
    """What was asked, and what is answered; a path that nobody has set is not found."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], Any] = {}

    def on(self, method: str, path: str, answer: Any) -> None:
        """Set the answer to a path: JSON, an `Answer`, or a function from `Asked` to one of these."""
        self._answers[method, path] = answer

    def paths(self) -> list[str]:
        """Method and path of all requests."""
        return [f"{one.method} {one.path}" for one in self.asked]

    def answer_to(self, asked: Asked) -> Answer:
        """Note a request, and find its answer."""
        self.asked.append(asked)
        found = self._answers.get((asked.method, asked.path), Answer({"message": f"no {asked.path}"}, 404))
        found = found(asked) if callable(found) else found
        return found if isinstance(found, Answer) else Answer(found)


@contextmanager
def serving() -> Iterator[FakeService]:
    """Run the service for the length of the block."""
    fake = FakeService()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def vending(gateway: Any, lifetime_seconds: float, shape: Callable[[dict[str, str]], Any]) -> Callable[[Asked], Any]:
    """Answer each request with fresh keys of a gateway, in the shape of some service."""
    return lambda _asked: shape(gateway.issue(lifetime_seconds))


class _Handler(BaseHTTPRequestHandler):
    fake: FakeService
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body: Any = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Type") == "application/json":
            body = json.loads(body)
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.fake.answer_to(Asked(self.command, unquote(parts.path), parts.query, headers, body))
        parts = answer.body
        if not isinstance(parts, Iterator):
            parts = [parts if isinstance(parts, bytes) else json.dumps(parts).encode()]
        length = {"Content-Length": str(len(parts[0]))} if isinstance(parts, list) else {"Connection": "close"}
        self.send_response(answer.status)
        for name, value in {**length, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # a client that gave up
            for part in parts:
                self.wfile.write(part)

    do_GET = do_POST = _answer  # noqa: N815 - the base class looks for these names
