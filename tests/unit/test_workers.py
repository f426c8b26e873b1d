"""Calls that block: in order, bounded, ended by the first failure, by Ctrl-C and by a time-out; nothing is kept."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

from objfs import workers
from objfs.workers import Pending, call, is_busy, run_many, wait_for_worker
from tests.emulators.forked import in_child
from tests.unit.recording import interruptible, press_ctrl_c, until

# A wait that is over at once where the code is right, and fails the test where it is not.
PATIENCE = 20


class Blob:
    """Something whose end can be seen."""


@pytest.fixture(autouse=True)
def _workers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test gets, or waits for, a worker of another; what these have begun ends where it is counted."""
    # One that ends soon would be counted here; one that another test has left hanging does not end at all.
    until(lambda: not is_busy(), 0.5)
    monkeypatch.setattr(workers, "_idle", [])
    monkeypatch.setattr(workers, "_busy", set())


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What jobs wait for that are not to end yet; in the end nobody waits."""
    event = threading.Event()
    yield event
    event.set()


def wait(event: threading.Event) -> None:
    """Wait for what happens in another thread."""
    assert event.wait(PATIENCE)


def in_thread(function: Callable[[], Any]) -> Any:
    """What a function returns, or raises, in a thread that is not the main one."""
    found: list[Any] = []

    def work() -> None:
        try:
            found.append(function())
        except BaseException as error:  # noqa: BLE001 - it is the result
            found.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found[0]


# -- many -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 8, 100], ids="limit-{}".format)
@pytest.mark.parametrize("count", [0, 1, 3, 50])
def test_run_many_gives_results_in_order(count: int, limit: int) -> None:
    """As many as there are jobs, whatever the bound."""
    assert run_many([partial(int, number) for number in range(count)], limit) == list(range(count))


def test_run_many_gives_results_in_order_when_the_last_job_ends_first() -> None:
    """Each job waits for the one after it."""
    ended = [threading.Event() for _ in range(6)]

    def job(number: int) -> int:
        if number < 5:
            wait(ended[number + 1])
        ended[number].set()
        return number

    assert run_many([partial(job, number) for number in range(6)], 6) == list(range(6))


class Crowd:
    """Jobs that go on only when ``size`` of them are there at the same time."""

    def __init__(self, size: int) -> None:
        self.meeting = threading.Barrier(size, timeout=PATIENCE)
        self.present = self.most = 0
        self.lock = threading.Lock()

    def job(self) -> None:
        """One of them."""
        with self.lock:
            self.present += 1
            self.most = max(self.most, self.present)
        self.meeting.wait()
        with self.lock:
            self.present -= 1


@pytest.mark.parametrize("limit", [1, 2, 5, 8, 9, 40], ids="limit-{}".format)
def test_run_many_works_on_as_many_jobs_as_it_may_and_no_more(limit: int) -> None:
    """Jobs that wait get company up to the bound: fewer would never meet."""
    crowd = Crowd(limit)
    run_many([crowd.job] * (3 * limit), limit)
    assert crowd.most == limit
    crew = workers._Crew([int] * 20, limit)
    crew.run()
    assert crew._started <= limit


def test_run_many_leaves_fast_jobs_to_the_first_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """While no time passes in which they get little done nobody joins them."""
    monkeypatch.setattr(workers, "_RAMP_SECONDS", PATIENCE)
    crowd = Crowd(workers._FIRST_WORKERS)
    run_many([crowd.job] * (5 * workers._FIRST_WORKERS), 128)
    assert crowd.most == workers._FIRST_WORKERS


class Clock:
    """Stands for the lock that ends the wait of a crew: each wait is over when so many jobs more have completed."""

    def __init__(self, crew: workers._Crew[None], ticks: list[int], gate: threading.Event) -> None:
        self.crew, self.ticks, self.gate = crew, iter(ticks), gate
        self.over = threading.Event()
        self.seen: list[int] = []

    def acquire(self, timeout: float) -> bool:
        """The crew's wait."""
        self.seen.append(self.crew._started)
        completed = next(self.ticks, None)
        if completed is None:
            self.gate.set()
            return self.over.wait(PATIENCE)
        self.crew._completed += completed
        return False

    def release(self) -> None:
        """All are done."""
        self.over.set()

    def locked(self) -> bool:
        """Whether the crew still waits."""
        return not self.over.is_set()


@pytest.mark.parametrize(
    ("ticks", "started"),
    [
        pytest.param([8, 8, 8], [8, 8, 8, 8], id="fast"),
        pytest.param([0, 0, 0], [8, 16, 32, 50], id="distant"),
        pytest.param([8, 7, 16, 15, 100], [8, 8, 16, 16, 32, 32], id="in-between"),
    ],
)
def test_run_many_doubles_its_workers_when_they_complete_less_than_a_job_each(
    ticks: list[int], started: list[int]
) -> None:
    """In the time of one tick; up to the bound."""
    gate = threading.Event()
    crew = workers._Crew([partial(wait, gate)] * 300, 50)
    clock = Clock(crew, ticks, gate)
    crew._over = clock  # type: ignore[assignment]
    crew.run()
    assert clock.seen == started


# -- failures -------------------------------------------------------------------------------------------------------


def test_run_many_raises_the_first_failure_while_others_still_run(gate: threading.Event) -> None:
    """Who hangs is not waited for."""
    begun = threading.Event()

    def hang() -> None:
        begun.set()
        wait(gate)

    def fail() -> None:
        wait(begun)
        raise LookupError

    with pytest.raises(LookupError):
        run_many([hang, fail], 2)
    assert is_busy()


def test_run_many_begins_nothing_more_after_a_failure(gate: threading.Event) -> None:
    """Neither who fails nor who was busy when it happened."""
    begun, left = threading.Event(), threading.Event()
    more: list[int] = []

    def hang() -> None:
        begun.set()
        wait(gate)

    def fail() -> None:
        wait(begun)
        raise LookupError

    jobs: list[Callable[[], Any]] = [hang, fail, *[partial(more.append, number) for number in range(10)]]
    crew = workers._Crew(jobs, 2)
    leave = crew._leave

    def leave_and_tell() -> None:
        leave()
        if crew._ended == crew._started:
            left.set()

    crew._leave = leave_and_tell  # type: ignore[method-assign]
    with pytest.raises(LookupError):
        crew.run()
    gate.set()
    wait(left)
    assert more == []


def test_run_many_one_at_a_time_stops_at_the_first_failure() -> None:
    """Without any thread."""
    more: list[int] = []
    jobs: list[Callable[[], Any]] = [partial(int, "no number"), partial(more.append, 1)]
    with pytest.raises(ValueError, match="no number"):
        run_many(jobs, 1)
    assert (more, workers._idle) == ([], [])


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.parametrize(
    "run",
    [
        pytest.param(call, id="call"),
        pytest.param(lambda function: Pending(function).result(), id="pending"),
        pytest.param(lambda function: run_many([function, function], 2), id="run_many"),
        pytest.param(lambda function: asyncio.run(wait_for_worker(function)), id="wait_for_worker"),
    ],
)
def test_call_raises_what_the_function_raises(run: Callable[[Any], Any], kind: type[BaseException]) -> None:
    """Of whatever kind, and the worker takes the next call."""
    why = "for a reason"

    def fail() -> None:
        raise kind(why)

    with pytest.raises(kind, match=why):
        run(fail)
    assert call(lambda: 5) == 5


# -- who carries it out ---------------------------------------------------------------------------------------------


def test_call_leaves_the_main_thread_to_ctrl_c_and_works_where_it_is_in_any_other() -> None:
    """A signal reaches the main thread only."""
    assert call(threading.get_ident) != threading.get_ident()
    assert in_thread(lambda: call(threading.get_ident) == threading.get_ident()) is True


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(call, id="call"),
        pytest.param(lambda function: run_many([function] * 3, 3)[2], id="run_many"),
        pytest.param(lambda function: asyncio.run(wait_for_worker(function)), id="wait_for_worker"),
    ],
)
def test_call_works_here_where_no_thread_can_be_started(
    run: Callable[[Callable[[], int]], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the interpreter exits."""

    def refuse(_: threading.Thread) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert run(threading.get_ident) == threading.get_ident()


VARIABLE: ContextVar[str] = ContextVar("variable")


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(lambda: call(VARIABLE.get), id="call"),
        pytest.param(lambda: Pending(VARIABLE.get).result(), id="pending"),
        pytest.param(lambda: call(lambda: run_many([VARIABLE.get] * 2, 2)[0]), id="run_many"),
        pytest.param(lambda: asyncio.run(wait_for_worker(VARIABLE.get)), id="wait_for_worker"),
    ],
)
def test_call_sees_the_context_variables_of_its_caller(run: Callable[[], str]) -> None:
    """Those of the moment, not of the worker's first call; what it sets stays with it."""
    for value in "one", "two":
        token = VARIABLE.set(value)
        assert run() == value
        VARIABLE.reset(token)
    call(lambda: VARIABLE.set("theirs"))
    assert VARIABLE.get(None) is None


def test_pending_works_while_its_caller_does_something_else(gate: threading.Event) -> None:
    """And says when it is done."""
    ended = threading.Event()
    pending = Pending(lambda: wait(gate) or 7)
    assert (pending.is_done, is_busy()) == (False, True)
    gate.set()
    assert pending.result() == 7
    done = Pending(ended.set)
    wait(ended)
    assert done.result() is None
    assert is_busy() is False


# -- Ctrl-C and time-outs -------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
@pytest.mark.parametrize(
    "run",
    [
        pytest.param(call, id="call"),
        pytest.param(lambda function: call(function, timeout=PATIENCE), id="call-with-timeout"),
        pytest.param(lambda function: Pending(function).result(), id="pending"),
        pytest.param(lambda function: call(lambda: run_many([function, function], 2)), id="run_many"),
    ],
)
def test_ctrl_c_ends_the_wait_while_the_worker_is_blocked(
    run: Callable[[Callable[[], None]], Any], gate: threading.Event
) -> None:
    """At once: what was begun goes on with nobody waiting for it."""
    ended: list[bool] = []

    def hang() -> None:
        press_ctrl_c()
        wait(gate)
        ended.append(True)

    with interruptible(), pytest.raises(KeyboardInterrupt):
        run(hang)
    assert (ended, is_busy()) == ([], True)


def test_what_nobody_waits_for_begins_nothing_more(gate: threading.Event) -> None:
    """Many jobs of which one is running when the wait ends: the others never begin, and it does not look complete."""
    begun, ended = threading.Event(), threading.Event()
    more: list[int] = []
    outcome: list[Any] = []

    def hang() -> None:
        begun.set()
        wait(gate)

    def work(limit: int) -> None:
        try:
            outcome.append(run_many([hang, *[partial(more.append, number) for number in range(5)]], limit))
        except BaseException as error:  # noqa: BLE001 - looked at below
            outcome.append(type(error))
        ended.set()

    for limit in 1, 2:
        begun.clear(), ended.clear(), gate.clear()
        pending = Pending(partial(work, limit))
        wait(begun)
        with pytest.raises(TimeoutError):
            pending.result(timeout=0)
        done_before = len(more)
        gate.set()
        wait(ended)
        if limit == 1:
            assert done_before == len(more) == 0
    assert outcome == [asyncio.CancelledError] * 2


@pytest.mark.parametrize("from_main_thread", [True, False])
def test_call_raises_when_the_time_is_over(gate: threading.Event, from_main_thread: bool) -> None:
    """In any thread; its error has no number, those of requests have one."""
    run: Callable[[Callable[[], Any]], Any] = (lambda work: work()) if from_main_thread else in_thread

    def work() -> Any:
        try:
            return call(lambda: wait(gate), timeout=0.01)
        except TimeoutError as error:
            return error

    error = run(work)
    assert (type(error), error.errno) == (TimeoutError, None)
    assert run(lambda: call(lambda: 3, timeout=PATIENCE)) == 3


async def cancelled(function: Callable[[], Any], gate: threading.Event) -> asyncio.Future[Any]:
    """Await a function that waits for a gate, and be cancelled while it does."""
    loop, begun = asyncio.get_running_loop(), asyncio.Event()

    def work() -> Any:
        loop.call_soon_threadsafe(begun.set)
        return function()

    task = asyncio.ensure_future(wait_for_worker(work))
    await begun.wait()
    task.cancel()
    await asyncio.wait([task])
    assert not gate.is_set()
    return task


def test_wait_for_worker_that_is_cancelled_ends_and_stops_what_it_began(gate: threading.Event) -> None:
    """The loop goes on at once; the worker's answer finds nobody, and nothing more is begun."""
    ended = threading.Event()
    more: list[int] = []

    def work() -> None:
        try:
            run_many([partial(wait, gate), partial(more.append, 1)], 1)
        finally:
            ended.set()

    async def main() -> bool:
        task = await cancelled(work, gate)
        gate.set()
        return task.cancelled()

    assert asyncio.run(main())
    wait(ended)
    assert more == []


def test_wait_for_worker_whose_loop_has_ended_is_forgotten(gate: threading.Event) -> None:
    """The worker takes the next call."""
    asyncio.run(cancelled(partial(wait, gate), gate))
    (worker,) = workers._busy
    gate.set()
    assert until(lambda: worker in workers._idle)
    assert call(lambda: 4) == 4


# -- what is kept ---------------------------------------------------------------------------------------------------


def test_worker_that_is_idle_takes_the_next_call() -> None:
    """One thread for calls that follow each other."""
    assert len({call(threading.get_ident) for _ in range(20)}) == 1


def test_workers_beyond_the_bound_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many that were busy at the same time only some are kept for the next call."""
    monkeypatch.setattr(workers, "MAX_IDLE", 1)
    gates = [threading.Event() for _ in range(3)]
    threads: list[threading.Thread] = []
    begun = threading.Barrier(4, timeout=PATIENCE)

    def work(gate: threading.Event) -> None:
        threads.append(threading.current_thread())
        begun.wait()
        wait(gate)

    pending = [Pending(partial(work, gate)) for gate in gates]
    begun.wait()
    for gate, each in zip(gates, pending, strict=True):
        gate.set()
        each.result()
    assert len(workers._idle) == 1
    # The main thread waits here for those that end.
    ending = [thread for thread in threads if thread is not call(threading.current_thread)]
    assert len(ending) == 2
    for thread in ending:
        thread.join(PATIENCE)
    assert [thread.is_alive() for thread in ending] == [False, False]


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """What is not needed goes by itself, or not at all."""
    gc.disable()
    yield
    gc.enable()


RUNS = [
    pytest.param(call, id="call"),
    pytest.param(lambda function: Pending(function).result(), id="pending"),
    pytest.param(lambda function: call(lambda: run_many([function] * 2, 2))[0], id="run_many"),
    pytest.param(lambda function: asyncio.run(wait_for_worker(function)), id="wait_for_worker"),
]


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("run", RUNS)
def test_worker_that_is_idle_keeps_no_result(run: Callable[[Callable[[], Blob]], Blob]) -> None:
    """Results are megabytes; they belong to the caller alone."""
    result = run(Blob)
    seen = weakref.ref(result)
    del result
    assert all_gone(seen)


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("run", RUNS)
def test_worker_that_is_idle_keeps_no_function(run: Callable[[Callable[[], int]], int]) -> None:
    """Nor what it refers to."""
    blob = Blob()
    assert run(partial(lambda _: 1, blob)) == 1
    seen = weakref.ref(blob)
    del blob
    assert all_gone(seen)


@pytest.mark.usefixtures("_no_collector")
# asyncio's own tasks keep their errors.
@pytest.mark.parametrize("run", RUNS[:-1])
def test_error_keeps_no_frames_when_it_was_handled(run: Callable[[Callable[[], None]], None]) -> None:
    """Its traceback goes with it, and the variables that this holds."""
    seen: list[weakref.ref[Blob]] = []

    def fail() -> None:
        blob = Blob()
        seen.append(weakref.ref(blob))
        raise LookupError

    with contextlib.suppress(LookupError):
        run(fail)
    assert all_gone(*seen)


@pytest.mark.usefixtures("_no_collector")
def test_error_that_was_awaited_keeps_no_frames_when_it_was_handled() -> None:
    """The same in a coroutine."""
    seen: list[weakref.ref[Blob]] = []

    def fail() -> None:
        blob = Blob()
        seen.append(weakref.ref(blob))
        raise LookupError

    async def main() -> None:
        with contextlib.suppress(LookupError):
            await wait_for_worker(fail)

    asyncio.run(main())
    assert all_gone(*seen)


def all_gone(*seen: weakref.ref[Blob]) -> bool:
    """Whether nothing refers to them any more, as soon as the workers are where they wait for a call."""
    return until(lambda: all(each() is None for each in seen))


# -- processes ------------------------------------------------------------------------------------------------------


def test_forked_child_has_workers_of_its_own() -> None:
    """Its parent's are not there, idle or busy."""
    gate = threading.Event()
    busy = Pending(lambda: wait(gate))
    assert call(lambda: 1) == 1

    def work() -> tuple[bool, int, list[int]]:
        was_busy = is_busy()
        return was_busy, call(lambda: 2), call(lambda: run_many([lambda: 3] * 2, 2))

    try:
        assert in_child(work) == (False, 2, [3, 3])
    finally:
        gate.set()
    assert busy.result() is None
