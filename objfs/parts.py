"""How a long object is cut when it is written, and the bytes that wait until they make a part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from objfs.clouds._cloud import PartBounds

# Bytes that nobody changes any more.
Piece: TypeAlias = bytes | bytearray | memoryview

# Parts in flight of one upload, where nobody says how many: what these bytes make, within bounds. One connection to S3
# moves about 90 MB/s, and each part in flight has a connection of its own.
IN_FLIGHT_BYTES: Final = 192 << 20
LEAST_IN_FLIGHT: Final = 4
MOST_IN_FLIGHT: Final = 16
# Shorter pieces are copied together: each costs a few microseconds on its way, about as much as copying so many bytes.
KEPT_BYTES: Final = 64 << 10


def part_size(bounds: PartBounds, total: int | None, asked: int | None) -> int:
    """Bytes per part: what was asked or a default, and more where ``total`` needs more parts than there may be.

    Parameters
    ----------
    bounds
        Of the cloud.
    total
        Bytes of the object; None where they are not known before the end.
    asked
        What the caller says.

    Raises
    ------
    ValueError
        Less than the cloud's smallest part was asked.
    """
    if asked is not None and asked < bounds.min_bytes:
        mebibytes = bounds.min_bytes / (1 << 20)
        msg = f"a block size for writing must be at least {bounds.min_bytes} bytes ({mebibytes:g} MiB), not {asked}"
        raise ValueError(msg)
    wanted = asked or (bounds.default_bytes if total is None else bounds.parallel_bytes)
    if total is not None:
        wanted = max(wanted, -(-total // bounds.max_count))
    return -(-wanted // bounds.multiple) * bounds.multiple


def parts_in_flight(part_bytes: int) -> int:
    """How many parts of that size one upload sends at a time where nobody says it."""
    return max(LEAST_IN_FLIGHT, min(MOST_IN_FLIGHT, IN_FLIGHT_BYTES // part_bytes))


def unchanging(view: memoryview) -> Piece:
    """Bytes that nobody changes any more: copied where their owner may."""
    return view if type(view.obj) is bytes else bytes(view)


def joined(pieces: Sequence[Piece]) -> Piece:
    """The bytes of all pieces in one; copied only where they are several."""
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Collector:
    """Bytes that were written and are not sent yet.

    Long ``bytes`` are kept as they came. Other buffers are copied, as their owner may change them, and so is what is
    short.
    """

    __slots__ = ("_open", "_pieces", "size")

    def __init__(self, first: bytes = b"") -> None:
        self._pieces: list[Piece] = []
        self._open: bytearray | None = None
        self.size = 0
        if first:
            self.add(memoryview(first))

    def add(self, view: memoryview) -> None:
        """Take bytes, one after another in memory."""
        self.size += len(view)
        if len(view) >= KEPT_BYTES:
            self._pieces.append(unchanging(view))
            self._open = None
            return
        if self._open is None:
            self._open = bytearray()
            self._pieces.append(self._open)
        self._open += view

    def take(self) -> list[Piece]:
        """Give all bytes away, in the pieces that they are in."""
        pieces, self._pieces, self._open, self.size = self._pieces, [], None, 0
        return pieces
