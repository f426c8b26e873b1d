"""What all verbs share: paths to objects, the plane that serves a call, waiting for a coroutine."""

from __future__ import annotations

import errno
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from fsspec.asyn import AsyncFileSystem, get_loop

from objfs.concurrency import wait_for
from objfs.transfers import Source
from objfs.types import Location, ObjectInfo

if TYPE_CHECKING:
    from objfs.connection import Connection

T = TypeVar("T")


class PlanedFileSystem(AsyncFileSystem):  # type: ignore[misc]
    """A filesystem whose calls go to one of two planes."""

    connection: Connection
    write_attributes: Mapping[str, str]

    def _split(self, path: str, version_id: str | None = None) -> Location:
        """Bucket, key and version of a path."""
        raise NotImplementedError  # the class of the filesystem knows its cloud

    def note_written(self, path: str) -> None:
        """An object appeared, changed or went."""
        self.invalidate_cache(path)

    def _key(self, path: str, version_id: str | None = None) -> Location:
        """The object that a path names; an error where it names a bucket or the root."""
        location = self._split(path, version_id)
        if not location.key:
            msg = f"{path!r} names no object; give bucket/key"
            raise IsADirectoryError(errno.EISDIR, msg, path) if location.bucket else ValueError(msg)
        return location

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Carry a coroutine out on fsspec's I/O loop, from any other thread."""
        return wait_for(coroutine, get_loop())

    @property
    def _concurrency(self) -> int:
        return int(self.connection.settings.value("max_concurrency") or 10)

    def _source(
        self,
        location: Location,
        keywords: Mapping[str, Any] | None = None,
        max_concurrency: int | None = None,
    ) -> Source:
        """An object on the plane that reads it."""
        objects = self.connection.objects("read", location, keywords=keywords)
        local = bool(self.connection.settings.value("local_expiry_check", False))
        return Source(objects, location, max_concurrency or self._concurrency, local)

    async def _stat(self, location: Location) -> ObjectInfo:
        """Size, ETag, time and version of an object."""
        objects = self.connection.objects("head", location)
        return await objects.head(location.key, version=location.version)
