"""Answers that hold other bytes than were asked for: an error, never these bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import Act, Exchange, Rule
from tests.faults.ways import Bench, bench

DATA = b"".join(b"%07d\n" % number for number in range(60_000))
PLANES = ("obstore", "sdk")
_RANGE = re.compile(rb"(?im)^((?:x-ms-)?range: bytes=)(\d+)-(\d+)\r$")


def _whole(exchange: Exchange) -> bool:
    """200 with the whole object, as of a server that knows no ranges."""
    return exchange.spare(exchange.forward(without="range"))


def _elsewhere(exchange: Exchange) -> bool:
    """206 with as many bytes, from further on, which Content-Range says."""
    moved = _RANGE.sub(
        lambda found: b"%s%d-%d\r" % (found[1], int(found[2]) + 8, int(found[3]) + 8), exchange.request.raw
    )
    exchange.request = replace(exchange.request, raw=moved)
    return exchange.spare(exchange.forward())


def _untold(exchange: Exchange) -> bool:
    """206 without a Content-Range."""
    answer = exchange.forward()
    answer.headers = [(name, value) for name, value in answer.headers if name.lower() != "content-range"]
    return exchange.spare(answer)


ACTS: dict[str, Act] = {"whole": _whole, "elsewhere": _elsewhere, "untold": _untold}


def _in_the_middle(on: Bench, path: str) -> bytes:
    with on.fs.open(path, size=len(DATA), cache_type="none") as file:
        file.seek(5000)
        return file.read(10)


READS: dict[str, tuple[Callable[[Bench, str], Any], Any]] = {
    "slice": (lambda on, path: on.fs.cat_file(path, start=100, end=200), DATA[100:200]),
    "in-parts": (lambda on, path: on.fs.cat_file(path, chunksize=100_000), DATA),
    "ranges": (
        lambda on, path: on.fs.cat_ranges([path] * 2, [16, 300_000], [32, 300_016], max_gap=0, on_error="raise"),
        [DATA[16:32], DATA[300_000:300_016]],
    ),
    "file": (_in_the_middle, DATA[5000:5010]),
}


@pytest.mark.parametrize("fault", ACTS)
@pytest.mark.parametrize("plane", PLANES)
def test_bytes_that_nobody_asked_for_are_not_handed_out(
    cloud: CloudUnderTest, plane: str, fault: str, tmp_path: Path
) -> None:
    """What comes is right, or an `OSError` says what came; a part is never taken for the whole."""
    if cloud.name == "azure" and fault != "untold":
        pytest.skip("a shared key signs the range, which no proxy can change")
    cloud.raw.put("object", DATA)
    with bench(cloud, plane, tmp_path) as on:
        for name, (read, expected) in READS.items():
            with on.under(Rule(ACTS[fault], "^GET ")) as rule:
                try:
                    found = read(on, cloud.path("object"))
                except OSError:
                    continue
                finally:
                    assert rule.requests
            assert found == expected, name
