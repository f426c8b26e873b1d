"""Python's `shelve` on any store: each value is an object, pickled, and its key is the object's key below a URL."""

from __future__ import annotations

import io
import os
import shelve
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from objfs.configs import from_config
from objfs.copying_places import Place
from objfs.copying_removal import remove
from objfs.errors import UrlError
from objfs.filesystem import ObjectFileSystem
from objfs.opening import from_url
from objfs.urls import redact_url, scheme_of

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

Flag = Literal["r", "w", "c", "n"]
_DOTS: Final = frozenset({"", ".", ".."})


def open(  # noqa: A001 - the name that `shelve.open` has
    filename: str | os.PathLike[str],
    flag: Flag = "c",
    protocol: int | None = None,
    writeback: bool = False,
    **options: Any,
) -> StoreShelf:
    """Open a shelf, as `shelve.open` does.

    Parameters
    ----------
    filename
        URL of a bucket or of a prefix in one (``s3://bucket/settings``, ``file:///data/settings``). All objects below
        it are entries of the shelf. Or the path of a configuration file, as `objfs.from_config` takes it.
    flag
        ``"r"`` reads a shelf that exists and writes nothing; ``"w"`` reads and writes one that exists; ``"c"`` makes
        the bucket (or directory) where it is missing; ``"n"`` does so too and deletes every object below the URL.
        What ``"r"`` and ``"w"`` find missing raises; where the credentials may not ask for the bucket, it is taken to
        be there.
    protocol
        Of the pickles; by default Python's own.
    writeback
        Keep what was read, and write it all back at `sync` and `close`. Without it, a change *inside* of a value
        is stored only when the value is assigned again.
    **options
        Storage options, in any vocabulary; with a configuration file, ``profile=`` too.

    Returns
    -------
    StoreShelf
        A `shelve.Shelf`; nothing of it is kept open between two calls.

    Raises
    ------
    FileNotFoundError
        ``"r"`` or ``"w"``, and there is no such bucket or directory.
    ValueError
        Another flag, ``writeback`` with ``"r"``, or no bucket in the URL.

    Examples
    --------
    >>> with open("memory://shelf/settings") as settings:
    ...     settings["threshold"] = {"low": 1, "high": 9}
    ...     sorted(settings)
    ['threshold']
    """
    if flag not in get_args(Flag):
        msg = f"flag is one of {', '.join(map(repr, get_args(Flag)))}, not {flag!r}"
        raise ValueError(msg)
    if flag == "r" and writeback:
        msg = "writeback=True would write at close(), which flag 'r' must not; open with flag 'w', or without writeback"
        raise ValueError(msg)
    fs, root = _place(filename, options)
    entries = Entries(fs, root, writable=flag != "r")
    _prepare(entries, creates=flag in ("c", "n"))
    if flag == "n":
        entries.clear()
    return StoreShelf(entries, protocol, writeback)


def _place(filename: str | os.PathLike[str], options: dict[str, Any]) -> tuple[AbstractFileSystem, str]:
    """The filesystem and the path of a URL or a configuration file."""
    name = os.fspath(filename)
    if not name:
        msg = "an empty text names no shelf; give the URL of a bucket or directory, or a configuration file"
        raise UrlError(msg)
    fs, path = from_config(name, **options) if scheme_of(name) is None else from_url(name, **options)
    # One slash says that it is a directory; in an object store, another is part of the keys.
    root = path.removesuffix("/") if isinstance(fs, ObjectFileSystem) else path.rstrip("/")
    if not root:
        msg = f"a shelf needs a bucket or a directory, and {redact_url(name)!r} names none"
        raise ValueError(msg)
    return fs, root


def _prepare(entries: Entries, *, creates: bool) -> None:
    """See that there is a place for the entries."""
    try:
        if entries.fs.exists(entries.container):
            return
    except PermissionError:
        # Reading an object needs no right to look at its bucket; the first call will tell.
        return
    if not creates:
        msg = f"no such bucket or directory: {entries.container!r}; flag 'c' would create it"
        raise FileNotFoundError(msg)
    entries.fs.makedirs(entries.container, exist_ok=True)


@dataclass(frozen=True, eq=False)
class Entries(MutableMapping[bytes, bytes]):
    """The objects below a path, by what their keys are beyond it; what `shelve.Shelf` stands on.

    Parameters
    ----------
    fs
        Any filesystem of fsspec.
    root
        Bucket, prefix or directory, without a slash at its end.
    writable
        Or each change raises.
    """

    fs: AbstractFileSystem
    root: str
    writable: bool = True

    @property
    def container(self) -> str:
        """What has to exist before an object can be written."""
        return self.root.partition("/")[0] if isinstance(self.fs, ObjectFileSystem) else self.root

    def _path(self, key: bytes) -> str:
        name = key.decode()
        if not isinstance(self.fs, ObjectFileSystem) and not _DOTS.isdisjoint(name.split("/")):
            # A path of directories: these segments would name another entry, or a file elsewhere.
            msg = f"{name!r} cannot be a key on {self.root!r}; empty segments, '.' and '..' mean something in its paths"
            raise ValueError(msg)
        return f"{self.root}/{name}"

    def _paths(self) -> Iterator[str]:
        if isinstance(self.fs, ObjectFileSystem):
            # `find` takes keys that end in a slash for directories.
            pages = self.fs.list_pages(f"{self.root}/")
            return (info["name"] for page in pages for info in page)
        return iter(self.fs.find(self.root))

    def _refuse_unless_writable(self) -> None:
        if not self.writable:
            msg = f"the shelf on {self.root!r} was opened with flag 'r'; open it with 'w' to change it"
            raise io.UnsupportedOperation(msg)

    def __getitem__(self, key: bytes) -> bytes:
        try:
            found: bytes = self.fs.cat_file(self._path(key))
        except (FileNotFoundError, IsADirectoryError):
            raise KeyError(key.decode()) from None
        return found

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._refuse_unless_writable()
        path = self._path(key)
        if not isinstance(self.fs, ObjectFileSystem):
            self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.fs.pipe_file(path, value)

    def __delitem__(self, key: bytes) -> None:
        self._refuse_unless_writable()
        if key not in self:
            # Object stores delete what is not there without a word.
            raise KeyError(key.decode())
        self.fs.rm_file(self._path(key))

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, bytes):
            return False
        path = self._path(key)
        if not isinstance(self.fs, ObjectFileSystem):
            return bool(self.fs.isfile(path))
        try:
            self.fs.object_meta(path)
        except FileNotFoundError:
            return False
        return True

    def __iter__(self) -> Iterator[bytes]:
        skipped = len(self.root) + 1
        return (path[skipped:].encode() for path in self._paths())

    def __len__(self) -> int:
        return sum(1 for _ in self._paths())

    def clear(self) -> None:
        """Delete all of them, a thousand in a request where the store can."""
        self._refuse_unless_writable()
        # Literally: `rm` would take a key such as "a*" for a pattern, and delete what matches elsewhere.
        for _, error in remove(Place(self.fs, self.root), list(self._paths())):
            if error is not None:
                raise error


class StoreShelf(shelve.Shelf[Any]):
    """What `open` returns: `shelve.Shelf`, with fewer requests.

    Reading a missing key raises ``KeyError``, a change through flag ``"r"`` raises ``io.UnsupportedOperation``.
    Values are pickles: open only shelves whose writers you trust.
    """

    dict: Entries
    cache: MutableMapping[str, Any]

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, or ``default``; one request, where `shelve.Shelf` takes two."""
        try:
            return self[key]
        except KeyError:
            return default

    def clear(self) -> None:
        """Delete all entries."""
        self.dict.clear()
        self.cache.clear()
