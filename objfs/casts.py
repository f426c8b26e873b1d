"""Turn option values, which arrive as strings from environments and files, into the type of their row."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

TRUE: Final = frozenset({"1", "true", "on", "yes", "y", "t"})
FALSE: Final = frozenset({"0", "false", "off", "no", "n", "f"})

# From here on a bare number counts milliseconds: as seconds it would lie after the year 5000.
MILLISECONDS_FROM: Final = 1e11

_UNITS: Final = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "m": 60.0,
    "min": 60.0,
    "mins": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "days": 86400.0,
}
_DURATION_TERM: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def as_bool(value: Any) -> bool:
    """``1 true on yes y t`` and ``0 false off no n f`` in any case, or a real boolean."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    msg = "expected a boolean such as true or false"
    raise ValueError(msg)


def as_int(value: Any) -> int:
    """A whole number."""
    if isinstance(value, bool):
        msg = "expected a whole number, not a boolean"
        raise ValueError(msg)  # noqa: TRY004 - every cast fails with ValueError, its caller names the option
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        msg = "expected a whole number"
        raise ValueError(msg) from None
    if isinstance(value, float) and value != number:
        msg = "expected a whole number"
        raise ValueError(msg)
    return number


def as_float(value: Any) -> float:
    """A finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        msg = "expected a number"
        raise ValueError(msg) from None
    if not math.isfinite(number):
        msg = "expected a finite number"
        raise ValueError(msg)
    return number


def as_duration(value: Any) -> timedelta:
    """A ``timedelta``, a number of seconds, or text such as ``2``, ``1.5s`` or ``2h 37min``."""
    if isinstance(value, timedelta):
        return _not_negative(value)
    number = _number(value)
    if number is not None:
        return _not_negative(_span(number))
    text, position, seconds = str(value).strip().lower(), 0, 0.0
    while position < len(text):
        term = _DURATION_TERM.match(text, position)
        if term is None or term[2] not in _UNITS:
            break
        seconds += float(term[1]) * _UNITS[term[2]]
        position = term.end()
    if not text or position < len(text):
        msg = "expected a duration: seconds, or text such as 30s or 2min"
        raise ValueError(msg)
    return _span(seconds)


def as_milliseconds(value: Any) -> timedelta:
    """A ``timedelta``, a number of milliseconds, or text with a unit, such as ``2s``."""
    number = _number(value)
    return as_duration(value) if number is None else _not_negative(_span(number / 1000))


def _number(value: Any) -> float | None:
    with suppress(ValueError):
        return as_float(value)
    return None


def _span(seconds: float) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        msg = "expected a duration of less than a thousand million days"
        raise ValueError(msg) from None


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        msg = "expected a duration of zero or more"
        raise ValueError(msg)
    return value


def as_timestamp(value: Any) -> datetime:
    """A moment in UTC: an aware ``datetime``, ISO text, or Unix seconds or milliseconds (``>= 1e11``)."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            msg = "expected a timezone-aware datetime"
            raise ValueError(msg)
        return value.astimezone(UTC)
    try:
        number = as_float(value)
    except ValueError:
        try:
            return as_timestamp(datetime.fromisoformat(str(value).strip()))
        except ValueError:
            msg = "expected a timestamp: Unix seconds or milliseconds, or ISO 8601 with a time zone"
            raise ValueError(msg) from None
    seconds = number / 1000 if abs(number) >= MILLISECONDS_FROM else number
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        msg = "expected a timestamp between the years 1 and 9999"
        raise ValueError(msg) from None


def as_timestamp_millis(value: Any) -> datetime:
    """A moment in UTC, where a bare number always counts milliseconds since 1970."""
    try:
        number = as_float(value)
    except ValueError:
        return as_timestamp(value)
    try:
        return datetime.fromtimestamp(number / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        msg = "expected a timestamp between the years 1 and 9999, in milliseconds since 1970"
        raise ValueError(msg) from None


def as_mapping(value: Any) -> dict[str, Any]:
    """A mapping, or the JSON text of one; a copy, so that the caller's own is never changed."""
    if isinstance(value, str):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if not isinstance(value, Mapping):
        msg = "expected a mapping"
        raise ValueError(msg)  # noqa: TRY004 - every cast fails with ValueError, its caller names the option
    return dict(value)


def as_text(value: Any) -> str:
    """Text; bytes are taken as UTF-8."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        return value
    if hasattr(value, "__fspath__"):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    msg = "expected text"
    raise ValueError(msg)


def as_pem(value: Any) -> str | Path:
    """PEM text, recognised by its ``-----BEGIN`` line, or the path of a file that holds some."""
    if isinstance(value, Path):
        return value
    text = as_text(value)
    return text if "-----BEGIN" in text else Path(text)


CASTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "str": as_text,
    "bool": as_bool,
    "int": as_int,
    "float": as_float,
    "duration": as_duration,
    "timestamp": as_timestamp,
    "dict": as_mapping,
    "pem": as_pem,
    "object": lambda value: value,
}
