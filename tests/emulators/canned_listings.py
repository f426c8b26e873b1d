"""A server of listings alone, in the words of each cloud, for buckets that would take long to fill; it counts."""

from __future__ import annotations

import contextlib
import json
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

BUCKET: Final = "bucket"
ISO: Final = "2024-02-03T04:05:06.000Z"
HTTP: Final = "Sat, 03 Feb 2024 04:05:06 GMT"
_AFTER_ALL: Final = "\U0010ffff"


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class Canned:
    """Objects of zeros, and what was asked about them.

    Parameters
    ----------
    sizes
        Key to size.
    before_answer
        Called with each request in the thread that answers it.
    change
        Makes another body of the one that would be sent.
    """

    sizes: Mapping[str, int]
    before_answer: Callable[[Asked], None] = lambda _: None
    change: Callable[[bytes], bytes] = lambda body: body
    asked: list[Asked] = field(default_factory=list)
    keys: list[str] = field(init=False)
    endpoint: str = ""

    def __post_init__(self) -> None:
        # As UTF-8 sorts them, which is the order of the services.
        self.keys = sorted(self.sizes)

    def page(self, begin: str, delimiter: str, after: str, limit: int) -> tuple[list[str], list[str], str]:
        """Keys, prefixes and the token of the next page."""
        at = bisect_right(self.keys, after) if after else bisect_left(self.keys, begin)
        keys: list[str] = []
        prefixes: list[str] = []
        last = ""
        while at < len(self.keys) and self.keys[at].startswith(begin):
            if len(keys) + len(prefixes) == limit:
                return keys, prefixes, last
            key = self.keys[at]
            cut = key.find(delimiter, len(begin)) if delimiter else -1
            if cut < 0:
                keys.append(key)
                last, at = key, at + 1
            else:
                prefixes.append(key[: cut + 1])
                last = prefixes[-1] + _AFTER_ALL
                at = bisect_right(self.keys, last)
        return keys, prefixes, ""

    # -- S3 ---------------------------------------------------------------------------------------------------------

    def s3(self, query: Mapping[str, str]) -> tuple[bytes, str]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html."""
        token = bytes.fromhex(query.get("continuation-token", "")).decode()
        limit = int(query.get("max-keys", "1000"))
        keys, prefixes, following = self.page(query.get("prefix", ""), query.get("delimiter", ""), token, limit)
        encode = quote if query.get("encoding-type") else escape
        parts = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<ListBucketResult xmlns="http://s3/">',
            f"<Name>{BUCKET}</Name>",
        ]
        parts.append("<EncodingType>url</EncodingType>" if query.get("encoding-type") else "")
        parts.append(f"<IsTruncated>{str(bool(following)).lower()}</IsTruncated>")
        parts.append(f"<NextContinuationToken>{following.encode().hex()}</NextContinuationToken>" if following else "")
        parts += [
            f"<Contents><Key>{encode(key)}</Key><LastModified>{ISO}</LastModified><ETag>&quot;e&quot;</ETag>"
            f"<Size>{self.sizes[key]}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            for key in keys
        ]
        parts += [f"<CommonPrefixes><Prefix>{encode(each)}</Prefix></CommonPrefixes>" for each in prefixes]
        return "".join([*parts, "</ListBucketResult>"]).encode(), "application/xml"

    # -- GCS --------------------------------------------------------------------------------------------------------

    def gcs(self, query: Mapping[str, str]) -> tuple[bytes, str]:
        """https://cloud.google.com/storage/docs/json_api/v1/objects/list."""
        limit = int(query.get("maxResults", "1000"))
        token = query.get("pageToken", "")
        keys, prefixes, following = self.page(query.get("prefix", ""), query.get("delimiter", ""), token, limit)
        items = [{"name": key, "size": str(self.sizes[key]), "generation": "1"} for key in keys]
        if "fields" not in query:
            items = [{**item, "updated": ISO, "timeCreated": ISO, "storageClass": "STANDARD"} for item in items]
        found: dict[str, Any] = {"items": items, "prefixes": prefixes, "nextPageToken": following}
        return json.dumps({name: value for name, value in found.items() if value}).encode(), "application/json"

    # -- Azure ------------------------------------------------------------------------------------------------------

    def azure(self, query: Mapping[str, str]) -> tuple[bytes, str]:
        """https://learn.microsoft.com/rest/api/storageservices/list-blobs."""
        token = bytes.fromhex(query.get("marker", "")).decode()
        limit = int(query.get("maxresults", "5000"))
        keys, prefixes, following = self.page(query.get("prefix", ""), query.get("delimiter", ""), token, limit)
        found = {
            key: f"<Blob><Name>{escape(key)}</Name><Properties><Creation-Time>{HTTP}</Creation-Time>"
            f"<Last-Modified>{HTTP}</Last-Modified><Etag>0x1</Etag><Content-Length>{self.sizes[key]}</Content-Length>"
            "<Content-Type>text/plain</Content-Type><Content-Encoding /><BlobType>BlockBlob</BlobType></Properties>"
            "<OrMetadata /></Blob>"
            for key in keys
        }
        found |= {each: f"<BlobPrefix><Name>{escape(each)}</Name></BlobPrefix>" for each in prefixes}
        blobs = "".join(found[name] for name in sorted(found))
        marker = f"<NextMarker>{following.encode().hex()}</NextMarker>" if following else "<NextMarker />"
        head = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="{BUCKET}">'
        # The client asks for the next page with the prefix that the answer names.
        head += f"<Prefix>{escape(query.get('prefix', ''))}</Prefix>"
        return f"\ufeff{head}<Blobs>{blobs}</Blobs>{marker}</EnumerationResults>".encode(), "application/xml"

    def answer(self, asked: Asked) -> tuple[bytes, str] | None:
        """Body and type of the answer; None for what is no listing."""
        if asked.path == f"/{BUCKET}" and asked.query.get("list-type") == "2":
            return self.s3(asked.query)
        if asked.path == f"/storage/v1/b/{BUCKET}/o":
            return self.gcs(asked.query)
        if asked.path == f"/account/{BUCKET}" and asked.query.get("comp") == "list":
            return self.azure(asked.query)
        return None

    @contextlib.contextmanager
    def serving(self) -> Iterator[Canned]:
        """Serve on a free port of loopback."""
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                asked = Asked(parts.path, query, dict(self.headers))
                canned.asked.append(asked)
                canned.before_answer(asked)
                found = canned.answer(asked)
                body, kind = found or (b"", "text/plain")
                body = canned.change(body)
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else body)

            do_HEAD = do_GET  # noqa: N815 - the name is http.server's

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            self.endpoint = f"http://127.0.0.1:{server.server_port}"
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    def fs(self, cloud: str, **options: Any) -> Any:
        """A filesystem of objfs on the server."""
        from objfs import AzureBlobFileSystem, GCSFileSystem, S3FileSystem

        given: dict[str, tuple[Any, dict[str, Any]]] = {
            "s3": (S3FileSystem, {"key": "k", "secret": "s", "endpoint_url": self.endpoint, "region": "us-east-1"}),
            "gcs": (GCSFileSystem, {"token": "anon", "endpoint_url": self.endpoint, "project": "project"}),
            "azure": (
                AzureBlobFileSystem,
                {"account_name": "account", "account_key": "a2V5", "endpoint": f"{self.endpoint}/account"},
            ),
        }
        kind, keywords = given[cloud]
        return kind(**{**keywords, **options}, skip_instance_cache=True)


def in_bucket(keys: Sequence[str]) -> list[str]:
    """Paths of keys."""
    return [f"{BUCKET}/{key}" for key in keys]
