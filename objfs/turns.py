"""A bound on what is done at a time by all calls together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from objfs.workers import Stop, current_stop, refuse_when_stopped

# Who goes away does not say so where others wait.
_POLL_SECONDS: Final = 0.5


class Turns:
    """A bound on what is done at a time, in which work that nobody waits for any more does not count.

    Parameters
    ----------
    limit
        How many have a turn at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._taken: set[tuple[object, Stop]] = set()

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it."""
        mine = (object(), current_stop())
        with self._changed:
            while sum(not stop.is_set for _, stop in self._taken) >= self._limit:
                self._changed.wait(_POLL_SECONDS)
                refuse_when_stopped(mine[1])
            self._taken.add(mine)
        try:
            yield
        finally:
            with self._changed:
                self._taken.discard(mine)
                self._changed.notify()
