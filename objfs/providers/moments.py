"""When an answer says that credentials expire, in any of the ways in which services write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from objfs.casts import as_duration, as_timestamp

# Unix time counted in micro- or nanoseconds: as milliseconds it would lie after the year 33000.
_MICROSECONDS_FROM: Final = 1e15
_NANOSECONDS_FROM: Final = 1e18


def as_moment(value: Any) -> datetime:
    """A moment in UTC.

    Parameters
    ----------
    value
        ISO 8601 (without a time zone: UTC, as services mean it), the date of an HTTP header, or Unix time in seconds,
        milli-, micro- or nanoseconds, told apart by their size.

    Raises
    ------
    ValueError
        It is none of these.
    """
    if isinstance(value, bool):
        msg = "expected a moment, not a boolean"
        raise ValueError(msg)  # noqa: TRY004 - as every cast
    number = _number(value)
    if number is not None:
        scale = 1e6 if number >= _NANOSECONDS_FROM else 1e3 if number >= _MICROSECONDS_FROM else 1.0
        return as_timestamp(number / scale)
    text = str(value).strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (TypeError, ValueError):
            msg = "expected a moment: ISO 8601, an HTTP date, or Unix time"
            raise ValueError(msg) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def after(value: Any, now: datetime) -> datetime:
    """A moment that is told as a time from now: seconds, or text such as ``15min``."""
    duration: timedelta = as_duration(value)
    return now + duration


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
