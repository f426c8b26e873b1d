"""Which credentials a gateway has issued, and what it says to the others (error codes and statuses as on AWS S3)."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_REFUSALS = {
    "AccessDenied": (403, "Access Denied"),
    "InvalidAccessKeyId": (403, "The AWS Access Key Id you provided does not exist in our records."),
    "ExpiredToken": (400, "The provided token has expired."),
    "InvalidToken": (400, "The provided token is malformed or otherwise invalid."),
}
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An S3 error answer: HTTP status, error code, message."""

    status: int
    code: str
    message: str


@dataclass(slots=True)
class _Issued:
    session_token: str
    expires_at: float | None


def access_key_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """Return the access key a request is signed with (signature versions 4 and 2, header or query); None if unsigned.

    Parameters
    ----------
    headers
        Names in lower case.
    query
        The decoded query.
    """
    authorization = headers.get("authorization", "")
    if found := _CREDENTIAL.search(authorization):
        return found[1]
    if authorization.startswith("AWS ") and ":" in authorization:
        return authorization[4:].split(":")[0].strip()
    if "X-Amz-Credential" in query:
        return query["X-Amz-Credential"].split("/")[0]
    return query.get("AWSAccessKeyId")


def session_token_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Return the session token of a request, empty if it has none."""
    # Version 4 spells the query parameter with capitals, version 2 without.
    in_query = query.get("X-Amz-Security-Token") or query.get("x-amz-security-token", "")
    return headers.get("x-amz-security-token") or in_query


class CredentialLedger:
    """Temporary credentials and their expiry.

    Parameters
    ----------
    clock
        Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._issued: dict[str, _Issued] = {}

    def issue(self, lifetime_seconds: float, told_seconds: float | None = None) -> dict[str, str]:
        """Make up credentials that end after `lifetime_seconds`; their holder is told `told_seconds` if given."""
        now = self._clock()
        access_key_id, session_token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(48)
        with self._lock:
            self._issued[access_key_id] = _Issued(session_token, now + lifetime_seconds)
        told = lifetime_seconds if told_seconds is None else told_seconds
        return {
            "access_key_id": access_key_id,
            "secret_access_key": secrets.token_urlsafe(30),
            "session_token": session_token,
            "expires_at_millis": str(int((now + told) * 1000)),
        }

    def admit(self, access_key_id: str, session_token: str = "", lifetime_seconds: float | None = None) -> None:
        """Take credentials that someone else issued, for ever if no lifetime is given."""
        expires_at = None if lifetime_seconds is None else self._clock() + lifetime_seconds
        with self._lock:
            self._issued[access_key_id] = _Issued(session_token, expires_at)

    def expire(self, access_key_id: str | None = None) -> None:
        """End one access key now, before the time its holder was told; all of them if None."""
        now = self._clock()
        with self._lock:
            for issued in [self._issued[access_key_id]] if access_key_id else self._issued.values():
                issued.expires_at = now

    def revoke(self, access_key_id: str) -> None:
        """Forget an access key."""
        with self._lock:
            self._issued.pop(access_key_id, None)

    def check(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Refusal | None:
        """Say why a request is refused; None when its credentials are good."""
        code = self._code(access_key_of(headers, query), session_token_of(headers, query))
        return None if code is None else Refusal(_REFUSALS[code][0], code, _REFUSALS[code][1])

    def _code(self, access_key_id: str | None, session_token: str) -> str | None:
        if access_key_id is None:
            return "AccessDenied"
        with self._lock:
            issued = self._issued.get(access_key_id)
        if issued is None:
            return "InvalidAccessKeyId"
        if issued.session_token != session_token:
            return "InvalidToken"
        expired = issued.expires_at is not None and self._clock() >= issued.expires_at
        return "ExpiredToken" if expired else None
