"""Any key that a cloud allows is the same key in every verb that takes a path, as path and as URL."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clouds import CloudUnderTest

BODY: Final = b"the bytes of the object"
KEYS: Final[Mapping[str, str]] = {
    "question": "a?b",
    "hash": "a#b",
    "percent": "a%20b%2Fc%",
    "plus": "a+b&c=d",
    "quotes": "a'b\"c`d",
    "space": " a b ",
    "unicode": "ünï/日本 🎈",
    "decomposed": "u\u0308",
    "brackets": "[x]{y}*!",
    "version": "a?versionId=1",
    "azure-version": "a?versionid=2020-01-01T00:00:00.0000000Z",
    "generation": "a#123",
    "url": "http://host/a:b",
    "scheme": "s3://bucket/key",
    "chain": "a::b",
    "symbols": "<a>|^$@!;,~(b)",
    "backslash": "a\\b",
    "hidden": ".a/.b..c",
    "dots": "a...",
    "empty-segment": "a//b",
    "empty-segments": "a///b",
    "leading": "/a",
    "leading-twice": "//a",
    "dot": "a/./b",
    "dot-dot": "a/../b",
    "dot-first": "./a",
    "dot-dot-first": "../a",
    "dot-last": "a/..",
    "trailing": "a/",
    "trailing-twice": "a//",
    "slash": "/",
    "long": "k" * 1000,
    "long-unicode": "é" * 500,
    "long-deep": "/".join("k" * 99 for _ in range(10)),
    "tab": "a\tb",
    "line": "a\nb",
    "return": "a\rb",
    "control": "a\x01\x1fb",
    "delete": "a\x7fb",
}
# What cannot be tried, and why: the rule of a service, or what its test server does.
UNABLE: Final[Mapping[tuple[str, str], str]] = {
    ("s3", "line"): "moto's routes end at a line break (its own error 404)",
    ("s3", "control"): "moto answers in XML that holds what XML cannot (its own error 500)",
    ("azure", "backslash"): "Azure takes a backslash for a slash: both planes refuse it",
    **{
        ("azure", name): "the client of Azure resolves '.' and '..', so that such a key is refused"
        for name in ("dot", "dot-dot", "dot-first", "dot-dot-first", "dot-last")
    },
    ("azure", "control"): "Azure allows no control characters",
}


@dataclass(frozen=True)
class Place:
    """An object, one of its spellings, and what a verb needs besides."""

    fs: Any
    cloud: CloudUnderTest
    key: str
    name: str
    here: Path

    @property
    def path(self) -> str:
        """How verbs name it in their answers."""
        return self.cloud.path(self.key)

    def written(self) -> bytes:
        """What lies under the key, which is the only one."""
        assert self.cloud.raw.listed() == [self.key]
        return self.cloud.raw.get(self.key)


Verb = Callable[[Place], Any]


def _local(at: Place) -> str:
    at.here.mkdir(exist_ok=True)
    (at.here / "file").write_bytes(BODY)
    return str(at.here / "file")


def _fetched(at: Place, call: Callable[[str], Any]) -> bytes:
    at.here.mkdir(exist_ok=True)
    target = at.here / "fetched"
    target.unlink(missing_ok=True)
    call(str(target))
    return target.read_bytes()


def _opened(file: Any) -> bytes:
    with file:
        data: bytes = file.read()
    return data


def _wrote(file: Any) -> None:
    with file:
        file.write(BODY)


# Each gives the object's bytes, or True.
READS: Final[dict[str, Verb]] = {
    "cat_file": lambda at: at.fs.cat_file(at.name),
    "cat": lambda at: at.fs.cat(at.name),
    "cat_ranges": lambda at: at.fs.cat_ranges([at.name], [0], [None])[0],
    "read_bytes": lambda at: at.fs.read_bytes(at.name),
    "read_block": lambda at: at.fs.read_block(at.name, 0, 100),
    "head": lambda at: at.fs.head(at.name, 100),
    "tail": lambda at: at.fs.tail(at.name, 100),
    "open": lambda at: _opened(at.fs.open(at.name)),
    "get_range": lambda at: at.fs.get_range(at.name, 0, length=len(BODY)),
    "get_file-stream": lambda at: _streamed(at) == BODY,
    "size": lambda at: at.fs.size(at.name) == len(BODY),
    "exists": lambda at: at.fs.exists(at.name),
    "object_meta": lambda at: at.fs.object_meta(at.name)["path"] == at.path,
    "split_path": lambda at: at.fs.split_path(at.name)[:2] == (at.cloud.bucket, at.key),
    "find-in-bucket": lambda at: at.fs.find(at.cloud.bucket) == [at.path],
    "list_pages": lambda at: [i["name"] for page in at.fs.list_pages(at.cloud.bucket) for i in page] == [at.path],
}
# What generic verbs of fsspec take for the name of a directory, where a slash is at its end.
FILE_READS: Final[dict[str, Verb]] = {
    "get_file": lambda at: _fetched(at, lambda target: at.fs.get_file(at.name, target)),
    "get": lambda at: _fetched(at, lambda target: at.fs.get([at.name], [target])),
    "download": lambda at: _fetched(at, lambda target: at.fs.download([at.name], [target])),
    "modified": lambda at: at.fs.modified(at.name) is not None,
    "cat-several": lambda at: at.fs.cat([at.name]) == {at.path: BODY},
    "isfile": lambda at: at.fs.isfile(at.name) and not at.fs.isdir(at.name),
    "info": lambda at: (
        {"name": at.path, "size": len(BODY), "type": "file"}.items() <= _scalars(at.fs.info(at.name)).items()
    ),
    "stat": lambda at: at.fs.stat(at.name)["name"] == at.path,
    "ls": lambda at: at.fs.ls(at.name, detail=False) == [at.path],
    "find": lambda at: at.fs.find(at.name) == [at.path],
    "du": lambda at: at.fs.du(at.name) == len(BODY),
    "sizes": lambda at: at.fs.sizes([at.name]) == [len(BODY)],
    "checksum": lambda at: at.fs.checksum(at.name) == at.fs.checksum(at.path),
    "ukey": lambda at: at.fs.ukey(at.name) == at.fs.ukey(at.path),
    "strip_protocol": lambda at: at.fs._strip_protocol(at.name) == at.path,
    "unstrip_protocol": lambda at: at.fs.cat_file(at.fs.unstrip_protocol(at.path)),
    "mapper": lambda at: at.fs.get_mapper(at.cloud.bucket)[at.key],
}
WRITES: Final[dict[str, Verb]] = {
    "pipe_file": lambda at: at.fs.pipe_file(at.name, BODY),
    "pipe": lambda at: at.fs.pipe({at.name: BODY}),
    "write_bytes": lambda at: at.fs.write_bytes(at.name, BODY),
    "open-wb": lambda at: _wrote(at.fs.open(at.name, "wb")),
    "open-xb": lambda at: _wrote(at.fs.open(at.name, "xb")),
    "open-ab": lambda at: _wrote(at.fs.open(at.name, "ab")),
    "put_file": lambda at: at.fs.put_file(_local(at), at.name),
    "put": lambda at: at.fs.put([_local(at)], [at.name]),
    "upload": lambda at: at.fs.upload([_local(at)], [at.name]),
    "cp_file": lambda at: (_source(at), at.fs.cp_file(at.cloud.path("source"), at.name), at.cloud.raw.delete("source")),
    "copy": lambda at: (_source(at), at.fs.copy([at.cloud.path("source")], [at.name]), at.cloud.raw.delete("source")),
    "mv": lambda at: (_source(at), at.fs.mv([at.cloud.path("source")], [at.name])),
    "mv_file": lambda at: (_source(at), at.fs.mv_file(at.cloud.path("source"), at.name)),
    "copy_if_not_exists": lambda at: (
        _source(at),
        at.fs.copy_if_not_exists(at.cloud.path("source"), at.name),
        at.cloud.raw.delete("source"),
    ),
    "touch": lambda at: (at.fs.touch(at.name), at.cloud.raw.get(at.key) == b"" and at.cloud.raw.put(at.key, BODY)),
}
FILE_WRITES: Final[dict[str, Verb]] = {
    "put-one": lambda at: at.fs.put(_local(at), at.name),
    "copy-one": lambda at: (_source(at), at.fs.copy(at.cloud.path("source"), at.name), at.cloud.raw.delete("source")),
    "mapper-set": lambda at: at.fs.get_mapper(at.cloud.bucket).__setitem__(at.key, BODY),
}
# Each deletes the object, or gives it the key ``target``.
REMOVALS: Final[dict[str, Verb]] = {
    "rm_file": lambda at: at.fs.rm_file(at.name),
    "rm-list": lambda at: at.fs.rm([at.name]),
    "mv_file": lambda at: at.fs.mv_file(at.name, at.cloud.path("target")),
    "mv-list": lambda at: at.fs.mv([at.name], [at.cloud.path("target")]),
    "cp_file-rm_file": lambda at: (at.fs.cp_file(at.name, at.cloud.path("target")), at.fs.rm_file(at.name)),
    "rm-bucket-many": lambda at: (at.cloud.raw.put("other"), at.fs.rm([at.name, at.cloud.path("other")])),
}
FILE_REMOVALS: Final[dict[str, Verb]] = {
    "rm": lambda at: at.fs.rm(at.name),
    "delete": lambda at: at.fs.delete(at.name),
    "rm-recursive": lambda at: at.fs.rm(at.name, recursive=True),
}
# A single source with a wildcard goes into a directory, as fsspec has it; what has none of an empty name is walked to.
PLAIN_REMOVALS: Final[dict[str, Verb]] = {
    "mv": lambda at: at.fs.mv(at.name, at.cloud.path("target")),
    "copy-rm": lambda at: (at.fs.copy(at.name, at.cloud.path("target")), at.fs.rm(at.name)),
}
WALKS: Final[dict[str, Verb]] = {
    "walk": lambda at: [f"{r}/{name}" for r, _, names in at.fs.walk(at.cloud.bucket) for name in names] == [at.path],
    "glob": lambda at: at.fs.glob(f"{at.cloud.bucket}/**")[-1] == at.path,
}


def _scalars(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in info.items() if isinstance(value, str | int)}


def _source(at: Place) -> None:
    at.cloud.raw.put("source", BODY)


def _streamed(at: Place) -> bytes:
    target = io.BytesIO()
    at.fs.get_file(at.name, target)
    return target.getvalue()


@pytest.fixture(params=["auto", "sdk"])
def engine(request: pytest.FixtureRequest) -> str:
    """Bytes by obstore where it can, or all by the SDK."""
    return str(request.param)


def _tried(verbs: Mapping[str, Verb], places: list[Place], check: Callable[[Place, Verb], bool]) -> dict[str, str]:
    """The verbs that do not hold what they promise, by name and spelling."""
    failed = {}
    for name, verb in verbs.items():
        for at in places:
            try:
                told = None if check(at, verb) else "another answer"
            except Exception as error:  # noqa: BLE001 - reported
                told = f"{type(error).__name__}: {error}"[:300]
            if told:
                failed[f"{name}({at.name[:60]!r})"] = told
    return failed


def _reads(at: Place, verb: Verb) -> bool:
    return verb(at) in (True, BODY)


def _writes(at: Place, verb: Verb) -> bool:
    for key in at.cloud.raw.listed():
        at.cloud.raw.delete(key)
    verb(at)
    return at.written() == BODY


def _removes(at: Place, verb: Verb) -> bool:
    for key in at.cloud.raw.listed():
        at.cloud.raw.delete(key)
    at.cloud.raw.put(at.key, BODY)
    verb(at)
    return {key: at.cloud.raw.get(key) for key in at.cloud.raw.listed()} in ({}, {"target": BODY})


@pytest.mark.parametrize("named", KEYS)
def test_key_is_the_same_in_every_verb(cloud: CloudUnderTest, engine: str, named: str, tmp_path: Path) -> None:
    """Written, read, described, listed, copied, moved and deleted, by path and by URL."""
    if (cloud.name, named) in UNABLE:
        pytest.skip(UNABLE[cloud.name, named])
    key, fs = KEYS[named], cloud.fs(engine)
    path, url = (Place(fs, cloud, key, name, tmp_path / "here") for name in (cloud.path(key), cloud.url(key)))
    groups = _groups(key)
    cloud.raw.put(key, BODY)
    failed = _tried(groups["reads"], [path, url], _reads)
    # What changes a bucket costs some requests to set up and to check: by path on one engine, by URL on the other.
    for check, group in ((_writes, "writes"), (_removes, "removals")):
        for number, item in enumerate(groups[group].items()):
            failed |= _tried(dict([item]), [(path, url)[(number + len(key) + (engine == "sdk")) % 2]], check)
    assert failed == {}


def _groups(key: str) -> dict[str, dict[str, Verb]]:
    """The verbs that take a key of this kind."""
    if key.endswith("/"):
        return {"reads": READS, "writes": WRITES, "removals": REMOVALS}
    plain = PLAIN_REMOVALS if not has_magic(key) else {}
    walks = WALKS if "//" not in f"/{key}" else {}
    return {
        "reads": {**READS, **FILE_READS, **walks},
        "writes": {**WRITES, **FILE_WRITES},
        "removals": {**REMOVALS, **FILE_REMOVALS, **plain},
    }
