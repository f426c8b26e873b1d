"""Tokens of Google, by google-auth: default credentials, files, objects, and service accounts that are taken on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from objfs.credentials.values import Source
from objfs.providers.base import ReadyMade, as_options
from objfs.providers.own import source_of

# Tokens that lie in the environment are no credentials of google-auth: they are the filesystem's own affair.
_NOT_OURS = ("bearer_token", "skip_signature")


@dataclass(eq=False, repr=False)
class GoogleAuth(ReadyMade):
    """Ask google-auth for tokens.

    Parameters
    ----------
    credentials
        An object of google-auth (any ``google.auth.credentials.Credentials``, sync or async), a file of any kind that
        Google has, or the content of one. Default: application default credentials.
    scopes
        OAuth scopes, as a list or as text with commas. Default: to read and write objects.
    target_service_account
        Service account that is taken on.
    delegates
        Service accounts between the caller and that one.
    lifetime
        Of the token of the account that is taken on: seconds, or text.
    """

    credentials: Any = None
    scopes: Sequence[str] | str | None = None
    target_service_account: str | None = None
    delegates: Sequence[str] | str | None = None
    lifetime: Any = None

    shown: ClassVar[tuple[str, ...]] = ("target_service_account",)

    def __post_init__(self) -> None:
        self._source: Source | None = None

    def fetch_storage_options(self) -> dict[str, str]:
        """Ask for a token."""
        # An object is asked through one source, which knows what the object gave before.
        source = self._source or source_of("gcs", self._told(), "google-auth; install objfs[gcs]", _NOT_OURS)
        if self.credentials is not None and not isinstance(self.credentials, str):
            self._source = source
        return as_options(source.fetch())

    def _told(self) -> dict[str, Any]:
        return {
            "token": "google_default" if self.credentials is None else self.credentials,
            "impersonation_scopes": self.scopes,
            "target_service_account": self.target_service_account,
            "impersonation_delegates": self.delegates,
            "impersonation_lifetime": self.lifetime,
        }
