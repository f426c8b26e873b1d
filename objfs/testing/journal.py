"""What passed through a gateway: one record per answered request, and totals."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

_KEPT_RECORDS = 200_000


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One answered request.

    Parameters
    ----------
    method
        HTTP verb.
    target
        Path and query as sent, quoted.
    status
        HTTP status of the answer.
    range
        The ``Range`` header, None without one.
    access_key_id
        Whose request it was; None when it was not signed.
    error
        The error code, when the gateway itself refused or failed the request.
    headers
        Request headers, names in lower case, without credentials.
    """

    method: str
    target: str
    status: int
    range: str | None = None
    access_key_id: str | None = None
    error: str | None = None
    headers: dict[str, str] | None = None

    @property
    def path(self) -> str:
        """The decoded path, ``/bucket/key``."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The decoded query."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


class Journal:
    """Counts and keeps what passed, for several threads.

    A record is written before the last byte of its answer leaves, so that who has the answer finds the record.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: deque[RequestRecord] = deque(maxlen=_KEPT_RECORDS)
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forget records and totals."""
        with self._lock:
            self._records.clear()
            self._methods: Counter[str] = Counter()
            self._statuses: Counter[str] = Counter()
            self._rejections: Counter[str] = Counter()
            self._totals: Counter[str] = Counter()

    def add(self, record: RequestRecord) -> None:
        """Keep the record of a request that is being answered."""
        with self._lock:
            self._records.append(record)
            self._methods[record.method] += 1
            self._statuses[str(record.status)] += 1
            if record.error is not None:
                self._rejections[record.error] += 1

    def count(self, name: str, amount: int = 1) -> None:
        """Add to one of the totals: ``bytes_in``, ``bytes_out``, ``issued``, ``aborts_lost``."""
        with self._lock:
            self._totals[name] += amount

    def enter(self, step: int) -> None:
        """Count the requests under way up (1) or down (-1)."""
        with self._lock:
            self.in_flight += step

    def records(self) -> list[dict[str, Any]]:
        """Return the records as JSON values, in the order of their answers."""
        with self._lock:
            return [asdict(record) for record in self._records]

    def stats(self) -> dict[str, Any]:
        """Return the totals as JSON values."""
        with self._lock:
            return {
                "requests": sum(self._methods.values()),
                "methods": dict(self._methods),
                "statuses": dict(self._statuses),
                "rejections": dict(self._rejections),
                "in_flight": self.in_flight,
                **{name: self._totals[name] for name in ("issued", "bytes_in", "bytes_out", "aborts_lost")},
            }
