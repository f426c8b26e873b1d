"""Credential providers for tests and lessons."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from objfs.credentials.provider import StorageOptionsProvider
from objfs.testing.control import call_gateway


class LocalCredentialsProvider(StorageOptionsProvider):
    """Fetches credentials over HTTP from an :class:`objfs.testing.ExpiringGateway`, also from other processes.

    A pickled copy fetches its own and starts counting at 0; the gateway's ``stats()["issued"]`` counts for all.

    Parameters
    ----------
    endpoint
        The gateway's.
    lifetime_seconds
        How long each set of credentials lives.
    """

    def __init__(self, endpoint: str, lifetime_seconds: float) -> None:
        self.endpoint = endpoint
        self.lifetime_seconds = lifetime_seconds
        self.fetches = 0
        self._lock = threading.Lock()

    def fetch_storage_options(self) -> dict[str, str]:
        """Have the gateway issue credentials."""
        with self._lock:
            self.fetches += 1
        issued: dict[str, str] = call_gateway(self.endpoint, "issue", lifetime=self.lifetime_seconds)
        return issued

    def provider_id(self) -> str:
        """Endpoint and lifetime."""
        return f"{self.endpoint} for {self.lifetime_seconds} s"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.endpoint, self.lifetime_seconds)


class CountingProvider(StorageOptionsProvider):
    """Hands out what it was given, in turn, and counts the calls.

    Parameters
    ----------
    answers
        Storage options, or exceptions to raise; the last one is repeated. One mapping is a sequence of one.
    name
        What makes it equal to another one; by default every provider is on its own.
    """

    def __init__(
        self, answers: Mapping[str, str] | Sequence[Mapping[str, str] | Exception], *, name: str | None = None
    ) -> None:
        self._answers = [answers] if isinstance(answers, Mapping) else list(answers)
        if not self._answers:
            msg = "a CountingProvider needs at least one answer"
            raise ValueError(msg)
        self._name = name or secrets.token_hex(8)
        self._lock = threading.Lock()
        self.calls = 0

    def fetch_storage_options(self) -> dict[str, str]:
        """Give the next answer."""
        with self._lock:
            answer = self._answers[min(self.calls, len(self._answers) - 1)]
            self.calls += 1
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def provider_id(self) -> str:
        """The name."""
        return self._name

    def __reduce__(self) -> tuple[Any, ...]:
        return _counting, (type(self), self._answers, self._name)


def _counting(cls: type[CountingProvider], answers: list[Mapping[str, str] | Exception], name: str) -> CountingProvider:
    return cls(answers, name=name)
