"""Calls of verbs, each on a filesystem, a bucket that holds ``TREE`` and an empty local folder."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

Call = Callable[[Any, str, Path], Any]

LINES = b"one\ntwo\nthree\n" * 40
TREE = {
    "a.txt": b"alpha",
    "b.csv": b"22",
    "dir/c.txt": b"333",
    "dir/sub/d.csv": b"4444",
    "empty": b"",
    "lines": LINES,
    "other/e": b"5",
}

LOOKING: dict[str, Call] = {
    "ls": lambda fs, b, _: fs.ls(b),
    "ls-names": lambda fs, b, _: fs.ls(b, detail=False),
    "ls-detail": lambda fs, b, _: fs.ls(b, detail=True),
    "ls-directory": lambda fs, b, _: fs.ls(f"{b}/dir", detail=True),
    "ls-slash": lambda fs, b, _: fs.ls(f"{b}/dir/", detail=True),
    "ls-file": lambda fs, b, _: fs.ls(f"{b}/a.txt", detail=True),
    "ls-refresh": lambda fs, b, _: fs.ls(f"{b}/dir", detail=False, refresh=True),
    "ls-missing": lambda fs, b, _: fs.ls(f"{b}/missing"),
    "ls-below-a-file": lambda fs, b, _: fs.ls(f"{b}/a.txt/x"),
    "ls-no-bucket": lambda fs, b, _: fs.ls(f"{b}-missing"),
    "listdir": lambda fs, b, _: fs.listdir(f"{b}/dir", detail=False),
    "ls-coroutine": lambda fs, b, _: _awaited(fs, fs._ls(f"{b}/dir", detail=False)),
    "find": lambda fs, b, _: fs.find(b),
    "find-detail": lambda fs, b, _: fs.find(b, detail=True),
    "find-directory": lambda fs, b, _: fs.find(f"{b}/dir"),
    "find-slash": lambda fs, b, _: fs.find(f"{b}/dir/"),
    "find-file": lambda fs, b, _: fs.find(f"{b}/a.txt"),
    "find-missing": lambda fs, b, _: fs.find(f"{b}/missing"),
    "find-no-bucket": lambda fs, b, _: fs.find(f"{b}-missing"),
    "find-half-a-name": lambda fs, b, _: fs.find(f"{b}/di"),
    "find-withdirs": lambda fs, b, _: fs.find(b, withdirs=True),
    "find-withdirs-directory": lambda fs, b, _: fs.find(f"{b}/dir", withdirs=True),
    "find-withdirs-detail": lambda fs, b, _: {n: i["type"] for n, i in fs.find(b, withdirs=True, detail=True).items()},
    "find-maxdepth-1": lambda fs, b, _: fs.find(b, maxdepth=1),
    "find-maxdepth-2": lambda fs, b, _: fs.find(b, maxdepth=2),
    "find-maxdepth-withdirs": lambda fs, b, _: fs.find(b, maxdepth=1, withdirs=True),
    "find-prefix": lambda fs, b, _: fs.find(f"{b}/dir", prefix="s"),
    "find-prefix-bucket": lambda fs, b, _: fs.find(b, prefix="di"),
    "find-prefix-nothing": lambda fs, b, _: fs.find(b, prefix="zz"),
    "find-coroutine": lambda fs, b, _: _awaited(fs, fs._find(f"{b}/dir")),
    "glob-star": lambda fs, b, _: fs.glob(f"{b}/*"),
    "glob-suffix": lambda fs, b, _: fs.glob(f"{b}/*.csv"),
    "glob-deep": lambda fs, b, _: fs.glob(f"{b}/**/*.csv"),
    "glob-all": lambda fs, b, _: fs.glob(f"{b}/**"),
    "glob-maxdepth": lambda fs, b, _: fs.glob(f"{b}/**", maxdepth=1),
    "glob-set": lambda fs, b, _: fs.glob(f"{b}/[ab].*"),
    "glob-question": lambda fs, b, _: fs.glob(f"{b}/dir/?.txt"),
    "glob-directories": lambda fs, b, _: fs.glob(f"{b}/*/"),
    "glob-between": lambda fs, b, _: fs.glob(f"{b}/*/sub/*"),
    "glob-detail": lambda fs, b, _: fs.glob(f"{b}/*", detail=True),
    "glob-no-magic": lambda fs, b, _: fs.glob(f"{b}/a.txt"),
    "glob-no-magic-missing": lambda fs, b, _: fs.glob(f"{b}/missing"),
    "glob-nothing": lambda fs, b, _: fs.glob(f"{b}/zz*"),
    "glob-no-bucket": lambda fs, b, _: fs.glob(f"{b}-missing/*"),
    "walk": lambda fs, b, _: list(fs.walk(b)),
    "walk-bottom-up": lambda fs, b, _: list(fs.walk(b, topdown=False)),
    "walk-maxdepth": lambda fs, b, _: list(fs.walk(b, maxdepth=1)),
    "walk-detail": lambda fs, b, _: [(root, sorted(d), sorted(f)) for root, d, f in fs.walk(b, detail=True)],
    "walk-file": lambda fs, b, _: list(fs.walk(f"{b}/a.txt")),
    "walk-missing": lambda fs, b, _: list(fs.walk(f"{b}/missing")),
    "walk-raise": lambda fs, b, _: list(fs.walk(f"{b}/missing", on_error="raise")),
    "walk-no-bucket": lambda fs, b, _: list(fs.walk(f"{b}-missing")),
    "du": lambda fs, b, _: fs.du(b),
    "du-each": lambda fs, b, _: fs.du(b, total=False),
    "du-file": lambda fs, b, _: fs.du(f"{b}/a.txt"),
    "du-maxdepth": lambda fs, b, _: fs.du(b, maxdepth=1),
    "du-missing": lambda fs, b, _: fs.du(f"{b}/missing"),
    "disk_usage": lambda fs, b, _: fs.disk_usage(f"{b}/dir"),
    "tree": lambda fs, b, _: fs.tree(b),
    "info": lambda fs, b, _: fs.info(f"{b}/a.txt"),
    "info-empty": lambda fs, b, _: fs.info(f"{b}/empty"),
    "info-refresh": lambda fs, b, _: fs.info(f"{b}/dir/c.txt", refresh=True),
    "info-directory": lambda fs, b, _: fs.info(f"{b}/dir"),
    "info-slash": lambda fs, b, _: fs.info(f"{b}/dir/"),
    "info-bucket": lambda fs, b, _: fs.info(b),
    "info-bucket-slash": lambda fs, b, _: fs.info(f"{b}/"),
    "info-root": lambda fs, b, _: fs.info(""),
    "info-missing": lambda fs, b, _: fs.info(f"{b}/missing"),
    "info-half-a-name": lambda fs, b, _: fs.info(f"{b}/di"),
    "info-no-bucket": lambda fs, b, _: fs.info(f"{b}-missing"),
    "info-no-bucket-key": lambda fs, b, _: fs.info(f"{b}-missing/key"),
    "info-coroutine": lambda fs, b, _: _awaited(fs, fs._info(f"{b}/a.txt")),
    "stat": lambda fs, b, _: fs.stat(f"{b}/a.txt"),
    "exists": lambda fs, b, _: [fs.exists(f"{b}{name}") for name in _NAMES],
    "lexists": lambda fs, b, _: [fs.lexists(f"{b}{name}") for name in _NAMES],
    "isfile": lambda fs, b, _: [fs.isfile(f"{b}{name}") for name in _NAMES],
    "isdir": lambda fs, b, _: [fs.isdir(f"{b}{name}") for name in _NAMES],
    "islink": lambda fs, b, _: fs.islink(f"{b}/a.txt"),
    "size": lambda fs, b, _: [fs.size(f"{b}/{name}") for name in ("a.txt", "empty", "dir")],
    "size-missing": lambda fs, b, _: fs.size(f"{b}/missing"),
    "sizes": lambda fs, b, _: fs.sizes([f"{b}/a.txt", f"{b}/b.csv"]),
    "modified": lambda fs, b, _: fs.modified(f"{b}/a.txt"),
    "modified-missing": lambda fs, b, _: fs.modified(f"{b}/missing"),
    "modified-directory": lambda fs, b, _: fs.modified(f"{b}/dir"),
    "created": lambda fs, b, _: fs.created(f"{b}/a.txt"),
    "checksum": lambda fs, b, _: type(fs.checksum(f"{b}/a.txt")).__name__,
    "checksum-missing": lambda fs, b, _: fs.checksum(f"{b}/missing"),
    "ukey": lambda fs, b, _: len(fs.ukey(f"{b}/a.txt")),
    "expand_path": lambda fs, b, _: fs.expand_path(f"{b}/a.txt"),
    "expand_path-recursive": lambda fs, b, _: fs.expand_path(f"{b}/dir", recursive=True),
    "expand_path-maxdepth": lambda fs, b, _: fs.expand_path(b, recursive=True, maxdepth=1),
    "expand_path-glob": lambda fs, b, _: fs.expand_path(f"{b}/*.csv"),
    "expand_path-list": lambda fs, b, _: fs.expand_path([f"{b}/a.txt", f"{b}/b.csv"]),
    "expand_path-missing": lambda fs, b, _: fs.expand_path(f"{b}/missing"),
    "unstrip_protocol": lambda fs, b, _: fs.unstrip_protocol(f"{b}/a.txt"),
    "strip_protocol": lambda fs, b, _: [fs._strip_protocol(f"{fs.protocol[0]}://{b}/a"), fs._strip_protocol(f"{b}/a/")],
    "parent": lambda fs, b, _: [fs._parent(f"{b}/dir/c.txt"), fs._parent(b)],
    "split_path": lambda fs, b, _: [fs.split_path(f"{b}/dir/c.txt"), fs.split_path(b)],
}
_NAMES = ("", "/", "/a.txt", "/a.txt/", "/dir", "/dir/", "/di", "/a.txt/x", "/missing", "-missing", "-missing/key")

READING: dict[str, Call] = {
    "cat": lambda fs, b, _: fs.cat(f"{b}/a.txt"),
    "cat-empty": lambda fs, b, _: fs.cat(f"{b}/empty"),
    "cat-list": lambda fs, b, _: fs.cat([f"{b}/a.txt", f"{b}/b.csv"]),
    "cat-glob": lambda fs, b, _: fs.cat(f"{b}/*.csv"),
    "cat-glob-one": lambda fs, b, _: fs.cat(f"{b}/a.*"),
    "cat-recursive": lambda fs, b, _: fs.cat(f"{b}/dir", recursive=True),
    "cat-missing": lambda fs, b, _: fs.cat(f"{b}/missing"),
    "cat-list-missing": lambda fs, b, _: fs.cat([f"{b}/a.txt", f"{b}/missing"]),
    "cat-omit": lambda fs, b, _: fs.cat([f"{b}/a.txt", f"{b}/missing"], on_error="omit"),
    "cat-return": lambda fs, b, _: sorted(fs.cat([f"{b}/a.txt", f"{b}/missing"], on_error="return")),
    "cat-directory": lambda fs, b, _: fs.cat(f"{b}/dir"),
    "cat-nothing-matches": lambda fs, b, _: fs.cat(f"{b}/zz*"),
    "cat_file": lambda fs, b, _: fs.cat_file(f"{b}/dir/c.txt"),
    "cat_file-missing": lambda fs, b, _: fs.cat_file(f"{b}/missing"),
    "cat_file-directory": lambda fs, b, _: fs.cat_file(f"{b}/dir"),
    "cat_file-bucket": lambda fs, b, _: fs.cat_file(b),
    "cat_file-no-bucket": lambda fs, b, _: fs.cat_file(f"{b}-missing/key"),
    **{
        f"cat_file-{start}-{end}": lambda fs, b, _, s=start, e=end: fs.cat_file(f"{b}/a.txt", start=s, end=e)
        for start, end in (
            (0, 2),
            (1, None),
            (None, 3),
            (-2, None),
            (None, -1),
            (-3, -1),
            (2, 2),
            (1, 99),
            (9, 12),
            (3, 1),
        )
    },
    "cat_file-range-of-empty": lambda fs, b, _: fs.cat_file(f"{b}/empty", start=0, end=5),
    "cat_file-coroutine": lambda fs, b, _: _awaited(fs, fs._cat_file(f"{b}/a.txt")),
    "cat_ranges": lambda fs, b, _: fs.cat_ranges([f"{b}/a.txt", f"{b}/lines"], [0, 3], [2, 9]),
    "cat_ranges-scalar": lambda fs, b, _: fs.cat_ranges([f"{b}/a.txt", f"{b}/lines"], 0, 2),
    "cat_ranges-gap": lambda fs, b, _: fs.cat_ranges([f"{b}/lines"] * 2, [0, 5], [2, 9], max_gap=10),
    "cat_ranges-missing": lambda fs, b, _: [
        type(each).__name__ for each in fs.cat_ranges([f"{b}/a.txt", f"{b}/missing"], [0, 0], [2, 2])
    ],
    "cat_ranges-raise": lambda fs, b, _: fs.cat_ranges([f"{b}/missing"], [0], [2], on_error="raise"),
    "head": lambda fs, b, _: fs.head(f"{b}/lines", 5),
    "head-default": lambda fs, b, _: fs.head(f"{b}/a.txt"),
    "tail": lambda fs, b, _: fs.tail(f"{b}/lines", 6),
    "tail-default": lambda fs, b, _: fs.tail(f"{b}/a.txt"),
    "read_block": lambda fs, b, _: fs.read_block(f"{b}/lines", 5, 9),
    "read_block-delimiter": lambda fs, b, _: fs.read_block(f"{b}/lines", 5, 9, delimiter=b"\n"),
    "read_bytes": lambda fs, b, _: fs.read_bytes(f"{b}/a.txt", 1, 3),
    "read_text": lambda fs, b, _: fs.read_text(f"{b}/lines"),
    "open-read": lambda fs, b, _: _with(fs.open(f"{b}/lines"), lambda f: f.read()),
    "open-pieces": lambda fs, b, _: _with(
        fs.open(f"{b}/lines"), lambda f: [f.read(3), f.tell(), f.seek(-4, 2), f.read()]
    ),
    "open-lines": lambda fs, b, _: _with(
        fs.open(f"{b}/lines"), lambda f: [f.readline(), f.readlines()[-1], next(f, None)]
    ),
    "open-iterate": lambda fs, b, _: _with(fs.open(f"{b}/lines"), list),
    "open-readuntil": lambda fs, b, _: _with(fs.open(f"{b}/lines"), lambda f: f.readuntil(b"w")),
    "open-readinto": lambda fs, b, _: _with(fs.open(f"{b}/a.txt"), _read_into),
    "open-text": lambda fs, b, _: _with(fs.open(f"{b}/lines", "r"), lambda f: f.read()),
    "open-text-encoding": lambda fs, b, _: _with(
        fs.open(f"{b}/a.txt", "rt", encoding="utf-16-le"), lambda f: f.read(1)
    ),
    "open-empty": lambda fs, b, _: _with(fs.open(f"{b}/empty"), lambda f: (f.read(), f.size, f.seek(0, 2))),
    "open-properties": lambda fs, b, _: _with(
        fs.open(f"{b}/a.txt"),
        lambda f: [f.path, f.size, f.mode, f.readable(), f.writable(), f.seekable(), f.closed, f.full_name],
    ),
    "open-info": lambda fs, b, _: _with(fs.open(f"{b}/a.txt"), lambda f: f.info()),
    "open-closed": lambda fs, b, _: _closed(fs.open(f"{b}/a.txt")).read(),
    "open-seek-before": lambda fs, b, _: _with(fs.open(f"{b}/a.txt"), lambda f: f.seek(-1)),
    "open-seek-odd": lambda fs, b, _: _with(fs.open(f"{b}/a.txt"), lambda f: f.seek(0, 5)),
    "open-write-to-reader": lambda fs, b, _: _with(fs.open(f"{b}/a.txt"), lambda f: f.write(b"x")),
    "open-missing": lambda fs, b, _: fs.open(f"{b}/missing"),
    "open-directory": lambda fs, b, _: fs.open(f"{b}/dir"),
    "open-no-bucket": lambda fs, b, _: fs.open(f"{b}-missing/key"),
    **{
        f"open-cache-{kind}": lambda fs, b, _, k=kind: _with(
            fs.open(f"{b}/lines", block_size=16, cache_type=k), lambda f: [f.read(7), f.seek(50), f.read(40)]
        )
        for kind in ("none", "readahead", "bytes", "block", "all", "first", "background")
    },
    "get_file": lambda fs, b, here: fs.get_file(f"{b}/a.txt", str(here / "a")) and None,
    "get_file-missing": lambda fs, b, here: fs.get_file(f"{b}/missing", str(here / "a")) and None,
    "get_file-stream": lambda fs, b, here: _streamed(fs, f"{b}/a.txt"),
    "get_file-new-folder": lambda fs, b, here: fs.get_file(f"{b}/a.txt", str(here / "new" / "a")) and None,
    "get": lambda fs, b, here: fs.get(f"{b}/a.txt", str(here / "a")) and None,
    "get-into": lambda fs, b, here: fs.get(f"{b}/a.txt", f"{here}/") and None,
    "get-list": lambda fs, b, here: fs.get([f"{b}/a.txt", f"{b}/dir/c.txt"], f"{here}/") and None,
    "get-lists": lambda fs, b, here: fs.get([f"{b}/a.txt", f"{b}/b.csv"], [str(here / "1"), str(here / "2")]) and None,
    "get-recursive": lambda fs, b, here: fs.get(f"{b}/dir", str(here / "new"), recursive=True) and None,
    "get-recursive-slash": lambda fs, b, here: fs.get(f"{b}/dir/", f"{here}", recursive=True) and None,
    "get-recursive-maxdepth": lambda fs, b, here: (
        fs.get(f"{b}/dir", str(here / "new"), recursive=True, maxdepth=1) and None
    ),
    "get-glob": lambda fs, b, here: fs.get(f"{b}/*.csv", f"{here}/") and None,
    "get-directory": lambda fs, b, here: fs.get(f"{b}/dir", str(here / "new")) and None,
    "get-missing": lambda fs, b, here: fs.get(f"{b}/missing", str(here / "a")) and None,
    "get-missing-recursive": lambda fs, b, here: fs.get(f"{b}/missing", str(here / "a"), recursive=True) and None,
    "download": lambda fs, b, here: fs.download(f"{b}/a.txt", str(here / "a")),
    "mapper": lambda fs, b, _: (
        sorted(fs.get_mapper(f"{b}/dir")),
        fs.get_mapper(f"{b}/dir")["c.txt"],
        "x" in fs.get_mapper(b),
        len(fs.get_mapper(b)),
        fs.get_mapper(b).getitems(["a.txt", "zz"], on_error="omit"),
        fs.get_mapper(b).get("zz", 1),
    ),
    "mapper-missing": lambda fs, b, _: fs.get_mapper(b)["zz"],
    "mapper-check": lambda fs, b, _: fs.get_mapper(f"{b}-missing", check=True),
}

CHANGING: dict[str, Call] = {
    "pipe": lambda fs, b, _: fs.pipe(f"{b}/new", b"1") and None,
    "pipe-many": lambda fs, b, _: fs.pipe({f"{b}/new": b"1", f"{b}/deep/er/x": b"2"}) and None,
    "pipe_file": lambda fs, b, _: fs.pipe_file(f"{b}/new", b"1") and None,
    "pipe_file-replace": lambda fs, b, _: fs.pipe_file(f"{b}/a.txt", b"1") and None,
    "pipe_file-empty": lambda fs, b, _: fs.pipe_file(f"{b}/new", b"") and None,
    "pipe_file-create": lambda fs, b, _: fs.pipe_file(f"{b}/a.txt", b"1", mode="create") and None,
    "pipe_file-create-new": lambda fs, b, _: fs.pipe_file(f"{b}/new", b"1", mode="create") and None,
    "pipe_file-bytearray": lambda fs, b, _: fs.pipe_file(f"{b}/new", bytearray(b"1")) and None,
    "pipe_file-no-bucket": lambda fs, b, _: fs.pipe_file(f"{b}-missing/key", b"1"),
    "pipe_file-bucket": lambda fs, b, _: fs.pipe_file(b, b"1"),
    "write_bytes": lambda fs, b, _: fs.write_bytes(f"{b}/new", b"1") and None,
    "write_text": lambda fs, b, _: fs.write_text(f"{b}/new", "ä\n", encoding="latin-1"),
    "open-wb": lambda fs, b, _: _with(fs.open(f"{b}/new", "wb"), lambda f: [f.write(b"12"), f.write(b"3"), f.tell()]),
    "open-wb-nothing": lambda fs, b, _: fs.open(f"{b}/new", "wb").close(),
    "open-wb-replace": lambda fs, b, _: _with(fs.open(f"{b}/lines", "wb"), lambda f: f.write(b"1")),
    "open-w": lambda fs, b, _: _with(fs.open(f"{b}/new", "w", encoding="utf-8"), lambda f: f.write("ä\n")),
    "open-wb-flags": lambda fs, b, _: _with(
        fs.open(f"{b}/new", "wb"), lambda f: [f.readable(), f.writable(), f.seekable(), f.mode, f.path]
    ),
    "open-wb-flush": lambda fs, b, _: _with(fs.open(f"{b}/new", "wb"), lambda f: [f.write(b"1"), f.flush()]),
    "open-wb-read": lambda fs, b, _: _with(fs.open(f"{b}/new", "wb"), lambda f: f.read()),
    "open-wb-seek": lambda fs, b, _: _with(fs.open(f"{b}/new", "wb"), lambda f: f.seek(0)),
    "open-wb-discard": lambda fs, b, _: _discarded(fs.open(f"{b}/new", "wb", autocommit=False)),
    "open-wb-commit": lambda fs, b, _: _committed(fs.open(f"{b}/new", "wb", autocommit=False)),
    "open-wb-no-bucket": lambda fs, b, _: _with(fs.open(f"{b}-missing/key", "wb"), lambda f: f.write(b"1")),
    "open-wb-closed": lambda fs, b, _: _closed(fs.open(f"{b}/new", "wb")).write(b"1"),
    "open-xb": lambda fs, b, _: _with(fs.open(f"{b}/a.txt", "xb"), lambda f: f.write(b"1")),
    "open-xb-new": lambda fs, b, _: _with(fs.open(f"{b}/new", "xb"), lambda f: f.write(b"1")),
    "open-ab": lambda fs, b, _: _with(fs.open(f"{b}/a.txt", "ab"), lambda f: [f.tell(), f.write(b"1"), f.tell()]),
    "open-ab-new": lambda fs, b, _: _with(fs.open(f"{b}/new", "ab"), lambda f: f.write(b"1")),
    "transaction": lambda fs, b, _: _transaction(fs, f"{b}/new", fail=False),
    "transaction-failed": lambda fs, b, _: _transaction(fs, f"{b}/new", fail=True),
    "touch": lambda fs, b, _: fs.touch(f"{b}/new") and None,
    "touch-truncate": lambda fs, b, _: fs.touch(f"{b}/a.txt") and None,
    "touch-keep": lambda fs, b, _: fs.touch(f"{b}/a.txt", truncate=False) and None,
    "touch-keep-new": lambda fs, b, _: fs.touch(f"{b}/new", truncate=False) and None,
    "put_file": lambda fs, b, here: fs.put_file(str(here / "up" / "one.txt"), f"{b}/new") and None,
    "put_file-create": lambda fs, b, here: fs.put_file(str(here / "up" / "one.txt"), f"{b}/a.txt", mode="create"),
    "put_file-missing": lambda fs, b, here: fs.put_file(str(here / "zz"), f"{b}/new"),
    "put": lambda fs, b, here: fs.put(str(here / "up" / "one.txt"), f"{b}/new") and None,
    "put-into": lambda fs, b, here: fs.put(str(here / "up" / "one.txt"), f"{b}/dir/") and None,
    "put-into-without-slash": lambda fs, b, here: fs.put(str(here / "up" / "one.txt"), f"{b}/dir") and None,
    "put-list": lambda fs, b, here: fs.put([f"{here}/up/one.txt", f"{here}/up/sub/two.csv"], f"{b}/new/") and None,
    "put-lists": lambda fs, b, here: fs.put([f"{here}/up/one.txt"], [f"{b}/1"]) and None,
    "put-recursive": lambda fs, b, here: fs.put(f"{here}/up", f"{b}/new", recursive=True) and None,
    "put-recursive-into": lambda fs, b, here: fs.put(f"{here}/up", f"{b}/dir", recursive=True) and None,
    "put-recursive-slash": lambda fs, b, here: fs.put(f"{here}/up/", f"{b}/new/", recursive=True) and None,
    "put-glob": lambda fs, b, here: fs.put(f"{here}/up/*.txt", f"{b}/new/") and None,
    "put-no-bucket": lambda fs, b, here: fs.put(f"{here}/up/one.txt", f"{b}-missing/new"),
    "upload": lambda fs, b, here: fs.upload(f"{here}/up/one.txt", f"{b}/new") and None,
    "cp_file": lambda fs, b, _: fs.cp_file(f"{b}/a.txt", f"{b}/new"),
    "cp_file-replace": lambda fs, b, _: fs.cp_file(f"{b}/a.txt", f"{b}/b.csv"),
    "cp_file-itself": lambda fs, b, _: fs.cp_file(f"{b}/a.txt", f"{b}/a.txt"),
    "cp_file-missing": lambda fs, b, _: fs.cp_file(f"{b}/missing", f"{b}/new"),
    "cp_file-no-bucket": lambda fs, b, _: fs.cp_file(f"{b}/a.txt", f"{b}-missing/new"),
    "cp": lambda fs, b, _: fs.cp(f"{b}/a.txt", f"{b}/new"),
    "copy-into": lambda fs, b, _: fs.copy(f"{b}/a.txt", f"{b}/dir/"),
    "copy-into-without-slash": lambda fs, b, _: fs.copy(f"{b}/a.txt", f"{b}/dir"),
    "copy-into-new": lambda fs, b, _: fs.copy(f"{b}/a.txt", f"{b}/new/"),
    "copy-recursive": lambda fs, b, _: fs.copy(f"{b}/dir", f"{b}/new", recursive=True),
    "copy-recursive-into": lambda fs, b, _: fs.copy(f"{b}/dir", f"{b}/other", recursive=True),
    "copy-recursive-slash": lambda fs, b, _: fs.copy(f"{b}/dir/", f"{b}/new/", recursive=True),
    "copy-maxdepth": lambda fs, b, _: fs.copy(f"{b}/dir", f"{b}/new", recursive=True, maxdepth=1),
    "copy-glob": lambda fs, b, _: fs.copy(f"{b}/*.csv", f"{b}/new/"),
    "copy-list": lambda fs, b, _: fs.copy([f"{b}/a.txt", f"{b}/b.csv"], f"{b}/new/"),
    "copy-lists": lambda fs, b, _: fs.copy([f"{b}/a.txt", f"{b}/b.csv"], [f"{b}/1", f"{b}/2"]),
    "copy-directory": lambda fs, b, _: fs.copy(f"{b}/dir", f"{b}/new"),
    "copy-missing": lambda fs, b, _: fs.copy(f"{b}/missing", f"{b}/new"),
    "copy-missing-ignore": lambda fs, b, _: fs.copy(f"{b}/missing", f"{b}/new", on_error="ignore"),
    "copy-list-missing": lambda fs, b, _: fs.copy([f"{b}/a.txt", f"{b}/missing"], f"{b}/new/"),
    "mv": lambda fs, b, _: fs.mv(f"{b}/a.txt", f"{b}/new"),
    "mv-into": lambda fs, b, _: fs.mv(f"{b}/a.txt", f"{b}/dir/"),
    "mv-itself": lambda fs, b, _: fs.mv(f"{b}/a.txt", f"{b}/a.txt"),
    "mv-recursive": lambda fs, b, _: fs.mv(f"{b}/dir", f"{b}/new", recursive=True),
    "mv-list": lambda fs, b, _: fs.mv([f"{b}/a.txt"], [f"{b}/new"]),
    "mv-missing": lambda fs, b, _: fs.mv(f"{b}/missing", f"{b}/new"),
    "mv-directory": lambda fs, b, _: fs.mv(f"{b}/dir", f"{b}/new"),
    "move": lambda fs, b, _: fs.move(f"{b}/a.txt", f"{b}/new"),
    "rename": lambda fs, b, _: fs.rename(f"{b}/a.txt", f"{b}/new"),
    "mv-bucket-to-bucket": lambda fs, b, _: fs.mv(f"{b}/a.txt", f"{b}-missing/new"),
    "rm_file": lambda fs, b, _: fs.rm_file(f"{b}/a.txt") and None,
    "rm_file-missing": lambda fs, b, _: fs.rm_file(f"{b}/missing") and None,
    "rm_file-directory": lambda fs, b, _: fs.rm_file(f"{b}/dir") and None,
    "rm": lambda fs, b, _: fs.rm(f"{b}/a.txt") and None,
    "rm-list": lambda fs, b, _: fs.rm([f"{b}/a.txt", f"{b}/b.csv"]) and None,
    "rm-list-missing": lambda fs, b, _: fs.rm([f"{b}/a.txt", f"{b}/missing"]) and None,
    "rm-glob": lambda fs, b, _: fs.rm(f"{b}/*.csv") and None,
    "rm-glob-nothing": lambda fs, b, _: fs.rm(f"{b}/zz*") and None,
    "rm-missing": lambda fs, b, _: fs.rm(f"{b}/missing") and None,
    "rm-missing-recursive": lambda fs, b, _: fs.rm(f"{b}/missing", recursive=True) and None,
    "rm-directory": lambda fs, b, _: fs.rm(f"{b}/dir") and None,
    "rm-recursive": lambda fs, b, _: fs.rm(f"{b}/dir", recursive=True) and None,
    "rm-recursive-slash": lambda fs, b, _: fs.rm(f"{b}/dir/", recursive=True) and None,
    "rm-recursive-maxdepth": lambda fs, b, _: fs.rm(f"{b}/dir", recursive=True, maxdepth=1) and None,
    "rm-bucket": lambda fs, b, _: (fs.rm(b, recursive=True) and None, fs.exists(b), fs.mkdir(b)),
    "rm-no-bucket": lambda fs, b, _: fs.rm(f"{b}-missing/x") and None,
    "delete": lambda fs, b, _: fs.delete(f"{b}/a.txt") and None,
    "mkdir-bucket": lambda fs, b, _: fs.mkdir(b),
    "mkdir-directory": lambda fs, b, _: fs.mkdir(f"{b}/new"),
    "mkdir-existing-directory": lambda fs, b, _: fs.mkdir(f"{b}/dir"),
    "mkdir-new-bucket": lambda fs, b, _: (
        fs.mkdir(f"{b}-2"),
        fs.isdir(f"{b}-2"),
        fs.rmdir(f"{b}-2"),
        fs.exists(f"{b}-2"),
    ),
    "mkdir-no-parents": lambda fs, b, _: fs.mkdir(f"{b}-missing/x", create_parents=False),
    "makedirs": lambda fs, b, _: fs.makedirs(f"{b}/new/er", exist_ok=True),
    "makedirs-directory": lambda fs, b, _: fs.makedirs(f"{b}/new/er"),
    "makedirs-existing": lambda fs, b, _: fs.makedirs(b, exist_ok=True),
    "makedirs-not-ok": lambda fs, b, _: fs.makedirs(b),
    "makedir": lambda fs, b, _: fs.makedir(f"{b}/new"),
    "mkdirs": lambda fs, b, _: fs.mkdirs(f"{b}/new", exist_ok=True),
    "rmdir-missing": lambda fs, b, _: fs.rmdir(f"{b}-missing"),
    "rmdir-directory": lambda fs, b, _: fs.rmdir(f"{b}/dir"),
    "mapper-changes": lambda fs, b, _: _changed(fs.get_mapper(f"{b}/map")),
    "mapper-clear": lambda fs, b, _: fs.get_mapper(f"{b}/dir").clear(),
}


def _with(file: Any, use: Callable[[Any], Any]) -> Any:
    with file:
        return use(file)


def _closed(file: Any) -> Any:
    file.close()
    return file


def _read_into(file: Any) -> Any:
    target = bytearray(3)
    return file.readinto(target), bytes(target)


def _streamed(fs: Any, path: str) -> bytes:
    target = io.BytesIO()
    fs.get_file(path, target)
    return target.getvalue()


def _discarded(file: Any) -> None:
    file.write(b"1")
    file.close()
    file.discard()


def _committed(file: Any) -> None:
    file.write(b"1")
    file.close()
    file.commit()


def _transaction(fs: Any, path: str, *, fail: bool) -> None:
    with fs.transaction:
        with fs.open(path, "wb") as file:
            file.write(b"1")
        if fail:
            raise ZeroDivisionError


def _changed(mapper: Any) -> Any:
    mapper["a"] = b"1"
    mapper["b/c"] = b"2"
    mapper.setitems({"d": b"3", "e": b"4"})
    del mapper["a"]
    mapper.delitems(["d"])
    return mapper.pop("e"), sorted(mapper)


def _awaited(fs: Any, coroutine: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(coroutine, fs.loop).result(60)
