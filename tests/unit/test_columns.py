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


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known yet of how this process reads."""
    monkeypatch.setattr(ColumnGuide, "may_hope", True)


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


def starts(*expected: ByteRange) -> list[int]:
    """Where ranges begin."""
    return sorted(each.start for each in expected)


def test_guide_hopes_for_one_more_row_group_after_the_first_chunk(table: bytes) -> None:
    """One chunk for each that was read whole, until one of them proves right."""
    guide = guide_of(table)
    guide.follow(chunk(table, 0, 1), has_jumped=True)
    assert starts(*guide.take(1 << 30, 100)) == starts(chunk(table, 1, 1))
    guide.follow(chunk(table, 0, 4), has_jumped=True)
    assert starts(*guide.take(1 << 30, 100)) == starts(chunk(table, 1, 4))
    guide.follow(chunk(table, 1, 1), has_jumped=True)
    assert len(guide.take(1 << 30, 100)) > 2


def test_guide_does_not_hope_for_a_reader_of_a_part_of_a_chunk(table: bytes) -> None:
    """Nobody who goes by columns reads so."""
    guide, whole = guide_of(table), chunk(table, 0, 1)
    for read in (ByteRange(whole.start, whole.stop - 1), ByteRange(whole.start - 1, whole.stop)):
        guide.follow(read, has_jumped=True)
        assert guide.take(1 << 30, 100) == []
    assert ColumnGuide.may_hope


def test_guide_does_not_hope_where_no_row_group_follows(table: bytes) -> None:
    """A file of one row group says nothing of its reader, and what follows in it is read on as anywhere."""
    guide = guide_of(table)
    guide.follow(chunk(table, GROUPS - 1, 1), has_jumped=True)
    assert ColumnGuide.may_hope
    assert not guide.is_active


def test_guide_does_not_hope_again_where_a_reader_stayed_in_one_row_group(table: bytes) -> None:
    """Tasks that read a row group each are brought too much once, not each time; who goes on is hoped for again."""

    def read(*groups: int) -> list[ByteRange]:
        guide, expected = guide_of(table), []
        for group in groups:
            guide.follow(chunk(table, group, 3), has_jumped=True)
            expected += guide.take(1 << 30, 100)
        return expected

    assert starts(*read(0)) == starts(chunk(table, 1, 3))
    assert read(4) == []
    assert read(7) == []
    assert read(2, 3)
    assert starts(*read(5)) == starts(chunk(table, 6, 3))


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
