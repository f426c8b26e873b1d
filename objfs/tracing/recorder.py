"""The recorder: an observer that keeps what it is told, as values that travel between processes."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from objfs import observing
from objfs.observing import Read, Request, Watch
from objfs.tracing import page, table, telemetry
from objfs.tracing.summary import ObjectCost, costs_of, span_seconds
from objfs.types import ByteRange

_FORMAT: Final = 1


def trace(*, keep: int | None = None, telemetry: bool = True) -> Trace:
    """Record each request that objfs makes from here on, in all threads of this process.

    Parameters
    ----------
    keep
        How many requests, and how many reads, are kept at most: the newest. None keeps all; 0 is for a program that
        runs for long and wants spans only.
    telemetry
        Also emit spans and metrics of OpenTelemetry, where its API is installed and the program has set it up.

    Returns
    -------
    Trace
        To be used in a ``with`` block, or by `start` and `stop`. Traces may be nested, and each records everything.

    Examples
    --------
    >>> with objfs.trace() as seen:
    ...     pandas.read_parquet("s3://bucket/table.parquet", columns=["a"])  # doctest: +SKIP
    >>> print(seen)
    >>> seen.to_html("seen.html")
    """
    return Trace(keep=keep, telemetry=telemetry)


class Trace:
    """Requests and reads of one process, recorded between `start` and `stop`.

    It can be looked at while it is recorded. ``print(trace)`` shows a table, a notebook the page of `to_html`.

    Parameters
    ----------
    keep, telemetry
        As `objfs.trace` takes them.
    """

    def __init__(self, *, keep: int | None = None, telemetry: bool = True) -> None:
        self._telemetry = telemetry
        self._requests: deque[Request] = deque(maxlen=keep)
        self._reads: deque[Read] = deque(maxlen=keep)
        self._under_way: dict[Watch, None] = {}
        self._depth = 0
        self._begun: float | None = None
        self._seconds = 0.0
        self._lock = threading.Lock()

    # -- recording ------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Record from now on; as often as it is started it has to be stopped."""
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self._begun = time.perf_counter()
                if self._telemetry:
                    telemetry.start()
                observing.observe(self)
        return self

    def stop(self) -> None:
        """Record no more; what nobody has waited for is recorded as unfinished."""
        with self._lock:
            if not self._depth:
                return
            self._depth -= 1
            if not self._depth:
                observing.ignore(self)
                self._requests += [watch.unfinished() for watch in list(self._under_way)]
                self._under_way.clear()
                if self._telemetry:
                    telemetry.stop()
                self._seconds, self._begun = self.seconds, None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def began(self, watch: Watch) -> None:
        """A request is about to be made; called by `objfs.observing`."""
        self._under_way[watch] = None

    def ended(self, watch: Watch, request: Request) -> None:
        """It is over; called by `objfs.observing`."""
        # What was stopped before is in the records already.
        if self._under_way.pop(watch, watch) is None:
            self._requests.append(request)

    def has_read(self, read: Read) -> None:
        """A caller got bytes; called by `objfs.observing`."""
        self._reads.append(read)

    # -- values ---------------------------------------------------------------------------------------------------

    @property
    def requests(self) -> tuple[Request, ...]:
        """The requests that are over, in the order in which they began."""
        return tuple(sorted(self._requests, key=lambda request: request.begun))

    @property
    def reads(self) -> tuple[Read, ...]:
        """What callers read, in that order."""
        return tuple(sorted(self._reads, key=lambda read: read.begun))

    @property
    def seconds(self) -> float:
        """How long it has recorded."""
        return self._seconds + (0.0 if self._begun is None else time.perf_counter() - self._begun)

    def objects(self) -> list[ObjectCost]:
        """What each object has cost, most bytes first."""
        return costs_of(self.requests, self.reads)

    def to_dict(self) -> dict[str, Any]:
        """Everything as values of JSON."""
        return {
            "objfs_trace": _FORMAT,
            "seconds": self.seconds,
            "requests": [_plain(request) for request in self.requests],
            "reads": [_plain(read) for read in self.reads],
        }

    def to_json(self) -> str:
        """The same as text."""
        return json.dumps(self.to_dict())

    def include(self, values: Mapping[str, Any]) -> Self:
        """Add what another trace has recorded, in another process for one.

        Parameters
        ----------
        values
            What its `to_dict` gave.

        Raises
        ------
        ValueError
            They are something else.
        """
        if values.get("objfs_trace") != _FORMAT:
            msg = f"these are no values of a trace (`objfs_trace` is {values.get('objfs_trace')!r}, not {_FORMAT})"
            raise ValueError(msg)
        self._requests += [Request(**{**each, "range": _range(each["range"])}) for each in values["requests"]]
        self._reads += [
            Read(**{**each, "range": ByteRange(*each["range"]), "waited": tuple(ByteRange(*w) for w in each["waited"])})
            for each in values["reads"]
        ]
        self._seconds = max(self._seconds, float(values["seconds"]), span_seconds(self._requests))
        return self

    # -- what people look at --------------------------------------------------------------------------------------

    def __str__(self) -> str:
        return table.table_of(self.requests, self.objects(), self.seconds)

    def __repr__(self) -> str:
        state = "recording" if self._depth else "stopped"
        return f"<Trace {state}: {len(self._requests)} requests, {len(self._reads)} reads>"

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """A page that shows when each request was made, and which bytes of each object it brought.

        It holds all that it needs, and no script.

        Parameters
        ----------
        path
            File to write it to.
        """
        text = page.page_of(self.requests, self.reads, self.objects(), self.seconds)
        if path is not None:
            Path(path).write_text(text, "utf-8")
        return text

    def _repr_html_(self) -> str:
        return page.fragment_of(self.requests, self.reads, self.objects(), self.seconds)


def _plain(value: Request | Read) -> dict[str, Any]:
    return {name: _plain_member(getattr(value, name)) for name in type(value).__annotations__}


def _plain_member(value: Any) -> Any:
    if isinstance(value, ByteRange):
        return [value.start, value.stop]
    return [_plain_member(each) for each in value] if isinstance(value, tuple) else value


def _range(value: Any) -> ByteRange | None:
    return None if value is None else ByteRange(*value)
