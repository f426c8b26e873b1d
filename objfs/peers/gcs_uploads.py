"""A resumable upload of GCS (https://cloud.google.com/storage/docs/resumable-uploads), chunk after chunk.

Nothing is visible before the last chunk, which alone tells the size; so each chunk waits for the next one.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from objfs.peers.gcs_checks import Check
from objfs.peers.gcs_requests import may_help, paused, status_of
from objfs.retries import RetryPolicy
from objfs.types import Location

# Chunks that are not the last must be multiples of this.
CHUNK_MULTIPLE: Final = 256 << 10
_INCOMPLETE: Final = 308
# What the server says to a DELETE of a session: 499 is Google's word for "cancelled".
_CANCELLED: Final = frozenset({404, 410, 499})


class Sender(Protocol):
    """One request, as `objfs.peers.gcs_requests.once` makes it."""

    async def __call__(self, method: str, path: str, **keywords: Any) -> tuple[int, Any, Any, bytes]:
        """Send it."""
        ...


@dataclass(slots=True)
class Resumable:
    """One upload in progress.

    Parameters
    ----------
    send
        Makes a request.
    begin
        Begins the session of an upload; its URL, which is a secret, as it is good for whoever has it.
    key
        Where the bytes go.
    subject
        Object, for errors.
    policy
        How often each chunk is repeated.
    check
        Of what is sent.
    content_type
        Of the object, said with each chunk as gcsfs does.
    appended
        The object, in one generation, that the uploaded bytes are joined to.
    """

    send: Sender
    begin: Callable[[Resumable], Awaitable[str]]
    key: str
    subject: str
    policy: RetryPolicy
    check: Check
    content_type: str
    appended: Location | None = None
    url: str | None = field(default=None, repr=False)
    sent: int = 0
    waiting: bytes = field(default=b"", repr=False)

    async def start(self) -> None:
        """Begin the session, unless it has begun."""
        if self.url is None:
            self.url = await self.begin(self)

    async def add(self, data: bytes) -> None:
        """Take the next chunk, and send the one before it."""
        await self.start()
        if self.waiting:
            await self._send_waiting(None)
        self.check.update(data)
        self.waiting = data

    @property
    def empty(self) -> bool:
        """Whether nothing was handed over."""
        return not self.sent and not self.waiting

    async def finish(self) -> dict[str, Any]:
        """Send the last chunk; what the server says of the new object."""
        await self.start()
        contents = await self._send_waiting(self.sent + len(self.waiting))
        found: dict[str, Any] = json.loads(contents or b"{}")
        if int(found.get("size", self.sent)) != self.sent:
            raise OSError(errno.EIO, f"the server has made {found['size']} bytes of {self.sent}", self.subject)
        self.check.compare(found, self.subject)
        return found

    async def cancel(self) -> None:
        """End the session; what it holds is dropped."""
        self.waiting = b""
        if self.url is None:
            return
        try:
            await self.send("DELETE", self.url, headers={"Content-Length": "0"}, subject=self.subject)
        except OSError as error:
            if status_of(error) not in _CANCELLED:
                raise
        self.url = None

    async def _send_waiting(self, total: int | None) -> bytes:
        """Send what waits, again from where it stopped when a connection breaks."""
        stop = self.sent + len(self.waiting)
        attempts = self.policy.begin()
        while self.waiting or total is not None:
            try:
                status, headers, contents = await self._put(self.waiting, total)
            except OSError as error:
                if not may_help(error) or not await paused(attempts):
                    raise
                done = await self._ask_where()
                if done is not None:
                    return done
                continue
            if status != _INCOMPLETE:
                self.sent, self.waiting = stop, b""
                return contents
            before = self.sent
            self._keep_rest(headers)
            if self.sent == before and not await paused(attempts):
                raise OSError(errno.EIO, "the server keeps nothing of what it is sent", self.subject)
        return b""

    async def _put(self, data: bytes, total: int | None) -> tuple[int, Any, bytes]:
        size = "*" if total is None else str(total)
        span = f"{self.sent}-{self.sent + len(data) - 1}" if data else "*"
        headers = {
            "Content-Range": f"bytes {span}/{size}",
            "Content-Length": str(len(data)),
            "Content-Type": self.content_type,
        }
        # It has begun when something is sent.
        url = self.url or ""
        status, answered, _, contents = await self.send(
            "PUT", url, headers=headers, data=data or None, subject=self.subject
        )
        return status, answered, contents

    async def _ask_where(self) -> bytes | None:
        """Ask how much the server has; the answer itself where it has all (the last answer was lost)."""
        try:
            status, headers, contents = await self._put(b"", None)
        except OSError as error:
            if not may_help(error):
                raise
            return None
        if status != _INCOMPLETE:
            self.sent, self.waiting = self.sent + len(self.waiting), b""
            return contents
        self._keep_rest(headers)
        return None

    def _keep_rest(self, headers: Mapping[str, str]) -> None:
        """Go on after what the server has: ``Range: bytes=0-N``, or nothing at all."""
        has = headers.get("Range")
        reached = int(has.rpartition("-")[2]) + 1 if has else 0
        if not self.sent <= reached <= self.sent + len(self.waiting):
            raise OSError(errno.EIO, f"the server has {reached} bytes, {self.sent} were sent before", self.subject)
        self.waiting = self.waiting[reached - self.sent :]
        self.sent = reached
