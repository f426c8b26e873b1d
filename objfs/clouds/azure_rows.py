"""The option table of Azure: where the service is, how requests are made, and all other rows put together."""

from __future__ import annotations

from typing import Any, Final

from objfs.clouds._common import (
    FRAMEWORK_ROWS,
    IGNORABLE,
    LEAVE_OUT,
    OBJFS_ROWS,
    RETRY_ROWS,
    client_rows,
    refined,
    seconds,
)
from objfs.clouds.azure_accounts import of_one_account
from objfs.clouds.azure_hosts import complete_endpoint
from objfs.clouds.azure_identity_rows import IDENTITY_ROWS
from objfs.options import Option, OptionTable


def account(value: Any) -> str:
    """Names of accounts have no capitals; hosts, which name them too, may be written in either case.

    https://learn.microsoft.com/azure/storage/common/storage-account-overview#storage-account-name
    """
    return str(value).lower()


def endpoint(value: Any) -> str:
    """An endpoint with a scheme, at the blob service."""
    return complete_endpoint(str(value))


def account_host(value: Any) -> str:
    """The host, with a path or without, to which adlfs goes by https."""
    return complete_endpoint(str(value), tls=True)


ENDPOINT_NAMES: Final = ("endpoint", "azure_storage_endpoint", "azure_endpoint", "account_url")

PLACE_ROWS: Final = (
    Option(
        name="container_name",
        meaning="Container of obstore's stores; paths name their own.",
        aliases=("azure_container_name",),
        env=("AZURE_CONTAINER_NAME",),
    ),
    Option(name="prefix", meaning="Prefix of obstore's stores; paths hold it."),
    Option(
        name="account_name",
        meaning="Name of the storage account.",
        readings=dict.fromkeys(
            ("account_name", "azure_storage_account_name", "adls.account-name", "adls.auth.shared-key.account.name"),
            account,
        ),
        env=("AZURE_STORAGE_ACCOUNT_NAME",),
        store="config.account_name",
        sdk="account_name",
    ),
    Option(
        name="endpoint",
        meaning="URL of the account's blob service, where it is not https://ACCOUNT.blob.core.windows.net.",
        readings={
            **dict.fromkeys(ENDPOINT_NAMES, endpoint),
            **dict.fromkeys(("account_host", "adls.account-host"), account_host),
        },
        env=("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
        store="config.endpoint",
        sdk="account_host",
    ),
    Option(
        name="secondary_endpoint",
        meaning="URL of the account's second region, where it does not follow from the endpoint.",
        readings={"secondary_endpoint": str},
    ),
    Option(
        name="blob_storage_authority",
        meaning="Host of the blob service; with a leading dot the account goes before it, else into the path.",
        aliases=("adls.blob-storage-authority",),
    ),
    Option(
        name="blob_storage_scheme",
        meaning="Scheme of the blob service.",
        aliases=("adls.blob-storage-scheme",),
        values=("https", "http"),
    ),
    Option(
        name="dfs_storage_authority",
        meaning="Host of the dfs service, in whose place the blob service is used.",
        aliases=("adls.dfs-storage-authority",),
    ),
    Option(
        name="dfs_storage_scheme",
        meaning="Scheme of the dfs service.",
        aliases=("adls.dfs-storage-scheme",),
        values=("https", "http"),
    ),
    Option(
        name="use_emulator",
        meaning="Use a local emulator (Azurite), with its account and key.",
        kind="bool",
        aliases=("azure_storage_use_emulator", "object_store_use_emulator"),
        env=("AZURE_STORAGE_USE_EMULATOR",),
    ),
    Option(
        name="azurite_blob_storage_url",
        meaning="Where the emulator is.",
        env=("AZURITE_BLOB_STORAGE_URL",),
        readings={"azurite_blob_storage_url": endpoint},
    ),
    Option(
        name="use_fabric_endpoint",
        meaning="Use the hosts of Microsoft Fabric (OneLake).",
        kind="bool",
        aliases=("azure_use_fabric_endpoint",),
        env=("AZURE_USE_FABRIC_ENDPOINT",),
    ),
    Option(
        name="location_mode",
        meaning="Region to talk to.",
        values=("primary", "secondary"),
        sdk="location_mode",
    ),
)

BEHAVIOUR_ROWS: Final = (
    Option(
        name="version_aware",
        meaning="Read and list versions of blobs.",
        kind="bool",
        sdk="version_aware",
        sdk_only=True,
    ),
    Option(
        name="assume_container_exists",
        meaning="Never ask whether a container exists (true), fail where that cannot be told (false).",
        kind="bool",
        sdk="assume_container_exists",
    ),
    Option(
        name="max_concurrency",
        meaning="Requests for one object in flight at a time, by default as many as move 96 MiB when reading; and "
        "objects that one call works on, unless `batch_size` says otherwise.",
        kind="int",
        sdk="max_concurrency",
    ),
    Option(
        name="server_timeout",
        meaning="Seconds that the server may take for one request; adlfs calls it timeout. SDK plane only.",
        kind="int",
        sdk="timeout",
    ),
    Option(
        name="request_session", meaning="Kept by adlfs; no effect.", kind="object", secret=True, deprecated=LEAVE_OUT
    ),
    Option(name="socket_timeout", meaning="Given up by adlfs; no effect.", kind="duration", deprecated=LEAVE_OUT),
    Option(
        name="disable_tagging",
        meaning="Drop the tags of writes.",
        kind="bool",
        aliases=("azure_disable_tagging",),
        env=("AZURE_DISABLE_TAGGING",),
        store="config.disable_tagging",
    ),
    Option(
        name="encryption_key",
        meaning="Encryption key of the caller's own: 32 bytes, in base64; sent with every request.",
        aliases=("azure_storage_encryption_key",),
        env=("AZURE_STORAGE_ENCRYPTION_KEY",),
        secret=True,
        store="config.encryption_key",
    ),
)

# What adlfs has no keyword for and its client has goes to the dict "client".
CLIENT_ROWS: Final = refined(
    client_rows("azure"),
    {
        "allow_invalid_certificates": {"sdk": "client.connection_verify", "to_sdk": lambda allowed: not allowed},
        "root_certificate": {"sdk": "client.connection_verify", "to_sdk": str},
        "connect_timeout": {"sdk": "connection_timeout", "to_sdk": seconds},
        "read_timeout": {"sdk": "read_timeout", "to_sdk": seconds},
        "default_headers": {"sdk": "client.headers"},
        "user_agent": {"sdk": "client.user_agent"},
        "proxy_url": {"sdk": "client.proxies", "to_sdk": lambda url: {"http": url, "https": url}},
    },
)

AZURE_RETRY_ROWS: Final = refined(RETRY_ROWS, {"max_retries": {"sdk": "client.retry_total"}})

AZURE_FRAMEWORK_ROWS: Final = refined(FRAMEWORK_ROWS, {"default_block_size": {"sdk": "blocksize"}})

ROWS: Final = (
    *PLACE_ROWS,
    *IDENTITY_ROWS,
    *BEHAVIOUR_ROWS,
    *CLIENT_ROWS,
    *AZURE_RETRY_ROWS,
    *AZURE_FRAMEWORK_ROWS,
    *OBJFS_ROWS,
)

TABLE: Final = OptionTable(ROWS, tuple(name for names in IGNORABLE.values() for name in names), of_one_account)
