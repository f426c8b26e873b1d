"""Cases of the signature test: what only adlfs has, or has in words of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

import objfs
from tests.emulators import fakes_versions
from tests.emulators.signature_bench import TREE, Bench, case
from tests.emulators.signature_cases_writes import MIB
from tests.emulators.signatures import peer_class

AZURE = ("azure",)
DATA = TREE["a.txt"]
PARTS = b"x" * (4 * MIB)
SMALL_BLOCKS = "adlfs's blocks are larger than what a test should send"


@contextmanager
def _versions(b: Bench) -> Iterator[tuple[Any, list[str]]]:
    """An instance that looks after versions, and two of ``c/key``."""
    with fakes_versions.serving() as blobs:
        known = [blobs.put("key", data) for data in (b"old", b"newer")]
        if b.is_peer:
            told = {"AccountName": fakes_versions.ACCOUNT, "AccountKey": "a2V5", "BlobEndpoint": blobs.url}
            string = ";".join(f"{name}={value}" for name, value in told.items())
            fs = peer_class("azure")(connection_string=string, version_aware=True, skip_instance_cache=True)
        else:
            fs = objfs.AzureBlobFileSystem(
                account_name=fakes_versions.ACCOUNT, endpoint=blobs.url, anon=True, version_aware=True, engine=b.who
            )
        yield fs, known


@case("open", "version_id", clouds=AZURE)
@case("ls", "version_id", "versions", clouds=AZURE)
def versions(b: Bench) -> None:
    with _versions(b) as (fs, (old, new)):
        with fs.open("c/key", version_id=old) as file:
            assert (file.read(), file.version_id) == (b"old", old)
        assert sorted(fs.ls("c", versions=True)) == sorted(f"c/key?versionid={each}" for each in (old, new))
        (found,) = fs.ls("c/key", detail=True, version_id=old)
        assert (found["size"], found["version_id"]) == (3, old)


# -- reading ----------------------------------------------------------------------------------------------------------


@case("_cat", "path", "recursive", "on_error", "batch_size", clouds=AZURE)
def cat(b: Bench) -> None:
    async def read(fs: Any) -> Any:
        return await fs._cat(path=b.path("*.csv"), recursive=False, on_error="raise", batch_size=1)

    from fsspec.asyn import sync

    assert sync(b.fs.loop, read, b.fs) == {b.path("b.csv"): TREE["b.csv"]}


@case("cat_file", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
@case("cat_ranges", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
@case("get_file", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
@case("get", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
def reads_at_once(b: Bench) -> None:
    b.raw.put("at/long", PARTS)
    b.raw.put("at/short", DATA)
    # So far from each other that they share no request.
    starts = range(0, len(PARTS), MIB)
    apart, ends = [b.path("at/long")] * len(starts), [start + 10 for start in starts]
    path, target, size = b.path("at/short"), str(b.tmp / "got"), {"chunksize": 2}
    calls = (
        lambda fs, limit: fs.cat_file(path, max_concurrency=limit, **size),
        lambda fs, limit: fs.cat_ranges(apart, starts, ends, max_concurrency=limit),
        lambda fs, limit: fs.get_file(path, target, max_concurrency=limit, **size),
        lambda fs, limit: fs.get(path, target, max_concurrency=limit, **size),
    )
    for call in calls:
        for limit, patience, expected in ((1, 0.02, 1), (3, 5, 2)):
            most = b.at_once(
                lambda fs, call=call, limit=limit: call(fs, limit), "GET", f"{b.bucket}/at/", patience=patience, alone=1
            )
            assert most == expected


@case("get", "batch_size", clouds=AZURE)
def get_batch_size(b: Bench) -> None:
    for size, patience, expected in ((1, 0.05, 1), (3, 5, 2)):
        most = b.at_once(
            lambda fs, size=size: fs.get(b.path("dir/"), str(b.tmp / "got"), recursive=True, batch_size=size),
            "GET",
            "/dir/",
            patience=patience,
        )
        assert most == expected


@case("get_file", "recursive", "delimiter", clouds=AZURE)
@case("download", "rpath", "lpath", "recursive", clouds=AZURE)
def download(b: Bench) -> None:
    b.fs.get_file(b.file, str(b.tmp / "one"), recursive=False, delimiter="/")
    b.fs.download(rpath=b.dir, lpath=str(b.tmp / "tree"), recursive=True)
    assert ((b.tmp / "one").read_bytes(), (b.tmp / "tree/sub/d.csv").read_bytes()) == (DATA, b"4444")


# -- writing ----------------------------------------------------------------------------------------------------------


@case("upload", "lpath", "rpath", "recursive", clouds=AZURE)
def upload(b: Bench) -> None:
    b.local("tree/x", b"1")
    b.local("tree/sub/y", b"2")
    b.fs.upload(lpath=f"{b.tmp}/tree/", rpath=b.path("up"), recursive=True)
    assert [key for key in b.raw.listed() if key.startswith("up/")] == ["up/sub/y", "up/x"]


@case("pipe_file", "overwrite", clouds=AZURE)
@case("put_file", "overwrite", "delimiter", clouds=AZURE)
def overwrite(b: Bench) -> None:
    here = b.local("x", b"new")
    for call in (
        lambda **kw: b.fs.pipe_file(b.file, b"new", **kw),
        lambda **kw: b.fs.put_file(here, b.file, delimiter="/", **kw),
    ):
        b.raw.put("a.txt", DATA)
        with pytest.raises(FileExistsError):
            call(overwrite=False)
        assert b.raw.get("a.txt") == DATA
        call(overwrite=True)
        assert b.raw.get("a.txt") == b"new"


@case("pipe_file", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
@case("put_file", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
@case("pipe", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
@case("put", "max_concurrency", clouds=AZURE, not_on_peer=SMALL_BLOCKS)
def writes_at_once(b: Bench) -> None:
    data = PARTS
    here, path = b.local("long", data), b.path("long")
    calls = (
        lambda fs, **kw: fs.pipe_file(path, data, **kw),
        lambda fs, **kw: fs.put_file(here, path, **kw),
        lambda fs, **kw: fs.pipe({path: data}, **kw),
        lambda fs, **kw: fs.put(here, path, **kw),
    )
    for call in calls:
        for limit, patience, expected in ((1, 0.02, 1), (3, 5, 2)):
            most = b.at_once(
                lambda fs, call=call, limit=limit: call(fs, chunksize=MIB, max_concurrency=limit),
                "PUT",
                "comp=block&",
                patience=patience,
            )
            assert most == expected


@case("open", "metadata", "content_settings", clouds=AZURE)
def open_with(b: Bench) -> None:
    with b.fs.open(b.path("new"), "wb", metadata={"a": "1"}, content_settings={"content_type": "text/x"}) as file:
        file.write(b"1")
    assert b.raw.head("new") == {"content_type": "text/x", "metadata": {"a": "1"}}


@case("setxattrs", "rpath", clouds=AZURE)
@case("getxattr", "path", "attr", clouds=AZURE)
def attributes(b: Bench) -> None:
    b.fs.setxattrs(rpath=b.file, colour="red")
    b.fs.invalidate_cache()
    assert b.fs.getxattr(path=b.file, attr="colour") == "red"


# -- names ------------------------------------------------------------------------------------------------------------


@case("info", "refresh", clouds=AZURE)
@case("ls", "invalidate_cache", clouds=AZURE)
def refreshed(b: Bench) -> None:
    fs = b.make(use_listings_cache=True)
    fs.ls(b.bucket)
    b.raw.put("a.txt", b"changed")
    b.raw.put("new")
    assert fs.info(b.file, refresh=True)["size"] == 7
    assert b.path("new") in fs.ls(b.bucket, invalidate_cache=True)


@case("ls", "delimiter", "return_glob", clouds=AZURE)
@case("split_path", "delimiter", "return_container", clouds=AZURE)
def delimiters(b: Bench) -> None:
    assert b.fs.ls(b.dir, delimiter="/") == b.fs.ls(b.dir)
    assert b.path("dir/c.txt") in [name.rstrip("/") for name in b.fs.ls(b.dir, return_glob=True)]
    assert b.fs.split_path(b.file, delimiter="/", return_container=False)[:2] == (b.bucket, "a.txt")


@case("makedir", "path", "exist_ok", clouds=AZURE)
@case("mkdir", "delimiter", clouds=AZURE)
@case("rmdir", "delimiter", clouds=AZURE)
def makedir(b: Bench) -> None:
    name = f"{b.bucket}-made"
    b.fs.makedir(path=name)
    with pytest.raises(FileExistsError):
        b.fs.makedir(name, exist_ok=False)
    b.fs.makedir(name, exist_ok=True)
    b.fs.rmdir(name, delimiter="/")
    b.fs.mkdir(name, delimiter="/")
    b.fs.rmdir(name)


@case("rm", "delimiter", "expand_path", clouds=AZURE)
def rm_unexpanded(b: Bench) -> None:
    b.fs.rm([b.file], expand_path=False, delimiter="/")
    b.raw.put("*.csv")
    b.fs.rm(b.path("*.csv"), expand_path=False)
    assert b.raw.listed() == ["b.csv", "dir/c.txt", "dir/sub/d.csv", "other/e"]


@case("expand_path", "skip_noexist", clouds=AZURE)
def skip_noexist(b: Bench) -> None:
    assert b.fs.expand_path(b.file, skip_noexist=True) == [b.file]
    assert b.fs.expand_path(b.file, skip_noexist=False) == [b.file]


# -- URLs -------------------------------------------------------------------------------------------------------------


@case("url", "expires", clouds=AZURE)
@case("sign", "expiration", clouds=AZURE)
@case("_url", "path", "expires", clouds=AZURE)
@case("_url", "content_disposition", "content_encoding", "content_language", "content_type", clouds=AZURE)
def signed(b: Bench) -> None:
    def end(url: str) -> str:
        return parse_qs(urlsplit(url).query)["se"][0]

    assert end(b.fs.url(b.file, expires=60)) < end(b.fs.url(b.file, expires=86400))
    assert end(b.fs.sign(b.file, expiration=60)) < end(b.fs.sign(b.file, expiration=86400))
    headers = {
        "content_disposition": "inline",
        "content_encoding": "x",
        "content_language": "fr",
        "content_type": "a/b",
    }
    with urlopen(b.fs.url(path=b.file, expires=60, **headers), timeout=30) as answer:
        assert {name: answer.headers[name.replace("_", "-")] for name in headers} == headers
