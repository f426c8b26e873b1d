"""How objects are read: slices of one, slices of many, downloads. Plans, each object of one version."""

from __future__ import annotations

import errno
import io
from collections.abc import Sequence
from functools import partial
from typing import Final, Literal

from objfs import observing
from objfs.errors import FileExpired, PreconditionFailedError
from objfs.ranges import slice_range, split_range
from objfs.records import record
from objfs.steps import Get, Head, Objects, Part, Plan, Step, Together
from objfs.store import Store
from objfs.types import ByteRange, Chunk, Location, ObjectInfo, SizedBuffer, Suffix

# One request moves at most this much. Smaller ones keep more connections busy in the same memory (one connection to S3
# brings about 90 MB/s) and lose less when they break; at this size the time to the first byte is still the smaller
# part of a request.
PART_BYTES: Final = 4 << 20
# What the first request for an object of unknown size brings: enough to be the only one for most, and soon here.
FIRST_BYTES: Final = 1 << 20
# What the requests of one call have in flight together at most, in bytes and in requests.
BYTES_IN_FLIGHT: Final = 96 << 20
REQUESTS_IN_FLIGHT: Final = 128
# The pool of connections of the peers' clients.
SDK_REQUESTS_IN_FLIGHT: Final = 10
# Ranges of one object that lie closer than this share a request. With many requests in flight one costs about 0.1 ms
# of the processor, or 20 ms of waiting shared by 128, which is what this many bytes cost, too.
MAX_GAP_BYTES: Final = 128 << 10
# Servers answer a range of an empty object, or past the end, with 416 or with something that obstore cannot read
# (MinIO's `bytes 0--1/0`).
_PAST_THE_END: Final = (errno.EINVAL, errno.EIO)


@record
class Source:
    """One object on the plane that reads it.

    Parameters
    ----------
    objects
        Store or SDK client of the object's bucket.
    location
        The object.
    max_concurrency
        Requests of one call in flight at a time; None bounds them by their bytes.
    local_check
        Compare ETags here instead of sending If-Match, for servers that do not know the header.
    condition
        Field of `ObjectInfo` that tells one state of the object from another.
    suffix_ranges
        Whether the server can be asked for the last bytes.
    chunk_bytes
        What one request brings at most, where the caller says it.
    """

    objects: Objects
    location: Location
    max_concurrency: int | None = None
    local_check: bool = False
    condition: Literal["e_tag", "version"] = "e_tag"
    suffix_ranges: bool = True
    chunk_bytes: int | None = None

    @property
    def blocks(self) -> bool:
        """Whether it is read by calls that block a worker."""
        return isinstance(self.objects, Store)

    @property
    def part_bytes(self) -> int:
        """What one request brings at most."""
        return self.chunk_bytes or PART_BYTES

    @property
    def first_bytes(self) -> int:
        """What the first request asks for where the size of the object is not known."""
        return min(FIRST_BYTES, self.part_bytes)

    def in_flight(self, request_bytes: int) -> int:
        """How many requests of that many bytes one call makes at a time."""
        most = REQUESTS_IN_FLIGHT if self.blocks else SDK_REQUESTS_IN_FLIGHT
        return self.max_concurrency or max(1, min(most, BYTES_IN_FLIGHT // max(1, request_bytes)))

    def state(self, info: ObjectInfo) -> str | None:
        """What pins further reads to this state of the object."""
        return info.state(self.condition)

    def get(self, wanted: ByteRange | Suffix | None, state: str | None = None) -> Plan[Chunk]:
        """One request, pinned to ``state`` where one is given.

        Raises
        ------
        FileExpired
            The object is not that version any more.
        """
        condition = None if self.local_check or self.condition != "e_tag" else state
        try:
            chunk: Chunk = yield Get(self.objects, self.location, wanted, condition, self._is_large(wanted))
        except PreconditionFailedError as error:
            raise FileExpired(self.location.path, state) from error
        # Compared even where the server compared too: some proxies drop If-Match.
        self._refuse_other(chunk.info, state)
        asked = _span(wanted, chunk.info.size)
        if chunk.start != asked.start or chunk.stop > asked.stop:
            found = f"[{chunk.start}, {chunk.stop})"
            msg = f"the answer holds the bytes {found}, not [{asked.start}, {asked.stop}): what answers ignores ranges"
            raise OSError(errno.EIO, msg, self.location.path)
        if chunk.stop < asked.stop:
            # A Content-Length that does not fit the rest of the answer.
            msg = f"the answer holds {len(chunk.data)} bytes of {len(asked)}"
            raise ConnectionResetError(errno.ECONNRESET, msg, self.location.path)
        return chunk

    def _refuse_other(self, info: ObjectInfo, state: str | None) -> None:
        if state is not None and self.state(info) not in (None, state):
            raise FileExpired(self.location.path, state)

    def _is_large(self, wanted: ByteRange | Suffix | None) -> bool:
        return self.max_concurrency is None and isinstance(wanted, ByteRange) and len(wanted) > FIRST_BYTES

    def within(self, wanted: ByteRange, state: str | None) -> Plan[Chunk]:
        """A range that lies within the object: all of it, or the object is not what it was."""
        try:
            chunk = yield from self.get(wanted, state)
        except OSError as error:
            if error.errno in _PAST_THE_END and (yield from self.head()).size <= wanted.start:
                raise FileExpired(self.location.path, state) from error
            raise
        if len(chunk.data) != len(wanted):
            raise FileExpired(self.location.path, state)
        return chunk

    def head(self) -> Plan[ObjectInfo]:
        """Describe the object."""
        info: ObjectInfo = yield Head(self.objects, self.location)
        return info

    def first(self, wanted: ByteRange | Suffix, state: str | None = None) -> Plan[Chunk]:
        """A range that need not lie within the object: past its end there are no bytes, and no error."""
        if isinstance(wanted, Suffix) and not self.suffix_ranges:
            info = yield from self.head()
            if info.size == 0:
                return Chunk(b"", 0, info)
            wanted, state = ByteRange(max(0, info.size - wanted.length), info.size), state or self.state(info)
        try:
            return (yield from self.get(wanted, state))
        except OSError as error:
            if error.errno not in _PAST_THE_END:
                raise
            info = yield from self.head()
            self._refuse_other(info, state)
            if info.size == 0 or (isinstance(wanted, ByteRange) and wanted.start >= info.size):
                return Chunk(b"", info.size, info)
            if error.errno != errno.EINVAL:
                raise
        # It has grown since.
        return (yield from self.get(wanted, self.state(info)))

    def fetch(self, wanted: ByteRange, state: str | None) -> Plan[Chunk | Assembly]:
        """A range within the object, in parallel requests where it is long."""
        if len(wanted) <= self.part_bytes:
            return (yield from self.within(wanted, state))
        whole = Assembly(wanted)
        yield self.together(whole.parts(self, state, wanted))
        return whole

    def together(self, parts: Sequence[Part]) -> Step:
        """Requests of full parts side by side."""
        return Together(parts, self.in_flight(self.part_bytes))

    def tell_read(self, *wanted: ByteRange, waited: Sequence[ByteRange] | None = None) -> None:
        """Tell who watches that a caller got bytes, and for what of them it waited; None for all."""
        if observing.observers:
            for each in wanted:
                missed = (each,) if waited is None else waited
                observing.tell_read(self.objects.filesystem, self.location, each, missed)


class _Lender(io.BytesIO):
    """Memory whose bytes may still be lent out when the garbage collector ends it."""

    __slots__ = ()

    def __del__(self) -> None:
        """End without `close`, which refuses then, as Python 3.13 and later print on stderr."""


class Assembly:
    """A range that is put together from the answers of several requests, copied once, in any thread.

    Parameters
    ----------
    whole
        The range within the object.
    target
        Where its bytes go, as long as the range or longer; None makes them anew.
    """

    def __init__(self, whole: ByteRange, target: memoryview | None = None) -> None:
        self.whole = whole
        self._held: _Lender | None = None
        if target is None:
            # A `BytesIO` over bytes that nobody else holds lends them out to be written to, and hands the same bytes
            # out afterwards. They are zero pages until then, which the threads that write touch first.
            self._held = _Lender(bytes(len(whole)))
            target = self._held.getbuffer()
        self._view = target

    def put(self, start: int, data: SizedBuffer) -> None:
        """Copy bytes of the object, which begin at ``start`` there, to their place."""
        offset = start - self.whole.start
        self._view[offset : offset + len(data)] = memoryview(data)

    def parts(self, source: Source, state: str | None, wanted: ByteRange) -> list[Part]:
        """The requests that bring a range of the whole."""

        def fetch(part: ByteRange) -> Plan[None]:
            chunk = yield from source.within(part, state)
            self.put(chunk.start, chunk.data)

        return [Part(source.blocks, partial(fetch, part)) for part in split_range(wanted, source.part_bytes)]

    def tobytes(self) -> bytes:
        """The whole, once; nothing can be put any more."""
        assert self._held is not None  # noqa: S101 - who gave a target has the bytes
        self._view.release()
        return self._held.getvalue()


class Slice:
    """``object[start:stop]`` on its way.

    Parameters
    ----------
    source, start, stop
        The object and the bounds, with Python's meaning of negative, missing and too large ones.
    """

    __slots__ = ("_found", "_info", "_whole", "source", "start", "stop")

    def __init__(self, source: Source, start: int | None = None, stop: int | None = None) -> None:
        self.source, self.start, self.stop = source, start, stop
        self._info: ObjectInfo | None = None
        self._found = b""
        self._whole: Assembly | None = None

    @property
    def request_bytes(self) -> int:
        """What each request brings that `begin` has left."""
        return self.source.part_bytes

    def begin(self) -> Plan[list[Part]]:
        """Make the first request; what is given back is left to be carried out."""
        source, begin, stop = self.source, self.start or 0, self.stop
        if begin < -source.part_bytes or (stop is not None and (stop < 0 or begin < 0 or stop <= begin)):
            # Where the slice lies, that it is empty, or how it is cut is said by the size alone.
            info = self._info = yield from source.head()
            return self._assemble(slice_range(self.start, stop, info.size), None)
        if begin < 0:
            wanted: ByteRange | Suffix = Suffix(-begin)
        else:
            length = source.first_bytes if stop is None else min(stop - begin, source.part_bytes)
            wanted = ByteRange(begin, begin + length)
        first = yield from source.first(wanted)
        self._info = first.info
        end = first.info.size if stop is None else min(stop, first.info.size)
        if first.stop < end:
            return self._assemble(ByteRange(begin, end), first)
        # Copied at once: the memory that the backend has filled serves its next answer.
        self._found = first.tobytes()
        return []

    def _assemble(self, wanted: ByteRange, first: Chunk | None) -> list[Part]:
        if not len(wanted):
            return []
        self._whole = Assembly(wanted)
        if first is not None:
            self._whole.put(first.start, first.data)
            wanted = ByteRange(first.stop, wanted.stop)
        return self._whole.parts(self.source, self.source.state(self.info), wanted)

    @property
    def info(self) -> ObjectInfo:
        """What the first answer said of the object."""
        assert self._info is not None  # noqa: S101 - `begin` was carried out
        return self._info

    def tobytes(self) -> bytes:
        """The bytes, when everything was carried out; once."""
        return self._found if self._whole is None else self._whole.tobytes()

    def taken(self) -> bytes:
        """The same, for a caller, of whom those are told who watch."""
        if observing.observers:
            self.source.tell_read(slice_range(self.start, self.stop, self.info.size))
        return self.tobytes()

    def slices(self) -> list[bytes]:
        """The same as a list, as of several slices of one object."""
        return [self.taken()]


def _span(wanted: ByteRange | Suffix | None, size: int) -> ByteRange:
    """The bytes of an object of that size that were asked for; the data plane compares the like by itself."""
    if isinstance(wanted, Suffix):
        return ByteRange(max(0, size - wanted.length), size)
    if wanted is None:
        return ByteRange(0, size)
    return ByteRange(wanted.start, max(wanted.start, min(wanted.stop, size)))


def read_slice(source: Source, start: int | None, stop: int | None) -> Plan[bytes]:
    """The bytes ``object[start:stop]``, with Python's meaning of negative, missing and too large bounds."""
    wanted = Slice(source, start, stop)
    rest = yield from wanted.begin()
    if rest:
        yield source.together(rest)
    return wanted.taken()
