"""What happens to credentials in the middle of a call: every event, operation, plane and cloud, in requests and calls.

Each call has one request behind it when the event comes, so that it is neither at its beginning nor at its end.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from objfs.errors import CredentialsExpiredError
from tests.clouds import CloudUnderTest
from tests.faults.vending import DOWN, DUE, EXPIRED, Gate, Machine, machine_of

# A caller waits so long for a vendor that hangs, and no test so long for a caller.
PATIENCE_SECONDS = 0.5
BOUND_SECONDS = 20.0
BODY = os.urandom(1 << 19)
PART = 5 << 20
LONG = os.urandom(1 << 16) * (2 * PART >> 16) + b"the last part"
NAMES = [f"many/{number % 3}/{number}" for number in range(9)]


@dataclass(frozen=True)
class Operation:
    """Something that takes several requests.

    Parameters
    ----------
    run
        Carries it out; the event happens when the callable is called.
    wanted
        What it returns.
    undone
        Whether nothing of it is to be seen.
    planes
        Which can carry it out.
    max_concurrency
        Requests at a time.
    names
        Small objects that it needs.
    """

    run: Callable[[Machine, Path, Callable[[], None]], Any]
    wanted: Any
    undone: Callable[[Machine, Path], bool]
    planes: tuple[str, ...] = ("obstore", "sdk")
    max_concurrency: int = 8
    names: Sequence[str] = ()


def _read(machine: Machine, _: Path, event: Callable[[], None]) -> bytes:
    with machine.fs.open(machine.cloud.path("body"), cache_type="none") as file:
        first = file.read(1000)
        event()
        return bytes(first + file.read())


def _download(machine: Machine, folder: Path, event: Callable[[], None]) -> bytes:
    machine.gate.after(1, event)
    machine.fs.get_file(machine.cloud.path("body"), str(folder / "body"), chunksize=1 << 16)
    return (folder / "body").read_bytes()


def _upload(machine: Machine, _: Path, event: Callable[[], None]) -> bool:
    with machine.fs.open(machine.cloud.path("long"), "wb", block_size=PART) as file:
        for number in range(3):
            file.write(LONG[number * PART : (number + 1) * PART])
            if not number:
                machine.gate.after(1, event)
    return machine.cloud.raw.get("long") == LONG


def _walk(machine: Machine, _: Path, event: Callable[[], None]) -> list[str]:
    machine.gate.after(1, event)
    found = [f"{top}/{name}" for top, _, names in machine.fs.walk(machine.cloud.path("many")) for name in names]
    return sorted(name.partition("/")[2] for name in found)


def _remove(machine: Machine, _: Path, event: Callable[[], None]) -> list[str]:
    machine.gate.after(1, event)
    machine.fs.rm(machine.cloud.path("many"), recursive=True)
    return [name for name in machine.cloud.raw.listed() if name.startswith("many")]


def _nothing_to_undo(*_: Any) -> bool:
    return True


OPERATIONS = {
    "open read": Operation(_read, BODY, _nothing_to_undo),
    "parallel download": Operation(_download, BODY, lambda _, folder: list(folder.iterdir()) == []),
    "multipart upload": Operation(
        _upload, True, lambda machine, _: "long" not in machine.cloud.raw.listed(), max_concurrency=1
    ),
    "listing": Operation(_walk, sorted(NAMES), _nothing_to_undo, ("sdk",), names=NAMES),
    "bulk delete": Operation(
        _remove, [], lambda machine, _: set(NAMES) <= set(machine.cloud.raw.listed()), ("sdk",), names=NAMES
    ),
}


@dataclass(frozen=True)
class Event:
    """What happens in the middle of an operation.

    Parameters
    ----------
    happen
        What happens.
    calls
        How often the vendor has been asked in the end: once before it.
    fails
        What the operation raises; it succeeds where there is nothing.
    vendor_is_heard
        Whether the vendor's own error is among the causes.
    refused
        Whether the server gets to refuse anything; None where that depends on which requests were under way.
    for_each
        Whether requests that begin meanwhile may have the vendor asked once more each: they know of no refusal.
    """

    happen: Callable[[Machine], None]
    calls: int
    fails: type[OSError] | None = None
    vendor_is_heard: bool = False
    refused: bool | None = None
    for_each: bool = False


EVENTS = {
    "revoked": Event(lambda machine: machine.revoke(), 2, refused=True),
    "expired": Event(lambda machine: machine.pass_time(EXPIRED), 2),
    "due": Event(lambda machine: machine.pass_time(DUE), 2, refused=False),
    "due, vendor hangs": Event(lambda machine: machine.pass_time(DUE, "hangs"), 2, refused=False),
    "expired, vendor down": Event(
        lambda machine: machine.pass_time(EXPIRED, "down"), 2, CredentialsExpiredError, vendor_is_heard=True
    ),
    "revoked, vendor down": Event(
        lambda machine: machine.revoke("down"), 2, CredentialsExpiredError, vendor_is_heard=True, refused=True
    ),
    "revoked, vendor hangs": Event(lambda machine: machine.revoke("hangs"), 2, CredentialsExpiredError, refused=True),
    "revoked, vendor vends what is refused": Event(
        lambda machine: machine.revoke("wrong"), 2, PermissionError, refused=True, for_each=True
    ),
}


# obstore cannot send one part of an upload again: what the server refuses ends it, and the next call asks the vendor.
NOT_SENT_AGAIN = {("multipart upload", "obstore")}
LOST = Event(lambda _: None, 1, PermissionError, refused=True)


@pytest.mark.parametrize(
    ("operation", "engine"),
    [pytest.param(name, plane, id=f"{name}-{plane}") for name, op in OPERATIONS.items() for plane in op.planes],
)
@pytest.mark.parametrize("event", EVENTS)
def test_operation_under_fire_is_whole_or_says_why(
    cloud: CloudUnderTest, gate: Gate, tmp_path: Path, operation: str, engine: str, event: str
) -> None:
    """The vendor is asked once more, a refused request is sent once more; what fails leaves nothing half done."""
    doing, happening = OPERATIONS[operation], EVENTS[event]
    cloud.raw.put("body", BODY)
    for name in doing.names:
        cloud.raw.put(name, b"small")
    machine = machine_of(cloud, gate, engine, provider_timeout=PATIENCE_SECONDS, max_concurrency=doing.max_concurrency)
    machine.fs.cat_file(cloud.path("body"))
    assert machine.vendor.calls == 1
    gate.reset()

    began, caught, found = time.monotonic(), None, None
    try:
        found = doing.run(machine, tmp_path, lambda: happening.happen(machine))
    except OSError as error:
        caught = error
    seconds = time.monotonic() - began
    machine.settle()
    calls, refused = machine.vendor.calls, gate.refused

    if (operation, engine) in NOT_SENT_AGAIN and happening.refused:
        happening = LOST
    assert seconds < BOUND_SECONDS
    assert happening.calls <= calls <= happening.calls + happening.for_each * (doing.max_concurrency - 1)
    if happening.refused is not None:
        assert (refused > 0) is happening.refused
    # No request is sent more than twice.
    assert refused <= 2 * doing.max_concurrency
    if happening.fails is None:
        assert caught is None, repr(caught)
        assert found == doing.wanted
    else:
        assert isinstance(caught, happening.fails), repr(caught)
        told = "".join(traceback.format_exception(caught))
        assert ("VendingError" in told and DOWN in told) is happening.vendor_is_heard
        assert [secret for secret in machine.vendor.secrets if secret in told] == []
        assert doing.undone(machine, tmp_path)
        if happening is not LOST:
            # For a second nobody is asked, and nothing is sent.
            with pytest.raises(CredentialsExpiredError, match="Vendor"):
                machine.fs.cat_file(cloud.path("body"))
            assert machine.vendor.calls == calls
    machine.mend()
    assert machine.fs.cat_file(cloud.path("body")) == BODY
