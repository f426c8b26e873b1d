"""The refresher's bounds: providers that hang, ask objfs for themselves, and clocks that somebody sets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from objfs.credentials.pauses import CALLER_PAUSE_SECONDS
from objfs.credentials.refresher import MOST_GIVEN_UP, Refresher
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError, CredentialsExpiredError
from tests.unit.refreshing import Clock, made

# How long callers wait where nothing comes.
WAIT = 0.01


class Calls:
    """A source whose n-th fetch does what the n-th callable does; the last one repeats."""

    identity, description, refreshable = "calls", "provider calls", True

    def __init__(self, *steps: Callable[[], Credentials]) -> None:
        self._steps, self.count = steps, 0

    def fetch(self) -> Credentials:
        self.count += 1
        return self._steps[min(self.count, len(self._steps)) - 1]()


class Hang:
    """A fetch that comes back when it is let go."""

    def __init__(self, outcome: Credentials | BaseException) -> None:
        self._outcome, self._gone, self._over = outcome, threading.Event(), threading.Event()
        self.thread: threading.Thread | None = None

    def __call__(self) -> Credentials:
        self.thread = threading.current_thread()
        assert self._gone.wait(30)
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def let_go(self) -> None:
        """Come back, and wait until that has been taken notice of."""
        self._gone.set()
        if self.thread is not None:
            self.thread.join(30)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hang(clock: Clock) -> Iterator[Hang]:
    """A fetch that brings the credentials of number 9, an hour long."""
    hang = Hang(made(9, clock.in_seconds(3600)))
    yield hang
    hang.let_go()


def refresher_of(clock: Clock, source: Calls, wait_timeout: float = 60) -> Refresher:
    return Refresher(source, clock=clock, monotonic=clock, wait_timeout=wait_timeout)


def settle(refresher: Refresher) -> None:
    if refresher._flight is not None:
        refresher._flight.future.result(30)


def test_background_refresh_that_hangs_is_given_up_before_the_expiry(clock: Clock, hang: Hang) -> None:
    """A lost connection five minutes before the end costs no caller anything: another refresh starts in time."""
    first = made(1, clock.in_seconds(3600))
    source = Calls(lambda: first, hang, lambda: made(2))
    refresher = refresher_of(clock, source, wait_timeout=60)
    refresher.current()
    clock.now += 3300
    for seconds in (0, 59, 1, CALLER_PAUSE_SECONDS):
        clock.now += seconds
        assert refresher.current() is first
    settle(refresher)
    assert refresher.current().values["access_key_id"] == "AKID2"
    assert refresher.fetch_count == 3


def test_caller_does_not_wait_for_a_background_refresh_that_has_hung_for_long(clock: Clock, hang: Hang) -> None:
    """After the expiry the next caller starts a fetch of its own at once."""
    refresher = refresher_of(clock, Calls(lambda: made(1, clock.in_seconds(3600)), hang, lambda: made(2)), 60)
    refresher.current()
    clock.now += 3300
    refresher.current()
    clock.now += 400
    assert refresher.current().values["access_key_id"] == "AKID2"


def test_late_answer_is_used_where_there_is_nothing_better(clock: Clock, hang: Hang) -> None:
    """A vendor that takes longer than callers wait is slow, not broken."""
    refresher = refresher_of(clock, Calls(hang), WAIT)
    with pytest.raises(CredentialsError, match="did not deliver"):
        refresher.current()
    hang.let_go()
    assert refresher.current().values["access_key_id"] == "AKID9"
    assert refresher.fetch_count == 1


def test_late_answer_does_not_replace_a_newer_one(clock: Clock, hang: Hang) -> None:
    """What was asked for first and comes last may have been revoked meanwhile."""
    refresher = refresher_of(clock, Calls(hang, lambda: made(2)), WAIT)
    with pytest.raises(CredentialsError):
        refresher.current()
    clock.now += CALLER_PAUSE_SECONDS
    refresher._wait_timeout = 60
    newer = refresher.current()
    hang.let_go()
    assert refresher.current() is newer


def test_late_error_is_the_cause_that_callers_see(clock: Clock) -> None:
    """A provider whose own time-out is longer than ours still gets to say what is wrong."""
    hang = Hang(TimeoutError("the vault did not answer"))
    refresher = refresher_of(clock, Calls(hang), WAIT)
    with pytest.raises(CredentialsError, match="did not deliver"):
        refresher.current()
    hang.let_go()
    with pytest.raises(CredentialsError, match="TimeoutError") as caught:
        refresher.current()
    assert str(caught.value.__cause__) == "the vault did not answer"


def test_provider_that_always_hangs_keeps_a_bounded_number_of_threads(clock: Clock) -> None:
    """Each caller still waits its time only, for the last fetch instead of one more."""
    hangs = [Hang(made(1)) for _ in range(MOST_GIVEN_UP + 1)]
    source = Calls(*hangs)
    refresher = refresher_of(clock, source, WAIT)
    for _ in range(MOST_GIVEN_UP + 5):
        with pytest.raises(CredentialsError, match="did not deliver"):
            refresher.current()
        clock.now += CALLER_PAUSE_SECONDS
    assert source.count == refresher.fetch_count == MOST_GIVEN_UP + 1
    for hang in hangs:
        hang.let_go()
    assert refresher.current().values["access_key_id"] == "AKID1"


def test_clock_that_is_set_back_makes_no_credentials_live_longer(clock: Clock) -> None:
    """The expiry is counted on a clock that nobody sets, too."""
    ticks = Clock()
    source = Calls(lambda: made(1, clock.in_seconds(3600)), lambda: made(2, clock.in_seconds(3600)))
    refresher = Refresher(source, clock=clock, monotonic=ticks)
    refresher.current()
    clock.now -= 7200
    ticks.now += 3299
    assert refresher.current().values["access_key_id"] == "AKID1"
    assert refresher.fetch_count == 1
    ticks.now += 301
    assert refresher.current().values["access_key_id"] == "AKID2"


def test_clock_that_stands_still_makes_no_credentials_live_longer(clock: Clock) -> None:
    """Such as the one that nobody sets, while the machine sleeps."""
    ticks = Clock()
    refresher = Refresher(Calls(lambda: made(1, clock.in_seconds(60)), lambda: made(2)), clock=clock, monotonic=ticks)
    refresher.current()
    clock.now += 60
    assert refresher.current().values["access_key_id"] == "AKID2"


def test_doubt_goes_by_age_whatever_the_clock_says(clock: Clock) -> None:
    """A bare refusal counts once the credentials are a second old, also when the clock was set back."""
    ticks = Clock()
    refresher = Refresher(Calls(lambda: made(1), lambda: made(2)), clock=clock, monotonic=ticks)
    used = refresher.current()
    clock.now -= 3600
    assert not refresher.reject(used, certain=False)
    ticks.now += 1
    assert refresher.reject(used, certain=False)


def test_credentials_refused_after_a_refusal_are_not_replaced_at_once(clock: Clock) -> None:
    """A vendor whose every answer is refused is asked once a second, not for every request."""
    refresher = refresher_of(clock, Calls(*[lambda n=n: made(n) for n in range(9)]))
    assert refresher.reject(refresher.current())
    assert not refresher.reject(refresher.current(), again=True)
    for _ in range(5):
        with pytest.raises(CredentialsExpiredError, match="keeps returning credentials that the server rejects"):
            refresher.current()
    assert refresher.fetch_count == 2
    clock.now += CALLER_PAUSE_SECONDS
    assert refresher.current().values["access_key_id"] == "AKID2"


def test_doubtful_refusal_after_a_refusal_is_the_objects_not_the_credentials(clock: Clock) -> None:
    """A forbidden object stays forbidden with new credentials, and these stay in use."""
    refresher = refresher_of(clock, Calls(lambda: made(1, clock.in_seconds(4)), lambda: made(2, clock.in_seconds(4))))
    used = refresher.current()
    clock.now += 3.5
    assert refresher.reject(used, certain=False)
    used = refresher.current()
    clock.now += 3.5
    assert not refresher.reject(used, certain=False, again=True)


def test_provider_that_needs_its_own_credentials_is_told_so_at_once(clock: Clock) -> None:
    """It would wait for itself; also where it asks through another refresher that asks back."""
    refreshers: list[Refresher] = []
    refreshers += [refresher_of(clock, Calls(lambda n=n: refreshers[n].current()), 30) for n in (1, 0)]
    with pytest.raises(CredentialsError, match="credentials of its own"):
        refreshers[0].current()
    assert [each.fetch_count for each in refreshers] == [1, 1]


def test_provider_may_use_the_credentials_that_it_is_about_to_replace(clock: Clock) -> None:
    """Within the margin they are still good: a token is traded for the next one."""
    seen: list[str] = []

    def traded() -> Credentials:
        seen.append(refresher.current().values["access_key_id"])
        return made(2)

    refresher = refresher_of(clock, Calls(lambda: made(1, clock.in_seconds(60)), traded), 30)
    refresher.current()
    clock.now += 50
    refresher.current()
    settle(refresher)
    assert refresher.current().values["access_key_id"] == "AKID2"
    assert seen == ["AKID1"]


def test_recent_credentials_are_told_while_others_come(clock: Clock) -> None:
    """An error that hides them in one thread is not disturbed by a fetch in another; a few are enough."""
    refresher = refresher_of(clock, Calls(*[lambda n=n: made(n, clock.in_seconds(60)) for n in range(1, 9)]))
    refresher.current()
    seen = iter(refresher.recent)
    for _ in range(7):
        clock.now += 60
        refresher.current()
    assert [each.values["access_key_id"] for each in seen] == ["AKID1"]
    assert [each.values["access_key_id"] for each in refresher.recent] == [f"AKID{n}" for n in (5, 6, 7, 8)]
