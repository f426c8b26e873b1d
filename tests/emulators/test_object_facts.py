"""What s3fs tells of one object by a verb of its own: its time, its checksum, its address."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from objfs import S3FileSystem

pytest.importorskip("s3fs")


@pytest.fixture(params=["auto", "sdk"])
def fs(request, moto_server):
    """The filesystem on both planes."""
    return S3FileSystem(**moto_server.options, engine=request.param)


def test_modified_is_the_time_that_info_tells(fs, bucket):
    """A reader such as duckdb asks it before it opens a file; the time knows its zone."""
    fs.pipe(f"{bucket}/a", b"1")
    assert fs.modified(f"s3://{bucket}/a") == fs.info(f"{bucket}/a")["LastModified"]
    assert abs((datetime.now(UTC) - fs.modified(f"{bucket}/a")).total_seconds()) < 3600


@pytest.mark.parametrize("path", ["", "/dir"], ids=["bucket", "directory"])
def test_modified_is_refused_for_what_has_no_time(fs, bucket, path):
    """Buckets and directories have none, and s3fs says so by this error."""
    fs.pipe(f"{bucket}/dir/a", b"1")
    with pytest.raises(IsADirectoryError):
        fs.modified(f"{bucket}{path}")


def test_modified_names_an_object_that_is_not_there(fs, bucket):
    """Neither an object nor a directory."""
    with pytest.raises(FileNotFoundError, match="nothing"):
        fs.modified(f"{bucket}/nothing")


def test_checksum_follows_the_bytes_and_not_the_name(fs, bucket):
    """As in s3fs it is made of the ETag, not of everything that info tells."""
    fs.pipe({f"{bucket}/a": b"1", f"{bucket}/b": b"1", f"{bucket}/c": b"2"})
    assert fs.checksum(f"{bucket}/a") == fs.checksum(f"{bucket}/b") != fs.checksum(f"{bucket}/c")


def test_sign_is_a_url_that_expires(fs, bucket):
    """fsspec's name for a presigned URL."""
    fs.pipe(f"{bucket}/a", b"1")
    query = parse_qs(urlsplit(fs.sign(f"{bucket}/a", expiration=77)).query)
    assert {name.lower() for name in query} & {"x-amz-expires", "expires"}
