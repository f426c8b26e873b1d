"""What hands out tokens on Azure, and a blob service that says how each request was authorized, all on loopback.

Entra ID speaks TLS, as azure-identity insists on it; its certificate is made for the run and handed out as text.
"""

from __future__ import annotations

import base64
import hmac
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

BODY = b"hello"
IMDS = "/metadata/identity/oauth2/token"
APP_SERVICE = "/app-service/token"
LIFETIME_SECONDS = 3600
_ERROR = '<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>refused</Message></Error>'


@dataclass(frozen=True)
class Seen:
    """One request: how it was authorized, and what else a test may ask."""

    method: str
    path: str
    query: dict[str, str]
    raw_query: str
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def credential(self) -> str:
        """``Bearer X``, ``SharedKey account:...``, ``sig=X`` or ``anonymous``."""
        if "authorization" in self.headers:
            return self.headers["authorization"]
        return f"sig={self.query['sig']}" if "sig" in self.query else "anonymous"


@dataclass
class FakeAzure:
    """What the services were asked, and what they answer.

    Every token that is handed out is new: ``ENTRA1``, ``IMDS2``, ... The blob service takes every request but those
    authorized by a text in ``refused``.
    """

    url: str = ""
    login: str = ""
    certificate: str = ""
    asked: list[Seen] = field(default_factory=list)
    blobs: list[Seen] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    refusal: tuple[int, str] = (403, "AuthenticationFailed")
    app_service_secret: str = "header-secret"
    login_error: str = ""
    minted: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def mint(self, service: str) -> str:
        """A token that was never given before."""
        with self.lock:
            self.minted += 1
            return f"{service}{self.minted}"

    @property
    def used(self) -> list[str]:
        """How the requests of the blob service were authorized."""
        return [seen.credential for seen in self.blobs]


def shared_key(seen: Seen, account: str, key: str) -> str:
    """The header that a key makes for a request.

    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
    """
    names = "content-encoding content-language content-length content-md5 content-type date if-modified-since if-match"
    names += " if-none-match if-unmodified-since range"
    lines = [seen.headers.get(name, "") for name in names.split()]
    lines[2] = "" if lines[2] == "0" else lines[2]
    own = sorted((name, value) for name, value in seen.headers.items() if name.startswith("x-ms-"))
    lines += [f"{name}:{value}" for name, value in own]
    lines += [f"/{account}{seen.path}", *(f"{name}:{value}" for name, value in sorted(seen.query.items()))]
    text = "\n".join([seen.method, *lines])
    digest = hmac.new(base64.b64decode(key), text.encode(), "sha256").digest()
    return f"SharedKey {account}:{base64.b64encode(digest).decode()}"


@contextmanager
def serving(folder: Path) -> Iterator[FakeAzure]:
    """Run the services for the length of the block; the certificate's files go into ``folder``."""
    fake = FakeAzure()
    handler = type("Handler", (_Handler,), {"fake": fake})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    fake.certificate = make_certificate(folder, context)
    with ExitStack() as stack:
        fake.url = f"http://127.0.0.1:{stack.enter_context(_running(handler, None))}"
        fake.login = f"https://127.0.0.1:{stack.enter_context(_running(handler, context))}"
        yield fake


@contextmanager
def _running(handler: Any, context: ssl.SSLContext | None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_certificate(folder: Path, context: ssl.SSLContext) -> str:
    """A certificate for 127.0.0.1, loaded into the context; its PEM text."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "objfs tests")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "login.pem"
    path.write_bytes(private + text)
    context.load_cert_chain(path)
    return text.decode()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeAzure
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        form = dict(parse_qsl(body.decode("latin-1"))) if self.path.endswith("/oauth2/v2.0/token") else {}
        # A + in a query is a plus sign to Azure, not a space.
        query = dict(parse_qsl(url.query.replace("+", "%2B"), keep_blank_values=True))
        seen = Seen(self.command, url.path, query, url.query, headers, form)
        if url.path.endswith("/oauth2/v2.0/token"):
            self._login(seen)
        elif url.path in {IMDS, APP_SERVICE}:
            self._identity(seen)
        else:
            self._blob(seen)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _answer  # noqa: N815 - the base class looks for these names

    def _send(self, status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _login(self, seen: Seen) -> None:
        self.fake.asked.append(seen)
        if self.fake.login_error:
            told = {"error": "invalid_client", "error_description": self.fake.login_error}
            self._send(401, json.dumps(told).encode())
            return
        token = self.fake.mint("ENTRA")
        told = {"token_type": "Bearer", "expires_in": LIFETIME_SECONDS, "access_token": token}
        self._send(200, json.dumps(told).encode())

    def _identity(self, seen: Seen) -> None:
        self.fake.asked.append(seen)
        if seen.path == APP_SERVICE and seen.headers.get("x-identity-header") != self.fake.app_service_secret:
            self._send(401, b"{}")
        elif seen.path == IMDS and seen.headers.get("metadata") != "true":
            self._send(400, b'{"error":"invalid_request","error_description":"Required metadata header not specified"}')
        else:
            expiry = int(datetime.now(UTC).timestamp()) + LIFETIME_SECONDS
            token = self.fake.mint("IMDS" if seen.path == IMDS else "APP")
            told = {"access_token": token, "expires_on": str(expiry), "expires_in": str(LIFETIME_SECONDS)}
            self._send(
                200, json.dumps({**told, "resource": seen.query.get("resource"), "token_type": "Bearer"}).encode()
            )

    def _blob(self, seen: Seen) -> None:
        self.fake.blobs.append(seen)
        if any(text in seen.credential for text in self.fake.refused):
            status, code = self.fake.refusal
            self._send(status, _ERROR.format(code=code).encode(), "application/xml", x_ms_error_code=code)
            return
        facts = {"ETag": '"e"', "Last_Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "x_ms_blob_type": "BlockBlob"}
        if self.command == "PUT":
            # Put Blob From URL, which says what kind of blob it makes, answers as Put Blob does.
            is_copy = "x-ms-copy-source" in seen.headers and "x-ms-blob-type" not in seen.headers
            copied = {"x_ms_copy_status": "success", "x_ms_copy_id": "1"} if is_copy else {}
            self._send(202 if copied else 201, **facts, **copied)
        elif self.command == "DELETE":
            self._send(202)
        elif (told := seen.headers.get("x-ms-range") or seen.headers.get("range")) is not None:
            first, _, last = told.removeprefix("bytes=").partition("-")
            part = BODY[int(first) : int(last or len(BODY)) + 1]
            where = f"bytes {first}-{int(first) + len(part) - 1}/{len(BODY)}"
            self._send(206, part, "text/plain", **facts, Content_Range=where)
        else:
            self._send(200, BODY, "text/plain", **facts)
