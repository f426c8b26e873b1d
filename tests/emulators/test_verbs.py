"""The verbs about names: what s3fs can do, in both engines, blocking and awaited, with any key."""

from __future__ import annotations

import asyncio
import errno
import uuid
from http.client import HTTPConnection
from urllib.parse import urlsplit

import fsspec
import pytest

import objfs
from objfs import S3FileSystem
from tests.emulators.conftest import Seen

s3fs = pytest.importorskip("s3fs")

TREE = {"a.txt": b"1", "b.csv": b"22", "dir/c.txt": b"333", "dir/sub/d.csv": b"4444", "other/e": b""}


@pytest.fixture
def tree(s3_seen):
    """A bucket with a few objects; its name."""
    for key, body in TREE.items():
        s3_seen.put(key, body)
    return s3_seen.bucket


def _names(bucket, *keys):
    return [f"{bucket}/{key}" for key in keys]


# -- looking --------------------------------------------------------------------------------------------------------


def test_listing_verbs_agree_with_s3fs(s3_fs, s3_server, tree):
    """The same names, sizes and types as the class that is taken over from gives."""
    theirs = s3fs.S3FileSystem(
        endpoint_url=s3_server.endpoint,
        key=s3_server.options["key"],
        secret=s3_server.options["secret"],
        client_kwargs={"region_name": "us-east-1"},
        skip_instance_cache=True,
    )
    for call in (
        lambda fs: fs.ls(tree),
        lambda fs: fs.ls(tree, detail=True),
        lambda fs: fs.ls(f"{tree}/dir", detail=False),
        lambda fs: fs.ls(f"s3://{tree}/dir/"),
        lambda fs: fs.ls(f"{tree}/a.txt"),
        lambda fs: fs.find(tree, detail=True),
        lambda fs: fs.find(tree, maxdepth=1),
        lambda fs: fs.find(tree, withdirs=True),
        lambda fs: fs.find(f"{tree}/dir", prefix="s"),
        lambda fs: fs.glob(f"{tree}/**/*.csv"),
        lambda fs: fs.glob(f"{tree}/*"),
        lambda fs: fs.glob(f"{tree}/dir/?.txt", detail=True),
        lambda fs: list(fs.walk(tree)),
        lambda fs: list(fs.walk(tree, maxdepth=1)),
        lambda fs: fs.du(tree, total=False),
        lambda fs: fs.info(f"{tree}/a.txt", refresh=True),
        lambda fs: fs.info(f"{tree}/dir", refresh=True),
        lambda fs: fs.info(tree, refresh=True),
        lambda fs: fs.sizes([f"{tree}/a.txt", f"{tree}/b.csv"]),
        lambda fs: fs.expand_path(f"{tree}/dir", recursive=True),
        lambda fs: fs.checksum(f"{tree}/a.txt"),
        lambda fs: fs.metadata(f"{tree}/a.txt"),
        lambda fs: fs.tree(tree),
    ):
        assert call(s3_fs) == call(theirs)


def test_looking_at_names(s3_fs, tree):
    """What is there, what is not, and of which kind."""
    for path, exists, isfile, isdir in (
        (tree, True, False, True),
        (f"{tree}/", True, False, True),
        (f"s3://{tree}/a.txt", True, True, False),
        (f"s3a://{tree}/dir", True, False, True),
        (f"{tree}/dir/", True, False, True),
        (f"{tree}/di", False, False, False),
        (f"{tree}/a.txt/x", False, False, False),
        ("bucket-that-does-not-exist", False, False, False),
        ("bucket-that-does-not-exist/key", False, False, False),
        ("", True, False, True),
    ):
        assert (s3_fs.exists(path), s3_fs.isfile(path), s3_fs.isdir(path)) == (exists, isfile, isdir), path
    assert (s3_fs.size(f"{tree}/b.csv"), s3_fs.size(f"{tree}/other/e")) == (2, 0)
    assert s3_fs.du(tree) == sum(map(len, TREE.values()))
    assert tree in s3_fs.ls("", detail=False)
    for verb in (s3_fs.ls, s3_fs.info, s3_fs.size, s3_fs.checksum, s3_fs.modified, s3_fs.cat_file):
        with pytest.raises(FileNotFoundError) as caught:
            verb(f"{tree}/missing")
        assert caught.value.errno in (None, errno.ENOENT)


def test_info_keys_are_those_of_s3fs(s3_fs, tree):
    """Beside the common ones."""
    info = s3_fs.info(f"{tree}/dir/c.txt")
    assert (info["name"], info["size"], info["type"]) == (f"{tree}/dir/c.txt", 3, "file")
    assert info["ETag"].startswith('"')
    assert info["LastModified"].tzinfo is not None
    assert info["StorageClass"] == "STANDARD"
    assert set(info) == {"ETag", "LastModified", "size", "name", "type", "StorageClass", "VersionId", "ContentType"}
    assert s3_fs.info(f"{tree}/dir")["type"] == s3_fs.info(tree)["type"] == s3_fs.info("")["type"] == "directory"


def test_answers_are_never_stale(s3_server, s3_seen, engine):
    """What another client writes or deletes is seen at once, also where a listing was cached before."""
    s3_fs = S3FileSystem(**s3_server.options, engine=engine, use_listings_cache=True)
    path = f"{s3_seen.bucket}/dir/key"
    s3_seen.put("dir/other", b"1")
    assert s3_fs.ls(f"{s3_seen.bucket}/dir") == [f"{s3_seen.bucket}/dir/other"]
    assert not s3_fs.exists(path)
    for body in (b"one", b"three"):
        s3_seen.put("dir/key", body)
        assert (s3_fs.exists(path), s3_fs.isfile(path), s3_fs.size(path)) == (True, True, len(body))
        assert (s3_fs.info(path)["size"], s3_fs.cat_file(path)) == (len(body), body)
        with s3_fs.open(path) as file:
            assert file.read() == body
        s3_fs.ls(f"{s3_seen.bucket}/dir")
    before = s3_fs.checksum(path)
    s3_seen.put("dir/key", b"threE")
    assert s3_fs.checksum(path) != before
    s3_seen.delete("dir/key")
    s3_seen.delete("dir/other")
    assert (s3_fs.exists(path), s3_fs.isdir(f"{s3_seen.bucket}/dir")) == (False, False)
    for verb in (s3_fs.info, s3_fs.cat_file, s3_fs.size, s3_fs.open):
        with pytest.raises(FileNotFoundError):
            verb(path)


def test_listings_are_cached_and_refreshed_on_demand(gateway, moto_server, seen, engine):
    """With use_listings_cache as in s3fs: refresh, invalidate_cache. By default every listing asks."""
    gateway.admit(moto_server.options["key"])
    options = {**moto_server.options, "endpoint_url": gateway.endpoint, "engine": engine}
    fs = S3FileSystem(**options, use_listings_cache=True)
    seen.put("key", b"1")
    for _ in range(3):
        fs.ls(seen.bucket)
    assert gateway.stats()["requests"] == 1
    seen.put("key2", b"1")
    assert len(fs.ls(seen.bucket)) == 1
    assert len(fs.ls(seen.bucket, refresh=True)) == 2
    seen.put("key3", b"1")
    fs.invalidate_cache(f"{seen.bucket}/anything")
    assert len(fs.ls(seen.bucket)) == 3
    gateway.reset()
    uncached = S3FileSystem(**options)
    for _ in range(2):
        uncached.ls(seen.bucket)
    assert gateway.stats()["requests"] == 2


@pytest.mark.parametrize("call", [lambda fs: list(fs.walk("")), lambda fs: fs.glob("*"), lambda fs: fs.find("")])
def test_a_walk_over_all_buckets_is_refused(fs, call):
    """As s3fs does: it could be everything one owns."""
    with pytest.raises(ValueError, match=r"all buckets|all of S3"):
        call(fs)


# -- changing -------------------------------------------------------------------------------------------------------


def test_copying_and_moving(s3_fs, s3_server, s3_seen, make_bucket, observer, tree):
    """One object, many, a folder; within a bucket and across; metadata goes with it."""
    s3_seen.put("meta", b"1", ContentType="text/x-test", Metadata={"mine": "1"})
    s3_fs.cp_file(f"{tree}/meta", f"{tree}/meta2")
    head = s3_seen.head("meta2")
    assert (head["ContentType"], head["Metadata"]) == ("text/x-test", {"mine": "1"})
    s3_fs.copy(f"{tree}/dir", f"{tree}/copy", recursive=True)
    s3_fs.mv(f"{tree}/copy/c.txt", f"{tree}/moved.txt")
    assert {"copy/sub/d.csv", "moved.txt"} <= set(s3_seen.keys())
    assert not s3_fs.exists(f"{tree}/copy/c.txt")
    other = Seen(observer(s3_server), make_bucket(s3_server))
    s3_fs.cp([f"{tree}/a.txt", f"{tree}/b.csv"], f"{other.bucket}/to/")
    assert other.keys() == ["to/a.txt", "to/b.csv"]
    with pytest.raises(FileNotFoundError):
        s3_fs.cp_file(f"{tree}/missing", f"{tree}/x")
    with pytest.raises(FileNotFoundError):
        s3_fs.mv(f"{tree}/missing", f"{tree}/x")


def test_deleting(s3_fs, s3_seen, tree):
    """One object, several, a folder; S3 does not say whether one object was there."""
    s3_fs.rm_file(f"{tree}/a.txt")
    s3_fs.rm([f"{tree}/b.csv", f"{tree}/other/e"])
    assert s3_seen.keys() == ["dir/c.txt", "dir/sub/d.csv"]
    s3_fs.rm(f"{tree}/missing")
    with pytest.raises(FileNotFoundError):
        s3_fs.rm(f"{tree}/missing", recursive=True)
    s3_fs.rm(f"{tree}/dir", recursive=True)
    assert s3_seen.keys() == []


def test_deleting_a_thousand_objects_takes_few_requests(gateway, moto_server, seen, engine):
    """DeleteObjects takes a thousand keys; a listing brings as many."""
    gateway.admit(moto_server.options["key"])
    fs = S3FileSystem(**{**moto_server.options, "endpoint_url": gateway.endpoint}, engine=engine)
    for number in range(20):
        seen.put(f"many/{number}", b"")
    fs.rm(f"{seen.bucket}/many", recursive=True)
    assert (seen.keys(), gateway.stats()["requests"] <= 5) == ([], True)


def test_objects_that_the_server_was_too_busy_to_delete_are_deleted_again(monkeypatch, s3_server, seen, engine):
    """Within an answer of status 200, which nothing else repeats; those that are refused for good are told."""
    waits = {"backoff": {"init_backoff": 0.01, "max_backoff": 0.01, "base": 2}, "max_retries": 2}
    fs = S3FileSystem(**s3_server.options, engine=engine, retry_config=waits)
    asked = []

    async def call(self, name, *args, **kwargs):
        if name != "_call_s3" or args[0] != "delete_objects":
            return await plain(self, name, *args, **kwargs)
        asked.append([each["Key"] for each in kwargs["Delete"]["Objects"]])
        return {"Errors": [{"Key": key, "Code": codes[key], "Message": "no"} for key in asked[-1] if key in codes]}

    plain = type(fs.connection.sdk).call
    codes = {"a": "SlowDown", "b": "AccessDenied", "c": "InternalError"}
    monkeypatch.setattr(type(fs.connection.sdk), "call", call)
    with pytest.raises(OSError, match="3 of 4 objects were not deleted"):
        fs.rm(_names(seen.bucket, *"abcd"))
    assert asked == [[*"abcd"], [*"ac"], [*"ac"]]


def test_objects_that_were_not_deleted_raise(monkeypatch, fs, seen):
    """S3 answers 200 and a list of what is still there; s3fs does not look at it."""
    for key in "abc":
        seen.put(key, b"")

    async def answer(*_, **__):
        return {"Errors": [{"Key": "b", "Code": "AccessDenied", "Message": "no"}]}

    plain = type(fs.connection.sdk).call

    async def call(self, name, *args, **kwargs):
        refused = name == "_call_s3" and args[0] == "delete_objects"
        return await (answer() if refused else plain(self, name, *args, **kwargs))

    monkeypatch.setattr(type(fs.connection.sdk), "call", call)
    with pytest.raises(PermissionError, match="1 of 3 objects were not deleted") as caught:
        fs.rm(_names(seen.bucket, *"abc"))
    assert caught.value.filename == f"{seen.bucket}/b"


def test_buckets_are_created_and_deleted(s3_fs, s3_server, observer):
    """With the errors that a file system has for it."""
    name, client = f"made-{uuid.uuid4().hex[:8]}", observer(s3_server)
    s3_fs.ls("")
    s3_fs.mkdir(name)
    assert name in s3_fs.ls("", detail=False)
    with pytest.raises(FileExistsError):
        s3_fs.mkdir(name)
    s3_fs.makedirs(name, exist_ok=True)
    with pytest.raises(FileExistsError):
        s3_fs.makedirs(name)
    s3_fs.mkdir(f"{name}/dir")
    assert "Contents" not in client.list_objects_v2(Bucket=name)
    s3_fs.touch(f"{name}/key")
    with pytest.raises(OSError, match=r"(?i)empty"):
        s3_fs.rmdir(name)
    s3_fs.rm(name, recursive=True)
    assert not s3_fs.exists(name)
    assert name not in s3_fs.ls("", detail=False)
    with pytest.raises(FileNotFoundError):
        s3_fs.rmdir(name)
    with pytest.raises(FileNotFoundError):
        s3_fs.mkdir(f"{name}/dir", create_parents=False)
    s3_fs.makedirs(f"{name}/dir")
    s3_fs.rmdir(name)
    with pytest.raises(ValueError, match="ACL"):
        s3_fs.mkdir(name, acl="nobody")


def test_touch_creates_and_truncates(s3_fs, s3_seen):
    """An empty object; with truncate=False only where there is none."""
    path = f"{s3_seen.bucket}/key"
    s3_fs.touch(path, truncate=False)
    assert s3_seen.read("key") == b""
    s3_seen.put("key", b"content")
    with pytest.raises(ValueError, match="truncate"):
        s3_fs.touch(path, truncate=False)
    assert s3_seen.read("key") == b"content"
    s3_fs.touch(path)
    assert s3_seen.read("key") == b""


def test_versioned_bucket_is_deleted_with_its_versions(s3_fs, s3_server, make_bucket, observer):
    """A bucket can only be deleted when no old version is in it."""
    seen = Seen(observer(s3_server), make_bucket(s3_server, versioned=True))
    seen.put("key", b"old")
    seen.put("key", b"new")
    s3_fs.rm(seen.bucket, recursive=True)
    assert not s3_fs.exists(seen.bucket)


# -- what s3fs has besides ------------------------------------------------------------------------------------------


def _fetch(url: str) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("key", ["dir/c.txt", "odd key?#%+&=ä"])
def test_signed_urls_open_the_object(s3_fs, s3_seen, key):
    """By either name of the verb, blocking and awaited, with real signatures on MinIO."""
    s3_seen.put(key, b"333")
    path = f"{s3_seen.bucket}/{key}"
    for url in (s3_fs.url(path), s3_fs.sign(path, expiration=50), asyncio.run(s3_fs._url(path))):
        assert _fetch(url) == (200, b"333")
    with s3_fs.open(path) as file:
        assert _fetch(file.url()) == (200, b"333")


def test_metadata_attributes_and_tags(s3_fs, s3_seen):
    """As s3fs names and answers them."""
    path = f"{s3_seen.bucket}/key"
    s3_seen.put("key", b"1", Metadata={"mine": "1", "two-words": "2"})
    assert s3_fs.metadata(path) == {"mine": "1", "two-words": "2"}
    assert s3_fs.getxattr(path, "mine") == "1"
    s3_fs.setxattr(path, mine="3")
    assert s3_seen.head("key")["Metadata"]["mine"] == "3"
    with s3_fs.open(path) as file:
        assert (file.getxattr("mine"), file.metadata()["mine"]) == ("3", "3")
    s3_fs.put_tags(path, {"colour": "blue"})
    assert s3_fs.get_tags(path) == s3_seen.tags("key") == {"colour": "blue"}
    s3_fs.put_tags(path, {"size": "1"}, mode="m")
    assert s3_seen.tags("key") == {"colour": "blue", "size": "1"}
    with pytest.raises(FileNotFoundError):
        s3_fs.metadata(f"{s3_seen.bucket}/missing")


def test_access_control_lists(fs, seen):
    """Of an object by chmod, of a new one by a keyword."""
    seen.put("key", b"1")
    fs.chmod(f"{seen.bucket}/key", acl="public-read")
    fs.pipe_file(f"{seen.bucket}/key2", b"1", ACL="public-read")
    with fs.open(f"{seen.bucket}/key3", "wb", acl="public-read") as file:
        file.write(b"1")
    for key in ("key", "key2", "key3"):
        grants = seen.client.get_object_acl(Bucket=seen.bucket, Key=key)["Grants"]
        assert "READ" in {grant["Permission"] for grant in grants}, key
    with pytest.raises(ValueError, match="ACL"):
        fs.chmod(f"{seen.bucket}/key", acl="nobody")


def test_versions_are_listed_read_and_named_in_urls(s3_server, make_bucket, observer, engine):
    """version_aware, version_id= and ?versionId=, as in s3fs."""
    seen = Seen(observer(s3_server), make_bucket(s3_server, versioned=True))
    ids = [seen.client.put_object(Bucket=seen.bucket, Key="key", Body=body)["VersionId"] for body in (b"old", b"new")]
    path, options = f"{seen.bucket}/key", {**s3_server.options, "engine": engine}
    fs = S3FileSystem(**options, version_aware=True)
    assert {item["VersionId"] for item in fs.object_version_info(path)} == set(ids)
    assert fs.is_bucket_versioned(seen.bucket)
    assert fs.info(path)["VersionId"] == ids[1]
    assert fs.info(path, version_id=ids[0])["size"] == 3
    assert fs.cat_file(f"{path}?versionId={ids[0]}") == b"old"
    assert fs.split_path(f"{path}?versionId={ids[0]}") == (seen.bucket, "key", ids[0])
    with fs.open(path, version_id=ids[0]) as file:
        assert (file.read(), file.version_id) == (b"old", ids[0])
    with fsspec.open(f"s3://{path}?versionId={ids[0]}", **options) as file:
        assert file.read() == b"old"
    opened, inner = objfs.from_url(f"s3://{path}?versionId={ids[0]}", **options)
    assert opened.cat_file(inner) == b"old"
    assert len(fs.ls(seen.bucket, versions=True, detail=True)) == 2
    fs.rm_file(f"{path}?versionId={ids[1]}")
    assert seen.read("key") == b"old"
    with pytest.raises(FileNotFoundError):
        fs.info(path, version_id=ids[1])
    plain = S3FileSystem(**options)
    with pytest.raises(ValueError, match="version_aware"):
        plain.cat_file(path, version_id=ids[0])
    plain.pipe_file(f"{path}?versionId={ids[0]}", b"a key of its own")
    assert seen.read(f"key?versionId={ids[0]}") == b"a key of its own"
    assert plain.cat_file(f"{path}?versionId={ids[0]}") == b"a key of its own"


@pytest.mark.parametrize("remove", [lambda fs, path: fs.rm(path), lambda fs, path: fs.rm([path])])
def test_one_version_is_deleted_where_one_is_named(s3_server, make_bucket, observer, engine, remove):
    """And not the object as it is now."""
    seen = Seen(observer(s3_server), make_bucket(s3_server, versioned=True))
    ids = [seen.client.put_object(Bucket=seen.bucket, Key="key", Body=body)["VersionId"] for body in (b"old", b"new")]
    fs = S3FileSystem(**s3_server.options, engine=engine, version_aware=True)
    remove(fs, f"{seen.bucket}/key?versionId={ids[0]}")
    assert [item["VersionId"] for item in fs.object_version_info(f"{seen.bucket}/key")] == [ids[1]]
    assert seen.read("key") == b"new"


def test_bare_calls_of_the_client(s3_fs, s3_seen):
    """call_s3, blocking and awaited; errors are ours."""
    s3_seen.put("key", b"1")
    assert s3_fs.call_s3("head_object", Bucket=s3_seen.bucket, Key="key")["ContentLength"] == 1

    async def awaited():
        return await s3_fs._call_s3("head_object", Bucket=s3_seen.bucket, Key="key")

    assert asyncio.run(awaited())["ContentLength"] == 1
    with pytest.raises(FileNotFoundError):
        s3_fs.call_s3("head_object", Bucket=s3_seen.bucket, Key="missing")


def test_unfinished_uploads_are_listed_and_cleared(s3_fs, s3_seen):
    """Those that other programs have left."""
    s3_seen.client.create_multipart_upload(Bucket=s3_seen.bucket, Key="left")
    assert [item["Key"] for item in s3_fs.list_multipart_uploads(s3_seen.bucket)] == ["left"]
    s3_fs.clear_multipart_uploads(s3_seen.bucket)
    assert s3_seen.uploads() == []


def test_merging_objects_on_the_server(fs, seen):
    """s3fs's merge of parts that lie in the bucket."""
    part = b"1" * (5 << 20)
    seen.put("a", part)
    seen.put("b", b"2")
    fs.merge(f"{seen.bucket}/all", _names(seen.bucket, "a", "b"))
    assert seen.read("all") == part + b"2"


def test_attributes_of_the_peer(fs, moto_server):
    """What programs look at, and what nobody has."""
    assert fs.default_block_size > 0
    assert fs.version_aware is False
    assert (fs.anon, fs.endpoint_url) == (False, moto_server.endpoint)
    assert callable(fs.s3.head_object) or fs.s3 is not None
    assert not hasattr(fs, "no_such_thing")
    with pytest.raises(AttributeError, match="'S3FileSystem' object has no attribute 'no_such_thing'"):
        fs.no_such_thing  # noqa: B018


def test_mapping_reads_writes_and_deletes(s3_fs, s3_seen):
    """What zarr and others stand on."""
    mapper = s3_fs.get_mapper(f"{s3_seen.bucket}/root")
    mapper["a/b"] = b"1"
    mapper.setitems({"c": b"2", "d": b"3"})
    assert (mapper["a/b"], sorted(mapper), len(mapper), "c" in mapper) == (b"1", ["a/b", "c", "d"], 3, True)
    assert mapper.getitems(["c", "d", "x"], on_error="omit") == {"c": b"2", "d": b"3"}
    del mapper["c"]
    mapper.delitems(["d"])
    assert s3_seen.keys() == ["root/a/b"]
    with pytest.raises(KeyError):
        mapper["c"]
    assert fsspec.get_mapper(f"s3://{s3_seen.bucket}/root", **s3_fs.storage_options)["a/b"] == b"1"


# -- keys -----------------------------------------------------------------------------------------------------------

NAMEABLE = ["a b", "a?b#c%20+d&e=f", "ü/日本", "a.b/..c", "a\\b", "*x[1]{y}", "a:b@c", "~", "%2F", "s3:x"]
UNNAMEABLE = ["a//b", "/a", "a/", "d//", "a/../b", "a/./b", "..", "tab\there"]
# MinIO keeps objects in a file system, and refuses what that cannot hold.
MINIO = ["a//b", "/a", "a/../b", "a/./b", "..", "d//", "a\\b", "tab\there", "%2F"]


@pytest.mark.parametrize("key", [*NAMEABLE, *UNNAMEABLE])
def test_any_key_can_be_written_read_listed_and_deleted(s3_fs, s3_server, s3_seen, tmp_path, key):
    """A key is what the store says, never what a path would be; through bare paths and URLs."""
    if s3_server.name != "moto" and key in MINIO:
        pytest.skip(f"{s3_server.name} does not take the key {key!r}")
    path, target = f"{s3_seen.bucket}/{key}", tmp_path / "copy"
    for url in (path, f"s3://{path}"):
        s3_fs.pipe_file(url, b"odd")
        assert (s3_seen.keys(), s3_seen.read(key)) == ([key], b"odd")
        assert (s3_fs.cat_file(url), s3_fs.cat_file(url, start=1)) == (b"odd", b"dd")
        assert s3_fs.cat_ranges([url], [1], [2]) == [b"d"]
        assert (s3_fs.exists(url), s3_fs.size(url)) == (True, 3)
        info = s3_fs.info(url)
        if key.endswith("/"):  # the marker of a folder is a folder to who looks, and an object to who reads
            assert (info["type"], s3_fs.isfile(url)) == ("directory", False)
        else:
            assert (info["name"], info["size"], info["type"], s3_fs.isfile(url)) == (path, 3, "file", True)
        assert path in s3_fs.find(s3_seen.bucket)
        with s3_fs.open(url) as file:
            assert file.read() == b"odd"
        with s3_fs.open(url, "wb") as file:
            file.write(b"odder")
        s3_fs.get_file(url, str(target)) if not key.endswith("/") else target.write_bytes(s3_fs.cat_file(url))
        assert target.read_bytes() == s3_seen.read(key) == b"odder"
        s3_fs.cp_file(url, f"{s3_seen.bucket}/plain")
        s3_fs.cp_file(f"{s3_seen.bucket}/plain", url)
        assert sorted(s3_seen.keys()) == sorted([key, "plain"])
        s3_fs.rm_file(url)
        s3_fs.rm_file(f"{s3_seen.bucket}/plain")
        assert s3_seen.keys() == []


def test_a_key_and_a_folder_of_one_name_are_both_there(s3_fs, s3_server, s3_seen):
    """The store has no folders; the object wins where one thing is asked for."""
    if s3_server.name != "moto":
        pytest.skip(f"{s3_server.name} keeps objects in folders")
    s3_seen.put("a", b"object")
    s3_seen.put("a/b", b"below")
    path = f"{s3_seen.bucket}/a"
    assert (s3_fs.info(path)["type"], s3_fs.isfile(path), s3_fs.isdir(path)) == ("file", True, True)
    assert (s3_fs.cat_file(path), sorted(s3_fs.find(s3_seen.bucket))) == (b"object", [path, f"{path}/b"])


def test_listings_of_odd_keys_are_whole(fs, seen):
    """Markers of folders and empty segments, as buckets really have them, hide nothing."""
    keys = ["a//b", "dir/", "dir/x", "d/../e", "plain"]
    for key in keys:
        seen.put(key, b"1")
    assert {f"{seen.bucket}/{key}" for key in keys} - set(fs.find(seen.bucket)) <= {f"{seen.bucket}/dir/"}
    assert f"{seen.bucket}/dir/x" in fs.find(f"{seen.bucket}/dir")
    fs.rm(seen.bucket, recursive=True)
    assert not fs.exists(seen.bucket)


# -- awaited, and errors --------------------------------------------------------------------------------------------


def test_verbs_can_be_awaited(s3_server, s3_seen, engine, tmp_path):
    """Each blocking verb has the coroutine of fsspec's name."""

    async def work() -> None:
        fs = S3FileSystem(**s3_server.options, engine=engine, asynchronous=True)
        b = s3_seen.bucket
        await fs._pipe({f"{b}/dir/a": b"1", f"{b}/b": b"22"})
        assert await fs._cat_file(f"{b}/b") == b"22"
        assert await fs._cat([f"{b}/dir/a", f"{b}/b"]) == {f"{b}/dir/a": b"1", f"{b}/b": b"22"}
        assert await fs._cat_ranges([f"{b}/b"], [1], [2]) == [b"2"]
        assert await fs._ls(b) == [f"{b}/b", f"{b}/dir"]
        assert await fs._find(b) == [f"{b}/b", f"{b}/dir/a"]
        assert await fs._glob(f"{b}/*/a") == [f"{b}/dir/a"]
        assert [step async for step in fs._walk(b)] == [(b, ["dir"], ["b"]), (f"{b}/dir", [], ["a"])]
        assert await fs._du(b) == 3
        assert (await fs._info(f"{b}/b"))["size"] == await fs._size(f"{b}/b") == 2
        assert (await fs._exists(f"{b}/b"), await fs._isfile(f"{b}/b"), await fs._isdir(f"{b}/dir")) == (True,) * 3
        await fs._cp_file(f"{b}/b", f"{b}/c")
        await fs._get_file(f"{b}/c", str(tmp_path / "c"))
        await fs._put_file(str(tmp_path / "c"), f"{b}/d")
        await fs._touch(f"{b}/e")
        await fs._mv_file(f"{b}/e", f"{b}/f")
        await fs._rm_file(f"{b}/f")
        await fs._rm([f"{b}/c", f"{b}/d"])
        assert await fs._checksum(f"{b}/b")
        await fs._mkdir(f"{b}/new")
        await fs._makedirs(b, exist_ok=True)

    asyncio.run(work())
    asyncio.run(work())
    assert s3_seen.keys() == ["b", "dir/a"]


def test_errors_are_those_that_users_of_fsspec_catch(s3_fs, s3_server, s3_seen):
    """By type, with errno and the name of the object."""
    wrong = {**s3_server.options, "key": "nobody", "secret": "nothing"}
    stranger = S3FileSystem(**wrong, engine=s3_fs.connection.engine)
    if s3_server.name != "moto":
        for call in (
            lambda: stranger.cat_file(f"{s3_seen.bucket}/key"),
            lambda: stranger.pipe_file(f"{s3_seen.bucket}/key", b"1"),
            lambda: stranger.ls(s3_seen.bucket),
            lambda: stranger.info(f"{s3_seen.bucket}/key"),
            lambda: stranger.size(f"{s3_seen.bucket}/key"),
            lambda: stranger.open(f"{s3_seen.bucket}/key"),
        ):
            with pytest.raises(PermissionError) as caught:
                call()
            assert caught.value.errno == errno.EACCES
            assert "nothing" not in str(caught.value)
    for call in (
        lambda: s3_fs.pipe_file("bucket-that-does-not-exist/key", b"1"),
        lambda: s3_fs.ls("bucket-that-does-not-exist"),
        lambda: s3_fs.cat_file("bucket-that-does-not-exist/key"),
    ):
        with pytest.raises(FileNotFoundError):
            call()
    with pytest.raises(IsADirectoryError):
        s3_fs.cat_file(s3_seen.bucket)


def test_server_that_is_not_there_is_a_connection_error(engine, free_port):
    """Not an error of the SDK that nobody catches."""
    fs = S3FileSystem(
        endpoint_url=f"http://127.0.0.1:{free_port}",
        key="a",
        secret="b",
        region="us-east-1",
        engine=engine,
        retry_config={"max_retries": 0},
        config_kwargs={"retries": {"max_attempts": 0}},
    )
    for call in (lambda: fs.cat_file("bucket/key"), lambda: fs.pipe_file("bucket/key", b""), lambda: fs.ls("bucket")):
        with pytest.raises(ConnectionError) as caught:
            call()
        assert (caught.value.errno, str(caught.value).count("None")) == (errno.ECONNREFUSED, 0)


@pytest.fixture
def free_port():
    """A port that nothing listens on."""
    import socket

    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield nobody.getsockname()[1]
