"""pipe, put and files for writing: their requests, how many are in flight, what they hold, what ends them early."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.callbacks import Callback
from fsspec.exceptions import FSTimeoutError

from objfs import S3FileSystem, bulk_write_verbs, uploads
from objfs.errors import ObjfsError
from objfs.parts import IN_FLIGHT_BYTES, Collector
from objfs.records import replace
from objfs.transfers import REQUESTS_IN_FLIGHT
from objfs.uploads import is_sending
from objfs.workers import Pending
from tests.unit.recording import BUCKET, interruptible, press_ctrl_c, until
from tests.unit.writing_plane import WritingStore, files, filesystem, values

MIB = 1 << 20
PATIENCE = 20
# What one request writes of a stream, and of an object whose size is known.
STREAM, KNOWN = 12 * MIB, 8 * MIB


@pytest.fixture
def plane() -> WritingStore:
    """Where everything goes."""
    return WritingStore()


@pytest.fixture
def fs(plane: WritingStore) -> S3FileSystem:
    """All its writes are those of the plane."""
    return filesystem(plane)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What requests wait for."""
    event = threading.Event()
    yield event
    event.set()


# -- one object -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        pytest.param(0, None, id="empty"),
        pytest.param(KNOWN + 1, None, id="more-than-a-part-of-an-upload"),
        pytest.param(STREAM, None, id="as-long-as-one-request-may-be"),
        pytest.param(STREAM + 1, [KNOWN, STREAM + 1 - KNOWN], id="one-byte-more"),
        pytest.param(3 * KNOWN, [KNOWN] * 3, id="whole-parts"),
    ],
)
@pytest.mark.parametrize("verb", ["pipe_file", "pipe", "put_file", "put"])
def test_object_of_known_size_is_one_request_or_parts(
    fs: S3FileSystem, plane: WritingStore, tmp_path: Path, verb: str, size: int, parts: list[int] | None
) -> None:
    """Parts are shorter than what one request writes, so that more of them are under way."""
    (here,), data = files(tmp_path, {"x": size}), bytes(size)
    given = {"pipe": [{f"{BUCKET}/x": data}], "pipe_file": [f"{BUCKET}/x", data]}
    getattr(fs, verb)(*given.get(verb, [here, f"{BUCKET}/x"]))
    assert (plane.puts, plane.uploads) == ((["x"], []) if parts is None else ([], [parts]))
    assert plane.objects == {"x": data}


@pytest.mark.parametrize(
    ("size", "parts"),
    [(STREAM, None), (STREAM + 1, [STREAM, 1]), (2 * STREAM, [STREAM] * 2)],
    ids=["one-part", "one-byte-more", "whole-parts"],
)
@pytest.mark.parametrize("step", [5 * MIB, 1 << 30], ids=["in-pieces", "at-once"])
def test_file_is_one_request_or_parts_of_one_size(
    fs: S3FileSystem, plane: WritingStore, step: int, size: int, parts: list[int] | None
) -> None:
    """A part that is full waits for the byte after it."""
    data = bytes(size)
    with fs.open(f"{BUCKET}/x", "wb") as file:
        for at in range(0, size, step):
            file.write(data[at : at + step])
    assert (plane.puts, plane.uploads) == ((["x"], []) if parts is None else ([], [parts]))
    assert plane.objects == {"x": data}


def test_file_of_too_many_parts_says_what_to_do(fs: S3FileSystem, plane: WritingStore) -> None:
    """Before the server refuses one part too many."""
    few = replace(fs.connection.cloud.parts, max_count=2)
    fs.connection.cloud = replace(fs.connection.cloud, parts=few)
    file = fs.open(f"{BUCKET}/x", "wb", block_size=5 * MIB)
    file.write(bytes(15 * MIB))
    with pytest.raises(ValueError, match="at most 2 parts; open it with a larger block_size"):
        file.close()
    assert (plane.objects, plane.aborted) == ({}, ["x"])
    fs.pipe_file(f"{BUCKET}/y", bytes(15 * MIB), chunksize=5 * MIB)
    assert plane.uploads == [[15 * MIB // 2, 15 * MIB // 2]]


def test_what_is_written_is_what_was_there_when_it_was_written(fs: S3FileSystem, plane: WritingStore) -> None:
    """A buffer that is used again, as by ``readinto``."""
    buffer = bytearray(MIB)
    with fs.open(f"{BUCKET}/x", "wb") as file:
        for number in range(14):
            buffer[:] = bytes([number]) * MIB
            file.write(buffer)
    assert plane.objects["x"] == b"".join(bytes([number]) * MIB for number in range(14))


def test_pipe_needs_no_event_loop(fs: S3FileSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing crosses to fsspec's thread where the data plane serves."""

    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(fs, "_in_loop", refuse)
    fs.pipe_file(f"{BUCKET}/x", b"1")
    fs.pipe(values(3))
    with fs.open(f"{BUCKET}/y", "wb") as file:
        file.write(b"1")


def test_pipe_from_the_loop_that_would_carry_it_out_is_refused(fs: S3FileSystem) -> None:
    """It would block everybody else on it."""

    async def blocking(call: Callable[[], Any]) -> None:
        with pytest.raises(NotImplementedError):
            call()

    for call in (lambda: fs.pipe_file(f"{BUCKET}/x", b"1"), lambda: fs.pipe(values(3))):
        fs.run_blocking(blocking(call))


# -- many objects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 500])
def test_pipe_of_small_objects_is_one_request_each(fs: S3FileSystem, plane: WritingStore, count: int) -> None:
    """And tells of each what `pipe_file` tells."""
    given = {f"{BUCKET}/{number}": str(number).encode() for number in range(count)}
    assert fs.pipe(given) == [{"ETag": '"1"', "VersionId": None}] * count
    assert sorted(plane.puts) == sorted(map(str, range(count)))
    assert plane.objects == {str(number): str(number).encode() for number in range(count)}


def test_awaited_pipe_writes_the_same(fs: S3FileSystem, plane: WritingStore) -> None:
    """On a loop that others use meanwhile."""
    assert len(asyncio.run(fs._pipe(values(50)))) == 50
    assert len(plane.objects) == 50


def test_awaited_put_writes_the_same(fs: S3FileSystem, plane: WritingStore, tmp_path: Path) -> None:
    """Files, too."""
    here = files(tmp_path, {str(number): number for number in range(20)})
    asyncio.run(fs._put(here, [f"{BUCKET}/{number}" for number in range(20)]))
    assert plane.objects == {str(number): bytes(number) for number in range(20)}


@pytest.mark.parametrize(
    ("size", "limit"),
    [(1, REQUESTS_IN_FLIGHT), (MIB + 1, 48), (4 * MIB + 1, 12), (STREAM, 12)],
    ids=["short", "1-MiB", "4-MiB", "12-MiB"],
)
def test_many_writes_are_bounded_in_number_and_in_bytes(
    fs: S3FileSystem, plane: WritingStore, size: int, limit: int
) -> None:
    """As many are under way as may be, and no more."""
    meeting = threading.Barrier(limit, timeout=PATIENCE)
    plane.during = lambda _: meeting.wait() and None
    fs.pipe(values(2 * limit, size))
    assert plane.most_present == limit
    assert plane.most_bytes_present <= IN_FLIGHT_BYTES


def test_long_objects_do_not_hold_up_short_ones(fs: S3FileSystem, plane: WritingStore) -> None:
    """Each size has its bound; short ones are written first, and long ones are uploads of which two go on at a time."""
    given = {f"{BUCKET}/long{number}": bytes(STREAM + 1) for number in range(4)} | values(150)
    going: set[str] = set()
    two, three = threading.Event(), threading.Event()

    def during(key: str, part: int = 0) -> None:
        if part == 1:
            assert len(plane.puts) == 150
            going.add(key)
            if len(going) > 1:
                (two if len(going) == 2 else three).set()
            two.wait(PATIENCE)
            three.wait(0.2)
            going.discard(key)

    plane.during = during
    fs.pipe(given)
    assert (len(plane.uploads), two.is_set(), three.is_set()) == (4, True, False)


@pytest.mark.parametrize(("asked", "size", "most"), [(3, 1, 3), (200, 1, 200), (-1, 1, 128), (200, STREAM, 12)])
def test_batch_size_says_how_many_at_a_time(plane: WritingStore, asked: int, size: int, most: int) -> None:
    """More than there would be only of short ones: memory is bounded."""
    meeting = threading.Barrier(most, timeout=PATIENCE)
    plane.during = lambda _: meeting.wait() and None
    filesystem(plane).pipe(values(most, size), batch_size=asked)
    filesystem(plane, batch_size=asked).pipe(values(most, size))
    assert plane.most_present == most


def test_first_error_ends_the_others(fs: S3FileSystem, plane: WritingStore) -> None:
    """Nothing is begun any more."""

    def fail(key: str) -> None:
        if key == "0003":
            raise PermissionError(errno.EACCES, "no", key)

    plane.during = fail
    with pytest.raises(PermissionError):
        fs.pipe(values(1000))
    assert len(plane.puts) < 1000


def test_missing_file_is_missed_before_anything_is_written(
    fs: S3FileSystem, plane: WritingStore, tmp_path: Path
) -> None:
    """Of many files, too."""
    here = [*files(tmp_path, {"a": 1}), str(tmp_path / "none")]
    with pytest.raises(FileNotFoundError):
        fs.put(here, [f"{BUCKET}/a", f"{BUCKET}/none"])
    assert plane.puts == []


def test_lists_of_different_lengths_are_refused(fs: S3FileSystem, plane: WritingStore, tmp_path: Path) -> None:
    """A file that nobody says where to put would be left out without a word."""
    with pytest.raises(ValueError, match="argument 2"):
        fs.put(files(tmp_path, {"a": 1, "b": 1}), [f"{BUCKET}/a"])
    assert plane.puts == []


# -- progress -------------------------------------------------------------------------------------------------------


class Progress(Callback):  # type: ignore[misc]
    """A progress bar with one for each file below it, none of them made for several threads."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.together = False
        self.below: dict[str, Progress] = {}

    def relative_update(self, inc: int = 1) -> None:
        """Another thread may want to come in meanwhile."""
        self.inside += 1
        self.together |= self.inside > 1
        threading.Event().wait(0.001)
        super().relative_update(inc)
        self.inside -= 1

    def branched(self, path_1: str, path_2: str, **_: Any) -> Progress:
        """One more."""
        return self.below.setdefault(path_2, Progress())


@pytest.mark.parametrize("size", [0, 1, STREAM, STREAM + 1, 5 * KNOWN + 3])
def test_progress_of_a_file_sums_up_to_its_size(fs: S3FileSystem, tmp_path: Path, size: int) -> None:
    """By one request or by parts."""
    (here,), progress = files(tmp_path, {"x": size}), Progress()
    fs.put_file(here, f"{BUCKET}/x", callback=progress)
    assert (progress.size, progress.value, progress.together) == (size, size, False)


def test_progress_of_many_files_counts_them_and_their_bytes(fs: S3FileSystem, tmp_path: Path) -> None:
    """Whichever thread has written each."""
    sizes = {str(number): number for number in range(30)} | {"long": STREAM + 1}
    here, progress = files(tmp_path, sizes), Progress()
    fs.put(here, [f"{BUCKET}/{name}" for name in sizes], callback=progress)
    assert (progress.size, progress.value, progress.together) == (31, 31, False)
    told = {path.removeprefix(f"{BUCKET}/"): (below.size, below.value) for path, below in progress.below.items()}
    assert told == {name: (size, size) for name, size in sizes.items()}


def test_progress_of_a_file_that_is_refused_is_none(fs: S3FileSystem, plane: WritingStore, tmp_path: Path) -> None:
    """What one request writes is told when it is there."""

    def fail(_: str) -> None:
        raise PermissionError

    plane.during, progress = fail, Progress()
    with pytest.raises(PermissionError):
        fs.put_file(*files(tmp_path, {"x": 9}), f"{BUCKET}/x", callback=progress)
    assert (progress.size, progress.value) == (9, 0)


# -- files that change ----------------------------------------------------------------------------------------------


class Meddling(Callback):  # type: ignore[misc]
    """Does something to the file when the first part of it was read."""

    def __init__(self, deed: Callable[[], None]) -> None:
        super().__init__()
        self._deed = deed

    def relative_update(self, inc: int = 1) -> None:
        """Once."""
        if not self.value:
            self._deed()
        super().relative_update(inc)


def rewrite(path: Path) -> None:
    """Change a byte in its place, at another time."""
    with path.open("r+b") as file:
        file.write(b"1")
    os.utime(path, (1, 1))


def truncate(path: Path) -> None:
    """Cut the end off."""
    os.truncate(path, STREAM + 1)


def grow(path: Path) -> None:
    """Write on, as a log does."""
    with path.open("ab") as file:
        file.write(b"1")


def supersede(path: Path) -> None:
    """Put another file in its place."""
    other = path.with_name("other")
    other.write_bytes(b"other")
    other.replace(path)


@pytest.mark.parametrize("deed", [rewrite, truncate])
def test_file_that_is_changed_while_it_is_uploaded_is_not_published(
    fs: S3FileSystem, plane: WritingStore, tmp_path: Path, deed: Callable[[Path], None]
) -> None:
    """It may never have held the bytes that were read."""
    (here,) = files(tmp_path, {"x": 4 * KNOWN})
    with pytest.raises(OSError, match="changed while it was read"):
        fs.put_file(here, f"{BUCKET}/x", callback=Meddling(lambda: deed(Path(here))))
    assert (plane.objects, plane.aborted) == ({}, ["x"])


@pytest.mark.parametrize(("deed", "added"), [(grow, b"1"), (supersede, b"")], ids=["grown", "replaced"])
def test_file_that_had_all_that_was_read_is_published(
    fs: S3FileSystem, plane: WritingStore, tmp_path: Path, deed: Callable[[Path], None], added: bytes
) -> None:
    """A log that is written on; a file that is replaced is the old one for who has it open."""
    (here,) = files(tmp_path, {"x": 4 * KNOWN})
    fs.put_file(here, f"{BUCKET}/x", callback=Meddling(lambda: deed(Path(here))))
    assert plane.objects["x"] == bytes(4 * KNOWN) + added


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipe_is_uploaded_to_its_end(fs: S3FileSystem, plane: WritingStore, tmp_path: Path) -> None:
    """It has no size, and another time with each write."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(bytes(MIB),), daemon=True)
    writer.start()
    fs.put_file(str(path), f"{BUCKET}/x")
    writer.join(PATIENCE)
    assert plane.objects["x"] == bytes(MIB)


# -- what ends early ------------------------------------------------------------------------------------------------

PARTS = 6
LONG = PARTS * KNOWN
CALLS = [
    pytest.param(lambda fs, _: fs.pipe_file(f"{BUCKET}/x", bytes(LONG)), id="pipe_file"),
    pytest.param(lambda fs, _: fs.pipe({f"{BUCKET}/x": bytes(LONG), f"{BUCKET}/y": bytes(LONG)}), id="pipe"),
    pytest.param(lambda fs, folder: fs.put_file(*files(folder, {"x": LONG}), f"{BUCKET}/x"), id="put_file"),
    pytest.param(
        lambda fs, folder: fs.put(files(folder, {"x": LONG, "y": LONG}), [f"{BUCKET}/x", f"{BUCKET}/y"]), id="put"
    ),
]


def hold(plane: WritingStore, gate: threading.Event, then: Callable[[], None] = lambda: None) -> None:
    """Let the first part of each upload wait, so that nothing but what ends the call can end it."""
    begun = threading.Lock()

    def during(_: str, part: int = 0) -> None:
        if part == 1:
            if begun.acquire(blocking=False):
                then()
            gate.wait(PATIENCE)

    plane.during = during


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.parametrize("call", CALLS)
def test_upload_that_ctrl_c_ends_leaves_nothing(
    fs: S3FileSystem, plane: WritingStore, tmp_path: Path, gate: threading.Event, call: Callable[..., Any]
) -> None:
    """The call ends while a part hangs; when that has come through, the upload is aborted instead of finished."""
    hold(plane, gate, press_ctrl_c)
    with interruptible(), pytest.raises(KeyboardInterrupt):
        call(fs, tmp_path)
    assert not gate.is_set()
    gate.set()
    assert until(lambda: not is_sending())
    assert (plane.objects, plane.uploads) == ({}, [])
    assert plane.aborted
    # One was on its way, one in the queue, one in hand.
    assert plane.last_part <= 3


@pytest.mark.parametrize("call", CALLS[::2])
def test_upload_that_takes_too_long_leaves_nothing(
    fs: S3FileSystem, plane: WritingStore, tmp_path: Path, gate: threading.Event, call: Callable[..., Any]
) -> None:
    """``timeout=`` ends it as Ctrl-C does."""
    hold(plane, gate)
    path, here = f"{BUCKET}/x", files(tmp_path, {"x": LONG})[0]
    with pytest.raises(FSTimeoutError):
        fs.put_file(here, path, timeout=0.2) if call is CALLS[2] else fs.pipe_file(path, bytes(LONG), timeout=0.2)
    gate.set()
    assert until(lambda: not is_sending())
    assert (plane.objects, plane.aborted) == ({}, ["x"])


def test_upload_whose_task_is_cancelled_leaves_nothing(
    fs: S3FileSystem, plane: WritingStore, gate: threading.Event
) -> None:
    """An awaited one."""
    reached = threading.Event()
    hold(plane, gate, reached.set)

    async def cancelled() -> None:
        task = asyncio.create_task(fs._pipe_file(f"{BUCKET}/x", bytes(LONG)))
        await asyncio.to_thread(reached.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    gate.set()
    assert until(lambda: not is_sending())
    assert (plane.objects, plane.aborted) == ({}, ["x"])


def test_upload_beside_one_that_fails_is_given_up(fs: S3FileSystem, plane: WritingStore, gate: threading.Event) -> None:
    """Nobody waits for it any more, so it must not appear later."""
    both = threading.Barrier(2, timeout=PATIENCE)

    def during(key: str, part: int = 0) -> None:
        if part == 1:
            both.wait()
            if key == "x":
                raise PermissionError(errno.EACCES, "no", key)
            gate.wait(PATIENCE)

    plane.during = during
    with pytest.raises(PermissionError):
        fs.pipe({f"{BUCKET}/x": bytes(LONG), f"{BUCKET}/y": bytes(LONG)})
    gate.set()
    assert until(lambda: not is_sending())
    assert (plane.objects, sorted(plane.aborted)) == ({}, ["x", "y"])


def test_groups_reach_as_far_as_one_request(fs: S3FileSystem) -> None:
    """Whatever is written with one request has a bound of its own."""
    assert bulk_write_verbs._GROUP_BYTES[-1] >= fs.connection.cloud.parts.default_bytes


def test_file_that_is_given_up_while_its_upload_begins_leaves_nothing(fs: S3FileSystem, plane: WritingStore) -> None:
    """By another thread, as the end of the interpreter does: no upload is left that nobody knows of."""
    begun, gate = threading.Event(), threading.Event()
    begin = fs._begin_upload

    def slowly(*args: Any, **kwargs: Any) -> Any:
        begun.set()
        assert gate.wait(PATIENCE)
        return begin(*args, **kwargs)

    fs._begin_upload = slowly  # type: ignore[method-assign]
    file = fs.open(f"{BUCKET}/x", "wb", block_size=5 * MIB)

    def write() -> None:
        # It may be over before the file is given up, or be told.
        with contextlib.suppress(ValueError, ObjfsError):
            file.write(bytes(11 * MIB))

    writing = threading.Thread(target=write)
    writing.start()
    assert begun.wait(PATIENCE)
    giving_up = threading.Thread(target=file.discard)
    giving_up.start()
    gate.set()
    for thread in (writing, giving_up):
        thread.join(PATIENCE)
    assert (plane.objects, plane.uploads, plane.aborted) == ({}, [], ["x"])


def test_file_that_is_given_up_begins_no_upload(
    fs: S3FileSystem, plane: WritingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a write of another thread, whose bytes nobody wants any more."""
    file, plain = fs.open(f"{BUCKET}/x", "wb", block_size=5 * MIB), Collector.add

    def add(pending: Collector, view: memoryview) -> None:
        plain(pending, view)
        file.discard()

    monkeypatch.setattr(Collector, "add", add)
    with pytest.raises(ValueError, match="closed"):
        file.write(bytes(11 * MIB))
    assert (plane.objects, plane.uploads, plane.aborted) == ({}, [], [])


def test_file_that_is_collected_in_the_thread_of_its_own_upload_leaves_nothing(
    fs: S3FileSystem, plane: WritingStore
) -> None:
    """The collector runs in any thread, and an upload cannot wait for itself."""
    files = [fs.open(f"{BUCKET}/x", "wb", block_size=5 * MIB)]
    has_written, collected = threading.Event(), threading.Event()

    def during(_: str, part: int = 0) -> None:
        if part == 1:
            assert has_written.wait(PATIENCE)
            files.clear()
            collected.set()

    plane.during = during
    files[0].write(bytes(11 * MIB))
    has_written.set()
    assert collected.wait(PATIENCE)
    assert until(lambda: plane.aborted == ["x"])
    assert plane.objects == {}


@pytest.mark.parametrize("mode", ["wb", "w"])
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_file_that_is_collected_on_the_loop_of_fsspec_leaves_nothing(
    fs: S3FileSystem, plane: WritingStore, mode: str, compression: str | None
) -> None:
    """Which cannot wait for what it has to carry out itself."""
    threads: list[str] = []
    begin = fs._begin_upload

    def watched(*args: Any, **kwargs: Any) -> Any:
        upload = begin(*args, **kwargs)
        abort = upload.abort
        upload.abort = lambda: threads.append(threading.current_thread().name) or abort()
        return upload

    fs._begin_upload = watched  # type: ignore[method-assign]
    noise = os.urandom(6 * MIB).hex()
    files = [fs.open(f"{BUCKET}/x", mode, block_size=5 * MIB, compression=compression)]
    files[0].write(noise if mode == "w" else noise.encode())

    async def collect() -> None:
        files.clear()

    fs.run_blocking(collect())
    assert until(lambda: plane.aborted == ["x"])
    assert (plane.objects, threads) == ({}, ["objfs-abort"])


def test_upload_whose_last_answer_does_not_come_is_given_up_with_its_caller(
    fs: S3FileSystem, plane: WritingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """obstore has all parts and waits for them, as when Ctrl-C comes while a server is silent."""
    monkeypatch.setattr(uploads, "_LANDING_SECONDS", 0.01)
    (path,) = files(tmp_path, {"x": 30 * MIB})
    all_taken, gate, put_stream = threading.Event(), threading.Event(), plane.put_stream

    def silent(key: str, pieces: Any, **more: Any) -> Any:
        def taken() -> Any:
            yield from pieces
            all_taken.set()
            assert gate.wait(PATIENCE)

        return put_stream(key, taken(), **more)

    plane.put_stream = silent  # type: ignore[method-assign]
    pending = Pending(lambda: fs.put_file(path, f"{BUCKET}/x"))
    assert all_taken.wait(PATIENCE)
    pending._stop.set()
    try:
        assert until(lambda: pending.is_done)
    finally:
        gate.set()
    with pytest.raises(asyncio.CancelledError):
        pending.result()
