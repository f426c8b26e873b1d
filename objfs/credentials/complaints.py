"""What goes wrong with a source of credentials, in words."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Final

from objfs.credentials.values import Credentials, Source
from objfs.errors import CredentialsError, CredentialsExpiredError, MissingCredentialsError

# Errors that say by themselves what is wrong; others are causes of one of these.
_OURS: Final = (CredentialsError, CredentialsExpiredError, MissingCredentialsError)
# Seconds since 1970 that are taken for milliseconds lie in January 1970 until the year 2055.
_SECONDS_BEFORE: Final = datetime(1970, 2, 1, tzinfo=UTC)


def expired(source: Source, credentials: Credentials, now: float) -> CredentialsExpiredError:
    """A fetch brought credentials whose time is over, as the clock of this machine has it (Unix seconds)."""
    at = credentials.expires_at
    expiry = "" if at is None else at.isoformat()
    if not source.refreshable:
        msg = f"{source.description} expired at {expiry}; pass new ones, or a storage_options_provider"
    elif at is not None and at < _SECONDS_BEFORE:
        msg = f"{source.description} returned credentials that expired at {expiry}: seconds where milliseconds count?"
    else:
        clock = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
        msg = f"{source.description} returned credentials that expired at {expiry}; the clock here says {clock}"
    return CredentialsExpiredError(msg)


def repeated(source: Source) -> CredentialsExpiredError:
    """Nothing better is to be had."""
    return CredentialsExpiredError(f"{source.description} keeps returning credentials that the server rejects")


def too_late(source: Source, seconds: float, before: BaseException | None, *, had_some: bool) -> CredentialsError:
    """The wait is over; the cause is what the provider said last."""
    kind = CredentialsExpiredError if had_some else CredentialsError
    error = kind(f"{source.description} did not deliver credentials within {seconds:g} s")
    error.__cause__ = before.__cause__ if isinstance(before, CredentialsError) else before
    return error


def asked_itself(source: Source) -> CredentialsError:
    """The fetch cannot come to its end before it has come to its end."""
    msg = (
        f"{source.description} asks objfs for something that needs the credentials which it is about to deliver; "
        "what it reads needs credentials of its own"
    )
    return CredentialsError(msg)


def failed(source: Source, cause: BaseException, *, had_some: bool) -> CredentialsError:
    """One caller's own exception for a failure that many may be told of; its cause is set."""
    error: CredentialsError
    if type(cause) is CredentialsExpiredError or (isinstance(cause, _OURS) and type(cause) in _OURS and not had_some):
        # One instance raised in many threads would collect all their tracebacks.
        error, error.__cause__ = copy.copy(cause), cause.__cause__
        return error
    if had_some:
        msg = f"the credentials expired or were rejected, and {source.description} did not deliver new ones"
        error = CredentialsExpiredError(msg)
    else:
        error = CredentialsError(f"{source.description} failed to deliver credentials: {type(cause).__name__}")
    error.__cause__ = cause
    return error
