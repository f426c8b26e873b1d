"""Multipart uploads that either publish one whole object or leave nothing behind, on both planes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import queue
import threading
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, Final, Protocol

from objfs.concurrency import wait_for
from objfs.errors import ObjfsError
from objfs.sdk_objects import SdkObjects
from objfs.store import Store
from objfs.types import Written

logger = logging.getLogger("objfs")

# S3's bounds on the parts of an upload (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
MIN_PART_BYTES: Final = 5 << 20
MAX_PARTS: Final = 10_000
PART_BYTES: Final = 16 << 20

_POLL_SECONDS: Final = 0.5


class UploadAborted(ObjfsError):
    """The upload was given up; nothing was published."""


class Upload(Protocol):
    """A multipart upload in progress; every part but the last has the same size."""

    def write(self, part: bytes) -> None:
        """Hand over the next part; waits while too many are in flight."""
        ...

    def finish(self) -> Written:
        """Publish the object."""
        ...

    def abort(self) -> None:
        """Give up: no object, no part left."""
        ...


def part_size(total: int | None, asked: int | None) -> int:
    """Bytes per part: what was asked, else a default that grows where ``total`` needs more than 10,000 parts.

    Raises
    ------
    ValueError
        Less than S3's 5 MiB was asked.
    """
    if asked is not None:
        if asked < MIN_PART_BYTES:
            msg = f"a block size for writing must be at least {MIN_PART_BYTES} bytes (5 MiB), not {asked}"
            raise ValueError(msg)
        return asked
    return PART_BYTES if total is None else max(PART_BYTES, -(-total // MAX_PARTS))


class StreamedUpload:
    """An upload through obstore, which pulls the parts from a thread of its own.

    Parameters
    ----------
    store, key
        Where the object goes.
    witness
        The same bucket through the SDK, to ask after an abort whether a part was left; None where it is not
        installed.
    loop
        Loop on which the witness is asked.
    part_bytes, max_concurrency
        Memory is bounded by about ``part_bytes * (max_concurrency + 2)``.
    attributes, tags
        Of the object.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        *,
        witness: SdkObjects | None,
        loop: asyncio.AbstractEventLoop,
        part_bytes: int,
        max_concurrency: int,
        attributes: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        self._store, self._key, self._witness, self._loop = store, key, witness, loop
        self._options: dict[str, Any] = {
            "part_bytes": part_bytes,
            "max_concurrency": max_concurrency,
            "attributes": attributes,
            "tags": tags,
        }
        self._parts: queue.Queue[bytes | None] = queue.Queue(maxsize=1)
        self._given_up = False
        self._begun = False
        self._written: Written | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="objfs-upload", daemon=True)
        self._thread.start()

    def write(self, part: bytes) -> None:
        """Hand over the next part."""
        self._hand_over(part)

    def finish(self) -> Written:
        """Publish the object."""
        self._hand_over(None)
        self._join()
        if self._error is not None:
            raise self._error
        if self._written is None:
            raise UploadAborted
        return self._written

    def abort(self) -> None:
        """Give up, then ask whether a part that was in flight has been stored all the same."""
        before = self._uploads()
        self._given_up = True
        with contextlib.suppress(queue.Full):
            self._parts.put_nowait(None)
        self._join()
        if self._witness is not None and before:
            self._abort_leftovers(self._witness, before)

    def _hand_over(self, part: bytes | None) -> None:
        while self._thread.is_alive():
            try:
                self._parts.put(part, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
        if self._error is not None:
            raise self._error
        raise UploadAborted

    def _join(self) -> None:
        while self._thread.is_alive():
            self._thread.join(_POLL_SECONDS)

    def _run(self) -> None:
        try:
            self._written = self._store.put_stream(self._key, self._pulled(), **self._options)
        except UploadAborted:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that writes
            self._error = error

    def _pulled(self) -> Iterator[bytes]:
        # obstore creates the upload before it asks for the first part.
        self._begun = True
        while True:
            part = self._parts.get()
            if self._given_up:
                raise UploadAborted
            if part is None:
                return
            yield part

    def _uploads(self) -> set[str]:
        # Before the upload is known to exist, those that are listed are other people's.
        if self._witness is None or not self._begun or not self._thread.is_alive():
            return set()
        try:
            return wait_for(self._witness.uploads(self._key), self._loop)
        except Exception as error:  # noqa: BLE001 - listing uploads is a permission of its own; the abort goes on
            logger.debug("cannot list the multipart uploads of %s: %s", self._key, error)
            return set()

    def _abort_leftovers(self, witness: SdkObjects, before: set[str]) -> None:
        """Abort again what this abort ended: an upload of somebody else is still listed and is left alone."""
        try:
            after = wait_for(witness.uploads(self._key), self._loop)
            ours = before if len(before) == 1 else before - after
            for upload_id in ours:
                wait_for(witness.abort(self._key, upload_id), self._loop)
        except Exception as error:  # noqa: BLE001 - the caller's own error matters more
            logger.warning("cannot check that no part of an aborted upload of %s is left: %s", self._key, error)


class SdkUpload:
    """An upload through the SDK's client: conditional, appending, and with a retry of each part.

    Parameters
    ----------
    objects, key
        Where the object goes; the caller's parameters travel with ``objects``.
    loop
        The loop that carries the requests out.
    max_concurrency
        Parts in flight.
    create, if_match
        Conditions on the object that is replaced, checked when the upload is completed.
    copy_first
        ``(path, ETag)`` of an object whose bytes become the first part, for appending.
    """

    def __init__(
        self,
        objects: SdkObjects,
        key: str,
        *,
        loop: asyncio.AbstractEventLoop,
        max_concurrency: int,
        create: bool = False,
        if_match: str | None = None,
        copy_first: tuple[str, str | None] | None = None,
    ) -> None:
        self._objects, self._key, self._loop = objects, key, loop
        self._limit = max_concurrency
        self._condition = {"IfNoneMatch": "*" if create else None, "IfMatch": if_match}
        self._in_flight: deque[concurrent.futures.Future[Any]] = deque()
        self._parts: list[dict[str, Any]] = []
        self._count = 0
        self._upload_id: str = self._wait(objects.request("create_multipart_upload", key))["UploadId"]
        if copy_first is not None:
            self._copy_first(*copy_first)

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return wait_for(coroutine, self._loop)

    def _copy_first(self, path: str, e_tag: str | None) -> None:
        try:
            answer = self._wait(
                self._objects.request(
                    "upload_part_copy",
                    self._key,
                    UploadId=self._upload_id,
                    PartNumber=1,
                    CopySource=path,
                    CopySourceIfMatch=e_tag,
                )
            )
        except BaseException:
            self.abort()
            raise
        self._count = 1
        self._parts.append({"PartNumber": 1, "ETag": answer["CopyPartResult"]["ETag"]})

    def write(self, part: bytes) -> None:
        """Hand over the next part."""
        while len(self._in_flight) >= self._limit:
            self._collect()
        if self._count >= MAX_PARTS:
            msg = f"an object has at most {MAX_PARTS} parts; open it with a larger block_size"
            raise ValueError(msg)
        self._count += 1
        request = self._send(self._count, part)
        self._in_flight.append(asyncio.run_coroutine_threadsafe(request, self._loop))

    async def _send(self, number: int, part: bytes) -> dict[str, Any]:
        answer = await self._objects.request(
            "upload_part", self._key, UploadId=self._upload_id, PartNumber=number, Body=part
        )
        checksums = {name: value for name, value in answer.items() if name.startswith("Checksum") and value}
        checksums.pop("ChecksumType", None)
        return {"PartNumber": number, "ETag": answer["ETag"], **checksums}

    def _collect(self) -> None:
        future = self._in_flight[0]
        while True:
            try:
                self._parts.append(future.result(_POLL_SECONDS))
            except concurrent.futures.TimeoutError:
                if future.done():
                    raise
                continue
            self._in_flight.popleft()
            return

    def finish(self) -> Written:
        """Publish the object."""
        while self._in_flight:
            self._collect()
        answer = self._wait(
            self._objects.request(
                "complete_multipart_upload",
                self._key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
                **self._condition,
            )
        )
        return Written(answer.get("ETag"), answer.get("VersionId"))

    def abort(self) -> None:
        """Give up: parts in flight are cancelled, and the upload is aborted until no part is left."""
        while self._in_flight:
            self._in_flight.popleft().cancel()
        try:
            self._wait(self._objects.abort(self._key, self._upload_id))
        except Exception as error:  # noqa: BLE001 - the caller's own error matters more
            logger.warning("cannot abort the multipart upload of %s: %s", self._key, error)
