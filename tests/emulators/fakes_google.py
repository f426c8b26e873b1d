"""What hands out Google tokens, and a storage service that checks who asks, on one loopback port."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from tests.emulators.fakes_aws import part_of

LIFETIME = timedelta(hours=1)
BODY = b"hello"
METADATA = "/computeMetadata/v1/instance/service-accounts/default"

_XML = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>No.</Message></Error>"


class FakeGoogle:
    """What the services were asked, and what they answer.

    Every token is new: ``JWT1``, ``USER2``, ``METADATA3``, ... The storage takes the tokens in ``accepted``;
    ``bearers`` are the authorizations of its requests, ``forms`` the bodies that the token services were sent.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, str, str]] = []
        self.forms: list[dict[str, Any]] = []
        self.bearers: list[str | None] = []
        self.headers: list[dict[str, str]] = []
        self.accepted: set[str] = set()
        self.metadata_is_there = True
        self._lock = threading.Lock()
        self._minted = 0

    @property
    def paths(self) -> list[str]:
        """Paths that were asked for, in order."""
        return [path for _, _, path in self.requests]

    def mint(self, service: str) -> str:
        """A token that was never given before."""
        with self._lock:
            self._minted += 1
            return f"{service}{self._minted}"


@contextmanager
def serving() -> Iterator[FakeGoogle]:
    """Run the services for the length of the block."""
    fake = FakeGoogle()
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
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


def catch_requests(fake: FakeGoogle, patch: Any) -> None:
    """Have what google-auth sends to Google's own hosts arrive at the fakes; nothing leaves this machine."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def rewritten(self: Any, request: Any, *args: Any, **keywords: Any) -> Any:
        target, here = urlsplit(request.url), urlsplit(fake.url)
        if target.hostname != "127.0.0.1":
            request.headers["X-Meant-Host"] = str(target.hostname)
            request.url = urlunsplit(target._replace(scheme=here.scheme, netloc=here.netloc))
        return send(self, request, *args, **keywords)

    patch.setattr(HTTPAdapter, "send", rewritten)


def claims_of(assertion: str) -> dict[str, Any]:
    """The payload of a JSON web token."""
    payload = assertion.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


class _Handler(BaseHTTPRequestHandler):
    fake: FakeGoogle
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        meant = self.headers.get("X-Meant-Host") or ""
        with self.fake._lock:
            self.fake.requests.append((self.command, meant, path))
        if path == "/":
            self._metadata_root()
        elif path.startswith("/computeMetadata/v1/"):
            self._metadata(path)
        elif path.endswith("/token") or path == "/authenticate":
            self._token(path, body)
        elif path.endswith(":generateAccessToken"):
            self._impersonate(path, body)
        elif path == "/subject":
            self._send(200, b"subject-token", "text/plain")
        else:
            self._storage(path)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - the base class looks for these names

    def _send(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, told: Any, status: int = 200) -> None:
        self._send(status, json.dumps(told).encode(), Metadata_Flavor="Google")

    def _metadata_root(self) -> None:
        if self.fake.metadata_is_there:
            self._send(200, b"computeMetadata/\n", "text/plain", Metadata_Flavor="Google")
        else:
            self._send(404, b"", "text/html")

    def _metadata(self, path: str) -> None:
        if self.headers.get("Metadata-Flavor") != "Google":
            self._send(403, b"", "text/html")
        elif path.endswith("/token"):
            scopes = parse_qs(urlsplit(self.path).query).get("scopes", [""])[0]
            self.fake.forms.append({"scopes": scopes})
            self._json(self._granted("METADATA"))
        else:
            self._json({"email": "robot@project.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]})

    def _granted(self, service: str) -> dict[str, Any]:
        seconds = int(LIFETIME.total_seconds())
        return {"access_token": self.fake.mint(service), "expires_in": seconds, "token_type": "Bearer"}

    def _token(self, path: str, body: bytes) -> None:
        """The token endpoint of a key file, of a user, and Google's STS, by the grant that is asked for."""
        if self.headers.get("Content-Type", "").startswith("application/json"):
            form: dict[str, Any] = json.loads(body)
        else:
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.fake.forms.append(form)
        kinds = {"jwt-bearer": "JWT", "refresh_token": "USER", "token-exchange": "STS"}
        kind = kinds[form["grant_type"].rpartition(":")[2]]
        self._json({**self._granted(kind), "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})

    def _impersonate(self, path: str, body: bytes) -> None:
        signer = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        account = path.rpartition("/")[2].removesuffix(":generateAccessToken")
        self.fake.forms.append({**json.loads(body), "account": account, "signer": signer})
        expiry = datetime.now(UTC) + LIFETIME
        self._json({"accessToken": self.fake.mint("ROBOT"), "expireTime": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def _storage(self, path: str) -> None:
        """One object, over the XML API (obstore) and the JSON API (gcsfs)."""
        given = self.headers.get("Authorization")
        with self.fake._lock:
            self.fake.bearers.append(None if given is None else given.removeprefix("Bearer "))
            self.fake.headers.append({name.lower(): value for name, value in self.headers.items()})
        if (given or "").removeprefix("Bearer ") not in self.fake.accepted:
            self._refuse(path)
        elif path.startswith("/storage/v1/") and "alt=media" not in self.path:
            told = {"name": "key", "bucket": "bucket", "size": str(len(BODY)), "generation": "1", "metageneration": "1"}
            self._json({**told, "updated": "2026-01-01T00:00:00.000Z", "timeCreated": "2026-01-01T00:00:00.000Z"})
        else:
            status, body, headers = part_of(BODY, self.headers.get("Range"))
            facts = {"ETag": '"e"', "Last_Modified": "Thu, 01 Jan 2026 00:00:00 GMT", **headers}
            self._send(status, body if self.command == "GET" else b"", "text/plain", **facts)

    def _refuse(self, path: str) -> None:
        if "/storage/v1/" in path:
            self._json({"error": {"code": 401, "message": "Invalid Credentials", "status": "UNAUTHENTICATED"}}, 401)
        else:
            self._send(401, _XML.format(code="AuthenticationRequired").encode(), "application/xml")
