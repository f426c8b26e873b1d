"""How objects are cut into parts, how many parts are in flight, and what is kept of writes until they make a part."""

from __future__ import annotations

import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objfs.clouds._cloud import PartBounds
from objfs.clouds.azure import AZURE
from objfs.clouds.gcs import GCS
from objfs.clouds.s3 import S3
from objfs.parts import (
    IN_FLIGHT_BYTES,
    KEPT_BYTES,
    LEAST_IN_FLIGHT,
    MOST_IN_FLIGHT,
    Collector,
    joined,
    part_size,
    parts_in_flight,
    unchanging,
)

MIB = 1 << 20
CLOUDS = [pytest.param(S3, id="s3"), pytest.param(GCS, id="gcs"), pytest.param(AZURE, id="azure")]
BOUNDS = PartBounds(default_bytes=12, min_bytes=5, max_count=10, multiple=2, parallel_bytes=8)


@pytest.mark.parametrize(
    ("total", "asked", "expected"),
    [
        pytest.param(None, None, 12, id="unknown"),
        pytest.param(13, None, 8, id="known"),
        pytest.param(80, None, 8, id="as-many-parts-as-there-may-be"),
        pytest.param(81, None, 10, id="one-byte-more"),
        pytest.param(1000, None, 100, id="long"),
        pytest.param(None, 6, 6, id="asked"),
        pytest.param(None, 7, 8, id="asked-between-multiples"),
        pytest.param(60, 6, 6, id="asked-for-a-known-one"),
        pytest.param(1000, 6, 100, id="asked-too-little"),
    ],
)
def test_part_size_is_what_was_asked_or_what_the_object_needs(
    total: int | None, asked: int | None, expected: int
) -> None:
    """Parts grow only where there would be too many."""
    assert part_size(BOUNDS, total, asked) == expected


def test_part_size_below_the_smallest_is_refused() -> None:
    """The message says what there must be at least."""
    with pytest.raises(ValueError, match="at least 5 bytes"):
        part_size(BOUNDS, None, 4)


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("total", [None, 1, 100 * MIB, 1 << 40, 5 << 40])
def test_part_size_is_within_the_bounds_of_the_cloud(cloud: Any, total: int | None) -> None:
    """Of any object that fits."""
    size = part_size(cloud.parts, total, None)
    assert size >= cloud.parts.min_bytes
    assert size % cloud.parts.multiple == 0
    assert total is None or size * cloud.parts.max_count >= total


@pytest.mark.parametrize("cloud", CLOUDS)
def test_as_many_parts_are_in_flight_as_fill_the_connections(cloud: Any) -> None:
    """Of the sizes that nobody has asked for."""
    assert parts_in_flight(part_size(cloud.parts, None, None)) == MOST_IN_FLIGHT
    assert parts_in_flight(part_size(cloud.parts, 1 << 30, None)) == MOST_IN_FLIGHT


@given(st.integers(1, 1 << 33))
def test_parts_in_flight_are_bounded_in_number_and_in_bytes(size: int) -> None:
    """Long parts are few, but some at a time keep the connections busy."""
    count = parts_in_flight(size)
    assert LEAST_IN_FLIGHT <= count <= MOST_IN_FLIGHT
    assert count == LEAST_IN_FLIGHT or count * size <= IN_FLIGHT_BYTES


# -- what is written ------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3 * KEPT_BYTES), max_size=6), st.sampled_from([bytes, bytearray]))
def test_collector_gives_what_it_took(sizes: list[int], kind: type[Any]) -> None:
    """In order, whatever the sizes; then it is empty."""
    written = [bytes([number]) * size for number, size in enumerate(sizes)]
    collector = Collector(b"first")
    for data in written:
        collector.add(memoryview(kind(data)))
    whole = b"".join([b"first", *written])
    assert collector.size == len(whole)
    assert b"".join(collector.take()) == whole
    assert (collector.size, collector.take()) == (0, [])


def test_collector_does_not_copy_long_bytes() -> None:
    """Nobody can change them; a part of them is a view."""
    data = bytes(2 * KEPT_BYTES)
    collector = Collector()
    collector.add(memoryview(data))
    collector.add(memoryview(data)[:KEPT_BYTES])
    pieces = collector.take()
    assert all(isinstance(piece, memoryview) and piece.obj is data for piece in pieces)
    assert [len(piece) for piece in pieces] == [2 * KEPT_BYTES, KEPT_BYTES]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(bytearray(2 * KEPT_BYTES), id="bytearray"),
        pytest.param(memoryview(bytearray(2 * KEPT_BYTES)).toreadonly(), id="read-only-view"),
        pytest.param(array.array("B", bytes(2 * KEPT_BYTES)), id="array"),
    ],
)
def test_collector_copies_what_its_owner_may_change(data: Any) -> None:
    """What is written is what was there when it was written."""
    collector = Collector()
    collector.add(memoryview(data))
    owner = data.obj if isinstance(data, memoryview) else data
    owner[0] = 1
    assert b"".join(collector.take()) == bytes(2 * KEPT_BYTES)


def test_collector_puts_short_writes_together() -> None:
    """A part of many lines is not many pieces."""
    collector = Collector()
    for _ in range(1000):
        collector.add(memoryview(b"line\n"))
    (piece,) = collector.take()
    assert piece == b"line\n" * 1000


def test_one_piece_is_given_on_as_it_is() -> None:
    """Several are put together."""
    data = bytes(10)
    assert joined([data]) is data
    assert joined([data, bytearray(b"1")]) == data + b"1"
    assert joined([]) == b""


def test_unchanging_copies_only_what_may_change() -> None:
    """A view of bytes stays one."""
    data, changing = bytes(10), bytearray(10)
    assert unchanging(view := memoryview(data)[2:]) is view
    copied = unchanging(memoryview(changing))
    changing[0] = 1
    assert copied == data
