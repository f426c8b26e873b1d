"""An abort comes after the parts that are in flight, which would be stored for good if they landed after it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from objfs import uploads
from tests.clouds import CloudUnderTest
from tests.faults.fault_proxy import Exchange, Rule, pass_on
from tests.faults.ways import OLD, PART, bench

PATIENCE = 20


@dataclass
class Slow:
    """Holds parts of uploads, and notes what is over in which order."""

    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    aborted: threading.Event = field(default_factory=threading.Event)
    over: list[str] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> bool:
        is_part = re.search(PART, f"{exchange.request.method} {exchange.request.target}") is not None
        if is_part:
            self.arrived.set()
            self.released.wait(PATIENCE)
        goes_on = pass_on(exchange)
        self.over.append("part" if is_part else exchange.request.method)
        if exchange.request.method == "DELETE":
            self.aborted.set()
        return goes_on


@pytest.mark.parametrize("cloud", ["s3", "gcs"], indirect=True)
def test_abort_waits_for_parts_in_flight_where_nobody_can_be_asked_afterwards(
    cloud: CloudUnderTest, tmp_path: Path
) -> None:
    """``engine="obstore"`` has no way to list the parts of an upload."""
    slow = Slow()
    with bench(cloud, "obstore", tmp_path) as on, on.under(Rule(slow)):
        file = on.fs.open(on.old("key"), "wb", block_size=on.part)
        file.write(on.large)
        assert slow.arrived.wait(PATIENCE)
        aborting = threading.Thread(target=file.discard)
        aborting.start()
        assert not slow.aborted.wait(0.2)
        slow.released.set()
        aborting.join(PATIENCE)
        assert slow.aborted.wait(PATIENCE)
        assert "part" not in slow.over[slow.over.index("DELETE") :]
        assert on.seen("key") == (OLD, [])


def test_abort_does_not_wait_for_ever(
    s3_cloud: CloudUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part may hang."""
    monkeypatch.setattr(uploads, "_LANDING_SECONDS", 0.1)
    slow = Slow()
    with bench(s3_cloud, "obstore", tmp_path) as on, on.under(Rule(slow)):
        file = on.fs.open(on.old("key"), "wb", block_size=on.part)
        file.write(on.large)
        assert slow.arrived.wait(PATIENCE)
        file.discard()
        assert slow.aborted.wait(PATIENCE)
        slow.released.set()
        assert on.seen("key") == (OLD, [])
