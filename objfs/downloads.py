"""Objects to local files: in parallel, straight to their place, whole or not at all."""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import os
import secrets
import stat
import threading
from functools import partial
from pathlib import Path
from typing import IO, Any

from objfs.ranges import split_range
from objfs.steps import Local, Part, Plan, Together
from objfs.transfers import Source
from objfs.types import ByteRange, Chunk
from objfs.workers import current_stop, refuse_when_stopped

# Files that are not whole yet, and the process that makes them: a worker that Ctrl-C has left behind in a request does
# not get to remove its own before the process ends.
_unfinished: dict[Path, int] = {}


@atexit.register
def _remove_unfinished() -> None:
    for path, process in list(_unfinished.items()):
        if process == os.getpid():
            with contextlib.suppress(OSError):
                path.unlink()


class _Target:
    """An open file that several threads write parts of an object to.

    Parameters
    ----------
    file
        Opened for writing bytes.
    callback
        fsspec's, told of the bytes written.
    is_own
        Whether nobody else uses the file, so that it can be written to without moving its position.
    """

    def __init__(self, file: IO[bytes], callback: Any, *, is_own: bool) -> None:
        self._file, self._callback = file, callback
        self._fd = file.fileno() if is_own and hasattr(os, "pwrite") else None
        self.seekable = is_own or _takes_any_order(file)
        self._base = file.tell() if self.seekable else 0
        self._lock = threading.Condition()
        self._stop = current_stop()
        self._writing = 0
        self._closed = False

    def write(self, chunk: Chunk) -> None:
        """Write an answer to its place; after `close`, or when nobody waits any more, nothing is written."""
        refuse_when_stopped(self._stop)
        if self._fd is None:
            with self._lock:
                if self._closed:
                    return
                if self.seekable:
                    self._file.seek(self._base + chunk.start)
                self._file.write(chunk.data)
                self._callback.relative_update(len(chunk.data))
            return
        with self._lock:
            if self._closed:
                return
            self._writing += 1
        try:
            _write_at(self._fd, memoryview(chunk.data), self._base + chunk.start)
        finally:
            with self._lock:
                self._writing -= 1
                self._lock.notify_all()
        with self._lock:
            # fsspec's callbacks are not made for several threads at a time.
            if not self._closed:
                self._callback.relative_update(len(chunk.data))

    def close(self) -> None:
        """Let nobody write any more: a request that was given up may still be answered, and the file be another."""
        with self._lock:
            self._closed = True
            while self._writing:
                self._lock.wait()


def _takes_any_order(file: Any) -> bool:
    """Whether what is written after a seek lands there; many files say that they can seek, and append or raise."""
    if isinstance(file, io.BytesIO):
        return True
    plain = isinstance(file, io.FileIO | io.BufferedWriter | io.BufferedRandom)
    return plain and "a" not in str(getattr(file, "mode", "a")) and file.seekable()


def _write_at(fd: int, data: memoryview, offset: int) -> None:
    while len(data):
        written = os.pwrite(fd, data, offset)
        data, offset = data[written:], offset + written


def download(source: Source, target: str, callback: Any) -> Plan[None]:
    """Write an object to a local file, which appears whole or not at all.

    A link is followed, and a file that is replaced hands its mode on. What is no regular file (a device, a pipe) is
    written to as it is.
    """
    path = Path(os.path.realpath(target))
    if path.exists() and not path.is_file():
        # A pipe opens when somebody reads it: that must not stop an event loop.
        with (yield Local(lambda: path.open("wb"))) as file:
            yield from copy_to(source, file, callback)
        return
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such directory to download to", os.fspath(target))
    first = yield from source.first(ByteRange(0, source.first_bytes))
    partial = path.parent / f".objfs-{secrets.token_hex(8)}.part"
    _unfinished[partial] = os.getpid()
    try:
        with partial.open("wb", buffering=0) as file:
            file.truncate(first.info.size)
            yield from _copy(source, first, file, callback, is_own=True)
        if path.exists():
            partial.chmod(stat.S_IMODE(path.stat().st_mode))
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    finally:
        del _unfinished[partial]


def copy_to(source: Source, file: IO[bytes], callback: Any) -> Plan[None]:
    """Write an object into an open file: in parallel where the file can seek, else in order."""
    begin = file.tell() if _takes_any_order(file) else None
    first = yield from source.first(ByteRange(0, source.first_bytes))
    yield from _copy(source, first, file, callback, is_own=False)
    if begin is not None:
        file.seek(begin + first.info.size)


def _copy(source: Source, first: Chunk, file: Any, callback: Any, *, is_own: bool) -> Plan[None]:
    callback.set_size(first.info.size)
    state = source.state(first.info)
    target = _Target(file, callback, is_own=is_own)

    def fetch(part: ByteRange) -> Plan[None]:
        target.write((yield from source.within(part, state)))

    try:
        target.write(first)
        rest = ByteRange(min(first.stop, first.info.size), first.info.size)
        parts = [Part(source.blocks, partial(fetch, part)) for part in split_range(rest, source.part_bytes)]
        if parts:
            yield Together(parts, source.in_flight(source.part_bytes) if target.seekable else 1)
    finally:
        target.close()
