"""A container with versions of blobs, as Azure keeps them and Azurite does not, on loopback.

https://learn.microsoft.com/azure/storage/blobs/versioning-overview
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCOUNT = "acc"
_MISSING = '<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>It is not there.</Message></Error>'


@dataclass
class Blobs:
    """Versions of each key, the oldest first; ``None`` at the end means that the blob is deleted."""

    url: str = ""
    versions: dict[str, list[tuple[str, bytes] | None]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    count: int = 0

    def put(self, key: str, data: bytes) -> str:
        """Write a blob; the version that it is."""
        self.count += 1
        version = f"2026-01-01T00:00:00.{self.count:07}Z"
        self.versions.setdefault(key, []).append((version, data))
        return version

    def find(self, key: str, version: str | None) -> tuple[str, bytes] | None:
        """One version, or the current one."""
        known = self.versions.get(key, [])
        if version is None:
            return known[-1] if known else None
        return next((item for item in known if item is not None and item[0] == version), None)

    def delete(self, key: str, version: str | None) -> None:
        """Delete a version for good, or make the current one an old one."""
        if version is None:
            self.versions[key].append(None)
        else:
            self.versions[key] = [item for item in self.versions[key] if item is None or item[0] != version]


@contextmanager
def serving() -> Iterator[Blobs]:
    """Run the service for the length of the block."""
    blobs = Blobs()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"blobs": blobs}))
    server.daemon_threads = True
    blobs.url = f"http://127.0.0.1:{server.server_address[1]}/{ACCOUNT}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield blobs
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    blobs: Blobs
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.blobs.requests.append(f"{self.command} {self.path}")
        _, _, rest = url.path.lstrip("/").partition("/")
        _, _, key = unquote(rest).partition("/")
        if query.get("comp") == "list":
            self._list(query)
        else:
            self._blob(key, query.get("versionid"), body)

    do_GET = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815 - the base class looks for these names

    def _blob(self, key: str, version: str | None, body: bytes) -> None:
        if self.command == "PUT":
            self._send(201, b"", x_ms_version_id=self.blobs.put(key, body), ETag=f'"{self.blobs.count}"')
            return
        found = self.blobs.find(key, version)
        if found is None:
            self._send(404, _MISSING.format(code="BlobNotFound").encode(), x_ms_error_code="BlobNotFound")
            return
        if self.command == "DELETE":
            self.blobs.delete(key, version)
            self._send(202, b"")
            return
        current = self.blobs.find(key, None) == found
        facts = {"x_ms_version_id": found[0], "ETag": f'"{found[0]}"', "x_ms_blob_type": "BlockBlob"}
        facts["x_ms_is_current_version"] = str(current).lower()
        data, span = found[1], self.headers.get("x-ms-range") or self.headers.get("Range")
        if span is None:
            self._send(200, data, **facts)
            return
        first, _, last = span.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last or len(data)) + 1]
        where = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
        self._send(206, part, Content_Range=where, **facts)

    def _list(self, query: dict[str, str]) -> None:
        every, prefix = "versions" in query.get("include", ""), query.get("prefix", "")
        told = [
            _entry(key, *item, current=item == known[-1], every=every)
            for key, known in sorted(self.blobs.versions.items())
            for item in (known if every else known[-1:])
            if item is not None and key.startswith(prefix)
        ]
        text = f'<EnumerationResults ContainerName="c"><Blobs>{"".join(told)}</Blobs><NextMarker/></EnumerationResults>'
        self._send(200, f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode())

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        kind = "application/xml" if body.startswith(b"<?xml") else "text/plain"
        fixed = {"Content-Type": kind, "Content-Length": str(len(body)), "Last-Modified": formatdate(0, usegmt=True)}
        for name, value in {**fixed, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _entry(key: str, version: str, data: bytes, *, current: bool, every: bool) -> str:
    told = f"<VersionId>{version}</VersionId>" if every else ""
    told += "<IsCurrentVersion>true</IsCurrentVersion>" if every and current else ""
    facts = f"<Content-Length>{len(data)}</Content-Length><BlobType>BlockBlob</BlobType><Etag>{version}</Etag>"
    return f"<Blob><Name>{escape(key)}</Name>{told}<Properties>{facts}</Properties></Blob>"
