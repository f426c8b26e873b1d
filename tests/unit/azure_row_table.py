"""Every option of Azure as it is promised: names, variables, meaning of a value, and the words of both backends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.unit.s3_row_table import OBJECT, PROXY_OPTIONS, RetryStrategy, Row, row

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
KEY_DIGEST = "hhAJ7E1Zn6sfQKvHbm+JiAz/WDPHnFSMmfkEXxkc2Qs="
SAS = "?sv=2026-01-01&sig=a+b="
SAS_ONCE = "sv=2026-01-01&sig=a%2Bb%3D"
CUSTOM = "https://blobs.example/acct"
THREE = timedelta(seconds=3)
MOMENT = datetime(2030, 3, 17, 17, 46, 40, tzinfo=UTC)
STRING = "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn"
CHINA = "acct.blob.core.chinacloudapi.cn"
ONELAKE = "https://acct.blob.fabric.microsoft.com"
AZURITE = "http://127.0.0.1:10000/acct"
CERTIFICATE = Path("/ca.pem")
PROXY = "http://user:pw@proxy:3128"
FABRIC = {
    "fabric_token_service_url": "https://f/",
    "fabric_workload_host": "https://f/",
    "fabric_session_token": "x",
    "fabric_cluster_identifier": "x",
}
PRINCIPAL = {"client_id": "x", "tenant_id": "x"}


def at(endpoint: str) -> dict[str, Any]:
    """What an endpoint is to both backends."""
    store = {"config.endpoint": endpoint}
    if endpoint.startswith("http:"):
        store["client.allow_http"] = True
    return {"store": store, "sdk": {"account_host": endpoint.partition("://")[2]}}


PLAIN = at("http://acct.blob.core.windows.net")


def native(name: str, given: Any, *, also: dict[str, Any] | None = None, method: str = "", **more: Any) -> Row:
    """An option of a method to get tokens, by which obstore can do without azure-identity."""
    value = more.get("value", given)
    words = {f"native.{name}": value, **({"native.credential_type": method} if method else {})}
    return row(name, given, also=also or {}, store=words, **more)


def client(name: str, given: Any, value: Any = ..., names: str = "", **more: Any) -> Row:
    """An option of the HTTP client, with its prefixed name and its variable."""
    spelled = f"azure_{name}"
    held = given if value is ... else value
    words = {"store": {f"client.{name}": held}, **more}
    return row(name, given, value=held, names=f"{spelled} {names}", env=spelled.upper(), **words)


def fabric(name: str) -> Row:
    """One of the four of Fabric, beside the others."""
    others = {key: value for key, value in FABRIC.items() if key != name}
    spelled = f"azure_{name}"
    return native(name, FABRIC[name], also=others, method="auto", names=spelled, env=spelled.upper())


def chain(name: str, given: Any, value: Any = ...) -> Row:
    """A keyword of DefaultAzureCredential."""
    return row(f"default_azure_credential_kwargs.{name}", given, value=value, names=name)


PLACE_ROWS = (
    row("container_name", "cont", names="azure_container_name", env="AZURE_CONTAINER_NAME"),
    row("prefix", "a/b"),
    row(
        "account_name",
        "other",
        names="azure_storage_account_name adls.account-name adls.auth.shared-key.account.name",
        env="AZURE_STORAGE_ACCOUNT_NAME",
        store={"config.account_name": "other", "config.endpoint": "https://other.blob.core.windows.net"},
        sdk={"account_name": "other", "account_host": "other.blob.core.windows.net"},
    ),
    row(
        "endpoint",
        "https://blobs.example/acct/",
        value=CUSTOM,
        names="azure_storage_endpoint azure_endpoint account_url",
        other_names=dict.fromkeys(("account_host", "adls.account-host"), "blobs.example/acct"),
        env="AZURE_STORAGE_ENDPOINT AZURE_ENDPOINT",
        **at(CUSTOM),
    ),
    row(
        "secondary_endpoint",
        "https://blobs.example/second",
        also={"location_mode": "secondary"},
        store={"config.endpoint": "https://blobs.example/second"},
    ),
    row("blob_storage_authority", "blobs.example", names="adls.blob-storage-authority", **at(CUSTOM)),
    row("blob_storage_scheme", "http", names="adls.blob-storage-scheme", store=PLAIN["store"]),
    row(
        "dfs_storage_authority",
        ".dfs.core.chinacloudapi.cn",
        names="adls.dfs-storage-authority",
        **at(f"https://{CHINA}"),
    ),
    row("dfs_storage_scheme", "http", names="adls.dfs-storage-scheme", store=PLAIN["store"]),
    row(
        "use_emulator",
        "true",
        value=True,
        names="azure_storage_use_emulator object_store_use_emulator",
        env="AZURE_STORAGE_USE_EMULATOR",
        **at(AZURITE),
    ),
    row(
        "azurite_blob_storage_url",
        "http://azurite:10000/",
        value="http://azurite:10000",
        also={"use_emulator": True},
        env="AZURITE_BLOB_STORAGE_URL",
        **{**at("http://azurite:10000/acct"), "store": {"config.endpoint": "http://azurite:10000/acct"}},
    ),
    row(
        "use_fabric_endpoint",
        "true",
        value=True,
        names="azure_use_fabric_endpoint",
        env="AZURE_USE_FABRIC_ENDPOINT",
        **at(ONELAKE),
    ),
    row(
        "location_mode",
        "secondary",
        store={"config.endpoint": "https://acct-secondary.blob.core.windows.net"},
        sdk={"location_mode": "secondary"},
    ),
)

STATIC_ROWS = (
    row(
        "account_key",
        KEY,
        names=(
            "azure_storage_account_key azure_storage_access_key azure_storage_master_key access_key master_key "
            "adls.account-key adls.auth.shared-key.account.key"
        ),
        env="AZURE_STORAGE_ACCOUNT_KEY AZURE_STORAGE_ACCESS_KEY AZURE_STORAGE_MASTER_KEY",
    ),
    row(
        "sas_key",
        SAS,
        value=SAS_ONCE,
        names=(
            "azure_storage_sas_key azure_storage_sas_token sas_token adls.sas-token azure_user_delegation_sas.sas_token"
        ),
        env="AZURE_STORAGE_SAS_KEY AZURE_STORAGE_SAS_TOKEN",
    ),
    row(
        "token",
        "x",
        names="azure_storage_token bearer_token adls.token azure_aad.aad_token",
        env="AZURE_STORAGE_TOKEN",
    ),
    row(
        "expires_at",
        "1900000000000",
        value=MOMENT,
        names="expiration_time expires_at_millis adls.sas-token-expires-at-ms",
    ),
    row("adls.sas-token.<account-host>", {}),
    row("adls.sas-token-expires-at-ms.<account-host>", {}),
    row(
        "connection_string",
        STRING,
        names="azure_storage_connection_string adls.connection-string",
        env="AZURE_STORAGE_CONNECTION_STRING",
        **at(f"https://{CHINA}"),
    ),
    row("adls.connection-string.<account-host>", {}),
    row("credential", OBJECT, names="adls.credential"),
    row(
        "skip_signature",
        "true",
        value=True,
        names="azure_skip_signature anon adls.anon",
        other_names={"AZURE_STORAGE_ANON": "whatever"},
        env="AZURE_SKIP_SIGNATURE",
        other_env={"AZURE_STORAGE_ANON": "whatever"},
        store={"config.skip_signature": True},
        sdk={"anon": True},
    ),
    row("azure_user_delegation_sas", {}),
    row("azure_aad", {}),
)

PRINCIPAL_ROWS = (
    native(
        "client_id",
        "x",
        names="azure_storage_client_id azure_client_id adls.client-id",
        env="AZURE_STORAGE_CLIENT_ID AZURE_CLIENT_ID",
    ),
    native(
        "client_secret",
        "x",
        also=PRINCIPAL,
        method="client_secret",
        names="azure_storage_client_secret azure_client_secret adls.client-secret",
        env="AZURE_STORAGE_CLIENT_SECRET AZURE_CLIENT_SECRET",
    ),
    native(
        "tenant_id",
        "x",
        names=(
            "azure_storage_tenant_id azure_storage_authority_id azure_tenant_id azure_authority_id authority_id "
            "adls.tenant-id"
        ),
        env="AZURE_STORAGE_TENANT_ID AZURE_STORAGE_AUTHORITY_ID AZURE_TENANT_ID AZURE_AUTHORITY_ID",
    ),
    native(
        "authority_host",
        "https://login.example",
        names="azure_storage_authority_host azure_authority_host authority",
        env="AZURE_STORAGE_AUTHORITY_HOST AZURE_AUTHORITY_HOST",
    ),
    native(
        "federated_token_file",
        "/token",
        also=PRINCIPAL,
        method="workload_identity",
        names="azure_federated_token_file",
        env="AZURE_FEDERATED_TOKEN_FILE",
    ),
    native(
        "msi_endpoint",
        "http://127.0.0.1:1/token",
        names="azure_msi_endpoint azure_identity_endpoint identity_endpoint",
        env="IDENTITY_ENDPOINT AZURE_MSI_ENDPOINT AZURE_IDENTITY_ENDPOINT",
    ),
    row("identity_header", "x", env="IDENTITY_HEADER"),
    native("object_id", "x", names="azure_object_id", env="AZURE_OBJECT_ID"),
    native("msi_resource_id", "x", names="azure_msi_resource_id", env="AZURE_MSI_RESOURCE_ID"),
    row("use_managed_identity", "true", value=True),
    native(
        "use_azure_cli",
        "true",
        value=True,
        method="azure_cli",
        names="azure_use_azure_cli",
        env="AZURE_USE_AZURE_CLI",
    ),
    row(
        "credential_type",
        "azure_cli",
        names="azure_credential_type",
        env="AZURE_CREDENTIAL_TYPE",
        store={"native.credential_type": "azure_cli"},
    ),
    *map(fabric, FABRIC),
    row("auth_type", "access_key", also={"account_key": KEY}),
    row("environment_key", "MY_KEY"),
    row("default_azure_credential_kwargs", {"logging_enable": True}),
    chain("exclude_broker_credential", "true", True),
    chain("exclude_cli_credential", "true", True),
    chain("exclude_developer_cli_credential", "true", True),
    chain("exclude_environment_credential", "true", True),
    chain("exclude_interactive_browser_credential", "true", True),
    chain("exclude_managed_identity_credential", "true", True),
    chain("exclude_powershell_credential", "true", True),
    chain("exclude_shared_token_cache_credential", "true", True),
    chain("exclude_visual_studio_code_credential", "true", True),
    chain("exclude_workload_identity_credential", "true", True),
    chain("broker_client_id", "x"),
    chain("broker_tenant_id", "x"),
    chain("interactive_browser_client_id", "x"),
    chain("interactive_browser_tenant_id", "x"),
    chain("managed_identity_client_id", "x"),
    chain("process_timeout", "3", 3),
    chain("require_envvar", "true", True),
    chain("shared_cache_tenant_id", "x"),
    chain("shared_cache_username", "x"),
    chain("visual_studio_code_tenant_id", "x"),
    chain("workload_identity_client_id", "x"),
    chain("workload_identity_tenant_id", "x"),
)

BEHAVIOUR_ROWS = (
    row("version_aware", "true", value=True, sdk={"version_aware": True}),
    row("assume_container_exists", "true", value=True, sdk={"assume_container_exists": True}),
    row("max_concurrency", "4", value=4, sdk={"max_concurrency": 4}),
    row("server_timeout", "30", value=30, sdk={"timeout": 30}),
    row("request_session", OBJECT),
    row("socket_timeout", "3", value=THREE),
    row(
        "disable_tagging",
        "true",
        value=True,
        names="azure_disable_tagging",
        env="AZURE_DISABLE_TAGGING",
        store={"config.disable_tagging": True},
    ),
    row(
        "encryption_key",
        KEY,
        names="azure_storage_encryption_key",
        env="AZURE_STORAGE_ENCRYPTION_KEY",
        store={"config.encryption_key": KEY},
        sdk={
            "client.headers": {
                "x-ms-encryption-key": KEY,
                "x-ms-encryption-key-sha256": KEY_DIGEST,
                "x-ms-encryption-algorithm": "AES256",
            }
        },
    ),
)

CLIENT_ROWS = (
    client("allow_http", "true", True),
    client("allow_invalid_certificates", "true", True, "allow_insecure", sdk={"client.connection_verify": False}),
    row(
        "root_certificate",
        "/ca.pem",
        value=CERTIFICATE,
        names="tls_ca_file_path",
        store={"client.root_certificate": CERTIFICATE},
        sdk={"client.connection_verify": "/ca.pem"},
    ),
    client("disable_system_certificates", "true", True),
    client(
        "connect_timeout",
        "3",
        THREE,
        "connection_timeout",
        sdk={"connection_timeout": 3.0, "client.connection_timeout": 3.0},
    ),
    client("read_timeout", "3", THREE, "request_timeout", sdk={"read_timeout": 3.0, "client.read_timeout": 3.0}),
    client("timeout", "3", THREE),
    client("default_content_type", "text/csv"),
    row(
        "default_headers",
        {"x-a": "b"},
        store={"client.default_headers": {"x-a": "b"}},
        sdk={"client.headers": {"x-a": "b"}},
    ),
    client("user_agent", "me/1", sdk={"client.user_agent": "me/1"}),
    client("http1_only", "true", True),
    client("http2_only", "true", True),
    client("http2_keep_alive_interval", "3", THREE),
    client("http2_keep_alive_timeout", "3", THREE),
    client("http2_keep_alive_while_idle", "true", True),
    client("http2_max_frame_size", "20000", 20000, store={"client.http2_max_frame_size": "20000"}),
    client("pool_idle_timeout", "3", THREE),
    client("pool_max_idle_per_host", "20000", 20000, store={"client.pool_max_idle_per_host": "20000"}),
    client(
        "proxy_url",
        PROXY,
        other_names={"proxy_options": PROXY_OPTIONS},
        sdk={"client.proxies": {"http": PROXY, "https": PROXY}},
    ),
    client("proxy_ca_certificate", "/ca.pem", CERTIFICATE),
    client("proxy_excludes", "a,b"),
    client("randomize_addresses", "true", True),
    row(
        "max_retries",
        "3",
        value=3,
        names="client_max_retries",
        other_names={"retry_strategy": RetryStrategy(max_attempts=4)},
        store={"retry.max_retries": 3},
        sdk={"client.retry_total": 3},
    ),
    row(
        "retry_timeout",
        "3",
        value=THREE,
        names="client_retry_timeout retry_time_limit",
        other_names={"retry_timeout_ms": "3000"},
        store={"retry.retry_timeout": THREE},
    ),
    row(
        "backoff.init_backoff",
        "3",
        value=THREE,
        other_names={"retry_init_backoff_ms": "3000"},
        store={"retry.backoff.init_backoff": THREE},
    ),
    row(
        "backoff.max_backoff",
        "3",
        value=THREE,
        other_names={"retry_max_backoff_ms": "3000"},
        store={"retry.backoff.max_backoff": THREE},
    ),
    row("backoff.base", "3", value=3.0, names="retry_base_multiplier", store={"retry.backoff.base": 3.0}),
    row("backoff", {}),
)

FRAMEWORK_ROWS = (
    row("asynchronous", "true", value=True),
    row("loop", OBJECT),
    row("batch_size", "7", value=7),
    row("skip_instance_cache", "true", value=True),
    row("use_listings_cache", "true", value=True, sdk={"use_listings_cache": True}),
    row("listings_expiry_time", "3", value=THREE, names="cache_timeout", sdk={"listings_expiry_time": 3.0}),
    row("max_paths", "7", value=7, sdk={"max_paths": 7}),
    row("default_block_size", "1024", value=1024, names="block_size blocksize", sdk={"blocksize": 1024}),
    row("default_cache_type", "readahead", sdk={"default_cache_type": "readahead"}),
    row("default_fill_cache", "false", value=False, sdk={"default_fill_cache": False}),
    row("max_cache_size", "7", value=7),
    row("automatic_cleanup", "true", value=True),
    row("mkdir", "true", value=True),
    row("config", {}),
    row("client_options", {}),
    row("retry_config", {}),
    row("engine", "sdk"),
    row("storage_options_provider", OBJECT, names="fetch_storage_options"),
    row("credential_provider", OBJECT),
    row("provider_id", "p"),
    row("refresh_margin", "3", value=THREE),
    row("provider_timeout", "3", value=THREE),
    row("config_profile", "p"),
    row("url_options", {"a": 1}),
)

ROWS = (*PLACE_ROWS, *STATIC_ROWS, *PRINCIPAL_ROWS, *BEHAVIOUR_ROWS, *CLIENT_ROWS, *FRAMEWORK_ROWS)
