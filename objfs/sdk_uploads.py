"""Uploads in parts: what they have in common, and those that go through an SDK."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Protocol

from objfs.clouds._cloud import PartBounds
from objfs.concurrency import wait_for
from objfs.errors import ObjfsError
from objfs.parts import Piece, joined
from objfs.sdk_objects import SdkObjects
from objfs.types import Written

logger = logging.getLogger("objfs")

_POLL_SECONDS: Final = 0.5


class UploadAborted(ObjfsError):
    """The upload was given up; nothing was published."""


class Upload(Protocol):
    """A multipart upload in progress; every part but the last has the same size."""

    def write(self, part: Sequence[Piece]) -> None:
        """Hand over the next part, in pieces that nobody changes any more; waits while too many are in flight."""
        ...

    def finish(self) -> Written:
        """Publish the object."""
        ...

    def abort(self) -> None:
        """Give up: no object, no part left."""
        ...


def next_part(count: int, bounds: PartBounds) -> int:
    """The number of the part after the first ``count``.

    Raises
    ------
    ValueError
        There may be no more.
    """
    if count >= bounds.max_count:
        msg = f"an object has at most {bounds.max_count} parts; open it with a larger block_size"
        raise ValueError(msg)
    return count + 1


class SdkUpload:
    """An upload through the SDK's client: conditional, appending, and with a retry of each part.

    Parameters
    ----------
    objects, key
        Where the object goes; the caller's parameters travel with ``objects``.
    loop
        The loop that carries the requests out.
    bounds
        Of the cloud.
    max_concurrency
        Parts in flight.
    create, if_match
        Conditions on the object that is replaced, checked at the latest when the upload is completed.
    copy_first
        Path, state and size of an object whose bytes become the first part, for appending.
    """

    def __init__(
        self,
        objects: SdkObjects,
        key: str,
        *,
        loop: asyncio.AbstractEventLoop,
        bounds: PartBounds,
        max_concurrency: int,
        create: bool = False,
        if_match: str | None = None,
        copy_first: tuple[str, str | None, int] | None = None,
    ) -> None:
        self._objects, self._key, self._loop, self._bounds = objects, key, loop, bounds
        self._limit = max_concurrency if objects.parallel_parts else 1
        self._create, self._if_match = create, if_match
        self._in_flight: deque[concurrent.futures.Future[Any]] = deque()
        self._parts: list[Any] = []
        self._count = self._size = 0
        self._upload: Any = self._wait(objects.begin_upload(key, create=create, if_match=if_match))
        if copy_first is not None:
            self._copy_first(*copy_first)

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return wait_for(coroutine, self._loop)

    def _copy_first(self, path: str, e_tag: str | None, size: int) -> None:
        try:
            self._parts.append(self._wait(self._objects.copy_part(self._key, self._upload, path, e_tag)))
        except BaseException:
            self.abort()
            raise
        self._count, self._size = 1, size

    def write(self, part: Sequence[Piece]) -> None:
        """Hand over the next part."""
        while len(self._in_flight) >= self._limit:
            self._collect()
        self._count = next_part(self._count, self._bounds)
        data = bytes(joined(part))
        request = self._objects.send_part(self._key, self._upload, self._count, self._size, data)
        self._size += len(data)
        self._in_flight.append(asyncio.run_coroutine_threadsafe(request, self._loop))

    def _collect(self) -> None:
        future = self._in_flight[0]
        while True:
            try:
                part = future.result(_POLL_SECONDS)
            except concurrent.futures.TimeoutError:
                if not future.done():
                    continue
                # The part ended since, or the time-out is its own, which this raises.
                part = future.result()
            except concurrent.futures.CancelledError:
                # By another thread, which gives the upload up.
                raise UploadAborted from None
            self._parts.append(part)
            self._in_flight.popleft()
            return

    def finish(self) -> Written:
        """Publish the object."""
        while self._in_flight:
            self._collect()
        complete = self._objects.complete_upload(
            self._key, self._upload, self._parts, size=self._size, create=self._create, if_match=self._if_match
        )
        written: Written = self._wait(complete)
        return written

    def abort(self) -> None:
        """Give up: parts in flight are cancelled, and the upload is aborted until no part is left."""
        while self._in_flight:
            self._in_flight.popleft().cancel()
        try:
            self._wait(self._objects.abort_upload(self._key, self._upload))
        except Exception as error:  # noqa: BLE001 - the caller's own error matters more
            logger.warning("cannot abort the multipart upload of %s: %s", self._key, error)
