"""Multipart uploads through obstore that either publish one whole object or leave nothing behind."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import errno
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

from fsspec.asyn import get_loop

from objfs.clouds._cloud import PartBounds
from objfs.concurrency import wait_for
from objfs.parts import Piece
from objfs.sdk_objects import SdkObjects
from objfs.sdk_uploads import Upload, UploadAborted, next_part
from objfs.store import Store
from objfs.types import Written
from objfs.workers import Stop, current_stop, refuse_when_stopped

logger = logging.getLogger("objfs")

_POLL_SECONDS: Final = 0.5
# How long the end of a process waits for uploads that are given up, and how often it looks.
_EXIT_SECONDS: Final = 10.0
_EXIT_POLL_SECONDS: Final = 0.02

# How long an abort waits for parts in flight, and how often it looks.
_LANDING_SECONDS: Final = 5.0
_LANDING_POLL_SECONDS: Final = 0.02

# What stops each upload that `send` carries out in a thread of this process.
_sending: dict[int, Stop] = {}


class StreamedUpload:
    """An upload through obstore, which pulls the parts from a thread of its own.

    Parameters
    ----------
    store, key
        Where the object goes.
    witness
        The same bucket through the SDK, to ask after an abort whether a part was left; None where it is not
        installed.
    loop
        Loop on which the witness is asked.
    bounds
        Of the cloud.
    part_bytes, max_concurrency
        Memory is bounded by ``part_bytes * (max_concurrency + 2)``: besides those in flight, one part waits in a queue
        and one for its turn.
    attributes, tags
        Of the object.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        *,
        witness: SdkObjects | None,
        loop: asyncio.AbstractEventLoop,
        bounds: PartBounds,
        part_bytes: int,
        max_concurrency: int,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._store, self._key, self._witness, self._loop = store, key, witness, loop
        self._options: dict[str, Any] = {
            "part_bytes": part_bytes,
            "max_concurrency": max_concurrency,
            "attributes": attributes,
            "tags": tags,
        }
        self._parts: queue.Queue[Sequence[Piece] | None] = queue.Queue(maxsize=1)
        self._bounds, self._count = bounds, 0
        # Set when nobody waits for the upload any more; without somebody to tell, never.
        self._stop = current_stop()
        self._given_up = self._begun = self._is_taken = self._is_refused = False
        # What obstore has, until it gives it back: the parts in flight.
        self._lent: list[memoryview] = []
        self._waits_for_parts = True
        self._written: Written | None = None
        self._error: BaseException | None = None
        # Not the thread's own word for it: Python 3.11 takes one for ended whose `join` was interrupted by Ctrl-C
        # (https://github.com/python/cpython/issues/90882).
        self._is_over = threading.Event()
        threading.Thread(target=self._run, name="objfs-upload", daemon=True).start()

    def write(self, part: Sequence[Piece]) -> None:
        """Hand over the next part; nothing of it is copied."""
        self._count = next_part(self._count, self._bounds)
        self._hand_over(part)

    def finish(self) -> Written:
        """Publish the object."""
        self._hand_over(None)
        while not self._is_over.wait(_POLL_SECONDS):
            refuse_when_stopped(self._stop)
        if self._error is not None:
            raise self._error
        if self._written is None:
            raise UploadAborted
        return self._written

    def abort(self) -> None:
        """Give up, then ask whether a part that was in flight has been stored all the same.

        Where nobody can be asked, the parts in flight are waited for instead, within a bound.
        """
        before = self._uploads()
        self._waits_for_parts = not before
        self._given_up = True
        with contextlib.suppress(queue.Full):
            self._parts.put_nowait(None)
        # obstore gives a part back when it is answered, and does not end the upload before all are. Where it aborts the
        # upload by itself, it may hold the one that it has asked for last.
        held = sum(not _is_back(view) for view in self._lent)
        is_listed = held > (0 if self._is_taken else 1)
        if is_listed and self._is_taken:
            # obstore has all parts, waits for their answers and cannot be told; the service can.
            self._abort_leftovers(before, is_listed=True)
        self._is_over.wait(_LANDING_SECONDS)
        # It asked for a part after that listing, so that it had not ended the upload before.
        self._abort_leftovers(before, is_listed=is_listed or self._is_refused)

    def _hand_over(self, part: Sequence[Piece] | None) -> None:
        while not self._is_over.is_set():
            try:
                self._parts.put(part, timeout=_POLL_SECONDS)
            except queue.Full:
                refuse_when_stopped(self._stop)
                continue
            return
        if self._error is not None:
            raise self._error
        raise UploadAborted

    def _run(self) -> None:
        try:
            self._written = self._store.put_stream(self._key, self._pulled(), **self._options)
        except UploadAborted:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that writes
            self._error = error
        finally:
            self._is_over.set()

    def _pulled(self) -> Iterator[Piece]:
        # obstore creates the upload before it asks for the first part.
        self._begun = True
        while True:
            part = self._parts.get()
            if self._given_up:
                self._is_refused = True
                self._wait_for_parts()
                raise UploadAborted
            self._lent = [view for view in self._lent if not _is_back(view)]
            if part is None:
                self._is_taken = True
                return
            for piece in part:
                self._lent.append(memoryview(piece))
                yield self._lent[-1]

    def _wait_for_parts(self) -> None:
        """Let no part arrive after the abort, which would store it for good."""
        deadline = time.monotonic() + _LANDING_SECONDS
        while self._waits_for_parts and self._lent and time.monotonic() < deadline:
            time.sleep(_LANDING_POLL_SECONDS)
            self._lent = [view for view in self._lent if not _is_back(view)]
        self._lent.clear()

    def _uploads(self) -> set[str]:
        # Before the upload is known to exist, those that are listed are other people's.
        if self._witness is None or not self._begun or self._is_over.is_set():
            return set()
        try:
            return wait_for(self._witness.uploads(self._key), self._loop)
        except Exception as error:  # noqa: BLE001 - listing uploads is a permission of its own; the abort goes on
            logger.debug("cannot list the multipart uploads of %s: %s", self._key, error)
            return set()

    def _abort_leftovers(self, before: set[str], *, is_listed: bool) -> None:
        """Abort again what this abort ended: an upload of somebody else is still listed and is left alone.

        obstore does not tell the id of its upload. One that is listed alone is ours only if ours was there at that
        moment; after its end it is that of another process which writes the same key. Where obstore has been answered
        all parts, its request for the end may have been carried out or not, and nobody can tell: then what is
        still listed is left alone, and the object appears whole or not at all.
        """
        witness = self._witness
        if witness is None or not before:
            return
        try:
            after = wait_for(witness.uploads(self._key), self._loop)
            ours = before if is_listed and len(before) == 1 else before - after
            for upload_id in ours:
                wait_for(witness.abort_upload(self._key, upload_id), self._loop)
        except Exception as error:  # noqa: BLE001 - the caller's own error matters more
            logger.warning("cannot check that no part of an aborted upload of %s is left: %s", self._key, error)


def _is_back(view: memoryview) -> bool:
    """Whether nobody uses the bytes that were lent; a view says so where it can be released."""
    try:
        view.release()
    except BufferError:
        return False
    return True


def send(begin: Callable[[], Upload], parts: Iterable[Piece]) -> Written:
    """Upload parts, blocking; when nobody waits for it any more, or a part fails, nothing of it stays."""
    stop = _sending[threading.get_ident()] = current_stop()
    try:
        upload = begin()
        _run_before_the_peers(_stop_sending)
        try:
            for part in parts:
                refuse_when_stopped(stop)
                upload.write([part])
            refuse_when_stopped(stop)
            return upload.finish()
        except BaseException:
            upload.abort()
            raise
    finally:
        del _sending[threading.get_ident()]


def read_file(path: str) -> bytes:
    """All bytes of a local file; see `file_parts`."""
    with _steady(path) as file:
        return file.read()


def file_parts(path: str, part_bytes: int, callback: Any) -> Iterator[Piece]:
    """The bytes of a local file, part by part; a callback is told of each that was taken.

    Raises
    ------
    OSError
        The file was changed meanwhile, so that it may never have held these bytes; one that grows is no error.
    """
    with _steady(path) as file:
        while part := file.read(part_bytes):
            yield part
            callback.relative_update(len(part))


@contextlib.contextmanager
def _steady(path: str) -> Iterator[IO[bytes]]:
    with open(path, "rb") as file:
        before = os.fstat(file.fileno())
        yield file
        after = os.fstat(file.fileno())
        touched = after.st_mtime_ns != before.st_mtime_ns and after.st_size == before.st_size
        # What has no size, such as a pipe, has another time whenever something was written to it.
        if before.st_size and (touched or after.st_size < before.st_size):
            raise OSError(errno.EBUSY, "the file was changed while it was read; nothing was published", path)


def is_sending() -> bool:
    """Whether an upload is going on, be it one that nobody waits for."""
    return bool(_sending)


def abort_from_anywhere(upload: Upload, *, blocks_loops: bool) -> None:
    """Abort in this thread; in one of its own where this may be one that the abort has to wait for.

    The collector runs in any thread, also in those of objfs and of fsspec's loop.
    """
    try:
        running: Any = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    is_in_the_way = running is get_loop() or threading.current_thread().name.startswith("objfs-")
    if is_in_the_way or (running is not None and not blocks_loops):
        thread = threading.Thread(target=upload.abort, name="objfs-abort")
        _aborting.add(thread)
        _run_before_the_peers(_wait_for_aborts)
        thread.start()
    else:
        upload.abort()


# Threads that abort uploads in place of those that may not.
_aborting: weakref.WeakSet[threading.Thread] = weakref.WeakSet()


def _wait_for_aborts() -> None:
    """The uploads of files that were given up while the process was ending already are aborted, too."""
    for thread in list(_aborting):
        thread.join(_EXIT_SECONDS)


def _run_before_the_peers(function: Callable[[], None]) -> None:
    """Run at exit before the peers' finalizers, which close the clients that an abort needs: the last goes first."""
    atexit.unregister(function)
    atexit.register(function)


@atexit.register
def _stop_sending() -> None:
    """A process that ends, as after Ctrl-C, leaves no upload behind that is not finished."""
    deadline = time.monotonic() + _EXIT_SECONDS
    for stop in list(_sending.values()):
        stop.set()
    while _sending and time.monotonic() < deadline:
        time.sleep(_EXIT_POLL_SECONDS)


if hasattr(os, "register_at_fork"):
    # A forked child has none of its parent's threads.
    os.register_at_fork(after_in_child=_sending.clear)
