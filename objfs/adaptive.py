"""The default cache of a file: reads ahead of sequential access in parallel, gives random access what it asks.

Memory is bounded: what lies ahead by `AHEAD_BYTES` beside the part that is being read, what is kept by `KEPT_BYTES`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final, Protocol

from fsspec.caching import BaseCache

from objfs.ranges import split_range
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

    @property
    def in_flight(self) -> int:
        """Requests of full parts that may be made at a time."""
        ...

    def load(self, wanted: ByteRange) -> SizedBuffer:
        """One request, blocking."""
        ...

    def fill(self, whole: Assembly, wanted: ByteRange) -> None:
        """As many requests side by side as the range has parts; interruptible."""
        ...


class Block:
    """A range that is here, or on its way."""

    __slots__ = ("_data", "_pending", "start", "stop")

    def __init__(self, wanted: ByteRange, data: SizedBuffer | Pending[SizedBuffer]) -> None:
        self.start, self.stop = wanted.start, wanted.stop
        self._pending = data if isinstance(data, Pending) else None
        self._data = b"" if isinstance(data, Pending) else data

    def data(self) -> SizedBuffer:
        """The bytes, waited for."""
        if self._pending is not None:
            self._data, self._pending = self._pending.result(), None
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
        self._pid = os.getpid()
        # Threads that share a file mix up its position, but each read is one read.
        self._lock = threading.RLock()
        # Where the sequence that is being read began, and where it goes on.
        self._run_start = self._expected = 0
        self._is_run = True
        self._margin = FIRST_MARGIN_BYTES
        # What the last random read brought beyond what was asked, until it proves useful.
        self._unproven = ByteRange(0, 0)

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        begin, end = start or 0, self.size if stop is None else min(stop, self.size)
        if begin >= end:
            return b""
        with self._lock:
            return self._read(begin, end)

    def _read(self, begin: int, end: int) -> bytes:
        self._follow(begin, end)
        block = self._find(begin)
        data = self._data_of(block) if block is not None and end <= block.stop else None
        if block is None or data is None:
            whole = Assembly(ByteRange(begin, end))
            self._compose(whole)
            found = whole.tobytes()
            return found if end <= self.size else found[: max(0, self.size - begin)]
        self._look_ahead(end)
        self._forget_before(end)
        if isinstance(data, bytes) and len(data) == end - begin:
            return data
        return bytes(memoryview(data)[begin - block.start : end - block.start])

    def read_into(self, begin: int, target: memoryview) -> int:
        """Copy bytes from ``begin`` on into a buffer, with no copy in between; how many there were."""
        wanted = ByteRange(begin, max(begin, min(begin + len(target), self.size)))
        if len(wanted):
            with self._lock:
                self._follow(wanted.start, wanted.stop)
                self._compose(Assembly(wanted, target))
        return max(0, min(wanted.stop, self.size) - wanted.start)

    def _follow(self, begin: int, end: int) -> None:
        """Learn from where the reader is."""
        if self._pid != os.getpid():
            # A forked child has the blocks, but nobody who brings those that were on their way.
            self._pid = os.getpid()
            self._ahead.clear()
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

    def _forget_before(self, at: int) -> None:
        while self._ahead and self._ahead[0].stop <= at:
            self._ahead.popleft()

    def _find(self, at: int) -> Block | None:
        """The block that holds a byte."""
        opening = self._opening
        if opening.start <= at < opening.stop:
            return opening
        for blocks in (self._ahead, self._kept):
            for block in blocks:
                if block.start <= at < block.stop:
                    return block
        return None

    def _data_of(self, block: Block) -> SizedBuffer | None:
        """The bytes of a block; None where a guess failed, so that who needs them asks again and gets the error."""
        try:
            return block.data()
        except BaseException as error:
            # Also after Ctrl-C: what was waited for cannot be waited for again.
            self._ahead.clear()
            if not isinstance(error, Exception):
                raise
            return None

    def _compose(self, whole: Assembly) -> None:
        """Bring a range: what is not here is asked for first, then what is here is copied."""
        found: list[Block] = []
        gaps: list[ByteRange] = []
        at, end = whole.whole.start, whole.whole.stop
        while at < end:
            block = self._find(at)
            if block is None:
                known = (each.start for each in (self._opening, *self._ahead, *self._kept) if each.start > at)
                gaps.append(ByteRange(at, min(end, *known, end)))
                at = gaps[-1].stop
            else:
                found.append(block)
                at = block.stop
        self._look_ahead(end)
        for gap in gaps:
            self._bring(whole, gap)
        for block in found:
            data = self._data_of(block)
            start, stop = max(block.start, whole.whole.start), min(block.stop, end)
            if data is None:
                self._bring(whole, ByteRange(start, stop))
            else:
                whole.put(start, memoryview(data)[start - block.start : stop - block.start])
        self._forget_before(end)

    def _bring(self, whole: Assembly, gap: ByteRange) -> None:
        """Ask for a range and wait for it."""
        requests = self._requests
        self.miss_count += 1
        self.total_requested_bytes += len(gap)
        if not requests.is_pinned:
            whole.put(gap.start, self.fetcher(gap.start, gap.stop))
            # Who gave the size may have been told of more bytes than there are.
            self.size = requests.size
        elif len(gap) > PART_BYTES:
            requests.fill(whole, gap)
        else:
            wanted = gap if self._is_run else self._with_margin(gap)
            data = call(partial(requests.load, wanted))
            whole.put(gap.start, memoryview(data)[: len(gap)])
            if not self._is_run:
                self._keep(Block(wanted, data))

    def _with_margin(self, gap: ByteRange) -> ByteRange:
        if len(self._unproven):
            self._margin = max(self._margin // 2, SMALLEST_MARGIN_BYTES)
        self._unproven = ByteRange(gap.stop, max(gap.stop, min(gap.stop + self._margin, self.size)))
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
        if not self._is_run or not requests.is_pinned:
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
            if len(self._ahead) >= requests.in_flight:
                return
            self._ahead.append(Block(part, Pending(partial(requests.load, part))))

    def _covered_to(self, at: int) -> int:
        """Where what is here without a gap ends."""
        while (block := self._find(at)) is not None:
            at = block.stop
        return at
