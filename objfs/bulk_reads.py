"""Many reads as one plan: one bound on what is in flight, near ranges in one request, each object of one version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from objfs.errors import FileExpired
from objfs.ranges import PlannedRead, merge_ranges, needs_size, slice_range
from objfs.steps import Part, Plan, Together
from objfs.transfers import MAX_GAP_BYTES, Assembly, Source
from objfs.types import ByteRange

T = TypeVar("T")

Bounds = tuple[int | None, int | None]


class Read(Protocol):
    """What is wanted of one object, in two rounds of requests."""

    @property
    def source(self) -> Source:
        """The object."""
        ...

    @property
    def request_bytes(self) -> int:
        """What each request brings that `begin` has left."""
        ...

    def begin(self) -> Plan[list[Part]]:
        """Make the first request where one is needed; what is given back is left to be carried out."""
        ...


def read_all(
    reads: Sequence[Read], limit: int | None = None, *, give_errors: bool = False
) -> Plan[list[Exception | None]]:
    """Carry reads of several objects out under one bound.

    Parameters
    ----------
    reads
        Hold their bytes afterwards.
    limit
        Requests at a time; None bounds them by their bytes.
    give_errors
        Go on after an error, and give back what went wrong with each read; else the first error ends them all.
    """
    if not reads:
        return []
    wrap = _attempt if give_errors else _plain
    source = reads[0].source
    begun: list[list[Part] | Exception] = yield Together(
        [Part(read.source.blocks, partial(wrap, read.begin)) for read in reads], limit or source.in_flight(1)
    )
    errors = [found if isinstance(found, Exception) else None for found in begun]
    rest = [(number, part) for number, found in enumerate(begun) if not isinstance(found, Exception) for part in found]
    if rest:
        parts = [Part(part.blocks, partial(wrap, part.begin)) for _, part in rest]
        ended = yield Together(parts, limit or source.in_flight(max(read.request_bytes for read in reads)))
        for (number, _), found in zip(rest, ended, strict=True):
            errors[number] = errors[number] or found
    return errors


def _plain(begin: Callable[[], Plan[T]]) -> Plan[T | Exception]:
    return begin()


def _attempt(begin: Callable[[], Plan[T]]) -> Plan[T | Exception]:
    """A plan whose error is its result."""
    try:
        return (yield from begin())
    except Exception as error:  # noqa: BLE001 - it is handed back
        return error


class Ranges:
    """Several slices of one object, all of one version; past its end there are no bytes.

    Parameters
    ----------
    source, bounds
        The object, and what of it.
    """

    __slots__ = ("_long", "_plan", "_results", "_states", "_wanted", "bounds", "request_bytes", "source")

    def __init__(self, source: Source, bounds: Sequence[Bounds]) -> None:
        self.source, self.bounds = source, bounds
        self.request_bytes = 1
        self._wanted: list[ByteRange] = []
        self._plan: list[PlannedRead] = []
        self._results: list[bytes] = []
        self._long: dict[int, Assembly] = {}
        self._states: set[str | None] = set()

    def begin(self) -> Plan[list[Part]]:
        """Ask for size and version where a slice needs them."""
        source, state, size = self.source, None, None
        if any(self._needs_head(start, stop) for start, stop in self.bounds):
            info = yield from source.head()
            size, state = info.size, source.state(info)
        self._wanted = [_placed(start, stop, size) for start, stop in self.bounds]
        self._results = [b""] * len(self._wanted)
        self._plan = merge_ranges(self._wanted, max_gap_bytes=MAX_GAP_BYTES, max_request_bytes=source.part_bytes)
        self.request_bytes = sum(min(len(item.range), source.part_bytes) for item in self._plan) // max(
            1, len(self._plan)
        )
        return [part for number in range(len(self._plan)) for part in self._parts(number, state)]

    def _needs_head(self, start: int | None, stop: int | None) -> bool:
        return stop is None or needs_size(start, stop) or stop - (start or 0) > self.source.part_bytes

    def _parts(self, number: int, state: str | None) -> list[Part]:
        wanted = self._plan[number].range
        if len(wanted) <= self.source.part_bytes:
            return [Part(self.source.blocks, lambda: self._fetch(number, state))]
        whole = self._long[number] = Assembly(wanted)
        return whole.parts(self.source, state, wanted)

    def _fetch(self, number: int, state: str | None) -> Plan[None]:
        chunk = yield from self.source.first(self._plan[number].range, state)
        self._states.add(self.source.state(chunk.info))
        # Cut at once: the memory that the backend has filled serves its next answer.
        self._cut(number, memoryview(chunk.data))

    def slices(self) -> list[bytes]:
        """The bytes of each slice, when everything was carried out.

        Raises
        ------
        FileExpired
            The object was replaced meanwhile.
        """
        if len(self._states) > 1:
            raise FileExpired(self.source.location.path, min(filter(None, self._states)))
        for number, whole in self._long.items():
            self._cut(number, memoryview(whole.tobytes()))
        self.source.tell_read(*self._wanted)
        return self._results

    def _cut(self, number: int, data: memoryview) -> None:
        item = self._plan[number]
        for index in item.serves:
            self._results[index] = bytes(data[item.cut(self._wanted[index])])


def _placed(start: int | None, stop: int | None, size: int | None) -> ByteRange:
    if size is not None:
        return slice_range(start, stop, size)
    begin, end = start or 0, stop or 0
    return ByteRange(begin, max(begin, end))
