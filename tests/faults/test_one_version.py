"""Objects that change while they are read: what is read is all old, all new, or an error; never a mixture."""

from __future__ import annotations

import asyncio
import io
import pickle
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from objfs.errors import FileExpired
from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import Act, Exchange, Rule, pass_on
from tests.faults.ways import PLANES, Bench, bench
from tests.unit.recording import make_small

# Lines of seven letters; no line is in both.
OLD = b"".join(b"old%04d\n" % number for number in range(60))
NEW = {
    "as-long": b"".join(b"new%04d\n" % number for number in range(60)),
    "shorter": b"".join(b"new%04d\n" % number for number in range(20)),
    "longer": b"".join(b"new%04d\n" % number for number in range(90)),
    "gone": None,
}


def drop_conditions(exchange: Exchange) -> bool:
    """A proxy that drops If-Match."""
    return exchange.spare(exchange.forward(without="if-match"))


@dataclass
class Change:
    """Replaces an object, or deletes it, when a number of requests for its bytes were answered."""

    on: Bench
    key: str
    new: bytes | None
    after: int
    answer: Act
    lock: threading.Lock = field(default_factory=threading.Lock)
    answered: int = 0

    def __call__(self, exchange: Exchange) -> bool | None:
        """One request at a time, so that the change lies between two of them."""
        with self.lock:
            goes_on = self.answer(exchange)
            self.answered += 1
            if self.answered == self.after:
                raw = self.on.cloud.raw
                raw.delete(self.key) if self.new is None else raw.put(self.key, self.new)
            return goes_on


def _bit_by_bit(on: Bench, path: str) -> bytes:
    with on.fs.open(path) as file:
        return b"".join(iter(lambda: file.read(24), b""))


def _far_apart(on: Bench, path: str) -> list[bytes]:
    with on.fs.open(path) as file:
        return [_at(file, at, 40) for at in (0, 400, 200, 304, 96)]


def _at(file: Any, at: int, length: int) -> Any:
    file.seek(at)
    return file.read(length)


def _of_known_size(on: Bench, path: str) -> bytes:
    with on.fs.open(path, size=len(OLD)) as file:
        return file.read(64) + file.read()


def _with_a_cache_of_fsspec(on: Bench, path: str) -> bytes:
    with on.fs.open(path, cache_type="readahead", block_size=48) as file:
        return b"".join(iter(lambda: file.read(24), b""))


def _text(on: Bench, path: str) -> list[str]:
    with on.fs.open(path, "r", encoding="ascii") as file:
        return list(file)


def _into(on: Bench, path: str) -> bytes:
    target = bytearray(len(OLD))
    with on.fs.open(path) as file:
        for at in range(0, len(OLD), 120):
            file.readinto(memoryview(target)[at : at + 120])
    return bytes(target)


def _by_arrow_filesystem(on: Bench, path: str) -> bytes:
    arrow_fs = pytest.importorskip("pyarrow.fs")
    through = arrow_fs.PyFileSystem(arrow_fs.FSSpecHandler(on.fs))
    with through.open_input_file(path) as file:
        return b"".join(file.read_at(48, at) for at in range(0, len(OLD), 48))


def _elsewhere(on: Bench, path: str) -> bytes:
    with on.fs.open(path) as file:
        begin = file.read(24)
        with pickle.loads(pickle.dumps(file)) as copy:
            return begin + copy.read()


def _awaited(on: Bench, path: str) -> bytes:
    async def read() -> bytes:
        file = await on.fs.open_async(path)
        return b"".join([await file.read(40), await file.read(40), await file.read()])

    return asyncio.run(read())


def _by_threads(on: Bench, path: str) -> list[bytes]:
    found: list[Any] = [None] * 4
    with on.fs.open(path) as file:

        def read(number: int) -> None:
            try:
                found[number] = file.cache._fetch(number * 100, number * 100 + 90)
            except OSError as error:
                found[number] = error

        threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for each in found:
        if isinstance(each, OSError):
            raise each
    return found


def _downloaded(on: Bench, path: str) -> bytes:
    target = on.folder / "down"
    target.write_bytes(b"kept")
    try:
        on.fs.get_file(path, str(target), max_concurrency=1)
    except OSError:
        assert target.read_bytes() == b"kept"
        raise
    finally:
        assert [each.name for each in on.folder.iterdir()] == ["down"]
    return target.read_bytes()


def _downloaded_into(on: Bench, path: str) -> bytes:
    target = io.BytesIO()
    on.fs.get_file(path, target, max_concurrency=1)
    return target.getvalue()


def _ranges(on: Bench, path: str) -> list[bytes]:
    starts = [0, 96, 200, 304, 400]
    return on.fs.cat_ranges([path] * 5, starts, [start + 32 for start in starts], on_error="raise", batch_size=1)


def _ranges_from_the_end(on: Bench, path: str) -> list[bytes]:
    return on.fs.cat_ranges([path] * 3, [-400, -200, -40], [-360, -160, None], on_error="raise", batch_size=1)


READS: dict[str, Callable[[Bench, str], Any]] = {
    "cat": lambda on, path: on.fs.cat_file(path, max_concurrency=1),
    "cat-in-parallel": lambda on, path: on.fs.cat_file(path),
    "slice": lambda on, path: on.fs.cat_file(path, start=3, end=-5, max_concurrency=1),
    "cat-ranges": _ranges,
    "ranges-from-the-end": _ranges_from_the_end,
    "get": _downloaded,
    "get-into": _downloaded_into,
    "file": lambda on, path: on.fs.open(path).read(),
    "bit-by-bit": _bit_by_bit,
    "far-apart": _far_apart,
    "of-known-size": _of_known_size,
    "cache-of-fsspec": _with_a_cache_of_fsspec,
    "text": _text,
    "readinto": _into,
    "arrow-filesystem": _by_arrow_filesystem,
    "pickled": _elsewhere,
    "awaited": _awaited,
    "threads": _by_threads,
}


def _flat(found: Any) -> bytes:
    """All bytes that a read has given."""
    given = found if isinstance(found, list) else [found]
    return b"".join(each.encode() if isinstance(each, str) else each for each in given)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes are many parts, requests and windows."""
    make_small(monkeypatch)


# What differs between clouds lies below these; the others stand on them.
PLAIN = ("cat", "cat-ranges", "ranges-from-the-end", "get", "bit-by-bit", "far-apart", "of-known-size", "awaited")
# Changes, and what becomes of the header by which the server would compare.
CELLS = [
    *((change, "kept") for change in NEW),
    *((change, "dropped") for change in ("as-long", "shorter", "gone")),
    ("as-long", "not-sent"),
]


@pytest.mark.parametrize(("change", "header"), CELLS)
@pytest.mark.parametrize("plane", PLANES)
def test_object_that_changes_while_it_is_read_is_not_mixed(
    cloud: CloudUnderTest, plane: str, change: str, header: str, tmp_path: Path
) -> None:
    """Whatever reads it: replaced by as much, more or less, or deleted, after the first answer or the third."""
    if header != "kept" and cloud.name == "gcs":
        pytest.skip("generations are compared here, and no header is sent")
    if header == "not-sent" and cloud.name != "s3":
        pytest.skip("only S3 has servers that do not know the header, and an option for them")
    reads = {name: read for name, read in READS.items() if cloud.name == "s3" or name in PLAIN}
    outcomes: dict[str, str] = {}
    with bench(cloud, plane, tmp_path, **_options(cloud, header)) as on:
        for number, (name, read) in enumerate(reads.items()):
            changing = Change(
                on, name, NEW[change], 1 + 2 * (number % 2), drop_conditions if header == "dropped" else pass_on
            )
            outcomes[name] = _outcome(changing, read)
    assert {name: outcome for name, outcome in outcomes.items() if outcome not in ("expired", "one version")} == {}
    # Requests of the read before may be answered late, and let the change come early.
    assert list(outcomes.values()).count("expired") > len(reads) / 2


def _options(cloud: CloudUnderTest, header: str) -> dict[str, Any]:
    """What the filesystem is told beside the place."""
    if header == "not-sent":
        return {"local_expiry_check": True}
    if header == "dropped" and cloud.name == "azure":
        # A shared key signs the header, which then cannot be dropped.
        return {"account_key": None, "sas_token": _sas(cloud)}
    return {}


def _sas(cloud: CloudUnderTest) -> str:
    blob = pytest.importorskip("azure.storage.blob")
    return blob.generate_account_sas(
        cloud.options["account_name"],
        cloud.options["account_key"],
        blob.ResourceTypes(object=True, container=True),
        blob.AccountSasPermissions(read=True, list=True),
        datetime.now(UTC) + timedelta(hours=1),
    )


def _outcome(changing: Change, read: Callable[[Bench, str], Any]) -> str:
    """What has come of a read under which the object changes."""
    on, new, path = changing.on, changing.new, changing.on.cloud.path(changing.key)
    on.cloud.raw.put(changing.key, OLD)
    with on.under(Rule(changing, "^GET ")):
        try:
            found = _flat(read(on, path))
        except FileExpired:
            return "expired"
        except FileNotFoundError:
            return "expired" if new is None else "it is there"
        except OSError as error:
            return f"{type(error).__name__}: {error}"
    for state in (OLD, new):
        if state is not None:
            on.cloud.raw.put(changing.key, state)
            if found == _flat(read(on, path)):
                return "one version"
    return f"{found!r}"
