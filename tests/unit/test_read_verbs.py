"""cat, cat_file, cat_ranges and get: their requests, their bounds, errors in their places, time-outs and Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.exceptions import FSTimeoutError

from objfs import S3FileSystem
from objfs.errors import FileExpired
from objfs.workers import is_busy
from tests.unit.recording import (
    PART,
    RecordingSdk,
    RecordingStore,
    Request,
    filesystem,
    interruptible,
    make_small,
    press_ctrl_c,
    until,
)

DATA = bytes(range(1, 6 * PART + 1))
PATIENCE = 20
PLANES = [pytest.param(RecordingStore, id="data"), pytest.param(RecordingSdk, id="sdk")]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes are many parts."""
    make_small(monkeypatch)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What requests wait for."""
    event = threading.Event()
    yield event
    event.set()


def paths(count: int) -> list[str]:
    """Of objects."""
    return [f"bucket/key{number}" for number in range(count)]


def small(plane: type[Any], count: int) -> Any:
    """A plane with as many objects of a few bytes."""
    return plane(**{f"key{number}": bytes([number]) for number in range(count)})


# -- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_cat_of_small_objects_is_one_request_each(plane: type[Any], count: int) -> None:
    """Nothing is listed, and nothing asked for twice."""
    objects = small(plane, count)
    assert filesystem(objects).cat(paths(count)) == {f"bucket/key{at}": bytes([at]) for at in range(count)}
    assert sorted(request.key for request in objects.requests) == sorted(f"key{at}" for at in range(count))


@pytest.mark.parametrize("plane", PLANES)
def test_cat_of_long_and_small_objects_goes_on_with_the_long_ones(plane: type[Any]) -> None:
    """Their further parts come side by side, after the first requests of all."""
    objects = plane(a=DATA, b=b"1", c=DATA[::-1], d=b"")
    found = filesystem(objects).cat(["bucket/a", "bucket/b", "bucket/c", "bucket/d"])
    assert list(found.values()) == [DATA, b"1", DATA[::-1], b""]
    more = -(-(len(DATA) - 10) // PART)
    keys = [request.key for request in objects.requests]
    assert (sorted(keys[:5]), sorted(keys[5:])) == (list("abcdd"), ["a"] * more + ["c"] * more)


@pytest.mark.parametrize("plane", PLANES)
def test_cat_reads_slices_of_each_object(plane: type[Any]) -> None:
    """Whichever bounds they have."""
    objects = plane(a=DATA, b=DATA[:5])
    assert filesystem(objects).cat(["bucket/a", "bucket/b"], start=-3) == {"bucket/a": DATA[-3:], "bucket/b": DATA[2:5]}
    assert objects.asked() == ["GET -3", "GET -3"]


@pytest.mark.parametrize("plane", PLANES)
def test_cat_ranges_groups_by_object(plane: type[Any]) -> None:
    """Near ranges of one share a request, in whatever order they are given; results are in that order."""
    objects = plane(a=DATA, b=DATA[::-1])
    given = [("a", 0, 2), ("b", 50, 52), ("a", 40, 42), ("a", 3, 5), ("b", 50, 51), ("a", 7, 7)]
    found = filesystem(objects).cat_ranges(
        [f"bucket/{key}" for key, _, _ in given], [start for _, start, _ in given], [stop for _, _, stop in given]
    )
    assert found == [(DATA if key == "a" else DATA[::-1])[start:stop] for key, start, stop in given]
    asked = [(request.key, str(request)) for request in objects.requests]
    assert sorted(asked) == [("a", "GET 0-5"), ("a", "GET 40-42"), ("b", "GET 50-52")]


def test_get_of_small_objects_is_one_request_each(tmp_path: Path) -> None:
    """Where both lists are given nothing is looked up."""
    plane = small(RecordingStore, 20)
    filesystem(plane).get(paths(20), [str(tmp_path / str(at)) for at in range(20)])
    assert [(tmp_path / str(at)).read_bytes() for at in range(20)] == [bytes([at]) for at in range(20)]
    assert sorted(request.key for request in plane.requests) == sorted(f"key{at}" for at in range(20))


# -- bounds ---------------------------------------------------------------------------------------------------------

CALLS: list[Any] = [
    pytest.param(lambda fs, **more: fs.cat(paths(12), **more), id="cat"),
    pytest.param(lambda fs, **more: fs.cat_ranges(paths(12), 0, 1, **more), id="cat_ranges"),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("limit", [1, 2, 6])
@pytest.mark.parametrize("name", ["batch_size", "max_concurrency", "option", "option-max_concurrency"])
def test_bound_of_the_caller_is_kept(call: Callable[..., Any], limit: int, name: str) -> None:
    """Of the call, or of the filesystem, in fsspec's word or in ours: as many requests at a time and no more."""
    plane, meeting = small(RecordingStore, 12), threading.Barrier(limit, timeout=PATIENCE)
    plane.before = lambda _: meeting.wait() and None
    if name.startswith("option"):
        call(filesystem(plane, **{name.partition("-")[2] or "batch_size": limit}))
    else:
        call(filesystem(plane), **{name: limit})
    assert plane.most_present == limit


# -- errors ---------------------------------------------------------------------------------------------------------


def refused(key: str) -> Callable[[Request], None]:
    """A server that gives all objects but one."""

    def before(request: Request) -> None:
        if request.key == key:
            raise PermissionError(errno.EACCES, "refused", key)

    return before


@pytest.mark.parametrize("plane", PLANES)
def test_cat_raises_omits_or_returns_errors(plane: type[Any]) -> None:
    """As it was asked to; other objects are read all the same."""
    objects = small(plane, 3)
    objects.before = refused("key1")
    fs = filesystem(objects)
    with pytest.raises(PermissionError, match="refused"):
        fs.cat(paths(3))
    assert fs.cat(paths(3), on_error="omit") == {"bucket/key0": b"\0", "bucket/key2": b"\2"}
    found = fs.cat([*paths(3), "bucket/missing"], on_error="return")
    assert [type(value) for value in found.values()] == [bytes, PermissionError, bytes, FileNotFoundError]


@pytest.mark.parametrize("plane", PLANES)
def test_cat_ranges_returns_or_raises_errors(plane: type[Any]) -> None:
    """One for each range of the object that has it."""
    objects = small(plane, 3)
    objects.before = refused("key1")
    fs, wanted = filesystem(objects), ["bucket/key0", "bucket/key1", "bucket/key1", "bucket/key2", "bucket"]
    found = fs.cat_ranges(wanted, [0, 0, 5, 0, 0], [1, 1, 6, 1, 1])
    assert [type(value) for value in found[:4]] == [bytes, PermissionError, PermissionError, bytes]
    assert isinstance(found[4], IsADirectoryError)
    for bad in wanted[1:2], wanted[4:]:
        with pytest.raises((PermissionError, IsADirectoryError)):
            fs.cat_ranges(bad, 0, 1, on_error="raise")


def test_cat_ranges_of_an_object_that_changes_are_errors_in_their_places() -> None:
    """Ranges of another object are read."""
    plane = RecordingStore(a=DATA, b=DATA)

    def replace(request: Request) -> None:
        if str(request) == "GET 40-42" and request.key == "a":
            plane.replace("a", DATA[::-1])

    plane.before = replace
    wanted = [f"bucket/{key}" for key in "aabb"]
    found = filesystem(plane).cat_ranges(wanted, [0, 40] * 2, [2, 42] * 2, batch_size=1)
    assert [type(value) for value in found] == [FileExpired, FileExpired, bytes, bytes]
    plane.replace("a", DATA)
    with pytest.raises(FileExpired):
        filesystem(plane).cat_ranges(wanted, [0, 40] * 2, [2, 42] * 2, batch_size=1, on_error="raise")


# -- who waits ------------------------------------------------------------------------------------------------------

WAITS: list[Any] = [
    pytest.param(lambda fs, _, **more: fs.cat_file("bucket/key", **more), id="cat_file"),
    pytest.param(lambda fs, _, **more: fs.cat_file("bucket/key", start=1, end=-1, **more), id="slice"),
    pytest.param(lambda fs, _, **more: fs.cat(["bucket/key", "bucket/more"], **more), id="cat"),
    pytest.param(lambda fs, _, **more: fs.cat_ranges(["bucket/key"], 0, 9, on_error="raise", **more), id="cat_ranges"),
    pytest.param(lambda fs, target, **more: fs.get_file("bucket/key", target, **more), id="get_file"),
    pytest.param(lambda fs, target, **more: fs.get(["bucket/key"], [target], **more), id="get"),
    pytest.param(lambda fs, _, **more: fs.get_ranges("bucket/key", [0, 50], [9, 60], **more), id="get_ranges"),
]
Wait = Callable[..., Any]


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("from_main_thread", [True, False])
def test_timeout_is_that_of_fsspec(wait: Wait, from_main_thread: bool, gate: threading.Event, tmp_path: Path) -> None:
    """It ends the wait for a server that does not answer, and shows nothing of what comes afterwards."""
    plane = RecordingStore(key=DATA, more=b"1")
    plane.before = lambda _: gate.wait(PATIENCE) and None
    found: list[Any] = []

    def work() -> None:
        try:
            wait(filesystem(plane), str(tmp_path / "target"), timeout=0.01)
        except FSTimeoutError as error:
            found.append(error)

    if from_main_thread:
        work()
    else:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(PATIENCE)
    assert "longer than 0.01 s" in str(found[0])
    gate.set()
    assert until(lambda: not is_busy())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("timeout", [None, 0, PATIENCE], ids="timeout-{}".format)
def test_time_out_of_a_request_is_its_own_error(wait: Wait, timeout: float | None, tmp_path: Path) -> None:
    """And is not taken for the call's."""
    plane = RecordingStore(key=DATA, more=b"1")

    def late(_: Request) -> None:
        raise TimeoutError(errno.ETIMEDOUT, "the server is slow")

    plane.before = late
    with pytest.raises(TimeoutError, match="the server is slow") as caught:
        wait(filesystem(plane), str(tmp_path / "target"), timeout=timeout)
    assert not isinstance(caught.value, FSTimeoutError)


@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
def test_ctrl_c_ends_the_call_while_a_request_hangs(wait: Wait, gate: threading.Event, tmp_path: Path) -> None:
    """At once; the filesystem serves the next call."""
    plane = RecordingStore(key=DATA, more=b"1")

    def before(_: Request) -> None:
        if not gate.is_set():
            press_ctrl_c()
            gate.wait(PATIENCE)

    plane.before = before
    fs: S3FileSystem = filesystem(plane)
    with interruptible(), pytest.raises(KeyboardInterrupt):
        wait(fs, str(tmp_path / "target"))
    gate.set()
    assert fs.cat_file("bucket/key") == DATA


@pytest.mark.parametrize("name", ["cat_file", "cat", "cat_ranges", "open"])
def test_blocking_call_on_the_loop_of_the_filesystem_is_refused(name: str) -> None:
    """It would wait for itself."""
    plane = RecordingStore(key=DATA)

    async def main() -> None:
        fs = filesystem(plane, loop=asyncio.get_running_loop())
        arguments = {"cat": (["bucket/key"],), "cat_ranges": (["bucket/key"], 0, 1)}.get(name, ("bucket/key",))
        with pytest.raises(NotImplementedError, match="blocking"):
            getattr(fs, name)(*arguments)

    asyncio.run(main())
    assert plane.requests == []
