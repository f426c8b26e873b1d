"""Google's XML API in front of fake-gcs-server, which writes by the JSON API only.

obstore speaks the XML API (https://cloud.google.com/storage/docs/xml-api/overview), gcsfs the JSON API; here both meet
the same objects: a request for ``/bucket/key`` becomes one or two requests of the JSON API to the server behind, whose
answer (generations, conditions, errors) is told in XML's words. Requests of the JSON API pass as they are, but for
resumable uploads: the server behind does not look at where the bytes of a chunk begin.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

JSON_PATHS = ("/storage/", "/upload/", "/download/", "/batch/", "/_internal/", "/b/", "/resumable/")
# Header of the XML API to the member of the JSON API's object resource.
HEADERS = {
    "content-type": "contentType",
    "cache-control": "cacheControl",
    "content-disposition": "contentDisposition",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "x-goog-storage-class": "storageClass",
}
UNMET = {"error": {"code": 412, "message": "Precondition failed", "errors": [{"reason": "conditionNotMet"}]}}
CODES = {400: "InvalidArgument", 401: "AuthenticationRequired", 403: "AccessDenied", 412: "PreconditionFailed"}


@dataclass
class Session:
    """A resumable upload (https://cloud.google.com/storage/docs/performing-resumable-uploads)."""

    bucket: str
    resource: dict[str, Any]
    query: dict[str, str]
    data: bytearray = field(default_factory=bytearray)
    written: bytes | None = None


@dataclass
class Answer:
    """What the server behind said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Refused(Exception):
    """The answer is an error, told in XML."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class XmlFront(ThreadingHTTPServer):
    """The server; `behind` is set once the server behind is there, which wants to know this one's address.

    Where clients reach it through a proxy, `public_address` is set to the proxy's.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind = ""
        self.public_address = self.address
        # Bucket and key, what belongs to the object, the parts that are here.
        self.uploads: dict[str, tuple[tuple[str, str], dict[str, Any], dict[int, bytes]]] = {}
        self.sessions: dict[str, Session] = {}
        self.ids = itertools.count(1)

    def handle_error(self, *_: Any) -> None:
        """Say nothing: a client may go away at any time, and some tests are about that."""

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def running() -> Iterator[XmlFront]:
    """The server, in a thread of its own."""
    front = XmlFront()
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        front.shutdown()
        thread.join()
        front.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: XmlFront

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self._chunks() if self.headers.get("transfer-encoding") == "chunked" else self.rfile.read(length)
        url = urlsplit(self.path)
        if url.path.startswith("/upload/") and "resumable" in url.query:
            self._resumable(url.path, dict(parse_qsl(url.query)), body)
            return
        if url.path.startswith(JSON_PATHS):
            if self._is_unmet(url.path, dict(parse_qsl(url.query))):
                self._answer(412, json.dumps(UNMET).encode(), {"Content-Type": "application/json; charset=UTF-8"})
                return
            sent = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
            answer = self._ask(self.command, self.path, body, sent)
            self._answer(answer.status, answer.body, answer.headers)
            return
        bucket, _, key = url.path[1:].partition("/")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            self._xml(unquote(bucket), unquote(key), query, body)
        except Refused as refusal:
            text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{refusal.code}</Code></Error>"
            self._answer(refusal.status, text.encode(), {"Content-Type": "application/xml; charset=UTF-8"})

    def _is_unmet(self, path: str, query: Mapping[str, str]) -> bool:
        """Whether the object is of another generation than a request wants; the server behind looks at uploads only."""
        wanted = query.get("ifGenerationMatch")
        if wanted is None or "/o/" not in path:
            return False
        written = path.rpartition("/rewriteTo/")[2].removeprefix("/download")
        if self.command == "POST":
            written = written.removesuffix("/compose")
        found = self._ask("GET", "/storage/v1/" + written.removeprefix("/storage/v1/"))
        return wanted != (str(found.json["generation"]) if found.status == 200 else "0")

    def _resumable(self, path: str, query: dict[str, str], body: bytes) -> None:
        if self.command == "POST" and "upload_id" not in query:
            session_id = f"session-{next(self.server.ids)}"
            resource = {"contentType": self.headers.get("x-upload-content-type"), **json.loads(body or b"{}")}
            resource["name"] = resource.get("name") or query.pop("name")
            more = {name: query[name] for name in query.keys() - {"uploadType", "name"}}
            bucket = path.partition("/b/")[2].partition("/")[0]
            if self._ask("GET", f"/storage/v1/b/{bucket}").status != 200:
                self._answer(404, b'{"error": {"code": 404, "message": "no such bucket"}}')
                return
            self.server.sessions[session_id] = Session(bucket, resource, more)
            about = urlencode({"uploadType": "resumable", "name": resource["name"], "upload_id": session_id})
            place = f"http://{self.server.public_address}{path}?{about}"
            self._answer(200, headers={"Location": place})
            return
        session = self.server.sessions.get(query.get("upload_id", ""))
        if session is None:
            self._answer(404, b"Not Found")
        elif self.command == "DELETE":
            del self.server.sessions[query["upload_id"]]
            self._answer(499)
        else:
            self._chunk(session, body)

    def _chunk(self, session: Session, body: bytes) -> None:
        """Take what is not here yet of a chunk; with no chunk, tell what is here."""
        span, _, total = self.headers.get("content-range", f"bytes */{len(body)}")[len("bytes ") :].partition("/")
        begin = 0 if span == "*" else int(span.partition("-")[0])
        if session.written is None:
            if begin > len(session.data):
                self._answer(400, b"a chunk is missing")
                return
            session.data += body[len(session.data) - begin :]
            if total == "*" or len(session.data) < int(total):
                kept = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
                self._answer(308, headers=kept)
                return
            try:
                told = self._store(session.bucket, session.resource, bytes(session.data), session.query)
            except Refused as refusal:
                said = UNMET if refusal.status == 412 else {"error": {"code": refusal.status, "message": refusal.code}}
                self._answer(refusal.status, json.dumps(said).encode(), {"Content-Type": "application/json"})
                return
            session.written, session.data = json.dumps(told).encode(), bytearray()
        self._answer(200, session.written, {"Content-Type": "application/json; charset=UTF-8"})

    def _chunks(self) -> bytes:
        found = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(found)

    def _ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        connection = HTTPConnection(self.server.behind, timeout=60)
        try:
            connection.request(method, path, body, {**(headers or {}), "Host": self.server.public_address})
            answer: HTTPResponse = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            if name.lower() not in _OWN or (name.lower() == "content-length" and self.command == "HEAD"):
                self.send_header(name, value)
        if self.command != "HEAD" and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # -- the XML API ----------------------------------------------------------------------------------------------

    def _xml(self, bucket: str, key: str, query: Mapping[str, str], body: bytes) -> None:
        if not key and self.command == "GET" and "uploads" in query:
            self._list_uploads(bucket)
        elif not key and self.command == "GET":
            self._list(bucket, query)
        elif "uploads" in query or "uploadId" in query:
            self._upload(bucket, key, query, body)
        elif self.command in ("GET", "HEAD"):
            self._get(bucket, key, query)
        elif self.command == "PUT" and "x-goog-copy-source" in self.headers:
            self._copy(bucket, key)
        elif self.command == "PUT":
            self._written(self._store(bucket, {**self._resource(), "name": key}, body, self._condition()))
        elif self.command == "DELETE":
            self._json("DELETE", _object_path(bucket, key))
            self._answer(204)
        else:
            raise Refused(405, "MethodNotAllowed")

    def _json(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """A request of the JSON API; its refusal in XML's words."""
        answer = self._ask(method, path, body, headers)
        if answer.status < 400:
            return answer
        code = CODES.get(answer.status, "InternalError")
        if answer.status == 404:
            bucket = path.partition("/b/")[2].partition("/")[0].partition("?")[0]
            known = self._ask("GET", f"/storage/v1/b/{bucket}").status == 200
            code = "NoSuchKey" if known else "NoSuchBucket"
        raise Refused(answer.status, code)

    def _get(self, bucket: str, key: str, query: Mapping[str, str]) -> None:
        generation = f"?generation={query['generation']}" if "generation" in query else ""
        found = self._json("GET", _object_path(bucket, key) + generation).json
        headers = _object_headers(found)
        size, first, last = int(found["size"]), 0, int(found["size"]) - 1
        if self.headers.get("if-match") not in (None, "*", headers["ETag"]):
            raise Refused(412, "PreconditionFailed")
        if self.headers.get("if-none-match") in ("*", headers["ETag"]):
            self._answer(304, headers=headers)
            return
        asked = self.headers.get("range", "")
        if asked:
            begin, _, end = asked.removeprefix("bytes=").partition("-")
            first = int(begin) if begin else max(0, size - int(end))
            last = min(int(end), last) if begin and end else last
            if first > last:
                raise Refused(416, "InvalidRange")
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        status = 206 if asked else 200
        if self.command == "HEAD":
            self._answer(status, headers={**headers, "Content-Length": str(last + 1 - first)})
            return
        media = f"{_object_path(bucket, key)}?alt=media&generation={found['generation']}"
        taken = {"Accept-Encoding": self.headers.get("accept-encoding", "identity")}
        if asked and "contentEncoding" not in found:  # what is stored encoded may come decoded, and is cut here
            taken["Range"] = f"bytes={first}-{last}"
        answer = self._json("GET", media, headers=taken)
        self._answer(status, answer.body if answer.status == 206 else answer.body[first : last + 1], headers)

    def _resource(self) -> dict[str, Any]:
        """What the headers of a PUT say of the object."""
        said = {name.lower(): value for name, value in self.headers.items()}
        resource: dict[str, Any] = {member: said[name] for name, member in HEADERS.items() if name in said}
        metadata = {
            name[len("x-goog-meta-") :]: value for name, value in said.items() if name.startswith("x-goog-meta-")
        }
        return {**resource, **({"metadata": metadata} if metadata else {})}

    def _condition(self) -> dict[str, str]:
        wanted = self.headers.get("x-goog-if-generation-match")
        return {} if wanted is None else {"ifGenerationMatch": wanted}

    def _store(self, bucket: str, resource: Mapping[str, Any], body: bytes, more: Mapping[str, str]) -> dict[str, Any]:
        """Write an object with its properties by one request."""
        content_type = resource.get("contentType") or "application/octet-stream"
        told = json.dumps({**resource, "contentType": content_type}).encode()
        mark = b"==objfs-tests-boundary=="
        parts = [
            b"--" + mark + b"\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n" + told,
            b"\r\n--" + mark + b"\r\nContent-Type: " + content_type.encode() + b"\r\n\r\n" + body,
            b"\r\n--" + mark + b"--",
        ]
        query = urlencode({"uploadType": "multipart", **more})
        headers = {"Content-Type": f'multipart/related; boundary="{mark.decode()}"'}
        path = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o?{query}"
        found: dict[str, Any] = self._json("POST", path, b"".join(parts), headers).json
        return found

    def _written(self, found: Mapping[str, Any], body: bytes = b"") -> None:
        kept = {name: value for name, value in _object_headers(found).items() if name.lower() not in HEADERS}
        self._answer(200, body, {**kept, "Content-Type": "application/xml; charset=UTF-8"})

    def _copy(self, bucket: str, key: str) -> None:
        source, _, source_key = unquote(self.headers["x-goog-copy-source"].lstrip("/")).partition("/")
        target = _object_path(bucket, key)
        if self._is_unmet(target, self._condition()):
            raise Refused(412, "PreconditionFailed")
        path = f"{_object_path(source, source_key)}/rewriteTo{target.removeprefix('/storage/v1')}"
        found = self._json("POST", path).json["resource"]
        self._written(found, b"<CopyObjectResult><ETag>" + found["etag"].encode() + b"</ETag></CopyObjectResult>")

    def _upload(self, bucket: str, key: str, query: Mapping[str, str], body: bytes) -> None:
        """Multipart uploads (https://cloud.google.com/storage/docs/multipart-uploads); parts are kept here."""
        if self.command == "POST" and "uploads" in query:
            self._json("GET", f"/storage/v1/b/{quote(bucket, safe='')}")
            upload_id = f"upload-{next(self.server.ids)}"
            self.server.uploads[upload_id] = ((bucket, key), self._resource(), {})
            text = f"<InitiateMultipartUploadResult><Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>"
            self._answer(200, f"{text}<UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>".encode())
            return
        if query.get("uploadId") not in self.server.uploads:
            raise Refused(404, "NoSuchUpload")
        _, resource, parts = self.server.uploads[query["uploadId"]]
        if self.command == "PUT":
            parts[int(query["partNumber"])] = body
            self._answer(200, headers={"ETag": f'"part-{query["partNumber"]}"'})
        elif self.command == "DELETE":
            del self.server.uploads[query["uploadId"]]
            self._answer(204)
        else:
            wanted = [int(node.text or 0) for node in ET.fromstring(body).iter() if _tag(node) == "PartNumber"]
            whole = b"".join(parts[number] for number in wanted)
            found = self._store(bucket, {**resource, "name": key}, whole, self._condition())
            del self.server.uploads[query["uploadId"]]
            text = f"<CompleteMultipartUploadResult><ETag>{escape(_object_headers(found)['ETag'])}</ETag>"
            self._written(found, f"{text}</CompleteMultipartUploadResult>".encode())

    def _list_uploads(self, bucket: str) -> None:
        places = [place for place, _, _ in list(self.server.uploads.values())]
        rows = [f"<Upload><Key>{escape(key)}</Key></Upload>" for at, key in places if at == bucket]
        self._answer(200, f"<ListMultipartUploadsResult>{''.join(rows)}</ListMultipartUploadsResult>".encode())

    def _list(self, bucket: str, query: Mapping[str, str]) -> None:
        names = {
            "prefix": "prefix",
            "delimiter": "delimiter",
            "max-keys": "maxResults",
            "continuation-token": "pageToken",
        }
        asked = {json_name: query[name] for name, json_name in names.items() if query.get(name)}
        if query.get("start-after"):
            asked["startOffset"] = query["start-after"] + "\0"
        found = self._json("GET", f"/storage/v1/b/{quote(bucket, safe='')}/o?{urlencode(asked)}").json
        rows = [
            f"<Contents><Key>{escape(item['name'])}</Key><Size>{item['size']}</Size><ETag>{item['etag']}</ETag>"
            f"<LastModified>{item['updated']}</LastModified></Contents>"
            for item in found.get("items", [])
        ]
        rows += [
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in found.get("prefixes", [])
        ]
        token = found.get("nextPageToken")
        rows += [f"<NextContinuationToken>{escape(token)}</NextContinuationToken>"] if token else []
        self._answer(200, f"<ListBucketResult>{''.join(rows)}</ListBucketResult>".encode())


_OWN = {"connection", "content-length", "date", "host", "keep-alive", "transfer-encoding"}


def _tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def _object_path(bucket: str, key: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(key, safe='')}"


def _object_headers(found: Mapping[str, Any]) -> dict[str, str]:
    """The headers of an object, from its resource."""
    updated = datetime.fromisoformat(found["updated"])
    headers = {
        "ETag": f'"{found["etag"].strip(chr(34))}"',
        "Last-Modified": format_datetime(updated, usegmt=True) if updated.utcoffset() is not None else "",
        "x-goog-generation": str(found["generation"]),
        "x-goog-metageneration": str(found.get("metageneration", 1)),
        "x-goog-stored-content-length": str(found["size"]),
    }
    headers |= {name.title(): found[member] for name, member in HEADERS.items() if found.get(member)}
    return headers | {f"x-goog-meta-{name}": value for name, value in (found.get("metadata") or {}).items()}
