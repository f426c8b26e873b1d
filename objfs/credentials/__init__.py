"""Credentials that outlive their expiry: providers, the refresher, and one adapter per SDK."""

from __future__ import annotations

from objfs.credentials.botocore_adapter import aio_session, register_refresh_on_rejection
from objfs.credentials.identity import keyed_digest
from objfs.credentials.provider import StorageOptionsProvider, normalise_provider, provider_identity
from objfs.credentials.refresher import Refresher, shared_refresher
from objfs.credentials.rejection import BARE_STATUSES, code_in, verdict
from objfs.credentials.select import ANONYMOUS, NATIVE_CHAIN, Anonymous, CredentialChoice, NativeChain, credentials_for
from objfs.credentials.store_adapter import StoreCredentials
from objfs.credentials.values import Credentials, Source, StaticSource

__all__ = [
    "ANONYMOUS",
    "BARE_STATUSES",
    "NATIVE_CHAIN",
    "Anonymous",
    "CredentialChoice",
    "Credentials",
    "NativeChain",
    "Refresher",
    "Source",
    "StaticSource",
    "StorageOptionsProvider",
    "StoreCredentials",
    "aio_session",
    "code_in",
    "credentials_for",
    "keyed_digest",
    "normalise_provider",
    "provider_identity",
    "register_refresh_on_rejection",
    "shared_refresher",
    "verdict",
]
