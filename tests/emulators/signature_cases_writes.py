"""Cases of the signature test: verbs that write bytes, which all clouds have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.emulators.signature_bench import TREE, Bench, case
from tests.emulators.signature_cases_reads import Counting

MIB = 1 << 20
LONG = bytes(range(256)) * (11 * MIB // 256)
# What one part of an upload is, in a path.
PART = {"s3": "partNumber=", "gcs": "upload_id=", "azure": "comp=block&"}


def parts_of(b: Bench, call: Callable[[Any], Any], key: str) -> list[int]:
    """Sizes of the parts in which an object went up."""
    with b.watched() as (fs, proxy):
        call(fs)
        sent = [each for each in proxy.asked if each.method == "PUT" and key in each.path and each.body]
    return [len(each.body) for each in sent if "complete" not in each.path and "comp=blocklist" not in each.path]


@case("pipe_file", "path")
def pipe_file(b: Bench) -> None:
    b.fs.pipe_file(path=b.path("new"), **{_value(b): b"content"})
    assert b.raw.get("new") == b"content"


def _value(b: Bench) -> str:
    return "value" if b.name == "azure" else "data"


@case("pipe_file", "data", clouds=("s3", "gcs"))
@case("pipe_file", "value", clouds=("azure",))
def pipe_file_data(b: Bench) -> None:
    for data in (b"", b"text"):
        b.fs.pipe_file(b.path("new"), **{_value(b): data})
        assert b.raw.get("new") == bytes(data)


@case("pipe_file", "mode", clouds=("s3", "gcs"))
def pipe_file_mode(b: Bench) -> None:
    with pytest.raises(FileExistsError):
        b.fs.pipe_file(b.file, b"new", mode="create")
    assert b.raw.get("a.txt") == TREE["a.txt"]
    b.fs.pipe_file(b.file, b"new", mode="overwrite")
    b.fs.pipe_file(b.path("other"), b"new", mode="create")
    assert (b.raw.get("a.txt"), b.raw.get("other")) == (b"new", b"new")


@case("pipe_file", "chunksize", clouds=("s3",))
@case("put_file", "chunksize", clouds=("s3",))
@case("pipe_file", "chunksize", clouds=("gcs",), not_on_peer="aiohttp warns of its parts")
@case("put_file", "chunksize", clouds=("gcs",), not_on_peer="aiohttp warns of its parts")
def chunksize(b: Bench) -> None:
    here = b.local("long", LONG)
    for key, call in {
        "piped": lambda fs: fs.pipe_file(b.path("piped"), LONG, chunksize=5 * MIB),
        "put": lambda fs: fs.put_file(here, b.path("put"), chunksize=5 * MIB),
    }.items():
        assert sorted(size for size in parts_of(b, call, key) if size > 1000) == [MIB, 5 * MIB, 5 * MIB]
        assert b.raw.get(key) == LONG


@case("put_file", "lpath", "rpath")
def put_file(b: Bench) -> None:
    b.fs.put_file(lpath=b.local("x.json", b"{}"), rpath=b.path("new"))
    assert b.raw.get("new") == b"{}"


@case("put_file", "callback")
def put_file_callback(b: Bench) -> None:
    callback = Counting()
    b.fs.put_file(b.local("x", b"12345"), b.path("new"), callback=callback)
    assert (callback.size, callback.told) == (5, 5)


@case("put_file", "mode", clouds=("s3", "gcs"))
def put_file_mode(b: Bench) -> None:
    here = b.local("x", b"12345")
    with pytest.raises(FileExistsError):
        b.fs.put_file(here, b.file, mode="create")
    b.fs.put_file(here, b.file, mode="overwrite")
    assert b.raw.get("a.txt") == b"12345"


@case("pipe", "path", "value", clouds=("s3", "gcs"))
def pipe(b: Bench) -> None:
    b.fs.pipe(path=b.path("one"), value=b"1")
    b.fs.pipe({b.path("two"): b"2", b.path("three"): b"3"})
    assert [b.raw.get(key) for key in ("one", "two", "three")] == [b"1", b"2", b"3"]


@case("put", "lpath", "rpath", "recursive", "maxdepth", clouds=("s3", "gcs"))
def put(b: Bench) -> None:
    tree = [b.local(f"tree/{name}", name.encode()) for name in ("a", "b", "sub/c")]
    b.fs.put(lpath=tree[0], rpath=b.path("one"))
    b.fs.put(tree[:2], b.path("two/"))
    b.fs.put(str(b.tmp / "tree"), b.path("all"), recursive=True)
    b.fs.put(str(b.tmp / "tree"), b.path("top"), recursive=True, maxdepth=1)
    assert b.raw.get("all/sub/c") == b"sub/c"
    written = set(b.raw.listed()) - set(TREE)
    assert written == {"one", "two/a", "two/b", "all/a", "all/b", "all/sub/c", "top/a", "top/b"}


@case("put", "callback", clouds=("s3", "gcs"))
def put_callback(b: Bench) -> None:
    callback = Counting()
    here = [b.local(f"here/{number}", b"1") for number in range(3)]
    b.fs.put(here, [b.path(f"many/{number}") for number in range(3)], callback=callback)
    assert (callback.size, callback.told) == (3, 3)


@case("pipe", "batch_size")
@case("put", "batch_size")
def batch_sizes(b: Bench) -> None:
    several = {b.path(f"many/{number}"): b"1" for number in range(3)}
    here = [b.local(f"here/{number}", b"1") for number in range(3)]
    # gcsfs names the object in the body.
    request = ("POST", "uploadType=") if b.name == "gcs" and b.who != "auto" else ("PUT", "many")
    for call in (
        lambda fs, **kw: fs.pipe(several, **kw),
        lambda fs, **kw: fs.put(here, list(several), **kw),
    ):
        for size, patience, expected in ((1, 0.05, 1), (3, 5, 2)):
            most = b.at_once(lambda fs, call=call, size=size: call(fs, batch_size=size), *request, patience=patience)
            assert most == expected


@case("cp_file", "path1", "path2")
def cp_file(b: Bench) -> None:
    b.fs.cp_file(path1=b.file, path2=b.path("copy"))
    assert b.raw.get("copy") == b.raw.get("a.txt") == TREE["a.txt"]


@case("touch", "path", "truncate")
def touch(b: Bench) -> None:
    b.fs.touch(path=b.path("new"))
    b.fs.touch(b.path("newer"), truncate=True)
    assert (b.raw.get("new"), b.raw.get("newer")) == (b"", b"")
    b.fs.touch(b.file, truncate=True)
    assert b.raw.get("a.txt") == b""


@case("touch", "truncate", clouds=("s3",))
def touch_not_truncating(b: Bench) -> None:
    with pytest.raises((ValueError, NotImplementedError)):
        b.fs.touch(b.file, truncate=False)
    b.fs.touch(b.path("new"), truncate=False)
    assert (b.raw.get("a.txt"), b.raw.get("new")) == (TREE["a.txt"], b"")


@case("copy", "path1", "path2", "recursive")
def copy_tree(b: Bench) -> None:
    b.fs.copy(path1=b.file, path2=b.path("copied"))
    b.fs.copy(path1=b.dir, path2=b.path("tree"), recursive=True)
    assert b.raw.get("copied") == b"0123456789"
    assert [key for key in b.raw.listed() if key.startswith("tree")] == ["tree/c.txt", "tree/sub/d.csv"]


@case("copy", "maxdepth", clouds=("s3", "gcs"))
@case("copy", "maxdepth", clouds=("azure",), not_on_peer="adlfs copies all that is below")
def copy_maxdepth(b: Bench) -> None:
    b.raw.put("dir/more", b"1")
    b.fs.copy(b.dir, b.path("tree"), recursive=True, maxdepth=1)
    assert [key for key in b.raw.listed() if key.startswith("tree")] == ["tree/c.txt", "tree/more"]


@case("copy", "on_error")
def copy_on_error(b: Bench) -> None:
    sources, targets = [b.file, b.path("no")], [b.path("1"), b.path("2")]
    b.fs.copy(sources, targets, on_error="ignore")
    assert b.raw.get("1") == b"0123456789"
    with pytest.raises(FileNotFoundError):
        b.fs.copy(sources, targets, on_error="raise")


@case("copy", "batch_size")
def copy_batch_size(b: Bench) -> None:
    sources, targets = [b.file] * 4, [b.path(f"to/{number}") for number in range(4)]
    # gcsfs has a copy made by a call, obstore and the others by a PUT that names the source.
    method = "POST" if b.name == "gcs" and b.who != "auto" else "PUT"
    for size, patience, expected in ((1, 0.05, 1), (3, 5, 2)):
        most = b.at_once(
            lambda fs, size=size: fs.copy(sources, targets, batch_size=size), method, "/to", patience=patience
        )
        assert most == expected
