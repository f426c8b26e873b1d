"""A google-auth credentials object that signs with a refresher's tokens, and the retry of a refused request."""

from __future__ import annotations

import errno
import functools
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from objfs.credentials.refresher import Refresher
from objfs.credentials.values import Credentials
from objfs.errors import MissingExtraError

_T = TypeVar("_T")

# A request gets its header, is sent and judged in one task or thread, so this names what it was signed with.
_signed_with: ContextVar[Credentials | None] = ContextVar("objfs_google_signed_with", default=None)


def peer_credentials(refresher: Refresher, quota_project: str | None = None) -> Any:
    """Make what gcsfs takes as ``token`` and Google's clients take as ``credentials``.

    Parameters
    ----------
    refresher
        Asked for each request; nothing is asked before the first one.
    quota_project
        Project that requests are billed to, where the caller of the object does not say it in each request.

    Returns
    -------
    google.auth.credentials.Credentials
        ``valid`` from the first token on and without an expiry, so that its user never decides by itself when to
        refresh. ``refresh`` rejects the token that the request at hand was sent with.

    Raises
    ------
    MissingExtraError
        google-auth is not installed.
    """
    return _credentials_class()(refresher, quota_project)


async def sending(refresher: Refresher, send: Callable[[], Awaitable[_T]]) -> _T:
    """Send a request that is signed through :func:`peer_credentials`, and once more where its token is refused.

    Parameters
    ----------
    refresher
        Awaited first, as gcsfs asks for the header on its event loop, where waiting would stop all other requests.
    send
        Makes the request, in the same task; called again after a refusal (401), with another token.

    Raises
    ------
    PermissionError
        The server accepts no token that is to be had. gcsfs would wait and try the same one again and again.
    """
    await refresher.current_async()
    _signed_with.set(None)
    for last_try in (False, True):
        try:
            return await send()
        except Exception as error:
            used = _signed_with.get()
            if used is None or not is_refusal(error):
                raise
            if not refresher.reject(used, again=last_try) or last_try:
                msg = f"the server does not accept the token of {refresher.source.description}: {error}"
                raise PermissionError(errno.EACCES, msg) from error
        await refresher.current_async()
    raise AssertionError  # the second round returns or raises


def is_refusal(error: BaseException) -> bool:
    """Whether an error of gcsfs, aiohttp or Google's clients says that the token is not accepted (HTTP status 401)."""
    # In this order: aiohttp warns who asks its errors for a code.
    status = getattr(error, "status", None)
    return str(getattr(error, "code", "") if status is None else status) == "401"


@functools.cache
def _credentials_class() -> Any:
    """The class, made when google-auth is first needed."""
    try:
        from google.auth.credentials import CredentialsWithQuotaProject
    except ImportError as error:
        msg = "this call needs google-auth; install objfs[gcs]"
        raise MissingExtraError(msg) from error

    class RefresherCredentials(CredentialsWithQuotaProject):  # type: ignore[misc]
        """Asks the refresher for each request."""

        def __init__(self, refresher: Refresher, quota_project: str | None) -> None:
            super().__init__()
            self._refresher, self._quota_project_id = refresher, quota_project

        def apply(self, headers: Any, token: str | None = None) -> None:
            """Put the current token into the headers of a request."""
            told = self._current() if token is None else token
            if told:
                headers["authorization"] = f"Bearer {told}"
            if self.quota_project_id:
                headers["x-goog-user-project"] = self.quota_project_id

        def before_request(self, request: Any, method: str, url: str, headers: Any) -> None:
            """As ``apply``; the refresher knows what is due."""
            self.apply(headers)

        def refresh(self, request: Any) -> None:
            """Get a token: the first one, or another one than that of the request that was refused."""
            used = _signed_with.get()
            if used is not None and self.token is not None:
                self._refresher.reject(used)
            self._current()

        def with_quota_project(self, quota_project_id: str | None) -> Any:
            """The same tokens, for another project."""
            return type(self)(self._refresher, quota_project_id)

        def _current(self) -> str:
            current = self._refresher.current()
            _signed_with.set(current)
            self.token = current.values["bearer_token"]
            return self.token

        def __repr__(self) -> str:
            return f"<RefresherCredentials of {self._refresher!r}>"

        def __reduce__(self) -> Any:
            msg = "these credentials cannot be pickled: they hold fetched secrets; pickle the provider and fetch again"
            raise TypeError(msg)

    return RefresherCredentials
