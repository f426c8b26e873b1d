"""How long a provider that failed is left alone."""

from __future__ import annotations

from typing import Final

from objfs.records import record

LONGEST_PAUSE_SECONDS: Final = 60.0
# A caller without credentials should not wait out a long pause after the cause is gone, nor ask in a tight loop.
CALLER_PAUSE_SECONDS: Final = 1.0


@record
class Failure:
    """The last attempt, where it brought nothing.

    Parameters
    ----------
    error
        What went wrong.
    at
        When, in seconds of a clock that nobody sets.
    count
        The how manieth in a row, >= 1.
    """

    error: BaseException
    at: float
    count: int

    def pause_is_over(self, tick: float, *, wanted: bool) -> bool:
        """Whether the next attempt may start: after 1, 2, 4 ... 60 s, and after 1 s for a caller who has nothing."""
        pause = CALLER_PAUSE_SECONDS if wanted else min(2.0 ** min(self.count - 1, 16), LONGEST_PAUSE_SECONDS)
        return tick - self.at >= pause
