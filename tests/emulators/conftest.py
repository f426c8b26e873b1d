"""What the tests on real protocols share: filesystems on either engine, and a look into the store without objfs."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from objfs import S3FileSystem
from tests.servers import Server


@pytest.fixture(scope="session", autouse=True)
def _services_are_read_once() -> Iterator[None]:
    """The peers' sessions share what botocore reads of AWS's services, half a second and 26,000 objects for each."""
    with pytest.MonkeyPatch.context() as patch:
        with contextlib.suppress(ImportError):
            from botocore import loaders, session

            patch.setattr(session, "create_loader", functools.cache(loaders.create_loader))
        yield


@dataclass(frozen=True)
class Seen:
    """What really lies in one bucket, asked of a plain botocore client."""

    client: Any
    bucket: str

    def put(self, key: str, body: bytes = b"", **parameters: Any) -> str:
        """Write an object behind objfs's back; its ETag."""
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body, **parameters)["ETag"]

    def read(self, key: str) -> bytes:
        """The bytes of an object."""
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def head(self, key: str) -> dict[str, Any]:
        """The headers of an object."""
        return self.client.head_object(Bucket=self.bucket, Key=key)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def tags(self, key: str) -> dict[str, str]:
        """The tags of an object."""
        found = self.client.get_object_tagging(Bucket=self.bucket, Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def keys(self) -> list[str]:
        """All keys, up to a thousand."""
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def uploads(self) -> list[str]:
        """The keys of the uploads that are not finished."""
        return [item["Key"] for item in self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])]

    def parts(self, key: str, upload_id: str) -> list[int]:
        """The numbers of the parts of an upload; none where the upload is gone."""
        try:
            answer = self.client.list_parts(Bucket=self.bucket, Key=key, UploadId=upload_id)
        except self.client.exceptions.NoSuchUpload:
            return []
        return [part["PartNumber"] for part in answer.get("Parts", [])]


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by s3fs."""
    return request.param


@pytest.fixture
def fs(moto_server: Server, engine: str) -> S3FileSystem:
    """A filesystem on moto, on each engine in turn."""
    return S3FileSystem(**moto_server.options, engine=engine)


@pytest.fixture
def seen(moto_server: Server, observer: Any, bucket: str) -> Seen:
    """The test's bucket on moto."""
    return Seen(observer(moto_server), bucket)


@pytest.fixture
def s3_fs(s3_server: Server, engine: str) -> S3FileSystem:
    """A filesystem on each server in turn, on each engine in turn."""
    return S3FileSystem(**s3_server.options, engine=engine)


@pytest.fixture
def s3_seen(s3_server: Server, observer: Any, s3_bucket: str) -> Seen:
    """The test's bucket on the server of the test."""
    return Seen(observer(s3_server), s3_bucket)


class Web(BaseHTTPRequestHandler):
    """Objects of ``server.objects`` with ranges, and an index page that links up as Apache's do."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = unquote(self.path)
        data, status = self.server.objects.get(path), 200
        if data is None:
            folder = path.rstrip("/") + "/"
            names = [name for name in self.server.objects if name.startswith(folder)]
            links = "".join(f'<a href="{name}">x</a>' for name in ["/pub/", "/elsewhere/x", *names])
            data = links.encode() if names else None
        if data is None:
            data, status = b"", 404
        headers = {"Accept-Ranges": "bytes"}
        spec = self.headers.get("Range", "").removeprefix("bytes=")
        if status == 200 and spec:
            start, _, end = spec.partition("-")
            first = int(start) if start else len(data) - int(end)
            last = min(int(end), len(data) - 1) if start and end else len(data) - 1
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            data, status = data[first : last + 1], 206
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Silence."""


@pytest.fixture(scope="session")
def web() -> Iterator[ThreadingHTTPServer]:
    """A web server on loopback that is of no cloud."""
    pytest.importorskip("aiohttp")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.objects = {}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
