"""The map of an object's bytes: what was fetched, what of it was read, from where, and what for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from objfs.observing import SDK_PLANE, Read, Request
from objfs.ranges import repeated, union, without
from objfs.tracing.drawing import WIDTH
from objfs.tracing.summary import ObjectCost, fetched_of, human_bytes, human_time, visible
from objfs.types import ByteRange

_ROW: Final = 15.0
_BAR: Final = 12.0
# Where the rows begin, beside their names.
_LEFT: Final = 70.0
_THINNEST: Final = 0.8
# Of the whole object: what is nearer is drawn as one, so that a page of very many small reads stays small.
_CLOSEST: Final = 1 / 4000


def map_of(cost: ObjectCost, requests: Sequence[Request], reads: Sequence[Read]) -> str:
    """One object: what it has cost, and its map."""
    size = max(cost.size or 0, 1)
    fetched = union(fetched_of(requests))
    read = union(each.range for each in reads)
    waited = union(part for each in reads for part in each.waited)
    rows = [
        ("fetched", "".join(_fetched(each, size) for each in requests)),
        ("again", _bars("again", repeated(fetched_of(requests)), size, _row_at(1), "fetched again")),
        (
            "read",
            _bars("cached", without(read, waited), size, _row_at(2), "read from a cache")
            + _bars("waited", waited, size, _row_at(2), "read, waited for"),
        ),
        ("unread", _bars("unread", without(fetched, read), size, _row_at(3), "never read")),
    ]
    names = "".join(
        f'<text x="2" y="{_row_at(number) + 10:.0f}">{name}</text>'
        f'<rect class="track" x="{_LEFT:.0f}" y="{_row_at(number):.0f}" width="{WIDTH - _LEFT:.0f}" height="{_BAR}"/>'
        for number, (name, _) in enumerate(rows)
    )
    bottom = _row_at(len(rows)) + 11
    scale = (
        f'<text class="tick" x="{_LEFT:.0f}" y="{bottom:.0f}">0</text>'
        f'<text class="tick end" x="{WIDTH}" y="{bottom:.0f}">{human_bytes(size)}</text>'
    )
    return (
        f"<section><h3>{escape(visible(cost.url))}</h3><p>{escape(_said(cost))}</p>"
        f'<svg class="bytes" viewBox="0 0 {WIDTH} {bottom + 4:.0f}" role="img" aria-label="Bytes of the object">'
        f"{names}{''.join(drawn for _, drawn in rows)}{scale}</svg></section>"
    )


def _said(cost: ObjectCost) -> str:
    parts = [
        f"{cost.requests} request{'s' * (cost.requests != 1)} in {human_time(cost.milliseconds)}",
        f"{human_bytes(cost.received)} received",
        f"{human_bytes(cost.unread)} never read",
        f"{human_bytes(cost.from_cache)} read from a cache",
    ]
    if cost.again:
        parts.append(f"{human_bytes(cost.again)} fetched again")
    if cost.repeats:
        parts.append(f"{cost.repeats} repeated")
    return ", ".join(parts)


def _row_at(number: int) -> float:
    return number * _ROW


def _fetched(request: Request, size: int) -> str:
    if request.verb != "GET" or request.range is None:
        return ""
    kind = "sdk" if request.plane == SDK_PLANE else "data"
    if request.has_failed:
        kind += " failed"
    elif request.attempt > 1:
        kind += " repeat"
    return _bar(f"got {kind}", request.range, size, 0.0, f"{request.plane}, {human_time(request.milliseconds)}")


def _bars(kind: str, ranges: Iterable[ByteRange], size: int, at: float, said: str) -> str:
    return "".join(_bar(kind, each, size, at, said) for each in _joined(ranges, size * _CLOSEST))


def _joined(ranges: Iterable[ByteRange], gap: float) -> list[ByteRange]:
    """Ranges in order, as one where nobody could see what lies between."""
    joined: list[ByteRange] = []
    for each in ranges:
        if joined and each.start - joined[-1].stop < gap:
            joined[-1] = ByteRange(joined[-1].start, each.stop)
        else:
            joined.append(each)
    return joined


def _bar(kind: str, part: ByteRange, size: int, at: float, said: str) -> str:
    scale = (WIDTH - _LEFT) / size
    width = max(len(part) * scale, _THINNEST)
    start = min(_LEFT + part.start * scale, WIDTH - _THINNEST)
    return (
        f'<rect class="{kind}" x="{start:.2f}" y="{at:.1f}" width="{min(width, WIDTH - start):.2f}" height="{_BAR}">'
        f"<title>{part.start}-{part.stop} ({human_bytes(len(part))}): {escape(said)}</title></rect>"
    )
