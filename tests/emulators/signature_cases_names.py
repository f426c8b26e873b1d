"""Cases of the signature test: verbs about names, which all clouds have."""

from __future__ import annotations

import json

import pytest

from tests.emulators.signature_bench import TREE, Bench, case

KEYS = sorted(TREE)


@case("exists", "path")
@case("isfile", "path")
@case("isdir", "path")
def looking(b: Bench) -> None:
    found = [(b.fs.exists(path=p), b.fs.isfile(path=p), b.fs.isdir(path=p)) for p in (b.file, b.dir, b.path("no"))]
    assert found == [(True, True, False), (True, False, True), (False, False, False)]


@case("size", "path")
def size(b: Bench) -> None:
    assert b.fs.size(path=b.file) == 10


@case("sizes", "paths", "batch_size")
def sizes(b: Bench) -> None:
    assert b.fs.sizes(paths=[b.file, b.path("b.csv")], batch_size=1) == [10, 2]


@case("info", "path")
@case("stat", "path")
def info(b: Bench) -> None:
    found = b.fs.info(path=b.file)
    assert (found["name"], found["size"], found["type"]) == (b.file, 10, "file")
    assert b.fs.stat(path=b.file) == found


@case("checksum", "path")
def checksum(b: Bench) -> None:
    before = b.fs.checksum(path=b.file)
    assert before == b.fs.checksum(path=b.file)
    b.raw.put("a.txt", b"changed")
    assert b.fs.checksum(path=b.file) != before


@case("modified", "path")
def modified(b: Bench) -> None:
    assert b.fs.modified(path=b.file).tzinfo is not None


@case("created", "path", clouds=("gcs", "azure"))
def created(b: Bench) -> None:
    assert b.fs.created(path=b.file) <= b.fs.modified(path=b.file)


@case("split_path", "path")
def split_path(b: Bench) -> None:
    assert b.fs.split_path(path=b.path("dir/c.txt")) == (b.bucket, "dir/c.txt", None)


# -- listings ---------------------------------------------------------------------------------------------------------


@case("ls", "path", "detail")
def ls(b: Bench) -> None:
    names = b.fs.ls(path=b.bucket, detail=False)
    assert [name.rstrip("/") for name in names] == [b.path(key) for key in ("a.txt", "b.csv", "dir", "other")]
    assert {item["name"]: item["type"] for item in b.fs.ls(path=b.dir, detail=True)} == {
        b.path("dir/c.txt"): "file",
        b.path("dir/sub"): "directory",
    }


@case("ls", "refresh", clouds=("s3", "gcs"))
def ls_refresh(b: Bench) -> None:
    fs = b.make(use_listings_cache=True)
    assert len(fs.ls(b.dir, detail=False)) == 2
    b.raw.put("dir/new")
    assert [len(fs.ls(b.dir, refresh=again)) for again in (False, True)] == [2, 3]


@case("invalidate_cache", "path")
def invalidate_cache(b: Bench) -> None:
    fs = b.make(use_listings_cache=True)
    before = len(fs.ls(b.dir))
    b.raw.put("dir/new")
    assert len(fs.ls(b.dir)) == before
    fs.invalidate_cache(path=b.dir)
    assert len(fs.ls(b.dir)) == before + 1


@case("find", "path")
def find(b: Bench) -> None:
    assert b.below(b.fs.find(path=b.bucket)) == KEYS


@case("find", "maxdepth", clouds=("s3", "gcs"))
def find_maxdepth(b: Bench) -> None:
    assert b.below(b.fs.find(b.bucket, maxdepth=1)) == ["a.txt", "b.csv"]


@case("find", "withdirs")
def find_withdirs(b: Bench) -> None:
    found = b.below(b.fs.find(b.dir, withdirs=True), b.dir)
    assert {"c.txt", "sub", "sub/d.csv"} <= set(found)
    assert b.below(b.fs.find(b.dir, withdirs=False), b.dir) == ["c.txt", "sub/d.csv"]


@case("find", "detail", clouds=("s3", "gcs"))
def find_detail(b: Bench) -> None:
    found = b.fs.find(b.dir, detail=True)
    assert {name: item["size"] for name, item in found.items()} == {b.path("dir/c.txt"): 3, b.path("dir/sub/d.csv"): 4}


@case("find", "prefix")
def find_prefix(b: Bench) -> None:
    assert b.below(b.fs.find(b.dir, prefix="s"), b.dir) == ["sub/d.csv"]


@case("glob", "path", "maxdepth", clouds=("s3", "gcs"))
@case("glob", "path", "maxdepth", clouds=("azure",), not_on_peer="adlfs lists deeper")
def glob(b: Bench) -> None:
    assert b.below(b.fs.glob(path=b.path("**/*.csv"))) == ["b.csv", "dir/sub/d.csv"]
    assert b.below(b.fs.glob(b.path("**/*.csv"), maxdepth=1)) == ["b.csv"]


@case("walk", "path", "maxdepth")
def walk(b: Bench) -> None:
    assert [(len(d), sorted(f)) for _, d, f in b.fs.walk(path=b.dir)] == [(1, ["c.txt"]), (0, ["d.csv"])]
    assert [sorted(f) for _, _, f in b.fs.walk(b.dir, maxdepth=1)] == [["c.txt"]]


@case("walk", "topdown", clouds=("gcs", "azure"))
def walk_topdown(b: Bench) -> None:
    assert [sorted(f) for _, _, f in b.fs.walk(b.dir, topdown=False)] == [["d.csv"], ["c.txt"]]


@case("walk", "on_error", clouds=("gcs", "azure"))
def walk_on_error(b: Bench) -> None:
    assert list(b.fs.walk(b.path("no"), on_error="omit")) in ([], [(b.path("no"), [], [])])
    seen: list[OSError] = []
    list(b.fs.walk("no-such-bucket-at-all/x", on_error=seen.append))
    assert [type(error) for error in seen] == [FileNotFoundError]
    with pytest.raises(FileNotFoundError):
        list(b.fs.walk("no-such-bucket-at-all/x", on_error="raise"))


@case("du", "path", "total", "maxdepth", clouds=("s3", "gcs"))
@case("du", "path", "total", "maxdepth", clouds=("azure",), not_on_peer="adlfs lists deeper")
def du(b: Bench) -> None:
    assert b.fs.du(path=b.dir) == 7
    assert b.fs.du(b.dir, total=False) == {b.path("dir/c.txt"): 3, b.path("dir/sub/d.csv"): 4}
    assert b.fs.du(b.dir, maxdepth=1) == 3


@case("expand_path", "path", "recursive", "maxdepth", clouds=("s3", "gcs"))
@case("expand_path", "path", "recursive", "maxdepth", clouds=("azure",), not_on_peer="adlfs lists deeper")
def expand_path(b: Bench) -> None:
    assert b.below(b.fs.expand_path(path=b.path("*.csv"))) == ["b.csv"]
    found = b.fs.expand_path(b.dir, recursive=True)
    assert {b.path("dir/c.txt"), b.path("dir/sub/d.csv")} <= set(found)
    assert b.path("dir/sub/d.csv") not in b.fs.expand_path(b.dir, recursive=True, maxdepth=1)


# -- buckets and deletion ---------------------------------------------------------------------------------------------


@case("mkdir", "path")
def mkdir(b: Bench) -> None:
    name = f"{b.bucket}-made"
    b.fs.mkdir(path=name)
    assert b.fs.exists(name)
    b.fs.rmdir(name)
    b.fs.invalidate_cache()
    assert not b.fs.exists(name)


@case("rmdir", "path", clouds=("s3", "azure"))
@case("rmdir", "path", clouds=("gcs",), not_on_peer="gcsfs's plain class has another name for it")
def rmdir(b: Bench) -> None:
    name = f"{b.bucket}-made"
    b.fs.mkdir(name)
    b.fs.rmdir(path=name)
    assert not b.fs.exists(name)


@case("makedirs", "path", clouds=("s3",))
@case("makedirs", "path", clouds=("gcs", "azure"), not_on_peer="makes nothing")
def makedirs(b: Bench) -> None:
    name = f"{b.bucket}-made"
    b.fs.makedirs(path=name)
    assert b.fs.exists(name)
    b.fs.rmdir(name)


@case("makedirs", "exist_ok", clouds=("s3",))
@case("makedirs", "exist_ok", clouds=("gcs", "azure"), not_on_peer="makes nothing, so that nothing exists")
def makedirs_exist_ok(b: Bench) -> None:
    b.fs.makedirs(b.bucket, exist_ok=True)
    with pytest.raises(FileExistsError):
        b.fs.makedirs(b.bucket, exist_ok=False)


@case("mkdir", "create_parents", clouds=("s3", "azure"))
def mkdir_create_parents(b: Bench) -> None:
    name = f"{b.bucket}-made"
    with pytest.raises((FileNotFoundError, PermissionError)):
        b.fs.mkdir(f"{name}/dir", create_parents=False)
    assert not b.fs.exists(name)
    b.fs.mkdir(f"{name}/dir", create_parents=True)
    b.fs.invalidate_cache()
    assert b.fs.isdir(name)
    b.fs.rmdir(name)


@case("rm", "path", "recursive")
def rm(b: Bench) -> None:
    b.fs.rm(path=b.file)
    b.fs.rm(path=b.dir, recursive=True)
    assert b.raw.listed() == ["b.csv", "other/e"]


@case("rm", "maxdepth", clouds=("gcs",))
@case("rm", "maxdepth", clouds=("azure",), not_on_peer="adlfs deletes deeper")
def rm_maxdepth(b: Bench) -> None:
    b.fs.rm(b.dir, recursive=True, maxdepth=1)
    assert "dir/sub/d.csv" in b.raw.listed()
    assert "dir/c.txt" not in b.raw.listed()


@case("rm_file", "path")
def rm_file(b: Bench) -> None:
    b.fs.rm_file(path=b.file)
    assert "a.txt" not in b.raw.listed()


@case("mv", "path1", "path2")
def mv(b: Bench) -> None:
    b.fs.mv(path1=b.file, path2=b.path("moved"))
    assert (b.raw.get("moved"), "a.txt" in b.raw.listed()) == (TREE["a.txt"], False)


@case("mv", "recursive", clouds=("s3", "azure"), not_on_peer="fsspec looks for an object with the directory's name")
def mv_tree(b: Bench) -> None:
    b.fs.mv(b.dir, b.path("new"), recursive=True)
    assert b.raw.listed() == ["a.txt", "b.csv", "new/c.txt", "new/sub/d.csv", "other/e"]


@case("mv", "maxdepth", clouds=("s3", "azure"), not_on_peer="fsspec deletes what it has not moved")
def mv_maxdepth(b: Bench) -> None:
    b.raw.put("dir/more")
    b.fs.mv(b.dir, b.path("new"), recursive=True, maxdepth=1)
    assert b.raw.listed() == ["a.txt", "b.csv", "dir/sub/d.csv", "new/c.txt", "new/more", "other/e"]


# -- the instance -----------------------------------------------------------------------------------------------------


@case("to_dict", "include_password")
@case("to_json", "include_password")
def to_json(b: Bench) -> None:
    fs = b.fs
    told = [json.loads(fs.to_json(include_password=shown)) for shown in (True, False)]
    assert told == [json.loads(json.dumps(fs.to_dict(include_password=shown))) for shown in (True, False)]
    assert told[0]["protocol"] == told[1]["protocol"]
    if not b.is_peer:  # the peers hide passwords, and no other secrets
        secret = {"s3": "secret", "gcs": "token", "azure": "account_key"}[b.name]
        assert b.cloud.options[secret] in str(told[0])
        assert b.cloud.options[secret] not in str(told[1])


@case("transaction_type", "fs")
def transaction(b: Bench) -> None:
    with b.fs.transaction_type(fs=b.fs) as transaction:
        assert transaction.fs is b.fs
