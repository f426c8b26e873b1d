"""Requests as spans and metrics of OpenTelemetry, where its API is installed; what is done with them the program says.

Names and attributes are those of the conventions for clients of HTTP, and for S3 those of object stores:
https://opentelemetry.io/docs/specs/semconv/http/http-spans/, https://opentelemetry.io/docs/specs/semconv/http/http-metrics/,
https://opentelemetry.io/docs/specs/semconv/object-stores/s3/. ``url.full`` is left out: obstore does not tell it, and
the query of the SDKs' holds signatures.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from objfs import observing
from objfs._version import __version__
from objfs.observing import Read, Request, Watch

# What the conventions advise for durations, in seconds.
_BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_NANOSECONDS: Final = 1e9

_lock: Final = threading.Lock()
_emitter: Emitter | None = None
_users = 0


def start() -> None:
    """Emit from now on, once however many traces are recorded; does nothing without the API, 1.30 or later."""
    global _emitter, _users  # noqa: PLW0603 - one for the process
    with _lock:
        _users += 1
        if _users == 1:
            try:
                _emitter = Emitter()
            except (ImportError, TypeError):
                # It is not installed, or older than 1.30, which has no word for the boundaries of a histogram.
                return
            observing.observe(_emitter)


def stop() -> None:
    """Emit no more, when nobody else wants it."""
    global _emitter, _users  # noqa: PLW0603 - as above
    with _lock:
        _users -= 1
        if not _users and _emitter is not None:
            observing.ignore(_emitter)
            _emitter.close()
            _emitter = None


class Emitter:
    """An observer that makes a span of each request.

    Raises
    ------
    ImportError
        The API is not installed.
    """

    def __init__(self) -> None:
        from opentelemetry import metrics, trace

        self._kind, self._status = trace.SpanKind.CLIENT, trace.StatusCode.ERROR
        self._tracer = trace.get_tracer("objfs", __version__)
        meter = metrics.get_meter("objfs", __version__)
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_BOUNDS,
        )
        self._received = meter.create_histogram(
            "http.client.response.body.size", unit="By", description="Size of HTTP client response bodies."
        )
        self._sent = meter.create_histogram(
            "http.client.request.body.size", unit="By", description="Size of HTTP client request bodies."
        )
        self._spans: dict[Watch, Any] = {}

    def began(self, watch: Watch) -> None:
        """Begin a span, as a part of what the caller is doing."""
        self._spans[watch] = self._tracer.start_span(
            watch.method, kind=self._kind, start_time=int(watch.began_at * _NANOSECONDS)
        )

    def ended(self, watch: Watch, request: Request) -> None:
        """End it, and measure it."""
        span = self._spans.pop(watch, None)
        if span is None:
            return
        common = _common(request)
        span.set_attributes({**common, **_more(request)})
        if request.has_failed:
            span.set_status(self._status)
        span.end(end_time=int((request.begun + request.milliseconds / 1000) * _NANOSECONDS))
        self._duration.record(request.milliseconds / 1000, common)
        self._received.record(request.received, common)
        self._sent.record(request.sent, common)

    def has_read(self, read: Read) -> None:
        """No request, no span."""

    def close(self) -> None:
        """End what is under way."""
        for watch in list(self._spans):
            self.ended(watch, watch.unfinished())


def _common(request: Request) -> dict[str, Any]:
    """What metrics and spans say: nothing that has as many values as there are objects."""
    host, _, port = request.server.rpartition(":") if _has_port(request.server) else (request.server, "", "")
    said: dict[str, Any] = {"http.request.method": request.method}
    if host:
        said["server.address"] = host.strip("[]")
    if port:
        said["server.port"] = int(port)
    if request.status is not None:
        said["http.response.status_code"] = request.status
    if request.has_failed:
        said["error.type"] = request.error or str(request.status)
    return said


def _has_port(server: str) -> bool:
    return server.rpartition(":")[2].isdecimal() and not server.endswith("]")


def _more(request: Request) -> dict[str, Any]:
    said: dict[str, Any] = {
        "objfs.verb": request.verb,
        "objfs.plane": request.plane,
        "objfs.filesystem": request.filesystem,
        "objfs.bucket": request.bucket,
        "objfs.key": request.key,
        "http.response.body.size": request.received,
        "http.request.body.size": request.sent,
    }
    if request.filesystem == "s3":
        said |= {"aws.s3.bucket": request.bucket, "aws.s3.key": request.key}
    if request.range is not None:
        said |= {"objfs.range.start": request.range.start, "objfs.range.stop": request.range.stop}
    if request.attempt > 1:
        said["http.request.resend_count"] = request.attempt - 1
    if request.requests > 1:
        said["objfs.requests"] = request.requests
    return said
