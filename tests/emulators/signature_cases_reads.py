"""Cases of the signature test: verbs that read bytes, and open files, which all clouds have."""

from __future__ import annotations

import asyncio
import gzip
import inspect
from typing import Any

import pytest
from fsspec.callbacks import Callback

from tests.emulators.signature_bench import TREE, Bench, case

DATA = TREE["a.txt"]
MANY = 3


class Counting(Callback):
    """Counts what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told = 0

    def relative_update(self, inc: int = 1) -> None:
        self.told += inc

    def absolute_update(self, value: int) -> None:
        self.told = max(self.told, value)


def _several(b: Bench) -> list[str]:
    for number in range(MANY):
        b.raw.put(f"many/{number}", b"x")
    return [b.path(f"many/{number}") for number in range(MANY)]


# -- whole objects and ranges -----------------------------------------------------------------------------------------


@case("cat", "path", "recursive")
def cat(b: Bench) -> None:
    assert b.fs.cat(path=b.file) == DATA
    found = b.fs.cat(path=b.dir, recursive=True, on_error="omit")
    assert found == {b.path("dir/c.txt"): b"333", b.path("dir/sub/d.csv"): b"4444"}


@case("cat", "on_error")
def cat_on_error(b: Bench) -> None:
    paths = [b.file, b.path("no")]
    assert b.fs.cat(paths, on_error="omit") == {b.file: DATA}
    assert isinstance(b.fs.cat(paths, on_error="return")[b.path("no")], FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        b.fs.cat(paths, on_error="raise")


@case("cat", "batch_size", clouds=("s3", "gcs"))
def cat_batch_size(b: Bench) -> None:
    paths = _several(b)
    assert b.at_once(lambda fs: fs.cat(paths, batch_size=1), "GET", "many") == 1
    assert b.at_once(lambda fs: fs.cat(paths, batch_size=MANY), "GET", "many", patience=5) == 2


@case("cat_file", "path", "start", "end")
def cat_file(b: Bench) -> None:
    assert b.fs.cat_file(path=b.file) == DATA
    assert [b.fs.cat_file(b.file, start=7), b.fs.cat_file(b.file, end=2)] == [b"789", b"01"]
    assert b.fs.cat_file(b.file, start=2, end=5) == b"234"


@case("cat_ranges", "paths", "starts", "ends", clouds=("s3", "gcs"))
def cat_ranges(b: Bench) -> None:
    assert b.fs.cat_ranges(paths=[b.file, b.file], starts=[0, 5], ends=[2, 8]) == [b"01", b"567"]
    assert b.fs.cat_ranges(paths=[b.file, b.path("b.csv")], starts=1, ends=2) == [b"1", b"2"]


@case("cat_ranges", "on_error", clouds=("s3", "gcs"))
def cat_ranges_on_error(b: Bench) -> None:
    (found,) = b.fs.cat_ranges([b.path("no")], [0], [1], on_error="return")
    assert isinstance(found, FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        b.fs.cat_ranges([b.path("no")], [0], [1], on_error="raise")


@case("cat_ranges", "batch_size")
def cat_ranges_batch_size(b: Bench) -> None:
    paths, ones = _several(b), [1] * MANY
    for size, patience, expected in ((1, 0.05, 1), (MANY, 5, 2)):
        found = b.at_once(
            lambda fs, size=size: fs.cat_ranges(paths, [0] * MANY, ones, batch_size=size),
            "GET",
            "many",
            patience=patience,
        )
        assert found == expected


@case("get_file", "rpath", "lpath", "callback")
def get_file(b: Bench) -> None:
    target, callback = b.tmp / "got", Counting()
    b.fs.get_file(rpath=b.file, lpath=str(target), callback=callback)
    assert (target.read_bytes(), callback.told, callback.size) == (DATA, 10, 10)


# -- files ------------------------------------------------------------------------------------------------------------


@case("open", "path", "mode")
def open_modes(b: Bench) -> None:
    with b.fs.open(path=b.file, mode="rb") as file:
        assert file.read() == DATA
    with b.fs.open(b.file, mode="r") as file:
        assert file.read() == DATA.decode()
    with b.fs.open(b.path("new"), mode="w") as file:
        file.write("é")
    assert b.raw.get("new") == "é".encode()


@case("open", "compression", clouds=("s3", "azure"))
@case("open", "compression", clouds=("gcs",), not_on_peer="the front of the server refuses its kind of upload")
def open_compression(b: Bench) -> None:
    b.raw.put("z.gz", gzip.compress(DATA))
    for codec in ("gzip", "infer"):
        with b.fs.open(b.path("z.gz"), compression=codec) as file:
            assert file.read() == DATA
    with b.fs.open(b.path("w.gz"), "wb", compression="infer") as file:
        file.write(DATA)
    assert gzip.decompress(b.raw.get("w.gz")) == DATA


@case("open", "block_size", "cache_type")
def open_block_size(b: Bench) -> None:
    b.raw.put("long", b"x" * 4000)
    with b.watched() as (fs, proxy):
        with fs.open(b.path("long"), block_size=1000, cache_type="blockcache") as file:
            assert (file.blocksize, file.cache.name, file.cache.blocksize) == (1000, "blockcache", 1000)
            before = len(proxy.asked)
            file.seek(1500)
            assert file.read(10) == b"x" * 10
        asked = [each.headers.get("range") or each.headers.get("x-ms-range") for each in proxy.asked[before:]]
    assert [bounds for bounds in asked if bounds] == ["bytes=1000-1999"]


@case("open", "cache_options")
def open_cache_options(b: Bench) -> None:
    with b.fs.open(b.file, cache_type="blockcache", block_size=4, cache_options={"maxblocks": 1}) as file:
        assert (file.read(), file.cache.maxblocks) == (DATA, 1)


@case("open", "autocommit", clouds=("s3", "gcs"))
@case("open", "autocommit", clouds=("azure",), not_on_peer="adlfs does not discard")
def open_autocommit(b: Bench) -> None:
    kept, dropped = (b.fs.open(b.path(name), "wb", autocommit=False) for name in ("kept", "dropped"))
    for file in (kept, dropped):
        file.write(b"x" * 10)
        file.close()
    assert not {"kept", "dropped"} & set(b.raw.listed())
    dropped.discard()
    kept.commit()
    assert (b.raw.get("kept"), "dropped" in b.raw.listed()) == (b"x" * 10, False)


@case("open_async", "path", "mode", clouds=("s3",))
@case("open_async", "path", "mode", clouds=("gcs", "azure"), not_on_peer="fsspec: not implemented")
def open_async(b: Bench) -> None:
    async def read() -> tuple[bytes, bytes]:
        fs = b.make(asynchronous=True)
        session: Any = getattr(fs, "set_session", None) if b.is_peer else None
        opened = session() if session else None
        client = await opened if inspect.isawaitable(opened) else None
        file = await fs.open_async(path=b.file, mode="rb")
        found = await file.read(4), await file.read()
        await file.close()
        if client is not None:
            await client.close()
        return found

    assert asyncio.run(read()) == (b"0123", b"456789")
    with pytest.raises(ValueError):
        asyncio.run(b.make(asynchronous=True).open_async(b.file, mode="r"))


# -- URLs -------------------------------------------------------------------------------------------------------------


@case("url", "path", clouds=("s3", "azure"))
@case("sign", "path", clouds=("s3", "azure"))
def signed(b: Bench) -> None:
    from urllib.request import urlopen

    for made in (b.fs.url(path=b.file), b.fs.sign(path=b.file)):
        with urlopen(made, timeout=30) as answer:
            assert answer.read() == DATA


@case("get", "rpath", "lpath", "recursive", "maxdepth", clouds=("s3", "gcs"))
def get_tree(b: Bench) -> None:
    b.raw.put("dir/more", b"1")
    b.fs.get(rpath=b.dir, lpath=str(b.tmp / "all"), recursive=True)
    b.fs.get(rpath=b.dir, lpath=str(b.tmp / "one"), recursive=True, maxdepth=1)
    files = {name: sorted(p.name for p in (b.tmp / name).rglob("*") if p.is_file()) for name in ("all", "one")}
    assert files == {"all": ["c.txt", "d.csv", "more"], "one": ["c.txt", "more"]}


@case("get", "callback", clouds=("s3", "gcs"))
def get_callback(b: Bench) -> None:
    callback = Counting()
    b.fs.get([b.file, b.path("b.csv")], [str(b.tmp / "a"), str(b.tmp / "b")], callback=callback)
    assert (callback.size, callback.told) == (2, 2)
