"""What the tests on real protocols share: filesystems on either engine, and a look into the store without objfs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from objfs import S3FileSystem
from tests.servers import Server


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
