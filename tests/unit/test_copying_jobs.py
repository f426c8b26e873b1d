"""Copies side by side: what an interruption leaves, and how they are told."""

from __future__ import annotations

import threading

import pytest

from objfs.copying_jobs import Copies, Outcome
from tests.command_line import SECONDS


class Endless:
    """A transfer that goes on until somebody gives it up."""

    cost = 0

    def __init__(self) -> None:
        self.begun, self.given_up = threading.Event(), False

    def carry_out(self, moved):
        try:
            while True:
                moved(1)
                self.begun.set()
        except InterruptedError:
            self.given_up = True
        return Outcome("copy", "a", "b", 1, "given up")


class Interrupting:
    """Ctrl-C, once the other has begun."""

    cost = 0

    def __init__(self, other) -> None:
        self._other = other

    def carry_out(self, moved):
        assert self._other.begun.wait(SECONDS)
        raise KeyboardInterrupt


def test_an_interruption_ends_what_is_under_way_before_it_is_raised():
    """So that what is not whole is removed before the process may end; nothing more is noted."""
    endless = Endless()
    copies = Copies(None)
    with pytest.raises(KeyboardInterrupt):
        copies.carry_out([endless, Interrupting(endless)])
    assert endless.given_up
    assert copies.outcomes == []
