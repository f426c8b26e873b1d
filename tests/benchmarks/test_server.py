"""The server that the benchmarks measure against does what S3 does, as far as a client can tell."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.benchmarks.conftest import server_is_built

DATA = random.Random(1).randbytes(3 << 20)
KEYS = ["a", "a/", "a//b", "a/b", "a/b/c", "a/b/d", "a/é &<", "b", "c/d"]


@pytest.fixture(scope="module")
def place(harness: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The server, with a large and a small file and some keys that are only listed."""
    pytest.importorskip("botocore")
    folder = tmp_path_factory.mktemp("served")
    own = folder / "benchmarks"
    own.mkdir()
    (own / "large").write_bytes(DATA)
    (own / "small").write_bytes(DATA[:1000])
    with contextlib.ExitStack() as stack:
        with server_is_built():
            up = stack.enter_context(harness("servers").own_server(folder, dict.fromkeys(KEYS, 7)))
        yield up


@pytest.fixture(scope="module")
def client(harness: Any, place: Any) -> Any:
    """botocore, which knows what S3 may answer."""
    return harness("servers")._s3_client(place.access)


def body(answer: Any) -> bytes:
    return answer["Body"].read()


def refused(call: Any, **arguments: Any) -> int:
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        call(Bucket="benchmarks", **arguments)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("key", ["large", "small"])
@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        pytest.param("bytes=0-0", slice(0, 1), id="first"),
        pytest.param("bytes=100-899", slice(100, 900), id="middle"),
        pytest.param("bytes=900-99999999", slice(900, None), id="past-the-end"),
        pytest.param("bytes=990-", slice(990, None), id="to-the-end"),
        pytest.param("bytes=-10", slice(-10, None), id="suffix"),
        pytest.param("bytes=-99999999", slice(0, None), id="long-suffix"),
    ],
)
def test_server_honours_ranges(client, key, header, wanted):
    """A range of a file, sent from the kernel's cache or from memory, is what it would be of bytes."""
    data = DATA if key == "large" else DATA[:1000]
    answer = client.get_object(Bucket="benchmarks", Key=key, Range=header)
    assert body(answer) == data[wanted]
    start, stop, _ = wanted.indices(len(data))
    assert answer["ContentRange"] == f"bytes {start}-{stop - 1}/{len(data)}"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_server_refuses_as_s3_does(client):
    """A range behind the end, an ETag that does not match, a key that is not there."""
    assert refused(client.get_object, Key="small", Range="bytes=1000-") == 416
    assert refused(client.get_object, Key="small", IfMatch='"other"') == 412
    assert refused(client.get_object, Key="other") == 404
    assert refused(client.put_object, Key="small", Body=b"", IfNoneMatch="*") == 412
    tag = client.head_object(Bucket="benchmarks", Key="small")["ETag"]
    assert body(client.get_object(Bucket="benchmarks", Key="small", IfMatch=tag)) == DATA[:1000]


@pytest.mark.parametrize("size", [0, 10, 100_000, 2_500_000])
def test_server_keeps_what_is_written(client, size):
    """One request, of no, few or many chunks of memory; a new object has a new ETag."""
    first = client.put_object(Bucket="benchmarks", Key="new", Body=b"before")["ETag"]
    tag = client.put_object(Bucket="benchmarks", Key="new", Body=DATA[:size])["ETag"]
    answer = client.get_object(Bucket="benchmarks", Key="new")
    assert body(answer) == DATA[:size]
    assert answer["ETag"] == tag != first
    if size > 100:
        assert body(client.get_object(Bucket="benchmarks", Key="new", Range="bytes=50-99")) == DATA[50:100]
    client.delete_object(Bucket="benchmarks", Key="new")
    assert refused(client.get_object, Key="new") == 404


def test_server_puts_parts_together_by_their_numbers(client):
    """Parts come in any order; an upload that was completed or aborted is no more."""
    target = {"Bucket": "benchmarks", "Key": "parts"}
    upload = {**target, "UploadId": client.create_multipart_upload(**target)["UploadId"]}
    pieces = {1: DATA[:1_200_000], 2: DATA[1_200_000:1_300_000], 3: DATA[1_300_000:]}
    tags = {
        number: client.upload_part(**upload, PartNumber=number, Body=pieces[number])["ETag"] for number in (3, 1, 2)
    }
    parts = [{"PartNumber": number, "ETag": tags[number]} for number in (1, 2, 3)]
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert body(client.get_object(**target)) == DATA
    aborted = client.create_multipart_upload(**target)["UploadId"]
    client.abort_multipart_upload(**target, UploadId=aborted)
    assert refused(client.upload_part, Key="parts", UploadId=aborted, PartNumber=1, Body=b"") == 404


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("prefix", "delimiter", "keys", "prefixes"),
    [
        pytest.param("", "", sorted(KEYS), [], id="all"),
        pytest.param("a/b", "", ["a/b", "a/b/c", "a/b/d"], [], id="prefix"),
        pytest.param("", "/", ["a", "b"], ["a/", "c/"], id="root"),
        pytest.param("a/", "/", ["a/", "a/b", "a/é &<"], ["a//", "a/b/"], id="folder"),
        pytest.param("nothing", "/", [], [], id="nothing"),
    ],
)
def test_server_lists_page_by_page(client, size, prefix, delimiter, keys, prefixes):
    """Every key and common prefix comes once, whatever the size of a page."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket="listed", Prefix=prefix, Delimiter=delimiter, PaginationConfig={"PageSize": size}
    )
    found, rolled = [], []
    for page in pages:
        found += [entry["Key"] for entry in page.get("Contents", [])]
        rolled += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
        assert page["KeyCount"] <= size
    assert found == keys
    assert rolled == prefixes


def test_server_counts_since_the_last_beginning(harness, place, client):
    """Requests by verb, and the bytes of bodies in both directions."""
    place.begin(harness("profiles").NEAR)
    client.get_object(Bucket="benchmarks", Key="large")["Body"].read()
    client.get_object(Bucket="benchmarks", Key="small", Range="bytes=0-99")["Body"].read()
    client.put_object(Bucket="benchmarks", Key="counted", Body=bytes(500))
    client.head_object(Bucket="benchmarks", Key="small")
    counted = place.counted()
    assert counted["requests"] == 4
    assert counted["methods"] == {"GET": 2, "PUT": 1, "HEAD": 1}
    assert counted["bytes_out"] == len(DATA) + 100
    assert counted["bytes_in"] == 500
    place.begin(harness("profiles").NEAR)
    assert place.counted()["requests"] == 0
