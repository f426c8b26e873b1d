"""A trace as a page: totals, a waterfall of the requests, a map of each object's bytes, every request in a table.

The page holds all that it needs, and no script: rectangles have titles, which browsers show. It refuses by a policy of
its own (https://www.w3.org/TR/CSP3/) whatever a name of an object might smuggle in beside the escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from objfs.observing import SDK_PLANE, Read, Request
from objfs.tracing.bytemap import map_of
from objfs.tracing.drawing import WIDTH, Lanes, ticks_of
from objfs.tracing.style import STYLE
from objfs.tracing.summary import ObjectCost, by_object, fetched_of, human_bytes, human_time, name_of, visible
from objfs.tracing.table import totals_of
from objfs.types import ByteRange

_BAR: Final = 9.0
_LANE: Final = 11.0
_LABEL: Final = 17.0
# A request has to be seen, however short it was.
_THINNEST: Final = 1.5
# Objects with a map, and requests with a line in the table: a page must stay one that browsers show.
_MAPS: Final = 200
_LINES: Final = 2000

_LEGEND: Final = (
    ("data", "obstore"),
    ("sdk", "SDK"),
    ("repeat", "repeated"),
    ("failed", "failed"),
    ("again", "fetched again"),
    ("waited", "read, waited for"),
    ("cached", "read from a cache"),
    ("unread", "never read"),
)


def page_of(requests: Sequence[Request], reads: Sequence[Read], objects: Sequence[ObjectCost], seconds: float) -> str:
    """The page, a whole document."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        'content="light dark"><title>objfs trace</title></head>\n<body>'
        f"{fragment_of(requests, reads, objects, seconds)}</body></html>\n"
    )


def fragment_of(
    requests: Sequence[Request], reads: Sequence[Read], objects: Sequence[ObjectCost], seconds: float
) -> str:
    """What is on the page, for a notebook."""
    totals = "".join(f"<p>{escape(line)}</p>" for line in totals_of(requests, objects, seconds))
    legend = "".join(f'<span><i class="{name}"></i>{meaning}</span>' for name, meaning in _LEGEND)
    grouped = by_object(requests, reads)
    shown = [cost for cost in objects if cost.size and any(_mapped(*grouped[name_of(cost)]))]
    maps = "\n".join(map_of(cost, *grouped[name_of(cost)]) for cost in shown[:_MAPS])
    more = f"<p>… and {len(shown) - _MAPS} more objects.</p>" if len(shown) > _MAPS else ""
    return (
        f'<div class="objfs-trace"><style>{STYLE}</style>\n<h1>objfs trace</h1>{totals}<p class="legend">{legend}</p>'
        f"\n<h2>When</h2>\n{_waterfall(requests)}\n<h2>Which bytes</h2>\n{maps}{more}"
        f"\n<details><summary>Every request</summary>\n{_table(requests)}</details></div>"
    )


def _mapped(requests: Sequence[Request], reads: Sequence[Read]) -> tuple[Sequence[ByteRange], Sequence[Read]]:
    """What there is to see on a map."""
    return fetched_of(requests), reads


def _waterfall(requests: Sequence[Request]) -> str:
    """Requests in time, side by side where they were under way at the same time, object by object."""
    if not requests:
        return "<p>No requests.</p>"
    begin = min(each.begun for each in requests)
    span = max(0.001, *(_ended(each, begin) for each in requests))
    scale = WIDTH / span
    at, drawn = 0.0, []
    for name, (ours, _) in by_object(requests, ()).items():
        drawn.append(f'<text x="2" y="{at + 12:.0f}">{escape(visible("{}://{}/{}".format(*name)))}</text>')
        at += _LABEL
        lanes = Lanes()
        for each in ours:
            start = (each.begun - begin) * 1000
            width = max(each.milliseconds * scale, _THINNEST)
            lane = lanes.place(start * scale, start * scale + width)
            drawn.append(
                f'<rect class="bar {_kind(each)}" x="{min(start * scale, WIDTH - _THINNEST):.2f}" '
                f'y="{at + lane * _LANE:.1f}" width="{width:.2f}" height="{_BAR}"><title>{_said(each, begin)}'
                "</title></rect>"
            )
        at += len(lanes) * _LANE + 4
    lines = "".join(
        f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{at:.0f}"/>'
        f'<text class="tick" x="{x + 2:.1f}" y="{at + 11:.0f}">{escape(human_time(value))}</text>'
        for value, x in ticks_of(span, scale)
    )
    return (
        f'<svg class="waterfall" viewBox="0 0 {WIDTH} {at + 14:.0f}" role="img" aria-label="Requests in time">'
        f"{lines}{''.join(drawn)}</svg>"
    )


def _ended(request: Request, begin: float) -> float:
    return (request.begun - begin) * 1000 + request.milliseconds


def _kind(request: Request) -> str:
    names = ["sdk" if request.plane == SDK_PLANE else "data"]
    if request.attempt > 1:
        names.append("repeat")
    if request.has_failed:
        names.append("failed")
    return " ".join(names)


def _said(request: Request, begin: float) -> str:
    """What a bar says when one points at it."""
    return escape("\n".join(f"{name}: {value}" for name, value in zip(_COLUMNS, _cells(request, begin), strict=True)))


_COLUMNS: Final = ("begun", "took", "verb", "object", "range", "received", "sent", "plane", "attempt", "outcome")


def _cells(request: Request, begin: float) -> tuple[str, ...]:
    place = visible(f"{request.filesystem}://{request.bucket}/{request.key}")
    outcome = " ".join(str(each) for each in (request.status, request.error) if each is not None) or "ok"
    return (
        f"+{human_time((request.begun - begin) * 1000)}",
        human_time(request.milliseconds),
        request.verb if request.requests == 1 else f"{request.verb} ×{request.requests}",  # noqa: RUF001 - times
        place,
        "" if request.range is None else f"{request.range.start}-{request.range.stop}",
        human_bytes(request.received),
        human_bytes(request.sent),
        request.plane,
        str(request.attempt),
        outcome,
    )


def _table(requests: Sequence[Request]) -> str:
    begin = min((each.begun for each in requests), default=0.0)
    rows = "".join(_row("td", _cells(each, begin)) for each in requests[:_LINES])
    rest = f"<p>… and {len(requests) - _LINES} more.</p>" if len(requests) > _LINES else ""
    return f"<table><thead>{_row('th', _COLUMNS)}</thead><tbody>{rows}</tbody></table>{rest}"


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
