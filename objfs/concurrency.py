"""Bounded concurrency in one event loop, and waiting for a loop that Ctrl-C can interrupt."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, Generic, NoReturn, TypeVar

from objfs.errors import ObjfsError
from objfs.exits import refuse_after_the_end

T = TypeVar("T")

# The blocking call that a task works for.
_scope: ContextVar[_Call | None] = ContextVar("objfs_scope", default=None)

# Whether a task works for a thread that waits for it.
_is_waited_for: ContextVar[bool] = ContextVar("objfs_is_waited_for", default=False)

# A wait without a time-out cannot be interrupted on every platform; a short one costs nothing measurable.
_POLL_SECONDS: Final = 0.5


async def run_bounded(jobs: Iterable[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
    """Run jobs with at most ``limit`` at a time; results in order. The first failure cancels the others.

    Jobs are started lazily, so that an iterator of jobs is never drained ahead of the work.
    """
    results: dict[int, T] = {}
    running: dict[asyncio.Task[T], int] = {}
    source = enumerate(jobs)

    async def one(job: Callable[[], Awaitable[T]]) -> T:
        return await job()

    try:
        exhausted = False
        while True:
            while not exhausted and len(running) < limit:
                item = next(source, None)
                if item is None:
                    exhausted = True
                else:
                    running[asyncio.ensure_future(one(item[1]))] = item[0]
            if not running:
                return [results[index] for index in sorted(results)]
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                index = running.pop(task)
                results[index] = task.result()
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.gather(*running, return_exceptions=True)


async def close_with_loop(owner: object, close: Callable[[], Awaitable[Any]]) -> None:
    """Await ``close()`` on the running loop when that loop is shut down, or soon after ``owner`` is collected.

    ``close`` must not hold ``owner``.
    """
    guard = _closing(close)
    # A loop closes the asynchronous generators that were begun on it before it ends.
    await anext(guard)
    # The registry of finalizers holds the guard: collected together with its owner it would come too late.
    weakref.finalize(owner, close_soon, asyncio.get_running_loop(), guard).atexit = False


async def _closing(close: Callable[[], Awaitable[Any]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await close()


def close_soon(loop: asyncio.AbstractEventLoop, generator: AsyncGenerator[Any, None]) -> None:
    """Have an asynchronous generator closed on its loop, from any thread; a loop that ends meanwhile has done so."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(lambda: loop.create_task(_closed(generator)))


async def _closed(generator: AsyncGenerator[Any, None]) -> None:
    # Who was interrupted has left it running; it ends with what was cancelled.
    with contextlib.suppress(RuntimeError):
        await generator.aclose()


def _outlive_executors(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop be used while the interpreter exits, when no executor takes work and no thread can be started.

    aiohttp looks names up in the loop's executor, and the user's ``.netrc``. The exit may begin while somebody waits
    for the loop, so it gets such an executor at once; one that its owner has given it stays until the exit has begun.
    """
    has_its_own = getattr(loop, "_default_executor", None) is not None
    if loop in _lasting or (has_its_own and threading.main_thread().is_alive()):
        return
    _lasting.add(loop)
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(loop.set_default_executor, _LastingExecutor(thread_name_prefix="asyncio"))


_lasting: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


class _LastingExecutor(concurrent.futures.ThreadPoolExecutor):
    """Works in the thread that asks when the interpreter lets no other one work any more."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            future: concurrent.futures.Future[T] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
            future.set_exception(error)
        return future


class _Call:
    """The tasks that one blocking call has started; fsspec's bulk verbs do not cancel theirs in every case."""

    def __init__(self) -> None:
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._is_over = False

    def join(self, task: asyncio.Task[Any]) -> None:
        """One more, which may begin when the call is over."""
        self._tasks.add(task)
        if self._is_over:
            task.cancel()

    def end(self) -> None:
        """Cancel them all."""
        self._is_over = True
        for task in set(self._tasks) - {asyncio.current_task()}:
            # Nobody else hears what has become of it, which asyncio would log.
            task.add_done_callback(_hear_out)
            task.cancel()


def _hear_out(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


def join_call() -> None:
    """Let the running task be cancelled together with the blocking call that it works for."""
    whole = _scope.get()
    if whole is not None:
        task = asyncio.current_task()
        if task is not None:
            whole.join(task)


async def as_one_call(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine; when that ends early, cancel every task that has joined the call."""
    whole = _Call()
    token = _scope.set(whole)
    try:
        return await coroutine
    except BaseException:
        whole.end()
        raise
    finally:
        _scope.reset(token)


def outside_calls() -> Context:
    """A copy of the context in which no task joins a call: for what runs without an event loop."""
    context = copy_context()
    context.run(_scope.set, None)
    return context


def refuse_on(loop: asyncio.AbstractEventLoop) -> None:
    """Refuse to block the loop that would have to carry the call out.

    Raises
    ------
    BlockingCallError
        It is running in this thread.
    OSError
        ``ECANCELED``: the interpreter is ending, and the loop's thread has stopped.
    """
    refuse_after_the_end()
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return
    if running is loop:
        msg = "a blocking call was made on the event loop that has to carry it out; await the coroutine instead"
        raise BlockingCallError(msg)


class Carried(BaseException):
    """``KeyboardInterrupt`` or ``SystemExit`` on its way through an event loop, which either would end.

    Parameters
    ----------
    error
        For the thread that waits.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def carry(error: BaseException) -> NoReturn:
    """Raise what a user's callback has raised, for the thread that waits; on the caller's own loop as it is."""
    if not _is_waited_for.get():
        raise error
    raise Carried(error) from error


class _Waited(Generic[T]):
    """A coroutine on a loop of another thread, which can be given up at any moment, also before it has begun."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> None:
        self._coroutine, self._loop = coroutine, loop
        self._task: asyncio.Task[T] | None = None
        self._is_given_up = False

    async def _run(self) -> T:
        self._task = asyncio.current_task()
        if self._is_given_up:
            self._coroutine.close()
            raise asyncio.CancelledError
        _is_waited_for.set(True)
        try:
            return await self._coroutine
        except (KeyboardInterrupt, SystemExit) as error:
            carry(error)

    def result(self) -> T:
        """Wait; Ctrl-C ends the wait at once, wherever it comes, and the coroutine is cancelled."""
        _outlive_executors(self._loop)
        try:
            future = asyncio.run_coroutine_threadsafe(self._run(), self._loop)
            while True:
                try:
                    return future.result(_POLL_SECONDS)
                except concurrent.futures.TimeoutError:
                    if future.done():
                        return future.result()
        except BaseException:
            self._is_given_up = True
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._cancel)
            raise

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def wait_for(coroutine: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    """Run a coroutine on a loop of another thread and wait; an interrupt cancels it and returns at once.

    Raises
    ------
    BlockingCallError, OSError
        As for `refuse_on`.
    """
    try:
        refuse_on(loop)
    except Exception:
        coroutine.close()
        raise
    try:
        return _Waited(coroutine, loop).result()
    except Carried as carried:
        error = carried.error
    raise error


# A NotImplementedError only because fsspec's own is one, which its callers catch.
class BlockingCallError(ObjfsError, NotImplementedError):
    """A blocking call on the event loop that would have to carry it out (fsspec raises ``NotImplementedError``)."""
