"""Credential objects of a caller: google-auth's, sync or async, and anything else that has a token."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError

# google-auth replaces a token this long before it expires, and so do we where an object says nothing of its own.
_DUE: Final = timedelta(minutes=3, seconds=45)


@dataclass(slots=True)
class ObjectSource:
    """A source on top of one object.

    A token that the object holds already is taken as it is; one that was given before is refreshed.

    Parameters
    ----------
    credentials
        Has ``token``, and maybe ``expiry`` and ``refresh(request)``.
    scopes
        For those of google-auth that cannot refresh without.
    identity, description
        As :class:`objfs.credentials.values.Source` has them.
    """

    credentials: Any = field(repr=False)
    scopes: tuple[str, ...]
    identity: str
    description: str
    _given: str | None = field(default=None, repr=False)

    @property
    def refreshable(self) -> bool:
        """Whether the object can get another token: google-auth's wrapper of one access token cannot."""
        return _can_refresh(self.credentials)

    def fetch(self) -> Credentials:
        """A token that was not given before, or the one that is all there is."""
        self.credentials = credentials = _with_scopes(self.credentials, self.scopes)
        if self.refreshable and (not _is_fresh(credentials) or _token_of(credentials) == self._given):
            _refresh(credentials)
        found = values_of(credentials)
        self._given = found.values["bearer_token"]
        return found


class HeldTokenSource(ObjectSource):
    """A source on top of an object that only holds a token, which its owner may replace."""

    def revision(self) -> object:
        """The token that the object holds now."""
        return _token_of(self.credentials)


def object_source(credentials: Any, scopes: tuple[str, ...], identity: str, description: str) -> ObjectSource:
    """The source for an object of the caller; it belongs to the caller and is never closed."""
    kind = ObjectSource if _can_refresh(credentials) else HeldTokenSource
    return kind(credentials, scopes, identity, description)


def values_of(credentials: Any) -> Credentials:
    """Token and expiry of an object; no token is an empty one where the object is for anonymous access."""
    token, expiry = _token_of(credentials), getattr(credentials, "expiry", None)
    if token is None and type(credentials).__name__ == "AnonymousCredentials":
        token = ""
    if token is None:
        msg = f"{type(credentials).__name__} holds no token"
        raise CredentialsError(msg)
    return Credentials({"bearer_token": token}, _aware(expiry))


def _token_of(credentials: Any) -> str | None:
    token = getattr(credentials, "token", None)
    if isinstance(token, bytes):
        return token.decode("ascii")
    return token if isinstance(token, str) and token else None


def _aware(expiry: Any) -> datetime | None:
    """google-auth's expiries are in UTC without saying so."""
    if not isinstance(expiry, datetime):
        return None
    return expiry.replace(tzinfo=UTC) if expiry.tzinfo is None else expiry.astimezone(UTC)


def _can_refresh(credentials: Any) -> bool:
    if not callable(getattr(credentials, "refresh", None)) or type(credentials).__name__ == "AnonymousCredentials":
        return False
    if not hasattr(credentials, "refresh_token"):
        return True
    return credentials.refresh_token is not None or getattr(credentials, "refresh_handler", None) is not None


def _is_fresh(credentials: Any) -> bool:
    expiry = _aware(getattr(credentials, "expiry", None))
    return _token_of(credentials) is not None and (expiry is None or expiry - datetime.now(UTC) > _DUE)


def _with_scopes(credentials: Any, scopes: tuple[str, ...]) -> Any:
    """The object, or a scoped copy of one that says it needs scopes."""
    scoped = getattr(credentials, "with_scopes", None)
    return scoped(list(scopes)) if getattr(credentials, "requires_scopes", False) and callable(scoped) else credentials


def _refresh(credentials: Any) -> None:
    """Have the object get a token, over HTTP of google-auth where it wants that."""
    if inspect.iscoroutinefunction(credentials.refresh):
        asyncio.run(_refresh_async(credentials))
        return
    try:
        from google.auth.transport.requests import Request
    except ImportError:
        credentials.refresh(None)  # an object that is not google-auth's brings its own means
        return
    request = Request()
    try:
        credentials.refresh(request)
    finally:
        request.session.close()


async def _refresh_async(credentials: Any) -> None:
    try:
        from google.auth.aio.transport.aiohttp import Request
    except ImportError:
        await credentials.refresh(None)
        return
    request = Request()
    try:
        await credentials.refresh(request)
    finally:
        await request.close()
