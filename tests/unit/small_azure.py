"""A cloud with the credential rows of Azure only, so that these tests hold whatever the real table says."""

from __future__ import annotations

from typing import Any

from objfs.clouds._cloud import ErrorCodes
from objfs.clouds.azure_sas import as_sas
from objfs.options import Layer, Option, OptionTable, Origin, Settings, environment_layer, translate
from objfs.records import replace
from tests.unit.small_cloud import CLOUD as SMALL

SAS_NAMES = ("sas_token", "adls.sas-token", "adls.sas-token.account.dfs.core.windows.net")
SAS_NAMES += ("azure_user_delegation_sas.sas_token",)
EXPIRY = ("expires_at_millis", "adls.sas-token-expires-at-ms.account.dfs.core.windows.net", "expiration_time")
# Azure's own list: https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
REJECTED = frozenset({"AuthenticationFailed", "InvalidAuthenticationInfo"})


def _row(name: str, *aliases: str, env: str = "", **more: Any) -> Option:
    return Option(name=name, meaning=name, aliases=aliases, env=tuple(env.split()), **more)


TABLE = OptionTable(
    (
        _row("account_name", env="AZURE_STORAGE_ACCOUNT_NAME"),
        _row("account_key", "access_key", env="AZURE_STORAGE_ACCOUNT_KEY", secret=True, identity=True),
        Option(
            name="sas_key",
            meaning="sas_key",
            readings=dict.fromkeys(("sas_key", *SAS_NAMES), as_sas),
            env=("AZURE_STORAGE_SAS_TOKEN",),
            secret=True,
            identity=True,
        ),
        _row("token", "bearer_token", "azure_aad.aad_token", env="AZURE_STORAGE_TOKEN", secret=True, identity=True),
        _row("expires_at", *EXPIRY, kind="timestamp", identity=True),
        _row("client_id", env="AZURE_STORAGE_CLIENT_ID AZURE_CLIENT_ID"),
        _row("client_secret", env="AZURE_STORAGE_CLIENT_SECRET AZURE_CLIENT_SECRET", secret=True),
        _row("tenant_id", env="AZURE_STORAGE_TENANT_ID AZURE_TENANT_ID"),
        _row("authority_host", "authority", env="AZURE_AUTHORITY_HOST"),
        _row("federated_token_file", env="AZURE_FEDERATED_TOKEN_FILE"),
        _row("msi_endpoint", env="IDENTITY_ENDPOINT AZURE_MSI_ENDPOINT"),
        _row("identity_header", env="IDENTITY_HEADER", secret=True),
        _row("object_id", env="AZURE_OBJECT_ID"),
        _row("msi_resource_id", env="AZURE_MSI_RESOURCE_ID"),
        _row("use_managed_identity", kind="bool"),
        _row("use_azure_cli", kind="bool", env="AZURE_USE_AZURE_CLI"),
        _row("credential_type", env="AZURE_CREDENTIAL_TYPE"),
        _row("credential", kind="object", secret=True, identity=True),
        _row("skip_signature", "anon", kind="bool", identity=True),
        _row("default_azure_credential_kwargs", kind="dict", members="default_azure_credential_kwargs."),
        _row("default_azure_credential_kwargs.managed_identity_client_id", "managed_identity_client_id"),
        *(
            _row(f"default_azure_credential_kwargs.exclude_{name}_credential", kind="bool")
            for name in ("managed_identity", "cli", "powershell", "developer_cli", "interactive_browser")
        ),
        _row("fabric_token_service_url"),
        _row("fabric_workload_host"),
        _row("fabric_session_token", secret=True),
        _row("fabric_cluster_identifier"),
        _row("root_certificate", kind="pem"),
        _row("allow_invalid_certificates", kind="bool"),
        _row("proxy_url", secret=True),
        _row("storage_options_provider", kind="object", identity=True),
        _row("credential_provider", kind="object", identity=True),
    )
)

CLOUD = replace(
    SMALL,
    name="azure",
    schemes=("az",),
    extra="azure",
    table=TABLE,
    credential_options=("account_key", "sas_key", "token", "expires_at"),
    sufficient=(("token",), ("account_key",), ("sas_key",)),
    store_class="AzureStore",
    errors=ErrorCodes({}, REJECTED, REJECTED),
)


def settings_of(environ: dict[str, str] | None = None, **keywords: Any) -> Settings:
    """Settings of keywords and an environment."""
    return translate(TABLE, [Layer(Origin.KEYWORD, keywords), environment_layer(TABLE, environ or {})])
