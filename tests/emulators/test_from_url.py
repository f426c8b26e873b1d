"""objfs.from_url over every kind of store, and prefix= on top: one test body for clouds, memory, files and the web."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

import objfs
from objfs.errors import ConflictingOptionsError, MissingExtraError, UnknownOptionError, UrlError
from objfs.opening import CLASSES
from objfs.prefixed import PrefixFileSystem

BODY = bytes(range(256)) * 8


@dataclass(frozen=True)
class Kind:
    """A kind of store, with a place of the test's own in it.

    Parameters
    ----------
    url
        ``url(key)`` names an object of that place, ``url("")`` the place.
    above
        Part of the keys between the store's root and the place: a prefix that holds the test's objects.
    put
        Writes an object without objfs.
    options
        Storage options.
    writes, lists
        What can be done with it.
    """

    name: str
    url: Callable[[str], str]
    above: str
    put: Callable[[str, bytes], None] = field(repr=False)
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    writes: bool = True

    def prefix(self, inner: str = "") -> str:
        return "/".join(filter(None, (self.above, inner)))

    def open(self, inner: str, key: str | None = None, **options: Any) -> tuple[Any, str]:
        """from_url of a key of the place (or of the prefix itself), under the prefix ``inner`` of the place."""
        url = self.url(inner if key is None else key)
        return objfs.from_url(url, prefix=self.prefix(inner), **{**self.options, **options})


def http_kind(request: pytest.FixtureRequest) -> Kind:
    server, above = request.getfixturevalue("web"), f"pub/{uuid.uuid4().hex}"
    root = f"http://127.0.0.1:{server.server_port}/{above}"
    put = lambda key, data: server.objects.__setitem__(f"/{above}/{key}", data)  # noqa: E731
    return Kind("http", lambda key: f"{root}/{key}" if key else root, above, put, writes=False)


def memory_kind(request: pytest.FixtureRequest) -> Kind:
    above = f"test-{uuid.uuid4().hex}"

    def clear() -> None:
        for name in MemoryFileSystem().find(f"/{above}"):
            MemoryFileSystem.store.pop(name)

    request.addfinalizer(clear)

    def put(key: str, data: bytes) -> None:
        MemoryFileSystem().pipe_file(f"/{above}/{key}", data)

    return Kind("memory", lambda key: f"memory://{above}/{key}".rstrip("/"), above, put)


def file_kind(request: pytest.FixtureRequest) -> Kind:
    root = request.getfixturevalue("tmp_path")

    def put(key: str, data: bytes) -> None:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(data)

    above = root.as_posix().lstrip("/")
    return Kind("file", lambda key: f"{root.as_uri()}/{key}".rstrip("/"), above, put, {"auto_mkdir": True})


def cloud_kind(request: pytest.FixtureRequest) -> Kind:
    cloud = request.getfixturevalue(f"{request.param}_cloud")

    def put(key: str, data: bytes) -> None:
        cloud.raw.put(f"lake/{key}", data)

    return Kind(cloud.name, lambda key: cloud.url(f"lake/{key}").rstrip("/"), "lake", put, cloud.options)


# A cloud that joins CLASSES joins these tests.
KINDS = {**dict.fromkeys(CLASSES, cloud_kind), "file": file_kind, "memory": memory_kind, "http": http_kind}


@pytest.fixture(params=[*KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of store in turn."""
    return KINDS[request.param](request)


@pytest.fixture(params=[name for name in KINDS if name != "http"])
def writable(request: pytest.FixtureRequest) -> Kind:
    """Each kind of store that takes writes."""
    return KINDS[request.param](request)


@pytest.fixture(params=[*CLASSES])
def objects(request: pytest.FixtureRequest) -> Kind:
    """Each object store, whose keys are opaque."""
    return KINDS[request.param](request)


# -- without a prefix ------------------------------------------------------------------------------------------------


def test_from_url_reads_from_every_kind_of_store(kind):
    """One call for all of them; the path is what the filesystem takes."""
    kind.put("dir/a.bin", BODY)
    fs, path = objfs.from_url(kind.url("dir/a.bin"), **kind.options)
    assert fs.cat_file(path) == BODY
    assert fs.cat_file(path, start=3, end=9) == BODY[3:9]
    assert not isinstance(fs, DirFileSystem)


@pytest.mark.parametrize("spelling", ["file:", "file://", "local://", "local:", "FILE://", "Local:"])
def test_from_url_takes_local_urls_as_fsspec_does(tmp_path, spelling):
    """With and without slashes, nothing decoded."""
    (tmp_path / "a%20b").write_bytes(b"1")
    fs, path = objfs.from_url(f"{spelling}{tmp_path.as_posix()}/a%20b")
    assert fs.cat_file(path) == b"1"


def test_from_url_keeps_web_urls_as_they_are(web):
    """A query belongs to the URL, also one that a server signed."""
    web.objects["/q?X-Amz-Signature=1"] = b"signed"
    fs, path = objfs.from_url(f"HTTP://127.0.0.1:{web.server_port}/q?X-Amz-Signature=1")
    assert fs.cat_file(path) == b"signed"


def test_from_url_hands_options_to_the_filesystem_of_fsspec(web):
    """Those of the class, and of aiohttp's requests."""
    url = f"http://127.0.0.1:{web.server_port}/x"
    fs, _ = objfs.from_url(url, block_size=5, encoded=True, headers={"a": "b"})
    assert (fs.block_size, fs.encoded, fs.kwargs) == (5, True, {"headers": {"a": "b"}})


@pytest.mark.parametrize(
    ("url", "options"),
    [
        pytest.param("https://minio.example/bucket/key", {"key": "AK", "secret": "hunter2"}, id="http"),
        pytest.param("file:///x", {"anon": True}, id="file"),
        pytest.param("memory://x", {"AWS_SECRET_ACCESS_KEY": "hunter2"}, id="memory"),
        pytest.param("memory://x", {"config": {"key": "hunter2"}}, id="config"),
    ],
)
def test_from_url_refuses_options_of_a_cloud_for_what_is_none(url, options):
    """They would be ignored, and a secret among them shown by the filesystem's JSON."""
    with pytest.raises(UnknownOptionError, match="is an option of") as caught:
        objfs.from_url(url, **options)
    assert "hunter2" not in str(caught.value)


def test_from_url_says_how_to_name_a_server_of_s3(web):
    """Who passes keys for an unknown host means a server that speaks a cloud's protocol."""
    with pytest.raises(UnknownOptionError, match=r"s3://bucket/key and pass endpoint='https://minio\.example'"):
        objfs.from_url("https://minio.example/bucket/key", key="AK")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("https://user:hunter2@example.com/x", "credentials", id="credentials"),
        pytest.param("https://user:hunter2@s3.amazonaws.com/b/k", "credentials", id="credentials-of-a-cloud"),
        pytest.param("https://s3.eu-west-1.amazonaws.com:8443/b/k", "not a known S3 host", id="port-of-a-cloud"),
        pytest.param("https://b.s3.amazonaws.com/k?X-Amz-Signature=hunter2", "presigned", id="presigned"),
        pytest.param("https://n-1.s3-control.eu-west-1.amazonaws.com/k", "not a known S3 host", id="other-api"),
        pytest.param("https://r2.cloudflarestorage.com/b/k", "not a known S3 host", id="r2-without-an-account"),
        pytest.param("s3+ddb://b/k", "Lance", id="dialect"),
        pytest.param("ftp://host/x", "known are s3, .*memory", id="scheme"),
        pytest.param("/bare/path", "is no URL", id="bare-path"),
        pytest.param("memory:/x", "is no URL", id="memory-without-slashes"),
        pytest.param("https:///x", "no valid host", id="no-host"),
    ],
)
def test_from_url_refuses_what_no_store_has(url, says):
    """A host of a cloud is never read as a plain web server, and credentials in a URL are refused for all."""
    with pytest.raises(UrlError, match=says) as caught:
        objfs.from_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/x",
        "https://bucket.s3-website-us-east-1.amazonaws.com/key",
        "https://bucket.s3-website.eu-central-1.amazonaws.com/key",
        "https://balancer-1.eu-west-1.elb.amazonaws.com/x",
        "https://pub-1234.r2.dev/key",
    ],
)
def test_from_url_reads_other_hosts_as_web_servers(url):
    """Also websites that lie in a bucket: they are not the API."""
    pytest.importorskip("aiohttp")
    fs, path = objfs.from_url(url)
    assert ("https" in fs.protocol, path) == (True, url)


def test_from_url_names_the_extra_when_aiohttp_is_missing(monkeypatch):
    """fsspec's HTTP filesystem needs it."""
    monkeypatch.setitem(sys.modules, "fsspec.implementations.http", None)
    monkeypatch.delitem(_registry, "http", raising=False)
    with pytest.raises(MissingExtraError, match=r"objfs\[http\]"):
        objfs.from_url("http://127.0.0.1/x")


# -- with a prefix ---------------------------------------------------------------------------------------------------


def test_prefix_makes_paths_relative_for_every_kind_of_store(kind):
    """The URL names something under the prefix; what is read, listed and described is named from there on."""
    kind.put("dir/a.bin", BODY)
    kind.put("dir/sub/b.bin", b"b")
    kind.put("other/c.bin", b"c")
    fs, path = kind.open("dir", "dir/a.bin")
    assert isinstance(fs, DirFileSystem)
    assert path == "a.bin"
    assert fs.cat_file(path) == BODY
    assert fs.exists(path)
    assert not fs.exists("c.bin")
    with fs.open(path) as file:
        assert (file.seek(5), file.read(4)) == (5, BODY[5:9])
    with fs.open("sub/b.bin", "r") as file:
        assert file.read() == "b"
    assert fs.cat_ranges([path, "sub/b.bin", path], [0, 0, 100], [4, 1, 110]) == [BODY[:4], b"b", BODY[100:110]]
    assert fs.info(path)["name"] == "a.bin"
    assert fs.size(path) == len(BODY)
    assert fs.cat([path, "sub/b.bin"]) == {path: BODY, "sub/b.bin": b"b"}
    with pytest.raises(FileNotFoundError):
        fs.cat_file("missing")


def test_prefix_lists_what_lies_under_it(kind):
    """Names without details and with them; links of a web page that lead elsewhere are left out."""
    kind.put("dir/a.bin", BODY)
    kind.put("dir/b.bin", b"b")
    kind.put("directory/c.bin", b"c")
    fs, _ = kind.open("dir")
    for root in ("", "/"):
        assert sorted(fs.ls(root, detail=False)) == ["a.bin", "b.bin"], root
        assert sorted(entry["name"] for entry in fs.ls(root)) == ["a.bin", "b.bin"], root


def test_prefix_searches_what_lies_under_it(writable):
    """find, glob and walk start at the prefix."""
    for key in ("dir/a.bin", "dir/sub/b.bin", "c.bin"):
        writable.put(key, b"1")
    fs, _ = writable.open("dir")
    assert sorted(fs.find("")) == ["a.bin", "sub/b.bin"]
    assert sorted(fs.find("", detail=True)) == ["a.bin", "sub/b.bin"]
    assert fs.glob("sub/*.bin") == ["sub/b.bin"]
    assert [(root, sorted(dirs), sorted(files)) for root, dirs, files in fs.walk("")] == [
        ("", ["sub"], ["a.bin"]),
        ("sub", [], ["b.bin"]),
    ]
    assert fs.isdir("sub")
    assert fs.du("") == 2


def test_prefix_writes_under_it(writable, tmp_path):
    """Every verb that changes something, named from the prefix on and seen from outside."""
    fs, path = writable.open("out", "out/new.bin")
    outside, _ = objfs.from_url(writable.url(""), **writable.options)
    base = outside._strip_protocol(writable.url("out"))
    fs.pipe_file(path, b"piped")
    with fs.open("opened.bin", "wb") as file:
        file.write(b"opened")
    local = tmp_path / "local.bin"
    local.write_bytes(b"put")
    fs.put_file(str(local), "put.bin")
    fs.cp_file("put.bin", "copy.bin")
    fs.mv("opened.bin", "moved.bin")
    fs.pipe({"x/1": b"1", "x/2": b"2"})
    fs.rm_file("put.bin")
    fs.rm("x", recursive=True)
    assert {name.removeprefix(base): outside.cat_file(name) for name in outside.find(base)} == {
        "/new.bin": b"piped",
        "/copy.bin": b"put",
        "/moved.bin": b"opened",
    }
    fs.get_file("copy.bin", str(tmp_path / "got.bin"))
    assert (tmp_path / "got.bin").read_bytes() == b"put"


def test_prefix_is_where_the_url_of_the_whole_store_opens(kind):
    """``S3Store(bucket, prefix=...)`` in fsspec's words: the URL names the store, or the prefix itself."""
    kind.put("dir/a.bin", BODY)
    whole = kind.url("").removesuffix(kind.above)
    for url in {whole, kind.url("dir"), kind.url("dir") + "/"}:
        fs, path = objfs.from_url(url, prefix=f"/{kind.prefix('dir')}/", **kind.options)
        assert (path, fs.cat_file("a.bin")) == ("", BODY), url


def test_empty_prefix_starts_at_the_store(kind):
    """A bucket as the root of all paths."""
    kind.put("a.bin", BODY)
    fs, path = objfs.from_url(kind.url("a.bin"), prefix="", **kind.options)
    assert path == kind.prefix("a.bin")
    assert fs.cat_file(path) == BODY
    assert fs.info(path)["name"] == path


@pytest.mark.parametrize("key", ["directory/a.bin", "di", "other"])
def test_prefix_refuses_a_url_outside_of_it(kind, key):
    """Whole segments count: ``dir`` does not hold ``directory``."""
    with pytest.raises(UrlError, match="not under prefix"):
        kind.open("dir", key)


@pytest.mark.parametrize("path", ["../secret.bin", "a/../../secret.bin", "%2E%2E/secret.bin", "..", "./../secret.bin"])
def test_prefix_is_not_left_through_dots(kind, path):
    """Object stores have them in keys; anything else would climb."""
    kind.put("secret.bin", b"secret")
    kind.put("dir/a.bin", b"1")
    fs, _ = kind.open("dir")
    # Azure's client would resolve the dots, so objfs refuses such keys there.
    with pytest.raises((FileNotFoundError, ValueError) if kind.name in CLASSES else UrlError):
        fs.cat_file(path)


def test_prefix_refuses_dots_where_they_climb(tmp_path):
    """Nor may the prefix itself."""
    with pytest.raises(UrlError, match=r"'\.\.'"):
        objfs.from_url("file:///", prefix="data/../etc")


@pytest.mark.parametrize("key", ["d/", "a//b", "?x=1#y", "100%25", " a ", "é", "dir://x", "/lead"])
def test_prefix_keeps_keys_of_object_stores_as_they_are(objects, key):
    """fsspec's own DirFileSystem would cut a slash off, and so read another object."""
    fs, _ = objects.open("odd")
    fs.pipe_file(key, b"odd")
    objects.put(f"odd/{key.rstrip('/')}x", b"other")
    assert fs.cat_file(key) == b"odd"
    whole, place = objfs.from_url(objects.url(""), **objects.options)
    assert whole.cat_file(f"{place}/odd/{key}") == b"odd"


def test_prefix_works_in_coroutines(kind):
    """``asynchronous=True``: fsspec's blocking filesystems are run in threads."""
    kind.put("dir/a.bin", BODY)

    async def read() -> None:
        fs, path = kind.open("dir", "dir/a.bin", asynchronous=True, skip_instance_cache=True)
        assert fs.asynchronous
        assert await fs._exists(path)
        assert await fs._cat_file(path, start=2, end=6) == BODY[2:6]
        assert await fs._cat_ranges([path, path], [0, 9], [3, 12]) == [BODY[:3], BODY[9:12]]
        assert (await fs._info(path))["name"] == "a.bin"
        assert [entry["name"] for entry in await fs._ls("")] == ["a.bin"]
        if kind.writes:
            await fs._pipe_file("new.bin", b"new")
            assert await fs._cat_file("new.bin") == b"new"
            assert sorted(await fs._find("")) == ["a.bin", "new.bin"]
        if kind.name == "http":
            await (await fs.fs.set_session()).close()

    asyncio.run(read())


def test_from_url_without_a_prefix_works_in_coroutines(kind):
    """The same awaited names on all of them."""
    kind.put("a.bin", BODY)

    async def read() -> bytes:
        fs, path = objfs.from_url(
            kind.url("a.bin"), **{**kind.options, "asynchronous": True, "skip_instance_cache": True}
        )
        data: bytes = await fs._cat_file(path)
        if kind.name == "http":
            await (await fs.set_session()).close()
        return data

    assert asyncio.run(read()) == BODY


def test_prefix_comes_from_a_configuration_of_object_store(objects):
    """``config={"prefix": ...}``, beside a keyword that agrees; a keyword that does not is refused."""
    objects.put("dir/a.bin", BODY)
    more = {**objects.options, "config": {"PREFIX": objects.prefix("dir") + "/"}}
    fs, path = objfs.from_url(objects.url("dir/a.bin"), **more)
    assert (path, fs.cat_file(path)) == ("a.bin", BODY)
    assert objfs.from_url(objects.url("dir/a.bin"), prefix=objects.prefix("dir"), **more)[1] == "a.bin"
    with pytest.raises(ConflictingOptionsError, match="'other'"):
        objfs.from_url(objects.url("dir/a.bin"), prefix="other", **more)


def test_prefix_keeps_the_version_that_a_url_names(moto_server, make_bucket, observer):
    """``?versionId=`` stays on the relative path."""
    bucket = make_bucket(moto_server, versioned=True)
    client = observer(moto_server)
    ids = [client.put_object(Bucket=bucket, Key="dir/a", Body=body)["VersionId"] for body in (b"old", b"new")]
    fs, path = objfs.from_url(f"s3://{bucket}/dir/a?versionId={ids[0]}", prefix="dir", **moto_server.options)
    assert path == f"a?versionId={ids[0]}"
    assert (fs.cat_file(path), fs.cat_file("a")) == (b"old", b"new")


def test_prefix_needs_a_bucket():
    """The root of an account has none."""
    with pytest.raises(UrlError, match="names no bucket"):
        objfs.from_url("s3://", prefix="dir", anon=True)


# -- what DirFileSystem alone would get wrong --------------------------------------------------------------------------


def two_tenants() -> list[Any]:
    return [objfs.from_url("s3://b/k", prefix="", key="AK", secret=secret)[0] for secret in ("one", "two")]


def test_prefixed_filesystems_of_two_tenants_are_not_one():
    """fsspec's instance cache would tell them apart by a repr that shows no secret."""
    one, two = two_tenants()
    assert one is not two
    assert one != two
    assert one.__dask_tokenize__() != two.__dask_tokenize__()
    assert (one, hash(one)) == (again := two_tenants()[0], hash(again))
    assert one.__dask_tokenize__() == again.__dask_tokenize__()
    assert one != objfs.from_url("s3://b/k", prefix="k", key="AK", secret="one")[0]
    assert one != one.fs


def test_prefixed_filesystem_travels(kind):
    """By pickle, and by JSON unless options are objects."""
    kind.put("dir/a.bin", BODY)
    fs, path = kind.open("dir", "dir/a.bin")
    assert pickle.loads(pickle.dumps(fs)).cat_file(path) == BODY
    again = PrefixFileSystem.from_json(fs.to_json())
    assert isinstance(again, PrefixFileSystem)
    assert again.cat_file(path) == BODY


def test_prefixed_filesystem_shows_no_secret():
    """Neither in its repr nor in redacted JSON."""
    fs = two_tenants()[0]
    assert "one" not in repr(fs)
    assert json.loads(fs.to_json())["fs"]["secret"] == "one"
    assert '"one"' not in fs.to_json(include_password=False)


def test_transaction_of_a_prefixed_filesystem_discards_on_error(writable):
    """It is the one of the filesystem below, which opens the files."""
    fs, _ = writable.open("tx")
    with pytest.raises(ZeroDivisionError), fs.transaction, fs.open("lost.bin", "wb") as file:
        file.write(bytes(1 // 0))
    assert not fs.exists("lost.bin")
    with fs.transaction, fs.open("kept.bin", "wb") as file:
        file.write(b"kept")
    assert fs.cat_file("kept.bin") == b"kept"
    fs.start_transaction()
    with fs.open("later.bin", "wb") as file:
        file.write(b"later")
    assert not fs.exists("later.bin")
    fs.end_transaction()
    assert fs.cat_file("later.bin") == b"later"
