"""The verbs of the matrix, as rows: what is called, which of its requests are hit, and what must be true afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clouds import CloudUnderTest

# Longer than a chunk, so that it is read in several requests; too short for any pattern to repeat unseen.
DATA = b"".join(number.to_bytes(4, "big") for number in range(60_000))
CHUNK = 100_000
# In parts: S3's are 5 MiB at least.
LARGE = b"".join(number.to_bytes(4, "big") for number in range(1_500_000))
PART = 5 << 20


@dataclass(frozen=True)
class Bench:
    """What a verb works with.

    Parameters
    ----------
    fs
        A filesystem whose requests go through the proxy.
    cloud
        The bucket, also without objfs.
    key
        Prefix of the keys of this cell alone.
    folder
        For local files.
    """

    fs: Any
    cloud: CloudUnderTest
    key: str
    folder: Path

    def path(self, name: str) -> str:
        """``bucket/key``."""
        return self.cloud.path(f"{self.key}./{name}")

    def put(self, name: str, data: bytes = DATA) -> None:
        """An object that is there before the fault."""
        self.cloud.raw.put(f"{self.key}./{name}", data)

    def stored(self, name: str) -> bytes | None:
        """What is visible at last."""
        return self.cloud.raw.find(f"{self.key}./{name}")

    def local(self, name: str) -> Path:
        """A local file."""
        return self.folder / f"{self.key}-{name}"


def _nothing(_: Bench) -> None:
    pass


@dataclass(frozen=True)
class Verb:
    """One verb.

    Parameters
    ----------
    name, meaning
        In the table.
    prepare
        What is there before.
    call
        The call; what it returns is compared.
    expected
        What it returns where it survives.
    hits
        Pattern of the ``METHOD target`` of the requests that are hit.
    after
        Looks at what is visible: the error of the call, or None, is its second argument.
    """

    name: str
    meaning: str
    prepare: Callable[[Bench], None]
    call: Callable[[Bench], Any]
    expected: Any = None
    hits: str = ""
    after: Callable[[Bench, BaseException | None], None] = lambda bench, error: None


def _object(bench: Bench) -> None:
    bench.put("object")


def _objects(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.put(name, name.encode())


def _opened(bench: Bench) -> bytes:
    with bench.fs.open(bench.path("object"), "rb") as file:
        return file.read()


def _read_on(bench: Bench) -> bytes:
    with bench.fs.open(bench.path("object"), "rb", size=len(DATA), cache_type="none") as file:
        file.seek(1000)
        return file.read(CHUNK) + file.read(CHUNK)


def _ranges(bench: Bench) -> list[bytes]:
    path = bench.path("object")
    return bench.fs.cat_ranges([path, path], [0, 200_000], [10, 200_020], max_gap=0, on_error="raise")


def _downloaded(bench: Bench) -> bytes:
    target = bench.local("down")
    bench.fs.get_file(bench.path("object"), str(target), chunksize=CHUNK)
    return target.read_bytes()


def _nothing_half_downloaded(bench: Bench, error: BaseException | None) -> None:
    target = bench.local("down")
    assert not [path.name for path in bench.folder.iterdir() if path.suffix == ".part" and bench.key in path.name]
    assert (target.exists() and target.read_bytes() == DATA) if error is None else not target.exists()


def _file(data: bytes) -> Callable[[Bench], None]:
    return lambda bench: bench.local("up").write_bytes(data) and None


def _written(bench: Bench) -> None:
    with bench.fs.open(bench.path("new"), "wb", block_size=PART) as file:
        file.write(LARGE)


def _whole_or_absent(data: bytes) -> Callable[[Bench, BaseException | None], None]:
    def look(bench: Bench, error: BaseException | None) -> None:
        found = bench.stored("new")
        assert found == data if error is None else found in (None, data), f"{len(found or b'')} bytes are visible"

    return look


def _deleted(*names: str) -> Callable[[Bench, BaseException | None], None]:
    def look(bench: Bench, error: BaseException | None) -> None:
        assert error is not None or [name for name in names if bench.stored(name) is not None] == []

    return look


def _names(bench: Bench, found: list[str]) -> list[str]:
    return sorted(name.removeprefix(f"{bench.path('')}") for name in found)


# A part of an upload, in the words of S3 and GCS's XML API, of Azure, and of a resumable upload; and its completion.
PART_OF_UPLOAD = r"^PUT .*(partNumber=|comp=block(&|$)|upload_id=)"
COMPLETION = r"^POST .*upload_?[iI]d=|^PUT .*(comp=blocklist|upload_id=)"

VERBS: tuple[Verb, ...] = (
    Verb("open", "`open(…)` and `read()`", _object, _opened, DATA),
    Verb("read", "reads in the middle of an open file", _object, _read_on, DATA[1000 : 1000 + 2 * CHUNK]),
    Verb(
        "cat_file",
        "`cat_file` of an object in several requests",
        _object,
        lambda bench: bench.fs.cat_file(bench.path("object"), chunksize=CHUNK),
        DATA,
    ),
    Verb(
        "cat_ranges",
        "`cat_ranges` of two ranges that are far apart",
        _object,
        _ranges,
        [DATA[:10], DATA[200_000:200_020]],
    ),
    Verb(
        "get_file",
        "`get_file` of an object in several requests",
        _object,
        _downloaded,
        DATA,
        after=_nothing_half_downloaded,
    ),
    Verb("info", "`info` of an object", _object, lambda bench: bench.fs.info(bench.path("object"))["size"], len(DATA)),
    Verb("exists", "`exists` of an object", _object, lambda bench: bench.fs.exists(bench.path("object")), True),
    Verb(
        "ls",
        "`ls` of a folder",
        _objects,
        lambda bench: _names(bench, bench.fs.ls(bench.path(""), detail=False)),
        ["a", "b", "c"],
    ),
    Verb(
        "find",
        "`find` below a folder",
        _objects,
        lambda bench: _names(bench, bench.fs.find(bench.path(""))),
        ["a", "b", "c"],
    ),
    Verb(
        "pipe_file",
        "`pipe_file` in one request",
        _nothing,
        lambda bench: bench.fs.pipe_file(bench.path("new"), DATA) and None,
        after=_whole_or_absent(DATA),
    ),
    Verb(
        "pipe_file create",
        '`pipe_file(…, mode="create")`',
        _nothing,
        lambda bench: bench.fs.pipe_file(bench.path("new"), DATA, mode="create") and None,
        after=_whole_or_absent(DATA),
    ),
    Verb(
        "put_file",
        "`put_file` in one request",
        _file(DATA),
        lambda bench: bench.fs.put_file(str(bench.local("up")), bench.path("new")) and None,
        after=_whole_or_absent(DATA),
    ),
    Verb(
        "write a part",
        '`open(…, "wb")` in parts; a part is hit',
        _nothing,
        _written,
        hits=PART_OF_UPLOAD,
        after=_whole_or_absent(LARGE),
    ),
    Verb(
        "write the end",
        '`open(…, "wb")` in parts; the request that publishes is hit',
        _nothing,
        _written,
        hits=COMPLETION,
        after=_whole_or_absent(LARGE),
    ),
    Verb(
        "rm_file", "`rm_file`", _object, lambda bench: bench.fs.rm_file(bench.path("object")), after=_deleted("object")
    ),
    Verb(
        "rm",
        "`rm` of three objects",
        _objects,
        lambda bench: bench.fs.rm([bench.path(name) for name in ("a", "b", "c")]) and None,
        after=_deleted("a", "b", "c"),
    ),
    Verb(
        "cp_file",
        "`cp_file` within a bucket",
        _object,
        lambda bench: bench.fs.cp_file(bench.path("object"), bench.path("new")) and None,
        after=_whole_or_absent(DATA),
    ),
)

BY_NAME = {verb.name: verb for verb in VERBS}
