"""The refresher: one fetch for everybody, a margin, pauses after failures, rejections, forks."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from objfs.credentials import refresher as refresher_module
from objfs.credentials.refresher import Refresher, _shared, shared_refresher
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, CredentialsExpiredError, MissingCredentialsError
from tests.unit.refreshing import START, Clock, Steps, made, refresher_of, settle


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_refresher_fetches_nothing_before_it_is_asked(clock: Clock) -> None:
    """Construction, repr and expires_at cost no fetch."""
    refresher = refresher_of(clock, Steps(made(1)))
    assert (refresher.fetch_count, refresher.expires_at, repr(refresher)) == (0, None, "<Refresher of provider steps>")


def test_refresher_fetches_once_for_credentials_that_never_expire(clock: Clock) -> None:
    """Without an expiry one fetch serves for ever."""
    refresher = refresher_of(clock, Steps(made(1), made(2)))
    first = refresher.current()
    clock.now += 10**9
    assert refresher.current() is first
    assert refresher.fetch_count == 1


def test_refresher_fetches_once_when_64_threads_ask_together(clock: Clock) -> None:
    """Single flight: all callers share the answer of one fetch."""
    source = Steps(made(1), made(2))
    source.gate.clear()
    refresher = refresher_of(clock, source)
    got: list[Credentials] = []
    threads = [threading.Thread(target=lambda: got.append(refresher.current())) for _ in range(64)]
    for thread in threads:
        thread.start()
    assert source.entered.acquire(timeout=30)
    source.gate.set()
    for thread in threads:
        thread.join(30)
    assert [c.values["access_key_id"] for c in got] == ["AKID1"] * 64
    assert refresher.fetch_count == 1


def test_refresher_fetches_once_for_three_event_loops_and_a_thread(clock: Clock) -> None:
    """Single flight holds across loops, and no loop is blocked while it waits."""
    source = Steps(made(1), made(2))
    source.gate.clear()
    refresher = refresher_of(clock, source)
    got: list[Credentials] = []
    waiting = threading.Semaphore(0)

    async def ask() -> None:
        async def tick() -> None:
            await asyncio.sleep(0)
            waiting.release()

        answers = await asyncio.gather(refresher.current_async(), refresher.current_async(), tick())
        got.extend(answer for answer in answers if answer is not None)

    threads = [threading.Thread(target=lambda: asyncio.run(ask())) for _ in range(3)]
    threads.append(threading.Thread(target=lambda: got.append(refresher.current())))
    for thread in threads:
        thread.start()
    assert all(waiting.acquire(timeout=30) for _ in range(3))
    source.gate.set()
    for thread in threads:
        thread.join(30)
    assert [c.values["access_key_id"] for c in got] == ["AKID1"] * 7
    assert refresher.fetch_count == 1


def test_refresher_survives_a_waiter_that_is_cancelled(clock: Clock) -> None:
    """One task that gives up does not take the fetch from the others."""
    source = Steps(made(1))
    source.gate.clear()
    refresher = refresher_of(clock, source)

    async def scenario() -> Credentials:
        first = asyncio.ensure_future(refresher.current_async())
        second = asyncio.ensure_future(refresher.current_async())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        source.gate.set()
        return await second

    assert asyncio.run(scenario()).values["access_key_id"] == "AKID1"
    assert refresher.fetch_count == 1


@pytest.mark.parametrize(
    ("lifetime", "margin", "starts_at"),
    [
        pytest.param(3600, None, 3300, id="five-minutes-of-an-hour"),
        pytest.param(8, None, 6, id="a-quarter-of-a-short-life"),
        pytest.param(3600, timedelta(minutes=1), 3540, id="as-given"),
        pytest.param(100, timedelta(hours=1), 50, id="given-longer-than-the-life"),
    ],
)
def test_refresher_refreshes_in_the_background_within_the_margin(
    clock: Clock, lifetime: float, margin: timedelta | None, starts_at: float
) -> None:
    """Before the margin nothing happens; within it callers keep the old ones while one refresh runs."""
    source = Steps(made(1, clock.in_seconds(lifetime)), made(2))
    refresher = refresher_of(clock, source, margin=margin)
    first = refresher.current()
    clock.now = START + starts_at - 0.001
    assert refresher.current() is first
    assert refresher.fetch_count == 1
    source.gate.clear()
    clock.now = START + starts_at
    assert [refresher.current() is first for _ in range(5)] == [True] * 5
    assert refresher.fetch_count == 2
    flight = refresher._flight
    assert flight is not None
    source.gate.set()
    flight.future.result(30)
    assert refresher.current().values["access_key_id"] == "AKID2"
    assert refresher.fetch_count == 2


def test_refresher_keeps_current_credentials_and_backs_off_when_refreshes_fail(clock: Clock) -> None:
    """Failures are retried after 1, 2, 4 ... 60 seconds, and callers notice nothing before the expiry."""
    refresher = refresher_of(clock, Steps(made(1, clock.in_seconds(3600)), OSError("vending service is down")))
    first = refresher.current()
    clock.now = begin = START + 3300
    attempts: list[float] = []
    while clock.now < START + 3600:
        before = refresher.fetch_count
        assert refresher.current() is first
        settle(refresher)
        if refresher.fetch_count > before:
            attempts.append(clock.now - begin)
        clock.now += 0.5
    assert attempts == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]


def test_refresher_says_expired_with_the_providers_error_as_cause(clock: Clock) -> None:
    """After the real expiry a failing provider is an error at once, a PermissionError, and names its cause."""
    error = OSError("vending service is down")
    refresher = refresher_of(clock, Steps(made(1, clock.in_seconds(60)), error))
    refresher.current()
    clock.now += 60
    with pytest.raises(CredentialsExpiredError, match="provider steps did not deliver new ones") as caught:
        refresher.current()
    assert caught.value.__cause__ is error
    assert isinstance(caught.value, PermissionError)
    assert "vending" not in str(caught.value)


def test_refresher_first_failure_is_a_credentials_error_with_its_cause(clock: Clock) -> None:
    """Without anything before, the error does not speak of expiry."""
    error = KeyError("nothing")
    refresher = refresher_of(clock, Steps(error))
    with pytest.raises(CredentialsError, match="provider steps failed to deliver credentials: KeyError") as caught:
        refresher.current()
    assert caught.value.__cause__ is error
    assert not isinstance(caught.value, CredentialsExpiredError)


def test_refresher_passes_our_own_errors_on_as_they_are(clock: Clock) -> None:
    """A source that already says what is wrong is not wrapped, and no instance is raised twice."""
    error = MissingCredentialsError("no AWS credentials found")
    refresher = refresher_of(clock, Steps(error))
    caught = []
    for _ in range(2):
        with pytest.raises(MissingCredentialsError, match="no AWS credentials found") as info:
            refresher.current()
        caught.append(info.value)
    assert caught[0] is not caught[1]


def test_refresher_without_credentials_asks_a_failing_provider_once_a_second(clock: Clock) -> None:
    """Many failing calls are not many fetches, yet a repaired provider is noticed soon."""
    refresher = refresher_of(clock, Steps(*[OSError("down")] * 12, made(1)))
    for _ in range(12):
        for _ in range(50):
            with pytest.raises(CredentialsError):
                refresher.current()
        clock.now += 1
    assert refresher.fetch_count == 12
    assert refresher.current().values["access_key_id"] == "AKID1"


def test_refresher_refuses_credentials_that_arrive_expired(clock: Clock) -> None:
    """Expired on arrival is said so, and does not spin."""
    refresher = refresher_of(clock, Steps(made(1, clock.in_seconds(-1))))
    for _ in range(20):
        with pytest.raises(CredentialsExpiredError, match="provider steps returned credentials that expired at"):
            refresher.current()
    assert refresher.fetch_count == 1


def test_refresher_wait_is_bounded_when_the_provider_hangs(clock: Clock) -> None:
    """Sync and async callers give up, and one that comes a second later starts another fetch."""
    source = Steps(made(1))
    source.gate.clear()
    refresher = refresher_of(clock, source, wait_timeout=0.01)
    for _ in range(2):
        with pytest.raises(CredentialsError, match=r"provider steps did not deliver credentials within 0\.01 s"):
            refresher.current()
    assert refresher.fetch_count == 1
    clock.now += 1
    with pytest.raises(CredentialsError, match="did not deliver"):
        asyncio.run(refresher.current_async())
    assert refresher.fetch_count == 2
    source.gate.set()


def test_refresher_uses_initial_credentials_until_they_expire(clock: Clock) -> None:
    """What came with the options is used up first; the provider serves from then on."""
    source = Steps(made(2))
    refresher = refresher_of(clock, source, initial=made(1, clock.in_seconds(100)))
    assert refresher.expires_at == clock.in_seconds(100)
    assert refresher.current().values["access_key_id"] == "AKID1"
    assert refresher.fetch_count == 0
    clock.now += 100
    assert refresher.current().values["access_key_id"] == "AKID2"


def test_refresher_asks_the_provider_when_initial_credentials_are_past(clock: Clock) -> None:
    """Initial credentials that had expired before are never handed out; a failure then speaks of expiry."""
    refresher = refresher_of(clock, Steps(OSError("down")), initial=made(1, clock.in_seconds(-5)))
    with pytest.raises(CredentialsExpiredError):
        refresher.current()


def test_reject_replaces_the_current_credentials_once(clock: Clock) -> None:
    """A rejected object is not used again; later rejections of it do nothing."""
    refresher = refresher_of(clock, Steps(made(1), made(2), made(3)))
    first = refresher.current()
    assert refresher.reject(first) is True
    second = refresher.current()
    assert second.values["access_key_id"] == "AKID2"
    assert refresher.reject(first) is True
    assert refresher.current() is second
    assert refresher.fetch_count == 2


def test_reject_does_not_loop_when_the_provider_repeats_itself(clock: Clock) -> None:
    """The same values get one more try; rejected again, calls fail with a reason instead of fetching on."""
    refresher = refresher_of(clock, Steps(lambda: made(1, clock.in_seconds(clock.now % 7 + 600))))
    assert refresher.reject(refresher.current()) is True
    assert refresher.reject(refresher.current()) is False
    for _ in range(20):
        with pytest.raises(CredentialsExpiredError, match="keeps returning credentials that the server rejects"):
            refresher.current()
    assert refresher.fetch_count == 2
    clock.now += 1
    assert refresher.current().values["access_key_id"] == "AKID1"


def test_reject_says_false_for_credentials_that_nothing_can_replace(clock: Clock) -> None:
    """Static keys stay: the server's own error must reach the caller."""
    source = Steps(made(1))
    source.refreshable = False
    refresher = refresher_of(clock, source)
    first = refresher.current()
    assert refresher.reject(first) is False
    assert refresher.current() is first


def test_refresher_says_what_to_do_when_static_credentials_expire(clock: Clock) -> None:
    """Keys with an expiry and nobody to renew them."""
    source = Steps(made(1, clock.in_seconds(60)))
    source.refreshable = False
    refresher = refresher_of(clock, source)
    refresher.current()
    clock.now += 61
    with pytest.raises(CredentialsExpiredError, match=r"expired at 2027-01-15T08:01:00.*storage_options_provider"):
        refresher.current()


def test_reject_counts_doubtful_refusals_by_the_age_of_the_credentials(clock: Clock) -> None:
    """A bare 403 costs a fetch after 1 second, then 2, then 4: forbidden objects are not a storm."""
    refresher = refresher_of(clock, Steps(*[made(n) for n in range(50)]))
    fetched_at: list[float] = []
    for _ in range(80):
        if refresher.reject(refresher.current(), certain=False):
            refresher.current()
            fetched_at.append(clock.now - START)
        clock.now += 0.5
    assert fetched_at == [1, 3, 7, 15, 31]


def test_reject_always_doubts_credentials_that_are_due_for_replacement(clock: Clock) -> None:
    """A HEAD that a refusal meets in the last quarter of a short life is tried again, each time."""
    refresher = refresher_of(clock, Steps(*[lambda n=n: made(n, clock.in_seconds(1.6)) for n in range(10)]))
    for _ in range(10):
        used = refresher.current()
        clock.now += 0.8
        assert not refresher.reject(used, certain=False)
        clock.now += 0.6
        assert refresher.reject(used, certain=False)
        clock.now += 1


def test_reject_joins_64_callers_in_one_new_fetch(clock: Clock) -> None:
    """All requests that one expired key broke cost one fetch."""
    refresher = refresher_of(clock, Steps(made(1), made(2), made(3)))
    used = refresher.current()
    barrier = threading.Barrier(64)
    got: list[str] = []

    def request() -> None:
        barrier.wait(30)
        refresher.reject(used)
        got.append(refresher.current().values["access_key_id"])

    threads = [threading.Thread(target=request) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert got == ["AKID2"] * 64
    assert refresher.fetch_count == 2


def test_refresher_refuses_to_be_pickled(clock: Clock) -> None:
    """Fetched secrets never travel."""
    with pytest.raises(TypeError, match="holds fetched secrets"):
        pickle.dumps(refresher_of(clock, Steps(made(1))))


def test_refresher_gives_an_exception_of_any_kind_to_its_waiters(clock: Clock) -> None:
    """A provider that calls sys.exit ends its own thread only."""
    refresher = refresher_of(clock, Steps(SystemExit(3)))
    with pytest.raises(CredentialsError, match="SystemExit"):
        refresher.current()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs POSIX signals")
def test_refresher_wait_ends_at_once_on_keyboard_interrupt(clock: Clock) -> None:
    """Ctrl-C in the main thread is not held up by a hanging provider."""
    source = Steps(made(1))
    source.gate.clear()
    refresher = refresher_of(clock, source)

    def interrupt() -> None:
        source.entered.acquire(timeout=30)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    # A shell's background job is started with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            refresher.current()
    finally:
        signal.signal(signal.SIGINT, before)
    source.gate.set()
    assert refresher.current().values["access_key_id"] == "AKID1"


def in_child(check: Callable[[], bool]) -> bool:
    """Run ``check`` in a forked child; True where it said so in time."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        status = 1
        try:
            status = 0 if check() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.fixture
def held_lock(clock: Clock) -> Iterator[Refresher]:
    """A refresher whose fetch is in flight and whose lock another thread holds, as a fork may find it."""
    source = Steps(made(1))
    source.gate.clear()
    refresher = refresher_of(clock, source)
    waiter = threading.Thread(target=refresher.current)
    waiter.start()
    assert source.entered.acquire(timeout=30)
    refresher._lock.acquire()
    source.gate.set()
    yield refresher
    refresher._lock.release()
    waiter.join(30)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_refresher_works_in_a_child_forked_in_the_middle_of_a_fetch(held_lock: Refresher) -> None:
    """Neither the parent's lock nor its flight holds the child up."""
    assert in_child(lambda: held_lock.current().values["access_key_id"] == "AKID1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_shared_refresher_works_in_a_forked_child(clock: Clock) -> None:
    """The registry's lock is new in the child, its refreshers are the same."""
    kept = shared_refresher("fork", lambda: refresher_of(clock, Steps(made(1))))
    with refresher_module._shared_lock:
        assert in_child(lambda: shared_refresher("fork", lambda: refresher_of(clock, Steps(made(2)))) is kept)


def test_shared_refresher_is_one_per_key_while_in_use(clock: Clock) -> None:
    """Equal configurations share, others do not, and nobody's refresher goes away."""

    def make() -> Refresher:
        return refresher_of(clock, Steps(made(1)))

    first = shared_refresher("one", make)
    assert shared_refresher("one", make) is first
    assert shared_refresher("two", make) is not first
    del first
    gc.collect()
    assert "one" not in _shared
