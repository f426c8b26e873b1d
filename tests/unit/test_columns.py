"""Parquet files: which column chunks are on their way before they are asked for, and what a wrong guess costs."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from objfs import reading
from objfs.columns import ChunkTable, ColumnGuide
from objfs.types import ByteRange
from tests.unit.recording import RecordingStore, filesystem

GROUPS, COLUMNS, ROWS = 12, 6, 2000


@pytest.fixture(scope="module")
def table() -> bytes:
    """A file of a few row groups, whose chunks are larger than a read brings beside what it is asked for."""
    values = {f"c{index}": [f"{row * 7919 + index:032x}" for row in range(ROWS * GROUPS)] for index in range(COLUMNS)}
    target = io.BytesIO()
    parquet.write_table(
        pa.table(values), target, row_group_size=ROWS, compression="none", use_dictionary=False, write_statistics=False
    )
    return target.getvalue()


def guide_of(data: bytes) -> ColumnGuide:
    """A guide that has the file's end in memory."""
    begin = len(data) - (64 << 10)
    return ColumnGuide(len(data), lambda wanted: data[wanted.start : wanted.stop] if wanted.start >= begin else None)


def chunk(data: bytes, group: int, column: int) -> ByteRange:
    """Where a column chunk lies."""
    return ChunkTable(parquet.read_metadata(io.BytesIO(data)), len(data)).span((group, column))


def test_guide_expects_the_columns_that_were_read_in_the_row_groups_that_follow(table: bytes) -> None:
    """When one of them was read a second time, and no others."""
    guide = guide_of(table)
    for group, column in ((0, 1), (0, 4), (1, 1)):
        assert guide.follow(chunk(table, group, column), has_jumped=True)
    expected = guide.take(1 << 30, 100)
    known = {(wanted.start, wanted.stop) for wanted in expected}
    assert known
    assert known <= {
        (span.start, span.stop) for group in range(GROUPS) for span in (chunk(table, group, 1), chunk(table, group, 4))
    }
    following = chunk(table, 1, 4)
    assert (following.start, following.stop) in known


def test_guide_expects_no_more_than_it_may(table: bytes) -> None:
    """In bytes and in number."""
    guide = guide_of(table)
    for group in (0, 1):
        guide.follow(chunk(table, group, 2), has_jumped=True)
    length = len(chunk(table, 2, 2))
    assert sum(map(len, guide.take(length + 1, 100))) <= length + 1
    assert len(guide.take(1 << 30, 2)) <= 2


@pytest.mark.parametrize(
    "data",
    [b"", b"PAR1", bytes(100_000), bytes(70_000) + b"\xff\xff\xff\x7fPAR1", bytes(70_000) + b"\x10\x00\x00\x00PAR1"],
    ids=["empty", "short", "no-magic", "footer-too-long", "footer-of-zeros"],
)
def test_guide_is_silent_about_what_is_no_parquet_file(data: bytes) -> None:
    """Whatever stands where a footer would."""
    guide = guide_of(data)
    for start in range(0, max(1, len(data) - 1000), 5000):
        assert not guide.follow(ByteRange(start, start + 100), has_jumped=True)
    assert guide.take(1 << 30, 100) == []


def test_columns_of_a_table_are_read_with_no_byte_beside_them(table: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyarrow's own reader on an open file: the footer, and the chunks of its columns, each once."""
    monkeypatch.setitem(reading.TAIL_BYTES, ".parquet", 16 << 10)  # type: ignore[arg-type]
    plane = RecordingStore(**{"t.parquet": table})
    with filesystem(plane).open("bucket/t.parquet") as file:
        found: Any = parquet.ParquetFile(file).read(columns=["c1", "c4"])
    assert found.equals(parquet.read_table(io.BytesIO(table), columns=["c1", "c4"]))
    asked = sum(len(chunk(table, group, column)) for group in range(GROUPS) for column in (1, 4))
    brought = plane.bytes_out
    assert brought <= asked + (16 << 10) + reading.HEAD_BYTES
