"""Waiting for a coroutine of another thread's loop: what ends the wait, and what a callback of the user may raise."""

from __future__ import annotations

import asyncio
import errno
import gc
import threading
from pathlib import Path
from typing import Any

import pytest
from fsspec.asyn import get_loop
from fsspec.callbacks import Callback

from objfs import concurrency, workers
from objfs.concurrency import wait_for
from objfs.workers import call, is_busy
from tests.distributions import run_fresh
from tests.unit import recording, writing_plane
from tests.unit.recording import BUCKET, RecordingSdk, RecordingStore, until

PATIENCE = 20
LONG = bytes(5 << 20)


# -- Ctrl-C at any moment -------------------------------------------------------------------------------------------


def test_interrupt_before_the_wait_has_begun_cancels_the_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C may come when the coroutine is on its way to the loop, and nobody has its future yet."""
    plain, gate, ended = asyncio.run_coroutine_threadsafe, threading.Event(), []

    def interrupted(coroutine: Any, loop: Any) -> None:
        plain(coroutine, loop)
        raise KeyboardInterrupt

    async def work() -> None:
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            ended.append(True)

    async def later() -> None:
        gate.wait(PATIENCE)

    # The loop is busy, so that the coroutine cannot begin before it is given up.
    busy = plain(later(), get_loop())
    monkeypatch.setattr(concurrency.asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        wait_for(work(), get_loop())
    monkeypatch.undo()
    gate.set()
    busy.result(PATIENCE)
    tasks = plain(_others(), get_loop()).result(PATIENCE)
    assert (ended, [task for task in tasks if "work" in repr(task)]) == ([], [])


async def _others() -> list[Any]:
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def test_interrupt_while_the_coroutine_runs_and_the_wait_has_not_begun_cancels_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same, a moment later."""
    plain, begun, ended = asyncio.run_coroutine_threadsafe, threading.Event(), threading.Event()

    def interrupted(coroutine: Any, loop: Any) -> None:
        plain(coroutine, loop)
        assert begun.wait(PATIENCE)
        raise KeyboardInterrupt

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            ended.set()

    monkeypatch.setattr(concurrency.asyncio, "run_coroutine_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        wait_for(work(), get_loop())
    assert ended.wait(PATIENCE / 2)


def test_interrupt_before_the_wait_for_a_worker_stops_what_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs that have not begun never do."""
    gate, begun = threading.Event(), []

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    def job() -> None:
        gate.wait(PATIENCE)
        begun.append(True)

    monkeypatch.setattr(workers.Pending, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call(lambda: workers.run_many([job] * 3, 1))
    gate.set()
    assert until(lambda: not is_busy())
    assert len(begun) <= 1


# -- what a callback raises -----------------------------------------------------------------------------------------


class Ending(Callback):  # type: ignore[misc]
    """A progress bar whose user wants the program to end, after so many updates of its own or of its branches."""

    def __init__(self, error: type[BaseException], *, in_branch: bool, after: int = 0) -> None:
        super().__init__()
        self.error, self.in_branch, self.left = error, in_branch, after

    def branched(self, *_: Any, **__: Any) -> Callback:
        """The bar of one file."""
        return Ending(self.error, in_branch=False, after=self.left) if self.in_branch else Callback()

    def relative_update(self, inc: int = 1) -> None:
        """Something was done."""
        if not self.in_branch:
            self.left -= 1
            if self.left < 0:
                msg = "enough"
                raise self.error(msg)


def _upload(fs: Any, here: list[str], callback: Any, *, many: bool) -> None:
    if many:
        fs.put(here, [f"{BUCKET}/x", f"{BUCKET}/y"], callback=callback)
    else:
        fs.put_file(here[0], f"{BUCKET}/x", callback=callback)


def _download(plane: Any, target: Path, callback: Any, *, many: bool) -> None:
    fs = recording.filesystem(plane)
    if many:
        fs.get([f"{BUCKET}/key", f"{BUCKET}/other"], [str(target / "a"), str(target / "b")], callback=callback)
    else:
        fs.get_file(f"{BUCKET}/key", str(target / "a"), callback=callback)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("plane", [RecordingStore, RecordingSdk], ids=["data", "sdk"])
@pytest.mark.parametrize(
    ("many", "in_branch"),
    [
        pytest.param(False, False, id="get_file"),
        pytest.param(True, False, id="get"),
        pytest.param(True, True, id="get-of-one"),
    ],
)
def test_what_ends_a_download_from_its_callback_reaches_the_caller_and_the_loop_lives(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    error: type[BaseException],
    plane: type[Any],
    many: bool,
    in_branch: bool,
) -> None:
    """Either exception ends an event loop that it passes, and with fsspec's every filesystem of the process."""
    callback = Ending(error, in_branch=in_branch, after=0 if many and not in_branch else 1)
    with pytest.raises(error, match="enough"):
        _download(plane(key=LONG, other=LONG), tmp_path, callback, many=many)
    assert wait_for(asyncio.sleep(0, "alive"), get_loop()) == "alive"
    assert until(lambda: not is_busy())
    gc.collect()
    assert caplog.messages == []
    # What was whole before may be there.
    assert all(path.name in "ab" and path.stat().st_size == len(LONG) for path in tmp_path.iterdir())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("many", [False, True], ids=["put_file", "put"])
def test_what_ends_an_upload_from_its_callback_reaches_the_caller_and_the_loop_lives(
    tmp_path: Path, error: type[BaseException], many: bool
) -> None:
    """And nothing half is published."""
    plane = writing_plane.WritingStore()
    fs = writing_plane.filesystem(plane)
    here = writing_plane.files(tmp_path, {"x": 40 << 20, "y": 40 << 20})
    callback = Ending(error, in_branch=many, after=1)
    with pytest.raises(error, match="enough"):
        _upload(fs, here, callback, many=many)
    assert wait_for(asyncio.sleep(0, "alive"), get_loop()) == "alive"
    assert until(lambda: not is_busy())
    assert plane.objects == {}


def test_exception_of_a_callback_is_the_callers_own_on_a_loop_of_the_caller(tmp_path: Path) -> None:
    """There nobody waits in another thread: the loop ends as asyncio says."""
    fs = recording.filesystem(RecordingStore(key=LONG), asynchronous=True)
    with pytest.raises(SystemExit, match="enough"):
        asyncio.run(fs._get_file(f"{BUCKET}/key", str(tmp_path / "a"), Ending(SystemExit, in_branch=False)))
    assert list(tmp_path.iterdir()) == []


# -- the end of the interpreter -------------------------------------------------------------------------------------

LATE = """
import sys
from tests.unit import recording, writing_plane
plane = recording.{plane}(key=bytes(5 << 20))
reading, writing = recording.filesystem(plane), writing_plane.filesystem(writing_plane.WritingStore())
class Late:
    def __init__(self):
        self.fs, self.writing, self.file = reading, writing, reading.open("bucket/key")
        self.read, self.write = reading.cat_file, writing.pipe_file
        reading.cat_file("bucket/key")
    def __del__(self):
        try:
            {late}
        except OSError as error:
            print(error.errno)
late = Late()
late.itself = late
sys.modules["kept"] = late
"""
LATE_CALLS = [
    pytest.param("self.fs.cat_file('bucket/key')", id="cat"),
    pytest.param("self.file.seek(4 << 20), self.file.read(9)", id="read"),
    pytest.param("self.fs.open('bucket/key')", id="open"),
    pytest.param("self.fs.info('bucket/key')", id="info"),
    pytest.param("self.writing.pipe_file('bucket/key', b'1')", id="pipe"),
]


@pytest.mark.parametrize("late", LATE_CALLS)
@pytest.mark.parametrize("plane", ["RecordingStore", "RecordingSdk"])
def test_call_after_the_end_of_the_interpreter_is_an_error_that_says_so(plane: str, late: str) -> None:
    """In a ``__del__`` that comes too late: all other threads have stopped, and a wait would be for ever."""
    assert run_fresh(LATE.format(plane=plane, late=late), timeout=PATIENCE) == errno.ECANCELED


def test_executor_works_on_when_it_may_start_nothing_any_more():
    """As at the exit of the interpreter: what is asked of it is done in the thread that asks, and fails there."""
    executor = concurrency._LastingExecutor()
    executor.shutdown()
    assert executor.submit(threading.get_ident).result() == threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        executor.submit(divmod, 1, 0).result()
