"""A filesystem that starts at a prefix of another one, as the stores of object_store do with ``prefix=``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fsspec.implementations.dirfs import DirFileSystem
from fsspec.utils import stringify_path

from objfs.errors import UrlError
from objfs.filesystem import ObjectFileSystem
from objfs.urls import redact_url

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


class PrefixFileSystem(DirFileSystem):  # type: ignore[misc]
    """fsspec's ``DirFileSystem``, with keys that stay as they are.

    Every path is relative to ``path``; ``""`` and ``"/"`` are the prefix itself. Where fsspec's class would cut the
    slash off the end of a key, mix up two filesystems whose secrets differ, commit what a failed transaction wrote
    or print a secret of the filesystem below, this one does not.

    Parameters
    ----------
    path
        Path in the filesystem below. For object stores any text is a part of a key; elsewhere ``.`` and ``..`` in a
        path raise, where they would lead out of it.
    fs
        The filesystem below, which stays reachable as ``.fs``.
    """

    # The cache would tell instances apart by the repr of the filesystem below, which shows no secret.
    cachable = False

    def _join(self, path: Any) -> Any:
        """The path in the filesystem below."""
        if isinstance(path, Mapping):
            return {self._join(name): value for name, value in path.items()}
        if isinstance(path, list | tuple | set):
            return [self._join(name) for name in path]
        text = stringify_path(path)
        if text in ("", "/"):
            return self.path or self.fs.root_marker
        if not isinstance(self.fs, ObjectFileSystem) and _leads_out(text):
            msg = f"{text!r} leads out of {self.path or self.fs.root_marker!r}; this filesystem ends there"
            raise UrlError(msg)
        return self._start + text

    @property
    def _start(self) -> str:
        """What every path below begins with."""
        path: str = self.path
        return path if path.endswith("/") else f"{path}/"

    def _is_inside(self, path: str) -> bool:
        return f"{path}/".startswith(self._start)

    def _relpath(self, path: Any) -> Any:
        """The path without the prefix; of several, those that have it (a web page links to anything)."""
        if not isinstance(path, str):
            return [self._relpath(each) for each in path if self._is_inside(each)]
        if not self._is_inside(path):
            msg = f"{path!r} is not in {self.path!r}"
            raise UrlError(msg)
        return path[len(self._start) :]

    def _relpath_detail(self, paths: Mapping[str, Any]) -> Any:
        return super()._relpath_detail({path: info for path, info in paths.items() if self._is_inside(path)})

    async def _ls(self, path: Any, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a directory."""
        return self._listed(await self.fs._ls(self._join(path), detail=detail, **kwargs))  # noqa: SLF001 - fsspec's hook

    def ls(self, path: Any, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a directory."""
        return self._listed(self.fs.ls(self._join(path), detail=detail, **kwargs))

    def _listed(self, entries: list[Any]) -> list[Any]:
        if all(isinstance(entry, str) for entry in entries):
            names: list[Any] = self._relpath(entries)
            return names
        inside = (entry for entry in entries if self._is_inside(entry["name"]))
        return [{**entry, "name": self._relpath(entry["name"])} for entry in inside]

    # -- transactions: files are opened by the filesystem below, so it keeps them -------------------------------

    @property
    def transaction(self) -> Any:
        """Context in which files appear together, at its end."""
        return self.fs.transaction

    def start_transaction(self) -> Any:
        """Begin a transaction without a context."""
        return self.fs.start_transaction()

    def end_transaction(self) -> None:
        """Finish it."""
        self.fs.end_transaction()

    # -- identity -----------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrefixFileSystem) and (self.path, self.fs) == (other.path, other.fs)

    def __hash__(self) -> int:
        return hash((self.path, self.fs))

    def __dask_tokenize__(self) -> Any:
        return type(self).__module__, type(self).__qualname__, self.path, self.fs.__dask_tokenize__()

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """Path and filesystem below, as JSON can hold them; ``include_password=False`` redacts its secrets."""
        below = self.fs.to_dict(include_password=include_password)
        named = {"cls": f"{type(self).__module__}:{type(self).__name__}", "protocol": "dir", "args": []}
        return {**named, "asynchronous": self.asynchronous, "path": self.path or self.fs.root_marker, "fs": below}


def under_prefix(fs: AbstractFileSystem, root: str, key: str, prefix: str) -> tuple[PrefixFileSystem, str]:
    """Put a filesystem under a prefix.

    Parameters
    ----------
    fs
        The filesystem.
    root
        Path of the store in it: a bucket, the scheme and host of a web server, ``/`` or nothing.
    key
        What the URL names in the store; empty for the store itself.
    prefix
        Leading part of keys. Slashes at its ends do not count.

    Returns
    -------
    filesystem, path
        The path is the key without the prefix; empty where the URL names the store or the prefix.

    Raises
    ------
    UrlError
        The key does not begin with the prefix.
    """
    prefix = prefix.strip("/")
    if not isinstance(fs, ObjectFileSystem) and {".", ".."} & set(unquote(prefix).split("/")):
        msg = f"prefix {prefix!r} has a '.' or '..' between its slashes; write the path that it means"
        raise UrlError(msg)
    start = f"{prefix}/" if prefix else ""
    if key and not f"{key}/".startswith(start):
        shown = redact_url(key)
        msg = f"the URL names {shown!r}, which is not under prefix {prefix!r}; make them agree, or leave one out"
        raise UrlError(msg)
    path = f"{root.rstrip('/')}/{prefix}" if prefix else root
    made = PrefixFileSystem(path or "/", fs, asynchronous=getattr(fs, "asynchronous", False))
    return made, key[len(start) :]


def _leads_out(path: str) -> bool:
    """Whether ``..`` goes above the start at any point; a web server may decode it first."""
    depth = 0
    for segment in unquote(path).split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(segment, 1)
        if depth < 0:
            return True
    return False
