"""Threads and event loops that all want credentials at once get them from one call of the provider."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tests.clouds import CloudUnderTest
from tests.faults.vending import EXPIRED, AwaitedVendor, Gate, Machine, Vendor, machine_of

THREADS, LOOPS, TASKS = 64, 3, 4
ALL = THREADS + LOOPS * TASKS


def read_together(machine: Machine) -> list[Any]:
    """What every thread and every task of every loop has read, or what it has met."""
    found: list[Any] = []
    path, start = machine.cloud.path("body"), threading.Barrier(THREADS + LOOPS)

    def blocking() -> None:
        start.wait(30)
        try:
            found.append(machine.fs.cat_file(path))
        except Exception as error:  # noqa: BLE001 - the test tells them apart
            found.append(error)

    async def awaiting() -> None:
        start.wait(30)
        found.extend(await asyncio.gather(*(machine.fs._cat_file(path) for _ in range(TASKS)), return_exceptions=True))

    threads = [threading.Thread(target=blocking) for _ in range(THREADS)]
    threads += [threading.Thread(target=lambda: asyncio.run(awaiting())) for _ in range(LOOPS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


@pytest.mark.parametrize("engine", ["obstore", "sdk"])
@pytest.mark.parametrize("kind", [Vendor, AwaitedVendor], ids=["sync", "async"])
def test_many_threads_and_loops_cost_one_call_of_the_provider(
    cloud: CloudUnderTest, gate: Gate, engine: str, kind: type[Vendor]
) -> None:
    """At the first use, after the expiry and after a revocation, whatever the provider is and whoever asks."""
    cloud.raw.put("body", b"body")
    machine = machine_of(cloud, gate, engine, kind)
    assert read_together(machine) == [b"body"] * ALL
    assert (machine.vendor.calls, gate.refused) == (1, 0)

    machine.pass_time(EXPIRED)
    assert read_together(machine) == [b"body"] * ALL
    assert (machine.vendor.calls, gate.refused) == (2, 0)

    machine.revoke()
    assert read_together(machine) == [b"body"] * ALL
    # Nobody is refused twice.
    assert machine.vendor.calls == 3
    assert 0 < gate.refused <= ALL


@pytest.mark.parametrize("engine", ["obstore", "sdk"])
def test_many_threads_and_loops_share_one_failure(cloud: CloudUnderTest, gate: Gate, engine: str) -> None:
    """A provider that is down is asked once, nothing is sent, and everybody is told."""
    machine = machine_of(cloud, gate, engine)
    machine.vendor.mood = "down"
    found = read_together(machine)
    assert {type(error).__name__ for error in found} == {"CredentialsError"}
    assert len(found) == len({id(error) for error in found}) == ALL
    assert (machine.vendor.calls, gate.passed, gate.refused) == (1, 0, 0)
