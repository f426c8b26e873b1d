"""Resolved settings of GCS in the words of each backend: everything explicit, so that neither reads the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from objfs.clouds._backends import CLIENT_DEFAULTS, arguments_at, key_digest, unspoken
from objfs.clouds._cloud import StoreArguments
from objfs.clouds.gcs_resolve import METHODS, default_endpoint
from objfs.errors import ConflictingOptionsError, MissingExtraError, OptionError
from objfs.options import Setting, Settings
from objfs.records import replace

__all__ = ["at_google", "native_config", "sdk_keywords", "store_arguments", "store_refusal", "write_parameters"]

# Google unpacks what is stored compressed for whoever does not take it so, and then knows neither sizes nor ranges
# (https://cloud.google.com/storage/docs/transcoding). obstore says nothing of it, and unpacks nothing itself.
AS_STORED: Final[Mapping[str, str]] = {"accept-encoding": "gzip"}

# Said even where nobody did: gcsfs, or fsspec's configuration, would choose.
SDK_DEFAULTS: Final[Mapping[str, Any]] = {
    "access": "full_control",
    "block_size": None,
    "cache_timeout": None,
    "check_connection": None,
    "consistency": "none",
    "default_location": None,
    # gcsfs warns where there is none.
    "project": "",
    "requester_pays": False,
    "requests_timeout": None,
    "secure_serialize": True,
    "timeout": None,
    "version_aware": False,
}
# aiohttp ends every request after five minutes by default.
TIMEOUT_DEFAULTS: Final[Mapping[str, Any]] = {
    "total": None,
    "sock_connect": CLIENT_DEFAULTS["connect_timeout"].total_seconds(),
    "sock_read": CLIENT_DEFAULTS["read_timeout"].total_seconds(),
}

# A service account that signs nothing: what obstore would read from the environment is overridden with it, as it
# parses whatever it finds there, also where it is given a credential provider, and cannot be told to look at nothing.
NO_ACCOUNT: Final[Mapping[str, Any]] = {
    "client_email": "",
    "disable_oauth": True,
    "private_key": "",
    "private_key_id": "",
    "type": "service_account",
}
NO_ACCOUNT_FILE: Final = Path(__file__).with_name("no_account.json")

_KEYS: Final = ("service_account", "service_account_key", "application_credentials")


def store_arguments(settings: Settings, bucket: str) -> StoreArguments:
    """Everything that obstore needs to know to build the store of one bucket: `_backends.arguments_at` says more.

    Raises
    ------
    OptionError
        The requester pays, and nothing says with which project.
    """
    endpoint = _endpoint(settings)
    anonymous = bool(settings.value("skip_signature", False))
    own = {"base_url": endpoint, "skip_signature": anonymous, **_neutral(settings)}
    if anonymous:
        # Writes look for credentials all the same: on disk, in the environment, at a metadata server.
        own["bearer_token"] = ""
    arguments = arguments_at(endpoint, settings, bucket, defaults={}, own=own)
    given = arguments.client_options.get("default_headers", {})
    headers = {**AS_STORED, **given, **_billing(settings), **_encryption(settings)}
    return replace(arguments, client_options={**arguments.client_options, "default_headers": headers})


def native_config(settings: Settings) -> dict[str, Any]:
    """What obstore is told in addition where it is to get credentials by itself, as google-auth is not installed.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.

    Raises
    ------
    MissingExtraError
        Only google-auth can do what is asked for.
    ConflictingOptionsError
        The environment names other credentials, which obstore would take.
    """
    for name in ("credential", "target_service_account", "token"):
        setting = settings.get(name)
        if setting is not None and setting.value != "google_default":
            word = f"={setting.value!r}" if name == "token" and setting.value in METHODS else ""
            msg = f"{setting.spelling}{word} needs google-auth to get credentials; install objfs[gcs]"
            raise MissingExtraError(msg)
    chosen = next((settings[name] for name in _KEYS if settings.value(name)), None)
    for other in _environment(settings):
        if chosen is None or other.value != chosen.value or other.option.name != f"environment_{chosen.option.name}":
            msg = (
                f"the environment's {other.spelling} names other credentials than those that are asked for, and "
                f"without google-auth it cannot be put aside; unset it, or install objfs[gcs]"
            )
            raise ConflictingOptionsError(msg)
    return {} if chosen is None else {_native_name(chosen): chosen.value}


def sdk_keywords(settings: Settings) -> dict[str, Any]:
    """The keywords of gcsfs's constructor, without ``token``: the caller adds credentials.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.

    Returns
    -------
    dict
        Also what gcsfs would choose itself. In ``session_kwargs`` the ``timeout`` holds keywords of aiohttp's
        ``ClientTimeout``, and ``connector`` is the caller's own object or holds keywords of a ``TCPConnector``, whose
        ``ssl`` is False or holds keywords of ``ssl.create_default_context``: these objects need a running loop.

    Raises
    ------
    OptionError
        The requester pays, and nothing says with which project.
    """
    keywords: dict[str, Any] = {**SDK_DEFAULTS, **settings.for_sdk(), "endpoint_url": _endpoint(settings)}
    _billing(settings)
    session = dict(keywords.get("session_kwargs", {}))
    # The data plane takes proxies from the environment, and so must this one.
    session.setdefault("trust_env", True)
    session["timeout"] = {**TIMEOUT_DEFAULTS, **session.get("timeout", {})}
    own = settings.value("session_kwargs.connector")
    if own is not None:
        session["connector"] = own
    elif not session.get("connector"):
        session.pop("connector", None)
    headers = {**session.get("headers", {}), **_encryption(settings)}
    if headers:
        session["headers"] = headers
    return {**keywords, "session_kwargs": session}


def store_refusal(settings: Settings, bucket: str) -> str | None:
    """Why obstore cannot serve a bucket with these settings exactly; None where it can.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.
    bucket
        Empty for the root.
    """
    if not bucket:
        return "no bucket is named"
    wordless = unspoken(settings)
    if wordless is not None:
        return wordless
    path, key = (settings.get(f"environment_{name}") for name in ("service_account", "service_account_key"))
    if path is not None and key is not None:
        return f"the data plane cannot be built while the environment holds {path.spelling} and {key.spelling}"
    return None


def write_parameters(settings: Settings) -> dict[str, Any]:
    """What the settings say of everything that is written, as keywords of gcsfs's writes.

    A check of what was written is one of them, so that only writes go to the SDK for it.
    """
    checked = settings.value("consistency", "none")
    found = {"content_type": settings.value("default_content_type"), "consistency": checked}
    return {name: value for name, value in found.items() if value not in (None, "none")}


def at_google(settings: Settings) -> bool:
    """Whether requests go to Google itself, where buckets may be zonal or hierarchical."""
    return _endpoint(settings) == default_endpoint(settings)


def _endpoint(settings: Settings) -> str:
    """Where both planes send requests; the one in a service account's file comes after ``resolve``."""
    told = settings.value("base_url")
    return default_endpoint(settings) if told is None else str(told).rstrip("/")


def _environment(settings: Settings) -> list[Setting]:
    """What obstore finds in the environment."""
    found = ("service_account", "service_account_key", "bearer_token")
    return [settings[f"environment_{name}"] for name in found if f"environment_{name}" in settings]


def _neutral(settings: Settings) -> dict[str, str]:
    """What overrides the service account in the environment."""
    if "environment_service_account" in settings:
        return {"service_account": str(NO_ACCOUNT_FILE)}
    if "environment_service_account_key" in settings:
        return {"service_account_key": json.dumps(NO_ACCOUNT)}
    return {}


def _native_name(chosen: Setting) -> str:
    """obstore's word for a file: only application credentials may be those of a user, as gcsfs's token may."""
    name = chosen.option.name
    return "application_credentials" if (name, chosen.spelling) == ("service_account", "token") else name


def _billing(settings: Settings) -> dict[str, str]:
    """The header that names who pays (https://cloud.google.com/storage/docs/xml-api/reference-headers)."""
    payer = settings.value("requester_pays", False)
    if not payer:
        return {}
    project = settings.value("project") if payer is True else payer
    if not project:
        spelling = settings["requester_pays"].spelling
        msg = f"{spelling}=True needs a project to bill; pass project=, or name the project: {spelling}='my-project'"
        raise OptionError(msg)
    return {"x-goog-user-project": str(project)}


def _encryption(settings: Settings) -> dict[str, str]:
    """Headers of a customer-supplied key, for an object and for the source of a copy.

    https://cloud.google.com/storage/docs/encryption/using-customer-supplied-keys
    """
    key = settings.value("encryption_key")
    if key is None:
        return {}
    found = {"algorithm": "AES256", "key": key, "key-sha256": key_digest(key)}
    return {
        f"x-goog-{which}encryption-{name}": value for which in ("", "copy-source-") for name, value in found.items()
    }
