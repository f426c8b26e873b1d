"""A clock that moves when told to, and a source of credentials that does what a test lined up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from objfs.credentials.refresher import Refresher
from objfs.credentials.values import Credentials

START = 1_800_000_000.0


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def in_seconds(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(self.now + seconds, UTC)


class Steps:
    """A source whose fetches return or raise what the test lined up; the last step repeats."""

    identity, description, refreshable = "steps", "provider steps", True

    def __init__(self, *steps: Callable[[], Credentials] | Credentials | BaseException) -> None:
        self.steps = list(steps)
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def fetch(self) -> Credentials:
        self.entered.release()
        assert self.gate.wait(30)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, BaseException):
            raise step
        return step() if callable(step) else step


def made(number: int, expires_at: datetime | None = None) -> Credentials:
    return Credentials({"access_key_id": f"AKID{number}", "secret_access_key": f"hidden{number}"}, expires_at)


def refresher_of(clock: Clock, source: Any, **keywords: Any) -> Refresher:
    return Refresher(source, clock=clock, monotonic=clock, **keywords)


def settle(refresher: Refresher) -> None:
    """Wait for the fetch in flight, if there is one."""
    flight = refresher._flight
    if flight is not None:
        flight.future.result(30)
