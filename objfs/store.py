"""The data plane: the only module that imports obstore.

One `Store` serves one bucket. It moves bytes; credentials and errors are the business of its `Calls`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from objfs import observing
from objfs.clouds._cloud import Cloud, StoreArguments
from objfs.credentials.hiding import Hiding
from objfs.credentials.select import CredentialChoice
from objfs.observing import Watch
from objfs.store_calls import Calls
from objfs.store_errors import is_bare_refusal
from objfs.store_retries import deleted, repeated
from objfs.store_values import chunk, get_options, head_options, object_info, with_files_read, written
from objfs.store_watching import Watched
from objfs.turns import Turns
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, Suffix, Written

if TYPE_CHECKING:
    from obstore.store import ObjectStore

T = TypeVar("T")

# The process whose obstore runtime exists. A forked child inherits its memory but not its threads, so that a call
# there would wait for ever (run with obstore 0.12.1).
_runtime_pid: int | None = None


def usable_in_this_process() -> bool:
    """Whether obstore may be called here: not in a child forked after the parent had used it."""
    return _runtime_pid is None or _runtime_pid == os.getpid()


# Requests for full parts of all calls together: more fill no network, only memory.
LARGE_AT_A_TIME: Final = 24


class Store:
    """The objects of one bucket, through obstore.

    Parameters
    ----------
    cloud
        Which of obstore's stores it is, and what the service's errors mean.
    arguments
        Everything obstore is told; it reads no environment for what is set there.
    choice, hiding
        As for `Calls`.
    """

    def __init__(self, cloud: Cloud, arguments: StoreArguments, choice: CredentialChoice, hiding: Hiding) -> None:
        self._cloud = cloud
        self._arguments = arguments
        self._calls = Calls(cloud, arguments.bucket, choice, hiding)
        # Large requests of calls that set no bound of their own: many files that are downloaded side by side share it.
        self.large_requests = Turns(LARGE_AT_A_TIME)
        self._lock = threading.Lock()
        self._built: ObjectStore | None = None
        self._built_once: ObjectStore | None = None

    @property
    def filesystem(self) -> str:
        """The name of its cloud."""
        return self._cloud.name

    @property
    def told(self) -> dict[str, Any]:
        """The keywords of obstore's constructor beside the credentials; certificates in files are read when it runs."""
        arguments = self._arguments
        return {
            "config": dict(arguments.config),
            "client_options": dict(arguments.client_options),
            "retry_config": dict(arguments.retry_config) or None,
        }

    @property
    def _store(self) -> ObjectStore:
        if self._built is None:
            with self._lock:
                if self._built is None:
                    self._built = self._made(self.told)
        return self._built

    @property
    def _deleting(self) -> ObjectStore:
        """The store for deletions: where obstore does not tell that it has repeated one, it is to repeat none."""
        if not self._cloud.hides_repetition:
            return self._store
        if self._built_once is None:
            once = {**self._arguments.retry_config, "max_retries": 0}
            with self._lock:
                if self._built_once is None:
                    self._built_once = self._made({**self.told, "retry_config": once})
        return self._built_once

    def _made(self, told: Mapping[str, Any]) -> ObjectStore:
        global _runtime_pid  # noqa: PLW0603 - one runtime per process, whatever the number of stores
        from obstore import store as stores

        told = {**told, "client_options": with_files_read(self._arguments.client_options)}
        make: Callable[..., ObjectStore] = getattr(stores, self._cloud.store_class)
        made = make(self._arguments.bucket, **told, credential_provider=self._calls.adapter)
        _runtime_pid = os.getpid()
        return made

    async def get(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """Read an object or a range of it; a range may reach past the end, but must begin before it.

        Raises
        ------
        FileNotFoundError, PermissionError, PreconditionFailedError, OSError
            ``OSError`` with ``EINVAL`` where the range begins at or past the end, as for every range of an empty
            object.
        """
        import obstore

        options = get_options(wanted, if_match, version)

        async def request() -> Chunk:
            answer = await obstore.get_async(self._store, key, options=options)
            return chunk(answer, await answer.bytes_async())

        return await self._calls.call(key, self._seen("GET", key, request, wanted))

    def get_now(
        self,
        key: str,
        wanted: ByteRange | Suffix | None = None,
        *,
        if_match: str | None = None,
        version: str | None = None,
    ) -> Chunk:
        """`get`, blocking."""
        import obstore

        options = get_options(wanted, if_match, version)

        def request() -> Chunk:
            answer = obstore.get(self._store, key, options=options)
            return chunk(answer, answer.bytes())

        return self._calls.call_now(key, self._seen_now("GET", key, request, wanted))

    async def head(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """What the store says about an object, without its bytes."""
        import obstore

        options, probe_options = head_options(version)

        async def ask() -> ObjectInfo:
            answer = await obstore.get_async(self._store, key, options=options)
            return object_info(answer.meta, answer.attributes)

        async def probe() -> None:
            await obstore.get_async(self._store, key, options=probe_options)

        head = self._seen("HEAD", key, ask)

        async def request() -> ObjectInfo:
            try:
                return await head()
            except Exception as error:
                if is_bare_refusal(error):
                    await self._seen("GET", key, probe)()
                raise

        return await self._calls.call(key, request)

    def head_now(self, key: str, *, version: str | None = None) -> ObjectInfo:
        """`head`, blocking."""
        import obstore

        options, probe_options = head_options(version)

        def ask() -> ObjectInfo:
            answer = obstore.get(self._store, key, options=options)
            return object_info(answer.meta, answer.attributes)

        def probe() -> None:
            obstore.get(self._store, key, options=probe_options)

        head = self._seen_now("HEAD", key, ask)

        def request() -> ObjectInfo:
            try:
                return head()
            except Exception as error:
                if is_bare_refusal(error):
                    self._seen_now("GET", key, probe)()
                raise

        return self._calls.call_now(key, request)

    async def put(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Written:
        """Write an object with one request.

        Raises
        ------
        FileExistsError
            ``create`` and the object exists.
        PreconditionFailedError
            ``if_match`` and the object is not that version.
        """
        import obstore

        options = self._put_options(create, if_match, attributes, tags)

        async def request() -> Written:
            return written(await obstore.put_async(self._store, key, data, use_multipart=False, **options))

        return await self._calls.call(key, self._seen("PUT", key, request, sent=data))

    def put_now(
        self,
        key: str,
        data: bytes | bytearray | memoryview,
        *,
        create: bool = False,
        if_match: str | None = None,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Written:
        """`put`, blocking."""
        import obstore

        options = self._put_options(create, if_match, attributes, tags)

        def request() -> Written:
            return written(obstore.put(self._store, key, data, use_multipart=False, **options))

        return self._calls.call_now(key, self._seen_now("PUT", key, request, sent=data))

    def _put_options(
        self, create: bool, if_match: str | None, attributes: Mapping[str, str] | None, tags: Mapping[str, str] | None
    ) -> dict[str, Any]:
        mode: Any = "create" if create else "overwrite" if if_match is None else {self._cloud.condition: if_match}
        return {"mode": mode, "attributes": dict(attributes or {}), "tags": dict(tags or {})}

    def put_stream(
        self,
        key: str,
        pieces: Iterator[bytes | bytearray | memoryview],
        *,
        part_bytes: int,
        max_concurrency: int,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Written:
        """Write an object as a multipart upload, blocking; an exception from ``pieces`` aborts it and comes back.

        Pieces may be of any size: they are not copied, and parts of ``part_bytes`` are made of them.
        """
        import obstore

        options: dict[str, Any] = {"attributes": dict(attributes or {}), "tags": dict(tags or {})}
        options |= {"use_multipart": True, "chunk_size": part_bytes, "max_concurrency": max_concurrency}

        def request(pieces: Iterator[bytes | bytearray | memoryview]) -> Written:
            return written(obstore.put(self._store, key, pieces, **options))

        self._calls.credentials_now()
        try:
            if not observing.observers:
                return request(pieces)
            beside = self._cloud.parts.requests_beside
            return self._watched("PUT", key).upload(
                request, pieces, lambda sent: beside + max(1, -(-sent // part_bytes))
            )
        except Exception as error:  # noqa: BLE001 - raised again, translated
            # Its parts are gone, so that only the next call has something of other credentials.
            self._calls.give_up(error, key)

    async def delete(self, key: str) -> None:
        """Delete one object; S3 does not say whether it was there."""
        import obstore

        delete = self._seen("DELETE", key, lambda: obstore.delete_async(self._deleting, key))
        await deleted(self._arguments.retry_config, partial(self._calls.call, key, delete))

    async def copy(self, source: str, target: str, *, overwrite: bool = True) -> None:
        """Copy within the bucket with one request (S3: up to 5 GiB).

        Raises
        ------
        FileExistsError
            ``overwrite`` is False and the target exists.
        """
        import obstore

        copy = self._seen("COPY", target, lambda: obstore.copy_async(self._store, source, target, overwrite=overwrite))
        # One that must not overwrite would be refused the next time, by its own outcome.
        await repeated(self._arguments.retry_config if overwrite else None, partial(self._calls.call, source, copy))

    async def any_below(self, prefix: str) -> bool:
        """Whether any key begins with ``prefix/`` (with an empty prefix: whether the bucket holds anything).

        A key that obstore cannot name makes its listing fail, which proves that it is there.
        """
        import obstore
        from obstore.exceptions import InvalidPathError

        async def request() -> bool:
            listing = obstore.list(self._store, prefix or None, chunk_size=1)
            try:
                return bool(await anext(listing.__aiter__(), []))
            except InvalidPathError:
                return True

        return await self._calls.call(prefix, self._seen("LIST", prefix, request))

    def _seen(
        self, verb: str, key: str, request: Callable[[], Awaitable[T]], wanted: Any = None, *, sent: Any = b""
    ) -> Callable[[], Awaitable[T]]:
        """The request as it is, or where somebody watches, one that tells of itself."""
        return request if not observing.observers else self._watched(verb, key, wanted, sent).soon(request)

    def _seen_now(
        self, verb: str, key: str, request: Callable[[], T], wanted: Any = None, *, sent: Any = b""
    ) -> Callable[[], T]:
        """The same, blocking."""
        return request if not observing.observers else self._watched(verb, key, wanted, sent).now(request)

    def _watched(self, verb: str, key: str, wanted: Any = None, sent: Any = b"") -> Watched:
        place = Location(self._arguments.bucket, key)
        begin = partial(Watch, verb, observing.DATA_PLANE, self.filesystem, self._arguments.server, place)
        asked = wanted if isinstance(wanted, ByteRange) else None
        begin = partial(begin, wanted=asked, sent=memoryview(sent).nbytes)
        return Watched(begin, lambda error: self._calls.translate(error, key))
