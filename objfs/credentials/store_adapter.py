"""Credentials in the shape of obstore's ``credential_provider`` callable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from objfs.credentials.refresher import Refresher
from objfs.credentials.values import Credentials
from objfs.errors import CredentialsError

# obstore keeps credentials until the expiry that it is told and cannot be made to forget them, so it is always told
# one that has passed: it then asks before each request, and the refresher stays the only cache.
LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)

# How obstore goes on about an error that its credential provider raised (obstore 0.12.1).
_FROM_PROVIDER: Final = " credential provider: "


class StoreCredentials:
    """The callable that a store asks before each request.

    Parameters
    ----------
    refresher
        Where the credentials come from.
    shape
        From their values to what obstore takes for this cloud, without the expiry.
    """

    def __init__(self, refresher: Refresher, shape: Callable[[Mapping[str, str]], dict[str, Any]]) -> None:
        self.refresher = refresher
        self._shape = shape
        self.last: Credentials | None = None
        self._failure: CredentialsError | None = None

    def __call__(self) -> dict[str, Any]:
        """Give the current credentials, as obstore's credential of the cloud."""
        try:
            self.last = credentials = self.refresher.current()
        except CredentialsError as error:
            self._failure = error
            raise
        return {**self._shape(credentials.values), "expires_at": LONG_AGO}

    def own_up(self, error: Exception) -> None:
        """Make what this raised the cause of an error of obstore, which may hold no more than its text."""
        if error.__cause__ is None and _FROM_PROVIDER in str(error):
            error.__cause__ = self._failure

    def __repr__(self) -> str:
        return f"<StoreCredentials of {self.refresher!r}>"

    def __reduce__(self) -> Any:
        msg = "StoreCredentials cannot be pickled: they hold fetched secrets; pickle the provider and fetch again"
        raise TypeError(msg)
