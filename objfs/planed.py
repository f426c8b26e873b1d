"""What all verbs share: paths to objects, the plane that serves a call, waiting for a coroutine."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from fsspec.asyn import AsyncFileSystem, async_methods, get_loop
from fsspec.exceptions import FSTimeoutError
from fsspec.spec import AbstractFileSystem

from objfs.concurrency import as_one_call, close_soon, join_call, refuse_on, wait_for
from objfs.errands import Errand, run_by_hand
from objfs.errors import NotAnObjectError
from objfs.steps import Plan, drive, drive_async
from objfs.transfers import Source
from objfs.types import Location, ObjectInfo
from objfs.workers import call

if TYPE_CHECKING:
    from objfs.connection import Connection
    from objfs.listed import Listed

T = TypeVar("T")

# Coroutines whose blocking twin fsspec does not make.
_MORE_VERBS: Final = ("_checksum", "_modified", "_rmdir", "_sign", "_touch", "_url")

# The blocking twins that were made below, as opposed to those that were written.
_twins: Final[set[Any]] = set()


class PlanedFileSystem(AsyncFileSystem):  # type: ignore[misc]
    """A filesystem whose calls go to one of two planes, awaited or blocking."""

    connection: Connection
    _listed: Listed
    # Bucket, key and version of a path, and the version beside it; the class of the filesystem knows its cloud.
    _split: Callable[..., Location]
    # The twins below are made once for the class; fsspec would make its own for each instance.
    mirror_sync_methods = False
    # Coroutines that only this cloud has, and that have a blocking twin too.
    more_verbs: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give every verb a blocking twin that Ctrl-C ends: fsspec's own leaves the coroutine running behind it."""
        super().__init_subclass__(**kwargs)
        for name in {*async_methods, *dir(AsyncFileSystem), *_MORE_VERBS, *cls.more_verbs}:
            twin = name[1:]
            if not name.startswith("_") or name.startswith("__"):
                continue
            own = _written(cls, twin)
            if own is not getattr(AbstractFileSystem, twin, None):
                # One of another base's twins may stand before it.
                setattr(cls, twin, own)
                continue
            if inspect.iscoroutinefunction(getattr(cls, name, None)):
                setattr(cls, twin, _blocking(name, getattr(cls, name)))
            elif inspect.isasyncgenfunction(getattr(cls, name, None)):
                setattr(cls, twin, _blocking_generator(name, getattr(cls, name)))

    def note_written(self, path: str) -> None:
        """An object appeared, changed or went: the listings that it is in are not true any more."""
        # Most instances keep no listings.
        if self.dircache.use_listings_cache:
            self.dircache.forget(path)

    @contextlib.contextmanager
    def writing(self, *paths: str) -> Iterator[None]:
        """Note objects as written in the end, also where it failed: the answer may be all that was lost."""
        try:
            yield
        finally:
            for path in paths:
                self.note_written(path)

    def _key(self, path: str, version_id: str | None = None) -> Location:
        """The object that a path names; an error where it names a bucket or the root."""
        join_call()
        location = self._split(path, version_id)
        if not location.key:
            raise NotAnObjectError(errno.EISDIR, "the path names no object; give bucket/key", path)
        self._check_key(location)
        return location

    def _name_of(self, path: Any, *, in_list: bool) -> str:
        """The name by which fsspec's verbs know a path; in a list of objects, a slash at its end is part of it."""
        location = self._split(path)
        return location.path if in_list and location.key.endswith("/") else self._strip_protocol(path)

    def _check_key(self, location: Location) -> None:
        """Refuse a key by which another object would be touched, on either plane."""
        refusal = self.connection.cloud.key_refusal(location.key)
        if refusal is not None:
            msg = f"{location.path!r}: {refusal}"
            raise ValueError(msg)

    def _target(self, path: str) -> Location:
        """The object that a path names for a write, which is always one of the newest version."""
        location = self._key(path)
        if location.version is not None:
            msg = f"an object is written as it is now; {path!r} names its version {location.version!r}"
            raise ValueError(msg)
        return location

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Carry a coroutine out on fsspec's I/O loop, from any other thread."""
        return wait_for(coroutine, get_loop())

    def _in_loop(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Carry a coroutine out on this filesystem's loop."""
        whole = as_one_call(coroutine)
        with _in_time(timeout or None):
            return wait_for(asyncio.wait_for(whole, timeout) if timeout else whole, self.loop)

    def _in_workers(self, plan: Plan[T], timeout: float | None = None) -> T:
        """Carry a plan of the data plane out without a detour by a loop."""
        with _in_time(timeout or None):
            return call(partial(drive, plan), timeout or None)

    def perform(self, source: Source, plan: Plan[T], timeout: float | None = None) -> T:
        """Carry a plan out, blocking."""
        refuse_on(self.loop)
        return self._in_workers(plan, timeout) if source.blocks else self._in_loop(drive_async(plan), timeout)

    def _by_hand(self, verb: Coroutine[Any, Any, T], timeout: float | None) -> T:
        """Carry a verb out without an event loop where its errands need none."""
        try:
            refuse_on(self.loop)
        except BaseException:
            verb.close()
            raise
        return run_by_hand(verb, partial(self._carry_out, timeout=timeout))

    def _carry_out(self, errand: Errand[T], timeout: float | None = None) -> T:
        refuse_on(self.loop)
        if errand.blocks:
            return self._in_workers(errand.plan, timeout)
        return self._in_loop(drive_async(errand.plan), timeout)

    @property
    def max_concurrency(self) -> int:
        """Requests that one call has in flight at most."""
        return int(self.connection.settings.value("max_concurrency") or 10)

    @property
    def _concurrency(self) -> int:
        return self.max_concurrency

    def _source(
        self,
        location: Location,
        keywords: Mapping[str, Any] | None = None,
        max_concurrency: int | None = None,
        chunk_bytes: int | None = None,
    ) -> Source:
        """An object on the plane that reads it; keywords are those of the peer's reads."""
        objects = self.connection.objects("read", location, keywords=keywords)
        local = bool(self.connection.settings.value("local_expiry_check", False))
        cloud = self.connection.cloud
        limit = max_concurrency or self.connection.settings.value("max_concurrency")
        return Source(objects, location, limit, local, cloud.condition, cloud.suffix_ranges, chunk_bytes)

    async def _known(self, location: Location) -> ObjectInfo:
        """The same from a listing that is kept, where there is one; else as `_stat`."""
        return self._listed.info(location) or await self._stat(location)

    async def _stat(self, location: Location) -> ObjectInfo:
        """Size, ETag, time and version of an object."""
        self._check_key(location)
        objects = self.connection.objects("head", location)
        return await objects.head(location.key, version=location.version)


def _blocking(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    """The blocking twin of a coroutine; as in fsspec, ``timeout=`` seconds bound the call."""

    def blocking(self: PlanedFileSystem, *args: Any, timeout: float | None = None, **kwargs: Any) -> Any:
        refuse_on(self.loop)
        return self._in_loop(getattr(self, name)(*args, **kwargs), timeout)

    return _named(blocking, name, own)


@contextlib.contextmanager
def _in_time(timeout: float | None) -> Iterator[None]:
    """Turn the time-out of a wait into fsspec's."""
    try:
        yield
    except TimeoutError as error:
        if timeout is None or error.errno is not None:  # a request's own
            raise
        msg = f"the call took longer than {timeout} s"
        raise FSTimeoutError(msg) from error


def _blocking_generator(name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    """The blocking twin of an asynchronous generator."""

    def call(self: PlanedFileSystem, *args: Any, **kwargs: Any) -> Iterator[Any]:
        generator = getattr(self, name)(*args, **kwargs)
        loop = self.loop
        try:
            while True:
                try:
                    yield wait_for(anext(generator), loop)
                except StopAsyncIteration:
                    return
        finally:
            # Between two items nothing is asked for. Who stops early may be the garbage collector, in any thread, so
            # that nobody can wait here.
            close_soon(loop, generator)

    return _named(call, name, own)


def _written(cls: type, name: str) -> Any:
    """The first attribute of a class and its bases that is no twin made here."""
    found = (vars(base)[name] for base in cls.__mro__ if name in vars(base))
    return next((each for each in found if each not in _twins), None)


def _named(call: Callable[..., Any], name: str, own: Callable[..., Any]) -> Callable[..., Any]:
    _twins.add(call)
    documented = getattr(AbstractFileSystem, name[1:], None) or getattr(AsyncFileSystem, name, None) or own
    call.__doc__ = documented.__doc__
    call.__name__ = name[1:]
    call.__qualname__ = f"PlanedFileSystem.{name[1:]}"
    return call
