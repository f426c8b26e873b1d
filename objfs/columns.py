"""What the reader of a Parquet file wants next: the columns that it has read, from the row groups that follow."""

from __future__ import annotations

import io
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import islice
from typing import Any, ClassVar, Final

from objfs.types import ByteRange

# The file ends in the length of its footer, four bytes, and this (https://parquet.apache.org/docs/file-format/).
_MAGIC: Final = b"PAR1"
_END_BYTES: Final = 8
# A longer footer takes longer to understand than its reader would save.
MAX_FOOTER_BYTES: Final = 2 << 20
# Readers that go by blocks have blocks of this size.
BLOCK_BYTES: Final = 4 << 10
# So many chunks of a column are on their way for each one that was read of it: as in a sequence of bytes, a reader is
# expected to go on for as long again, and as long again after that.
AHEAD_OF_COLUMN: Final = 4
# The same while no column was read twice: who wants one row group only is brought about twice as much, and that once.
AHEAD_OF_HOPE: Final = 1
# pyarrow reads with eight threads, in whatever order they come: so many reads may pass without one that was expected.
PATIENCE: Final = 8
# After so many failures the reader is none that goes by columns.
MAX_FAILURES: Final = 2

# A read of more chunks is not one of columns.
MAX_CHUNKS: Final = 1000

Chunk = tuple[int, int]


class ChunkTable:
    """Where the column chunks of a file lie: at row group and column.

    Parameters
    ----------
    metadata
        The footer, as ``pyarrow.parquet`` reads it. What it says is believed only as far as it makes sense.
    size
        Bytes of the file.
    """

    def __init__(self, metadata: Any, size: int) -> None:
        self._metadata, self._size = metadata, size
        self.groups: int = metadata.num_row_groups
        self.columns: int = metadata.num_columns
        self._starts = [self.span((group, 0)).start for group in range(self.groups)] if self.columns else []
        # Only a writer that nobody knows has another order; then nothing is found, or found wrong and not read.
        self.is_ordered = self._starts == sorted(self._starts)

    def span(self, chunk: Chunk) -> ByteRange:
        """Where a chunk lies; empty where that is not within this file."""
        found = self._metadata.row_group(chunk[0]).column(chunk[1])
        start: int = found.data_page_offset
        # The dictionary comes first, where there is one (0 is what some writers say where there is none).
        if found.has_dictionary_page and 0 < (found.dictionary_page_offset or 0) < start:
            start = found.dictionary_page_offset
        length = found.total_compressed_size
        if start < 0 or length < 0 or start + length > self._size or found.file_path:
            return ByteRange(0, 0)
        return ByteRange(start, start + length)

    def touched(self, read: ByteRange) -> Iterator[Chunk]:
        """The chunks that lie within a read, or in which it lies."""
        first = max(0, bisect_right(self._starts, read.start) - 1)
        begin = bisect_right(range(self.columns), read.start, key=lambda column: self.span((first, column)).start)
        column = max(0, begin - 1)
        for group in range(first, self.groups):
            for each in range(column, self.columns):
                span = self.span((group, each))
                if span.start >= read.stop:
                    return
                if len(span) and (
                    (read.start <= span.start and span.stop <= read.stop)
                    or (span.start <= read.start and read.stop <= span.stop)
                ):
                    yield group, each
            column = 0


class _Column:
    """What is known of one column.

    Parameters
    ----------
    following
        No row group before this one is to be expected any more.
    """

    __slots__ = ("expected", "following", "read")

    def __init__(self, following: int) -> None:
        self.following = following
        # Row groups that were read; those that are on their way, or here and not read, and how many bytes each.
        self.read: set[int] = set()
        self.expected: dict[int, int] = {}

    @property
    def is_proven(self) -> bool:
        return len(self.read) > 1

    def next_group(self, groups: int, ahead: int) -> int | None:
        """The row group to expect next, of so many; None where enough are expected, or there is none."""
        if len(self.expected) >= ahead * len(self.read):
            return None
        while self.following in self.read:
            self.following += 1
        return self.following if self.following < groups else None


class ColumnGuide:
    """Learns from the reads of one file which of its column chunks are read next.

    A column that was read in two row groups is read in more; so are those beside which it was read. One that was read
    in one is hoped to be read in the next, unless the last reader of this process who was hoped for stayed in one row
    group. Where the reader does otherwise, the guide starts again, and in the end gives up. It does nothing for files
    that are not Parquet, and nothing where ``pyarrow.parquet`` is not loaded, which is asked to read the footer.

    Parameters
    ----------
    size
        Bytes of the file.
    held
        Gives bytes of the file that are in memory already; None where they are not.
    """

    # Whether readers go on to the next row group, as far as this process knows: no, from when one is hoped to do so
    # until one does.
    may_hope: ClassVar[bool] = True

    def __init__(self, size: int, held: Callable[[ByteRange], bytes | None]) -> None:
        self._size, self._held = size, held
        self._table: ChunkTable | None = None
        self._columns: dict[int, _Column] = {}
        self._read_bytes = self._unlucky = self._failures = self._tries = 0
        self._first, self._grain = 0, 1
        self._ahead = AHEAD_OF_COLUMN
        # Whether there is something to expect.
        self.is_active = False
        # Whether nothing is to be learned any more.
        self.is_over = False

    def follow(self, read: ByteRange, *, has_jumped: bool) -> bool:
        """Learn from a read.

        Parameters
        ----------
        has_jumped
            It does not begin where the last one ended.

        Returns
        -------
        bool
            Whether it is of chunks, so that nothing beside them is wanted.
        """
        try:
            table = self._table or (self._read_footer(read) if has_jumped else None)
            chunks = [] if table is None else list(islice(table.touched(read), MAX_CHUNKS + 1))
        except Exception:  # noqa: BLE001 - whatever pyarrow thinks of a footer, its reader is who must hear it
            self.is_over = True
            return False
        # Who reads all columns at once reads a sequence.
        if not chunks or table is None or len(chunks) >= max(2, table.columns):
            return False
        self._learn(read, chunks)
        if any(column.is_proven for column in self._columns.values()):
            ColumnGuide.may_hope, self._ahead = True, AHEAD_OF_COLUMN
            self.is_active |= has_jumped
        elif ColumnGuide.may_hope and has_jumped and self._goes_by_columns(read, chunks):
            ColumnGuide.may_hope, self._ahead, self.is_active = False, AHEAD_OF_HOPE, True
        return True

    def take(self, max_bytes: int, max_chunks: int) -> list[ByteRange]:
        """What is to be on its way from now on, soonest first.

        Parameters
        ----------
        max_bytes, max_chunks
            How much may be on its way, or here and not read.
        """
        table = self._table
        if not self.is_active or table is None:
            return []
        columns = self._columns.values()
        count = max_chunks - sum(len(column.expected) for column in columns)
        room = min(max_bytes, AHEAD_OF_COLUMN * self._read_bytes)
        room -= sum(sum(column.expected.values()) for column in columns)
        # Columns that were read once may be a reader's last ones, which it reads when it has all of the others.
        unproven = max_chunks // 2 - sum(len(column.expected) for column in columns if not column.is_proven)
        queue: list[tuple[int, int]] = []

        def enqueue(index: int, column: _Column) -> None:
            group = column.next_group(table.groups, self._ahead)
            if group is not None:
                heappush(queue, (group, index))

        for index, column in self._columns.items():
            enqueue(index, column)
        wanted: list[ByteRange] = []
        while queue and count > 0:
            group, index = heappop(queue)
            column, span = self._columns[index], table.span((group, index))
            if len(span) > room or not (column.is_proven or unproven > 0):
                continue
            column.following, column.expected[group] = group + 1, len(span)
            count, room, unproven = count - 1, room - len(span), unproven - (not column.is_proven)
            wanted.append(self._whole_blocks(span))
            enqueue(index, column)
        return wanted

    def _goes_by_columns(self, read: ByteRange, chunks: list[Chunk]) -> bool:
        """Whether a read is of whole chunks and nothing else, and a row group follows to which the reader may go on."""
        table = self._table
        if table is None or chunks[-1][0] + 1 >= table.groups:
            return False
        first, last = table.span(chunks[0]), table.span(chunks[-1])
        return (read.start, read.stop) == (first.start, last.stop)

    def _learn(self, read: ByteRange, chunks: list[Chunk]) -> None:
        self._read_bytes += len(read)
        self._grain = 1 if read.start % BLOCK_BYTES or read.stop % BLOCK_BYTES else BLOCK_BYTES
        if not self._columns:
            self._first = chunks[0][0]
        is_waiting = any(column.expected for column in self._columns.values())
        was_expected = is_same = False
        for group, index in chunks:
            column = self._columns.setdefault(index, _Column(self._first))
            is_same |= group in column.read
            was_expected |= column.expected.pop(group, None) is not None
            column.read.add(group)
        if was_expected or not is_waiting:
            self._unlucky = 0
        elif not is_same:
            self._unlucky += 1
        if self._unlucky > PATIENCE:
            self._failures += 1
            self._forget()

    def _forget(self) -> None:
        self._columns.clear()
        self.is_active = False
        self._read_bytes = self._unlucky = 0
        self.is_over = self._failures >= MAX_FAILURES

    def _whole_blocks(self, span: ByteRange) -> ByteRange:
        start, stop = span.start // self._grain * self._grain, -(-span.stop // self._grain) * self._grain
        return ByteRange(start, min(stop, self._size))

    def _read_footer(self, read: ByteRange) -> ChunkTable | None:
        """Understand the footer, when something before it is read."""
        parquet, self._tries = sys.modules.get("pyarrow.parquet"), self._tries + 1
        self.is_over = self._tries > PATIENCE
        end = self._held(ByteRange(max(0, self._size - _END_BYTES), self._size))
        if parquet is None or end is None:
            return None
        length = int.from_bytes(end[:4], "little")
        footer = ByteRange(max(0, self._size - _END_BYTES - length), self._size)
        if end[4:] != _MAGIC or length > MAX_FOOTER_BYTES:
            self.is_over = True
        data = None if self.is_over or read.stop > footer.start else self._held(footer)
        if data is None:
            return None
        table = ChunkTable(parquet.read_metadata(io.BytesIO(data)), self._size)
        self.is_over = not table.is_ordered
        self._table = None if self.is_over else table
        return self._table
