"""Who watches the requests that are made: nobody, as a rule, which costs one look at `observers`.

Both planes begin a `Watch` for each request that they make while somebody watches, and the readers say which bytes
their callers got. No header and no query of a URL gets here, as these hold signatures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from objfs.records import record
from objfs.types import ByteRange, Location
from objfs.urls import redact_parameters

DATA_PLANE: Final = "obstore"
SDK_PLANE: Final = "sdk"
# In place of an exception's name: nobody has waited for the answer.
UNFINISHED: Final = "unfinished"


@record
class Request:
    """One request that a plane has made.

    Parameters
    ----------
    verb
        What it does: ``GET`` (bytes of an object), ``HEAD`` (its description), ``PUT``, ``COPY``, ``DELETE``, ``LIST``,
        ``OTHER``.
    method
        HTTP's.
    filesystem
        ``s3``, ``gcs`` or ``azure``.
    plane
        ``obstore`` or ``sdk``.
    server
        Host, with its port where that is not the scheme's.
    bucket, key
        What it was about: the target of a copy, the prefix of a list; the key is empty where it was the bucket.
    range
        The bytes of the object that came, or those that were asked for where none came; None for all of a failed GET
        and for what is no GET.
    size
        Bytes of the object, where the answer says it.
    received, sent
        Bytes of the bodies.
    begun
        Seconds since the epoch.
    milliseconds
        Until the last byte of the answer was here.
    attempt
        1, and more for each time that the same was asked before.
    requests
        How many requests of HTTP it stands for: more than one where the data plane uploads parts, or has repeated by
        itself what failed in the end.
    status
        HTTP's, where an answer came and the plane says it.
    error
        Name of the exception's type; ``unfinished`` where nobody has waited for the answer.
    """

    verb: str
    method: str
    filesystem: str
    plane: str
    server: str
    bucket: str
    key: str
    range: ByteRange | None
    size: int | None
    received: int
    sent: int
    begun: float
    milliseconds: float
    attempt: int
    requests: int
    status: int | None
    error: str | None

    @property
    def has_failed(self) -> bool:
        """Whether it brought an error."""
        return self.error is not None or (self.status or 0) >= 400


@record
class Read:
    """Bytes of an object that a caller got.

    Parameters
    ----------
    filesystem, bucket, key
        The object.
    range
        Its bytes.
    waited
        What of them no cache had or had asked for yet.
    begun
        Seconds since the epoch.
    """

    filesystem: str
    bucket: str
    key: str
    range: ByteRange
    waited: tuple[ByteRange, ...]
    begun: float


class Observer(Protocol):
    """Told of requests and reads, in any thread."""

    def began(self, watch: Watch) -> None:
        """A request is about to be made."""

    def ended(self, watch: Watch, request: Request) -> None:
        """It is over."""

    def has_read(self, read: Read) -> None:
        """A caller got bytes."""


# Replaced, never changed: who looks at it needs no lock.
observers: tuple[Observer, ...] = ()
_lock: Final = threading.Lock()


def observe(observer: Observer) -> None:
    """Tell an observer of all requests from now on."""
    global observers  # noqa: PLW0603 - one look at a name is all that a request pays
    with _lock:
        observers = (*observers, observer)


def ignore(observer: Observer) -> None:
    """Tell it no more."""
    global observers  # noqa: PLW0603 - as above
    with _lock:
        observers = tuple(each for each in observers if each is not observer)


class Watch:
    """A request under way, from its making on.

    Parameters
    ----------
    verb, plane, filesystem, server, method, sent, attempt
        As in `Request`.
    place
        Bucket and key.
    wanted
        What is asked for of the object.
    """

    def __init__(
        self,
        verb: str,
        plane: str,
        filesystem: str,
        server: str,
        place: Location,
        *,
        method: str | None = None,
        wanted: ByteRange | None = None,
        sent: int = 0,
        attempt: int = 1,
    ) -> None:
        key = redact_parameters(place.key)
        self._fixed = (verb, method or _METHODS.get(verb, verb), filesystem, plane, server, place.bucket, key)
        self._wanted, self._attempt = wanted, attempt
        self.method: str = self._fixed[1]
        self.sent = sent
        self._observers = observers
        self.began_at, self._clock = time.time(), time.perf_counter()
        for observer in self._observers:
            observer.began(self)

    def end(
        self,
        *,
        status: int | None = None,
        received: int = 0,
        found: ByteRange | None = None,
        size: int | None = None,
        error: str | None = None,
        requests: int = 1,
    ) -> None:
        """Tell the observers what came of it; once.

        Parameters
        ----------
        status, received, size, error, requests
            As in `Request`.
        found
            Where in the object the bytes of the answer lie; by default what was wanted.
        """
        request = self._request(status, received, found, size, error, requests)
        told, self._observers = self._observers, ()
        for observer in told:
            observer.ended(self, request)

    def unfinished(self) -> Request:
        """What there is to say before it is over."""
        return self._request(None, 0, None, None, UNFINISHED, 1)

    def _request(
        self,
        status: int | None,
        received: int,
        found: ByteRange | None,
        size: int | None,
        error: str | None,
        requests: int,
    ) -> Request:
        return Request(
            *self._fixed,
            self._wanted if found is None else found,
            size,
            received,
            self.sent,
            self.began_at,
            (time.perf_counter() - self._clock) * 1000,
            self._attempt,
            requests,
            status,
            error,
        )

    def counted(self, pieces: Iterator[bytes | bytearray | memoryview]) -> Iterator[bytes | bytearray | memoryview]:
        """The same pieces, whose bytes are sent."""
        for piece in pieces:
            self.sent += memoryview(piece).nbytes
            yield piece


# What does another thing than its method says.
_METHODS: Final = {"LIST": "GET", "COPY": "PUT"}


def tell_read(filesystem: str, location: Location, wanted: ByteRange, waited: Iterable[ByteRange]) -> None:
    """Tell the observers that a caller got bytes, and which of them nobody had asked for before."""
    if len(wanted):
        key = redact_parameters(location.key)
        read = Read(filesystem, location.bucket, key, wanted, tuple(waited), time.time())
        for observer in observers:
            observer.has_read(read)
