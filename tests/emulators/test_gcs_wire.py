"""What obstore's GCS store sends with the arguments that it is given, whatever the environment says."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from objfs.clouds.gcs import GCS
from tests.unit.test_gcs_backends import ACCOUNTS, HOSTILE, built, resolved


@dataclass(frozen=True)
class Sent:
    """One request."""

    method: str
    headers: dict[str, str]


class Recorder(BaseHTTPRequestHandler):
    """Answers every request with an object of three bytes, and keeps its headers."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append(Sent(self.command, headers))
        self.send_response(200)
        self.send_header("content-length", "3")
        self.send_header("etag", '"e"')
        self.send_header("x-goog-generation", "7")
        self.send_header("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        self.end_headers()
        self.wfile.write(b"abc")

    do_GET = do_PUT = answer  # noqa: N815 - as http.server calls them

    def log_message(self, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server():
    """A server whose ``requests`` are what was sent, and whose ``url`` is where it is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as served:
        served.requests, served.url = [], f"http://127.0.0.1:{served.server_port}"
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.mark.parametrize("account", [None, *ACCOUNTS])
def test_requests_carry_what_was_asked_for_and_nothing_of_the_environment(server, monkeypatch, account):
    """A token where there is one, nobody's where there is none."""
    obstore = pytest.importorskip("obstore")
    environ = {**HOSTILE, **ACCOUNTS.get(account, {})}
    for variable, value in environ.items():
        monkeypatch.setenv(variable, value)
    for given, token in (({"bearer_token": "T"}, "T"), ({"anon": True}, None)):
        settings = resolved(
            environ, endpoint_url=server.url, timeout=5, max_retries=0, proxy_excludes="127.0.0.1", **given
        )
        store = built(settings, token=token)
        obstore.put(store, "k", b"x", use_multipart=False)
        obstore.get(store, "k")
    sent = [(request.method, request.headers.get("authorization", "").strip()) for request in server.requests]
    assert sent == [("PUT", "Bearer T"), ("GET", "Bearer T"), ("PUT", "Bearer"), ("GET", "")]


def test_attributes_and_billing_are_headers(server):
    """Of the names that the XML API knows."""
    obstore = pytest.importorskip("obstore")
    attributes, _ = GCS.attributes({"content_type": "text/csv", "metadata": {"a": "1"}})
    store = built(resolved(endpoint_url=server.url, requester_pays="p1", max_retries=0))
    obstore.put(store, "k", b"x", use_multipart=False, attributes=attributes)
    names = ("content-type", "x-goog-meta-a", "x-goog-user-project")
    assert [server.requests[0].headers.get(name) for name in names] == ["text/csv", "1", "p1"]
