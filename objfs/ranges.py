"""Plan byte ranges: what a slice means, which ranges share a request, how a large one is cut. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from objfs.errors import InvalidRangeError
from objfs.records import record
from objfs.types import ByteRange


@record
class PlannedRead:
    """One request, and which of the wanted ranges it answers.

    Parameters
    ----------
    range
        Bytes to request; never empty.
    serves
        Positions of the wanted ranges that lie inside ``range``, ascending.
    """

    range: ByteRange
    serves: tuple[int, ...]

    def cut(self, wanted: ByteRange) -> slice:
        """Where ``wanted`` lies in the bytes of this request."""
        return slice(wanted.start - self.range.start, wanted.stop - self.range.start)


def slice_range(start: int | None, stop: int | None, size: int) -> ByteRange:
    """Turn slice bounds into a range, as ``data[start:stop]`` would for ``size`` bytes of data.

    Parameters
    ----------
    start, stop
        Bounds of a Python slice: negative ones count from the end, None is the begin or the end, and what lies past
        the end is cut off.
    size
        Bytes in the object, >= 0.

    Returns
    -------
    ByteRange
        Within ``[0, size]``; empty where the slice is.

    Raises
    ------
    InvalidRangeError
        ``size`` is negative.
    """
    if size < 0:
        msg = f"an object cannot have a size of {size} bytes"
        raise InvalidRangeError(msg)
    first, last, _ = slice(start, stop).indices(size)
    return ByteRange(first, max(first, last))


def needs_size(start: int | None, stop: int | None) -> bool:
    """Tell whether the slice can only be placed when the object's size is known.

    True for every negative bound, so also for a suffix (see `is_suffix`), which many stores can answer without the
    caller knowing the size. An open end needs no size: a request may be open-ended.
    """
    return (start is not None and start < 0) or (stop is not None and stop < 0)


def is_suffix(start: int | None, stop: int | None) -> bool:
    """Tell whether the slice is the last ``-start`` bytes, which one suffix request can read (RFC 9110, 14.1.2)."""
    return start is not None and start < 0 and stop is None


def merge_ranges(ranges: Sequence[ByteRange], *, max_gap_bytes: int, max_request_bytes: int) -> list[PlannedRead]:
    """Merge nearby byte ranges into fewer requests.

    Parameters
    ----------
    ranges
        In any order; overlaps and duplicates are fine. Empty ones are never requested.
    max_gap_bytes
        Ranges at most this far apart share one request. Bytes, >= 0; at 0 only touching or overlapping ones do.
    max_request_bytes
        Merging never makes a request larger than this. Bytes, >= 1. A single range that is larger stays whole (see
        `split_range`), and serves the ranges inside it.

    Returns
    -------
    list of PlannedRead
        Sorted by ``start``. Each range that is not empty is served by exactly one of them, and lies wholly in it.

    Raises
    ------
    InvalidRangeError
        A limit is out of bounds.
    """
    if max_gap_bytes < 0 or max_request_bytes < 1:
        msg = (
            f"merging needs max_gap_bytes >= 0 and max_request_bytes >= 1, not {max_gap_bytes} and {max_request_bytes}"
        )
        raise InvalidRangeError(msg)
    wanted = sorted((r.start, r.stop, position) for position, r in enumerate(ranges) if len(r))
    merged: list[ByteRange] = []
    serves: list[list[int]] = []
    for start, stop, position in wanted:
        if merged and start - merged[-1].stop <= max_gap_bytes:
            current = merged[-1]
            end = max(current.stop, stop)
            if end == current.stop or end - current.start <= max_request_bytes:
                merged[-1] = ByteRange(current.start, end)
                serves[-1].append(position)
                continue
        merged.append(ByteRange(start, stop))
        serves.append([position])
    return [PlannedRead(whole, tuple(sorted(positions))) for whole, positions in zip(merged, serves, strict=True)]


def split_range(whole: ByteRange, part_bytes: int) -> list[ByteRange]:
    """Cut a range into parts of equal size, the last one shorter where it does not come out even.

    Parameters
    ----------
    whole
        The range; an empty one has no parts.
    part_bytes
        Bytes per part, >= 1.

    Returns
    -------
    list of ByteRange
        In order, without gaps.

    Raises
    ------
    InvalidRangeError
        ``part_bytes`` is less than 1.
    """
    if part_bytes < 1:
        msg = f"part_bytes must be at least 1, not {part_bytes}"
        raise InvalidRangeError(msg)
    starts = range(whole.start, whole.stop, part_bytes)
    return [ByteRange(start, min(start + part_bytes, whole.stop)) for start in starts]


def union(ranges: Iterable[ByteRange]) -> list[ByteRange]:
    """The bytes that are in any of the ranges, as ranges in order that neither overlap nor touch."""
    joined: list[ByteRange] = []
    for each in sorted((each for each in ranges if len(each)), key=lambda each: each.start):
        if joined and each.start <= joined[-1].stop:
            joined[-1] = ByteRange(joined[-1].start, max(joined[-1].stop, each.stop))
        else:
            joined.append(each)
    return joined


def overlaps(whole: ByteRange, ranges: Iterable[ByteRange]) -> list[ByteRange]:
    """What of the ranges lies within another, in order and once."""
    cut = (ByteRange(max(each.start, whole.start), min(each.stop, whole.stop)) for each in ranges if meet(each, whole))
    return union(cut)


def meet(one: ByteRange, other: ByteRange) -> bool:
    """Whether two ranges have a byte in common."""
    return one.start < other.stop and other.start < one.stop


def repeated(ranges: Iterable[ByteRange]) -> list[ByteRange]:
    """The bytes that are in two of the ranges or more."""
    edges = sorted((at, step) for each in ranges if len(each) for at, step in ((each.start, 1), (each.stop, -1)))
    found: list[ByteRange] = []
    depth = begun = 0
    for at, step in edges:
        if step > 0 and depth == 1:
            begun = at
        if step < 0 and depth == 2:
            found.append(ByteRange(begun, at))
        depth += step
    return union(found)


def without(ranges: Iterable[ByteRange], others: Iterable[ByteRange]) -> list[ByteRange]:
    """The bytes that are in any of the ranges and in none of the others."""
    left: list[ByteRange] = []
    taken = union(others)
    first = 0
    for each in union(ranges):
        at = each.start
        # Both are in order: what ends before one range ends before all that follow.
        while first < len(taken) and taken[first].stop <= at:
            first += 1
        for other in islice(taken, first, None):
            if other.start >= each.stop:
                break
            if other.start > at:
                left.append(ByteRange(at, other.start))
            at = max(at, other.stop)
        if at < each.stop:
            left.append(ByteRange(at, each.stop))
    return left
