"""Filesystem verbs that move bytes: cat, pipe, get, put, cp, rm, open. Each asks the rule which plane serves it."""

from __future__ import annotations

import asyncio
import errno
import mimetypes
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl

from fsspec.asyn import AsyncFileSystem, get_loop
from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.utils import isfilelike

from objfs.concurrency import run_bounded, wait_for
from objfs.errors import MissingExtraError
from objfs.planes import Plane
from objfs.ranges import is_suffix, needs_size
from objfs.reading import AsyncObjectFile, ObjectFile
from objfs.sdk_objects import SdkObjects
from objfs.store import Store
from objfs.transfers import Source, copy_to, download, read_many, read_slice
from objfs.types import ByteRange, Location, Written
from objfs.uploads import MIN_PART_BYTES, SdkUpload, StreamedUpload, Upload, part_size
from objfs.writing import CallableTarget, ObjectWriter

if TYPE_CHECKING:
    from objfs.connection import Connection

T = TypeVar("T")

# DeleteObjects takes at most this many keys (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
KEYS_PER_DELETE: Final = 1000
# CopyObject copies at most 5 GiB; larger objects are copied part by part.
MAX_COPY_BYTES: Final = 5 << 30


class ByteVerbs(AsyncFileSystem):  # type: ignore[misc]
    """Reading and writing of objects on whichever plane serves the call."""

    connection: Connection
    write_attributes: Mapping[str, str]

    def _split(self, path: str, version_id: str | None = None) -> Location:
        raise NotImplementedError

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Carry a coroutine out on fsspec's I/O loop, from any other thread."""
        return wait_for(coroutine, get_loop())

    @property
    def _concurrency(self) -> int:
        return int(self.connection.settings.value("max_concurrency", 10))

    def _source(
        self,
        location: Location,
        keywords: Mapping[str, Any] | None = None,
        max_concurrency: int | None = None,
    ) -> Source:
        objects = self.connection.objects("read", location, keywords=keywords)
        local = bool(self.connection.settings.value("local_expiry_check", False))
        return Source(objects, location, max_concurrency or self._concurrency, local)

    # -- reading ------------------------------------------------------------------------------------------------

    async def _cat_file(
        self,
        path: str,
        version_id: str | None = None,
        start: int | None = None,
        end: int | None = None,
        chunksize: int | None = None,  # noqa: ARG002 - s3fs's keyword; requests are planned here
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> bytes:
        """Read ``object[start:end]`` with Python's slice semantics; long ranges in parallel."""
        source = self._source(self._key(path, version_id), kwargs, max_concurrency)
        return await read_slice(source, start, end)

    async def _cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,  # noqa: ARG002 - fsspec's keyword; gaps are planned here
        batch_size: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Read ranges of many objects; ranges of one object are merged, sliced back, and of one version."""
        begins = starts if isinstance(starts, Iterable) else [starts] * len(paths)
        stops = ends if isinstance(ends, Iterable) else [ends] * len(paths)
        wanted = list(zip(paths, begins, stops, strict=True))
        plain: dict[str, list[int]] = {}
        jobs: list[Callable[[], Coroutine[Any, Any, list[tuple[int, Any]]]]] = []
        for index, (path, start, stop) in enumerate(wanted):
            if stop is None or is_suffix(start, stop) or needs_size(start, stop):
                jobs.append(lambda i=index, p=path, a=start, b=stop: self._one_range(i, p, a, b, kwargs))  # type: ignore[misc]
            else:
                plain.setdefault(path, []).append(index)
        for path, indices in plain.items():
            ranges = [ByteRange(wanted[i][1] or 0, max(wanted[i][1] or 0, wanted[i][2])) for i in indices]
            jobs.append(lambda p=path, i=indices, r=ranges: self._ranges_of(p, i, r, kwargs))  # type: ignore[misc]
        results: list[Any] = [b""] * len(wanted)
        for group in await run_bounded(jobs, batch_size or self._concurrency * 4):
            for index, result in group:
                if isinstance(result, Exception) and on_error != "return":
                    raise result
                results[index] = result
        return results

    async def _one_range(
        self, index: int, path: str, start: int | None, stop: int | None, keywords: Mapping[str, Any]
    ) -> list[tuple[int, Any]]:
        try:
            return [(index, await self._cat_file(path, start=start, end=stop, **keywords))]
        except Exception as error:  # noqa: BLE001 - cat_ranges hands errors back
            return [(index, error)]

    async def _ranges_of(
        self, path: str, indices: Sequence[int], ranges: Sequence[ByteRange], keywords: Mapping[str, Any]
    ) -> list[tuple[int, Any]]:
        try:
            found = await read_many(self._source(self._key(path), keywords), ranges)
        except Exception as error:  # noqa: BLE001 - cat_ranges hands errors back
            return [(index, error) for index in indices]
        return list(zip(indices, found, strict=True))

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        callback: Any = DEFAULT_CALLBACK,
        version_id: str | None = None,
        chunksize: int | None = None,  # noqa: ARG002 - s3fs's keyword; requests are planned here
        max_concurrency: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Download one object in parallel; the local file appears whole or not at all."""
        if isfilelike(lpath):
            await copy_to(self._source(self._key(rpath, version_id), kwargs, max_concurrency), lpath, callback)
        elif rpath.endswith("/") or os.path.isdir(lpath):
            os.makedirs(lpath, exist_ok=True)
        else:
            await download(self._source(self._key(rpath, version_id), kwargs, max_concurrency), lpath, callback)

    # -- writing ------------------------------------------------------------------------------------------------

    async def _pipe_file(
        self,
        path: str,
        value: Any,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        mode: str = "overwrite",
        *,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Write one object: a single PUT up to one part, a parallel multipart upload beyond."""
        location, data = self._key(path), memoryview(value).cast("B")
        create = mode == "create"
        part_bytes = part_size(len(data), max(chunksize, MIN_PART_BYTES) if chunksize else None)
        if len(data) <= part_bytes:
            written = await self._put(location, data, create=create, if_match=if_match, keywords=kwargs)
        else:
            parts = (bytes(data[at : at + part_bytes]) for at in range(0, len(data), part_bytes))
            written = await self._put_parts(
                location, parts, part_bytes, max_concurrency, create=create, if_match=if_match, keywords=kwargs
            )
        self._written(location.path)
        return {"ETag": written.e_tag, "VersionId": written.version}

    async def _put_file(
        self,
        lpath: str,
        rpath: str,
        callback: Any = DEFAULT_CALLBACK,
        chunksize: int | None = None,
        max_concurrency: int | None = None,
        mode: str = "overwrite",
        *,
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
        keywords = {**({"ContentType": guessed} if guessed else {}), **kwargs}
        size = os.path.getsize(lpath)
        callback.set_size(size)
        part_bytes = part_size(size, max(chunksize, MIN_PART_BYTES) if chunksize else None)
        create = mode == "create"
        parts = _file_parts(lpath, part_bytes, callback)
        if size <= part_bytes:
            data = b"".join(parts)
            await self._put(self._key(rpath), data, create=create, if_match=if_match, keywords=keywords)
        else:
            await self._put_parts(
                self._key(rpath), parts, part_bytes, max_concurrency, create=create, if_match=if_match, keywords=keywords
            )
        self._written(location.path)

    async def _put(
        self,
        location: Location,
        data: bytes | memoryview,
        *,
        create: bool,
        if_match: str | None,
        keywords: Mapping[str, Any],
    ) -> Written:
        given = self._write_keywords(keywords)
        objects = self.connection.objects("write", location, keywords=given)
        if isinstance(objects, SdkObjects):
            return await objects.put(location.key, data, create=create, if_match=if_match)
        attributes, tags = self._attributes(given)
        return await objects.put(
            location.key, data, create=create, if_match=if_match, attributes=attributes, tags=tags
        )

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
            upload = self._upload(
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

    def _upload(
        self,
        location: Location,
        part_bytes: int,
        max_concurrency: int | None = None,
        *,
        create: bool = False,
        if_match: str | None = None,
        copy_first: tuple[str, str | None] | None = None,
        keywords: Mapping[str, Any],
    ) -> Upload:
        """Begin a multipart upload on the plane that can do it exactly. Must not run on fsspec's I/O loop."""
        given = self._write_keywords(keywords)
        conditions = {"create": create, "if_match": if_match is not None, "append": copy_first is not None}
        asked = [*given, *(name for name, value in conditions.items() if value)]
        decision = self.connection.decide("upload", location, keywords=asked)
        limit = max_concurrency or self._concurrency
        if decision.plane is Plane.SDK:
            objects = SdkObjects(self.connection.sdk, location.bucket, given)
            return SdkUpload(
                objects,
                location.key,
                loop=get_loop(),
                max_concurrency=limit,
                create=create,
                if_match=if_match,
                copy_first=copy_first,
            )
        attributes, tags = self._attributes(given)
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
        return SdkObjects(self.connection.sdk, location.bucket)

    def _write_keywords(self, keywords: Mapping[str, Any]) -> dict[str, Any]:
        """Boto's parameters of a put: what the instance always sends, refined by the call."""
        storage_class = self.connection.settings.value("storage_class")
        defaults = {} if storage_class is None else {"StorageClass": storage_class}
        given = {name: value for name, value in keywords.items() if value is not None and value is not False}
        return {**defaults, **given}

    def _attributes(self, keywords: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """What the data plane calls the parameters of a put: attributes and tags."""
        attributes = {self.write_attributes[name]: v for name, v in keywords.items() if name in self.write_attributes}
        attributes.update(keywords.get("Metadata") or {})
        return attributes, dict(parse_qsl(keywords.get("Tagging") or "", keep_blank_values=True))

    async def _touch(self, path: str, truncate: bool = True, data: Any = None, **kwargs: Any) -> Any:
        """Create an empty object; with ``truncate=False`` only where none exists."""
        if not truncate and await self._exists(path):
            msg = f"{path} exists, and an object store cannot change its time without rewriting it; use truncate=True"
            raise ValueError(msg)
        return await self._pipe_file(path, data or b"", **kwargs)

    async def _cp_file(self, path1: str, path2: str, preserve_etag: bool | None = None, **kwargs: Any) -> None:
        """Copy one object on the server."""
        source, target = self._key(path1), self._key(path2)
        asked = {**kwargs, **({"preserve_etag": True} if preserve_etag else {})}
        decision = self.connection.decide("copy", source, target, keywords=asked)
        if decision.plane is Plane.DATA:
            try:
                await self.connection.store(source.bucket).copy(source.key, target.key)
            except OSError as error:
                # S3 refuses to copy more than 5 GiB in one request; only the SDK copies part by part.
                if error.errno != errno.EINVAL or (await self._stat(source)).size <= MAX_COPY_BYTES:
                    raise
                sdk = self.connection.require_sdk("copy in parts")
                await sdk.call("_cp_file", source.path, target.path)
        else:
            await self.connection.sdk.call("_cp_file", path1, path2, preserve_etag=preserve_etag, **kwargs)
        self._written(target.path)

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        """Delete one object."""
        location = self._key(path)
        objects = self.connection.objects("delete", location, keywords=kwargs)
        if isinstance(objects, Store):
            await objects.delete(location.key)
        else:
            await objects.delete(location.key, version=location.version)
        self._written(location.path)

    # -- files --------------------------------------------------------------------------------------------------

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        acl: str | bool = False,
        version_id: str | None = None,
        fill_cache: bool | None = None,  # noqa: ARG002 - s3fs's keyword, which its own caches ignore too
        cache_type: str | None = None,
        autocommit: bool = True,
        size: int | None = None,
        requester_pays: bool | None = None,
        cache_options: Mapping[str, Any] | None = None,
        *,
        if_match: str | None = None,
        **kwargs: Any,
    ) -> ObjectFile | ObjectWriter:
        """Open an object, binary; see `ObjectFile` and `ObjectWriter`."""
        settings = self.connection.settings
        location = self._key(path, version_id)
        keywords = dict(kwargs)
        if requester_pays and not settings.value("request_payer", False):
            keywords["RequestPayer"] = "requester"
        if "r" in mode:
            return ObjectFile(
                self,  # type: ignore[arg-type]
                location.path,
                self._source(location, keywords),
                block_size=block_size or settings.value("default_block_size"),
                cache_type=cache_type or settings.value("default_cache_type"),
                cache_options=cache_options,
                size=size,
            )
        if acl:
            keywords["ACL"] = acl
        return self._writer(location, mode, block_size, autocommit=autocommit, if_match=if_match, keywords=keywords)

    def _writer(
        self,
        location: Location,
        mode: str,
        block_size: int | None,
        *,
        autocommit: bool,
        if_match: str | None,
        keywords: Mapping[str, Any],
    ) -> ObjectWriter:
        part_bytes = part_size(None, block_size)
        create = "x" in mode

        def put(data: bytes) -> Written:
            return self._wait(self._put(location, data, create=create, if_match=if_match, keywords=keywords))

        def upload() -> Upload:
            return self._upload(location, part_bytes, create=create, if_match=if_match, keywords=keywords)

        target = CallableTarget(part_bytes, put, upload)
        if "a" not in mode:
            return ObjectWriter(self, location.path, mode, target, autocommit=autocommit)  # type: ignore[arg-type]
        return self._appender(location, target, autocommit=autocommit, keywords=keywords)

    def _appender(
        self, location: Location, target: CallableTarget, *, autocommit: bool, keywords: Mapping[str, Any]
    ) -> ObjectWriter:
        """A writer that begins with the object's bytes: read back when short, else copied as the first part."""
        try:
            info = self._wait(self._stat(location))
        except FileNotFoundError:
            return ObjectWriter(self, location.path, "ab", target, autocommit=autocommit)  # type: ignore[arg-type]
        kept = {**self._wait(self._preserved(location)), **keywords}
        first, upload = b"", None
        part_bytes = target.part_bytes
        if info.size < MIN_PART_BYTES:
            first = self._wait(self._cat_file(location.path)) if info.size else b""
        else:
            upload = self._upload(location, part_bytes, copy_first=(location.path, info.e_tag), keywords=kept)
        target = CallableTarget(
            part_bytes,
            lambda data: self._wait(self._put(location, data, create=False, if_match=info.e_tag, keywords=kept)),
            lambda: self._upload(location, part_bytes, if_match=info.e_tag, keywords=kept),
        )
        return ObjectWriter(
            self,  # type: ignore[arg-type]
            location.path,
            "ab",
            target,
            autocommit=autocommit,
            prefix=first,
            position=info.size,
            upload=upload,
        )

    async def open_async(self, path: str, mode: str = "rb", **kwargs: Any) -> AsyncObjectFile:
        """Open an object for awaited reads.

        Raises
        ------
        ValueError
            A mode other than ``rb``, or a compression.
        """
        if mode != "rb" or kwargs.get("compression"):
            msg = f"open_async reads binary objects ('rb'), not {mode!r}; write with pipe_file or open"
            raise ValueError(msg)
        location = self._key(path, kwargs.pop("version_id", None))
        return AsyncObjectFile(self, location.path, self._source(location))  # type: ignore[arg-type]

    # -- for the other verbs ------------------------------------------------------------------------------------

    def _key(self, path: str, version_id: str | None = None) -> Location:
        """The object that a path names; an error where it names a bucket or the root."""
        location = self._split(path, version_id)
        if not location.key:
            msg = f"{path!r} names a bucket, not an object; give bucket/key"
            raise IsADirectoryError(errno.EISDIR, msg, path) if location.bucket else ValueError(msg)
        return location


def _file_parts(path: str, part_bytes: int, callback: Any) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while part := file.read(part_bytes):
            yield part
            callback.relative_update(len(part))
