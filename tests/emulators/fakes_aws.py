"""The services that hand out AWS credentials, and an S3 that checks who asks, on one loopback port."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

EXPIRY = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
METADATA = "/latest/meta-data/iam/security-credentials/"
BODY = b"hello"

_ROLE_ANSWER = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>{expiry}</Expiration></Credentials>
</{action}Result></{action}Response>"""
_ERROR = "<Error><Code>{code}</Code><Message>The provided token has expired.</Message></Error>"


class FakeAws:
    """What the services were asked, and what they answer.

    Every key that is handed out is new: ``IMDS1``, ``STS2``, ... The S3 takes the keys in ``accepted``; ``signers`` are
    the keys of its requests for objects.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, str]] = []
        self.forms: list[dict[str, str]] = []
        self.signers: list[str] = []
        self.accepted: set[str] = set()
        self.refusal = "ExpiredToken"
        self.v1_allowed = True
        self.metadata_token_works = True
        self.container_authorization: str | None = None
        self._lock = threading.Lock()
        self._minted = 0

    def mint(self, service: str) -> str:
        """A key id that was never given before."""
        with self._lock:
            self._minted += 1
            return f"{service}{self._minted}"

    def json_credentials(self, service: str) -> dict[str, str]:
        """Credentials as the metadata and the container endpoint give them."""
        return {
            "Code": "Success",
            "AccessKeyId": self.mint(service),
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": EXPIRY.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@contextmanager
def serving() -> Iterator[FakeAws]:
    """Run the services for the length of the block."""
    fake = FakeAws()
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


def part_of(body: bytes, wanted: str | None) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of an answer to a request with this ``Range`` header (``bytes=A-B`` or none)."""
    if wanted is None:
        return 200, body, {}
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    part = body[int(first) : int(last or len(body)) + 1]
    return 206, part, {"Content_Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"}


class _Handler(BaseHTTPRequestHandler):
    fake: FakeAws
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = urlsplit(self.path).path
        self.fake.requests.append((self.command, path))
        if path == "/latest/api/token":
            self._send(200 if self.fake.metadata_token_works else 403, b"metadata-token")
        elif path.startswith(METADATA):
            self._metadata(path)
        elif path == "/container":
            self._container()
        elif path == "/federation/credentials":
            self._sso()
        elif self.command == "POST" and path == "/":
            self._sts(body)
        else:
            self._s3()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - the base class looks for these names

    def _send(self, status: int, body: bytes, kind: str = "text/plain", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _metadata(self, path: str) -> None:
        token = self.headers.get("X-aws-ec2-metadata-token")
        if token != "metadata-token" and not (token is None and self.fake.v1_allowed):
            self._send(401, b"")
        elif path == METADATA:
            self._send(200, b"role")
        else:
            self._send(200, json.dumps(self.fake.json_credentials("IMDS")).encode(), "application/json")

    def _container(self) -> None:
        if self.headers.get("Authorization") != self.fake.container_authorization:
            self._send(401, b"")
        else:
            self._send(200, json.dumps(self.fake.json_credentials("CONTAINER")).encode(), "application/json")

    def _sso(self) -> None:
        if self.headers.get("x-amz-sso_bearer_token") != "sso-token":
            self._send(401, b"{}", "application/json")
            return
        told = {
            "accessKeyId": self.fake.mint("SSO"),
            "secretAccessKey": "secret",
            "sessionToken": "token",
            "expiration": int(EXPIRY.timestamp() * 1000),
        }
        self._send(200, json.dumps({"roleCredentials": told}).encode(), "application/json")

    def _sts(self, body: bytes) -> None:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.fake.forms.append({**form, "signer": self._signer()})
        action, key = form["Action"], self.fake.mint("STS")
        text = _ROLE_ANSWER.format(action=action, key=key, expiry=EXPIRY.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._send(200, text.encode(), "text/xml")

    def _s3(self) -> None:
        signer = self._signer()
        if urlsplit(self.path).path.count("/") > 1:  # botocore asks for the bucket's region after a bare 400
            self.fake.signers.append(signer)
        if signer not in self.fake.accepted:
            status = 400 if self.fake.refusal == "ExpiredToken" else 403
            self._send(status, _ERROR.format(code=self.fake.refusal).encode(), "application/xml")
        else:
            status, part, headers = part_of(BODY, self.headers.get("Range"))
            facts = {"ETag": '"e"', "Last_Modified": "Thu, 01 Jan 2026 00:00:00 GMT", **headers}
            self._send(status, part if self.command == "GET" else b"", **facts)

    def _signer(self) -> str:
        found = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization") or "")
        return found[1] if found else ""
