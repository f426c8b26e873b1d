"""What the clouds say alike to their backends: the HTTP client of the data plane, and what it has no word for."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from objfs.clouds._cloud import StoreArguments
from objfs.options import Settings

# Those of both planes. obstore ends every request after 30 s by default, however well it moves; a stall is what
# read_timeout is for. A copy within the service may be silent for a while.
CLIENT_DEFAULTS: Final[Mapping[str, Any]] = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(days=7),
}
# Likewise; obstore's own, said so that they stay what is documented.
RETRY_DEFAULTS: Final[Mapping[str, Any]] = {
    "max_retries": 10,
    "retry_timeout": timedelta(minutes=3),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=15), "base": 2.0},
}


def arguments_at(
    endpoint: str, settings: Settings, bucket: str, *, defaults: Mapping[str, Any], own: Mapping[str, Any]
) -> StoreArguments:
    """Everything that obstore needs to know to build the store of one bucket, but for credentials.

    Parameters
    ----------
    endpoint
        With a scheme; one by plain HTTP allows that.
    settings
        As the cloud's ``resolve`` returns them.
    bucket
        One that the cloud's ``store_refusal`` does not refuse.
    defaults, own
        Members of ``config`` that the settings' own words for it replace, and that replace these.

    Returns
    -------
    StoreArguments
        ``config`` holds text and booleans, ``client_options`` text, booleans, durations and headers, ``retry_config``
        numbers and durations. ``root_certificate`` and ``proxy_ca_certificate`` are a ``Path`` where a file was
        named: reading it is for who builds the store.
    """
    slots = settings.for_store()
    client = {**CLIENT_DEFAULTS, **slots["client"]}
    client["allow_http"] = endpoint.startswith("http:") or bool(settings.value("allow_http", False))
    server = urlsplit(endpoint).netloc.rpartition("@")[2]
    return StoreArguments(bucket, {**defaults, **slots["config"], **own}, client, retry_config(settings), server)


def retry_config(settings: Settings) -> dict[str, Any]:
    """Every member of obstore's ``retry_config``, which both planes go by."""
    told = settings.for_store()["retry"]
    return {**RETRY_DEFAULTS, **told, "backoff": {**RETRY_DEFAULTS["backoff"], **told.get("backoff", {})}}


def unspoken(settings: Settings) -> str | None:
    """Which option keeps the data plane from serving these settings, as it has no word for it."""
    for setting in settings.sdk_only():
        return f"the data plane has no word for {_shown_names(setting.spelling, setting.value)}"
    return None


def key_digest(key: str) -> str:
    """What goes with a customer's key in base64: the SHA-256 of the key, in base64."""
    return base64.b64encode(hashlib.sha256(base64.b64decode(key)).digest()).decode()


def _shown_names(spelling: str, value: Any) -> str:
    """An option, or the members of one that no row knows; never their values."""
    return ", ".join(f"{spelling}[{name!r}]" for name in value) if isinstance(value, Mapping) else repr(spelling)
