"""Threads for calls that block: one to wait for where Ctrl-C must come through, a few that share many calls.

A request through obstore costs a third of the CPU time when it blocks a thread instead of resolving an asyncio future
(measured with obstore 0.12.1), but it cannot be interrupted and hides from Ctrl-C. So the main thread never makes one:
it waits for a worker, and leaves it behind when it is interrupted. `concurrent.futures` would wait for such a worker
when the interpreter exits.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final, Generic, TypeVar

from objfs.concurrency import carry, outside_calls
from objfs.exits import refuse_after_the_end

T = TypeVar("T")

# A wait without a time-out cannot be interrupted on every platform; a short one costs nothing measurable.
_POLL_SECONDS: Final = 0.5
# Workers that are kept for the next call.
MAX_IDLE: Final = 16
# Many calls begin with this many workers. Where these complete less than a call each in the time below, they are
# waiting for a distant server instead of using the processor, and twice as many serve better, up to the caller's limit.
_FIRST_WORKERS: Final = 8
_RAMP_SECONDS: Final = 0.003

_idle: list[_Worker] = []
_busy: set[_Worker] = set()


class Stop:
    """Whether whoever waits for some work has gone away.

    Parameters
    ----------
    whole
        That of the work of which this is a part.
    """

    __slots__ = ("_is_set", "_whole")

    def __init__(self, whole: Stop | None = None) -> None:
        self._whole, self._is_set = whole, False

    @property
    def is_set(self) -> bool:
        """Nobody waits any more."""
        return self._is_set or (self._whole is not None and self._whole.is_set)

    def set(self) -> None:
        """Go away."""
        self._is_set = True


_stop: ContextVar[Stop] = ContextVar("objfs_stop")


class _Task(Generic[T]):
    """One call and what came of it; `done` is called then, in the worker's thread."""

    __slots__ = ("_context", "_error", "_function", "_result", "done")

    def __init__(self, function: Callable[[], T], done: Callable[[], None], stop: Stop | None = None) -> None:
        self._function = function
        self._result: T | None = None
        self._error: BaseException | None = None
        self.done = done
        self._context = outside_calls()
        if stop is not None:
            self._context.run(_stop.set, stop)

    def carry_out(self) -> None:
        try:
            self._result = self._context.run(self._function)
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            self._error = error

    def result(self) -> T:
        try:
            if self._error is not None:
                raise self._error
            return self._result  # type: ignore[return-value]
        finally:
            # The error's traceback holds this frame.
            self._error = self._result = None


class _Worker:
    """A thread that carries out one task after another."""

    __slots__ = ("_task", "_wake")

    def __init__(self) -> None:
        self._task: _Task[Any] | None = None
        self._wake = threading.Lock()
        self._wake.acquire()
        threading.Thread(target=self._run, name="objfs-worker", daemon=True).start()

    def give(self, task: _Task[Any]) -> None:
        self._task = task
        _busy.add(self)
        self._wake.release()

    def _run(self) -> None:
        keep = True
        while keep:
            self._wake.acquire()
            task, self._task = self._task, None
            assert task is not None  # noqa: S101 - `give` sets it before it wakes
            task.carry_out()
            done = task.done
            # A kept worker must not keep a result, and is free before its caller knows, who may have the next call.
            del task
            _busy.discard(self)
            keep = len(_idle) < MAX_IDLE
            if keep:
                _idle.append(self)
            done()
            del done


def _start(task: _Task[Any]) -> None:
    """Have a worker carry out a task; where no thread can be started, as when the interpreter exits, do so here."""
    try:
        worker = _idle.pop()
    except IndexError:
        try:
            worker = _Worker()
        except RuntimeError:
            task.carry_out()
            task.done()
            return
    worker.give(task)


class Pending(Generic[T]):
    """A call that a worker carries out while its caller does something else.

    Parameters
    ----------
    function
        What to call.
    stop
        Set when nobody waits any more.

    Raises
    ------
    OSError
        ``ECANCELED``: the interpreter is ending, and all workers with it.
    """

    __slots__ = ("_done", "_stop", "_task")

    def __init__(self, function: Callable[[], T], stop: Stop | None = None) -> None:
        refuse_after_the_end()
        self._stop = stop or Stop()
        # Held until there is a result.
        self._done = threading.Lock()
        self._done.acquire()
        self._task = _Task(function, self._done.release, self._stop)
        _start(self._task)

    @property
    def is_done(self) -> bool:
        """Whether the call is over."""
        return not self._done.locked()

    def result(self, timeout: float | None = None) -> T:
        """Wait for what the call returns, or raise what it raised; once, in one thread.

        Ctrl-C ends the wait at once; what the worker has begun goes on without anybody to wait for it.

        Raises
        ------
        TimeoutError
            ``timeout`` seconds are over; the error has no ``errno``.
        """
        try:
            self._wait(timeout)
        except BaseException:
            self._stop.set()
            raise
        return self._task.result()

    def _wait(self, timeout: float | None) -> None:
        if timeout is None:
            while not self._done.acquire(timeout=_POLL_SECONDS):
                pass
            return
        deadline = time.monotonic() + timeout
        while (seconds := deadline - time.monotonic()) > 0:
            if self._done.acquire(timeout=min(_POLL_SECONDS, seconds)):
                return
        raise TimeoutError


def call(function: Callable[[], T], timeout: float | None = None) -> T:
    """Carry out a function that blocks.

    In the main thread a worker does so, and Ctrl-C ends the wait at once. In any other thread, which no signal
    reaches, the function is simply called.

    Parameters
    ----------
    function
        What to call.
    timeout
        Seconds to wait at most; None waits for ever.

    Raises
    ------
    TimeoutError
        The time is over; the error has no ``errno``.
    """
    if timeout is None and threading.get_ident() != threading.main_thread().ident:
        return function()
    stop = Stop()
    try:
        return Pending(function, stop).result(timeout)
    except BaseException:
        # Ctrl-C may come at any moment, also before the wait has begun.
        stop.set()
        raise


async def wait_for_worker(function: Callable[[], T]) -> T:
    """Await a function that blocks; when the wait is cancelled, `run_many` in it starts nothing more."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def finish() -> None:
        if not future.done():
            future.set_result(None)

    def done() -> None:
        # The loop may have ended meanwhile: then nobody waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(finish)

    stop = Stop()
    task = _Task(function, done, stop)
    _start(task)
    try:
        await future
    except BaseException:
        stop.set()
        raise
    try:
        return task.result()
    except (KeyboardInterrupt, SystemExit) as error:
        carry(error)


class _Crew(Generic[T]):
    """Workers that share a list of jobs."""

    def __init__(self, jobs: Sequence[Callable[[], T]], limit: int) -> None:
        self._jobs, self._limit = jobs, min(limit, len(jobs))
        self._next = itertools.count()
        self._results: list[Any] = [None] * len(jobs)
        # One that fails has nobody wait for the others.
        self._stop = Stop(current_stop())
        self._error: BaseException | None = None
        self._failed = False
        self._lock = threading.Lock()
        self._started = self._ended = self._completed = 0
        self._over = threading.Lock()
        self._over.acquire()

    def run(self) -> list[T]:
        self._enlist(min(self._limit, _FIRST_WORKERS))
        before = 0
        while not self._over.acquire(timeout=_RAMP_SECONDS if self._started < self._limit else _POLL_SECONDS):
            if self._completed - before < self._started < self._limit:
                self._enlist(min(self._limit - self._started, self._started))
            before = self._completed
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None
        refuse_when_stopped(self._stop)
        return self._results

    def _enlist(self, count: int) -> None:
        # Counted before the first of them can end.
        with self._lock:
            self._started += count
        for _ in range(count):
            _start(_Task(self._work, self._leave, self._stop))

    def _work(self) -> None:
        while not self._stop.is_set:
            index = next(self._next)
            if index >= len(self._jobs):
                return
            try:
                self._results[index] = self._jobs[index]()
            except BaseException as error:  # noqa: BLE001 - it is raised where the results are waited for
                with self._lock:
                    if not self._failed:
                        self._failed, self._error = True, error
                        self._stop.set()
                        self._over.release()
            # Not exact, and need not be: it says whether there is progress.
            self._completed += 1

    def _leave(self) -> None:
        with self._lock:
            self._ended += 1
            if self._ended == self._started and not self._failed and self._over.locked():
                self._over.release()


def run_many(jobs: Sequence[Callable[[], T]], limit: int) -> list[T]:
    """Carry out functions that block, at most ``limit`` at a time.

    Must not be called in the main thread but through `call`, so that Ctrl-C finds its way.

    Parameters
    ----------
    jobs
        What to call, in this order.
    limit
        Calls at a time, >= 1.

    Returns
    -------
    list
        What they returned, in order.

    Raises
    ------
    BaseException
        The first that a job raised, at once: no more are begun, those that run go on with nobody waiting for them.
    """
    if limit > 1 and len(jobs) > 1:
        return _Crew(jobs, limit).run()
    stop = current_stop()
    results = []
    for job in jobs:
        refuse_when_stopped(stop)
        results.append(job())
    return results


def current_stop() -> Stop:
    """Whether whoever waits for the call that is being carried out has gone away."""
    return _stop.get(Stop())


def refuse_when_stopped(stop: Stop) -> None:
    """Nobody waits any more: what was asked for must not look complete."""
    if stop.is_set:
        raise asyncio.CancelledError


def has_room() -> bool:
    """Whether one more call finds a worker that is kept anyway."""
    return len(_busy) < MAX_IDLE


def is_busy() -> bool:
    """Whether a worker is in the middle of a call."""
    return bool(_busy)


def _forget_workers() -> None:
    """A forked child has none of its parent's threads."""
    _idle.clear()
    _busy.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)
