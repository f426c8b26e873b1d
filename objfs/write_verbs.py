"""Verbs that write bytes: pipe, put, touch, cp, rm of one object."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from fsspec.asyn import get_loop
from fsspec.callbacks import DEFAULT_CALLBACK

from objfs.clouds._words import fit_headers
from objfs.concurrency import wait_for
from objfs.errands import Awaited, Errand, only
from objfs.errors import MissingExtraError, NotTouchedError
from objfs.parts import Piece, part_size, parts_in_flight, unchanging
from objfs.planed import PlanedFileSystem
from objfs.planes import Plane
from objfs.records import record
from objfs.sdk_objects import SdkObjects
from objfs.sdk_uploads import SdkUpload, Upload
from objfs.steps import Local, Objects, Plan
from objfs.store import Store
from objfs.types import Location, Written
from objfs.uploads import StreamedUpload, file_parts, read_file, send
from objfs.writing import as_bytes_view

T = TypeVar("T")


@record
class Write:
    """An object that is to be written, and how.

    Parameters
    ----------
    location
        Where it goes.
    keywords
        The peer's of a write, with those that the instance always sends.
    create, if_match
        Conditions on what is there.
    max_concurrency
        Parts in flight; None leaves it to their size.
    """

    location: Location
    keywords: Mapping[str, Any]
    create: bool = False
    if_match: str | None = None
    max_concurrency: int | None = None


@record
class Put:
    """A step: write an object with one request, which gives a `Written`."""

    objects: Objects
    write: Write
    data: Piece
    belongings: Mapping[str, Any]

    def now(self) -> Written:
        """Write it, blocking."""
        if not isinstance(self.objects, Store):
            return wait_for(self.soon(), get_loop())
        write = self.write
        return self.objects.put_now(
            write.location.key, self.data, create=write.create, if_match=write.if_match, **self.belongings
        )

    async def soon(self) -> Written:
        """Write it, awaited."""
        write = self.write
        return await self.objects.put(
            write.location.key, self.data, create=write.create, if_match=write.if_match, **self.belongings
        )


class WriteVerbs(PlanedFileSystem):
    """Writing of objects on whichever plane serves the call."""

    async def _pipe_file(
        self,
        path: str,
        value: Any,
        mode: str = "overwrite",
        *,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Write one object: a single PUT up to one part, a parallel multipart upload beyond."""
        data = as_bytes_view(value.encode() if isinstance(value, str) else value)
        write = self._write(self._target(path), kwargs, mode == "create", if_match, max_concurrency)
        with self.writing(write.location.path):
            if len(data) <= self._part_size(None, chunksize):
                written = await self._put_errand(write, unchanging(data))
            else:
                part_bytes = self._part_size(len(data), chunksize)
                written = await self._upload_errand(write, _cut(data, part_bytes), part_bytes)
        return {"ETag": written.e_tag, "VersionId": written.version}

    def pipe_file(self, path: str, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        """Write one object.

        Parameters
        ----------
        path
            ``bucket/key`` or URL.
        *args, **kwargs
            The bytes, and what else the peer's method of this name takes.
        timeout
            Seconds the call may take.

        Returns
        -------
        dict
            What tells this state of the object from others.
        """
        return self._by_hand(self._pipe_file(path, *args, **kwargs), timeout)

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        mode: str = "overwrite",
        callback: Any = DEFAULT_CALLBACK,
        *,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Upload one local file; its content type is guessed from its name unless given."""
        location = self._split(rpath)
        if os.path.isdir(lpath):
            if not location.key:
                await Errand(only(Awaited(partial(self._makedirs, rpath, exist_ok=True))), blocks=False)
            return
        import mimetypes  # for uploads only

        guessed, _ = mimetypes.guess_type(lpath)
        keywords = {**(self.connection.cloud.content_type(guessed) if guessed else {}), **kwargs}
        write = self._write(self._target(rpath), keywords, mode == "create", if_match, max_concurrency)
        size = os.path.getsize(lpath)
        callback.set_size(size)
        with self.writing(location.path):
            if size <= self._part_size(None, chunksize):
                objects = self._objects_for(write)
                await Errand(self._put_whole(objects, write, lpath, callback), blocks=isinstance(objects, Store))
            else:
                part_bytes = self._part_size(size, chunksize)
                await self._upload_errand(write, file_parts(lpath, part_bytes, callback), part_bytes)

    def put_file(self, lpath: str, rpath: str, *args: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Upload one local file; its content type is guessed from its name unless given.

        Parameters
        ----------
        lpath, rpath
            From where, and to where.
        *args, **kwargs
            As the peer's method of this name takes them.
        timeout
            Seconds the call may take.
        """
        self._by_hand(self._put_file(lpath, rpath, *args, **kwargs), timeout)

    def _part_size(self, total: int | None, asked: int | None) -> int:
        """Bytes per part; a ``chunksize`` below the cloud's smallest part is raised to it."""
        bounds = self.connection.cloud.parts
        return part_size(bounds, total, max(asked, bounds.min_bytes) if asked else None)

    def _write(
        self,
        location: Location,
        keywords: Mapping[str, Any],
        create: bool = False,
        if_match: str | None = None,
        max_concurrency: int | None = None,
    ) -> Write:
        return Write(location, self._write_keywords(keywords), create, if_match, max_concurrency)

    def _put_errand(self, write: Write, data: Piece) -> Errand[Written]:
        """Write an object with one request."""
        objects = self._objects_for(write)
        return Errand(only(self._put_step(objects, write, data)), blocks=isinstance(objects, Store))

    def _upload_errand(self, write: Write, parts: Iterable[Piece], part_bytes: int) -> Errand[Written]:
        """Write an object as an upload of parts, on either plane a matter of a thread."""
        begin = partial(self._begin_upload, write, part_bytes)
        return Errand(only(Local(partial(send, begin, parts))), blocks=True)

    def _put_whole(self, objects: Objects, write: Write, lpath: str, callback: Any) -> Plan[None]:
        data = yield Local(partial(read_file, lpath))
        yield self._put_step(objects, write, data)
        callback.relative_update(len(data))

    def _objects_for(self, write: Write) -> Objects:
        """The plane that writes an object with one request."""
        location = write.location
        if self.connection.decide("write", location, keywords=self._asked(write.keywords)).plane is Plane.SDK:
            return self.connection.sdk.objects(location.bucket, write.keywords)
        return self.connection.store(location.bucket)

    def _put_step(self, objects: Objects, write: Write, data: Piece) -> Put:
        return Put(objects, write, data, self._belongings(write) if isinstance(objects, Store) else {})

    def _belongings(self, write: Write) -> dict[str, Any]:
        """What belongs to an object, as the data plane takes it; the SDK plane takes the keywords themselves."""
        if not write.keywords:
            return {}
        attributes, tags = self.connection.cloud.attributes(write.keywords)
        return {"attributes": attributes, "tags": tags}

    def _asked(self, keywords: Mapping[str, Any]) -> list[str]:
        """The names of keywords, and one more where the data plane cannot send their values."""
        if not keywords:
            return []
        cloud = self.connection.cloud
        if set(keywords) <= cloud.data_keywords and not fit_headers(cloud.words, cloud.attributes(keywords)[0]):
            return [*keywords, "metadata that no header holds"]
        return list(keywords)

    def _begin_upload(
        self, write: Write, part_bytes: int, copy_first: tuple[str, str | None, int] | None = None
    ) -> Upload:
        """Begin a multipart upload on the plane that can do it exactly. Must not run on fsspec's I/O loop."""
        location = write.location
        conditions = {
            "create": write.create,
            "if_match": write.if_match is not None,
            "append": copy_first is not None,
        }
        asked = [*self._asked(write.keywords), *(name for name, value in conditions.items() if value)]
        decision = self.connection.decide("upload", location, keywords=asked)
        limit = write.max_concurrency or self.connection.settings.value("max_concurrency")
        limit = limit or parts_in_flight(part_bytes)
        if decision.plane is Plane.SDK:
            return SdkUpload(
                self.connection.sdk.objects(location.bucket, write.keywords),
                location.key,
                loop=get_loop(),
                bounds=self.connection.cloud.parts,
                max_concurrency=limit,
                create=write.create,
                if_match=write.if_match,
                copy_first=copy_first,
            )
        return StreamedUpload(
            self.connection.store(location.bucket),
            location.key,
            witness=self._witness(location),
            loop=get_loop(),
            bounds=self.connection.cloud.parts,
            part_bytes=part_bytes,
            max_concurrency=limit,
            **self._belongings(write),
        )

    def _witness(self, location: Location) -> SdkObjects | None:
        """Who can say whether an aborted upload left parts; nobody where the SDK is not installed or not wanted."""
        if self.connection.engine == "obstore":
            return None
        try:
            self.connection.require_sdk("list")
        except MissingExtraError:
            return None
        return self.connection.sdk.objects(location.bucket)

    def _write_keywords(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """The peer's keywords of a write: what the instance always sends, refined by the call."""
        given = {name: value for name, value in keywords.items() if value is not None and value is not False}
        return {**self.connection.write_defaults, **given}

    async def _touch(self, path: str, truncate: bool = True, data: Any = None, **kwargs: Any) -> Any:
        """Create an empty object; with ``truncate=False`` only where none exists."""
        if not truncate and await self._exists(path):
            msg = f"{path} exists, and an object store cannot change its time without rewriting it; use truncate=True"
            raise NotTouchedError(msg)
        return await self._pipe_file(path, data or b"", **kwargs)

    async def _cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy one object on the server."""
        source, target = self._key(path1), self._target(path2)
        asked = {name: value for name, value in kwargs.items() if value is not None}
        decision = self.connection.decide("copy", source, target, keywords=asked)
        with self.writing(target.path):
            if decision.plane is Plane.SDK:
                await self.connection.sdk.objects(target.bucket).copy(source, target.key, **asked)
            else:
                await self._copy_by_data_plane(source, target)

    async def _copy_by_data_plane(self, source: Location, target: Location) -> None:
        bound = self.connection.cloud.copy_bytes
        try:
            await self.connection.store(source.bucket).copy(source.key, target.key)
        except OSError as error:
            # Where one request copies only so much, the SDK copies part by part.
            too_long = bound is not None and error.errno == errno.EINVAL and (await self._stat(source)).size > bound
            if not too_long:
                raise
            sdk = self.connection.require_sdk("copy in parts")
            await sdk.objects(target.bucket).copy(source, target.key)

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        """Delete one object."""
        location = self._key(path)
        objects = self.connection.objects("delete", location, keywords=kwargs)
        with self.writing(location.path):
            if isinstance(objects, Store):
                await objects.delete(location.key)
            else:
                await objects.delete(location.key, version=location.version)


def _cut(data: memoryview, part_bytes: int) -> Iterator[Piece]:
    for at in range(0, len(data), part_bytes):
        yield unchanging(data[at : at + part_bytes])
