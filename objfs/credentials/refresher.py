"""The only cache of credentials: one per configuration, for every plane, thread and event loop that uses it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copy
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakSet, WeakValueDictionary

from objfs.credentials.values import Credentials, Live, Source
from objfs.errors import CredentialsError, CredentialsExpiredError, MissingCredentialsError
from objfs.records import record

_log = logging.getLogger(__name__)

LONGEST_MARGIN_SECONDS: Final = 300.0
MARGIN_SHARE: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 60.0
# A caller without credentials should not wait out a long pause after the cause is gone, nor ask in a tight loop.
CALLER_PAUSE_SECONDS: Final = 1.0
# How often a refusal that may have another reason may cost a fetch; it doubles up to the longest.
SUSPICION_SECONDS: Final = 1.0
LONGEST_SUSPICION_SECONDS: Final = 300.0
# Ctrl-C must reach the main thread while it waits, also where a lock cannot be interrupted (Windows).
_WAIT_SLICE_SECONDS: Final = 0.5


@record
class _Held:
    """Credentials in use, with their moments as Unix seconds."""

    credentials: Credentials
    fetched_at: float
    refresh_at: float
    expires_at: float
    revision: object = None


@record
class _Failure:
    """The last attempt, where it brought nothing."""

    error: BaseException
    at: float
    count: int


# Errors that say by themselves what is wrong; others are causes of one of these.
_OURS: Final = (CredentialsError, CredentialsExpiredError, MissingCredentialsError)
_Outcome = Credentials | _Failure


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
        Seconds that a caller without usable credentials waits for a fetch.
    clock
        Unix seconds, for expiries.
    monotonic
        Seconds since any moment, for pauses after failures.
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
        self._flight: concurrent.futures.Future[_Outcome] | None = None
        self._failure: _Failure | None = None
        self._rejected: Credentials | None = None
        self._suspicion = SUSPICION_SECONDS
        self._fetch_count = 0
        self._had_some = initial is not None
        # The last ones, whatever became of them: an error may quote any of them.
        self.recent: deque[Credentials] = deque(maxlen=4)
        self._held = None if initial is None else self._hold(initial)
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
        return self._landed(flight if isinstance(flight, _Failure) else self._wait(flight))

    async def current_async(self) -> Credentials:
        """Give credentials that have not expired, as :meth:`current` does, without blocking the event loop."""
        held = self._usable()
        if held is not None:
            return held
        flight = self._start(wanted=True)
        if isinstance(flight, Credentials):
            return flight
        if isinstance(flight, _Failure):
            return self._landed(flight)
        try:
            return self._landed(await asyncio.wait_for(asyncio.wrap_future(flight), self._wait_timeout))
        except TimeoutError:
            raise self._timed_out(flight) from None

    def reject(self, credentials: Credentials, *, certain: bool = True) -> bool:
        """Tell that a server refused credentials that :meth:`current` gave.

        Parameters
        ----------
        credentials
            The object that was used. Where others are in use by now, nothing is done.
        certain
            False where the refusal may have another reason (a bare 403 to a HEAD). Such a one counts only for
            credentials that are due for replacement or of some age, which doubles each time, so that forbidden
            objects do not cost a fetch each.

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
            if not certain and not self._suspected(held):
                return False
            self._held = None
            repeated = self._rejected is not None and self._rejected.values == credentials.values
            self._rejected = credentials
            if repeated:
                msg = f"{self._source.description} keeps returning credentials that the server rejects"
                self._failure = self._failed(CredentialsExpiredError(msg))
            return not repeated

    def _held_is(self, credentials: Credentials) -> bool:
        held = self._held
        return held is not None and held.credentials is credentials

    def _suspected(self, held: _Held) -> bool:
        """Whether a doubtful refusal counts (under the lock)."""
        now = self._clock()
        if now >= held.refresh_at:
            # Due for replacement anyway: to doubt them costs nothing.
            return True
        if now - held.fetched_at < self._suspicion:
            return False
        self._suspicion = min(self._suspicion * 2, LONGEST_SUSPICION_SECONDS)
        return True

    def _usable(self) -> Credentials | None:
        """The credentials in use while they are valid, without a lock."""
        held = self._held
        if held is None or self._is_replaced(held):
            return None
        now = self._clock()
        if now < held.refresh_at:
            return held.credentials
        if now >= held.expires_at:
            return None
        if self._flight is None and self._may_start(wanted=False):
            self._start(wanted=False)
        return held.credentials

    def _is_replaced(self, held: _Held) -> bool:
        """Whether the owner of a live source has put other credentials into it."""
        return self._live is not None and self._live.revision() != held.revision

    def _may_start(self, *, wanted: bool) -> bool:
        """Whether the pause after a failure is over; a caller who has nothing pauses less than the background."""
        failure = self._failure
        if failure is None:
            return True
        pause = CALLER_PAUSE_SECONDS if wanted else min(2.0 ** min(failure.count - 1, 16), LONGEST_PAUSE_SECONDS)
        return self._monotonic() - failure.at >= pause

    def _start(self, *, wanted: bool) -> concurrent.futures.Future[_Outcome] | _Outcome:
        """Join the fetch in flight or start one; the credentials or the failure where neither is called for."""
        with self._lock:
            held = self._held
            if held is not None and self._is_replaced(held):
                self._held = held = None
            if held is not None and self._clock() < (held.expires_at if wanted else held.refresh_at):
                return held.credentials
            if self._flight is not None:
                return self._flight
            if self._failure is not None and not self._may_start(wanted=wanted):
                return self._failure
            flight: concurrent.futures.Future[_Outcome] = concurrent.futures.Future()
            # Running futures cannot be cancelled: one waiter that gives up must not take it from the others.
            flight.set_running_or_notify_cancel()
            self._flight = flight
            self._fetch_count += 1
            thread = threading.Thread(target=self._fetch, args=(flight,), name="objfs-credentials", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                self._flight, self._failure = None, self._failed(error)
                flight.set_result(self._failure)
            return flight

    def _fetch(self, flight: concurrent.futures.Future[_Outcome]) -> None:
        """Fetch once, in a thread of its own."""
        outcome: _Outcome
        try:
            revision = None if self._live is None else self._live.revision()
            credentials = self._source.fetch()
            held = self._hold(credentials, revision)
            if self._clock() >= held.expires_at:
                raise self._expired(credentials)  # noqa: TRY301 - one place turns every failure into an outcome
        except BaseException as error:  # noqa: BLE001 - whatever ends this thread must reach the waiters
            _log.debug("%s failed: %s", self._source.description, type(error).__name__)
            with self._lock:
                outcome = self._failure = self._failed(error)
                self._leave(flight)
        else:
            with self._lock:
                outcome = credentials
                self._held, self._failure, self._had_some = held, None, True
                self._leave(flight)
        flight.set_result(outcome)

    def _expired(self, credentials: Credentials) -> CredentialsExpiredError:
        """The error for a fetch that brought credentials whose time is over."""
        expiry = "" if credentials.expires_at is None else credentials.expires_at.isoformat()
        if self._source.refreshable:
            return CredentialsExpiredError(f"{self._source.description} returned credentials that expired at {expiry}")
        msg = f"{self._source.description} expired at {expiry}; pass new ones, or a storage_options_provider"
        return CredentialsExpiredError(msg)

    def _leave(self, flight: concurrent.futures.Future[_Outcome]) -> None:
        """End a fetch (under the lock), unless it was given up and another one runs."""
        if self._flight is flight:
            self._flight = None

    def _failed(self, error: BaseException) -> _Failure:
        return _Failure(error, self._monotonic(), 1 if self._failure is None else self._failure.count + 1)

    def _hold(self, credentials: Credentials, revision: object = None) -> _Held:
        now = self._clock()
        self.recent.append(credentials)
        if credentials.expires_at is None:
            return _Held(credentials, now, float("inf"), float("inf"), revision)
        expires = credentials.expires_at.astimezone(UTC).timestamp()
        lifetime = max(expires - now, 0.0)
        if self._margin is None:
            margin = min(LONGEST_MARGIN_SECONDS, lifetime * MARGIN_SHARE)
        else:
            margin = min(self._margin.total_seconds(), lifetime / 2)
        return _Held(credentials, now, expires - margin, expires, revision)

    def _wait(self, flight: concurrent.futures.Future[_Outcome]) -> _Outcome:
        """Wait for a fetch, in slices that let an interrupt through."""
        deadline = time.monotonic() + self._wait_timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                return flight.result(min(left, _WAIT_SLICE_SECONDS))
            except concurrent.futures.TimeoutError:
                continue
        raise self._timed_out(flight)

    def _landed(self, outcome: _Outcome) -> Credentials:
        """Credentials, or this caller's own exception for the failure."""
        if isinstance(outcome, Credentials):
            return outcome
        cause = outcome.error
        if type(cause) is CredentialsExpiredError or (type(cause) in _OURS and not self._had_some):
            # One instance raised in many threads would collect all their tracebacks.
            raise copy.copy(cause) from cause.__cause__
        if self._had_some:
            msg = f"the credentials expired or were rejected, and {self._source.description} did not deliver new ones"
            raise CredentialsExpiredError(msg) from cause
        msg = f"{self._source.description} failed to deliver credentials: {type(cause).__name__}"
        raise CredentialsError(msg) from cause

    def _timed_out(self, flight: concurrent.futures.Future[_Outcome]) -> CredentialsError:
        """The error of a caller that waited long enough; the next one may start another fetch."""
        kind = CredentialsExpiredError if self._had_some else CredentialsError
        error = kind(f"{self._source.description} did not deliver credentials within {self._wait_timeout:g} s")
        with self._lock:
            error.__cause__ = None if self._failure is None else self._failure.error
            self._leave(flight)
        return error

    def _after_fork(self) -> None:
        """Forget what only lives in the parent: its lock may be held, its thread does not exist here."""
        self._lock = threading.Lock()
        self._flight = None


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
