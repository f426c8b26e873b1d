"""Many reads at once: which ranges share a request, how many are in flight, one version of each object, errors."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from objfs.bulk_reads import Bounds, Ranges, read_all
from objfs.errors import FileExpired
from objfs.steps import drive, drive_async
from objfs.transfers import Slice
from tests.unit.recording import PART, Recorder, RecordingSdk, RecordingStore, Request, make_small, source_of

SIZE = 6 * PART
DATA = bytes(range(1, SIZE + 1))
GAP = 3
BOUND = st.none() | st.integers(-SIZE - 9, SIZE + 20)
BOUNDS = st.lists(st.tuples(BOUND, BOUND), max_size=8)
SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATIENCE = 20


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen bytes in a request; three between ranges that share one."""
    make_small(monkeypatch)


def slices(plane: Recorder, bounds: Sequence[Bounds], **more: Any) -> list[bytes]:
    """Slices of the object ``key``."""
    ranges = Ranges(source_of(plane, **more), bounds)
    drive(read_all([ranges]))
    return ranges.slices()


# -- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "requests"),
    [
        pytest.param([], [], id="none"),
        pytest.param([(5, 5), (9, 9)], [], id="empty"),
        pytest.param([(5, 9)], ["GET 5-9"], id="one"),
        pytest.param([(5, 7), (7, 9)], ["GET 5-9"], id="touching"),
        pytest.param([(5, 7), (10, 12)], ["GET 5-12"], id="as-near-as-the-gap"),
        pytest.param([(5, 7), (11, 12)], ["GET 5-7", "GET 11-12"], id="further"),
        pytest.param([(11, 12), (5, 9), (5, 9), (6, 7)], ["GET 5-12"], id="any-order-and-overlapping"),
        pytest.param([(0, 8), (8, 16), (16, 24)], ["GET 0-16", "GET 16-24"], id="no-more-than-a-part"),
        pytest.param([(0, 16)], ["GET 0-16"], id="one-part"),
        pytest.param([(0, 17)], ["HEAD", "GET 0-16", "GET 16-17"], id="more-than-a-part"),
        pytest.param([(0, 40), (20, 30)], ["HEAD", "GET 0-16", "GET 16-32", "GET 32-40"], id="one-within-another"),
        pytest.param([(90, 200)], ["HEAD", "GET 90-96"], id="long-over-the-end"),
        pytest.param([(90, 100)], ["GET 90-100"], id="over-the-end"),
        pytest.param([(100, 110)], ["GET 100-110", "HEAD"], id="past-the-end"),
        pytest.param([(90, None)], ["HEAD", "GET 90-96"], id="open-end"),
        pytest.param([(-5, None)], ["HEAD", "GET 91-96"], id="last"),
        pytest.param([(-5, -2), (0, 3)], ["HEAD", "GET 0-3", "GET 91-94"], id="from-the-end-and-from-the-start"),
        pytest.param([(200, None), (-300, -200)], ["HEAD"], id="nothing-but-that-is-known-late"),
    ],
)
@pytest.mark.parametrize("plane", [RecordingStore, RecordingSdk], ids=["data", "sdk"])
def test_ranges_make_exactly_these_requests(plane: type[Any], bounds: list[Bounds], requests: list[str]) -> None:
    """Near ones share one, no byte is asked for twice, and the size where a bound needs it."""
    objects = plane(key=DATA)
    assert slices(objects, bounds) == [DATA[start:stop] for start, stop in bounds]
    assert sorted(objects.asked()) == sorted(requests)


@SHARED
@given(bounds=BOUNDS, workers=st.sampled_from([1, 4]))
@example([(0, 0), (None, None), (-5, None)], 1)
def test_ranges_are_slices_of_python(bounds: list[Bounds], workers: int) -> None:
    """Each in its own place; what is asked for is what was wanted and gaps."""
    plane = RecordingStore(key=DATA)
    assert slices(plane, bounds, max_concurrency=workers) == [DATA[start:stop] for start, stop in bounds]
    wanted = sum(len(DATA[start:stop]) for start, stop in bounds)
    assert plane.bytes_out <= wanted + GAP * max(0, len(bounds) - 1)
    got = [request.wanted for request in plane.requests if request.verb == "GET"]
    assert all(len(each) <= PART for each in got)  # type: ignore[arg-type]


# -- one version ----------------------------------------------------------------------------------------------------

NEW = bytes(range(150, 150 + SIZE))


@SHARED
@given(bounds=BOUNDS, at=st.integers(1, 9), new=st.integers(0, SIZE), local=st.booleans())
@example([(0, 2), (20, 22)], 2, SIZE, False)
@example([(0, 2), (20, 22)], 2, 5, True)
@example([(0, 40), (90, 95)], 5, 50, True)
def test_ranges_are_of_one_version_whenever_the_object_is_replaced(
    bounds: list[Bounds], at: int, new: int, local: bool
) -> None:
    """Before any request, by a shorter or a longer one: all old, all new, or an error."""
    plane, count = RecordingStore(key=DATA), itertools.count(1)
    plane.before = lambda _: plane.replace("key", NEW[:new]) and None if next(count) == at else None
    try:
        found = slices(plane, bounds, local_check=local, max_concurrency=1)
    except FileExpired:
        return
    assert found in [[data[start:stop] for start, stop in bounds] for data in (DATA, NEW[:new])]


# -- several objects ------------------------------------------------------------------------------------------------


def test_reads_of_several_objects_keep_apart() -> None:
    """Slices and ranges; a small object is one request, and the rest of the long ones comes in a second round."""
    plane = RecordingStore(a=DATA[:5], b=DATA, c=b"", d=DATA[:9])
    reads: list[Any] = [Slice(source_of(plane, key)) for key in "abc"]
    reads.append(Ranges(source_of(plane, "d"), [(0, 2), (7, 20)]))
    assert drive(read_all(reads)) == [None] * 4
    assert [read.slices() for read in reads] == [[DATA[:5]], [DATA], [b""], [DATA[:2], DATA[7:9]]]
    asked = [(request.key, str(request)) for request in plane.requests]
    first = [("a", "GET 0-10"), ("b", "GET 0-10"), ("c", "GET 0-10"), ("c", "HEAD")]
    assert sorted(asked[:4]) == first
    assert sorted(asked[4:]) == sorted(
        [
            *(("b", f"GET {at}-{min(at + PART, SIZE)}") for at in range(10, SIZE, PART)),
            ("d", "GET 0-2"),
            ("d", "GET 7-20"),
        ]
    )


def test_reads_of_nothing_make_no_request() -> None:
    """An empty list."""
    assert drive(read_all([])) == []


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_reads_share_one_bound(limit: int) -> None:
    """In the first round of requests and in the second."""
    planes = RecordingStore(**{f"key{number}": DATA for number in range(14)})
    meeting = threading.Barrier(limit, timeout=PATIENCE)
    planes.before = lambda _: meeting.wait() and None
    reads = [Slice(source_of(planes, f"key{number}")) for number in range(14)]
    drive(read_all(reads, limit))
    assert planes.most_present == limit
    assert [read.tobytes() for read in reads] == [DATA] * 14


def test_reads_of_the_sdk_plane_keep_to_its_connections() -> None:
    """Ten, which is what the peers' clients have."""
    plane = RecordingSdk(**{f"key{number}": DATA for number in range(25)})
    asyncio.run(drive_async(read_all([Slice(source_of(plane, f"key{number}")) for number in range(25)])))
    assert plane.most_present == 10


# -- errors ---------------------------------------------------------------------------------------------------------


def refused(key: str, verb: str, request: Request) -> None:
    """A server that does not give one object, or not its second part."""
    if request.key == key and (verb == "any" or getattr(request.wanted, "start", 0) == 10):
        raise PermissionError(13, "refused", key)


@pytest.mark.parametrize("verb", ["any", "later"])
def test_error_of_one_read_is_handed_back_in_its_place(verb: str) -> None:
    """Whether the first request or a later one fails; the others are read."""
    plane = RecordingStore(a=DATA, b=DATA, c=DATA)
    plane.before = partial(refused, "b", verb)
    reads = [Slice(source_of(plane, key)) for key in "abc"]
    first, error, last = drive(read_all(reads, give_errors=True))
    assert (first, type(error), last) == (None, PermissionError, None)
    assert [reads[0].tobytes(), reads[2].tobytes()] == [DATA, DATA]


@pytest.mark.parametrize("verb", ["any", "later"])
def test_error_of_one_read_ends_them_all(verb: str) -> None:
    """Where nobody asked to go on."""
    plane = RecordingStore(a=DATA, b=DATA, c=DATA)
    plane.before = partial(refused, "b", verb)
    with pytest.raises(PermissionError, match="refused"):
        drive(read_all([Slice(source_of(plane, key)) for key in "abc"], 1))
    assert {request.key for request in plane.requests if request.if_match} <= {"a", "b"}


def test_exit_in_a_read_is_not_handed_back() -> None:
    """It is no error of that object."""
    plane = RecordingStore(key=DATA)

    def leave(_: Request) -> None:
        raise SystemExit

    plane.before = leave
    with pytest.raises(SystemExit):
        drive(read_all([Slice(source_of(plane))], give_errors=True))
