"""A trace as a table of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from objfs.observing import Request
from objfs.tracing.summary import ObjectCost, busy_milliseconds, human_bytes, human_time, visible

# Objects that have a line of their own.
_LINES: Final = 30
_HEAD: Final = ("requests", "received", "unread", "again", "sent", "cached", "busy", "repeats", "failed")


def totals_of(requests: Sequence[Request], objects: Sequence[ObjectCost], seconds: float) -> list[str]:
    """What it comes to, in a few lines."""
    received, sent = sum(each.received for each in requests), sum(each.sent for each in requests)
    unread, again = sum(each.unread for each in objects), sum(each.again for each in objects)
    count = sum(each.requests for each in requests)
    waiting = f"{human_time(busy_milliseconds(requests))} of {human_time(seconds * 1000)} waiting"
    moved = f"{human_bytes(received)} received, {human_bytes(sent)} sent"
    lines = [
        f"{_of(count, 'request')} to {_of(len(objects), 'place')}, {moved}, {waiting}",
        f"wasted: {human_bytes(unread)} fetched and never read, {human_bytes(again)} fetched more than once",
    ]
    if requests:
        verbs, planes = Counter[str](), Counter[str]()
        for each in requests:
            verbs[each.verb] += each.requests
            planes[each.plane] += each.requests
        by = [", ".join(f"{name} {number}" for name, number in kind.most_common()) for kind in (verbs, planes)]
        lines.append("; ".join(by))
    return lines


def table_of(requests: Sequence[Request], objects: Sequence[ObjectCost], seconds: float) -> str:
    """The whole."""
    rows = [(_HEAD, "object"), *((_cells(cost), visible(cost.url)) for cost in objects[:_LINES])]
    widths = [max(len(cells[column]) for cells, _ in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join([*(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)), name])
        for cells, name in rows
    ]
    if len(objects) > _LINES:
        rest = objects[_LINES:]
        count, received = sum(each.requests for each in rest), sum(each.received for each in rest)
        lines.append(f"… and {len(rest)} more, with {_of(count, 'request')} and {human_bytes(received)} received")
    return "\n".join([*totals_of(requests, objects, seconds), *(["", *lines] if objects else [])])


def _cells(cost: ObjectCost) -> tuple[str, ...]:
    return (
        str(cost.requests),
        human_bytes(cost.received),
        human_bytes(cost.unread),
        human_bytes(cost.again),
        human_bytes(cost.sent),
        human_bytes(cost.from_cache),
        human_time(cost.milliseconds),
        str(cost.repeats),
        str(cost.failures),
    )


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
