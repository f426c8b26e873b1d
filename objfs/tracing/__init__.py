"""What reads and writes cost: `trace` records each request, and shows a table, a page, and spans of OpenTelemetry."""

from __future__ import annotations

from objfs.tracing.recorder import Trace, trace

__all__ = ["Trace", "trace"]
