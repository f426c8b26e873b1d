"""Where things go in a drawing. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

# Of every drawing, in the units of its own that a browser scales.
WIDTH: Final = 1000
_TICKS: Final = 8


class Lanes:
    """Rows for what must not lie on each other: each goes to the first that is free."""

    def __init__(self) -> None:
        self._ends: list[float] = []

    def __len__(self) -> int:
        return len(self._ends)

    def place(self, start: float, stop: float) -> int:
        """The row of what reaches from one place to another; those placed before begin no later."""
        for number, end in enumerate(self._ends):
            if end <= start:
                self._ends[number] = stop
                return number
        self._ends.append(stop)
        return len(self._ends) - 1


def ticks_of(span: float, scale: float) -> Iterator[tuple[float, float]]:
    """Round values from 0 to the span, at most eight, and where they lie."""
    step = 10.0**-3
    while span / step > _TICKS:
        # 1, 2, 5, 10 and so on.
        step *= 2.5 if f"{step:e}".startswith("2") else 2
    value = 0.0
    while value <= span:
        yield value, value * scale
        value += step
