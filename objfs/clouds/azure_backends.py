"""Resolved settings of Azure in the words of each backend: explicit, so that neither reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from objfs.clouds import azure_hosts as hosts
from objfs.clouds._backends import arguments_at, key_digest, unspoken
from objfs.clouds._cloud import StoreArguments
from objfs.clouds.azure_resolve import resolve
from objfs.errors import OptionError
from objfs.options import Settings

__all__ = [
    "client_keywords",
    "encryption_headers",
    "native_config",
    "resolve",
    "sdk_keywords",
    "service_url",
    "store_arguments",
    "store_refusal",
    "write_parameters",
]

# Said even where nobody did: obstore would take each of them from the environment. An emulator is an endpoint with an
# account and a key: by its own word for it obstore would ignore endpoint and provider.
CONFIG_DEFAULTS: Final[Mapping[str, Any]] = {
    "credential_type": "auto",
    "disable_tagging": False,
    "use_emulator": False,
    "use_fabric_endpoint": False,
}

# Likewise for adlfs, whose constructor takes what is missing from fsspec's configuration.
SDK_DEFAULTS: Final[Mapping[str, Any]] = {
    "anon": False,
    "assume_container_exists": None,
    "blocksize": 50 << 20,
    "connection_timeout": None,
    "default_cache_type": "bytes",
    "default_fill_cache": True,
    "location_mode": "primary",
    "max_concurrency": None,
    "read_timeout": None,
    "request_session": None,
    "timeout": None,
    "version_aware": False,
}

# Credentials reach adlfs through the client that is made for it.
_SDK_CREDENTIALS: Final = (
    "account_key",
    "client",
    "client_id",
    "client_secret",
    "connection_string",
    "credential",
    "default_azure_credential_kwargs",
    "sas_token",
    "tenant_id",
)

# What obstore's own look-up needs, and its word for that; Fabric's has none, but goes first by itself.
_NATIVE_METHODS: Final = (
    (("fabric_token_service_url", "fabric_workload_host", "fabric_session_token", "fabric_cluster_identifier"), "auto"),
    (("federated_token_file", "client_id", "tenant_id"), "workload_identity"),
    (("client_secret", "client_id", "tenant_id"), "client_secret"),
    (("use_azure_cli",), "azure_cli"),
)

# adlfs says of each blob that it writes that it is no directory.
FILE_METADATA: Final[Mapping[str, str]] = {"is_directory": "false"}


def service_url(settings: Settings, *, secondary: bool = False) -> str:
    """URL of the account's blob service, without a slash at its end.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.
    secondary
        That of the second region.

    Raises
    ------
    OptionError
        Nothing names the account, or the second region's URL does not follow from the first one's.
    """
    account, endpoint = settings.value("account_name"), settings.value("endpoint")
    if endpoint is None and account is None:
        msg = "no account is named; pass account_name="
        raise OptionError(msg)
    primary = endpoint or f"https://{hosts.default_host(account)}"
    if not secondary:
        return str(primary)
    told, known = settings.value("secondary_endpoint"), hosts.read_endpoint(primary)
    if told is None and known is None:
        msg = f"the second region does not follow from {primary}; pass secondary_endpoint="
        raise OptionError(msg)
    return str(told) if known is None or told is not None else hosts.with_host(primary, hosts.secondary_host(known))


def store_arguments(settings: Settings, bucket: str) -> StoreArguments:
    """Everything that obstore needs to know to build the store of one bucket: `_backends.arguments_at` says more.

    Notes
    -----
    The one variable that obstore 0.12.1 reads whatever it is told is ``AZURE_STORAGE_ENCRYPTION_KEY``, where no
    ``encryption_key`` is given; it is a variable of that option, so that both planes know of it.
    """
    endpoint = service_url(settings, secondary=settings.value("location_mode") == "secondary")
    own = {
        # Signatures by key name the account; a domain of one's own says which only by its first label.
        "account_name": settings.value("account_name") or (urlsplit(endpoint).hostname or "").partition(".")[0],
        "endpoint": endpoint,
        "skip_signature": bool(settings.value("skip_signature", False)),
    }
    return arguments_at(endpoint, settings, bucket, defaults=CONFIG_DEFAULTS, own=own)


def native_config(settings: Settings) -> dict[str, Any]:
    """What obstore's own look-up of credentials is told: one method, with all that belongs to it.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.

    Returns
    -------
    dict
        For ``config``, with a ``credential_type``, so that no variable chooses another method.
    """
    wanted = settings.value("credential_type", "auto")
    found: dict[str, Any] = dict(settings.for_store().get("native", {}))
    if wanted == "auto":
        complete = (word for names, word in _NATIVE_METHODS if all(settings.value(name) for name in names))
        fallback = "managed_identity"
        wanted = next(complete, fallback)
    return {**found, "credential_type": wanted}


def sdk_keywords(settings: Settings) -> dict[str, Any]:
    """The keywords of adlfs's constructor, without credentials: the caller makes a client that holds them.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.

    Returns
    -------
    dict
        Also what adlfs would choose itself. ``account_host`` has no scheme: adlfs goes there by https, so that the
        client for an endpoint by http has to be made from `service_url`.
    """
    keywords: dict[str, Any] = {**SDK_DEFAULTS, **settings.for_sdk()}
    for name in _SDK_CREDENTIALS:
        keywords.pop(name, None)
    keywords["account_name"] = settings.value("account_name")
    keywords["account_host"] = service_url(settings).partition("://")[2]
    return keywords


def client_keywords(settings: Settings) -> dict[str, Any]:
    """Keywords of the service client of azure-storage-blob that adlfs has no words for.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.

    Returns
    -------
    dict
        ``connection_verify`` is the path of a PEM file or its text: the client wants a file.
    """
    keywords = dict(settings.for_sdk().get("client", {}))
    for option, word in (("connect_timeout", "connection_timeout"), ("read_timeout", "read_timeout")):
        if option in settings:
            keywords[word] = settings.value(option).total_seconds()
    encryption = encryption_headers(settings, "x-ms-encryption")
    if encryption:
        keywords["headers"] = {**keywords.get("headers", {}), **encryption}
    return keywords


def encryption_headers(settings: Settings, prefix: str) -> dict[str, str]:
    """What tells the service the caller's own key, that of a copy's source under the prefix ``x-ms-source-encryption``.

    https://learn.microsoft.com/azure/storage/blobs/encryption-customer-provided-keys
    """
    key = settings.value("encryption_key")
    if key is None:
        return {}
    return {f"{prefix}-key": key, f"{prefix}-key-sha256": key_digest(key), f"{prefix}-algorithm": "AES256"}


def store_refusal(settings: Settings, bucket: str) -> str | None:
    """Why obstore cannot serve a container with these settings exactly; None where it can.

    Parameters
    ----------
    settings
        As ``resolve`` returns them.
    bucket
        Container; empty for the root.
    """
    if not bucket:
        return "no container is named"
    return unspoken(settings)


def write_parameters(settings: Settings) -> dict[str, Any]:
    """What the settings say of everything that is written, as keywords of adlfs's calls.

    Returns
    -------
    dict
        ``metadata``, as adlfs writes it, and ``content_settings``. A call's own keywords go before.
    """
    found: dict[str, Any] = {"metadata": dict(FILE_METADATA)}
    default = settings.value("default_content_type")
    return {**found, "content_settings": {"content_type": default}} if default else found
