"""Where copies begin and end: a filesystem and a path in it, what lies there, and what it is called."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import stringify_path

from objfs.downloads import PARTIAL_PREFIX, PARTIAL_SUFFIX
from objfs.errors import UrlError
from objfs.filesystem import ObjectFileSystem
from objfs.opening import from_url, is_local_path, is_of_a_cloud
from objfs.records import field, record, replace
from objfs.urls import scheme_of

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# How listings of fsspec's filesystems call the time when something was written last.
_TIMES: Final = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")
# The options that say where; whatever else two filesystems of one kind are told, these being equal they hold the same.
_WHERE: Final = ("endpoint", "base_url", "account_name")
# What no part of a local path may be: it would be another name than the key, or one elsewhere.
_NO_LOCAL_NAMES: Final = frozenset({"", ".", ".."})


@record
class Entry:
    """A file, an object, or a directory of either.

    Parameters
    ----------
    name
        Relative to what was listed; empty for that itself. Keys are opaque: parts of a name may be empty.
    path
        In its filesystem.
    size
        Bytes; None where it is not told.
    modified
        When it was written last, in seconds since 1970; None where it is not told.
    is_directory
        It holds others.
    facts
        All that the filesystem said.
    linked
        It lies behind a link to a directory: perhaps elsewhere, so that it is not this tree's to delete.
    """

    name: str
    path: str
    size: int | None
    modified: float | None
    is_directory: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    linked: bool = False


@record
class Place:
    """A path in a filesystem.

    Parameters
    ----------
    fs
        The filesystem.
    path
        As the filesystem has it.
    names_directory
        It was written with a slash at its end.
    spelling
        What its URLs begin with, and what paths begin with in the place of that.
    """

    fs: AbstractFileSystem
    path: str
    names_directory: bool = False
    spelling: tuple[str, str] = ("", "")

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine's disks."""
        return isinstance(self.fs, LocalFileSystem)

    @property
    def holds_objects(self) -> bool:
        """Whether it is in an object store of ours."""
        return isinstance(self.fs, ObjectFileSystem)

    def url(self, path: str | None = None) -> str:
        """What people call a path of the filesystem; of local files the path itself."""
        named = self.path if path is None else path
        if self.is_local:
            return named
        if self.holds_objects:
            return self.spelling[0] + named.removeprefix(self.spelling[1])
        return str(self.fs.unstrip_protocol(named))

    def at(self, path: str) -> Place:
        """Another path of the filesystem."""
        return replace(self, path=path, names_directory=False)

    def shares_names_with(self, other: Place) -> bool:
        """Whether equal paths name one file here and there, also where the two sides have different options."""
        if self.fs == other.fs:
            return True
        if not self.holds_objects or type(self.fs) is not type(other.fs):
            return False
        ours, theirs = (each.fs.connection.settings for each in (self, other))
        return all(ours.value(name) == theirs.value(name) for name in _WHERE)

    @property
    def name(self) -> str:
        """The last part of the path; of a web page without its query."""
        path = self.path if self.holds_objects or self.is_local else self.path.partition("?")[0]
        return path.removesuffix("/").rpartition("/")[2]

    @property
    def root(self) -> str:
        """What the paths of all that lies below begin with."""
        return self.path if not self.path or self.path.endswith("/") else f"{self.path}/"

    def child(self, name: str) -> str:
        """The path of something below.

        Raises
        ------
        UrlError
            No local file can have that name, or only one outside of this directory.
        """
        if self.is_local:
            refuse_local_name(name)
        return self.root + name

    def here(self) -> Entry:
        """What is at the path itself.

        Raises
        ------
        FileNotFoundError
            Nothing.
        """
        path = self.root if self.names_directory and self.holds_objects else self.path
        return _entry(self.fs.info(path), "")

    def is_directory(self) -> bool:
        """Whether something lies below the path, or could."""
        return bool(self.fs.isdir(self.root if self.holds_objects and self.path else self.path))

    def children(self) -> list[Entry]:
        """What a listing of the path shows, in order: the object itself, or what lies directly below."""
        path = self.root if self.names_directory and self.holds_objects else self.path
        entries = [_entry(info, self._relative(info["name"])) for info in self.fs.ls(path, detail=True)]
        return sorted(entries, key=lambda entry: (entry.path, entry.is_directory))

    def below(self, *, markers: bool = False) -> Iterator[Entry]:
        """All files below the path, as soon as they are known.

        Parameters
        ----------
        markers
            Also the empty objects whose keys end in a slash, by which some programs mark directories.

        Raises
        ------
        FileNotFoundError
            There is no such directory, or nothing in it.
        OSError
            A part of it cannot be listed; nothing is left out in silence.
        UrlError
            It names no bucket.
        """
        if self.holds_objects and not self.path:
            msg = f"{self.url()} is all buckets; name one"
            raise UrlError(msg)
        for info in self._listed():
            entry = _entry(info, self._relative(info["name"]))
            if markers or entry.size or not entry.path.endswith("/"):
                yield entry

    def _listed(self) -> Iterator[Mapping[str, Any]]:
        if self.is_local:
            yield from _walk(self.path, ())
            return
        found = False
        if self.holds_objects:
            pages: Iterator[list[Mapping[str, Any]]] = self.fs.list_pages(self.root)
        else:
            pages = iter([list(self.fs.find(self.path, detail=True).values())])
        for page in pages:
            for info in page:
                if info["name"].startswith(self.root):
                    found = True
                    yield info
        if not found and not self.is_directory():
            raise FileNotFoundError(errno.ENOENT, "there is no such directory, or nothing in it", self.url())

    def _relative(self, path: str) -> str:
        root = self.root
        return "" if path == self.path else path.removeprefix(root)


def open_place(url: str | os.PathLike[str], options: Mapping[str, Any] | None = None) -> Place:
    """Find the place that a URL or a local path names.

    Parameters
    ----------
    url
        A URL as `objfs.from_url` takes it; anything without a scheme is a local path.
    options
        Storage options.

    Raises
    ------
    UrlError
        The text is empty, or as `objfs.from_url` raises it.
    """
    text = stringify_path(url)
    if is_local_path(text):
        # Made absolute here: fsspec would take a "~" for the home directory.
        path = os.path.abspath(text)
        return Place(LocalFileSystem(**(options or {})), _posix(path), text.endswith(("/", os.sep)))
    fs, path = from_url(text, **(options or {}))
    return Place(fs, path, text.endswith("/"), _spelling(fs, text, path))


def open_side(url: str | os.PathLike[str], both: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> Place:
    """The place of one side of a copy.

    Parameters
    ----------
    url
        As for `open_place`.
    both
        Storage options of both sides, which a side that is in no cloud has no use for.
    own
        Storage options of this side; they go before the others.
    """
    together = {**(both or {}), **(own or {})}
    return open_place(url, together if is_of_a_cloud(stringify_path(url), together) else own)


def refuse_local_name(name: str) -> None:
    """Raise for a key that is no name of a local file, or of one elsewhere.

    Raises
    ------
    UrlError
        A part of it is empty, ``.`` or ``..``, or it has characters that no local name has.
    """
    parts = set(name.split("/"))
    foreign = {"\0"} if os.sep == "/" else set('\0\\:*?"<>|')
    if parts & _NO_LOCAL_NAMES or foreign & set(name):
        msg = f"no local file below the target can be called {name!r}; copy this object by itself, under another name"
        raise UrlError(msg)


def _spelling(fs: AbstractFileSystem, url: str, path: str) -> tuple[str, str]:
    """How other paths of an object store are spelt as this one was: with the account that its URL named."""
    if not isinstance(fs, ObjectFileSystem):
        return "", ""
    bucket, slash, key = path.partition("/")
    # The slash after a bucket is no part of the path.
    written = url if not path or path.endswith("/") else url.removesuffix("/")
    for rest, cut in ((path, ""), (slash + key, bucket)):
        if scheme_of(url) in fs.protocol and written.endswith(rest):
            return written.removesuffix(rest), cut
    return f"{fs.protocol[0]}://", ""


def _entry(info: Mapping[str, Any], name: str) -> Entry:
    size = info.get("size")
    return Entry(
        name=name,
        path=info["name"],
        size=None if size is None else int(size),
        modified=_seconds(next((info[key] for key in _TIMES if info.get(key)), None)),
        is_directory=info.get("type") == "directory",
        facts=info,
        linked=bool(info.get("linked")),
    )


def _seconds(told: Any) -> float | None:
    """A time as a filesystem tells it, in seconds since 1970."""
    if isinstance(told, str):
        try:
            told = datetime.fromisoformat(told)
        except ValueError:
            return None
    if isinstance(told, datetime):
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    return float(told) if isinstance(told, int | float) else None


def _walk(path: str, above: tuple[str, ...], *, linked: bool = False) -> Iterator[Mapping[str, Any]]:
    """Files below a directory; fsspec would leave out what it must not read. Links are followed, but not in circles."""
    here = os.path.realpath(path)
    if here in above:
        return
    with os.scandir(path) as listed:
        entries = sorted(listed, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith(PARTIAL_PREFIX) and entry.name.endswith(PARTIAL_SUFFIX):
            # A download that was killed has left it.
            continue
        inner = f"{path.rstrip('/')}/{entry.name}"
        if entry.is_dir():
            yield from _walk(inner, (*above, here), linked=linked or entry.is_symlink())
        else:
            found = os.stat(inner) if entry.is_file() else os.lstat(inner)
            yield {"name": inner, "size": found.st_size, "mtime": found.st_mtime, "type": "file", "linked": linked}


def _posix(path: str) -> str:
    return path if os.sep == "/" else path.replace(os.sep, "/")
