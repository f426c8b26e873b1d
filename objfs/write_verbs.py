"""Verbs that write bytes: pipe, put, touch, cp, rm of one object."""

from __future__ import annotations

import asyncio
import errno
import mimetypes
import os
from collections.abc import Iterator, Mapping
from typing import Any

from fsspec.asyn import get_loop
from fsspec.callbacks import DEFAULT_CALLBACK

from objfs.clouds._words import fit_headers
from objfs.errors import MissingExtraError, NotTouchedError
from objfs.planed import PlanedFileSystem
from objfs.planes import Plane
from objfs.sdk_objects import SdkObjects
from objfs.sdk_uploads import SdkUpload, Upload, part_size
from objfs.store import Store
from objfs.types import Location, Written
from objfs.uploads import StreamedUpload
from objfs.writing import as_bytes_view


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
        location = self._target(path)
        data = as_bytes_view(value.encode() if isinstance(value, str) else value)
        create = mode == "create"
        part_bytes = self._part_size(len(data), chunksize)
        if len(data) <= part_bytes:
            written = await self._put_object(location, data, create=create, if_match=if_match, keywords=kwargs)
        else:
            parts = (bytes(data[at : at + part_bytes]) for at in range(0, len(data), part_bytes))
            written = await self._put_parts(
                location, parts, part_bytes, max_concurrency, create=create, if_match=if_match, keywords=kwargs
            )
        self.note_written(location.path)
        return {"ETag": written.e_tag, "VersionId": written.version}

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
                await self._makedirs(rpath, exist_ok=True)
            return
        guessed, _ = mimetypes.guess_type(lpath)
        keywords = {**(self.connection.cloud.content_type(guessed) if guessed else {}), **kwargs}
        size = os.path.getsize(lpath)
        callback.set_size(size)
        part_bytes = self._part_size(size, chunksize)
        create = mode == "create"
        parts = _file_parts(lpath, part_bytes, callback)
        if size <= part_bytes:
            data = b"".join(parts)
            await self._put_object(self._target(rpath), data, create=create, if_match=if_match, keywords=keywords)
        else:
            await self._put_parts(
                self._target(rpath),
                parts,
                part_bytes,
                max_concurrency,
                create=create,
                if_match=if_match,
                keywords=keywords,
            )
        self.note_written(location.path)

    def _part_size(self, total: int | None, asked: int | None) -> int:
        """Bytes per part; a ``chunksize`` below the cloud's smallest part is raised to it."""
        bounds = self.connection.cloud.parts
        return part_size(bounds, total, max(asked, bounds.min_bytes) if asked else None)

    async def _put_object(
        self,
        location: Location,
        data: bytes | memoryview,
        *,
        create: bool,
        if_match: str | None,
        keywords: Mapping[str, Any],
    ) -> Written:
        given = self._write_keywords(keywords)
        if self.connection.decide("write", location, keywords=self._asked(given)).plane is Plane.SDK:
            objects = self.connection.sdk.objects(location.bucket, given)
            return await objects.put(location.key, data, create=create, if_match=if_match)
        attributes, tags = self.connection.cloud.attributes(given)
        store = self.connection.store(location.bucket)
        return await store.put(location.key, data, create=create, if_match=if_match, attributes=attributes, tags=tags)

    def _asked(self, keywords: Mapping[str, Any]) -> list[str]:
        """The names of keywords, and one more where the data plane cannot send their values."""
        cloud = self.connection.cloud
        if set(keywords) <= cloud.data_keywords and not fit_headers(cloud.words, cloud.attributes(keywords)[0]):
            return [*keywords, "metadata that no header holds"]
        return list(keywords)

    async def _put_parts(
        self,
        location: Location,
        parts: Iterator[bytes],
        part_bytes: int,
        max_concurrency: int | None,
        *,
        create: bool,
        if_match: str | None,
        keywords: Mapping[str, Any],
    ) -> Written:
        stopped = False

        def send() -> Written:
            upload = self._begin_upload(
                location, part_bytes, max_concurrency, create=create, if_match=if_match, keywords=keywords
            )
            try:
                for part in parts:
                    if stopped:
                        break
                    upload.write(part)
                if not stopped:
                    return upload.finish()
            except BaseException:
                upload.abort()
                raise
            upload.abort()
            raise asyncio.CancelledError

        try:
            return await asyncio.to_thread(send)
        except asyncio.CancelledError:
            stopped = True
            raise

    def _begin_upload(
        self,
        location: Location,
        part_bytes: int,
        max_concurrency: int | None = None,
        *,
        create: bool = False,
        if_match: str | None = None,
        copy_first: tuple[str, str | None, int] | None = None,
        keywords: Mapping[str, Any],
    ) -> Upload:
        """Begin a multipart upload on the plane that can do it exactly. Must not run on fsspec's I/O loop."""
        given = self._write_keywords(keywords)
        conditions = {"create": create, "if_match": if_match is not None, "append": copy_first is not None}
        asked = [*self._asked(given), *(name for name, value in conditions.items() if value)]
        decision = self.connection.decide("upload", location, keywords=asked)
        limit = max_concurrency or self._concurrency
        if decision.plane is Plane.SDK:
            return SdkUpload(
                self.connection.sdk.objects(location.bucket, given),
                location.key,
                loop=get_loop(),
                bounds=self.connection.cloud.parts,
                max_concurrency=limit,
                create=create,
                if_match=if_match,
                copy_first=copy_first,
            )
        attributes, tags = self.connection.cloud.attributes(given)
        return StreamedUpload(
            self.connection.store(location.bucket),
            location.key,
            witness=self._witness(location),
            loop=get_loop(),
            part_bytes=part_bytes,
            max_concurrency=limit,
            attributes=attributes,
            tags=tags,
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
        cloud = self.connection.cloud
        defaults = cloud.write_parameters(self.connection.settings)
        given = {name: value for name, value in keywords.items() if value is not None and value is not False}
        return {**defaults, **given}

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
        if decision.plane is Plane.SDK:
            await self.connection.sdk.objects(target.bucket).copy(source, target.key, **asked)
        else:
            await self._copy_by_data_plane(source, target)
        self.note_written(target.path)

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
        if isinstance(objects, Store):
            await objects.delete(location.key)
        else:
            await objects.delete(location.key, version=location.version)
        self.note_written(location.path)


def _file_parts(path: str, part_bytes: int, callback: Any) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while part := file.read(part_bytes):
            yield part
            callback.relative_update(len(part))
