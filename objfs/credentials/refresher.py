"""The only cache of credentials: one per configuration, for every plane, thread and event loop that uses it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import os
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Final
from weakref import WeakSet, WeakValueDictionary

from objfs.credentials import complaints
from objfs.credentials.lifetimes import Held, hold
from objfs.credentials.pauses import Failure
from objfs.credentials.values import Credentials, Live, Source
from objfs.errors import CredentialsError

_log = logging.getLogger(__name__)

# How often a refusal that may have another reason may cost a fetch; it doubles up to the longest.
SUSPICION_SECONDS: Final = 1.0
LONGEST_SUSPICION_SECONDS: Final = 300.0
# Ctrl-C must reach the main thread while it waits, also where a lock cannot be interrupted (Windows).
_WAIT_SLICE_SECONDS: Final = 0.5
# How many sets of credentials are kept to be recognised in the text of an error.
RECENT: Final = 4
# A fetch that does not come back is given up and another one started, but not without end: each keeps a thread.
MOST_GIVEN_UP: Final = 8


_Outcome = Credentials | Failure

# The refreshers whose providers are at work in this thread or task, and in those that called it.
_fetching: ContextVar[tuple[Refresher, ...]] = ContextVar("objfs_fetching", default=())


class _Flight:
    """One fetch on its way."""

    __slots__ = ("future", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.future: concurrent.futures.Future[_Outcome] = concurrent.futures.Future()
        # Running futures cannot be cancelled: one waiter that gives up must not take it from the others.
        self.future.set_running_or_notify_cancel()


class Refresher:
    """Keeps credentials fresh. Nothing is fetched before they are first asked for.

    Parameters
    ----------
    source
        Where credentials come from.
    initial
        Credentials to use until they expire; the source serves from then on.
    margin
        How long before the expiry a refresh starts, at most half the lifetime. Default: the smaller of five minutes
        and a quarter of the lifetime that was left when they were fetched.
    wait_timeout
        Seconds that a caller without usable credentials waits for a fetch; one that takes longer is given up.
    clock
        Unix seconds, for expiries.
    monotonic
        Seconds since any moment, for pauses, and for lives that a clock which is set back must not make longer.
    """

    def __init__(
        self,
        source: Source,
        *,
        initial: Credentials | None = None,
        margin: timedelta | None = None,
        wait_timeout: float = 60.0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._live = source if isinstance(source, Live) else None
        self._margin = margin
        self._wait_timeout = wait_timeout
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._flight: _Flight | None = None
        self._given_up: set[_Flight] = set()
        self._failure: Failure | None = None
        self._rejected: Credentials | None = None
        self._suspicion = SUSPICION_SECONDS
        self._fetch_count = 0
        self._had_some = initial is not None
        # The last ones, whatever became of them: an error may quote any of them.
        self.recent: tuple[Credentials, ...] = () if initial is None else (initial,)
        self._held = None if initial is None else hold(initial, margin, clock(), monotonic())
        _refreshers.add(self)

    def __repr__(self) -> str:
        return f"<Refresher of {self._source.description}>"

    def __reduce__(self) -> Any:
        msg = "a Refresher cannot be pickled: it holds fetched secrets; pickle the provider and fetch again"
        raise TypeError(msg)

    @property
    def source(self) -> Source:
        """Where the credentials come from."""
        return self._source

    @property
    def expires_at(self) -> datetime | None:
        """When the credentials in use expire; None where they do not or where there are none yet."""
        held = self.in_use
        return None if held is None else held.expires_at

    @property
    def in_use(self) -> Credentials | None:
        """The credentials that are at hand, be they valid or not; nothing is fetched."""
        held = self._held
        return None if held is None else held.credentials

    @property
    def fetch_count(self) -> int:
        """How many fetches were started."""
        return self._fetch_count

    def current(self) -> Credentials:
        """Give credentials that have not expired.

        Within the margin the ones in use are returned at once and one refresh runs in the background.

        Raises
        ------
        CredentialsExpiredError
            Those in use have expired or were rejected, and no others could be had; the cause is the provider's error.
        CredentialsError
            The first fetch failed.
        """
        held = self._usable()
        if held is not None:
            return held
        flight = self._start(wanted=True)
        if isinstance(flight, Credentials):
            return flight
        return self._landed(flight if isinstance(flight, Failure) else self._wait(flight))

    async def current_async(self) -> Credentials:
        """Give credentials that have not expired, as :meth:`current` does, without blocking the event loop."""
        held = self._usable()
        if held is not None:
            return held
        flight = self._start(wanted=True)
        if isinstance(flight, Credentials):
            return flight
        if isinstance(flight, Failure):
            return self._landed(flight)
        try:
            return self._landed(await asyncio.wait_for(asyncio.wrap_future(flight.future), self._wait_timeout))
        except TimeoutError:
            raise self._timed_out(flight) from None

    def reject(self, credentials: Credentials, *, certain: bool = True, again: bool = False) -> bool:
        """Tell that a server refused credentials that :meth:`current` gave.

        Parameters
        ----------
        credentials
            The object that was used. Where others are in use by now, nothing is done.
        certain
            False where the refusal may have another reason (a bare 403 to a HEAD). Such a one counts only for
            credentials that are due for replacement or of some age, which doubles each time, so that forbidden
            objects do not cost a fetch each.
        again
            Whether the request had been refused before, with others: the next ones are asked for after a pause.

        Returns
        -------
        bool
            Whether it is worth to try the request again.
        """
        if not self._source.refreshable and self._held_is(credentials):
            return False
        with self._lock:
            held = self._held
            if held is None or held.credentials is not credentials:
                return True
            if not certain and (again or not self._suspected(held)):
                return False
            # The same again, or others that are no better: the provider is not asked for each request.
            vain = again or (self._rejected is not None and self._rejected.values == credentials.values)
            self._held, self._rejected = None, credentials
            if vain:
                self._failure = self._failed(complaints.repeated(self._source))
            return not vain

    def _held_is(self, credentials: Credentials) -> bool:
        held = self._held
        return held is not None and held.credentials is credentials

    def _suspected(self, held: Held) -> bool:
        """Whether a doubtful refusal counts (under the lock)."""
        tick = self._monotonic()
        if held.is_due(self._clock(), tick):
            # To doubt them costs nothing.
            return True
        if tick - held.fetched_tick < self._suspicion:
            return False
        self._suspicion = min(self._suspicion * 2, LONGEST_SUSPICION_SECONDS)
        return True

    def _usable(self) -> Credentials | None:
        """The credentials in use while they are valid, without a lock."""
        held = self._held
        if held is None or self._is_replaced(held):
            return None
        now, tick = self._clock(), self._monotonic()
        if not held.is_due(now, tick):
            return held.credentials
        if held.is_over(now, tick):
            return None
        flight = self._flight
        if self._may_start(wanted=False) if flight is None else self._hangs(flight):
            self._start(wanted=False)
        return held.credentials

    def _is_replaced(self, held: Held) -> bool:
        """Whether the owner of a live source has put other credentials into it."""
        return self._live is not None and self._live.revision() != held.revision

    def _may_start(self, *, wanted: bool) -> bool:
        """Whether the pause after a failure is over; a caller who has nothing pauses less than the background."""
        failure = self._failure
        return failure is None or failure.pause_is_over(self._monotonic(), wanted=wanted)

    def _start(self, *, wanted: bool) -> _Flight | _Outcome:
        """Join the fetch in flight or start one; the credentials or the failure where neither is called for."""
        with self._lock:
            held = self._held
            if held is not None and self._is_replaced(held):
                self._held = held = None
            if held is not None:
                now, tick = self._clock(), self._monotonic()
                if not (held.is_over(now, tick) if wanted else held.is_due(now, tick)):
                    return held.credentials
            if self in _fetching.get():
                return self._failed(complaints.asked_itself(self._source))
            if self._flight is not None and self._hangs(self._flight):
                self._give_up(self._flight)
            if self._flight is not None:
                return self._flight
            if self._failure is not None and not self._may_start(wanted=wanted):
                return self._failure
            return self._take_off()

    def _take_off(self) -> _Flight:
        """Start a fetch (under the lock)."""
        flight = self._flight = _Flight(self._monotonic())
        self._fetch_count += 1
        arguments = (flight, (*_fetching.get(), self))
        thread = threading.Thread(target=self._fetch, args=arguments, name="objfs-credentials", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            self._flight, self._failure = None, self._failed(error)
            flight.future.set_result(self._failure)
        return flight

    def _fetch(self, flight: _Flight, within: tuple[Refresher, ...]) -> None:
        """Fetch once, in a thread of its own."""
        _fetching.set(within)
        outcome: _Outcome
        try:
            revision = None if self._live is None else self._live.revision()
            credentials = self._source.fetch()
            # Replaced, as an error that is made meanwhile in another thread looks through it.
            self.recent = (*self.recent[1 - RECENT :], credentials)
            now, tick = self._clock(), self._monotonic()
            held = hold(credentials, self._margin, now, tick, revision)
            if held.is_over(now, tick):
                raise complaints.expired(self._source, credentials, now)  # noqa: TRY301 - one place turns every failure into an outcome
        except BaseException as error:  # noqa: BLE001 - whatever ends this thread must reach the waiters
            _log.debug("%s failed: %s", self._source.description, type(error).__name__)
            with self._lock:
                outcome = self._failed(error)
                if self._landed_in_time(flight):
                    self._failure = outcome
        else:
            with self._lock:
                outcome = credentials
                if self._landed_in_time(flight):
                    self._held, self._failure, self._had_some = held, None, True
        flight.future.set_result(outcome)

    def _landed_in_time(self, flight: _Flight) -> bool:
        """End a fetch (under the lock); whether what it brought counts: if it was given up, for want of better."""
        self._given_up.discard(flight)
        if self._flight is flight:
            self._flight = None
            return True
        held = self._held
        return held is None or held.is_over(self._clock(), self._monotonic())

    def _hangs(self, flight: _Flight) -> bool:
        return self._monotonic() - flight.since >= self._wait_timeout

    def _give_up(self, flight: _Flight) -> None:
        """Wait no longer for a fetch, if it is still the one in flight (under the lock)."""
        if self._flight is not flight:
            return
        # From when on it hung, not from when on somebody saw it.
        late = min(flight.since + self._wait_timeout, self._monotonic())
        self._failure = Failure(self._too_late(), late, 1 if self._failure is None else self._failure.count + 1)
        if len(self._given_up) < MOST_GIVEN_UP:
            self._given_up.add(flight)
            self._flight = None
        else:
            flight.since = self._monotonic()

    def _failed(self, error: BaseException) -> Failure:
        return Failure(error, self._monotonic(), 1 if self._failure is None else self._failure.count + 1)

    def _wait(self, flight: _Flight) -> _Outcome:
        """Wait for a fetch, in slices that let an interrupt through."""
        deadline = time.monotonic() + self._wait_timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                return flight.future.result(min(left, _WAIT_SLICE_SECONDS))
            except concurrent.futures.TimeoutError:
                continue
        raise self._timed_out(flight)

    def _landed(self, outcome: _Outcome) -> Credentials:
        """Credentials, or this caller's own exception for the failure."""
        if isinstance(outcome, Credentials):
            return outcome
        raise complaints.failed(self._source, outcome.error, had_some=self._had_some)

    def _timed_out(self, flight: _Flight) -> CredentialsError:
        """The error of a caller that waited long enough; the next one may start another fetch."""
        with self._lock:
            self._give_up(flight)
            return self._too_late()

    def _too_late(self) -> CredentialsError:
        """That the wait is over (under the lock)."""
        before = None if self._failure is None else self._failure.error
        return complaints.too_late(self._source, self._wait_timeout, before, had_some=self._had_some)

    def _after_fork(self) -> None:
        """Forget what only lives in the parent: its lock may be held, its thread does not exist here."""
        self._lock = threading.Lock()
        self._flight = None
        self._given_up = set()


_refreshers: WeakSet[Refresher] = WeakSet()
_shared: WeakValueDictionary[str, Refresher] = WeakValueDictionary()
_shared_lock = threading.Lock()


def shared_refresher(key: str, factory: Callable[[], Refresher]) -> Refresher:
    """Give the one refresher of a configuration, for as long as somebody uses it.

    Parameters
    ----------
    key
        Equal for equal configurations.
    factory
        Makes the refresher where there is none; must not fetch.
    """
    with _shared_lock:
        refresher = _shared.get(key)
        if refresher is None:
            refresher = _shared[key] = factory()
        return refresher


def _after_fork_in_child() -> None:
    global _shared_lock  # noqa: PLW0603 - a lock that the parent held would stay locked here for ever
    _shared_lock = threading.Lock()
    for refresher in list(_refreshers):
        refresher._after_fork()  # noqa: SLF001 - same module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
