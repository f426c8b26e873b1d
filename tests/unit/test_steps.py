"""Plans: the same answers and errors, whether workers carry them out or an event loop; bounded; ended by an error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from objfs import workers
from objfs.steps import Get, Head, Local, Part, Plan, Together, drive, drive_async
from objfs.types import ByteRange, Location, Suffix
from objfs.workers import MAX_IDLE, call
from tests.unit.recording import BUCKET, RecordingSdk, RecordingStore, Request, until

KEY = Location(BUCKET, "key")
DATA = bytes(range(100))
PATIENCE = 20

DRIVES = [
    pytest.param(drive, id="blocking"),
    pytest.param(lambda plan: call(partial(drive, plan)), id="in-a-worker"),
    pytest.param(lambda plan: asyncio.run(drive_async(plan)), id="awaited"),
]
PLANES = [pytest.param(RecordingStore, id="data"), pytest.param(RecordingSdk, id="sdk")]
Drive = Callable[[Plan[Any]], Any]


def of_one(step: Any) -> Plan[Any]:
    """A plan of one step."""
    return (yield step)


@pytest.mark.parametrize("drive", DRIVES)
@pytest.mark.parametrize("plane", PLANES)
def test_plan_is_given_the_answers_of_its_steps(drive: Drive, plane: type[Any]) -> None:
    """A range with its condition, a suffix, a description, a call; on either plane, one request for each."""
    objects = plane(key=DATA)

    def plan() -> Plan[tuple[Any, ...]]:
        info = yield Head(objects, KEY)
        chunk = yield Get(objects, KEY, ByteRange(3, 8), info.e_tag)
        tail = yield Get(objects, KEY, Suffix(2), None)
        local = yield Local(lambda: "done")
        return info.size, chunk.data, chunk.start, tail.data, tail.start, local

    assert drive(plan()) == (100, DATA[3:8], 3, DATA[-2:], 98, "done")
    assert objects.requests == [
        Request("HEAD", "key"),
        Request("GET", "key", ByteRange(3, 8), '"1"'),
        Request("GET", "key", Suffix(2)),
    ]


@pytest.mark.parametrize("drive", DRIVES)
def test_plan_names_the_version_in_each_request(drive: Drive) -> None:
    """Both planes know the keyword."""
    seen = []

    class Versions(RecordingSdk):
        async def get(self, key: str, wanted: Any = None, *, if_match: Any = None, version: Any = None) -> Any:
            seen.append(version)

        async def head(self, key: str, *, version: Any = None) -> Any:
            seen.append(version)

    old: Any = Location(BUCKET, "key", "old")
    drive(of_one(Get(Versions(), old, None, None)))  # type: ignore[arg-type]
    drive(of_one(Head(Versions(), old)))  # type: ignore[arg-type]
    assert seen == ["old", "old"]


@pytest.mark.parametrize("drive", DRIVES)
@pytest.mark.parametrize("plane", PLANES)
def test_plan_gets_the_error_of_a_step_where_it_waits_for_it(drive: Drive, plane: type[Any]) -> None:
    """It may know what to do; what it does not catch is raised, from there."""
    objects = plane(key=DATA)

    def plan(caught: type[Exception]) -> Plan[Any]:
        try:
            yield Get(objects, Location(BUCKET, "missing"), None, None)
        except caught:
            return (yield Get(objects, KEY, None, None)).data

    assert drive(plan(FileNotFoundError)) == DATA
    with pytest.raises(FileNotFoundError):
        drive(plan(PermissionError))


@pytest.mark.parametrize("drive", DRIVES)
def test_plan_cleans_up_when_a_step_is_ended_by_force(drive: Drive) -> None:
    """An exit in a step is none of the plan's errors, but its files are closed before it goes on."""
    order = []

    def leave() -> None:
        raise SystemExit

    def plan() -> Plan[None]:
        try:
            yield Local(leave)
        except Exception:  # noqa: BLE001 - that none comes is the point
            order.append("caught")
        finally:
            order.append("cleaned")

    begun = plan()
    with pytest.raises(SystemExit):
        drive(begun)
    assert order == ["cleaned"]


def parts_of(*planes: Any, key: str = "key") -> list[Part]:
    """One read of each plane."""
    return [
        Part(isinstance(plane, RecordingStore), partial(of_one, Get(plane, Location(BUCKET, key), None, None)))
        for plane in planes
    ]


@pytest.mark.parametrize("drive", DRIVES)
@pytest.mark.parametrize("order", ["dddd", "ssss", "dsds", "sddsss", "d", "s", ""])
def test_together_gives_results_in_order(drive: Drive, order: str) -> None:
    """Whichever planes they come from."""
    planes = [(RecordingStore if letter == "d" else RecordingSdk)(key=bytes([at])) for at, letter in enumerate(order)]
    found = drive(of_one(Together(parts_of(*planes), 3)))
    assert [chunk.data for chunk in found] == [bytes([at]) for at in range(len(order))]


@pytest.mark.parametrize("drive", DRIVES)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_together_keeps_its_bound_with_workers(drive: Drive, limit: int) -> None:
    """As many as it may, and no more: fewer would never meet."""
    plane = RecordingStore(key=DATA)
    meeting = threading.Barrier(limit, timeout=PATIENCE)
    plane.before = lambda _: meeting.wait() and None
    drive(of_one(Together(parts_of(*[plane] * (4 * limit)), limit)))
    assert (plane.most_present, len(plane.requests)) == (limit, 4 * limit)


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_together_keeps_its_bound_when_awaited(limit: int) -> None:
    """The same for the SDK plane."""
    plane = RecordingSdk(key=DATA)
    asyncio.run(drive_async(of_one(Together(parts_of(*[plane] * (4 * limit)), limit))))
    assert (plane.most_present, len(plane.requests)) == (limit, 4 * limit)


class Stuck(RecordingSdk):
    """Answers for one key only."""

    cancelled = 0

    async def get(self, key: str, wanted: Any = None, *, if_match: Any = None, version: Any = None) -> Any:
        """Wait for ever."""
        self.requests.append(Request("GET", key))
        if key == "missing":
            raise FileNotFoundError(key)
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled += 1


@pytest.mark.parametrize("drive", DRIVES)
def test_together_in_workers_is_ended_by_the_first_error(drive: Drive) -> None:
    """It is raised while other requests hang, and none is begun after it."""
    plane, gate = RecordingStore(key=DATA), threading.Event()
    plane.before = lambda request: None if request.key == "missing" else gate.wait(PATIENCE) and None
    parts = [*parts_of(plane), *parts_of(plane, key="missing"), *parts_of(*[plane] * 20)]
    with pytest.raises(FileNotFoundError):
        drive(of_one(Together(parts, 2)))
    gate.set()
    assert until(lambda: not plane.present)
    assert len(plane.requests) <= 3


@pytest.mark.parametrize("failing", ["data", "sdk"])
def test_together_of_both_planes_is_ended_by_the_first_error(failing: str) -> None:
    """On either plane: what the other one has begun is cancelled, and it begins nothing more."""
    data, sdk, gate = RecordingStore(key=DATA), Stuck(), threading.Event()
    fails = data if failing == "data" else sdk
    data.before = lambda request: None if request.key == "missing" else gate.wait(PATIENCE) and None
    parts = [*parts_of(data, sdk), *parts_of(fails, key="missing"), *parts_of(*[data, sdk] * 20)]

    async def main() -> tuple[int, int]:
        with pytest.raises(FileNotFoundError):
            await drive_async(of_one(Together(parts, 2)))
        gate.set()
        return sdk.cancelled, sum(request.key == "key" for request in sdk.requests)

    cancelled, begun = asyncio.run(main())
    assert cancelled == begun
    assert until(lambda: not data.present)
    assert len(data.requests) <= 3


def test_together_that_is_cancelled_begins_nothing_more() -> None:
    """The answers to what was begun find nobody."""
    plane, gate = RecordingStore(key=DATA), threading.Event()

    async def main() -> None:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def before(_: Request) -> None:
            loop.call_soon_threadsafe(begun.set)
            gate.wait(PATIENCE)

        plane.before = before
        task = asyncio.ensure_future(drive_async(of_one(Together(parts_of(*[plane] * 20), 2))))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        gate.set()

    asyncio.run(main())
    assert until(lambda: not plane.present)
    assert len(plane.requests) <= 2


@pytest.mark.parametrize("step", [Get, Head], ids=["get", "head"])
def test_awaited_reads_are_left_to_workers_while_these_have_time(step: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are kept anyway; what is more is awaited on the loop, and none waits for another."""
    # Those of a test before this one may be busy still.
    monkeypatch.setattr(workers, "_idle", [])
    monkeypatch.setattr(workers, "_busy", set())
    objects, gate = RecordingStore(key=DATA), threading.Event()
    awaited: list[str] = []
    left: list[int] = []

    def note(name: str) -> None:
        own = getattr(objects, name)

        async def soon(*args: Any, **keywords: Any) -> Any:
            awaited.append(name)
            return await own(*args, **keywords)

        monkeypatch.setattr(objects, name, soon)

    def hold(_: Request) -> None:
        if threading.current_thread() is not threading.main_thread():
            left.append(threading.get_ident())
            assert gate.wait(PATIENCE)

    for name in ("get", "head"):
        note(name)
    objects.before = hold
    given = (ByteRange(0, 5), None) if step is Get else ()

    async def main() -> None:
        tasks = [asyncio.ensure_future(drive_async(of_one(step(objects, KEY, *given)))) for _ in range(MAX_IDLE + 5)]
        held = {*tasks}
        while len(held) > MAX_IDLE:
            _, held = await asyncio.wait(held, return_when=asyncio.FIRST_COMPLETED)
        gate.set()
        await asyncio.gather(*tasks)

    asyncio.run(asyncio.wait_for(main(), PATIENCE))
    assert awaited == [step.__name__.lower()] * 5
    assert len({*left}) == len(left) == MAX_IDLE
