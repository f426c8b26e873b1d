"""When credentials are due for replacement and when they are over, by two clocks."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from objfs.credentials.values import Credentials
from objfs.records import record

LONGEST_MARGIN_SECONDS: Final = 300.0
MARGIN_SHARE: Final = 0.25
_NEVER: Final = float("inf")


@record
class Held:
    """Credentials in use, and their moments.

    A clock that is set back must not make them live longer, and one that stands still while the machine sleeps
    neither, so that two are asked: Unix seconds, and seconds that only ever grow.

    Parameters
    ----------
    credentials
        What is in use.
    refresh_at, expires_at
        Unix seconds.
    fetched_tick, refresh_tick, expiry_tick
        The same, and when they were fetched, on the other clock.
    revision
        Of a live source.
    """

    credentials: Credentials
    refresh_at: float
    expires_at: float
    fetched_tick: float
    refresh_tick: float
    expiry_tick: float
    revision: object = None

    def is_due(self, now: float, tick: float) -> bool:
        """Whether they should be replaced, though they may still be used."""
        return now >= self.refresh_at or tick >= self.refresh_tick

    def is_over(self, now: float, tick: float) -> bool:
        """Whether they must not be used any more."""
        return now >= self.expires_at or tick >= self.expiry_tick


def hold(credentials: Credentials, margin: timedelta | None, now: float, tick: float, revision: object = None) -> Held:
    """Take credentials into use.

    Parameters
    ----------
    margin
        How long before the expiry they are due, at most half of what is left; None for the smaller of five minutes and
        a quarter of it.
    now, tick
        The moment, on both clocks.
    """
    if credentials.expires_at is None:
        return Held(credentials, _NEVER, _NEVER, tick, _NEVER, _NEVER, revision)
    expires = credentials.expires_at.astimezone(UTC).timestamp()
    left = max(expires - now, 0.0)
    if margin is None:
        before = min(LONGEST_MARGIN_SECONDS, left * MARGIN_SHARE)
    else:
        before = min(margin.total_seconds(), left / 2)
    return Held(credentials, expires - before, expires, tick, tick + left - before, tick + left, revision)
