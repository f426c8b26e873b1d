"""A filesystem for pyarrow that is rooted at a URL: ``pyarrow.fs.PyFileSystem(ArrowFileSystemHandler("s3://bucket"))``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileType, FSSpecHandler

from objfs.errors import FileExpired, UrlError
from objfs.filesystem import ObjectFileSystem
from objfs.opening import from_url
from objfs.prefixed import PrefixFileSystem
from objfs.reading import ObjectFile
from objfs.urls import redact_url
from objfs.workers import Pending

# What the filesystems call the time of the last change, in `info`.
_TIMES: Final = ("mtime", "LastModified", "last_modified", "updated", "created")
# Requests for facts that one call has in flight; each is a HEAD, or two.
_AT_ONCE: Final = 16


class ArrowFileSystemHandler(FSSpecHandler):  # type: ignore[misc]
    """What ``pyarrow.fs.PyFileSystem`` needs to use a store; all paths are relative to the URL.

    pyarrow's own handler of fsspec filesystems asks whether a file is there, then opens it, and reads it under a lock.
    This one opens it by the request that brings its first (Parquet: last) bytes. An object that this request brought
    whole is handed to pyarrow as memory, which its threads read without a lock and without Python; larger files are
    read by parallel requests ahead of what pyarrow asks for, without a copy in between. pyarrow opens the files of a
    dataset one after the other; those that the last look at a directory has shown are opened without waiting for the
    answer, so that one which was deleted or replaced since is an error of its first read. Times of objects are known.

    Parameters
    ----------
    url
        Any URL that `objfs.from_url` takes: a bucket, a prefix in one, a directory.
    storage_options
        In any vocabulary. Pickles of the handler hold them as they are: give a provider to keep secrets out.

    Raises
    ------
    UrlError, UnknownOptionError, ConflictingOptionsError
        As `objfs.from_url`, or the URL of a cloud ends in two slashes. No request is sent.

    Examples
    --------
    >>> from pyarrow.fs import PyFileSystem
    >>> fs = PyFileSystem(ArrowFileSystemHandler("memory://lake"))
    >>> with fs.open_output_stream("a.bin") as stream:
    ...     stream.write(b"abc")
    3
    >>> fs.get_file_info("a.bin").size
    3
    """

    fs: PrefixFileSystem

    def __init__(self, url: str, storage_options: Mapping[str, Any] | None = None) -> None:
        self._arguments = url, dict(storage_options or {})
        fs, path = from_url(url, **self._arguments[1])
        if isinstance(fs, ObjectFileSystem) and path.endswith("//"):
            # A directory `p//` is listed as `p`, so that keys that begin so would not be found.
            msg = f"{redact_url(url)} ends in an empty name, which no directory can have; begin at one above it"
            raise UrlError(msg)
        root = path.rstrip("/")
        super().__init__(PrefixFileSystem(root or "/", fs))
        # Sizes of the files of the listing that was made last.
        self._seen: dict[str, int] = {}

    def __reduce__(self) -> Any:
        return type(self), self._arguments

    def __repr__(self) -> str:
        return f"{type(self).__name__}({redact_url(self._arguments[0])!r})"

    def __eq__(self, other: object) -> bool:
        return self.fs == other.fs if isinstance(other, ArrowFileSystemHandler) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fs)

    @property
    def _is_of_a_cloud(self) -> bool:
        return isinstance(self.fs.fs, ObjectFileSystem)

    def get_type_name(self) -> str:
        """``objfs+s3`` and so on."""
        protocol = self.fs.fs.protocol
        return f"objfs+{protocol if isinstance(protocol, str) else protocol[0]}"

    # -- facts ---------------------------------------------------------------------------------------------------

    def get_file_info(self, paths: Sequence[str]) -> list[FileInfo]:
        """Facts of paths, asked for side by side."""
        if len(paths) < 2:
            return [self._file_info(path) for path in paths]
        with ThreadPoolExecutor(min(_AT_ONCE, len(paths))) as pool:
            return list(pool.map(self._file_info, paths))

    def _file_info(self, path: str) -> FileInfo:
        try:
            return self._create_file_info(path, self.fs.info(path))
        except FileNotFoundError:
            return FileInfo(path, FileType.NotFound)

    @staticmethod
    def _create_file_info(path: str, info: Mapping[str, Any]) -> FileInfo:
        if info["type"] != "file":
            return FileInfo(path.rstrip("/"), FileType.Directory)
        time = next((info[name] for name in _TIMES if info.get(name) is not None), None)
        return FileInfo(path, FileType.File, size=info["size"], mtime=None if isinstance(time, str) else time)

    def get_file_info_selector(self, selector: FileSelector) -> list[FileInfo]:
        """What lies in a directory; one listing, where pyarrow's handler makes two."""
        base = selector.base_dir.strip("/")
        try:
            found = self.fs.find(base, maxdepth=None if selector.recursive else 1, withdirs=True, detail=True)
        except FileNotFoundError:
            found = {}
        infos = [self._create_file_info(path, info) for path, info in found.items() if path.strip("/") != base]
        self._seen = {info.path: info.size for info in infos if info.type is FileType.File}
        # An empty directory, a file or nothing: the checks of pyarrow's handler tell.
        return infos or list(super().get_file_info_selector(selector))

    # -- files ---------------------------------------------------------------------------------------------------

    def open_input_file(self, path: str) -> pa.NativeFile:
        """Open for random access."""
        size = self._seen.get(path) if self._is_of_a_cloud else None
        if size is not None:
            return pa.PythonFile(FileOnItsWay(partial(self._open_listed, path, size), size), mode="r")
        file = self.fs.open(path, "rb")
        whole = file.whole() if isinstance(file, ObjectFile) else None
        if whole is None:
            return pa.PythonFile(file, mode="r")
        file.close()
        return pa.BufferReader(pa.py_buffer(whole))

    open_input_stream = open_input_file

    def _open_listed(self, path: str, size: int) -> Any:
        """Open a file that is as the listing said; one that is not is opened as any other the next time."""
        file = None
        try:
            file = self.fs.open(path, "rb")
        finally:
            if file is None or file.size != size:
                self._seen.pop(path, None)
        if file.size != size:
            file.close()
            raise FileExpired(file.path)
        return file

    def open_output_stream(self, path: str, metadata: Mapping[str, str] | None) -> pa.NativeFile:
        """Open for writing; ``metadata`` are attributes of the object (``Content-Type`` and so on)."""
        self._seen.pop(path, None)
        more = {"attributes": _as_text(metadata)} if metadata and self._is_of_a_cloud else {}
        return pa.PythonFile(self.fs.open(path, "wb", **more), mode="w")

    def open_append_stream(self, path: str, metadata: Mapping[str, str] | None) -> pa.NativeFile:
        """Open for writing at the end, where the cloud can."""
        self._seen.pop(path, None)
        return super().open_append_stream(path, metadata)

    def move(self, src: str, dest: str) -> None:
        """Rename a file or a directory."""
        self._seen = {}
        super().move(src, dest)

    def copy_file(self, src: str, dest: str) -> None:
        """Copy a file."""
        self._seen.pop(dest, None)
        super().copy_file(src, dest)

    def delete_file(self, path: str) -> None:
        """Delete a file that is there."""
        info = self.fs.info(path)
        if info["type"] != "file":
            msg = f"{path!r} is a directory; delete_dir deletes it"
            raise IsADirectoryError(msg)
        self.fs.rm_file(path)


class FileOnItsWay:
    """A binary file of known size whose open is under way; the first read waits, and raises what the open raised.

    Parameters
    ----------
    opening
        Opens the file, or raises where it has another size by now.
    size
        Bytes, as a listing told.
    """

    def __init__(self, opening: Callable[[], Any], size: int) -> None:
        self.closed = False
        self._pending = Pending(opening)
        self._lock = threading.Lock()
        self._opened: Any = None
        self._failure: Exception | None = None
        self._size, self._at = size, 0

    def _file(self) -> Any:
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._opened is None:
                try:
                    self._opened = self._pending.result()
                except Exception as error:
                    self._failure = error
                    raise
        self._opened.seek(self._at)
        return self._opened

    def seek(self, position: int, whence: int = 0) -> int:
        """Move to a position; nothing is waited for."""
        self._at = max(0, position + (0, self._at, self._size)[whence])
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def read(self, length: int = -1) -> bytes:
        """Read from the position."""
        return bytes(self.read_buffer(length))

    def read_buffer(self, length: int = -1) -> Any:
        """Read into no new memory if possible."""
        data = self._file().read_buffer(length)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Close the file; nobody waits for one that has not been used."""
        self.closed = True
        if self._opened is not None:
            self._opened.close()


def _as_text(metadata: Mapping[Any, Any]) -> dict[str, str]:
    return {
        name.decode() if isinstance(name, bytes) else name: value.decode() if isinstance(value, bytes) else value
        for name, value in metadata.items()
    }
