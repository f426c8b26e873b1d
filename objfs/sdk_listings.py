"""The cache of listings, which both planes share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fsspec.dircache import DirCache

Entry = dict[str, Any]
_NOTHING: Final = object()


class _Level(list[Entry]):
    """A listing, in which readers of many objects look up one after the other."""

    __slots__ = ("_by_name",)

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__(entries)
        self._by_name: dict[str, Entry] | None = None

    def entry(self, name: str) -> Entry | None:
        if self._by_name is None:
            self._by_name = {each["name"]: each for each in self}
        return self._by_name.get(name)


class Listings(DirCache):  # type: ignore[misc]
    """fsspec's cache of listings, whose entries are believed and therefore must be right.

    A listing takes its time, in which something may be written: it is kept only if nothing was forgotten since it
    began. Entries are kept and handed out as copies, as callers may change what they are given.

    Parameters
    ----------
    use_listings_cache, listings_expiry_time, max_paths
        As for fsspec's.

    Examples
    --------
    >>> cache = Listings()
    >>> began = cache.state
    >>> cache.keep("bucket", [{"name": "bucket/key", "size": 1, "type": "file"}], began)
    >>> cache.forget("bucket/key")
    >>> cache.level("bucket") is None
    True
    """

    def __init__(
        self, use_listings_cache: bool = True, listings_expiry_time: float | None = None, max_paths: int | None = None
    ) -> None:
        super().__init__(use_listings_cache, listings_expiry_time, max_paths)
        # Another one each time that something is forgotten.
        self.state = object()

    def level(self, path: str) -> list[Entry] | None:
        """What is kept of a directory."""
        found = self.get(path)
        return None if found is None else [dict(each) for each in found]

    def entry(self, name: str) -> Entry | None:
        """What the listing of its directory says of a name; None where none is kept, or does not hold it."""
        level = self.get(name.rpartition("/")[0]) if self._cache else None
        return None if level is None else level.entry(name)

    def keep(self, path: str, entries: Iterable[Entry], began: object) -> None:
        """Keep the listing of a directory, unless something was forgotten since `state` was ``began``."""
        if not self.use_listings_cache or began is not self.state:
            return
        self[path] = [dict(each) for each in entries]
        if began is not self.state:
            # In this very moment, in another thread.
            super().pop(path, None)

    def keep_tree(self, path: str, levels: Mapping[str, Iterable[Entry]], began: object) -> None:
        """Keep all listings of a tree, and none that it had before."""
        if not self.use_listings_cache or began is not self.state:
            return
        for each in self._tree(path):
            super().pop(each, None)
        for name, entries in levels.items():
            self.keep(name, entries, began)

    def forget(self, path: str) -> None:
        """Forget the listings of a name and of all directories that it lies in."""
        while path:
            self.pop(path, None)
            path = path.rpartition("/")[0]
        self.pop("", None)

    def forget_tree(self, path: str) -> None:
        """Forget what `forget` does, and all that lies below the name."""
        self.forget(path)
        for each in self._tree(path):
            self.pop(each, None)

    def _tree(self, path: str) -> list[str]:
        return [each for each in list(self._cache) if each == path or each.startswith(f"{path}/")]

    def pop(self, key: str, default: Any = _NOTHING) -> Any:
        """Forget one listing, as the peers do."""
        self.state = object()
        return super().pop(key) if default is _NOTHING else super().pop(key, default)

    def clear(self) -> None:
        """Forget all listings."""
        self.state = object()
        super().clear()

    def __setitem__(self, key: str, value: Iterable[Entry]) -> None:
        super().__setitem__(key, _Level(value))

    def __reduce__(self) -> Any:
        return type(self), (self.use_listings_cache, self.listings_expiry_time, self.max_paths)
