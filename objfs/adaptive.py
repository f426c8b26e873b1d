"""The default cache of a file: reads ahead of sequential access in parallel, gives random access what it asks.

Memory is bounded: what lies ahead by `AHEAD_BYTES` beside the part that is being read, what is kept by `KEPT_BYTES`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import ClassVar, Final, Protocol

from fsspec.caching import BaseCache

from objfs import observing
from objfs.columns import ColumnGuide
from objfs.ranges import merge_ranges, split_range
from objfs.transfers import PART_BYTES, Assembly
from objfs.types import ByteRange, Chunk, SizedBuffer
from objfs.workers import Pending, call

# What a file fetches before it is asked for, at most.
AHEAD_BYTES: Final = 64 << 20
# A sequence is expected to go on for as long again, and as long again after that.
AHEAD_OF_RUN: Final = 2
# Smaller requests are not worth their latency; larger ones would leave connections idle.
SMALLEST_AHEAD_BYTES: Final = 256 << 10
AHEAD_PARTS: Final = 4
# What a random read brings beyond what was asked: as much as proves useful, within these bounds.
FIRST_MARGIN_BYTES: Final = 64 << 10
SMALLEST_MARGIN_BYTES: Final = 512
LARGEST_MARGIN_BYTES: Final = 1 << 20
# Random readers return to a few places, such as the indexes of an HDF5 file.
KEPT_BYTES: Final = 8 << 20
KEPT_BLOCKS: Final = 32
# Column chunks that are expected share a request where they lie closer than this, as they do for pyarrow.
COLUMN_GAP_BYTES: Final = 8 << 10
# Who is lent a part of a block keeps all of it in memory; of less than half of it a copy is made.
SMALLEST_LOAN: Final = 0.5


class Fetcher(Protocol):
    """The open object, as the cache asks for its bytes. May be called in any thread."""

    @property
    def size(self) -> int:
        """Bytes of the object."""
        ...

    @property
    def is_pinned(self) -> bool:
        """Whether a request has said which version is read."""
        ...

    def in_flight(self, request_bytes: int) -> int:
        """How many requests of that many bytes, at most a full part, may be made at a time."""
        ...

    def load(self, wanted: ByteRange) -> SizedBuffer:
        """One request, blocking."""
        ...

    def fill(self, whole: Assembly, wanted: ByteRange) -> None:
        """As many requests side by side as the range has parts; interruptible."""
        ...

    def tell_read(self, wanted: ByteRange, waited: Sequence[ByteRange]) -> None:
        """Tell who watches that the range is read, and what of it is not here yet."""
        ...


class Block:
    """A range that is here, or on its way."""

    __slots__ = ("_data", "_lock", "_pending", "start", "stop")

    def __init__(self, wanted: ByteRange, data: SizedBuffer | Pending[SizedBuffer]) -> None:
        self.start, self.stop = wanted.start, wanted.stop
        self._pending = data if isinstance(data, Pending) else None
        self._data = None if isinstance(data, Pending) else data
        self._lock = threading.Lock()

    def data(self) -> SizedBuffer | None:
        """The bytes, waited for; None where a guess failed, so that who needs them asks again and gets the error."""
        if self._pending is not None:
            # Only one thread can wait for what is pending.
            with self._lock:
                pending = self._pending
                try:
                    if pending is not None:
                        self._data = pending.result()
                except Exception:  # noqa: BLE001 - asked again
                    return None
                finally:
                    # Also after Ctrl-C: nobody can wait for it again.
                    self._pending = None
        return self._data


class AdaptiveCache(BaseCache):  # type: ignore[misc]
    """Read ahead of sequential access in parallel; give random access what it asks and a margin that pays.

    Parameters
    ----------
    blocksize
        What is read ahead at least, bytes.
    fetcher
        ``(start, stop) -> bytes`` while the file is not pinned; ``stop`` never exceeds ``size``.
    size
        Bytes of the object, or as many as its caller says before a request has told it.
    requests
        The object.
    first
        What the open already brought.
    """

    name: ClassVar[str] = "adaptive"

    def __init__(
        self,
        blocksize: int,
        fetcher: Callable[[int, int], bytes],
        size: int,
        *,
        requests: Fetcher,
        first: Chunk | None = None,
    ) -> None:
        super().__init__(blocksize, fetcher, size)
        self._requests = requests
        self._opening = Block(ByteRange(0, 0), b"")
        if first is not None:
            self._opening = Block(ByteRange(first.start, first.stop), first.data)
        self._ahead: deque[Block] = deque()
        self._kept: deque[Block] = deque()
        # What knows the format of the file, and what it expects.
        self._guide = ColumnGuide(size, self._held)
        self._guided: list[Block] = []
        self._pid = os.getpid()
        # Threads that share a file mix up its position, but each read is one read. Nobody waits for bytes with it.
        self._lock = threading.RLock()
        self._readers = 0
        # Where the sequence that is being read began, and where it goes on.
        self._run_start = self._expected = 0
        self._is_run = True
        # Whether the read is known to want nothing beside what it asks.
        self._is_exact = False
        self._margin = FIRST_MARGIN_BYTES
        # What the last random read brought beyond what was asked, until it proves useful.
        self._unproven = ByteRange(0, 0)

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        data = self.lend(start or 0, self.size if stop is None else min(stop, self.size))
        return data if isinstance(data, bytes) else bytes(data)

    def lend(self, begin: int, end: int) -> SizedBuffer:
        """The bytes of a range within the file, read-only: where they lie, if they fill most of a block, or a copy."""
        if begin >= end:
            return b""
        with self._reading():
            return self._lend(ByteRange(begin, end))

    def opened_whole(self) -> SizedBuffer | None:
        """The whole object, read-only, where the open has brought it."""
        opening = self._opening
        return opening.data() if (opening.start, opening.stop) == (0, self.size) else None

    def _lend(self, wanted: ByteRange) -> SizedBuffer:
        found, gaps = self._plan(wanted)
        if not found and len(wanted) <= PART_BYTES and self._requests.is_pinned:
            self.miss_count += 1
            self.total_requested_bytes += len(wanted)
            found, gaps = [self._load(wanted)], []
        if len(found) == 1 and not gaps:
            data = self._part_of(found[0], wanted)
            if data is not None:
                return data
            found, gaps = [], [wanted]
        whole = Assembly(wanted)
        self._compose(whole, found, gaps)
        composed = whole.tobytes()
        return composed if wanted.stop <= self.size else composed[: max(0, self.size - wanted.start)]

    def _part_of(self, block: Block, wanted: ByteRange) -> SizedBuffer | None:
        data = self._data_of(block)
        self._forget_read(wanted)
        if data is None or len(data) == len(wanted):
            return data
        view = memoryview(data)[wanted.start - block.start : wanted.stop - block.start]
        return view if len(view) >= SMALLEST_LOAN * len(data) else bytes(view)

    def read_into(self, begin: int, target: memoryview) -> int:
        """Copy bytes from ``begin`` on into a buffer, with no copy in between; how many there were."""
        wanted = ByteRange(begin, max(begin, min(begin + len(target), self.size)))
        if len(wanted):
            with self._reading():
                self._compose(Assembly(wanted, target), *self._plan(wanted))
        return max(0, min(wanted.stop, self.size) - wanted.start)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        if self._pid != os.getpid():
            # A forked child has the blocks, but nobody who brings those that were on their way or gives the lock back.
            self._pid, self._lock, self._readers = os.getpid(), threading.RLock(), 0
            self._ahead.clear()
            self._guided.clear()
        with self._lock:
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1

    def _plan(self, wanted: ByteRange) -> tuple[list[Block], list[ByteRange]]:
        """The blocks that hold parts of a range, and what none of them holds; what may be read next is on its way."""
        with self._lock:
            self._follow(wanted.start, wanted.stop)
            found, gaps = self._survey(wanted)
            self._look_ahead(wanted.stop)
            self._follow_guide(wanted)
        if observing.observers:
            self._requests.tell_read(wanted, gaps)
        return found, gaps

    def _follow(self, begin: int, end: int) -> None:
        """Learn from where the reader is."""
        self._is_run = begin == self._expected
        if not self._is_run:
            self._run_start = begin
        self._expected = end
        self._forget_before(begin)
        if self._ahead and begin < self._ahead[0].start and not self._is_run:
            self._ahead.clear()
        if begin < self._unproven.stop and self._unproven.start < end:
            self._margin = min(2 * self._margin, LARGEST_MARGIN_BYTES)
            self._unproven = ByteRange(0, 0)

    def _follow_guide(self, read: ByteRange) -> None:
        """Have what the format says is read next brought."""
        guide, requests = self._guide, self._requests
        self._is_exact = not guide.is_over and guide.follow(read, has_jumped=not self._is_run)
        if not guide.is_active:
            self._guided.clear()
        elif requests.is_pinned and self._readers == 1:
            # Threads that read at the same time bring what they need as soon.
            wanted = guide.take(AHEAD_BYTES, requests.in_flight(min(len(read), PART_BYTES)))
            for plan in merge_ranges(wanted, max_gap_bytes=COLUMN_GAP_BYTES, max_request_bytes=PART_BYTES):
                for gap in self._survey(plan.range)[1]:
                    self._guided += [self._begin(part) for part in split_range(gap, PART_BYTES)]

    def _begin(self, wanted: ByteRange) -> Block:
        return Block(wanted, Pending(partial(self._requests.load, wanted)))

    def _forget_before(self, at: int) -> None:
        while self._ahead and self._ahead[0].stop <= at:
            self._ahead.popleft()

    def _forget_read(self, read: ByteRange) -> None:
        """What is read to its end is not read again."""
        with self._lock:
            self._forget_before(read.stop)
            self._guided = [block for block in self._guided if block.stop <= read.start or read.stop < block.stop]

    def _find(self, at: int) -> Block | None:
        """The block that holds a byte."""
        opening = self._opening
        if opening.start <= at < opening.stop:
            return opening
        for blocks in (self._ahead, self._guided, self._kept):
            for block in blocks:
                if block.start <= at < block.stop:
                    return block
        return None

    def _next_block(self, at: int, end: int) -> int:
        """Where the first block begins between two places, or the second of them."""
        blocks = (self._opening, *self._ahead, *self._guided, *self._kept)
        return min((block.start for block in blocks if at < block.start < end), default=end)

    def _survey(self, wanted: ByteRange) -> tuple[list[Block], list[ByteRange]]:
        """The blocks that hold parts of a range, and what none of them holds."""
        found: list[Block] = []
        gaps: list[ByteRange] = []
        at = wanted.start
        while at < wanted.stop:
            block = self._find(at)
            if block is None:
                gaps.append(ByteRange(at, self._next_block(at, wanted.stop)))
                at = gaps[-1].stop
            else:
                found.append(block)
                at = block.stop
        return found, gaps

    def _data_of(self, block: Block) -> SizedBuffer | None:
        """The bytes of a block; None, as for the block, and where one guess failed the others are forgotten."""
        data = None
        try:
            data = block.data()
        finally:
            if data is None:
                with self._lock:
                    self._ahead.clear()
                    self._guided.clear()
        return data

    def _held(self, wanted: ByteRange) -> bytes | None:
        """Bytes that are kept; None where some of them are not."""
        found, gaps = self._survey(wanted)
        if gaps or not set(found) <= {self._opening, *self._kept}:
            return None
        whole = Assembly(wanted)
        self._compose(whole, found, gaps)
        return whole.tobytes()

    def _compose(self, whole: Assembly, found: Sequence[Block], gaps: Sequence[ByteRange]) -> None:
        """Bring a range: what is not here is asked for first, then what is here is copied."""
        wanted = whole.whole
        for gap in gaps:
            self._bring(whole, gap)
        for block in found:
            data = self._data_of(block)
            part = ByteRange(max(block.start, wanted.start), min(block.stop, wanted.stop))
            if data is None:
                self._bring(whole, part)
            else:
                whole.put(part.start, memoryview(data)[part.start - block.start : part.stop - block.start])
        self._forget_read(wanted)

    def _bring(self, whole: Assembly, gap: ByteRange) -> None:
        """Ask for a range and wait for it."""
        requests = self._requests
        self.miss_count += 1
        self.total_requested_bytes += len(gap)
        if not requests.is_pinned:
            # The first answer pins the file, for every thread.
            with self._lock:
                whole.put(gap.start, self.fetcher(gap.start, gap.stop))
                # Who gave the size may have been told of more bytes than there are.
                self.size = requests.size
        elif len(gap) > PART_BYTES:
            requests.fill(whole, gap)
        else:
            whole.put(gap.start, memoryview(self._load(gap).data() or b"")[: len(gap)])

    def _load(self, gap: ByteRange) -> Block:
        """Make one request for a range, and for what may be read after it."""
        with self._lock:
            is_random = not self._is_run and not self._is_exact
            wanted = self._with_margin(gap) if is_random else gap
        block = Block(wanted, call(partial(self._requests.load, wanted)))
        if is_random:
            with self._lock:
                self._keep(block)
        return block

    def _with_margin(self, gap: ByteRange) -> ByteRange:
        if len(self._unproven):
            self._margin = max(self._margin // 2, SMALLEST_MARGIN_BYTES)
        stop = self._next_block(gap.stop - 1, min(gap.stop + self._margin, self.size))
        self._unproven = ByteRange(gap.stop, max(gap.stop, stop))
        return ByteRange(gap.start, self._unproven.stop)

    def _keep(self, block: Block) -> None:
        self._kept.appendleft(block)
        held = sum(each.stop - each.start for each in self._kept)
        while held > KEPT_BYTES or len(self._kept) > KEPT_BLOCKS:
            last = self._kept.pop()
            held -= last.stop - last.start

    def _look_ahead(self, end: int) -> None:
        """Have what follows a sequence brought: the further, the longer it is."""
        requests = self._requests
        if not self._is_run or self._guide.is_active or not requests.is_pinned:
            return
        wanted = min(AHEAD_BYTES, AHEAD_OF_RUN * (end - self._run_start))
        known = self._ahead[-1].stop if self._ahead else self._covered_to(end)
        missing = min(end + wanted, self.size) - known
        if missing <= 0 or (missing < min(wanted // 2, PART_BYTES) and known + missing < self.size):
            return
        # As few as the size of a part allows, or as many as make a few connections busy, and all of one length: a short
        # one at the end would cost a request for little.
        count = max(-(-missing // PART_BYTES), min(missing // self.blocksize, AHEAD_PARTS - len(self._ahead)))
        for part in split_range(ByteRange(known, known + missing), -(-missing // count)):
            if len(self._ahead) >= requests.in_flight(PART_BYTES):
                return
            self._ahead.append(self._begin(part))

    def _covered_to(self, at: int) -> int:
        """Where what is here without a gap ends."""
        while (block := self._find(at)) is not None:
            at = block.stop
        return at
