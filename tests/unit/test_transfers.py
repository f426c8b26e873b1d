"""Slices of one object: the exact requests of each, the bytes of Python's slice, one version."""

from __future__ import annotations

import asyncio
import errno
import itertools
import threading
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from objfs.errors import FileExpired
from objfs.steps import drive, drive_async
from objfs.store import LARGE_AT_A_TIME
from objfs.transfers import Assembly, read_slice
from objfs.types import ByteRange, Chunk, ObjectInfo, Suffix
from objfs.workers import run_many
from tests.distributions import run_fresh
from tests.unit.recording import PART, RecordingSdk, RecordingStore, Request, make_small, source_of, until

SIZES = (0, 1, 9, 10, 11, PART - 1, PART, PART + 1, 10 + PART, 3 * PART, 5 * PART + 3)
BOUND = st.none() | st.integers(-6 * PART, 6 * PART)
# The fixtures of a test are the same for all of its examples.
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATIENCE = 20


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten bytes in the first request, sixteen in each further one."""
    make_small(monkeypatch)


def body(size: int) -> bytes:
    """Bytes that tell their place."""
    return bytes(index % 251 + 1 for index in range(size))


# -- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "start", "stop", "requests"),
    [
        pytest.param(9, None, None, ["GET 0-10"], id="short"),
        pytest.param(10, None, None, ["GET 0-10"], id="as-long-as-the-first-request"),
        pytest.param(0, None, None, ["GET 0-10", "HEAD"], id="empty"),
        pytest.param(50, None, None, ["GET 0-10", "GET 10-26", "GET 26-42", "GET 42-50"], id="long"),
        pytest.param(50, 30, None, ["GET 30-40", "GET 40-50"], id="from"),
        pytest.param(50, 45, None, ["GET 45-55"], id="from-near-the-end"),
        pytest.param(50, 50, None, ["GET 50-60", "HEAD"], id="from-the-end"),
        pytest.param(50, 70, 80, ["GET 70-80", "HEAD"], id="past-the-end"),
        pytest.param(50, 5, 9, ["GET 5-9"], id="both"),
        pytest.param(50, 5, 21, ["GET 5-21"], id="both-one-part"),
        pytest.param(50, 5, 22, ["GET 5-21", "GET 21-22"], id="both-two-parts"),
        pytest.param(50, 40, 90, ["GET 40-56"], id="over-the-end"),
        pytest.param(50, 5, 5, ["HEAD"], id="nothing"),
        pytest.param(50, 9, 5, ["HEAD"], id="less-than-nothing"),
        pytest.param(50, -5, None, ["GET -5"], id="last"),
        pytest.param(3, -5, None, ["GET -5"], id="last-of-fewer"),
        pytest.param(0, -5, None, ["GET -5", "HEAD"], id="last-of-none"),
        pytest.param(50, -16, None, ["GET -16"], id="last-one-part"),
        pytest.param(50, -20, None, ["HEAD", "GET 30-46", "GET 46-50"], id="last-two-parts"),
        pytest.param(50, None, -5, ["HEAD", "GET 0-16", "GET 16-32", "GET 32-45"], id="but-the-last"),
        pytest.param(50, -9, -5, ["HEAD", "GET 41-45"], id="from-the-end-to-the-end"),
    ],
)
@pytest.mark.parametrize("plane", [RecordingStore, RecordingSdk], ids=["data", "sdk"])
def test_read_slice_makes_exactly_these_requests(
    plane: type[Any], size: int, start: int | None, stop: int | None, requests: list[str]
) -> None:
    """What the first answer says decides the rest; each part is asked for once."""
    objects = plane(key=body(size))
    assert asyncio.run(drive_async(read_slice(source_of(objects), start, stop))) == body(size)[start:stop]
    assert objects.asked() == requests


@SHARED
@given(size=st.sampled_from(SIZES), start=BOUND, stop=BOUND, workers=st.sampled_from([1, 4]))
@example(50, -20, None, 1)
def test_read_slice_is_a_slice_of_python(size: int, start: int | None, stop: int | None, workers: int) -> None:
    """And asks for no byte twice, nor for one that was not wanted but in the first request."""
    plane = RecordingStore(key=body(size))
    wanted = body(size)[start:stop]
    assert drive(read_slice(source_of(plane, max_concurrency=workers), start, stop)) == wanted
    assert plane.bytes_out == len(wanted)


def test_read_slice_in_parts_of_the_size_that_the_caller_names() -> None:
    """However small."""
    plane = RecordingStore(key=body(20))
    assert drive(read_slice(source_of(plane, chunk_bytes=7), None, None)) == body(20)
    assert plane.asked() == ["GET 0-7", "GET 7-14", "GET 14-20"]


def test_last_bytes_where_the_server_cannot_be_asked_for_them_cost_one_request_more() -> None:
    """As on Azure: the size comes first, and pins the read."""
    plane = RecordingStore(key=body(50), empty=b"")
    assert drive(read_slice(source_of(plane, suffix_ranges=False), -5, None)) == body(50)[-5:]
    assert plane.requests == [Request("HEAD", "key"), Request("GET", "key", ByteRange(45, 50), '"1"')]
    plane.asked()
    assert drive(read_slice(source_of(plane, "empty", suffix_ranges=False), -5, None)) == b""
    assert plane.asked() == ["HEAD"]


@pytest.mark.parametrize(("number", "again"), [(errno.EINVAL, ["GET 4-9"]), (errno.EIO, [])])
def test_range_past_the_end_is_empty_whatever_the_server_says(number: int, again: list[str]) -> None:
    """416, or an answer that obstore cannot read."""
    plane = RecordingStore(key=body(5))

    def refuse(request: Request) -> None:
        if request.verb == "GET":
            raise OSError(number, "?")

    plane.before = refuse
    assert drive(read_slice(source_of(plane), 5, 9)) == b""
    with pytest.raises(OSError, match=r"\?"):
        drive(read_slice(source_of(plane), 4, 9))
    assert plane.asked() == ["GET 5-9", "HEAD", "GET 4-9", "HEAD", *again]


def test_range_past_the_end_of_an_object_that_has_grown_meanwhile_is_read() -> None:
    """Between the answer that there is no such range and the question how long the object is."""
    plane = RecordingStore(key=body(5))
    plane.before = lambda request: plane.replace("key", body(8)) and None if request.verb == "HEAD" else None
    assert drive(read_slice(source_of(plane), 5, 9)) == body(8)[5:9]
    assert plane.asked() == ["GET 5-9", "HEAD", "GET 5-9"]


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, TimeoutError])
def test_other_errors_of_the_first_request_are_raised_at_once(error: type[OSError]) -> None:
    """Without asking for the size."""
    plane = RecordingStore(key=body(5))

    def refuse(_: Request) -> None:
        raise error(13, "refused")

    plane.before = refuse
    with pytest.raises(error, match="refused"):
        drive(read_slice(source_of(plane), None, None))
    assert plane.asked() == ["GET 0-10"]


# -- one version ----------------------------------------------------------------------------------------------------

OLD, NEW = bytes(range(1, 51)), bytes(range(101, 161))


@SHARED
@given(
    start=BOUND, stop=BOUND, at=st.integers(1, 8), times=st.integers(1, 3), new=st.integers(0, 60), local=st.booleans()
)
@example(50, None, 2, 1, 51, False)
def test_read_slice_is_of_one_version_whenever_the_object_is_replaced(
    start: int | None, stop: int | None, at: int, times: int, new: int, local: bool
) -> None:
    """Before any request, several times, by a longer or a shorter one: all old, all new, or an error."""
    plane = RecordingStore(key=OLD)
    states = [OLD, *[bytes([100 + 50 * turn + place % 50 for place in range(new)]) for turn in range(times)]]
    coming = iter(states[1:])
    count = itertools.count(1)

    def replace(_: Request) -> None:
        if next(count) >= at and (state := next(coming, None)) is not None:
            plane.replace("key", state)

    plane.before = replace
    try:
        found = drive(read_slice(source_of(plane, local_check=local, max_concurrency=1), start, stop))
    except FileExpired:
        return
    assert found in [state[start:stop] for state in states]


@pytest.mark.parametrize(
    ("more", "condition"),
    [
        pytest.param({}, '"1"', id="if-match"),
        pytest.param({"local_check": True}, None, id="local"),
        pytest.param({"condition": "version"}, None, id="by-generation"),
    ],
)
def test_each_request_after_the_first_is_pinned(more: dict[str, Any], condition: str | None) -> None:
    """By If-Match, or where that is not to be sent by what the answer says."""
    plane = RecordingStore(key=OLD)
    drive(read_slice(source_of(plane, **more), None, None))
    assert [request.if_match for request in plane.requests] == [None, condition, condition, condition]
    plane.asked()
    plane.before = lambda request: plane.replace("key", NEW) and None if request.wanted != ByteRange(0, 10) else None
    with pytest.raises(FileExpired) as caught:
        drive(read_slice(source_of(plane, **more), None, None))
    assert (caught.value.filename, caught.value.e_tag) == ("bucket/key", '"1"')


def test_object_is_pinned_by_its_generation_where_it_has_one() -> None:
    """The same ETag is not enough there."""
    plane = RecordingStore(key=OLD)
    source = source_of(plane, condition="version")
    generations = itertools.count(7)
    plane.get_now = lambda *_, **__: Chunk(OLD[:9], 0, ObjectInfo(50, '"1"', version=str(next(generations))))  # type: ignore[method-assign]
    assert drive(source.get(ByteRange(0, 9), "7")).data == OLD[:9]
    with pytest.raises(FileExpired, match="7"):
        drive(source.get(ByteRange(0, 9), "7"))


def test_range_past_the_end_of_another_state_is_not_empty() -> None:
    """Where the server does not compare, an object that was replaced by a shorter one has expired, too."""
    plane = RecordingStore(key=OLD)
    source = source_of(plane, local_check=True)
    plane.replace("key", OLD[:9])
    for plan in source.first(ByteRange(20, 30), '"1"'), source.within(ByteRange(20, 30), '"1"'):
        with pytest.raises(FileExpired):
            drive(plan)
    assert drive(source.first(ByteRange(20, 30), '"2"')).data == b""


def test_part_that_comes_short_is_an_error() -> None:
    """Where the server names no state, an object that has shrunk shows by its bytes; they are not made up."""
    plane = RecordingStore(key=OLD)
    plain = plane.answer

    def answer(request: Request) -> Chunk:
        chunk = plain(request)
        return Chunk(chunk.data, chunk.start, ObjectInfo(chunk.info.size))

    plane.answer = answer  # type: ignore[method-assign]
    assert drive(read_slice(source_of(plane), None, None)) == OLD
    plane.before = lambda _: plane.replace("key", OLD[:45]) and None if len(plane.requests) == 6 else None
    with pytest.raises((FileExpired, OSError)):
        drive(read_slice(source_of(plane, max_concurrency=1), None, None))


@pytest.mark.parametrize("wanted", [(0, 5), (None, None), (-7, None)], ids=["range", "whole", "end"])
def test_answer_with_fewer_bytes_than_it_announces_is_no_answer(wanted: tuple[int | None, int | None]) -> None:
    """A Content-Length may be wrong, and then the connection looks sound."""
    plane = RecordingStore(key=OLD[:9])
    plain = plane.answer

    def answer(request: Request) -> Chunk:
        chunk = plain(request)
        return Chunk(chunk.data[:3], chunk.start, chunk.info)

    plane.answer = answer  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError, match="holds 3 bytes of"):
        drive(read_slice(source_of(plane), *wanted))


# -- what is in flight ----------------------------------------------------------------------------------------------

MIB = 1 << 20


@pytest.mark.parametrize(
    ("plane", "more", "request_bytes", "expected"),
    [
        pytest.param(RecordingStore, {}, 1, 128, id="small"),
        pytest.param(RecordingStore, {}, 4 * MIB, 24, id="parts"),
        pytest.param(RecordingStore, {}, 0, 128, id="none"),
        pytest.param(RecordingStore, {}, 200 * MIB, 1, id="huge"),
        pytest.param(RecordingStore, {"max_concurrency": 3}, 1, 3, id="as-told"),
        pytest.param(RecordingSdk, {}, 1, 10, id="sdk-small"),
        pytest.param(RecordingSdk, {}, 4 * MIB, 10, id="sdk-parts"),
        pytest.param(RecordingSdk, {}, 48 * MIB, 2, id="sdk-large"),
        pytest.param(RecordingSdk, {"max_concurrency": 30}, 1, 30, id="sdk-as-told"),
    ],
)
def test_source_has_a_bound_on_bytes_and_on_requests(
    plane: type[Any], more: dict[str, Any], request_bytes: int, expected: int
) -> None:
    """96 MiB and 128 requests; ten where the peer's client has ten connections; or what the caller says."""
    assert source_of(plane(), **more).in_flight(request_bytes) == expected


@pytest.mark.parametrize("limit", [1, 3])
def test_read_slice_has_as_many_requests_in_flight_as_it_may(limit: int) -> None:
    """Not more, and not fewer where there are enough."""
    plane = RecordingStore(key=body(10 + 12 * PART))
    meeting = threading.Barrier(limit, timeout=PATIENCE)
    plane.before = lambda request: meeting.wait() and None if request.if_match else None
    assert len(drive(read_slice(source_of(plane, max_concurrency=limit), None, None))) == 10 + 12 * PART
    assert plane.most_present == limit


def test_large_requests_of_many_calls_have_one_bound() -> None:
    """Those that set none of their own; the others are not held up."""
    plane = RecordingStore(key=body(20 * PART))
    gate, begun = threading.Event(), threading.Semaphore(0)

    def before(_: Request) -> None:
        begun.release()
        gate.wait(PATIENCE)

    plane.before = before
    count = LARGE_AT_A_TIME + 5
    large = [partial(drive, source_of(plane).get(ByteRange(0, PART))) for _ in range(count)]
    more = [
        partial(drive, source_of(plane).get(ByteRange(0, 10))),
        partial(drive, source_of(plane).get(Suffix(PART))),
        partial(drive, source_of(plane, max_concurrency=1).get(ByteRange(0, PART))),
    ]
    crew = threading.Thread(target=run_many, args=([*large, *more], count + len(more)), daemon=True)
    crew.start()
    for _ in range(LARGE_AT_A_TIME + len(more)):
        assert begun.acquire(timeout=PATIENCE)
    assert plane.present == LARGE_AT_A_TIME + len(more)
    gate.set()
    crew.join(PATIENCE)
    assert until(lambda: len(plane.requests) == count + len(more))
    assert plane.most_present == LARGE_AT_A_TIME + len(more)


# -- memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [None, bytearray(9)], ids=["own", "given"])
def test_assembly_puts_parts_to_their_places_in_any_order(target: bytearray | None) -> None:
    """Of a range that begins anywhere."""
    whole = Assembly(ByteRange(100, 107), None if target is None else memoryview(target))
    for start, data in (104, b"567"), (100, b"12"), (102, b"34"):
        whole.put(start, data)
    assert (whole.tobytes() if target is None else bytes(target)) == b"1234567" + b"\0" * (2 * (target is not None))


def test_assembly_hands_its_bytes_out_without_a_copy() -> None:
    """Copying a gigabyte once more takes as long as the download."""
    whole = Assembly(ByteRange(0, MIB))
    assert whole.tobytes() is whole.tobytes()


def test_assembly_takes_nothing_when_it_was_handed_out() -> None:
    """An answer that comes late, of a read that was given up, changes no bytes that somebody has."""
    whole = Assembly(ByteRange(0, 3))
    whole.put(0, b"123")
    found = whole.tobytes()
    with pytest.raises(ValueError, match="released"):
        whole.put(0, b"9")
    assert found == b"123"


LOST = """
import gc
from objfs.transfers import Assembly
from objfs.types import ByteRange

lost = Assembly(ByteRange(0, 9))
lost.itself = lost
del lost
gc.collect()
"""


def test_assembly_that_the_garbage_collector_finds_says_nothing() -> None:
    """As that of a read that failed, whose traceback leads back to it; Python 3.13 prints errors of closing files."""
    run_fresh(LOST, options=("-X", "dev", "-W", "error"))
