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
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from objfs.ranges import split_range
from objfs.steps import Local, Part, Plan, Together
from objfs.transfers import Source
from objfs.types import ByteRange, Chunk
from objfs.workers import current_stop, refuse_when_stopped

# Errors of a local file system that takes no more bytes.
_FULL: Final = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

# How files are called that are not whole yet.
PARTIAL_PREFIX: Final = ".objfs-"
PARTIAL_SUFFIX: Final = ".part"
# Those of this kind, and the process that makes them: a worker that Ctrl-C has left behind in a request does
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

    A link is followed. A file that is replaced must be one that may be written to, and hands its mode and owner on;
    its other hard links keep the old bytes. What is no regular file (a device, a pipe) is written to as it is.

    Raises
    ------
    OSError
        The local file cannot be written; where that shows without its bytes, no request was made. What was there before
        is there still.
    """
    path = Path(os.path.realpath(target))
    if path.exists() and not path.is_file():
        # A pipe opens when somebody reads it: that must not stop an event loop.
        with (yield Local(lambda: path.open("wb"))) as file:
            yield from copy_to(source, file, callback)
        return
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such directory to download to", os.fspath(target))
    with taking_place_of(path, os.fspath(target)) as file:
        first = yield from source.first(ByteRange(0, source.first_bytes))
        file.truncate(first.info.size)
        yield from _copy(source, first, file, callback, is_own=True)


@contextlib.contextmanager
def taking_place_of(path: Path, target: str) -> Iterator[IO[bytes]]:
    """A new file, not buffered, that takes the place of ``path`` at the end, or goes after an error.

    Parameters
    ----------
    path
        A regular file, or nothing yet.
    target
        What errors call it.
    """
    unfinished = path.parent / f"{PARTIAL_PREFIX}{secrets.token_hex(8)}{PARTIAL_SUFFIX}"
    _unfinished[unfinished] = os.getpid()
    try:
        with _open_for(path, unfinished) as file:
            yield file
        unfinished.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL and not error.filename:
            raise OSError(error.errno, f"{error.strerror}; nothing was written", target) from error
        raise
    finally:
        del _unfinished[unfinished]


def _open_for(path: Path, unfinished: Path) -> IO[bytes]:
    """Open a new file that is going to replace another, with the mode and the owner of that."""
    try:
        fd = os.open(path, os.O_WRONLY)
    except FileNotFoundError:
        before = None
    else:
        before = os.fstat(fd)
        os.close(fd)
    # Nobody reads it meanwhile who might not read the old one.
    mode = 0o666 if before is None else 0o600
    try:
        file = open(unfinished, "xb", buffering=0, opener=partial(os.open, mode=mode))  # noqa: SIM115 - the caller's
    except OSError as error:
        what = f"{error.strerror}: a download is made in the folder of its target, as {unfinished.name}"
        raise OSError(error.errno, what, os.fspath(path)) from error
    if before is not None:
        if hasattr(os, "chown"):
            with contextlib.suppress(PermissionError):
                os.chown(unfinished, before.st_uid, before.st_gid)
        unfinished.chmod(stat.S_IMODE(before.st_mode))
    return file


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
        source.tell_read(ByteRange(0, first.info.size))
    finally:
        target.close()
