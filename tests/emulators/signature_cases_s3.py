"""Cases of the signature test: what only s3fs has, or has in words of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from fsspec.asyn import sync

from tests.emulators.signature_bench import TREE, Bench, case
from tests.emulators.signature_cases_writes import LONG, MIB

S3 = ("s3",)
DATA = TREE["a.txt"]


def _versions(b: Bench) -> tuple[Any, str, list[str]]:
    """An instance that looks after versions, an object with two of them, and their ids."""
    fs, path = b.make(version_aware=True), f"{b.versioned()}/key"
    for data in (b"old", b"newer"):
        fs.pipe_file(path, data)
    told = fs.object_version_info(path=path)
    return fs, path, [item["VersionId"] for item in sorted(told, key=lambda item: item["Size"])]


@case("cat_file", "version_id", clouds=S3)
@case("get_file", "version_id", clouds=S3)
@case("info", "version_id", clouds=S3)
@case("open", "version_id", clouds=S3)
@case("object_version_info", "path", clouds=S3)
def version_id(b: Bench) -> None:
    fs, path, (old, new) = _versions(b)
    assert [fs.cat_file(path, version_id=each) for each in (old, new)] == [b"old", b"newer"]
    assert fs.cat_file(path, old) == b"old"
    fs.get_file(path, str(b.tmp / "got"), version_id=old)
    assert (b.tmp / "got").read_bytes() == b"old"
    assert [fs.info(path, version_id=each)["size"] for each in (old, new)] == [3, 5]
    with fs.open(path, version_id=old) as file:
        assert (file.read(), file.version_id) == (b"old", old)


@case("ls", "versions", clouds=S3)
def ls_versions(b: Bench) -> None:
    fs, path, known = _versions(b)
    found = fs.ls(path.partition("/")[0], detail=False, versions=True)
    assert sorted(found) == sorted(f"{path}?versionId={each}" for each in known)


@case("modified", "version_id", clouds=S3)
def modified_version(b: Bench) -> None:
    fs, path, (old, new) = _versions(b)
    assert fs.modified(path, version_id=old) <= fs.modified(path, version_id=new)


@case("is_bucket_versioned", "bucket", clouds=S3)
@case("make_bucket_versioned", "bucket", "versioned", clouds=S3)
def bucket_versioned(b: Bench) -> None:
    assert not b.fs.is_bucket_versioned(bucket=b.bucket)
    b.fs.make_bucket_versioned(bucket=b.bucket)
    assert b.fs.is_bucket_versioned(b.bucket)
    b.fs.make_bucket_versioned(b.bucket, versioned=False)
    assert not b.fs.is_bucket_versioned(b.bucket)


# -- reading ----------------------------------------------------------------------------------------------------------


@case("info", "bucket", "key", clouds=S3)
def info_bucket_key(b: Bench) -> None:
    found = b.fs.info(b.file, bucket=b.bucket, key="a.txt")
    assert (found["name"], found["size"]) == (b.file, 10)


@case("info", "refresh", clouds=S3)
@case("checksum", "refresh", clouds=S3)
@case("modified", "refresh", clouds=S3)
def refresh(b: Bench) -> None:
    fs = b.make(use_listings_cache=True)
    fs.ls(b.bucket)
    before = fs.checksum(b.file, refresh=True), fs.modified(b.file, refresh=True)
    b.raw.put("a.txt", b"changed")
    assert fs.info(b.file, refresh=True)["size"] == 7
    fs.ls(b.bucket, refresh=True)
    assert fs.checksum(b.file, refresh=True) != before[0]
    assert fs.modified(b.file, refresh=True) >= before[1]


@case("cat_file", "chunksize", "max_concurrency", clouds=S3)
def cat_file_tuned(b: Bench) -> None:
    tuned, alone = {"chunksize": 2, "max_concurrency": 2}, 0 if b.is_peer else 1
    assert b.at_once(lambda fs: fs.cat_file(b.file, **tuned), "GET", "a.txt", patience=5, alone=alone) == 2
    with b.watched() as (fs, proxy):
        assert fs.cat_file(b.file, chunksize=3, max_concurrency=2) == DATA
        assert sorted(each.headers["range"] for each in proxy.asked if each.method == "GET") == [
            "bytes=0-2",
            "bytes=3-5",
            "bytes=6-8",
            "bytes=9-9",
        ]


@case("get_file", "chunksize", "max_concurrency", clouds=S3)
def get_file_tuned(b: Bench) -> None:
    target = b.tmp / "got"
    with b.watched() as (fs, proxy):
        fs.get_file(b.file, str(target), chunksize=3, max_concurrency=2)
        assert target.read_bytes() == DATA
        assert sum(each.method == "GET" for each in proxy.asked) >= 4
    tuned = {"chunksize": 2, "max_concurrency": 2}
    assert b.at_once(lambda fs: fs.get_file(b.file, str(target), **tuned), "GET", "a.txt", patience=5, alone=1) == 2


# -- files ------------------------------------------------------------------------------------------------------------


@case("open", "acl", clouds=S3)
def open_acl(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        with fs.open(b.path("new"), "wb", acl="public-read") as file:
            file.write(b"1")
        assert [each.headers.get("x-amz-acl") for each in proxy.asked if each.method == "PUT"] == ["public-read"]
    with pytest.raises(ValueError):
        b.fs.open(b.path("new"), "wb", acl="no such").close()


@case("open", "size", clouds=S3)
def open_size(b: Bench) -> None:
    with b.watched() as (fs, proxy), fs.open(b.file, size=4) as file:
        assert (file.size, proxy.asked) == (4, [])
        assert file.read() == DATA[:4]


@case("open", "requester_pays", clouds=S3)
def open_requester_pays(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        with fs.open(b.file, requester_pays=True) as file:
            assert file.read() == DATA
        assert {each.headers.get("x-amz-request-payer") for each in proxy.asked if each.method == "GET"} == {
            "requester"
        }


@case("open", "fill_cache", clouds=S3)
def open_fill_cache(b: Bench) -> None:
    with b.fs.open(b.file, fill_cache=False) as file:
        assert (file.read(), file.fill_cache) == (DATA, False)


# -- writing ----------------------------------------------------------------------------------------------------------


@case("pipe_file", "max_concurrency", clouds=S3)
@case("put_file", "max_concurrency", clouds=S3)
def uploads_at_once(b: Bench) -> None:
    here = b.local("long", LONG)
    for call in (
        lambda fs, **kw: fs.pipe_file(b.path("long"), LONG, **kw),
        lambda fs, **kw: fs.put_file(here, b.path("long"), **kw),
    ):
        for limit, patience, expected in ((1, 0.05, 1), (3, 5, 2)):
            most = b.at_once(
                lambda fs, call=call, limit=limit: call(fs, chunksize=5 * MIB, max_concurrency=limit),
                "PUT",
                "partNumber",
                patience=patience,
            )
            assert most == expected


@case("touch", "data", clouds=S3, not_on_peer="s3fs drops it")
def touch_data(b: Bench) -> None:
    b.fs.touch(b.path("new"), data=b"content")
    assert b.raw.get("new") == b"content"


@case("cp_file", "preserve_etag", clouds=S3)
def preserve_etag(b: Bench) -> None:
    b.fs.pipe_file(b.path("long"), LONG, chunksize=5 * MIB)
    b.fs.cp_file(b.path("long"), b.path("copy"), preserve_etag=True)
    assert b.fs.info(b.path("copy"))["ETag"] == b.fs.info(b.path("long"))["ETag"]
    assert b.fs.info(b.path("copy"))["ETag"].strip('"').endswith("-3")


@case("mkdir", "acl", clouds=S3)
def mkdir_acl(b: Bench) -> None:
    name = f"{b.bucket}-acl"
    with b.watched() as (fs, proxy):
        fs.mkdir(name, acl="public-read")
        assert [each.headers.get("x-amz-acl") for each in proxy.asked if each.method == "PUT"] == ["public-read"]
    b.fs.rmdir(name)


# -- URLs, attributes, tags -------------------------------------------------------------------------------------------


@case("sign", "expiration", clouds=S3)
@case("url", "expires", "client_method", clouds=S3)
def signed(b: Bench) -> None:
    def seconds(url: str) -> int:
        told = parse_qs(urlsplit(url).query)
        return int(told["X-Amz-Expires"][0]) if "X-Amz-Expires" in told else 0

    assert seconds(b.fs.url(b.file, expires=77)) in (77, 0)
    assert b.fs.url(b.file, expires=77) != b.fs.url(b.file, expires=7777)
    assert b.fs.sign(b.file, expiration=77) != b.fs.sign(b.file, expiration=7777)
    binary = {"Content-Type": "application/octet-stream"}
    with b.watched() as (fs, proxy):
        request = Request(fs.url(b.path("new"), client_method="put_object"), data=b"put", headers=binary, method="PUT")
        with urlopen(request, timeout=30):
            assert [each.method for each in proxy.asked] == ["PUT"]
    assert b.raw.get("new") == b"put"


@case("metadata", "path", "refresh", clouds=S3)
@case("getxattr", "path", "attr_name", clouds=S3)
@case("setxattr", "path", "copy_kwargs", clouds=S3)
def attributes(b: Bench) -> None:
    b.fs.setxattr(path=b.file, copy_kwargs={"ContentType": "text/x"}, colour="red")
    assert b.fs.metadata(path=b.file, refresh=True)["colour"] == b.fs.getxattr(path=b.file, attr_name="colour") == "red"
    assert b.raw.head("a.txt")["content_type"] == "text/x"


@case("get_tags", "path", clouds=S3)
@case("put_tags", "path", "tags", "mode", clouds=S3)
def tags(b: Bench) -> None:
    b.fs.put_tags(path=b.file, tags={"a": "1"})
    b.fs.put_tags(b.file, {"b": "2"}, mode="m")
    assert b.fs.get_tags(path=b.file) == {"a": "1", "b": "2"}
    b.fs.put_tags(b.file, {"c": "3"}, mode="o")
    assert b.fs.get_tags(b.file) == {"c": "3"}


@case("chmod", "path", "acl", "recursive", clouds=S3)
def chmod(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        fs.chmod(path=b.file, acl="public-read")
        fs.chmod(b.dir, "private", recursive=True)
        asked = [(each.path.partition("?")[0], each.headers["x-amz-acl"]) for each in proxy.asked if "acl" in each.path]
    assert sorted(asked) == [
        (f"/{b.file}", "public-read"),
        (f"/{b.dir}/c.txt", "private"),
        (f"/{b.dir}/sub/d.csv", "private"),
    ]


@case("merge", "path", "filelist", clouds=S3)
def merge(b: Bench) -> None:
    big = b"x" * (5 * MIB)
    b.raw.put("big", big)
    b.fs.merge(path=b.path("all"), filelist=[b.path("big"), b.file])
    assert b.raw.get("all") == big + DATA


# -- bare calls, uploads, sessions ------------------------------------------------------------------------------------


@case("call_s3", "method", clouds=S3)
@case("list_multipart_uploads", "bucket", clouds=S3)
@case("abort_mpu", "bucket", "key", "mpu", clouds=S3)
@case("clear_multipart_uploads", "bucket", clouds=S3)
def uploads(b: Bench) -> None:
    begun = [b.fs.call_s3(method="create_multipart_upload", Bucket=b.bucket, Key=key)["UploadId"] for key in "ab"]
    assert {each["UploadId"] for each in b.fs.list_multipart_uploads(bucket=b.bucket)} == set(begun)
    b.fs.abort_mpu(bucket=b.bucket, key="a", mpu=begun[0])
    assert [each["Key"] for each in b.fs.list_multipart_uploads(b.bucket)] == ["b"]
    b.fs.clear_multipart_uploads(bucket=b.bucket)
    assert b.fs.list_multipart_uploads(b.bucket) == []


@case("connect", "refresh", "kwargs", clouds=S3)
@case("set_session", "refresh", "kwargs", clouds=S3)
def sessions(b: Bench) -> None:
    first = b.fs.connect(refresh=False, kwargs={})
    assert b.fs.connect(refresh=False) is first
    assert b.fs.connect(refresh=True, kwargs={}) is not first
    assert b.fs.cat_file(b.file) == DATA


@case("get_s3", "bucket", clouds=S3, not_on_peer="s3fs has no client before its first call")
def client(b: Bench) -> None:
    async def ask(fs: Any) -> Any:
        return await (await fs.get_s3(bucket=b.bucket)).list_objects_v2(Bucket=b.bucket)

    b.fs.ls(b.bucket)  # as on the peer, the first call makes the client
    assert sync(b.fs.loop, ask, b.fs)["KeyCount"] == len(TREE)


@case("get_delegated_s3pars", "exp", clouds=S3, not_on_peer="s3fs does not await its client of STS")
def delegated(b: Bench) -> None:
    assert b.fs.get_delegated_s3pars(exp=900) == {"anon": False}
