"""A plane that holds its objects in memory and writes down every request, so that requests can be counted."""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from objfs import S3FileSystem, adaptive, bulk_reads, concurrency, reading, transfers, workers
from objfs.errors import PreconditionFailedError
from objfs.store import LARGE_AT_A_TIME, Store
from objfs.transfers import Source
from objfs.turns import Turns
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix

BUCKET = "bucket"

# Small enough that a few bytes are several parts, requests and read-ahead windows.
PART = 16
SMALL: tuple[tuple[Any, str, int], ...] = (
    (transfers, "PART_BYTES", PART),
    (transfers, "FIRST_BYTES", 10),
    (adaptive, "PART_BYTES", PART),
    (bulk_reads, "MAX_GAP_BYTES", 3),
    (reading, "HEAD_BYTES", 2 * PART),
    (reading, "SMALLEST_AHEAD_BYTES", PART // 2),
    (adaptive, "AHEAD_BYTES", 6 * PART),
    (adaptive, "FIRST_MARGIN_BYTES", 4),
    (adaptive, "SMALLEST_MARGIN_BYTES", 1),
    (adaptive, "LARGEST_MARGIN_BYTES", 2 * PART),
    (adaptive, "KEPT_BYTES", 3 * PART),
)


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few bytes be many parts."""
    for module, name, value in SMALL:
        monkeypatch.setattr(module, name, value)


@dataclass(frozen=True)
class Request:
    """One request, as it was made."""

    verb: str
    key: str
    wanted: ByteRange | Suffix | None = None
    if_match: str | None = None

    def __str__(self) -> str:
        match self.wanted:
            case ByteRange(start=start, stop=stop):
                return f"{self.verb} {start}-{stop}"
            case Suffix(length=length):
                return f"{self.verb} -{length}"
        return self.verb


@dataclass(frozen=True)
class Body:
    """One state of an object."""

    data: bytes
    info: ObjectInfo


class Recorder:
    """The objects and the journal of a plane.

    Parameters
    ----------
    **objects
        Keys to bytes, ``_`` for the dot in a key.
    """

    def __init__(self, **objects: bytes) -> None:
        self.requests: list[Request] = []
        self.bytes_out = self.present = self.most_present = 0
        # Called with each request before it is answered: may raise, wait, or replace the object.
        self.before: Callable[[Request], None] = lambda _: None
        self._bodies: dict[str, Body] = {}
        self._states = 0
        self._lock = threading.Lock()
        for key, data in objects.items():
            self.replace(key.replace("_", "."), data)

    def replace(self, key: str, data: bytes) -> str:
        """Give an object another state; its ETag."""
        with self._lock:
            self._states += 1
            e_tag = f'"{self._states}"'
            self._bodies[key] = Body(data, ObjectInfo(len(data), e_tag))
        return e_tag

    def asked(self) -> list[str]:
        """The requests so far, in the order in which they were made; a journal of its own begins after them."""
        requests, self.requests = self.requests, []
        return [str(request) for request in requests]

    @contextmanager
    def presence(self) -> Iterator[None]:
        """A request is in flight."""
        with self._lock:
            self.present += 1
            self.most_present = max(self.most_present, self.present)
        try:
            yield
        finally:
            with self._lock:
                self.present -= 1

    def _body(self, request: Request) -> Body:
        with self._lock:
            self.requests.append(request)
        self.before(request)
        body = self._bodies.get(request.key)
        if body is None:
            raise FileNotFoundError(errno.ENOENT, "no such key", f"s3://{BUCKET}/{request.key}")
        return body

    def answer(self, request: Request) -> Chunk:
        """What a server answers to a GET."""
        body = self._body(request)
        if request.if_match not in (None, body.info.e_tag):
            raise PreconditionFailedError(errno.EBUSY, "At least one of the pre-conditions did not hold")
        size = body.info.size
        match request.wanted:
            case Suffix(length=length):
                start, stop = max(0, size - length), size
            case ByteRange(start=start, stop=stop):
                stop = min(stop, size)
            case _:
                start, stop = 0, size
        if request.wanted is not None and start >= stop:
            raise OSError(errno.EINVAL, "416: the range is not satisfiable")
        with self._lock:
            self.bytes_out += stop - start
        return Chunk(body.data[start:stop], start, body.info)

    def describe(self, request: Request) -> ObjectInfo:
        """What a server answers to a HEAD."""
        return self._body(request).info

    async def any_below(self, prefix: str) -> bool:
        """Whether there is an object below a directory."""
        self.requests.append(Request("LIST", prefix))
        return any(key.startswith(f"{prefix}/") for key in self._bodies)


class RecordingStore(Recorder, Store):
    """The data plane."""

    def __init__(self, **objects: bytes) -> None:
        super().__init__(**objects)
        self.large_requests = Turns(LARGE_AT_A_TIME)

    def get_now(self, key: str, wanted: Any = None, *, if_match: Any = None, version: Any = None) -> Chunk:
        """Answered in the thread that asks."""
        with self.presence():
            return self.answer(Request("GET", key, wanted, if_match))

    async def get(self, key: str, wanted: Any = None, *, if_match: Any = None, version: Any = None) -> Chunk:
        """Awaited."""
        return self.answer(Request("GET", key, wanted, if_match))

    def head_now(self, key: str, *, version: Any = None) -> ObjectInfo:
        """Answered in the thread that asks."""
        with self.presence():
            return self.describe(Request("HEAD", key))

    async def head(self, key: str, *, version: Any = None) -> ObjectInfo:
        """Awaited."""
        return self.describe(Request("HEAD", key))


class RecordingSdk(Recorder):
    """The SDK plane, which is awaited only; requests that are made together are in flight together."""

    async def get(self, key: str, wanted: Any = None, *, if_match: Any = None, version: Any = None) -> Chunk:
        """Awaited."""
        with self.presence():
            await asyncio.sleep(0)
            return self.answer(Request("GET", key, wanted, if_match))

    async def head(self, key: str, *, version: Any = None) -> ObjectInfo:
        """Awaited."""
        with self.presence():
            await asyncio.sleep(0)
            return self.describe(Request("HEAD", key))


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    """Wait for what becomes so in another thread, which does not say when."""
    pause = threading.Event()
    return any(condition() or pause.wait(0.01) for _ in range(int(100 * seconds)))


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT be Ctrl-C, which a shell's background job is started without."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    """As at the terminal, while the main thread waits."""
    main = threading.main_thread().ident or 0

    def waits_for_us() -> bool:
        # Not in any other wait: one for the start of a thread would be interrupted where nobody expects it.
        frames = (frame for frame, _ in traceback.walk_stack(sys._current_frames()[main]))
        ours = {workers.__file__, concurrency.__file__}
        return any(f.f_code.co_filename in ours and f.f_code.co_name in ("_wait", "wait_for") for f in frames)

    assert until(waits_for_us)
    signal.pthread_kill(main, signal.SIGINT)


def source_of(plane: Any, key: str = "key", **more: Any) -> Source:
    """An object of a plane."""
    return Source(plane, Location(BUCKET, key), **more)


def filesystem(plane: Any, **options: Any) -> S3FileSystem:
    """A filesystem all of whose objects are those of one plane."""
    fs = S3FileSystem(key="key", secret="secret", region="us-east-1", skip_instance_cache=True, **options)
    fs.connection.objects = lambda *_, **__: plane  # type: ignore[method-assign]
    fs.connection.store = lambda _: plane  # type: ignore[method-assign]
    return fs
