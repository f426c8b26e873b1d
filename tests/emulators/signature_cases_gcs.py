"""Cases of the signature test: what only gcsfs has, or has in words of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.emulators.signature_bench import TREE, Bench, case
from tests.gcs_proxy import Asked

GCS = ("gcs",)
DATA = TREE["a.txt"]
WRITERS: dict[str, Callable[..., Any]] = {
    "pipe_file": lambda b, fs, path, **kw: fs.pipe_file(path, b"1", **kw),
    "put_file": lambda b, fs, path, **kw: fs.put_file(b.local("x", b"1"), path, **kw),
    "open": lambda b, fs, path, **kw: _write(fs, path, **kw),
}


def _write(fs: Any, path: str, **keywords: Any) -> None:
    with fs.open(path, "wb", **keywords) as file:
        file.write(b"1")


def _query(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}


# -- what is stored with an object ------------------------------------------------------------------------------------


@case("pipe_file", "metadata", "content_type", "fixed_key_metadata", clouds=GCS)
@case("put_file", "metadata", "content_type", "fixed_key_metadata", clouds=GCS)
@case("open", "metadata", "content_type", "fixed_key_metadata", clouds=GCS)
def stored_with(b: Bench) -> None:
    for name, write in WRITERS.items():
        path = b.path(f"new-{name}")
        fixed = {"cache_control": "no-store"}
        write(b, b.fs, path, metadata={"a": "1"}, content_type="text/x", fixed_key_metadata=fixed)
        found = b.raw.head(f"new-{name}")
        assert (found["content_type"], found["metadata"]) == ("text/x", {"a": "1"})
        assert b.fs.info(path)["cacheControl"] == "no-store"


@case("pipe_file", "consistency", clouds=GCS, not_on_peer="it asks in another way for each writer")
@case("put_file", "consistency", clouds=GCS)
@case("open", "consistency", clouds=GCS)
def consistency(b: Bench) -> None:
    wrong = json.dumps({"name": "new", "bucket": b.bucket, "md5Hash": "AAAA", "size": "1", "generation": "1"}).encode()
    for write in WRITERS.values():
        with b.watched() as (fs, proxy):
            proxy.answer(200, "POST", "/upload/", body=wrong)
            with pytest.raises(Exception, match=r"(?i)checksum|md5|bytes|mismatch"):
                write(b, fs, b.path("new"), consistency="md5")
        write(b, b.fs, b.path("new"), consistency="md5")
        assert b.raw.get("new") == b"1"


@case("open", "kms_key_name", clouds=GCS)
def kms_key_name(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        _write(fs, b.path("new"), kms_key_name="projects/p/key")
        sent = [_query(each).get("kmsKeyName") or each.body.decode() for each in proxy.asked if "/upload/" in each.path]
    assert "projects/p/key" in sent[0]


@case("open", "acl", clouds=GCS, not_on_peer="gcsfs does not send it")
def open_acl(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        _write(fs, b.path("new"), acl="publicRead")
        sent = [_query(each) for each in proxy.asked if "/upload/" in each.path]
    assert [each["predefinedAcl"] for each in sent] == ["publicRead"]


@case("cp_file", "acl", clouds=GCS)
@case("merge", "path", "paths", "acl", clouds=GCS)
def acl_of_copies(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        fs.cp_file(b.file, b.path("copy"), acl="publicRead")
        fs.merge(path=b.path("all"), paths=[b.file, b.path("b.csv")], acl="publicRead")
        sent = [_query(each) for each in proxy.asked if "rewriteTo" in each.path or "/compose" in each.path]
    assert [each["destinationPredefinedAcl"] for each in sent] == ["publicRead"] * 2
    assert (b.raw.get("copy"), b.raw.get("all")) == (DATA, DATA + TREE["b.csv"])


@case("setxattrs", "path", not_on_peer="gcsfs warns of its own logging", clouds=GCS)
@case("setxattrs", "content_type", "content_encoding", "fixed_key_metadata", clouds=GCS)
@case("getxattr", "path", "attr", clouds=GCS)
def attributes(b: Bench) -> None:
    b.fs.setxattrs(path=b.file, content_type="text/x", fixed_key_metadata={"cache_control": "no-store"}, mine="1")
    b.fs.setxattrs(b.file, content_encoding="x-none")
    info = b.fs.info(b.file)
    assert (info["contentType"], info["cacheControl"], info["contentEncoding"]) == ("text/x", "no-store", "x-none")
    assert b.fs.getxattr(path=b.file, attr="mine") == "1"


# -- generations ------------------------------------------------------------------------------------------------------


@case("info", "generation", clouds=GCS, not_on_peer="gcsfs answers out of a listing")
@case("open", "generation", clouds=GCS)
@case("url", "path", "generation", clouds=GCS)
@case("ls", "versions", clouds=GCS)
@case("find", "versions", clouds=GCS)
def generations(b: Bench) -> None:
    bucket = b.versioned()
    fs, path = b.make(version_aware=True), f"{bucket}/key"
    for data in (b"old", b"newer"):
        fs.pipe_file(path, data)
    found = fs.ls(bucket, detail=True, versions=True)
    old, new = (item["generation"] for item in sorted(found, key=lambda item: int(item["size"])))
    assert sorted(fs.find(bucket, versions=True)) == sorted([f"{path}#{old}", f"{path}#{new}"])
    assert (fs.info(path, generation=old)["size"], fs.info(path)["size"]) == (3, 5)
    with fs.open(path, generation=old) as file:
        assert file.read() == b"old"
    assert fs.url(path=path, generation=old).endswith(f"generation={old}")


# -- names ------------------------------------------------------------------------------------------------------------


@case("ls", "prefix", clouds=GCS)
def ls_prefix(b: Bench) -> None:
    assert b.below(b.fs.ls(b.dir, prefix="s", detail=False), b.dir) == ["sub"]


@case("expand_path", "assume_literal", clouds=("s3", "gcs"))
def assume_literal(b: Bench) -> None:
    for key in ("[x]", "x"):
        b.raw.put(key)
    assert b.fs.expand_path([b.path("[x]")], assume_literal=True) == [b.path("[x]")]
    assert b.fs.expand_path(b.path("[x]")) == [b.path("x")]


@case("mv_file", "path1", "path2", clouds=GCS)
def mv_file(b: Bench) -> None:
    b.fs.mv_file(path1=b.file, path2=b.path("moved"))
    assert (b.raw.get("moved"), "a.txt" in b.raw.listed()) == (DATA, False)


def _told(asked: list[Asked]) -> list[dict[str, Any]]:
    posted = [each for each in asked if each.method == "POST" and urlsplit(each.path).path.endswith("/b")]
    return [json.loads(each.body) for each in posted]


@case("mkdir", "create_parents", "location", clouds=GCS)
def mkdir(b: Bench) -> None:
    name = f"{b.bucket}-made"
    with pytest.raises(FileNotFoundError):
        b.fs.mkdir(f"{name}/dir", create_parents=False)
    with b.watched() as (fs, proxy):
        fs.mkdir(f"{name}/dir", create_parents=True, location="EU")
        assert [told["location"] for told in _told(proxy.asked)] == ["EU"]
    assert b.fs.exists(name)
    b.fs.rmdir(name)


@case("mkdir", "enable_hierarchical_namespace", "placement", clouds=GCS, not_on_peer="asks Google's own server")
def mkdir_of_folders(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        proxy.answer(200, "POST", "/storage/v1/b", times=2)
        fs.mkdir(f"{b.bucket}-folders", enable_hierarchical_namespace=True)
        fs.mkdir(f"{b.bucket}-zonal", placement="us-east1-b", location="us-east1")
        folders, zonal = _told(proxy.asked)
    assert folders["hierarchicalNamespace"] == {"enabled": True}
    assert zonal["customPlacementConfig"] == {"dataLocations": ["us-east1-b"]}


@case("mkdir", clouds=GCS, not_on_peer="the order of gcsfs's class for buckets with folders")
def mkdir_by_position(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        proxy.answer(200, "POST", "/storage/v1/b", times=2)
        fs.mkdir(f"{b.bucket}-one", True, True)
        fs.mkdir(f"{b.bucket}-two", False, False, "us-east1-b", "us-east1")
        one, two = _told(proxy.asked)
    assert one["hierarchicalNamespace"] == {"enabled": True}
    assert (two["location"], two["customPlacementConfig"]["dataLocations"]) == ("us-east1", ["us-east1-b"])


# -- bare calls, URLs -------------------------------------------------------------------------------------------------


@case("call", "method", "path", "json_out", "info_out", clouds=GCS)
def call(b: Bench) -> None:
    assert b.fs.call(method="GET", path=f"b/{b.bucket}", json_out=True)["name"] == b.bucket
    headers, body = b.fs.call("GET", f"b/{b.bucket}")
    assert json.loads(body)["name"] == b.bucket
    assert "application/json" in headers["Content-Type"]
    info = b.fs.call("GET", f"b/{b.bucket}", info_out=True)
    assert f"b/{b.bucket}" in str(info.url)


@case("make_bucket_requester_pays", "path", "state", clouds=GCS)
def requester_pays(b: Bench) -> None:
    with b.watched() as (fs, proxy):
        proxy.answer(200, "PATCH", "/storage/v1/b", times=2)
        fs.make_bucket_requester_pays(path=b.bucket)
        fs.make_bucket_requester_pays(b.bucket, state=False)
        told = [json.loads(each.body)["billing"]["requesterPays"] for each in proxy.asked if each.method == "PATCH"]
    assert told == [True, False]


@case("sign", "path", "expiration", clouds=GCS, not_on_peer="asks Google's token server")
def sign(b: Bench) -> None:
    from tests.emulators.test_gcs_verbs import _account

    fs = b.make(token=_account())
    assert "X-Goog-Expires=50&" in fs.sign(path=b.file, expiration=50, version="v4")
