"""objfs.ranges: slices, merging and splitting of byte ranges."""

from __future__ import annotations

import collections
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objfs.errors import InvalidRangeError
from objfs.ranges import (
    PlannedRead,
    is_suffix,
    merge_ranges,
    needs_size,
    overlaps,
    repeated,
    slice_range,
    split_range,
    union,
    without,
)
from objfs.types import ByteRange

BOUNDS = st.none() | st.integers(-70, 70)
RANGES = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 60)).map(lambda pair: ByteRange(pair[0], sum(pair))), max_size=20
)


def planned(start: int, stop: int, *serves: int) -> PlannedRead:
    return PlannedRead(ByteRange(start, stop), serves)


@given(start=BOUNDS, stop=BOUNDS, size=st.integers(0, 60))
def test_slice_range_means_what_slicing_bytes_means(start: int | None, stop: int | None, size: int) -> None:
    """The range selects the same bytes as Python's slice."""
    data = bytes(range(size))
    found = slice_range(start, stop, size)
    assert data[found.start : found.stop] == data[start:stop]
    assert found.stop <= size
    assert len(found) == len(data[start:stop])


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        pytest.param(None, None, (0, 10), id="whole"),
        pytest.param(2, 5, (2, 5), id="inside"),
        pytest.param(-3, None, (7, 10), id="suffix"),
        pytest.param(-30, None, (0, 10), id="suffix-longer-than-the-object"),
        pytest.param(None, -3, (0, 7), id="negative-stop"),
        pytest.param(8, 99, (8, 10), id="past-the-end"),
        pytest.param(50, 99, (10, 10), id="wholly-past-the-end"),
        pytest.param(5, 2, (5, 5), id="reversed"),
        pytest.param(-2, 3, (8, 8), id="reversed-by-a-negative-start"),
    ],
)
def test_slice_range_places_bounds_in_ten_bytes(start: int | None, stop: int | None, expected: tuple[int, int]) -> None:
    """Examples of each kind of bound."""
    assert slice_range(start, stop, 10) == ByteRange(*expected)


def test_slice_range_refuses_a_negative_size() -> None:
    """A size that is not known must not pass for one."""
    with pytest.raises(InvalidRangeError, match="-1"):
        slice_range(0, 1, -1)


@pytest.mark.parametrize(
    ("start", "stop", "size_needed", "suffix"),
    [
        pytest.param(None, None, False, False, id="whole"),
        pytest.param(0, 5, False, False, id="inside"),
        pytest.param(5, None, False, False, id="open-end"),
        pytest.param(None, 5, False, False, id="open-start"),
        pytest.param(-5, None, True, True, id="suffix"),
        pytest.param(-5, 3, True, False, id="negative-start"),
        pytest.param(-5, -3, True, False, id="both-negative"),
        pytest.param(2, -3, True, False, id="negative-stop"),
        pytest.param(None, -3, True, False, id="negative-stop-open-start"),
    ],
)
def test_needs_size_and_is_suffix_recognise_bounds(
    start: int | None, stop: int | None, *, size_needed: bool, suffix: bool
) -> None:
    """Negative bounds need the size; only the last bytes can be asked for without it."""
    assert (needs_size(start, stop), is_suffix(start, stop)) == (size_needed, suffix)


@given(start=BOUNDS, stop=BOUNDS, sizes=st.tuples(st.integers(70, 99), st.integers(70, 99)))
def test_needs_size_is_false_only_when_bounds_are_the_same_for_every_size(
    start: int | None, stop: int | None, sizes: tuple[int, int]
) -> None:
    """Where no size is needed, two objects that are long enough give the same range (but for an open end)."""
    if not needs_size(start, stop):
        first, second = (slice_range(start, stop, size) for size in sizes)
        assert first.start == second.start
        assert stop is None or first == second


@pytest.mark.parametrize(
    ("ranges", "gap", "limit", "expected"),
    [
        pytest.param([], 0, 100, [], id="none"),
        pytest.param([(5, 5), (0, 0)], 10, 100, [], id="empty-ranges-are-not-requested"),
        pytest.param([(0, 5), (5, 9)], 0, 100, [planned(0, 9, 0, 1)], id="touching"),
        pytest.param([(0, 5), (6, 9)], 0, 100, [planned(0, 5, 0), planned(6, 9, 1)], id="gap-of-one-too-many"),
        pytest.param([(0, 5), (8, 9)], 3, 100, [planned(0, 9, 0, 1)], id="gap-at-the-limit"),
        pytest.param([(0, 5), (9, 10)], 3, 100, [planned(0, 5, 0), planned(9, 10, 1)], id="gap-over-the-limit"),
        pytest.param([(20, 30), (0, 10)], 0, 100, [planned(0, 10, 1), planned(20, 30, 0)], id="sorted"),
        pytest.param([(2, 4), (0, 9), (2, 4)], 0, 100, [planned(0, 9, 0, 1, 2)], id="duplicates-and-contained"),
        pytest.param([(0, 5), (3, 3), (4, 8)], 0, 100, [planned(0, 8, 0, 2)], id="empty-between-serves-nothing"),
        pytest.param([(0, 5), (5, 10)], 0, 10, [planned(0, 10, 0, 1)], id="request-at-the-limit"),
        pytest.param([(0, 5), (5, 11)], 0, 10, [planned(0, 5, 0), planned(5, 11, 1)], id="request-over-the-limit"),
        pytest.param([(0, 50)], 0, 10, [planned(0, 50, 0)], id="large-range-stays-whole"),
        pytest.param([(0, 50), (10, 20)], 0, 10, [planned(0, 50, 0, 1)], id="large-range-serves-what-is-inside"),
        pytest.param([(0, 50), (40, 51)], 0, 10, [planned(0, 50, 0), planned(40, 51, 1)], id="large-range-not-grown"),
    ],
)
def test_merge_ranges_plans_requests(
    ranges: list[tuple[int, int]], gap: int, limit: int, expected: list[PlannedRead]
) -> None:
    """Examples at and beyond each limit."""
    wanted = [ByteRange(*pair) for pair in ranges]
    assert merge_ranges(wanted, max_gap_bytes=gap, max_request_bytes=limit) == expected


@given(ranges=RANGES, gap=st.integers(0, 30), limit=st.integers(1, 150))
def test_merge_ranges_serves_every_range_once_and_wholly(ranges: list[ByteRange], gap: int, limit: int) -> None:
    """Cutting the planned requests gives back the bytes of each range."""
    data = bytes(n % 251 for n in range(300))
    plan = merge_ranges(ranges, max_gap_bytes=gap, max_request_bytes=limit)
    served = [position for read in plan for position in read.serves]
    assert sorted(served) == [position for position, wanted in enumerate(ranges) if len(wanted)]
    for read in plan:
        body = data[read.range.start : read.range.stop]
        for position in read.serves:
            wanted = ranges[position]
            assert body[read.cut(wanted)] == data[wanted.start : wanted.stop]


@given(ranges=RANGES, gap=st.integers(0, 30), limit=st.integers(1, 150))
def test_merge_ranges_respects_gap_and_size(ranges: list[ByteRange], gap: int, limit: int) -> None:
    """No request is over the size unless one range alone is, none fetches a wider gap, and none is needlessly split."""
    plan = merge_ranges(ranges, max_gap_bytes=gap, max_request_bytes=limit)
    for read in plan:
        parts = sorted((ranges[position] for position in read.serves), key=lambda part: part.start)
        assert len(read.range) <= limit or read.range in parts
        assert (read.range.start, read.range.stop) == (parts[0].start, max(part.stop for part in parts))
        reach = parts[0].stop
        for part in parts:
            assert part.start - reach <= gap
            reach = max(reach, part.stop)
    for earlier, later in itertools.pairwise(plan):
        first = ranges[min(later.serves, key=lambda position: (ranges[position].start, ranges[position].stop))]
        apart = first.start - earlier.range.stop > gap
        assert apart or first.stop - earlier.range.start > limit


@pytest.mark.parametrize(("gap", "limit"), [pytest.param(-1, 10, id="gap"), pytest.param(0, 0, id="request")])
def test_merge_ranges_refuses_limits_out_of_bounds(gap: int, limit: int) -> None:
    """A limit that cannot be kept is refused, also without ranges."""
    with pytest.raises(InvalidRangeError, match=str(min(gap, limit))):
        merge_ranges([], max_gap_bytes=gap, max_request_bytes=limit)


@given(start=st.integers(0, 50), length=st.integers(0, 200), part_bytes=st.integers(1, 70))
def test_split_range_cuts_without_gaps(start: int, length: int, part_bytes: int) -> None:
    """The parts follow each other, are of equal size but for the last, and cover the whole range."""
    whole = ByteRange(start, start + length)
    parts = split_range(whole, part_bytes)
    assert [n for part in parts for n in range(part.start, part.stop)] == list(range(whole.start, whole.stop))
    assert all(len(part) == part_bytes for part in parts[:-1])
    assert all(0 < len(part) <= part_bytes for part in parts)


def test_split_range_refuses_parts_of_no_bytes() -> None:
    """A part size of zero would never end."""
    with pytest.raises(InvalidRangeError, match="part_bytes"):
        split_range(ByteRange(0, 10), 0)


def members(ranges: list[ByteRange]) -> set[int]:
    return {at for each in ranges for at in range(each.start, each.stop)}


def is_tidy(ranges: list[ByteRange]) -> bool:
    """In order, none of them empty, none touching the next."""
    return all(map(len, ranges)) and all(one.stop < other.start for one, other in itertools.pairwise(ranges))


@given(ranges=RANGES, others=RANGES)
def test_union_and_without_are_those_of_sets(ranges: list[ByteRange], others: list[ByteRange]) -> None:
    """Ranges are taken together, and from each other, as the sets of their bytes."""
    assert members(union(ranges)) == members(ranges)
    assert members(without(ranges, others)) == members(ranges) - members(others)
    assert is_tidy(union(ranges))
    assert is_tidy(without(ranges, others))


@given(ranges=RANGES)
def test_repeated_are_the_bytes_that_come_twice(ranges: list[ByteRange]) -> None:
    """In two ranges or more, counted one by one."""
    counts = collections.Counter(at for each in ranges for at in range(each.start, each.stop))
    assert members(repeated(ranges)) == {at for at, count in counts.items() if count > 1}
    assert is_tidy(repeated(ranges))


@given(whole=st.tuples(st.integers(0, 200), st.integers(0, 60)), ranges=RANGES)
def test_overlaps_are_those_of_sets(whole: tuple[int, int], ranges: list[ByteRange]) -> None:
    """What of ranges lies within another."""
    within = ByteRange(whole[0], sum(whole))
    assert members(overlaps(within, ranges)) == members(ranges) & members([within])
    assert is_tidy(overlaps(within, ranges))
