"""One file to its place: by the server where it can, else from or to a disk, else through memory, block by block."""

from __future__ import annotations

import contextlib
import errno
import io
import mimetypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from fsspec.callbacks import Callback
from fsspec.implementations.memory import MemoryFileSystem

from objfs.copying_places import Place
from objfs.downloads import taking_place_of

# What is in memory at a time of a file that goes through it; a writer holds a few parts more.
_BLOCK_BYTES: Final = 4 << 20

Moved = Callable[[int], None]


class _Told(Callback):  # type: ignore[misc]
    """fsspec's callback of the bytes of one file."""

    def __init__(self, moved: Moved) -> None:
        super().__init__()
        self._moved = moved

    def relative_update(self, inc: int = 1) -> None:
        """So many bytes more."""
        self._moved(inc)


def copy_file(source: Place, target: Place, *, size: int | None, modified: float | None, moved: Moved) -> None:
    """Copy one file; at its target it appears whole or not at all.

    Parameters
    ----------
    source, target
        Files.
    size
        Bytes of the source, as far as they are known.
    modified
        When it was written; a local file gets this time, by which a later comparison sees that the source has changed.
    moved
        Told of bytes that have moved; what it raises ends the copy.
    """
    if source.is_local and not os.path.isfile(source.path):
        # Opening a pipe would wait for who writes to it.
        kind = "no regular file" if os.path.lexists(source.path) else os.strerror(errno.ENOENT)
        raise FileNotFoundError(errno.ENOENT, kind, source.path)
    if target.is_local and os.path.isdir(target.path):
        # fsspec's `get_file` would do nothing, without a word.
        raise IsADirectoryError(errno.EISDIR, "the target is a directory", target.path)
    _make_folder(target)
    if served_alone(source, target):
        target.fs.cp_file(source.path, target.path)
        moved(size or 0)
    elif source.is_local and target.holds_objects:
        target.fs.put_file(source.path, target.path, callback=_Told(moved))
    elif source.holds_objects and target.is_local:
        source.fs.get_file(source.path, target.path, callback=_Told(moved))
    else:
        with source.fs.open(source.path, "rb") as file:
            write_stream(file, target, moved=moved)
    if target.is_local and modified is not None and os.path.isfile(target.path):
        os.utime(target.path, (modified, modified))


def served_alone(source: Place, target: Place) -> bool:
    """Whether the server copies from one place to the other: they are in one cloud, with the same options."""
    return source.holds_objects and bool(source.fs == target.fs)


def write_stream(file: IO[bytes], target: Place, *, moved: Moved) -> None:
    """Write what a file still holds; the target appears whole or not at all.

    Parameters
    ----------
    file
        Open for reading.
    target
        A file.
    moved
        As for `copy_file`.
    """
    _make_folder(target)
    with _opened_for_writing(target) as out:
        while block := file.read(_BLOCK_BYTES):
            out.write(block)
            moved(len(block))


def _make_folder(target: Place) -> None:
    """What an object store does not need."""
    if target.is_local:
        os.makedirs(os.path.dirname(target.path), exist_ok=True)


@contextlib.contextmanager
def _opened_for_writing(target: Place) -> Iterator[IO[bytes]]:
    if target.is_local:
        path = Path(os.path.realpath(target.path))
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        with taking_place_of(path, target.path) as raw, io.BufferedWriter(raw) as file:
            yield file
        return
    if target.holds_objects:
        guessed, _ = mimetypes.guess_type(target.path)
        attributes = {"Content-Type": guessed} if guessed else None
        with target.fs.open(target.path, "wb", attributes=attributes) as file:
            yield file
        return
    if not isinstance(target.fs, MemoryFileSystem):
        msg = "it cannot be written to; a target is in an object store, in memory or a local path"
        raise OSError(errno.EROFS, msg, target.url())
    whole = io.BytesIO()
    yield whole
    target.fs.pipe_file(target.path, whole.getvalue())
