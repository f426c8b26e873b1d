"""When a failed request is repeated on the SDK plane: as obstore does it on the data plane, from the same options."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from objfs.records import record

# An answer that may be another one next time, whatever the request (object_store's `RetryableRequest`).
RETRIED_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})
# Those that do not say whether the request was carried out: 504 is that of a gateway that has stopped waiting. 429 and
# 503 say that it was not.
UNCLEAR_STATUSES: Final = frozenset({408, 500, 502, 504})
# How a server refuses a write on a condition. One that was sent before, and whose answer nobody heard, may have been
# refused by its own outcome: then it is not known who has written what is there.
REFUSALS: Final = frozenset({409, 412})
IN_DOUBT: Final = (
    "a write on a condition was sent again, as no answer had told what became of it, and then the condition was not "
    "met: what is there may be what was written"
)


@record
class RetryPolicy:
    """How often and how long a request is repeated.

    Parameters
    ----------
    max_retries
        Repetitions, besides the first attempt.
    retry_timeout
        Seconds since the first attempt after which none is begun.
    init_backoff, max_backoff
        Seconds of the first and of the longest wait.
    base
        By how much a wait grows at most.
    """

    max_retries: int
    retry_timeout: float
    init_backoff: float
    max_backoff: float
    base: float

    def begin(self, clock: Callable[[], float] = time.monotonic) -> Attempts:
        """The attempts of one request, the first of which begins now."""
        return Attempts(self, clock)


def policy_of(config: Mapping[str, Any]) -> RetryPolicy:
    """The policy that a complete ``retry_config`` describes."""
    waits = config["backoff"]
    init, longest = waits["init_backoff"].total_seconds(), waits["max_backoff"].total_seconds()
    timeout = config["retry_timeout"].total_seconds()
    return RetryPolicy(int(config["max_retries"]), timeout, init, longest, float(waits["base"]))


def repeat_nothing(session: Any) -> None:
    """Keep a session of aiohttp from sending PUT and DELETE again by itself, as it does on a broken connection.

    What is written on a condition and sent twice may be refused by its own first outcome, and only who knows that it
    was sent twice can tell. aiohttp has no public word for it (3.14).
    """
    session._retry_connection = False  # noqa: SLF001 - as above


class Attempts:
    """The attempts of one request; `pause` after each that has failed."""

    def __init__(self, policy: RetryPolicy, clock: Callable[[], float]) -> None:
        self._policy, self._clock = policy, clock
        self._begin, self._made = clock(), 0
        self._next = policy.init_backoff

    @property
    def number(self) -> int:
        """Of the attempt that is going on, from 1."""
        return self._made + 1

    def pause(self) -> float | None:
        """Seconds to wait before the request is repeated; None when it is not repeated any more."""
        policy = self._policy
        if self._made >= policy.max_retries or self._clock() - self._begin >= policy.retry_timeout:
            return None
        self._made += 1
        # https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("decorrelated"), as object_store
        # does it: who was refused together does not come back together.
        wait, longest = self._next, max(policy.init_backoff, self._next * policy.base)
        self._next = min(policy.max_backoff, random.uniform(policy.init_backoff, longest))  # noqa: S311 - no secret
        return wait
