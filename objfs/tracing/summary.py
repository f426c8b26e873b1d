"""What requests and reads come to, object by object. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from objfs.observing import Read, Request
from objfs.ranges import overlaps, union, without
from objfs.records import record
from objfs.types import ByteRange

# File system, bucket and key.
Name = tuple[str, str, str]

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


@record
class ObjectCost:
    """What one object has cost.

    Parameters
    ----------
    filesystem, bucket, key
        The object; the key is the prefix of a list, or empty for the bucket.
    requests
        How many, repeats included.
    repeats
        How many of them asked for something again.
    failures
        How many records there are of requests that brought an error.
    received, sent
        Bytes of the bodies.
    unread
        Bytes of the object that were fetched and that nobody has read.
    again
        Bytes of the object that had been fetched before.
    from_cache
        Bytes that were read without a request of their own.
    milliseconds
        In which at least one request was under way.
    size
        Bytes of the object, where an answer or a range tells.
    """

    filesystem: str
    bucket: str
    key: str
    requests: int
    repeats: int
    failures: int
    received: int
    sent: int
    unread: int
    again: int
    from_cache: int
    milliseconds: float
    size: int | None

    @property
    def url(self) -> str:
        """What people call it."""
        return f"{self.filesystem}://{self.bucket}/{self.key}"


def name_of(value: Request | Read | ObjectCost) -> Name:
    """What an object is told by."""
    return value.filesystem, value.bucket, value.key


def by_object(requests: Iterable[Request], reads: Iterable[Read]) -> dict[Name, tuple[list[Request], list[Read]]]:
    """The requests and reads of each object, in the order of the first."""
    found: dict[Name, tuple[list[Request], list[Read]]] = {}
    for request in requests:
        found.setdefault(name_of(request), ([], []))[0].append(request)
    for read in reads:
        found.setdefault(name_of(read), ([], []))[1].append(read)
    return found


def costs_of(requests: Iterable[Request], reads: Iterable[Read]) -> list[ObjectCost]:
    """What each object has cost, most bytes first."""
    grouped = by_object(requests, reads)
    costs = [_cost(name, ours, theirs) for name, (ours, theirs) in grouped.items()]
    return sorted(costs, key=lambda cost: -(cost.received + cost.sent))


def _cost(name: Name, requests: Sequence[Request], reads: Sequence[Read]) -> ObjectCost:
    fetched = fetched_of(requests)
    once = union(fetched)
    read = [each.range for each in reads]
    return ObjectCost(
        *name,
        requests=sum(each.requests for each in requests),
        repeats=sum(each.requests - 1 if each.verb != "PUT" else 0 for each in requests)
        + sum(each.attempt > 1 for each in requests),
        failures=sum(each.has_failed for each in requests),
        received=sum(each.received for each in requests),
        sent=sum(each.sent for each in requests),
        unread=length_of(without(once, read)),
        again=length_of(fetched) - length_of(once),
        from_cache=sum(len(each.range) - length_of(overlaps(each.range, each.waited)) for each in reads),
        milliseconds=busy_milliseconds(requests),
        size=size_of(requests, reads),
    )


def fetched_of(requests: Iterable[Request]) -> list[ByteRange]:
    """The ranges of an object that requests have brought."""
    brought = (each for each in requests if each.verb == "GET" and each.received and not each.has_failed)
    return [each.range for each in brought if each.range is not None]


def size_of(requests: Iterable[Request], reads: Iterable[Read]) -> int | None:
    """How long an object is: as the newest answer says, or as far as is known."""
    told = [each.size for each in requests if each.size is not None]
    if told:
        return told[-1]
    ranges = [each.range for each in requests if each.range is not None] + [each.range for each in reads]
    return max((each.stop for each in ranges), default=None)


def busy_milliseconds(requests: Iterable[Request]) -> float:
    """How long at least one of the requests was under way."""
    total, until = 0.0, 0.0
    for each in sorted(requests, key=lambda request: request.begun):
        begun, ended = each.begun * 1000, each.begun * 1000 + each.milliseconds
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total


def span_seconds(requests: Iterable[Request]) -> float:
    """From the first beginning to the last end."""
    ends = [(each.begun, each.begun + each.milliseconds / 1000) for each in requests]
    return max((end for _, end in ends), default=0.0) - min((begun for begun, _ in ends), default=0.0)


def length_of(ranges: Iterable[ByteRange]) -> int:
    """Bytes of ranges together."""
    return sum(map(len, ranges))


def human_bytes(count: int) -> str:
    """``0 B``, ``17.5 KiB``, ``64 MiB``."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    text = f"{value:.1f}".removesuffix(".0")
    return f"{text} {_UNITS[unit]}"


def human_time(milliseconds: float) -> str:
    """``0.4 ms``, ``82 ms``, ``3.1 s``."""
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def visible(text: str) -> str:
    """A name with everything that could not be seen, or could turn the text around, written out."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
