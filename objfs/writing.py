"""File objects for writing: nothing is visible before ``close()`` succeeds, and a failed write leaves nothing."""

from __future__ import annotations

import atexit
import contextlib
import io
import logging
import os
import sys
import threading
import weakref
from collections.abc import Callable
from opcode import opmap
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from fsspec.spec import AbstractBufferedFile

from objfs.object_methods import ObjectMethods
from objfs.parts import Collector, Piece, joined
from objfs.records import record
from objfs.sdk_uploads import Upload
from objfs.types import Written
from objfs.uploads import abort_from_anywhere

if TYPE_CHECKING:
    from objfs.filesystem import ObjectFileSystem

logger = logging.getLogger("objfs")

# What CPython executes to call `__exit__` with an exception, and for nothing else; -1 where there is no such thing.
_LEAVE_FAILED_BLOCK: Final = opmap.get("WITH_EXCEPT_START", -1)
# Whose context managers close files that were handed to them.
_CLOSING_MODULES: Final = frozenset(
    {"bz2", "codecs", "contextlib", "fsspec", "gzip", "io", "lzma", "objfs", "pandas", "pyarrow", "tarfile", "zipfile"}
)

_open_writers: weakref.WeakSet[ObjectWriter] = weakref.WeakSet()


@record
class Target:
    """Where a writer's bytes go: one request for a short object, an upload for a long one."""

    part_bytes: int
    put: Callable[[Piece], Written]
    upload: Callable[[], Upload]


class ObjectWriter(ObjectMethods, AbstractBufferedFile):  # type: ignore[misc]
    """An object being written, binary, not seekable.

    What fits in one part is one PUT at close; more is a parallel multipart upload with parts of one size. ``bytes`` are
    sent as they come, other buffers are copied. Memory is bounded by the part size times the parts in flight and three
    more.

    The object appears when ``close()`` (in a transaction: ``commit()``) succeeds. It does not appear, and an upload
    that was begun is aborted, when the ``with`` block that holds the file is left by an exception, when the file is
    garbage-collected or the interpreter exits before it was closed, or when a part fails.

    Parameters
    ----------
    fs, path
        Where the object goes.
    mode
        ``wb``, ``xb`` or ``ab``.
    target
        How to put and upload.
    autocommit
        False in a transaction: ``close()`` keeps the bytes for ``commit()`` or ``discard()``.
    prefix
        Bytes that come before what is written (a short object that is appended to).
    position
        Where writing begins, for ``tell()``.
    """

    closed: bool

    def __init__(
        self,
        fs: ObjectFileSystem,
        path: str,
        mode: str,
        target: Target,
        *,
        autocommit: bool = True,
        prefix: bytes = b"",
        position: int = 0,
        upload: Upload | None = None,
    ) -> None:
        super().__init__(fs, path, mode, target.part_bytes, autocommit=autocommit)
        self._target = target
        location = fs._split(path)  # noqa: SLF001 - the filesystem knows its cloud
        self.bucket, self.key = location.bucket, location.key
        self._pending = Collector(prefix)
        self._upload = upload
        self._settled = False
        # Reentrant: Ctrl-C gives the file up in the thread that begins the upload.
        self._beginning = threading.RLock()
        # Threads may share a file, as they may share one of `io`: what each writes stays together.
        self._writing = threading.RLock()
        self._pid = os.getpid()
        self._given_up = False
        self._handled_at_open = id(sys.exception())
        self.e_tag: str | None = None
        self.version_id: str | None = None
        self.loc = position
        _open_writers.add(self)

    def write(self, data: Any) -> int:
        """Take bytes; whole parts are sent on while more are taken."""
        with self._writing:
            return self._write(as_bytes_view(data))

    def _write(self, view: memoryview) -> int:
        written = len(view)
        if self._given_up:
            return written
        if self.closed:
            msg = "write to closed file"
            raise ValueError(msg)
        while len(view):
            # A full part waits for the next byte: an object of exactly one part is a single PUT.
            if self._pending.size == self.blocksize:
                self._send_part()
            room = self.blocksize - self._pending.size
            self._pending.add(view[:room])
            view = view[room:]
        self.loc += written
        return written

    def flush(self, force: bool = False) -> None:
        """Do nothing: a part of an object cannot be made visible."""

    def _send_part(self) -> None:
        with self._failing():
            self._begun().write(self._pending.take())

    def _begun(self) -> Upload:
        """The upload, which begins now at the latest.

        Another thread may give the file up at any moment, as the end of the interpreter does: it waits until there is
        an upload to abort, and none begins afterwards.
        """
        with self._beginning:
            if self._settled:
                msg = "write to closed file"
                raise ValueError(msg)
            if self._upload is None:
                self._upload = self._target.upload()
            return self._upload

    def close(self) -> None:
        """Publish the object, unless it is left to a transaction, or the ``with`` block around it is failing."""
        if self.closed:
            return
        if self._leaving_by_exception():
            self.fail()
            return
        self.closed = True
        if self.autocommit:
            self.commit()

    def commit(self) -> None:
        """Publish the object.

        Raises
        ------
        OSError
            The upload failed; nothing was published.
        """
        if self._settled:
            return
        with self.fs.writing(self.path), self._writing, self._failing():
            upload = self._upload
            if upload is None:
                written = self._target.put(joined(self._pending.take()))
            else:
                if self._pending.size:
                    upload.write(self._pending.take())
                written = upload.finish()
        self._settle()
        self.e_tag, self.version_id = written.e_tag, written.version

    def discard(self) -> None:
        """Give the object up; nothing of it stays."""
        self.closed = True
        if self._settled:
            return
        with self._beginning:
            upload = self._upload
            self._settle()
        # A forked child has a copy of the file; the upload is the parent's.
        if upload is not None and self._pid == os.getpid():
            abort_from_anywhere(upload, blocks_loops=True)

    def fail(self) -> None:
        """Close without publishing."""
        self.closed = True
        self.discard()

    def give_up(self) -> None:
        """Close without publishing, and swallow what a compressor still writes when it is closed."""
        self._given_up = True
        self.fail()

    def _settle(self) -> None:
        self._settled = True
        self._upload = None
        self._pending = Collector()
        _open_writers.discard(self)

    @contextlib.contextmanager
    def _failing(self) -> Any:
        """Whatever goes wrong with the target, nothing stays behind and the file is closed."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(Exception):
                self.fail()
            raise

    def _leaving_by_exception(self) -> bool:
        """Whether a ``with`` block that an exception is leaving is closing this file.

        ``fsspec.open(...)``, ``io.TextIOWrapper`` and ``contextlib.ExitStack`` close the file whatever happened in
        their ``with`` block; only their caller knows that it failed. Callers of other modules that call ``close()``
        mean it, also while they handle an exception.
        """
        handled = sys.exception()
        if handled is None or id(handled) == self._handled_at_open:
            return False
        frame = sys._getframe(2)  # noqa: SLF001 - the only way to see who is closing
        while True:
            # An `__exit__` written in C has no frame; the block that it ends says by its bytecode that it failed.
            if frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == _LEAVE_FAILED_BLOCK:
                logger.warning("%s is not published: its block was left by %s", self.path, type(handled).__name__)
                return True
            closes_for_others = frame.f_globals.get("__name__", "").partition(".")[0] in _CLOSING_MODULES
            if not closes_for_others or frame.f_back is None:
                return False
            frame = frame.f_back

    # fsspec's file compares by what the server says of the object, which does not exist yet.
    __hash__ = object.__hash__
    __eq__ = object.__eq__

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.fail()

    def __del__(self) -> None:
        if not getattr(self, "_settled", True) and (self.autocommit or not self.closed):
            logger.warning("%s was never closed; it is not published", self.path)
            with contextlib.suppress(Exception):
                upload, mine = self._upload, self._pid == os.getpid()
                self._settle()
                self.closed = True
                if upload is not None and mine:
                    abort_from_anywhere(upload, blocks_loops=False)

    def __reduce__(self) -> Any:
        msg = "a file open for writing cannot be pickled"
        raise TypeError(msg)


def as_bytes_view(data: Any) -> memoryview:
    """The bytes of a buffer, one after another; copied where they do not lie so."""
    view = memoryview(data)
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


class LayeredWriter(io.BufferedIOBase):
    """A compressor over a writer: closing it closes both, failing publishes neither."""

    def __init__(self, compressor: Any, raw: ObjectWriter) -> None:
        self._compressor, self._raw = compressor, raw

    def writable(self) -> bool:
        """Tell that bytes are taken."""
        return True

    def write(self, data: Any) -> int:
        """Compress; what fails has lost bytes, and is not published."""
        try:
            self._compressor.write(data)
        except BaseException:
            self._raw.give_up()
            raise
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Do nothing: what is compressed so far is no whole object."""

    def close(self) -> None:
        """Finish the compressed stream and publish the object."""
        if self.closed:
            return
        try:
            self._compressor.close()
            self._raw.close()
        except BaseException:
            self._raw.give_up()
            raise
        finally:
            super().close()

    def fail(self) -> None:
        """Close without publishing."""
        self._raw.give_up()
        self.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.fail()

    def __del__(self) -> None:
        if hasattr(self, "_raw") and not self.closed:
            self.fail()


class TextWriter(io.TextIOWrapper):
    """Text over a writer: an exception in the ``with`` block, or garbage collection, publishes nothing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._fail()
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(ValueError):
            if not self.closed:
                self._fail()

    def _fail(self) -> None:
        raw: Any = self.buffer
        raw.fail()
        # The wrapper flushes what it holds when it closes; a failed file has nowhere to put it.
        with contextlib.suppress(ValueError):
            self.detach()

    def close(self) -> None:
        """Publish the object."""
        try:
            done = self.buffer.closed
        except ValueError:  # detached
            return
        if done:
            return
        try:
            # Closing would go on to close what is below, without what could not be written.
            self.flush()
        except BaseException:
            self._fail()
            raise
        super().close()


@atexit.register
def _fail_open_writers() -> None:
    """An interpreter that exits publishes nothing that was not closed."""
    for writer in list(_open_writers):
        with contextlib.suppress(Exception):
            writer.fail()
