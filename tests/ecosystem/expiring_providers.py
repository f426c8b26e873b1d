"""Providers whose credentials live two seconds, one for each cloud, for worker processes; each leaves notes in a file.

A note holds the process and every secret that it was given, so that a test can look for these anywhere.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from objfs import StorageOptionsProvider
from objfs.testing.control import call_gateway

LIFETIME_SECONDS = 2.0


class NotingProvider(StorageOptionsProvider):
    """Fetches credentials of a short life and notes them.

    Parameters
    ----------
    notes
        Path of the file.
    """

    def __init__(self, notes: str) -> None:
        self.notes = notes

    def fetch_storage_options(self) -> dict[str, str]:
        """Credentials, noted."""
        told, secret = self.issue()
        with open(self.notes, "a", encoding="utf-8") as file:
            file.write(json.dumps([os.getpid(), secret]) + "\n")
        return told

    @abstractmethod
    def issue(self) -> tuple[dict[str, str], list[str]]:
        """Storage options, and the secrets among them."""


class GatewayProvider(NotingProvider):
    """Keys of S3, which an expiring gateway issues.

    Parameters
    ----------
    notes, endpoint
        Path of the file, and the gateway's URL.
    """

    def __init__(self, notes: str, endpoint: str) -> None:
        super().__init__(notes)
        self.endpoint = endpoint

    def issue(self) -> tuple[dict[str, str], list[str]]:
        """Keys and a session token."""
        told = call_gateway(self.endpoint, "issue", lifetime=LIFETIME_SECONDS)
        return told, [told[name] for name in ("access_key_id", "secret_access_key", "session_token")]


class TokenProvider(NotingProvider):
    """Tokens of Google's form that say when they end; `tests.gcs_proxy.expired` reads it."""

    def issue(self) -> tuple[dict[str, str], list[str]]:
        """A token."""
        end = time.time() + LIFETIME_SECONDS
        token = f"ya29.{secrets.token_hex(16)}.{end:.3f}"
        return {"token": token, "expires_at_millis": str(int(end * 1000))}, [token]


class SasProvider(NotingProvider):
    """Signatures that end, which Azurite checks; the key of the account comes from a file of its own.

    Parameters
    ----------
    notes, account
        Paths of the file for notes and of one with the name and the key of the account.
    """

    def __init__(self, notes: str, account: str) -> None:
        super().__init__(notes)
        self.account = account

    def issue(self) -> tuple[dict[str, str], list[str]]:
        """A SAS of the account; SAS count in whole seconds."""
        from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

        with open(self.account, encoding="utf-8") as file:
            account: Mapping[str, Any] = json.load(file)
        end = datetime.fromtimestamp(int(time.time()), UTC) + timedelta(seconds=LIFETIME_SECONDS)
        signature = generate_account_sas(
            account["account_name"],
            account["account_key"],
            ResourceTypes(container=True, object=True),
            AccountSasPermissions(read=True, write=True, delete=True, list=True, add=True, create=True),
            end,
        )
        sig = signature.partition("sig=")[2].partition("&")[0]
        return {"sas_token": signature, "expires_at_millis": str(int(end.timestamp() * 1000))}, [sig]
