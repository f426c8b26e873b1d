"""Providers whose credentials live two seconds, one for each cloud, named on the command line by an import string.

The process that runs the job has the account's key in its environment. What the job gets are tokens and signatures
that end; each is noted in a file, whichever process asks for it.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

LIFETIME = timedelta(seconds=2)
NOTES = "LESSON_NOTES"
ACCOUNT = "LESSON_ACCOUNT"


def note() -> int:
    """Leave a mark; how many there are."""
    with open(os.environ[NOTES], "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
        return file.tell()


def token() -> dict[str, Any]:
    """A token of GCS; the server takes any."""
    return {"token": f"token-{note()}", "expires_at": datetime.now(UTC) + LIFETIME}


def sas() -> dict[str, Any]:
    """A SAS that really ends: the server checks it. SAS count in whole seconds."""
    from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

    note()
    account = json.loads(os.environ[ACCOUNT])
    end = datetime.fromtimestamp(int(time.time()), UTC) + LIFETIME
    signature = generate_account_sas(
        account["account_name"],
        account["account_key"],
        ResourceTypes(container=True, object=True),
        AccountSasPermissions(read=True, write=True, delete=True, list=True, add=True, create=True),
        end,
    )
    return {"sas_token": signature, "expires_at": end}
