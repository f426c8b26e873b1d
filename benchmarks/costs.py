"""Where the time of a small read goes: what each layer adds to obstore's own call, in microseconds of the processor.

Run it as a script. The time of one thread is measured, so that waiting, the server and other programs do not count; the
best of several rounds is shown.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' servers are not installed

import obstore
from data import BUCKET
from servers import own_server

import objfs
from objfs import S3FileSystem
from objfs.steps import drive
from objfs.types import ByteRange
from objfs.workers import call

ROUNDS = 9
OBJECTS = [f"small/{index:04}" for index in range(500)]
OBJECT_BYTES = 16 << 10


def processor_microseconds(function: Callable[[str], Any], paths: Sequence[str]) -> float:
    """What a call costs the calling thread."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for path in paths:
            function(path)
        best = min(best, time.thread_time() - begun)
    return best / len(paths) * 1e6


def wall_microseconds(function: Callable[[str], Any], paths: Sequence[str]) -> float:
    """How long a call takes its caller."""
    best = float("inf")
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for path in paths:
            function(path)
        best = min(best, time.perf_counter() - begun)
    return best / len(paths) * 1e6


def in_thread(function: Callable[[], float]) -> float:
    """Measure where a blocking call is made: in a thread other than the main one."""
    found: list[float] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def costs(fs: Any, paths: Sequence[str]) -> list[tuple[str, float]]:
    """The steps of reading a small object, each on its own."""
    store = fs.connection.store(BUCKET)
    bare: Any = store._store  # noqa: SLF001 - what lies below is measured
    keys = [path.partition("/")[2] for path in paths]

    def bare_get(key: str) -> Any:
        return obstore.get(bare, key, options={"range": (0, 256 << 10)}).bytes()

    wanted = ByteRange(0, 256 << 10)
    location = fs._key(paths[0])  # noqa: SLF001
    source = fs._source(location)  # noqa: SLF001
    cached = fs.open(paths[0], "rb")

    def read_again(_: str) -> bytes:
        cached.seek(0)
        data: bytes = cached.read()
        return data

    def open_and_read(path: str) -> bytes:
        with fs.open(path, "rb") as file:
            data: bytes = file.read()
            return data

    def recorded(function: Callable[[str], Any]) -> Callable[[str], Any]:
        """The same while a trace records, which begins anew each time: what is recorded is kept."""

        def call(path: str) -> Any:
            with objfs.trace(telemetry=False):
                return function(path)

        return call

    processor = processor_microseconds
    return [
        ("path to bucket and key", processor(fs._key, paths)),  # noqa: SLF001
        ("which plane", processor(lambda _: fs.connection.decide("read", location), paths)),
        ("read what is in the cache", processor(read_again, paths)),
        ("obstore's get", in_thread(lambda: processor(bare_get, keys))),
        ("Store.get_now", in_thread(lambda: processor(lambda key: store.get_now(key, wanted), keys))),
        ("a plan around it", in_thread(lambda: processor(lambda _: drive(source.first(wanted)), keys))),
        ("hand-over to a worker and back", wall_microseconds(lambda _: call(int), paths)),
        ("cat_file, main thread", processor(fs.cat_file, paths)),
        ("open, read, close, main thread", processor(open_and_read, paths)),
        ("a trace of nothing", processor(recorded(str), paths)),
        (
            "Store.get_now, in a trace",
            in_thread(lambda: processor(recorded(lambda key: store.get_now(key, wanted)), keys)),
        ),
        ("open, read, close, in a trace", processor(recorded(open_and_read), paths)),
        ("obstore's get, wall", in_thread(lambda: wall_microseconds(bare_get, keys))),
        ("cat_file, wall", wall_microseconds(fs.cat_file, paths)),
        ("open, read, close, wall", wall_microseconds(open_and_read, paths)),
    ]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="objfs-costs-") as name:
        folder = Path(name)
        for key in OBJECTS:
            path = folder / BUCKET / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(OBJECT_BYTES))
        with own_server(folder, {}) as place:
            fs = S3FileSystem(**place.access)
            paths = [f"{BUCKET}/{key}" for key in OBJECTS]
            fs.cat(paths)
            for meaning, microseconds in costs(fs, paths):
                print(f"{meaning:34} {microseconds:7.1f} us")


if __name__ == "__main__":
    main()
