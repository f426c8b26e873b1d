"""One fixture for three clouds: what a test needs to say the same of S3, GCS and Azure.

``cloud`` runs a test once for each; ``tests/conftest.py`` loads this file as a pytest plugin.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen
from xml.etree import ElementTree as ET

import pytest

CLOUDS = ("s3", "gcs", "azure")


class Raw(Protocol):
    """What really lies in one bucket, asked without objfs."""

    def put(self, key: str, data: bytes = b"") -> None:
        """Write an object."""

    def get(self, key: str) -> bytes:
        """The bytes of an object."""

    def find(self, key: str) -> bytes | None:
        """The bytes of an object; None where there is none."""

    def head(self, key: str) -> dict[str, Any]:
        """``content_type`` and ``metadata`` of an object."""

    def listed(self) -> list[str]:
        """All keys, in order (fewer than a thousand)."""

    def delete(self, key: str) -> None:
        """Delete an object."""

    def uploads(self) -> list[str]:
        """Keys of the uploads in parts that are neither finished nor aborted, where the cloud has such a thing."""

    def beside(self, bucket: str) -> Raw:
        """Another bucket on the same server, which exists or not."""


@dataclass(frozen=True)
class CloudUnderTest:
    """A cloud, a bucket of the test's own in it, and a view of that bucket that knows nothing of objfs.

    Parameters
    ----------
    name
        ``s3``, ``gcs`` or ``azure``.
    scheme
        Of its URLs.
    bucket
        New for each test.
    options
        Storage options that reach it.
    raw
        The bucket without objfs.
    e_tag
        Key of ``info()`` whose value ``if_match`` takes.
    metadata
        Keywords of a write that store user metadata.
    lacks
        What the test server does not do, though the cloud does.
    """

    name: str
    scheme: str
    bucket: str
    options: dict[str, Any] = field(repr=False)
    raw: Raw = field(repr=False)
    e_tag: str
    metadata: Callable[[Mapping[str, str]], dict[str, Any]] = field(repr=False)
    lacks: frozenset[str] = frozenset()

    def needs(self, ability: str) -> None:
        """Skip the test where the server lacks an ability."""
        if ability in self.lacks:
            pytest.skip(f"the test server of {self.name} lacks: {ability}")

    def fs(self, engine: str = "auto", **options: Any) -> Any:
        """The filesystem of objfs."""
        import fsspec

        return fsspec.filesystem(self.scheme, **{**self.options, "engine": engine, **options})

    def provided(self) -> dict[str, Any]:
        """The same options, with a provider in place of the credentials."""
        from objfs.clouds.known import cloud_for

        table = cloud_for(self.scheme).table.index
        secret = {name for name in self.options if table[name.lower()][0].identity}
        provider = StaticProvider(tuple((name, self.options[name]) for name in sorted(secret)))
        rest = {name: value for name, value in self.options.items() if name not in secret}
        # Whose account it is belongs to the place, not to the credentials.
        rest.update({name: self.options[name] for name in ("account_name",) if name in self.options})
        return {**rest, "storage_options_provider": provider}

    def path(self, key: str = "") -> str:
        """``bucket/key``."""
        return f"{self.bucket}/{key}" if key else self.bucket

    def url(self, key: str = "") -> str:
        """``scheme://bucket/key``."""
        return f"{self.scheme}://{self.path(key)}"


class S3Raw:
    """A bucket through botocore."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, key: str, data: bytes = b"") -> None:
        """Write an object."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body

    def find(self, key: str) -> bytes | None:
        """The bytes of an object, if it is there."""
        try:
            return self.get(key)
        except self._client.exceptions.NoSuchKey:
            return None

    def head(self, key: str) -> dict[str, Any]:
        """``content_type`` and ``metadata``."""
        answer = self._client.head_object(Bucket=self._bucket, Key=key)
        return {"content_type": answer["ContentType"], "metadata": answer["Metadata"]}

    def listed(self) -> list[str]:
        """All keys, in order."""
        answer = self._client.list_objects_v2(Bucket=self._bucket)
        return [item["Key"] for item in answer.get("Contents", [])]

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def uploads(self) -> list[str]:
        """Keys of the uploads that are neither finished nor aborted."""
        answer = self._client.list_multipart_uploads(Bucket=self._bucket)
        return [item["Key"] for item in answer.get("Uploads", [])]

    def beside(self, bucket: str) -> S3Raw:
        """Another bucket."""
        return S3Raw(self._client, bucket)


class GCSRaw:
    """A bucket through plain requests of the JSON API (https://cloud.google.com/storage/docs/json_api/v1)."""

    def __init__(self, endpoint: str, bucket: str) -> None:
        self._endpoint, self._bucket = endpoint, bucket

    def _ask(self, method: str, path: str, data: bytes | None = None, **query: str) -> bytes:
        url = f"{self._endpoint}{path}" + (f"?{urlencode(query)}" if query else "")
        request = Request(url, data=data, method=method)
        with urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
        return body

    def create(self) -> None:
        """Make the bucket."""
        self._ask("POST", "/storage/v1/b", json.dumps({"name": self._bucket}).encode(), project="objfs-tests")

    def destroy(self) -> None:
        """Remove the bucket with all that is in it."""
        for key in self.listed():
            self.delete(key)
        self._ask("DELETE", f"/storage/v1/b/{self._bucket}")

    def _object(self, key: str) -> str:
        return f"/storage/v1/b/{self._bucket}/o/{quote(key, safe='')}"

    def put(self, key: str, data: bytes = b"") -> None:
        """Write an object."""
        self._ask("POST", f"/upload/storage/v1/b/{self._bucket}/o", data, uploadType="media", name=key)

    def get(self, key: str) -> bytes:
        """The bytes of an object."""
        return self._ask("GET", self._object(key), alt="media")

    def find(self, key: str) -> bytes | None:
        """The bytes of an object, if it is there."""
        try:
            return self.get(key)
        except HTTPError as error:
            with error:
                if error.code != HTTPStatus.NOT_FOUND:
                    raise
            return None

    def head(self, key: str) -> dict[str, Any]:
        """``content_type`` and ``metadata``."""
        answer = json.loads(self._ask("GET", self._object(key)))
        return {"content_type": answer.get("contentType"), "metadata": answer.get("metadata", {})}

    def listed(self) -> list[str]:
        """All keys, in order."""
        answer = json.loads(self._ask("GET", f"/storage/v1/b/{self._bucket}/o"))
        return sorted(item["name"] for item in answer.get("items", []))

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._ask("DELETE", self._object(key))

    def uploads(self) -> list[str]:
        """Keys of the uploads of the XML API; the sessions of the JSON API cannot be listed."""
        return [node.text or "" for node in ET.fromstring(self._ask("GET", f"/{self._bucket}", uploads="")).iter("Key")]

    def beside(self, bucket: str) -> GCSRaw:
        """Another bucket."""
        return GCSRaw(self._endpoint, bucket)


class AzureRaw:
    """A container through the blocking client of azure-storage-blob."""

    def __init__(self, service: Any, container: str) -> None:
        self._service = service
        self._container = service.get_container_client(container)

    def put(self, key: str, data: bytes = b"") -> None:
        """Write a blob."""
        self._container.upload_blob(key, data, overwrite=True)

    def get(self, key: str) -> bytes:
        """The bytes of a blob."""
        body: bytes = self._container.download_blob(key).readall()
        return body

    def find(self, key: str) -> bytes | None:
        """The bytes of a blob, if it is there."""
        return self.get(key) if self._container.get_blob_client(key).exists() else None

    def head(self, key: str) -> dict[str, Any]:
        """``content_type`` and ``metadata``."""
        found = self._container.get_blob_client(key).get_blob_properties()
        return {"content_type": found.content_settings.content_type, "metadata": dict(found.metadata)}

    def listed(self) -> list[str]:
        """All keys, in order."""
        return sorted(self._container.list_blob_names())

    def delete(self, key: str) -> None:
        """Delete a blob."""
        self._container.delete_blob(key)

    def uploads(self) -> list[str]:
        """None: blocks that were not committed belong to no upload, and expire."""
        return []

    def beside(self, bucket: str) -> AzureRaw:
        """Another container."""
        return AzureRaw(self._service, bucket)


@dataclass(frozen=True)
class StaticProvider:
    """Hands out the credentials among storage options; two that hand out the same are equal."""

    options: tuple[tuple[str, str], ...] = field(repr=False)

    def fetch_storage_options(self) -> dict[str, str]:
        """The credentials, good for an hour more."""
        return {**dict(self.options), "expires_at_millis": str(int((time.time() + 3600) * 1000))}

    def provider_id(self) -> str:
        """Names the options."""
        return f"static {self.options!r}"


@pytest.fixture
def s3_cloud(moto_server: Any, observer: Any, make_bucket: Callable[..., str]) -> CloudUnderTest:
    """S3, on moto."""
    bucket = make_bucket(moto_server)
    raw = S3Raw(observer(moto_server), bucket)
    # moto takes any keys.
    options = {**moto_server.options, "key": "AKIAOBJFSTESTS", "secret": "the secret of the tests"}
    lacks = frozenset({"if_match of uploads in parts"})
    return CloudUnderTest("s3", "s3", bucket, options, raw, "ETag", lambda m: {"Metadata": dict(m)}, lacks)


@pytest.fixture
def gcs_cloud(gcs_server: Any) -> Iterator[CloudUnderTest]:
    """GCS, on fake-gcs-server."""
    pytest.importorskip("gcsfs")
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    raw = GCSRaw(gcs_server.endpoint, bucket)
    raw.create()
    yield CloudUnderTest(
        "gcs",
        "gs",
        bucket,
        dict(gcs_server.options),
        raw,
        "generation",
        lambda m: {"metadata": dict(m)},
        # It checks the condition of a copy some time before it writes.
        frozenset({"copies on a condition that race"}),
    )
    raw.destroy()


@pytest.fixture
def azure_cloud(azure_server: Any) -> Iterator[CloudUnderTest]:
    """Azure, on Azurite."""
    pytest.importorskip("adlfs")
    blob = pytest.importorskip("azure.storage.blob")
    bucket, options = f"bucket-{uuid.uuid4().hex[:12]}", dict(azure_server.options)
    with blob.BlobServiceClient(azure_server.endpoint, credential=options["account_key"]) as service:
        service.create_container(bucket)
        raw = AzureRaw(service, bucket)
        yield CloudUnderTest("azure", "az", bucket, options, raw, "etag", lambda m: {"metadata": dict(m)})
        service.delete_container(bucket)


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> CloudUnderTest:
    """Each cloud in turn."""
    found: CloudUnderTest = request.getfixturevalue(f"{request.param}_cloud")
    return found
