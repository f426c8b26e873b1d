"""Filesystem verbs about names: ls, find, info, exists, mkdir, rm. Listings come from the SDK plane, see DATA_VERBS."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from glob import has_magic
from typing import TYPE_CHECKING, Any

from objfs.errors import CredentialsError, EngineError, MissingExtraError
from objfs.file_verbs import FileVerbs
from objfs.planes import Plane
from objfs.sdk_objects import FILE, MARKER, kind_of

if TYPE_CHECKING:
    from objfs.sdk_objects import SdkObjects
    from objfs.types import Location


class NamespaceVerbs(FileVerbs):
    """Names, listings and metadata."""

    # -- one object ---------------------------------------------------------------------------------------------

    async def _any_below(self, location: Location) -> bool:
        """Whether a directory exists: some key lies below the name."""
        if self.connection.decide("exists", location_for_prefix(location)).plane is Plane.DATA:
            return await self.connection.store(location.bucket).any_below(location.key.rstrip("/"))
        return await self.connection.sdk.objects(location.bucket).any_below(location.key)

    async def _info(
        self,
        path: str,
        *,
        version_id: str | None = None,
        refresh: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Describe an object, directory or bucket; asked of the server, unless a listing of it is kept.

        Returns
        -------
        dict
            The keys of the peer: ``name``, ``size``, ``type``, and for an object its ETag, time, version, content
            type and more. Where the peer is not installed, or with ``engine="obstore"``, those that obstore gives. Out
            of a listing that is kept, what that says: ``refresh=True`` asks, and has the listing forgotten.

        Raises
        ------
        FileNotFoundError
            No such object, directory or bucket.
        """
        location = self._split(path, version_id)
        if not location.bucket:
            return {"name": "", "size": 0, "type": "directory"}
        if refresh:
            self.note_written(location.path)
        elif (listed := self._listed.entry(location)) is not None:
            return dict(listed)
        try:
            sdk = self.connection.require_sdk("info")
        except (MissingExtraError, EngineError):
            return await self._info_without_sdk(location)
        if location.key.endswith("/"):
            return await self._directory_info(location)
        return await sdk.objects(location.bucket).info(location, **kwargs)

    async def _info_without_sdk(self, location: Location) -> dict[str, Any]:
        if location.key:
            try:
                found = await self._stat(location)
            except FileNotFoundError:
                pass
            else:
                return self.connection.cloud.info(location, found)
        return await self._directory_info(location)

    async def _directory_info(self, location: Location) -> dict[str, Any]:
        """A path that ends in ``/`` names a directory, never the object of the shorter name."""
        if not await self._isdir(location.path):
            raise FileNotFoundError(errno.ENOENT, "no such object or directory", location.path)
        return {"name": location.path.rstrip("/"), "size": 0, "type": "directory", "StorageClass": "DIRECTORY"}

    async def _exists(self, path: str, **kwargs: Any) -> bool:
        """Whether an object, directory or bucket exists; asked of the server, unless a listing of it is kept."""
        location = self._split(path, kwargs.pop("version_id", None))
        if kwargs:
            msg = f"exists() takes no {', '.join(sorted(kwargs))}"
            raise TypeError(msg)
        if not location.bucket:
            return True
        if not location.key:
            return await self._bucket_exists(location)
        try:
            await self._known(location)
        except (FileNotFoundError, IsADirectoryError):
            return location.version is None and await self._isdir(path)
        return True

    async def _bucket_exists(self, location: Location) -> bool:
        """Whether a bucket exists; a refusal raises."""
        try:
            sdk = self.connection.require_sdk("bucket")
        except (MissingExtraError, EngineError):
            with contextlib.suppress(FileNotFoundError):
                await self.connection.store(location.bucket).any_below("")
                return True
            return False
        return await sdk.objects(location.bucket).exists()

    async def _isfile(self, path: str) -> bool:
        location = self._split(path)
        # The marker of a directory is none, though it is an object.
        if not location.key or location.key.endswith("/"):
            return False
        try:
            await self._known(location)
        except FileNotFoundError:
            return False
        return True

    async def _isdir(self, path: str) -> bool:
        location = self._split(path)
        if not location.bucket:
            return True
        try:
            if not location.key.rstrip("/"):
                return await self._bucket_exists(location)
            return await self._any_below(location)
        except FileNotFoundError:
            return False

    async def _goes_below(self, path: str) -> bool:
        """Whether a directory is there to copy to or from, as far as the caller may know: who may not list has none."""
        try:
            return await self._isdir(path)
        except CredentialsError:
            raise
        except PermissionError:
            return False

    async def _size(self, path: str) -> int | None:
        location = self._split(path)
        if location.key:
            with contextlib.suppress(FileNotFoundError):
                return (await self._known(location)).size
        info: dict[str, Any] = await self._info(path)
        size: int = info["size"]
        return size

    async def _preserved(self, location: Location) -> dict[str, Any]:
        """Keywords of a write that keep the headers and metadata of an object that is appended to."""
        return await self.connection.require_sdk("append").objects(location.bucket).preserved(location.key)

    # -- listings -----------------------------------------------------------------------------------------------

    async def _ls(self, path: str, detail: bool = False, *, refresh: bool = False, **kwargs: Any) -> list[Any]:
        """List a directory, a bucket, or with an empty path all buckets."""
        objects, location, inner = self._listing(path)
        found = await objects.ls(inner, refresh=refresh, names_only=not detail, **kwargs)
        if location.key.endswith("/"):
            found = [item for item in found if not _is_shorter(item, inner)]
            if not found and not await self._isdir(path):
                raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        # A directory is not in itself.
        found = [item for item in found if item["name"] != f"{inner}/" or kind_of(item) != MARKER]
        return found if detail else sorted(item["name"] for item in found)

    async def _find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool | None = None,
        detail: bool = False,
        prefix: str = "",
        **kwargs: Any,
    ) -> Any:
        """List all objects below a path, with few requests of a thousand keys each.

        The marker of a directory, an empty object whose key ends in a slash, is no file: with ``withdirs`` the
        directory itself is told.
        """
        asked: dict[str, Any] = {"maxdepth": maxdepth, "withdirs": withdirs, "prefix": prefix, **kwargs}
        if not detail:
            return [name for name, kind in (await self._kinds(path, **asked)).items() if kind != MARKER]
        objects, location, inner = self._listing(path)
        found = await objects.find(inner, **asked)
        if location.key.endswith("/"):
            found = {name: item for name, item in found.items() if not _is_shorter(item, inner)}
        return {name: item for name, item in found.items() if item["size"] or kind_of(item) != MARKER}

    async def _kinds(
        self, path: str, *, maxdepth: int | None, withdirs: bool | None, prefix: str = "", **kwargs: Any
    ) -> dict[str, str]:
        """What `find` finds and what it is, markers of directories included."""
        objects, location, inner = self._listing(path)
        kinds = await objects.kinds(inner, maxdepth=maxdepth, withdirs=withdirs, prefix=prefix, **kwargs)
        if location.key.endswith("/") and kinds.get(inner) == FILE:
            del kinds[inner]
        return kinds

    def _listing(self, path: str) -> tuple[SdkObjects, Location, str]:
        """Who lists a path, its location, and the path without a slash at its end."""
        location = self._split(path)
        return self.connection.require_sdk("list").objects(location.bucket), location, self._strip_protocol(path)

    async def _du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any
    ) -> Any:
        """Bytes below a path, together or by name; as the listing tells them, without a request for each object."""
        found = await self._find(path, maxdepth=maxdepth, withdirs=withdirs, detail=True, **kwargs)
        sizes = {name: int(item["size"] or 0) for name, item in found.items()}
        return sum(sizes.values()) if total else sizes

    async def _expand_path(
        self,
        path: Any,
        recursive: bool = False,
        maxdepth: int | None = None,
        assume_literal: bool = False,
        **kwargs: Any,
    ) -> list[str]:
        """Turn globs and directories into the names that they stand for."""
        if kwargs:
            msg = f"expand_path() takes no {', '.join(sorted(kwargs))}"
            raise TypeError(msg)
        if maxdepth is not None and maxdepth < 1:
            msg = "maxdepth must be at least 1"
            raise ValueError(msg)
        if isinstance(path, str) and recursive and self._names_directory(path):
            # The directory is among the names, with its slash: fsspec's copies take the others relative to it.
            directory = f"{self._strip_protocol(path)}/"
            return sorted({directory, *await self._names_below(path, maxdepth)})
        found: set[str] = set()
        for each in [path] if isinstance(path, str) else path:
            if not assume_literal and has_magic(self._strip_protocol(each)):
                found.update(await self._matching(each, recursive, maxdepth))
            elif recursive:
                found.update(await self._tree(each, maxdepth))
            else:
                found.add(self._name_of(each, in_list=path is not each))
        if not found:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return sorted(found)

    async def _matching(self, path: str, recursive: bool, maxdepth: int | None) -> list[str]:
        """What a path with wildcards stands for, with what lies below it."""
        found = list(await self._glob(path, maxdepth=maxdepth)) or await self._literally(path)
        if recursive and maxdepth != 1:
            for each in list(found):
                found += await self._tree(each, None if maxdepth is None else maxdepth - 1)
        return found

    async def _tree(self, path: str, maxdepth: int | None) -> list[str]:
        """A directory with all that lies below it, markers included; or an object."""
        found, name = list(await self._kinds(path, maxdepth=maxdepth, withdirs=True)), self._strip_protocol(path)
        return [*found, name] if name not in found and await self._exists(path) else found

    async def _literally(self, path: str) -> list[str]:
        """The object whose key holds what would be wildcards, where they match nothing."""
        return [self._strip_protocol(path)] if has_magic(path) and await self._isfile(path) else []

    def _names_directory(self, path: str) -> bool:
        return path.endswith("/") and not has_magic(path) and bool(self._split(path).key.strip("/"))

    async def _names_below(self, path: str, maxdepth: int | None) -> list[str]:
        """All names below a path that ends in a slash; fsspec would cut that, and name another object."""
        found = set(await self._kinds(path, maxdepth=maxdepth, withdirs=True)) - {self._strip_protocol(path)}
        if not found and not await self._isdir(path):
            raise FileNotFoundError(errno.ENOENT, "no such directory", path)
        return sorted(found)

    async def _walk(
        self, path: str, maxdepth: int | None = None, topdown: bool = True, on_error: Any = "omit", **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Walk the directories below a path."""
        if self._strip_protocol(path) in ("", "*"):
            msg = "a walk over all buckets is refused; name a bucket"
            raise ValueError(msg)

        def on_failure(error: OSError) -> None:
            # Credentials are no property of one directory: an empty answer would be wrong.
            if on_error == "raise" or isinstance(error, CredentialsError):
                raise error
            if callable(on_error):
                on_error(error)

        async for item in super()._walk(path, maxdepth, topdown, on_failure, **kwargs):
            yield item

    async def _glob(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> Any:
        if self._strip_protocol(path).startswith("*"):
            msg = "a glob over all buckets is refused; name a bucket"
            raise ValueError(msg)
        return await super()._glob(path, maxdepth=maxdepth, **kwargs)

    # -- the rest of the peers' verbs that fsspec knows too ---------------------------------------------------------

    async def _url(self, path: str, expires: int = 3600, **kwargs: Any) -> str:
        """A presigned URL.

        Parameters
        ----------
        path
            The object.
        expires
            Seconds that the URL is good for; never longer than the credentials that sign it.
        **kwargs
            As the peer's ``sign`` takes them.
        """
        location = self._key(path)
        return await self.connection.require_sdk("sign").objects(location.bucket).sign(location, expires, **kwargs)

    async def _sign(self, path: str, expiration: int = 100, **kwargs: Any) -> str:
        """A presigned URL, by fsspec's name."""
        return await self._url(path, expires=expiration, **kwargs)

    async def _modified(self, path: str, version_id: str | None = None, refresh: bool = False) -> datetime | None:
        """When an object was written; readers such as duckdb ask it before they open one."""
        location = self._key(path, version_id)
        try:
            return (await self._stat(location)).last_modified
        except FileNotFoundError:
            if await self._isdir(path):
                raise IsADirectoryError(errno.EISDIR, "a directory has no time of its own", path) from None
            raise

    async def _checksum(self, path: str, refresh: bool = True) -> int:
        """A number that changes whenever the object does."""
        location = self._split(path)
        return await self.connection.require_sdk("info").objects(location.bucket).checksum(location)


def _is_shorter(item: Mapping[str, Any], directory: str) -> bool:
    """Whether a listed name is the object beside a directory, which has the directory's name without the slash."""
    return bool(item["name"] == directory and item["type"] == "file")


def location_for_prefix(location: Location) -> Location:
    """The location whose key obstore has to name to list below it: without the slash of a directory's spelling."""
    return type(location)(location.bucket, location.key.rstrip("/"), location.version)
